"""How sure a clause is of itself: modality, polarity, background. Cues are data (modality.yaml); their scope is decided here.

Precedence when several apply: question > conditional > call > possible > expected > claimed > reported > asserted.
"""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from streams.attribution import Frame
from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Scene
from streams.inflect import VERBAL, Form

__all__ = ["Mood", "mood"]

Modality = Literal["asserted", "reported", "claimed", "expected", "possible", "conditional", "question", "call"]

_VERB_SCOPE = 60  # characters between an auxiliary or negation and its verb
_OPEN = frozenset(("expected", "possible", "conditional"))
MOOD_WEIGHT = {
    "asserted": 1.0,
    "reported": 1.0,
    "claimed": 0.97,
    "expected": 0.8,
    "possible": 0.8,
    "conditional": 0.65,
    "question": 0.6,
    "call": 0.75,
}
"""Of what is said so, in the confidence of a claim."""
_WORDS_AROUND = 2  # of a time that opens its sentence: "some two years ago this week, ..."
_OPENING = 4  # characters before an "if" that still opens its sentence
_NOUN_SCOPE = 26  # characters between a modifier and its noun
_INVERSION = re.compile(
    r"(?:^|[,;:]\s+|\b(?:but|and|or|so)\s+)(?:how|why|what|when|where|who|which|whether|is|are|was|were|will|would|can|could|should|do|does|did|has|have|may|might|must)\b"
)
_NOBODY = re.compile(r" (?:nobody|no one|no-one|none|no (?!more|fewer|less|longer|doubt)\w)")  # "killed nobody"
_TO = re.compile(r"\bto\s+(?:\w+ly\s+)?$")
_MONTH = re.compile(r"\s+\d{1,2}\b|\s*(?:\d{4})")


class Mood(Struct, frozen=True, gc=False):
    """What a clause says about its own truth."""

    modality: Modality
    negative: bool
    background: bool
    why: str


def _question(scene: Scene, trigger: Hit) -> bool:
    sentence = scene.sentence
    if "?" not in scene.low[sentence.end - 3 : sentence.end]:
        return False
    begin = sentence.start
    for match in _INVERSION.finditer(scene.low[sentence.start : sentence.end]):
        begin = sentence.start + match.start()
        if match.start() == 0:
            break
    return trigger.start >= begin


def _scoped(scene: Scene, trigger: Hit, left: int, verbal: bool, mask: int) -> Hit | None:
    """The nearest cue of `mask` before the trigger whose scope reaches it."""
    reach = _VERB_SCOPE if verbal else _NOUN_SCOPE
    for hit in reversed(scene.hits):
        if hit.end > trigger.start or not hit.mask & mask:
            continue
        if hit.start < left or trigger.start - hit.end > reach:
            return None
        return hit
    return None


def _is_month(scene: Scene, hit: Hit) -> bool:
    return scene.low[hit.start : hit.end] == "may" and (
        bool(_MONTH.match(scene.low, hit.end)) or scene.low[max(0, hit.start - 3) : hit.start].strip() in ("in", "on", "of", "by")
    )


