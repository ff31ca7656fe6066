"""Triggers that rules accept, before they become records: which of them stay when several speak of one event."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from streams.attribution import Frame
from streams.claim_rules import Hit, Rule
from streams.figure_claims import FigureClaim
from streams.inflect import VERBAL
from streams.modality import Mood
from streams.roles import Roles

__all__ = ["FIGURED", "Found", "is_told", "resolve", "subtype_of"]

_FORCE = frozenset(("armed_clash", "remote_strike", "targeted_attack"))
_BESIDE = 60  # characters between triggers of one event
_BEATEN = 0.75  # weight of a general code elsewhere in the sentence of a specific one
_BEATS_FROM = 0.8  # a specific code explains a general one away if it is at least this sure beside it
_UNREALISED = frozenset(("conditional", "question", "possible", "expected", "call"))


class Found(Struct, frozen=True, gc=False):
    """A trigger that a rule accepts, before it becomes a record."""

    rule: Rule
    trigger: Hit
    form: int
    roles: Roles
    mood: Mood
    frames: list[Frame]
    score: float
    clause: tuple[int, int]
    figured: FigureClaim | None = None  # the figures that make this claim


def has_parties(item: Found) -> bool:
    """Whether anybody does it or suffers it."""
    return bool(item.roles.patients or item.roles.agents)


def resolve(found: list[Found]) -> list[Found]:
    """One claim per predicate: the best of those that share a trigger and type, or a clause and code; specific codes beat general ones."""
    if len(found) < 2:
        return found
    found = sorted(found, key=lambda f: (-f.score, f.trigger.start, f.rule.order))
    kept: list[Found] = []
    for item in found:
        if not _clashes(item, kept):
            kept.append(item)
    kept = [item for item in kept if not _beaten(item, kept, apart=False)]
    return [
        _demoted(item) if _beaten(item, kept, apart=True) else item
        for item in kept
        if has_parties(item) or not _beaten(item, kept, apart=True)
    ]


def _clashes(item: Found, kept: Sequence[Found]) -> bool:
    """Whether one of those `kept` already tells what this trigger does."""
    rule, start, end = item.rule, item.trigger.start, item.trigger.end
    noun, parties, agents = not item.form & VERBAL, has_parties(item), item.roles.agents
    sub_event = rule.codes.acled_sub_event
    for other in kept:
        same_type = rule.type == other.rule.type
        if noun:
            if not parties and rule.type in _FORCE and other.rule.type in _FORCE and has_parties(other):
                return True  # "In a further attack, fighters shelled ...": the noun announces the verb
            if rule is other.rule and rule.type != "remote_strike" and agents in ((), other.roles.agents):
                return True  # the same thing said again in other words
        if (same_type or sub_event) and start < other.trigger.end and other.trigger.start < end:
            return True
        if same_type:
            if item.clause == other.clause and not _apart(item, other):
                return True
            if sub_event and not parties and sub_event == other.rule.codes.acled_sub_event and rule.type not in FIGURED:
                return True
    return False


def _beaten(item: Found, kept: Sequence[Found], apart: bool) -> bool:
    """Whether a more specific code explains this one away: beside it (the same event), or elsewhere in the sentence (`apart`)."""
    if item.rule.type in FIGURED:
        return False
    for other in kept:
        if item.rule.codes.acled_sub_event in other.rule.beats and other.score >= _BEATS_FROM * item.score:
            beside = item.clause == other.clause or abs(item.trigger.start - other.trigger.start) < _BESIDE
            if beside != apart:
                return True
    return False


def _demoted(item: Found) -> Found:
    return replace(item, score=item.score * _BEATEN)


def subtype_of(rule: Rule, modality: str) -> str:
    """What has not happened has a subtype of its own: "hypothetical_capture", "forecast"."""
    if rule.unrealised and modality in _UNREALISED:
        return rule.unrealised
    return "forecast" if rule.subtype == "flow" and modality in _FORECAST else rule.subtype


def _apart(one: Found, two: Found) -> bool:
    """Same type in one clause, yet two predicates: different subtypes with patients of their own."""
    return one.rule.subtype != two.rule.subtype and one.rule.type not in ("armed_clash", "remote_strike", "unrest")


FIGURED = frozenset(("displacement", "casualties"))  # types whose every figure makes a claim of its own
_FORECAST = frozenset(("expected", "possible", "conditional"))


def is_told(item: Found, figured: Sequence[Found]) -> bool:
    """Whether a figure already makes this claim: same type and clause, or the same words."""
    for other in figured:
        if other.rule.type == item.rule.type and other.figured is not None:
            overlap = item.trigger.start < other.figured.end and other.figured.start < item.trigger.end
            if overlap or item.clause == other.clause:
                return True
    return False
