"""Claims that a figure makes: "8,500 people fled Minova" is one claim a figure, each with its own place.

`streams.figures` says what happened to the counted; here figures that say the same thing again share a claim, and each finds the rule
of its code, the trigger its mood is read from, and the places it speaks of. The engine (`streams.claims`) does the rest.
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from streams.claim_rules import ClaimRules, Hit, Rule
from streams.clauses import Scene
from streams.context import Context
from streams.figures import Figure, figure_nouns, find_figures
from streams.inflect import Form
from streams.named_places import named_places
from tocsin.records import Mention, Quantity

_CASUALTIES = {"killed": "killed", "injured": "injured", "missing": "missing", "hurt": "killed"}  # role -> rule
_HOUSING = frozenset(("destroyed", "damaged"))
# Who lost a house has lost a home; who lives in a damaged one may have stayed.
_QUANTITY_ROLES = {"destroyed": "displaced", "damaged": "other", "hurt": "other"}
_ARTICLES = frozenset(("a", "an", "another"))
_SINCE = re.compile(r"since\b")
_EXTENT = re.compile(  # of lower-cased text
    r"\b(?:since (?!then)[^,.;()]{3,60}|(?:in|during|over) the (?:first|second|third|past|last|initial|opening|final) [^,.;()]{3,40}"
    r"|so far(?: this (?:year|month|week))?|this year|in total|overall|to date)"
)
_TOTAL = re.compile(
    r"\b(?:so far|in total|total of|(?:the|a|its|overall|grand) total|total number|toll|to date|overall|altogether|since"
    r"|number of (?!people (?:were|are)))\b"
)
_MORE = re.compile(r"\b(?:another|additional|further|newly|new|more(?! than)(?! or less))\b")
_BESIDE = 24  # characters before the figure in which it is said to be added
_CONTRAST = re.compile(r"\b(?:unlike|whereas|compared (?:to|with)|in contrast to)\b")
_AT = re.compile(r"\b(?:at|near|outside|inside) $")  # where a guessed person cannot stand: "stranded at Wadi Halfa Crossing"
_PEOPLE = frozenset(("person", "household"))


class FigureClaim(Struct, frozen=True, gc=False):
    """What the engine needs to make a claim of figures."""

    rule: Rule
    trigger: Hit
    form: int
    figures: tuple[Figure, ...]
    start: int  # of figures, noun phrases and term together
    end: int
    floor: int  # where the figure's own stretch of the sentence begins and ends
    ceiling: int


def figure_claims(context: Context, scene: Scene, rules: ClaimRules, accepted: Sequence[tuple[Rule, Hit]] = ()) -> list[FigureClaim]:
    """The claims that the figures of a sentence make, in order: displacement, casualties, and targeted attacks already `accepted`."""
    if not scene.numbers:
        return []
    sentence = scene.sentence
    figures = find_figures(context, sentence.start, sentence.end, scene.numbers)
    groups: list[list[Figure]] = []
    kept: dict[int, list[Figure]] = {}
    for at, figure in enumerate(figures):
        if _rule_id(figure) is None and not (figure.code == "targeted" and figure.unit in ("person", "fighter")):
            continue
        partner = kept.get(figure.restates) if figure.restates >= 0 else None
        if figure.subset and kept:
            continue  # "including 64 children": a part, never a toll of its own
        if partner is None:
            partner = []
            groups.append(partner)
        partner.append(figure)
        kept[at] = partner
    by_id = rules.by_id
    found = []
    for index, group in enumerate(groups):
        first = group[0]
        main = figures[first.main] if first.main >= 0 else first
        rule = _attack(main, accepted) if first.code == "targeted" else by_id.get(_rule_id(first) or "")
        rule = rule or by_id.get("casualties.killed")
        if rule is None:
            continue
        floor = groups[index - 1][-1].number.end if index else sentence.start
        ceiling = groups[index + 1][0].number.start if index + 1 < len(groups) else sentence.end
        trigger, form = _trigger(scene, main, rule)
        start = min(first.number.start, trigger.start if trigger.start >= floor else first.number.start)
        stops = [max(f.number.end, f.number.noun_end) for f in group]
        end = max(*stops, trigger.end if trigger.end <= ceiling else 0)
        found.append(FigureClaim(rule, trigger, form, tuple(group), start, end, floor, ceiling))
    return found


def quantities_of(figures: Sequence[Figure]) -> tuple[Quantity, ...]:
    """The records of the figures; lost housing counts the households that lived in it."""
    return tuple(
        Quantity(
            text=f.number.text,
            start=f.number.start,
            end=f.number.end,
            unit="household" if f.unit == "building" else f.unit,
            value=f.number.value,
            min=f.number.min,
            max=f.number.max,
            approx=f.number.approx,
            role=_QUANTITY_ROLES.get(f.role, f.role),
        )
        for f in figures
    )


def places_of(scene: Scene, claim: FigureClaim, groups: Sequence[FigureClaim], text: str) -> list[Mention]:
    """Places a figure speaks of: those after it, up to the next figure, and those before the first figure of the sentence.

    `groups`: all claims of the sentence's figures, in order. A figure with no place of its own shares those of the sentence. Names in
    the shape of a place count as well.
    """
    first = groups[0].figures[0].number.start
    contrast = _CONTRAST.search(scene.low, claim.end, claim.ceiling)
    ceiling = contrast.start() if contrast else claim.ceiling
    own = [p for p in scene.places if claim.figures[0].number.start <= p.start < ceiling]
    lead = [p for p in scene.places if p.start < first]
    taken = [
        (p.start, p.end)
        for p in scene.participants
        if p.mention is not None and not (p.mention.how == "pattern" and _AT.search(scene.low, max(0, p.start - 10), p.start))
    ]
    taken += [(p.start, p.end) for p in scene.places]
    taken += [(t.start, t.end) for t in scene.times]
    own += named_places(text, claim.figures[0].number.start, ceiling, taken)
    lead += named_places(text, scene.sentence.start, first, taken)
    return own + lead or list(scene.places)


def figure_extent(scene: Scene, claim: FigureClaim, text: str) -> str | None:
    """What the figure covers, as written around it: "since January", "during the first stage of the battle"."""
    low = scene.low
    found = _EXTENT.search(low, claim.floor, claim.ceiling) or _EXTENT.match(low, scene.sentence.start, claim.ceiling)
    return text[found.start() : found.end()].strip() if found else None


def figure_cumulative(scene: Scene, claim: FigureClaim) -> Literal["incremental", "cumulative", "unknown"]:
    """Whether the figure is a running total or adds to one."""
    if _MORE.search(scene.low, max(claim.floor, claim.figures[0].number.start - _BESIDE), claim.end):
        return "incremental"
    span = scene.low[claim.floor : claim.ceiling]
    return "cumulative" if _TOTAL.search(span) or _SINCE.match(scene.low, scene.sentence.start) else "unknown"


def _rule_id(figure: Figure) -> str | None:
    if figure.role == "injured" and figure_nouns("sportspeople") & {figure.number.noun, *figure.number.modifiers}:
        return None
    if figure.role in _CASUALTIES and figure.code == "casualties":
        return f"casualties.{_CASUALTIES[figure.role]}" if figure.unit in ("person", "household", "fighter") else None
    if figure.number.text.lower() in _ARTICLES and figure.role not in _CASUALTIES:
        return None  # "a refugee" is any refugee
    if figure.code == "evicted" and figure.number.noun in figure_nouns("envoys"):
        return None
    if figure.role in _HOUSING:
        return f"displacement.{figure.code}" if (not figure.number.noun or figure.number.noun in figure_nouns("dwellings")) else None
    if (
        figure.code
        and figure.role in ("displaced", "returned", "in_camp")
        and (figure.unit in _PEOPLE or (figure.unit == "building" and figure.number.noun in figure_nouns("dwellings")))
        and figure.number.noun not in figure_nouns("not_displaced")
    ):
        return f"displacement.{figure.code}"
    return None


def _attack(figure: Figure, accepted: Sequence[tuple[Rule, Hit]]) -> Rule | None:
    """The rule of an accepted targeted attack whose trigger is the figure's term."""
    for rule, hit in accepted:
        if rule.type == "targeted_attack" and hit.start < figure.term_end and figure.term_start < hit.end:
            return rule
    return None


def _trigger(scene: Scene, figure: Figure, rule: Rule) -> tuple[Hit, int]:
    """The hit the engine reads mood and roles from: its own for the same words when it has one."""
    start, end = figure.term_start, figure.term_end
    if start < 0:
        return Hit(figure.number.start, figure.number.end, 0, ()), Form.PHRASE
    for hit in scene.hits:
        if hit.start < end and start < hit.end:
            for use in hit.uses:
                if use.rule.type == rule.type:
                    return hit, use.form
    return Hit(start, end, 0, ()), Form.PHRASE
