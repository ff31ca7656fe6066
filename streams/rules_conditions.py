"""Conditions of alert rules: a tree of AND, OR and NOT over facts, and the facts without which a condition cannot hold.

A fact is a short string such as "actor:org:rsf" or "claim:casualties". What an article says is turned into sets of facts once
(`streams.rules_match`); a condition is tested against a set. `anchors` are facts of which one must be there, so that rules are looked up
by what an article says and never gone through one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from tocsin.fold import fold_key
from tocsin.records import Record

Words = str | tuple[str, ...]
"""One value, or several of which any will do."""
Facts = frozenset[str] | set[str]


class Near(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Within `km` of a place, or of a point in degrees (WGS 84)."""

    km: float
    place: str | None = None
    lat: float | None = None
    lon: float | None = None


class Condition(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must hold. Several fields of one condition must all hold; of several values of one field, any."""

    all: tuple["Condition", ...] = ()
    any: tuple["Condition", ...] = ()
    not_: "Condition | None" = msgspec.field(default=None, name="not")
    actor: Words = ()  # name, alias or id
    actor_type: Words = ()  # nonstate_armed, militia, state_military, ...
    place: Words = ()  # with all that lies in it: a city's districts, a country's towns
    near: Near | None = None
    claim: Words = ()  # type, or type/subtype: "territorial_control/captured"
    modality: Words = ()  # asserted reported claimed expected possible conditional question call
    polarity: Words = ()  # affirmative negative
    said_by: Words = ()  # who says so: name, alias or id
    said_by_kind: Words = ()  # author organisation government media belligerent_media group individual unnamed
    lang: Words = ()  # ISO 639-1
    source: Words = ()  # source id
    text: Words = ()  # words or a phrase, in the sentence; whole words, whatever the case and accents


FIELDS = ("actor", "place", "said_by", "text", "actor_type", "claim", "said_by_kind", "source", "modality", "polarity", "lang")
"""The most telling first."""
OF_CLAIMS = frozenset({"claim", "modality", "polarity", "said_by", "said_by_kind"})
"""Only a claim has these."""
_NAMED = ("actor", "place", "said_by")
_TYPES = frozenset(
    (
        *("armed_clash", "remote_strike", "targeted_attack", "casualties", "displacement", "territorial_control", "force_movement"),
        *("force_posture", "group_activity", "destruction", "humanitarian_response", "coercion", "unrest", "political_action"),
        *("statement", "assessment"),
    )
)
_MODALITIES = frozenset(["asserted", "reported", "claimed", "expected", "possible", "conditional", "question", "call"])
_POLARITIES = frozenset(("affirmative", "negative"))
_CLOSED = {"modality": _MODALITIES, "polarity": _POLARITIES}


class Unknown(Exception):
    """A value that nobody knows, and the steps to it."""

    def __init__(self, problem: str, *steps: str | int) -> None:
        super().__init__(problem)
        self.problem, self.steps = problem, list(steps)


class Resolver(NamedTuple):
    """Names to ids."""

    ids: Callable[[str], tuple[str, ...]]
    near: Callable[[Near], tuple[str, ...]] | None = None  # ids of places around


class Test(NamedTuple):
    """A condition made ready."""

    holds: Callable[[Facts], bool]
    anchors: tuple[frozenset[str], ...]  # of each set one fact must be there, the most telling set first; none: it can hold without any
    fields: frozenset[str]  # that it looks at
    facts: frozenset[str]  # that it looks for


def words_of(value: Words) -> tuple[str, ...]:
    """One value or several, as several."""
    return (value,) if isinstance(value, str) else value


def phrases(condition: Condition) -> Iterator[str]:
    """Every phrase that a condition looks for in the text."""
    yield from words_of(condition.text)
    for part in (*condition.all, *condition.any, *((condition.not_,) if condition.not_ else ())):
        yield from phrases(part)


def phrase_fact(phrase: str) -> str:
    """The fact that a sentence has a phrase."""
    return f"text:{fold_key(phrase)}"


def compiled(condition: Condition, resolver: Resolver) -> Test:
    """Make a condition ready. Raises Unknown for a name or value nobody knows."""
    given = {field: words_of(getattr(condition, field)) for field in FIELDS}
    parts = [_leaf(field, _facts(field, values, resolver)) for field, values in given.items() if values]
    if condition.near is not None:
        if resolver.near is None or not (found := resolver.near(condition.near)):
            raise Unknown("near: no such place; give the name or id of a place, or lat and lon", "near")
        parts.append(_leaf("place", frozenset(f"place:{place}" for place in found)))
    parts += [_inside(part, resolver, "all", index) for index, part in enumerate(condition.all)]
    if condition.any:
        parts.append(_either([_inside(part, resolver, "any", index) for index, part in enumerate(condition.any)]))
    if condition.not_ is not None:
        parts.append(_not(_inside(condition.not_, resolver, "not")))
    if not parts:
        raise Unknown("a condition says nothing: give it a field such as actor, place or claim")
    return parts[0] if len(parts) == 1 else _both(parts)


def _inside(condition: Condition, resolver: Resolver, *steps: str | int) -> Test:
    try:
        return compiled(condition, resolver)
    except Unknown as error:
        raise Unknown(error.problem, *steps, *error.steps) from error


def _facts(field: str, values: Sequence[str], resolver: Resolver) -> frozenset[str]:
    found: set[str] = set()
    for index, value in enumerate(values):
        steps = (field, index) if len(values) > 1 else (field,)
        if field in _NAMED:
            place = field == "place"
            known = [one for one in resolver.ids(value) if one.startswith("loc:") == place]
            if not known:
                what = "place" if place else "actor"
                raise Unknown(
                    f"nobody knows {value!r} as {'a' if place else 'an'} {what}; use a name of the lexicon or an entity id", *steps
                )
            found.update(f"{field}:{one}" for one in known)
        elif field == "text":
            if not fold_key(value):
                raise Unknown("text: no word in it", *steps)
            found.add(phrase_fact(value))
        else:
            closed = _TYPES if field == "claim" else _CLOSED.get(field)
            if closed is not None and value.partition("/")[0] not in closed:
                raise Unknown(f"{field}: {value!r} is none of {', '.join(sorted(closed))}", *steps)
            found.add(f"{field}:{value}")
    return frozenset(found)


def _leaf(field: str, facts: frozenset[str]) -> Test:
    one = next(iter(facts)) if len(facts) == 1 else None
    holds: Callable[[Facts], bool] = (lambda have: one in have) if one is not None else (lambda have: not facts.isdisjoint(have))
    return Test(holds, (facts,), frozenset((field,)), facts)


def _both(parts: list[Test]) -> Test:
    tests = [part.holds for part in parts]
    anchors = tuple(anchor for part in parts for anchor in part.anchors)
    return Test(lambda have: all(test(have) for test in tests), anchors, *_joined(parts))


def _either(parts: list[Test]) -> Test:
    tests = [part.holds for part in parts]
    anchors = (frozenset().union(*(part.anchors[0] for part in parts)),) if all(part.anchors for part in parts) else ()
    return Test(lambda have: any(test(have) for test in tests), anchors, *_joined(parts))


def _not(part: Test) -> Test:
    return Test(lambda have: not part.holds(have), (), part.fields, frozenset())


def _joined(parts: Sequence[Test]) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset().union(*(part.fields for part in parts)), frozenset().union(*(part.facts for part in parts))
