"""Which place a name means: readings are scored by kind, size, the countries and regions the document speaks of, and nearness."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from streams.gazetteer import ABBREVIATION, ALTERNATE, DEMONYM, HISTORICAL, MAIN, Gazetteer, Hit
from streams.place_names import PlaceName

_TYPE_PRIOR = {"country": 4.2, "continent": 3.6, "region": 3.0, "sea": 3.2, "river": 2.0, "mountain": 2.4, "admin1": 2.7, "admin2": 1.2}
_KIND_PRIOR = {MAIN: 0.0, ALTERNATE: -0.7, HISTORICAL: -2.0, DEMONYM: 0.0, ABBREVIATION: 0.0}
_REMEMBERED = 20_000
_MOST_POINTS = 200  # sure places that nearness is measured from: an article has fewer, a list of the world's towns has no neighbourhood
EMIT, SURE = 1.6, 2.6  # strength from which a name is a mention, and a sure one
_RIVALS_A_STATE = 600_000  # inhabitants from which a city is meant rather than its namesake state (Washington, New York)
_HARDLY_RIVALS = 60_000  # below, a town named like a state is meant only where the state it lies in is named with it
_NEAR_DEGREES = 150 / 111.2


@dataclass(slots=True)
class Evidence:
    """What a document says about where it is: votes for countries and regions, points of sure places."""

    countries: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    regions: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    indexes: set[int] = field(default_factory=set)
    towns: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))  # region -> points of its sure towns
    points: dict[str, tuple[float, float]] = field(default_factory=dict)  # key of a name -> where it is

    def country_share(self, country: str | None) -> float:
        """0..1: how much of the document's geography is this country."""
        votes = self.countries.get(country or "", 0.0)
        return votes / (sum(self.countries.values()) + 0.5) if votes else 0.0


