"""An incident as it stands: everything shown of it, computed anew from what the articles contribute. Pure.

Nothing is added up as it comes, so an edit that takes something back leaves no trace but the one that is kept on purpose.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from streams.ledger_figures import Given, Line, figures_of, line_of, number_of, written
from streams.ledger_match import Days, days_of
from streams.ledger_rules import LedgerRules
from streams.ledger_state import Contribution, Open
from streams.sightings import is_class
from tocsin.incidents import (
    Contradiction,
    Dispute,
    FigureSaid,
    Incident,
    IncidentActor,
    IncidentFigure,
    IncidentPlace,
    IncidentQuote,
    LedgerClaim,
    Voice,
)

_CONFIRMED = 2  # independent origins
_DATES_APART = 2  # days; more is a dispute
_HOLDS = frozenset(("captured", "holds"))
_WHO_DID = ("perpetrator", "winner", "holder", "actor")
_FATES = {"killed": "killed", "injured": "injured", "missing": "missing", "detained": "detained", "displaced": "displaced"}
T = TypeVar("T")


class Item(NamedTuple):
    """A claim with its article and the origin it counts for."""

    by: Contribution
    claim: LedgerClaim
    origin: str
    order: int


def incident_of(held: Open, rules: LedgerRules) -> Incident:
    """The incident as all its articles tell it now."""
    items = list(_items(held.contributions))
    says = [item for item in items if item.claim.stance == "says"]
    denies = [item for item in items if item.claim.stance == "denies"]
    told = says or denies or items
    listed = rules.limits.listed
    figures, conflicts = figures_of(list(_given(items)), _taken_back(held), listed)
    contradictions = list(_contradictions(says, denies, conflicts))
    independent = independent_origins({(item.origin, item.by.owner) for item in says})
    first, last, precision = _when(says or denies, held)
    places, actors = _places(told), _actors(told)
    types = [kind for kind, _ in Counter(item.claim.type for item in told).most_common()] or [_family(held)]
    disputed: tuple[Dispute, ...] = tuple(dict.fromkeys(c.kind for c in contradictions))
    return Incident(
        incident_id=held.incident_id,
        block=held.block,
        family=_family(held),
        types=tuple(types),
        total=next((item.claim.total for item in items), ""),
        headline=_headline(told, figures, places, actors, first, precision, disputed, rules),
        status="said" if says else "denied" if denies else "withdrawn",
        places=places[:listed],
        actors=actors[:listed],
        event_from=first,
        event_to=last,
        date_precision=precision,
        figures=figures[:listed],
        claims=_voices(says)[:listed],
        denies=_voices(denies)[:listed],
        origins=_unique(item.origin for item in says)[:listed],
        owners=_unique(item.by.owner for item in says)[:listed],
        independent=independent,
        confirmed=independent >= _CONFIRMED,
        disputed=disputed,
        contradictions=tuple(contradictions[:listed]),
        corrections=held.corrections,
        clusters=_unique(item.by.cluster_id for item in items),
        articles=_unique(item.by.article_id for item in items),
        claim_ids=_unique(item.claim.claim_id for item in items)[: rules.limits.claim_ids],
        first_said=min(c.said_at for c in held.contributions),
        last_said=max(c.said_at for c in held.contributions),
        first_seen=min(c.at for c in held.contributions),
        first_quote=held.first,
        best_quote=_best_quote(told) or held.first,
        saturated=held.saturated or any(len(part) > listed for part in (places, actors, contradictions)),
        revision=held.revision,
    )


def independent_origins(told: Iterable[tuple[str, str]]) -> int:
    """How many origins are told by different owners, one for one (a maximum matching of (origin, owner) pairs).

    Two papers that quote one doctors' network are one origin; one paper that quotes two sources is one paper.
    """
    owners: dict[str, list[str]] = {}
    for origin, owner in sorted(told):
        owners.setdefault(origin, []).append(owner)
    taken: dict[str, str] = {}  # owner -> origin

    def place(origin: str, tried: set[str]) -> bool:
        for owner in owners[origin]:
            if owner not in tried:
                tried.add(owner)
                if owner not in taken or place(taken[owner], tried):
                    taken[owner] = origin
                    return True
        return False

    return sum(place(origin, set()) for origin in owners)


def _items(contributions: Sequence[Contribution]) -> Iterator[Item]:
    """All claims in order of arrival, each with the origin it counts for.

    Copies of one text speak with one voice: what its first copy says in its own name. And an article that cites somebody on an event
    has its own words on it, such as the title, from there.
    """
    own: dict[str, str] = {}
    for order, by in enumerate(contributions):
        cited = next((claim.origin for claim in by.claims if claim.source != by.source_id and claim.stance == "says"), None)
        for claim in by.claims:
            origin = claim.origin
            if claim.source == by.source_id:
                origin = cited or own.setdefault(by.cluster_id, origin)
            yield Item(by, claim, origin, order)


def _given(items: Sequence[Item]) -> Iterator[Given]:
    """Every figure somebody gives, with those marked that its article or owner has taken back."""
    back = {
        (by, line_of(figure), number_of(figure))
        for item in items
        if item.claim.stance == "retracts"
        for figure in item.claim.figures
        for by in (item.by.article_id, item.by.owner)
    }
    for item in items:
        if item.claim.stance != "says":
            continue
        for figure in item.claim.figures:
            key = line_of(figure), number_of(figure)
            yield Given(
                figure,
                item.origin,
                item.claim.source,
                item.claim.source_name,
                item.claim.claim_id,
                item.by.article_id,
                item.by.owner,
                item.by.said_at,
                item.order,
                retracted=(item.by.article_id, *key) in back or (item.by.owner, *key) in back,
            )


def _taken_back(held: Open) -> dict[Line, list[FigureSaid]]:
    found: dict[Line, list[FigureSaid]] = {}
    for by in held.contributions:
        for line, said in by.taken_back:
            found.setdefault(line, []).append(said)
    return found


def _contradictions(says: Sequence[Item], denies: Sequence[Item], conflicts: Iterable[tuple[Given, Given]]) -> Iterator[Contradiction]:
    for kind, roles in (("perpetrator", ("perpetrator",)), ("holder", ("winner", "holder"))):
        yield from _rivals(says, kind, roles)  # type: ignore[arg-type]  # two of the literals
    for one, another in conflicts:
        what = f"{written(one.figure)} against {written(another.figure)} {one.figure.role}"
        yield Contradiction(kind="figure", first=one.claim_id, second=another.claim_id, what=what)
    for denial in denies:
        denied = _denied(denial, says)
        if denied is not None:
            what = f"{denied.claim.source_name} says so, {denial.claim.source_name} denies it"
            yield Contradiction(kind="polarity", first=denied.claim.claim_id, second=denial.claim.claim_id, what=what)
    dated = [(item, days) for item in says if item.claim.precision == "day" and (days := days_of(item.claim, item.by.said_at)).told]
    for index, (item, days) in enumerate(dated):
        for other, when in dated[index + 1 :]:
            if days.gap(when) > _DATES_APART and item.origin != other.origin:
                what = f"{item.claim.day_from} against {other.claim.day_from}"
                yield Contradiction(kind="date", first=item.claim.claim_id, second=other.claim.claim_id, what=what)
                return


def _denied(denial: Item, says: Sequence[Item]) -> Item | None:
    """What a denial is about: a claim of its type by the same side, else by nobody named. Denying a rival's deed is none of it."""
    alike = [item for item in says if item.claim.type == denial.claim.type]
    who = _did(denial)
    return next((item for item in alike if _did(item) & who), None) or next((item for item in alike if not _did(item) or not who), None)


