"""How sure a clause is of itself, for the language packs: cues from their words.yaml, scope by clause and distance.

Same precedence as `streams.modality`: question > conditional > call > possible > expected > claimed > reported > asserted.
"""

from typing import Literal

from streams.attribution import Frame
from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Scene
from streams.inflect import VERBAL, Form
from streams.modality import Mood

__all__ = ["pack_mood"]

_REACH = 60  # characters from a cue to the trigger it colours
_NEGATED = {"ar": 34, "ru": 26}  # characters from a negation to its trigger
_NEGATED_VERB = {"ar": 22, "ru": 18}
_NEGATED_ELSE = 20
_OPENING = 4  # characters before an "if" that opens its sentence
_AFTER = 24  # "погибших нет"
_WHETHER = 4  # "бомбили ли"

Modality = Literal["asserted", "reported", "claimed", "expected", "possible", "conditional", "question", "call"]


def _cue(scene: Scene, trigger: Hit, floor: int, mask: int, reach: int = _REACH) -> Hit | None:
    """The nearest cue of `mask` before the trigger, within reach and clause."""
    if not scene.mask & mask:
        return None
    for hit in reversed(scene.hits):
        if hit.end <= trigger.start and hit.mask & mask:
            return hit if hit.start >= floor and trigger.start - hit.end <= reach else None
    return None


def pack_mood(scene: Scene, trigger: Hit, form: int, rules: ClaimRules, frame: Frame | None) -> Mood:
    """Modality, polarity and background of the clause around `trigger`; `frame` is the attribution it stands in."""
    bits = rules.bits
    left, right = scene.clause(trigger.start, trigger.end)
    floor = max(left, frame.scope_start) if frame is not None and frame.scope_start <= trigger.start else left
    modality: Modality = "asserted"
    negative, why = False, ""
    if frame is not None:
        modality, negative, why = frame.modality, frame.denies, frame.verb
    denied = _negation(scene, trigger, floor, right, form, rules)
    achieved = _cue(scene, trigger, floor, bits["achieved"], 12) is not None
    if not achieved:
        cue = _cue(scene, trigger, floor, bits["expected"])
        if form & Form.FUTURE and not form & (Form.PAST | Form.NOUN):
            modality, why = "expected", "future"
        elif cue is not None:
            modality, why = "expected", scene.low[cue.start : cue.end]
        elif form & Form.BASE and not denied:
            modality, why = "expected", "infinitive"
        cue = (
            _cue(scene, trigger, floor, bits["possible"])
            or _aside(scene, trigger, bits["possible"])
            or (_maybe(scene, trigger, floor, rules) if rules.lang == "ar" else None)
        )
        if cue is not None:
            modality, why = "possible", scene.low[cue.start : cue.end]
    call = _cue(scene, trigger, floor, bits["call_to"])
    stands = trigger.mask & bits.get("state", 0) and not form & VERBAL  # "free the abducted": they are abducted
    if stands and modality in ("call", "expected"):
        modality, why = "asserted", "state"
    elif (frame is not None and frame.calls) or call is not None:
        modality, why = "call", frame.verb if frame is not None and frame.calls else "must"
    early = scene.mask & bits["conditional"] and any(h.mask & bits["conditional"] and left <= h.start < trigger.start for h in scene.hits)
    if early or (modality in ("expected", "possible") and _depends(scene, trigger, bits["conditional"])):
        modality, why = "conditional", "if"
    if _question(scene, trigger, floor, bits["question"], bits["whether"]):
        modality, why = "question", "?"
    background = bool(scene.mask & bits["background"]) and any(h.mask & bits["background"] and left <= h.start <= right for h in scene.hits)
    return Mood(modality, negative != denied, background, why)


def _depends(scene: Scene, trigger: Hit, conditional: int) -> bool:
    """Whether an "if" comes soon after ("will shell the port if the siege goes on") or opens the sentence."""
    if not scene.mask & conditional:
        return False
    opening = scene.sentence.start + _OPENING
    return any(h.mask & conditional and (0 < h.start - trigger.end <= _REACH or h.start <= opening < trigger.start) for h in scene.hits)


def _aside(scene: Scene, trigger: Hit, possible: int) -> Hit | None:
    """A "perhaps" between commas, in the clause before."""
    if not scene.mask & possible:
        return None
    for hit in scene.hits:
        if hit.mask & possible and 0 <= trigger.start - hit.end <= _REACH and scene.low[hit.end : hit.end + 1] == ",":
            return hit
    return None


def _maybe(scene: Scene, trigger: Hit, floor: int, rules: ClaimRules) -> Hit | None:
    """Arabic "qad" says "perhaps" before an imperfect, "already" before a past."""
    cue = _cue(scene, trigger, floor, rules.bits["maybe"])
    if cue is None:
        return None
    word = scene.low[cue.end : cue.end + 20].split()
    if not word or word[0][0] not in "يتن":
        return None
    past = any(h.start == cue.end + 1 and any(u.form & Form.PAST and not u.form & Form.ING for u in h.uses) for h in scene.hits)
    return None if past or word[0] in ("تم", "تمت", "تمكن", "تمكنت", "تسبب", "تسببت", "تعرض", "تعرضت") else cue


def _question(scene: Scene, trigger: Hit, floor: int, question: int, whether: int) -> bool:
    end = scene.sentence.end
    if any(mark in scene.low[end - 3 : end] for mark in "?؟"):
        return True
    if scene.mask & whether and any(h.mask & whether and 0 <= h.start - trigger.end < _WHETHER for h in scene.hits):
        return True
    return _cue(scene, trigger, floor, question) is not None


def _negation(scene: Scene, trigger: Hit, floor: int, right: int, form: int, rules: ClaimRules) -> bool:
    bits = rules.bits
    if not scene.mask & (bits["negation"] | bits["negation_after"]):
        return False
    reach = (_NEGATED_VERB if form & VERBAL else _NEGATED).get(rules.lang, _NEGATED_ELSE)
    cue = _cue(scene, trigger, floor, bits["negation"], reach)
    if cue is not None:
        between = [h for h in scene.hits if cue.end <= h.start and h.end <= trigger.start and h.mask & bits["speech"]]
        return not between
    if form & VERBAL:
        return False
    return any(h.mask & bits["negation_after"] and 0 <= h.start - trigger.end <= _AFTER and h.end <= right for h in scene.hits)
