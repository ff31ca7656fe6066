"""The query language: words AND, "phrases", -excluded, OR, prefix*. Anything else a person types is read as words.

`mosul raqqa OR aleppo -football` means mosul, and raqqa or aleppo, without football.
"""

import re
from typing import NamedTuple

from sinks.words import Pattern, keys
from tocsin.errors import UsageError

MOST_TERMS = 100
_PART = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)"?(?P<star>\*?)|(?P<word>[^\s"]+)')
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))


class Parsed(NamedTuple):
    """A query as AND of ORs, and what must not be there."""

    groups: tuple[tuple[Pattern, ...], ...]
    excluded: tuple[Pattern, ...]

    @property
    def wanted(self) -> tuple[Pattern, ...]:
        """All patterns that may be highlighted."""
        return tuple(pattern for group in self.groups for pattern in group)


def parse(text: str) -> Parsed:
    """Read a query. Raises UsageError when it has no word to search for, or too many."""
    groups: list[list[Pattern]] = []
    excluded: list[Pattern] = []
    joining = False
    for part in _PART.finditer(text.translate(_QUOTES)):
        word = part["word"]
        if word in ("OR", "|", "||"):
            joining = bool(groups)
            continue
        if word in ("AND", "&", "&&", "+"):
            joining = False
            continue
        minus, raw, star = _read(part)
        found = tuple(keys(raw))
        if not found:
            continue
        pattern = Pattern(found, star)
        if minus:
            excluded.append(pattern)
        elif joining:
            groups[-1].append(pattern)
        else:
            groups.append([pattern])
        joining = False
    if text.strip() and not groups and not excluded:
        raise UsageError(f"no word to search for in {text.strip()[:60]!r}: give a word, or leave the query out and use filters")
    if sum(map(len, groups)) + len(excluded) > MOST_TERMS:
        raise UsageError(f"more than {MOST_TERMS} words in one query: search for fewer")
    return Parsed(tuple(tuple(dict.fromkeys(group)) for group in groups), tuple(dict.fromkeys(excluded)))


def _read(part: re.Match[str]) -> tuple[bool, str, bool]:
    """(excluded?, the words, prefix?) of one part."""
    word = part["word"]
    if word is None:
        return bool(part["minus"]), part["phrase"], bool(part["star"])
    return word.startswith("-"), word, word.rstrip(")").endswith("*")
