"""Whether a claim speaks of an incident: matched inside a block, never looked up by an exact key. Pure.

Hard rules first (a place elsewhere, another day, another kind of figure: no), then a score of what agrees; the best incident wins,
the older one on a tie. Unknown places and actors are compatible with everything, but then something else must agree: the figure or
a named actor. Rivals (another perpetrator, winner, figure, day) meet where the place is the same, and are disputed there.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from streams.ledger_rules import LedgerRules
from streams.sightings import is_class
from tocsin.incidents import IncidentPlace, LedgerClaim, LedgerFigure

ENOUGH = 3.5
"""Least score of a match. The very place, and of deeds the very type, is 4; a toll and a deed at one place 3.5; see `fit`."""
_DAYS = 2  # between a claim's day and an incident's
_LATE = 14  # with the same figure at the same place: the same news, told late or dated otherwise
_MONTH = 31  # a place does not fall to the same winner twice in a month without falling to somebody else in between
_WEEKDAYS = 3  # more for news from a small place that tells no day
_SMALL_KM = 5.0  # how exactly a small place is known
_RATIO = 1.5  # figures further apart are another count, or contradict each other
_ANOTHER = 10.0  # figures that far apart in one article count other people
_DISTINCT = 3  # a figure below it is too common to tell events apart
_NEAR_KM = 10.0  # between two towns that may be one event's
_REGION_KM = 20.0  # places less exact than this are regions
_VERY, _INSIDE, _SAME_FIGURE = 3.0, 2.0, 2.0
_NO_RIVALS = frozenset(("displacement", "coercion", "unrest", "force_posture"))  # another actor's is another event
_VAGUE_DAYS = 62  # a longer period dates nothing
_EARTH_KM = 6371.0
_PRINCIPAL = frozenset(("perpetrator", "winner", "holder", "actor"))
_STAYS = {"in_camp": "in_camp", "return": "return"}  # displacement that is another fact than a flow


class Days(NamedTuple):
    """Ordinals of the first and last day; `told`: a claim says so, else it is the day of publication and the day before."""

    first: int
    last: int
    told: bool

    def gap(self, other: "Days") -> int:
        """Days between two periods; 0 when they touch."""
        return max(0, self.first - other.last, other.first - self.last)


class Said(NamedTuple):
    """A claim with what the matching needs computed once."""

    claim: LedgerClaim
    article_id: str
    version_id: str
    days: Days
    principals: frozenset[str]  # sides of who did it
    specific: tuple[IncidentPlace, ...]  # below the country
    ids: frozenset[str]  # of those
    above: frozenset[str]  # what they lie in

    @property
    def kind(self) -> str:
        """What of a family is another fact: people in camps are no new flow."""
        return _STAYS.get(self.claim.subtype, "") if self.claim.type == "displacement" else ""


def said_of(claim: LedgerClaim, article_id: str, version_id: str, at: str) -> Said:
    """`claim` of a version; `at`: ISO time when it was published, else seen."""
    specific = tuple(p for p in claim.places if p.parent_ids)
    return Said(
        claim,
        article_id,
        version_id,
        days_of(claim, at),
        frozenset(a.side or a.entity_id for a in claim.actors if a.role in _PRINCIPAL and not is_class(a.entity_id)),
        specific,
        frozenset(p.entity_id for p in specific),
        frozenset(parent for p in specific for parent in p.parent_ids),
    )


def days_of(claim: LedgerClaim, at: str) -> Days:
    """When it happened, as told, or around `at` (an ISO time)."""
    told = _period(claim.day_from, claim.day_to)
    if told is not None and told[1] - told[0] <= _VAGUE_DAYS:
        return Days(*told, True)
    day = date.fromisoformat(at[:10]).toordinal()
    return Days(day - 1, day, False)


def _period(first: str | None, last: str | None) -> tuple[int, int] | None:
    """Ordinals of an ISO day or month, to another; None for what is no date."""
    if not first:
        return None
    try:
        start = date.fromisoformat(first if len(first) > len("2018-01") else first + "-01")
        end = (
            date.fromisoformat(last) if last and len(last) > len("2018-01") else _month_end(date.fromisoformat((last or first)[:7] + "-01"))
        )
    except (ValueError, OverflowError):
        return None
    return (start.toordinal(), end.toordinal()) if start <= end else None


def _month_end(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def fit(new: Said, held: Sequence[Said], rules: LedgerRules) -> float | None:
    """How well `new` fits the incident of `held` (its standing claims, the first one first); None: it cannot be that incident.

    The sum of: place 3 very, 2 one in the other, 1.5 near, 0.5 unknown; day 1.5 the same, 0.5 within two; type 1.5 with its subtype,
    1 without, 0.5 a toll and a deed, -1 two deeds; figure 2 the same, 0.5 about it, -1.5 another; actor 2 shared, -1.5 a rival;
    2 for the same sentence.
    """
    first = held[0]
    if new.claim.total != first.claim.total or new.kind != first.kind:
        return None
    if new.claim.total:
        beside = any(h.version_id == new.version_id and h.claim.sentence == new.claim.sentence for h in held)
        return ENOUGH if new.ids == first.ids and (beside or _same_roles(new.claim, (h.claim for h in held))) else None
    place = _place_score(new, held)
    if place is None:
        return None
    figure, actor = _figure_score(new, held), _actor_score(new, held)
    if actor < 0 and (place < _INSIDE or new.claim.type in _NO_RIVALS):
        return None
    day = _day_score(new, held, place, figure, actor)
    if day is None:
        return None
    score = place + figure + actor + day + _type_score(new, held, rules)
    if any(h.version_id == new.version_id for h in held):
        same_version = [h for h in held if h.version_id == new.version_id]
        if _tells_apart(new, same_version):
            return None
        if any(h.claim.sentence == new.claim.sentence for h in same_version):
            score += 2.0
    return score


def _day_score(new: Said, held: Sequence[Said], place: float, figure: float, actor: float) -> float | None:
    """1.5 the same day, 0.5 within two, 0 where either is not told, -1 the same news told late; None: another event.

    Late may be told: the same figure; the same winner; in a small place the same kind of deed. A denial is of what was said before.
    """
    first = held[0]
    anchor = next((h.days for h in held if h.days.told), first.days)
    gap = new.days.gap(anchor)
    told = new.days.told and anchor.told
    if not told and any(h.article_id == new.article_id for h in held):
        gap = 0  # an article that dates its event once means that day throughout
    if gap > _DAYS:
        if place < _VERY:
            return None
        if new.claim.stance != "says" and not new.days.told and new.days.first > anchor.last and gap <= _MONTH:
            return 0.0
        alike = new.claim.type == first.claim.type and new.claim.subtype == first.claim.subtype
        reach = _LATE if figure >= _SAME_FIGURE else _MONTH if alike and actor > 0 and new.claim.type == "territorial_control" else 0
        if (
            not reach
            and alike
            and not new.days.told
            and figure >= 0
            and any((p.precision_km or _REGION_KM) <= _SMALL_KM for p in new.specific)
        ):
            reach = _DAYS + _WEEKDAYS
        return -1.0 if gap <= reach else None
    if told and gap and (figure < 0 or any(h.version_id == new.version_id for h in held)):
        return None  # another day and another figure, or one article that dates both: two events
    return 0.0 if not told else 0.5 if gap else 1.5


def _type_score(new: Said, held: Sequence[Said], rules: LedgerRules) -> float:
    kinds = {(h.claim.type, h.claim.subtype) for h in held}
    types = {kind for kind, _ in kinds}
    if new.claim.type in types:
        return 1.5 if (new.claim.type, new.claim.subtype) in kinds and new.claim.type not in rules.outcomes else 1.0
    return 0.5 if new.claim.type in rules.outcomes or types & rules.outcomes else -1.0


def _place_score(new: Said, held: Sequence[Said]) -> float | None:
    """3: the very place; 2: one in the other; 1.5: near; 0.5: unknown on one side, or a region around; None: elsewhere."""
    above = frozenset[str]().union(*(h.above for h in held))
    # What lies around another place of the incident says nothing more: else two towns would meet in their province.
    ids = frozenset[str]().union(*(h.ids for h in held)) - above
    if not new.ids or not ids:
        return 0.5
    if new.ids & ids:
        return _VERY
    if new.ids & above or ids & new.above:
        return _INSIDE
    nearness = [_nearness(one, other) for h in held for one in h.specific if one.entity_id in ids for other in new.specific]
    return max((n for n in nearness if n is not None), default=None)


def _nearness(one: IncidentPlace, other: IncidentPlace) -> float | None:
    """1.5 for two towns close by, 0.5 for a place within a region's radius, else None; two districts of one city are apart."""
    if one.geo is None or other.geo is None or set(one.parent_ids[:-1]) & set(other.parent_ids[:-1]):
        return None
    lat = math.radians((one.geo.lat + other.geo.lat) / 2)
    across = math.radians(one.geo.lon - other.geo.lon) * math.cos(lat)
    distance = _EARTH_KM * math.hypot(math.radians(one.geo.lat - other.geo.lat), across)
    widest = max(one.precision_km or 0.0, other.precision_km or 0.0)
    if widest > _REGION_KM:
        return 0.5 if distance <= widest else None
    return 1.5 if distance <= _NEAR_KM else None


