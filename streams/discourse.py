"""What a text is about, as far as it bears on deeds: a word of force in a page of sport, trade or software is a figure of speech.

A deed keeps its confidence where words of armed, public or natural calamity stand in the sentences around it; alone among ordinary
sentences it loses part of it. Nothing is dropped: the claim is there, below the confidence that alerts ask for. Texts of a few sentences
say too little about themselves and are left alone.
"""

from bisect import bisect_right
from collections.abc import Sequence

from streams.claim_rules import ClaimRules, Hit
from tocsin.records import Mention, Sentence

_SHORTEST = 600  # characters of a text that says what it is about
_AROUND = 3  # sentences either side
_STEM = 4  # letters: "kills" and "killed" are one word of evidence
_EMPTY = frozenset(("a", "an", "the", "of", "in", "on", "at", "to", "by", "for", "and", "from", "with"))
_ENOUGH = 2.0  # words of evidence with which a deed keeps its confidence; a weak one counts half
_SCALE = (0.6, 0.7, 0.8, 0.9)  # weight by half words of evidence below that
_FULL = 1.0
_WAR = 3  # other words of war in the sentences around, with which a deed is surer than its rule alone makes it
_MOST_CALM = 2  # half words of evidence that a few ordinary words can outweigh
_CALM = 4  # ordinary words that outweigh as many of calamity
_ABOUT = 5  # ordinary words with which the whole text is about sport, films or trade, if it has no more of calamity
_ELSEWHERE = 0.65  # weight of every deed there
_SURER = 1.12
# Type -> groups of terms.yaml whose words are evidence for it as well.
_ALSO = {
    "coercion": "calamity_law",
    "targeted_attack": "calamity_law",
    "unrest": "calamity_public",
    "displacement": "calamity_nature",
    "casualties": "calamity_nature",
    "destruction": "calamity_nature",
}
_NOT = {"displacement": "calamity_crowd"}  # type -> group whose words are no evidence for it
# Displacement told by a word of any journey ("70 people arrived") is meant where the text speaks of flight.
_JOURNEYS_STEMS = (
    "arri ente cros join move movi regi left leav retu went gone head stay pour stre migr tran buse buss flew came to in into at from back "
    "home have has"
)
_JOURNEYS = frozenset(_JOURNEYS_STEMS.split())
_FLIGHT = "calamity_flight"
_FIGHTING = "calamity_war"
_ORDINARY = "calm"
_GROUPS = ("calamity", "calamity_weak", _FLIGHT, _FIGHTING, _ORDINARY, *dict.fromkeys((*_ALSO.values(), *_NOT.values())))
# Types that ordinary words of force are mistaken for.
_DEEDS_WORDS = (
    "armed_clash remote_strike targeted_attack casualties displacement territorial_control force_movement force_posture destruction "
    "coercion unrest group_activity"
)
_DEEDS = frozenset(_DEEDS_WORDS.split())


class Discourse:
    """Evidence of calamity by sentence; what it says of a trigger is computed when asked for."""

    def __init__(self, low: str, hits: Sequence[Hit], actors: Sequence[Mention], sentences: Sequence[Sentence], rules: ClaimRules) -> None:
        """`hits`, `actors` and `sentences` in order, of the lower-cased text `low`."""
        self._masks = {name: rules.bits.get(name, 0) for name in _GROUPS}
        self._read = len(low) >= _SHORTEST and bool(self._masks["calamity"])
        self._found: dict[int, dict[str, int]] = {}  # sentence -> stem -> classes
        self._near: dict[int, dict[str, int]] = {}
        self._elsewhere = False
        if not self._read:
            return
        wanted = 0
        for mask in self._masks.values():
            wanted |= mask
        spans = [(hit.start, hit.end, hit.mask) for hit in hits if hit.mask & wanted]
        spans += [(a.start, a.end, mask) for a in actors if (mask := rules.actor_bits.get(a.type, 0) & self._masks["calamity"])]
        starts = [sentence.start for sentence in sentences]
        for start, end, mask in spans:
            stems = self._found.setdefault(bisect_right(starts, start) - 1, {})
            for stem in _stems(low[start:end]):
                stems[stem] = stems.get(stem, 0) | mask

        every: dict[str, int] = {}
        for stems in self._found.values():
            for stem, mask in stems.items():
                every[stem] = every.get(stem, 0) | mask
        calm = sum(bool(mask & self._masks[_ORDINARY]) for mask in every.values())
        self._elsewhere = calm >= _ABOUT and calm >= sum(bool(mask & self._masks["calamity"]) for mask in every.values())

    def weight(self, kind: str, index: int, words: str) -> float:
        """Weight of a claim of type `kind` in sentence `index` whose trigger is `words` (lower case)."""
        if not self._read or kind not in _DEEDS:
            return _FULL
        near = self._near.get(index)
        if near is None:
            near = self._near[index] = {}
            for at in {0, *range(index - _AROUND, index + _AROUND + 1)}:  # the headline counts everywhere
                for stem, mask in self._found.get(at, {}).items():
                    near[stem] = near.get(stem, 0) | mask
        own = _stems(words)
        no = self._masks[_NOT[kind]] if kind in _NOT else 0
        strong, weak = self._masks["calamity"] & ~no, self._masks["calamity_weak"] & ~no
        if kind == "displacement" and own <= _JOURNEYS:
            strong, weak = self._masks[_FLIGHT], 0
        also = self._masks[_ALSO[kind]] if kind in _ALSO else 0
        ordinary = self._masks[_ORDINARY]  # words of sport, trade or fiction speak against it
        halves = calm = 0
        for stem, mask in near.items():
            if stem not in own:
                halves += 2 if mask & strong else 1 if mask & (weak | also) else 0
                calm += bool(mask & ordinary)
        halves -= 2 * calm if calm >= _CALM else min(calm, _MOST_CALM)
        if halves < 2 * _ENOUGH:
            return min(_SCALE[max(0, halves)], _ELSEWHERE if self._elsewhere else _FULL)
        if self._elsewhere:
            return _ELSEWHERE
        war = self._masks[_FIGHTING]
        return _SURER if sum(bool(mask & war) for stem, mask in near.items() if stem not in own) >= _WAR else _FULL


def _stems(words: str) -> set[str]:
    return {word[:_STEM] for word in words.replace("-", " ").split()} - _EMPTY
