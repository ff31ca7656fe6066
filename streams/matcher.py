"""Find many names at once in folded text (Aho-Corasick), on word boundaries, with offsets of the original text.

`tocsin.fold` folds text and names alike. A match must stand on word boundaries; two kinds of languages glue small words to names:
Arabic script puts clitics before (wa-, fa-, bi-, li-, ka-, al-), Cyrillic puts case endings after (up to three letters).
"""

import re
from collections.abc import Sequence
from typing import Generic, TypeVar

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
from msgspec import Struct

from tocsin.fold import Folded, fold_key

P = TypeVar("P")

_ARABIC = re.compile("[\u0600-\u06ff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_ARABIC_CLITICS = frozenset(("و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "كال", "لل", "ولل", "وب", "ول", "وبال", "وس"))
_CLITIC_LENGTH = 4
_ENDING_LENGTH = 3
_OTHER_SCRIPT, _ARABIC_SCRIPT, _CYRILLIC_SCRIPT = range(3)


def _script(name: str) -> int:
    if _ARABIC.search(name):
        return _ARABIC_SCRIPT
    return _CYRILLIC_SCRIPT if _CYRILLIC.search(name) else _OTHER_SCRIPT


class Match(Struct, Generic[P], frozen=True, gc=False):
    """One name found: offsets in the original text, and what the name stands for."""

    start: int
    end: int
    payload: P
    inflected: bool  # a clitic or case ending was glued to it


class Matcher(Generic[P]):
    """An automaton over names. Build once, share freely: it keeps no state between texts."""

    def __init__(self, names: Sequence[tuple[str, P]]) -> None:
        """`names`: (name, payload) pairs; several payloads may share a name."""
        merged: dict[str, list[P]] = {}
        for name, payload in names:
            if key := fold_key(name):
                merged.setdefault(key, []).append(payload)
        self._patterns = list(merged)
        self._payloads = list(merged.values())
        self._script = [_script(pattern) for pattern in self._patterns]
        self._automaton = AhoCorasick(self._patterns, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA)

    def find_all(self, folded: Folded) -> list[Match[P]]:
        """Every match on word boundaries, overlapping ones too, in order of start."""
        text = folded.text
        found: list[Match[P]] = []
        scripts, payloads, size, shifted = self._script, self._payloads, len(text), folded.is_shifted
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            glued = start > 0 and text[start - 1].isalnum()
            if scripts[index] == _OTHER_SCRIPT:
                if (glued and text[start].isalnum()) or (end < size and text[end].isalnum() and text[end - 1].isalnum()):
                    continue  # most matches: within a longer word
                stop: int | None = end
            else:
                stop = self._boundaries(text, start, end, scripts[index])
            if stop is None:
                continue
            begin, finish = (folded.start(start), folded.end(stop)) if shifted else (start, stop)
            glued = glued or stop != end
            for payload in payloads[index]:
                found.append(Match(begin, finish, payload, glued))  # noqa: PERF401  # a generator for one payload costs more
        found.sort(key=lambda m: (m.start, -m.end))
        return found

    def find(self, folded: Folded) -> list[Match[P]]:
        """Matches that no longer match covers; payloads of the same name stay side by side."""
        kept: list[Match[P]] = []
        for match in self.find_all(folded):
            if not kept or match.start >= kept[-1].end or (match.start, match.end) == (kept[-1].start, kept[-1].end):
                kept.append(match)
        return kept

    @staticmethod
    def _boundaries(text: str, start: int, end: int, script: int) -> int | None:
        """None: not on word boundaries. Else where the word ends, its case ending included (an Arabic clitic stays outside)."""
        if start and text[start - 1].isalnum() and text[start].isalnum():
            if script != _ARABIC_SCRIPT:
                return None
            head = start
            while head and start - head <= _CLITIC_LENGTH and text[head - 1].isalnum():
                head -= 1
            if text[head:start] not in _ARABIC_CLITICS:
                return None
        tail = end
        if end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            if script != _CYRILLIC_SCRIPT:
                return None
            while tail < len(text) and tail - end <= _ENDING_LENGTH and text[tail].isalnum():
                tail += 1
            if tail - end > _ENDING_LENGTH:
                return None
        return tail