def _figure_score(new: Said, held: Sequence[Said]) -> float:
    """2: the very figure; 0.5: about it; 0: nothing to compare; -1.5: another one."""
    best: float | None = None
    for figure in new.claim.figures:
        for other in (f for h in held for f in h.claim.figures):
            if _line(figure) != _line(other):
                continue
            agrees = -1.5 if apart(figure, other) else _agreement(figure, other)
            best = agrees if best is None else max(best, agrees)
    return best or 0.0


def _line(figure: LedgerFigure) -> tuple[str, str]:
    return figure.role, figure.extent


def _agreement(one: LedgerFigure, other: LedgerFigure) -> float:
    number = one.value if one.value is not None else one.low
    same = number is not None and number == (other.value if other.value is not None else other.low)
    return _SAME_FIGURE if same and number is not None and number >= _DISTINCT else 0.5


def apart(one: LedgerFigure, other: LedgerFigure, ratio: float = _RATIO) -> bool:
    """Whether two figures of one thing cannot both hold: their bounds are disjoint, by more than `ratio`."""
    low, high = _bounds(one)
    other_low, other_high = _bounds(other)
    if high < other_low:
        return other_low > ratio * high
    return other_high < low and low > ratio * other_high


def _bounds(figure: LedgerFigure) -> tuple[float, float]:
    low = figure.low if figure.low is not None else figure.value if figure.value is not None and figure.high is None else 0.0
    high = figure.high if figure.high is not None else figure.value if figure.value is not None and figure.low is None else math.inf
    return low, high