def _did(item: Item) -> frozenset[str]:
    return frozenset(a.side or a.entity_id for a in item.claim.actors if a.role in _WHO_DID and not is_class(a.entity_id))


def _rivals(says: Sequence[Item], kind: Dispute, roles: tuple[str, ...]) -> Iterator[Contradiction]:
    """Pairs of claims that name different sides, one pair for each pair of sides."""
    named: dict[frozenset[str], tuple[Item, IncidentActor]] = {}
    for item in says:
        if kind == "holder" and (item.claim.type != "territorial_control" or item.claim.subtype not in _HOLDS):
            continue
        if item.claim.type == "armed_clash" and kind == "perpetrator":
            continue  # both sides of a clash do it
        actors = [a for a in item.claim.actors if a.role in roles and not is_class(a.entity_id)]
        if actors:
            named.setdefault(frozenset(a.side or a.entity_id for a in actors), (item, actors[0]))
    known = list(named.items())
    for index, (sides, (item, actor)) in enumerate(known):
        for others, (other, rival) in known[index + 1 :]:
            if not sides & others:
                what = f"{actor.name} against {rival.name}"
                yield Contradiction(kind=kind, first=item.claim.claim_id, second=other.claim.claim_id, what=what)


def _when(told: Sequence[Item], held: Open) -> tuple[str, str, str]:
    """First day, last day, precision: what most origins tell, the finest among equals; else the day it was first said."""
    votes: dict[tuple[str, str, str], set[str]] = {}
    for item in told:
        claim = item.claim
        if claim.day_from and days_of(claim, item.by.said_at).told:
            votes.setdefault((claim.day_from, claim.day_to or claim.day_from, claim.precision), set()).add(item.origin)
    if not votes:
        day = min(c.said_at for c in held.contributions)[: len("2018-01-06")]
        return day, day, "said"
    best = max(votes, key=lambda when: (len(votes[when]), when[2] == "day", len(when[0])))
    span: Days = days_of(_dated(best), held.contributions[0].said_at)
    return date.fromordinal(span.first).isoformat(), date.fromordinal(span.last).isoformat(), best[2]


