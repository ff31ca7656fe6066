"""Which place a name means: readings are scored by kind, size, the countries and regions the document speaks of, and nearness."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.gazetteer import ABBREVIATION, ALTERNATE, DEMONYM, HISTORICAL, MAIN, Gazetteer, Hit

_TYPE_PRIOR = {"country": 4.2, "continent": 3.6, "region": 3.0, "sea": 3.2, "river": 2.0, "mountain": 2.4, "admin1": 2.7, "admin2": 1.2}
_KIND_PRIOR = {MAIN: 0.0, ALTERNATE: -0.7, HISTORICAL: -2.0, DEMONYM: 0.0, ABBREVIATION: 0.0}
_NEAR_KM = 150.0


@dataclass(slots=True)
class Evidence:
    """What a document says about where it is: votes for countries and regions, points of sure places."""

    countries: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    regions: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    indexes: set[int] = field(default_factory=set)
    points: dict[str, tuple[float, float]] = field(default_factory=dict)  # key of a name -> where it is

    def country_share(self, country: str | None) -> float:
        """0..1: how much of the document's geography is this country."""
        votes = self.countries.get(country or "", 0.0)
        return votes / (sum(self.countries.values()) + 0.5) if votes else 0.0


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two (latitude, longitude) points in degrees (haversine, mean Earth radius 6371 km)."""
    lat1, lat2 = math.radians(a[0]), math.radians(b[0])
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(b[1] - a[1]) / 2) ** 2
    return 12742 * math.asin(min(1.0, math.sqrt(h)))


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
    if gazetteer.is_curated(hit.index):
        place = gazetteer.place(hit.index)
        if place.type == "district":
            parent = gazetteer.by_id.get(place.parents[0]) if place.parents else None
            score += 3.0 if parent in evidence.indexes else -1.0
    if point := gazetteer.point(hit.index):
        near = min((kilometres(point, other) for name, other in evidence.points.items() if name != key), default=9e9)
        if near < _NEAR_KM:
            score += 1.3
    return score


def rank(scores: Iterable[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Readings, best first; ties go to the smaller index, so the answer never depends on order."""
    return sorted(scores, key=lambda pair: (-pair[1], pair[0].index))