def _actor_score(new: Said, held: Sequence[Said]) -> float:
    """2 for a shared actor, -1.5 for a rival (-1 where a place is fought for), 0 where one side names nobody."""
    known = frozenset[str]().union(*(h.principals for h in held))
    if not new.principals or not known:
        return 0.0
    if new.principals & known:
        return 2.0
    return -1.0 if new.claim.type == "territorial_control" else -1.5


def _same_roles(new: LedgerClaim, held: Iterable[LedgerClaim]) -> bool:
    roles = {(f.role, f.unit) for claim in held for f in claim.figures}
    return bool(roles & {(f.role, f.unit) for f in new.figures})


def _tells_apart(new: Said, others: Sequence[Said]) -> bool:
    """Whether one article tells two events apart: places that are not the same, two figures from one voice, or figures far apart."""
    for other in others:
        if any(_line(f) == _line(g) and apart(f, g, _ANOTHER) for f in new.claim.figures for g in other.claim.figures):
            return True
        if other.ids and new.ids and not (other.ids & new.ids) and not (other.claim.guessed_place or new.claim.guessed_place):
            nested = other.ids & new.above or new.ids & other.above
            if not nested or _different(new.claim, other.claim):
                return True
        if other.claim.origin == new.claim.origin and other.ids != new.ids and _different(new.claim, other.claim):
            return True
    return False


def _different(one: LedgerClaim, other: LedgerClaim) -> bool:
    """Whether both give an exact figure of one role, and not the same one."""
    figures = {_line(f): f.value for f in other.figures if f.value is not None}
    return any(figures.get(_line(f), f.value) != f.value for f in one.figures if f.value is not None)
