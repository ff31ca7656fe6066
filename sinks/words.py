"""Words for the full-text index, and the way back from a word to the original text.

Text is folded (case, diacritics, Arabic letter variants), then cut into words here rather than by SQLite, so that the index,
the query and the highlights agree on every word:
- "8,000" is one word, 8000;
- Chinese, Japanese, Korean and Thai are cut into characters, and a query of several becomes a phrase;
- Arabic words lose the article and the particles glued to it (والموصل, بالموصل, الموصل are one word): prefixes of the "light"
  stemmer of Larkey, Ballesteros and Connell (2002), kept only where at least three letters remain.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from tocsin.fold import Folded, fold

LONGEST = 64
"""Characters of a word that are indexed; longer ones are base64 and the like."""

_SINGLE = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"\d{{1,3}}(?:[,.']\d{{3}})+(?!\w)|[{_SINGLE}]|[^\W_{_SINGLE}]+")
_ARABIC_PREFIX = re.compile(r"(?:[وف]?[بك]?ال|[وف]?لل)(?=\w{3})")


class Word(NamedTuple):
    """One word of a text; `start` and `end` are places in the folded text."""

    key: str
    start: int
    end: int


@lru_cache(maxsize=65_536)
def _key(raw: str) -> str:
    first = raw[0]
    if first.isdigit():
        return raw.translate(_NO_SEPARATORS)[:LONGEST]
    if "\u0600" <= first <= "\u06ff" and (prefix := _ARABIC_PREFIX.match(raw)):
        raw = raw[prefix.end() :]
    return raw[:LONGEST]


_NO_SEPARATORS = str.maketrans("", "", ",.'")


def keys(text: str) -> list[str]:
    """Index words of a text, in order."""
    return list(map(_key, _WORD.findall(fold(text).text)))


def words(folded: Folded) -> list[Word]:
    """Words of a text with their places in it."""
    return [Word(_key(found.group()), found.start(), found.end()) for found in _WORD.finditer(folded.text)]


class Pattern(NamedTuple):
    """Words to find in a row; `prefix`: the last one may go on."""

    keys: tuple[str, ...]
    prefix: bool = False


def find(patterns: tuple[Pattern, ...], text: str) -> list[tuple[int, int, int]]:
    """Where the patterns stand in `text`: (start, end, index of the pattern), in order of start."""
    places: list[tuple[int, int, int]] = []
    if not patterns:
        return places
    folded = fold(text)
    there = words(folded)
    by_key: dict[str, list[int]] = {}
    for at, word in enumerate(there):
        by_key.setdefault(word.key, []).append(at)
    for index, pattern in enumerate(patterns):
        head, size = pattern.keys[0], len(pattern.keys)
        if size == 1 and pattern.prefix:
            starts = [at for key, found in by_key.items() if key.startswith(head) for at in found]
        else:
            starts = by_key.get(head, [])
        matched = [at for at in starts if _follows(pattern, there, at)]
        places += [(folded.start(there[at].start), folded.end(there[at + size - 1].end), index) for at in matched]
    return sorted(places)


def _follows(pattern: Pattern, there: list[Word], at: int) -> bool:
    last = len(pattern.keys) - 1
    if at + last >= len(there):
        return False
    for step, key in enumerate(pattern.keys):
        word = there[at + step].key
        if word != key and not (pattern.prefix and step == last and word.startswith(key)):
            return False
    return True
