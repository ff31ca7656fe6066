"""Which place a name means: readings are scored by kind, size, the countries and regions the document speaks of, and nearness."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.gazetteer import ABBREVIATION, ALTERNATE, DEMONYM, HISTORICAL, MAIN, Gazetteer, Hit

_TYPE_PRIOR = {"country": 4.2, "continent": 3.6, "region": 3.0, "sea": 3.2, "river": 2.0, "mountain": 2.4, "admin1": 2.7, "admin2": 1.2}
_KIND_PRIOR = {MAIN: 0.0, ALTERNATE: -0.7, HISTORICAL: -2.0, DEMONYM: 0.0, ABBREVIATION: 0.0}
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
    if country:
        votes = evidence.countries.get(country, 0.0) - own_votes.get(country, 0.0)
        if votes > 0.01:
            total = sum(evidence.countries.values()) - sum(own_votes.values())
            score += 0.8 + 2.2 * votes / (total + 0.5)
    region = gazetteer.region(hit.index)
    if region >= 0 and evidence.regions.get(region):
        score += 1.2
    if gazetteer.level(hit.index) == "district":
        place = gazetteer.place(hit.index)
        parent = gazetteer.by_id.get(place.parents[0]) if place.parents else None
        score += 3.0 if parent in evidence.indexes else -1.0
    point = gazetteer.point(hit.index)
    if point is not None:
        for name, other in evidence.points.items():
            if name != key and is_near(point, other):
                score += 1.3
                break
    return score


def rank(scores: Iterable[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Readings, best first; ties go to the smaller index, so the answer never depends on order."""
    return sorted(scores, key=lambda pair: (-pair[1], pair[0].index))