def _dated(when: tuple[str, str, str]) -> LedgerClaim:
    return LedgerClaim(claim_id="", type="", origin="", source="", source_name="", day_from=when[0], day_to=when[1], precision=when[2])


def _places(items: Iterable[Item]) -> tuple[IncidentPlace, ...]:
    """Places, the exactest first: what lies in another before it, then the most often named."""
    known = {p.entity_id: p for item in items for p in item.claim.places}
    count = Counter(p.entity_id for item in items for p in item.claim.places if not item.claim.guessed_place)
    return tuple(sorted(known.values(), key=lambda p: (-len(p.parent_ids), -count[p.entity_id])))


def _actors(items: Iterable[Item]) -> tuple[IncidentActor, ...]:
    count = Counter((a.role, a.entity_id) for item in items for a in item.claim.actors)
    known: dict[tuple[str, str], IncidentActor] = {}
    for item in items:
        for actor in item.claim.actors:
            known.setdefault((actor.role, actor.entity_id), actor)
    return tuple(known[key] for key, _ in count.most_common())


def _voices(items: Iterable[Item]) -> tuple[Voice, ...]:
    known: dict[tuple[str, str], Voice] = {}
    for item in items:
        claim = item.claim
        known.setdefault((claim.source, claim.source_name), Voice(entity_id=claim.source, name=claim.source_name, side=claim.side))
    return tuple(known.values())


def _best_quote(items: Sequence[Item]) -> IncidentQuote | None:
    """The sentence of the claim that tells most: figures, who did it, where, when; of equals the surest, then the first."""
    best = max(items, key=lambda item: (_tells(item.claim), item.claim.confidence, -item.order), default=None)
    if best is None or not best.claim.quote:
        return None
    return IncidentQuote(text=best.claim.quote, article_id=best.by.article_id, claim_id=best.claim.claim_id)


def _tells(claim: LedgerClaim) -> int:
    named = any(a.role in _WHO_DID for a in claim.actors)
    return sum((bool(claim.figures), named, bool(claim.places) and not claim.guessed_place, claim.day_from is not None))


def _headline(
    told: Sequence[Item],
    figures: Sequence[IncidentFigure],
    places: Sequence[IncidentPlace],
    actors: Sequence[IncidentActor],
    day: str,
    precision: str,
    disputed: Sequence[str],
    rules: LedgerRules,
) -> str:
    """One line: what, how many, where, when, by whom."""
    deeds = Counter(_kind(item.claim) for item in told if item.claim.type not in rules.outcomes)
    kinds = deeds or Counter(_kind(item.claim) for item in told)
    tolls = [_toll(f) for f in figures if f.best is not None]
    kind = kinds.most_common(1)[0][0] if kinds else "withdrawn"
    what = ": ".join((*((kind,) if deeds or not tolls else ()), *((", ".join(tolls[:2]),) if tolls else ())))
    where = next((p.name for p in places), "")
    country = next((p.country for p in places if p.country), None)
    where = f"{where} ({country})" if where and country else where
    who = next((a.name for role in _WHO_DID for a in actors if a.role == role and not is_class(a.entity_id)), "")
    by = f"; by {who}{' (disputed)' if {'perpetrator', 'holder'} & set(disputed) else ''}" if who else ""
    when = day if precision != "said" else f"said {day}"
    return f"{what}{', ' if where else ''}{where}, {when}{by}"


def _kind(claim: LedgerClaim) -> str:
    return (claim.subtype or claim.type).replace("_", " ")


def _toll(figure: IncidentFigure) -> str:
    """The best figure with its range: "27 killed (14 to 31)"."""
    best = f"{figure.best:,.0f} {_FATES.get(figure.role, figure.role.replace('_', ' '))}"
    given = [s.value if s.value is not None else s.low if s.low is not None else s.high for s in figure.said if s.status == "stands"]
    numbers = sorted({n for n in given if n is not None})
    extent = f", {figure.extent}" if figure.extent else ""
    return best + (f" ({numbers[0]:,.0f} to {numbers[-1]:,.0f})" if len(numbers) > 1 else "") + extent


def _family(held: Open) -> str:
    return held.block.rpartition(" ")[2]


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
