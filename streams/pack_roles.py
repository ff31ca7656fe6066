"""Who does what to whom where endings and small words say it rather than order: roles for the language packs.

Arabic puts the verb first, then who does it, then whom it is done to; Russian puts the subject before the verb as a rule. Whoever a
preposition governs is neither. Only the trigger's own clause is read; nothing found is better than somebody wrong.
"""

import re

from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Participant, Scene
from streams.inflect import VERBAL, Form
from streams.roles import Roles

__all__ = ["no_roles", "own_form", "pack_roles"]

_REACH = 90  # characters between a trigger and its participants
_GOVERNED = {
    "ar": re.compile(r"(?:\b(?:علي|في|من|عن|الي|بين|مع|ضد|قرب|خلال|بعد|قبل|نحو|داخل|لدي|باتجاه) |[بلك])$"),
    "ru": re.compile(
        r"\b(?:в|во|на|из|с|со|у|к|ко|от|до|под|по|за|о|об|при|для|над|между|против|около|близ|возле|через|после|во время) (?:\w+ )?$"
    ),
}
_BY = {
    "ar": re.compile(r"\b(?:من قبل|علي يد|علي ايدي|بيد|بايدي|من جانب|شنه|شنها|شنته|شنتها|نفذه|نفذها|نفذته|نفذتها) (?:\w+ )?$"),
    "ru": re.compile(r"\b(?:со стороны|силами|руками|от рук) (?:\w+ )?$"),
}
_ONTO = {"ar": re.compile(r"\b(?:علي|ضد) (?:\w+ )?$"), "ru": re.compile(r"\b(?:по|на|против|у) (?:\w+ )?$")}


def own_form(scene: Scene, trigger: Hit, form: int) -> int:
    """The form of a trigger: what its ending says. A Russian participle that is a noun too is a noun; Arabic may mean either."""
    if form & Form.NOUN and form & VERBAL and "а" <= scene.low[trigger.start] <= "я":
        return form & ~VERBAL
    return form


def _free(scene: Scene, person: Participant, floor: int, lang: str) -> bool:
    return not _GOVERNED[lang].search(scene.low, max(floor, person.start - 24), person.start)


def pack_roles(scene: Scene, trigger: Hit, form: int, rules: ClaimRules) -> Roles:
    """Agents and patients of one trigger."""
    if not scene.participants:
        return Roles()
    low, lang = scene.low, rules.lang
    left, right = scene.clause(trigger.start, trigger.end)
    before = [p for p in scene.participants if left <= p.start and p.end <= trigger.start and trigger.start - p.end < _REACH]
    after = [p for p in scene.participants if trigger.end <= p.start and p.end <= right and p.start - trigger.end < _REACH]
    by = tuple(p for p in after if _BY[lang].search(low, trigger.end, p.start))[:1]
    free_after = [p for p in after if p not in by and _free(scene, p, trigger.end, lang)]
    free_before = [p for p in before if _free(scene, p, left, lang)]
    onto = [p for p in after if p not in by and _ONTO[lang].search(low, trigger.end, p.start)]
    passive = bool(form & Form.PARTICIPLE) or bool(by)
    if not form & VERBAL:
        patients = tuple((onto or free_after)[:1])
        return Roles(by or tuple(p for p in free_before[-1:] if trigger.start - p.end < 2), patients)
    if passive:
        return Roles(by, tuple(free_before[-1:] or free_after[:1]), True)
    if lang == "ar" and not (free_before and left == free_before[0].start):  # verb first
        civilian = rules.bits["victim"]
        if free_after and free_after[0].mask & civilian:
            return Roles(tuple(free_before[-1:]), tuple(free_after[:1]))
        return Roles(tuple(free_after[:1] or free_before[-1:]), tuple((free_after[1:] or onto)[:1]))
    return Roles(tuple(free_before[-1:]), tuple((free_after or onto)[:1]))


def no_roles(_scene: Scene, _trigger: Hit, _form: int, _rules: ClaimRules) -> Roles:
    """Nobody: for languages whose claims are read by their figures alone."""
    return Roles()