def is_near(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two (latitude, longitude) points in degrees lie within 150 km (equirectangular; good to 1 % at this distance)."""
    north = a[0] - b[0]
    if north > _NEAR_DEGREES or north < -_NEAR_DEGREES:
        return False
    east = (a[1] - b[1]) * math.cos(math.radians(a[0]))
    return north * north + east * east < _NEAR_DEGREES * _NEAR_DEGREES


def prior(gazetteer: Gazetteer, hit: Hit) -> float:
    """Score of a reading before the document is looked at."""
    known = gazetteer.priors.get(hit)
    if known is None:
        if len(gazetteer.priors) >= _REMEMBERED:
            gazetteer.priors.clear()
        known = gazetteer.priors[hit] = _prior(gazetteer, hit)
    return known


def _prior(gazetteer: Gazetteer, hit: Hit) -> float:
    index = hit.index
    if gazetteer.is_curated(index):
        place = gazetteer.place(index)
        base = _TYPE_PRIOR.get(place.type)
        if base is None:
            base = 0.55 * math.log10(max(place.population, 3_000)) + 0.3
            if place.type == "district":
                base = 0.8
    else:
        base = 0.55 * math.log10(gazetteer.population(index) + 10)
    return base + _KIND_PRIOR[hit.kind]


def in_context(gazetteer: Gazetteer, hit: Hit, evidence: Evidence, own_votes: Mapping[str, float], key: str) -> float:
    """Score of a reading within a document; `own_votes` are the country votes this very name gave."""
    score = prior(gazetteer, hit)
    country = gazetteer.country(hit.index)
    if country and country in evidence.countries:
        votes = evidence.countries[country] - own_votes.get(country, 0.0)
        if votes > 0.01:
            total = sum(evidence.countries.values()) - sum(own_votes.values())
            score += 0.8 + 2.2 * votes / (total + 0.5)
    region = gazetteer.region(hit.index)
    if (region >= 0 and evidence.regions.get(region)) or evidence.towns.get(hit.index):
        score += 1.2
    if gazetteer.level(hit.index) == "district":
        place = gazetteer.place(hit.index)
        parent = gazetteer.by_id.get(place.parents[0]) if place.parents else None
        score += 3.0 if parent in evidence.indexes else -1.0
    point = gazetteer.point(hit.index)
    if point is not None:
        for name, other in evidence.points.items():
            # A look at the latitude spares most calls.
            if -_NEAR_DEGREES < point[0] - other[0] < _NEAR_DEGREES and name != key and is_near(point, other):
                score += 1.3
                break
    return score


def rank(scores: Iterable[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Readings, best first; ties go to the smaller index, so the answer never depends on order."""
    return sorted(scores, key=lambda pair: (-pair[1], pair[0].index))


def gather_evidence(
    names: list[PlaceName], gazetteer: Gazetteer, source_country: str | None
) -> tuple[Evidence, dict[str, dict[str, float]]]:
    """What the clear names say about the document, and the country votes each name gave itself."""
    evidence = Evidence()
    own: dict[str, dict[str, float]] = {}
    if source_country:
        evidence.countries[source_country] += 0.5
    counts = Counter(name.key for name in names if name.strength >= EMIT)
    seen: set[str] = set()
    for name in names:
        if name.key in seen or name.strength < EMIT:
            continue
        seen.add(name.key)
        ranked = rank((hit, prior(gazetteer, hit)) for hit in name.hits)
        top, score = ranked[0]
        rival = next((s for h, s in ranked[1:] if gazetteer.country(h.index) != gazetteer.country(top.index)), -1.0)
        if score - rival < 0.9:
            continue
        country = gazetteer.country(top.index)
        weight = (1.0 + 0.3 * min(counts[name.key] - 1, 5)) * (0.6 if score < 3 else 1.0)
        mine = own.setdefault(name.key, {})
        if country:
            evidence.countries[country] += weight
            mine[country] = mine.get(country, 0.0) + weight
        place = gazetteer.place(top.index)
        region = top.index if place.type == "admin1" else gazetteer.region(top.index)
        if region >= 0 and (place.type == "admin1" or score >= 2.6):
            evidence.regions[region] += weight
        evidence.indexes.add(top.index)
        if place.type not in ("country", "continent", "region", "sea") and place.lat is not None and place.lon is not None:
            if len(evidence.points) < _MOST_POINTS:
                evidence.points[name.key] = (place.lat, place.lon)
            if region >= 0 and place.type != "admin1":
                evidence.towns[region].append((place.lat, place.lon))
    return evidence, own


@dataclass(slots=True)
class Sense:
    """What a name means throughout a document: readings best first, support for the best, and its lead over the next."""

    ranked: list[tuple[Hit, float]]
    bonus: float = 0.0
    margin: float = 9.0


def choose_senses(names: list[PlaceName], gazetteer: Gazetteer, evidence: Evidence, own: dict[str, dict[str, float]]) -> dict[str, Sense]:
    """One sense per discourse: the reading of every key."""
    holders = _containers(names, gazetteer)
    senses: dict[str, Sense] = {}
    hits_of: dict[str, set[Hit]] = defaultdict(set)
    listed = _listed_regions(names, gazetteer)
    for name in names:
        hits_of[name.key].update(name.hits)
    for key, hits in hits_of.items():
        scored: list[tuple[Hit, float]] = []
        votes = own.get(key, {})
        if len(hits) == 1:
            only = next(iter(hits))
            senses[key] = Sense(
                [(only, prior(gazetteer, only))], bonus=_support(gazetteer, only.index, holders.get(key, ()), evidence, votes)
            )
            continue
        levels = {gazetteer.level(hit.index) for hit in hits if hit.kind != HISTORICAL}
        for hit in hits:
            score = in_context(gazetteer, hit, evidence, votes, key)
            level = gazetteer.level(hit.index)
            if "country" in levels and level == "city":
                score -= 2.0
            if "admin1" in levels and level == "city" and (people := gazetteer.population(hit.index)) < _RIVALS_A_STATE:
                score -= 1.5 if people >= _HARDLY_RIVALS else 3.0
            if level == "admin1" and key in listed:
                score += 1.5  # "Ohio, New York and Maine": a state among states
            for holder, bonus in holders.get(key, ()):
                if holder != hit.index and _inside(gazetteer, hit.index, holder):
                    score += (
                        bonus
                        if not levels & {"country", "admin1"} or level != "city" or gazetteer.level(holder) == "country"
                        else 0.4 * bonus
                    )
                    break
            scored.append((hit, score))
        ranked = rank(scored)
        sense = senses[key] = Sense(ranked)
        if len(ranked) > 1:
            sense.margin = ranked[0][1] - ranked[1][1]
        sense.bonus = _support(gazetteer, ranked[0][0].index, holders.get(key, ()), evidence, votes)
    return senses


def _support(
    gazetteer: Gazetteer, index: int, holders: Sequence[tuple[int, float]], evidence: Evidence, votes: Mapping[str, float]
) -> float:
    """How much the rest of the document speaks for a place: an area it lies in, its country, its region."""
    bonus = 0.0
    if any(_inside(gazetteer, index, holder) for holder, _ in holders):
        bonus += 2.5
    country = gazetteer.country(index)
    if country and evidence.countries.get(country, 0.0) - votes.get(country, 0.0) > 0.3:
        bonus += 0.4 + 0.6 * evidence.country_share(country)
    region = gazetteer.region(index)
    if region >= 0 and region in evidence.regions:
        bonus += 0.5
    if gazetteer.is_curated(index):
        place = gazetteer.place(index)
        if place.parents and gazetteer.by_id.get(place.parents[0]) in evidence.indexes:
            bonus += 2.0 if place.type == "district" else 0.8
    return bonus


def _listed_regions(names: list[PlaceName], gazetteer: Gazetteer) -> set[str]:
    """Keys of names that stand beside a first-level region in a list and may be one themselves."""
    found: set[str] = set()
    for left, right in pairwise(names):
        if right.first - left.last <= 1 and all(any(gazetteer.level(hit.index) == "admin1" for hit in name.hits) for name in (left, right)):
            found |= {left.key, right.key}
    return found


def _inside(gazetteer: Gazetteer, index: int, holder: int) -> bool:
    outer = gazetteer.place(holder)
    if outer.type == "country":
        return gazetteer.country(index) == outer.country
    if outer.type == "admin1":
        return gazetteer.region(index) == holder
    return outer.id in gazetteer.place(index).parents


def _containers(names: list[PlaceName], gazetteer: Gazetteer) -> dict[str, list[tuple[int, float]]]:
    """Names that are said to lie in another: "Paris, Texas", "Sumar district in eastern Mosul"."""
    held: dict[str, list[tuple[int, float]]] = defaultdict(list)  # only curated places are known to hold others
    for left, right in pairwise(names):
        if right.first - left.last > 5:
            continue
        gap = _between(left, right)
        if gap is None:
            continue
        for hit in right.hits:
            if hit.kind != DEMONYM and gazetteer.is_curated(hit.index):
                held[left.key].append((hit.index, gap))
    return held


def _between(left: PlaceName, right: PlaceName) -> float | None:
    words_between = right.first - left.last
    if words_between == 0:
        return 5.0
    return 2.5 if words_between <= 4 else None
