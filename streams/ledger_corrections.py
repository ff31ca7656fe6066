"""Corrections an article prints: which of its figures it takes back, and whom it says nobody died.

"Correction: an earlier version said nine were killed. No one died." takes nine back and says nought. Cues and words are data
(`data/ledger.yaml`), in all languages at once; a text without a cue costs one search.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.ledger_rules import LedgerRules
from tocsin.records import Sentence

_NOTE = 3  # sentences of a correction, its first one included
_NEAR = 16  # code points between "not" and the figure it takes back


class Corrections(NamedTuple):
    """What a text takes back. Offsets are code points of the text."""

    taken_back: tuple[tuple[int, int], ...] = ()  # stretches whose figures no longer hold
    instead: tuple[int, ...] = ()  # ends of "not", "instead of" in a correction: the figure right behind no longer holds
    nobody: tuple[str, ...] = ()  # roles (killed, injured) of which a correction says: nobody
    note: tuple[int, int] = (0, 0)  # the first correction, with what it goes on to say

    def takes_back(self, start: int, end: int) -> bool:
        """Whether a figure at [start, end) is one that no longer holds."""
        return any(first <= start and end <= last for first, last in self.taken_back) or any(0 <= start - at < _NEAR for at in self.instead)


NONE = Corrections()


def find_corrections(text: str, sentences: Sequence[Sentence], rules: LedgerRules) -> Corrections:
    """The corrections in `text`; `NONE` for nearly all."""
    low = text.lower().replace("’", "'").encode("utf-8", "replace").decode()  # half a character is none that a cue has
    if not rules.cues.find_matches_as_indexes(low):
        return NONE
    taken_back: list[tuple[int, int]] = []
    instead: list[int] = []
    roles: dict[str, None] = {}
    note = (0, 0)
    for index, sentence in enumerate(sentences):
        start, end = sentence.start, sentence.end
        if rules.correction.search(text, start, end) is None:
            continue
        earlier = rules.earlier_version.search(text, start, end)
        if earlier is None and rules.note.search(text, start, end):
            earlier = rules.earlier_report.search(text, start, end)
        if earlier is not None:
            until = rules.taken_back_until.search(text, earlier.end(), end)
            taken_back.append((start, until.start() if until else end))
        instead += [match.end() for match in rules.instead_of.finditer(text, start, end)]
        last = sentences[min(index + _NOTE, len(sentences)) - 1].end
        note = note if note[1] else (start, last)
        roles.update(dict.fromkeys(nobody_in(text, start, last, rules)))
    return Corrections(tuple(taken_back), tuple(instead), tuple(roles), note)


def nobody_in(text: str, start: int, end: int, rules: LedgerRules) -> tuple[str, ...]:
    """Roles (killed, injured) of which the stretch says: nobody."""
    return tuple(role for role, words in rules.nobody if words.search(text, start, end))