def mood(scene: Scene, trigger: Hit, form: int, rules: ClaimRules, frame: Frame | None) -> Mood:
    """Modality, polarity and background of the clause around `trigger`; `frame` is the attribution it stands in."""
    bits = rules.bits
    left, right = scene.clause(trigger.start, trigger.end)
    verbal = bool(form & VERBAL)
    floor = max(left, frame.scope_start) if frame is not None and frame.scope_start <= trigger.start else left
    negative = False
    modality: Modality = "asserted"
    why = ""
    if frame is not None:
        modality = frame.modality
        negative = frame.denies
        why = frame.verb
    scene_mask = scene.mask
    achieved = bool(scene_mask & bits["achieved"]) and _scoped(scene, trigger, floor, True, bits["achieved"]) is not None
    if scene_mask & bits["expected"] and not achieved:
        cue = _scoped(scene, trigger, floor, verbal, bits["expected"])
        if cue is not None and cue.end <= trigger.start and not _done_since(scene, cue, trigger, form):
            modality, why = "expected", "expected"
    if verbal and form & Form.BASE and not achieved and modality != "expected":
        before = scene.low[max(floor, trigger.start - 20) : trigger.start]
        if _TO.search(before) and not _refused(scene, trigger, bits["negation"]):
            modality, why = "expected", "to + verb"
    if scene_mask & bits["possible"]:
        cue = _scoped(scene, trigger, floor, verbal, bits["possible"])
        if cue is not None and not _is_month(scene, cue) and not _done_since(scene, cue, trigger, form):
            modality, why = "possible", scene.low[cue.start : cue.end]
    if frame is not None and frame.calls and modality in ("expected", "asserted", "reported", "claimed"):
        modality, why = "call", frame.verb
    elif scene_mask & bits["call_to"]:
        cue = _scoped(scene, trigger, floor, verbal, bits["call_to"])
        if cue is not None and verbal != scene.low.endswith("for", cue.start, cue.end):
            modality, why = "call", scene.low[cue.start : cue.end]
    if scene_mask & bits["conditional"]:
        for hit in scene.hits:
            if not hit.mask & bits["conditional"]:
                continue
            lead = scene.low[max(scene.sentence.start, floor) : hit.start].strip(" \"'“”(")
            opens = not lead or hit.start - scene.sentence.start < _OPENING
            ahead = hit.start < trigger.start and (opens or left - 1 <= hit.start)
            behind = hit.start >= trigger.end and modality in _OPEN and ";" not in scene.low[trigger.end : hit.start]
            if ahead or behind:  # the whole of "if ..., then ..." depends on it, whichever comes first
                modality, why = "conditional", "if"
    if scene_mask & bits["conditional_after"] and any(
        h.mask & bits["conditional_after"] and trigger.end <= h.start <= right for h in scene.hits
    ):
        modality, why = "conditional", "if needed"
    if _question(scene, trigger):
        modality, why = "question", "?"
    if scene_mask & (bits["negation"] | bits["minimiser"]) and _negated(scene, trigger, floor, right, verbal, bits):
        negative = not negative
    background = bool(scene_mask & bits["background"]) and any(
        h.mask & bits["background"] and h.start <= right and (h.end > left or _opens(scene, h, left)) for h in scene.hits
    )
    return Mood(modality, negative, background, why)


def _opens(scene: Scene, cue: Hit, left: int) -> bool:
    """Whether a time at the head of its sentence leads over to the clause from `left`: "Four years ago today, Mosul fell"."""
    before, between = scene.low[scene.sentence.start : cue.start], scene.low[cue.end : left]
    return len(before.split()) <= _WORDS_AROUND and len(between.split()) <= _WORDS_AROUND and between.rstrip().endswith(",")


def _done_since(scene: Scene, cue: Hit, trigger: Hit, form: int) -> bool:
    """Whether the verb is a past of its own after what was only meant: "foiled an attempt to smuggle arms and killed two"."""
    if not form & Form.PAST or form & Form.BASE or not scene.low.endswith("to", cue.start, cue.end):
        return False
    return " and " in scene.low[cue.end : trigger.start] and " be " not in scene.low[cue.end : trigger.start]


def _refused(scene: Scene, trigger: Hit, negation: int) -> bool:
    """Whether what follows is denied rather than expected: after "failed to", "unable to"."""
    return any(h.mask & negation and 0 < trigger.start - h.end <= 12 and scene.low.endswith("to", h.start, h.end) for h in scene.hits)


def _negated(scene: Scene, trigger: Hit, floor: int, right: int, verbal: bool, bits: Mapping[str, int]) -> bool:
    cue = _scoped(scene, trigger, floor, verbal, bits["negation"])
    if cue is not None and not cue.mask & bits["not_negation"] and not cue.uses:
        return True
    if verbal and _NOBODY.match(scene.low, trigger.end):
        return True
    little = _scoped(scene, trigger, floor, verbal, bits["minimiser"])
    if little is not None and trigger.start - little.end < 20:
        return True
    return verbal and any(h.mask & bits["minimiser"] and trigger.end <= h.start <= min(right, trigger.end + 6) for h in scene.hits)
