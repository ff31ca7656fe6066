"""The curated places hold for the world: where they lie, what they lie in, and that no name stands for two of them by accident."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.gazetteer import Place, place_key
from streams.gazetteer_build import _Builder
from tests.streams.places_of import gazetteer

DATA = Path(__file__).parents[2] / "streams" / "data" / "places"
CONFLICT = ("middle_east", "africa", "europe_caucasus", "asia_americas")
MARGIN = 2.0  # degrees beyond the outermost towns of a country: deserts, dams, crossings
FAR_FROM_TOWNS = {"loc:no-svalbard", "loc:falkland-islands"}  # islands whose towns GeoNames' file lacks or files elsewhere
NAMESAKES_KM = 40.0  # a given point lies within this of GeoNames' town of that name in that country ...
OTHER_NAMESAKES = {  # ... but for places GeoNames' file lacks, while it knows another of their name
    ("NG", "Banki"),
    ("UA", "Pisky"),
    ("MM", "Pauktaw"),
}
SHARED = {("IQ", "al muthanna"), ("IQ", place_key("المثنى"))}  # a governorate, and a quarter of Mosul


@cache
def builder() -> _Builder:
    return _Builder(frozenset())


def _km(one: tuple[float, float], other: tuple[float, float]) -> float:
    return 111 * math.hypot(one[0] - other[0], (one[1] - other[1]) * math.cos(math.radians(one[0])))


def curated() -> Iterator[Place]:
    book = gazetteer()
    for index in book.by_id.values():
        if book.is_curated(index):
            yield book.place(index)


def conflict_files() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in CONFLICT:
        yield from yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8")).items()


def towns() -> Iterator[tuple[str, list[str], str]]:
    """(country, names, point as written) of every curated town."""
    for country, entry in conflict_files():
        for written in entry.get("towns", ()):
            names, _, point = written.partition(" @ ")
            yield country, names.split("|"), point


def test_every_curated_place_lies_in_or_near_its_country() -> None:
    boxes = {
        country: (
            min(c.latitude for c in cities) - MARGIN,
            max(c.latitude for c in cities) + MARGIN,
            min(c.longitude for c in cities) - MARGIN,
            max(c.longitude for c in cities) + MARGIN,
        )
        for country, cities in builder().by_country.items()
    }
    outside = []
    for place in curated():
        if place.country not in boxes or place.id in FAR_FROM_TOWNS:
            continue
        south, north, west, east = boxes[place.country]
        assert place.lat is not None, place.id
        assert place.lon is not None, place.id
        if not (south <= place.lat <= north and west <= place.lon <= east):
            outside.append((place.id, place.country, place.lat, place.lon))
    assert outside == []


def test_every_curated_place_is_of_a_known_country_and_inside_it() -> None:
    for place in curated():
        assert place.country is None or place.country in builder().countries, place.id
        if place.country and place.type not in ("country", "sea", "river", "region", "mountain", "island", "base", "site", "district"):
            nations = [p for p in place.parents if gazetteer().place(gazetteer().by_id[p]).type == "country"]
            assert [gazetteer().place(gazetteer().by_id[p]).country for p in nations] == [place.country], place.id


def test_ids_are_well_formed() -> None:
    malformed = [place.id for place in curated() if not re.fullmatch(r"loc:[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)?", place.id)]
    assert malformed == []


def test_a_point_given_for_a_town_agrees_with_geonames_where_geonames_knows_the_town() -> None:
    wrong = []
    for country, names, point in towns():
        if not point or point.startswith("#") or (country, names[0]) in OTHER_NAMESAKES:
            continue
        lat, lon = map(float, point.split(","))
        keys = {place_key(name) for name in names}
        known = [c for c in builder().by_country[country] if place_key(c.name) in keys]
        if known and min(_km((lat, lon), (c.latitude, c.longitude)) for c in known) > NAMESAKES_KM:
            wrong.append((country, names[0], point, [(c.latitude, c.longitude) for c in known]))
    assert wrong == []


def test_every_town_without_a_point_is_known_to_geonames() -> None:
    unknown = [(country, names[0]) for country, names, point in towns() if not point and builder().find_city(country, names) is None]
    assert unknown == []


def test_no_village_is_taken_for_a_city_of_another_spelling() -> None:
    """Where a much larger namesake exists under another spelling, the entry must say which by its GeoNames id ("@ #id")."""
    taken = []
    for country, names, point in towns():
        if point:
            continue
        chosen = builder().find_city(country, names)
        assert chosen is not None
        others = [c for name in names for c in builder().spellings[country].get(place_key(name), ())]
        largest = max(others, key=lambda c: c.population)
        if (
            0 < 10 * max(chosen.population, 2_500) < largest.population
            and _km((chosen.latitude, chosen.longitude), (largest.latitude, largest.longitude)) > 20
        ):
            taken.append((country, names[0], chosen.population, largest.name, largest.population))
    allowed = {("IN", "Bijapur")}  # the district of Chhattisgarh, not the city of Karnataka, now Vijayapura
    assert [row for row in taken if row[:2] not in allowed] == []


def test_no_two_regions_of_a_country_share_a_seat() -> None:
    shared = []
    for name in ("regions", *CONFLICT):
        for country, entry in yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8")).items():
            if country == "US-points":
                continue
            known: dict[str, str] = {}
            for region, where in (entry if name == "regions" else entry.get("admin1") or {}).items():
                seat = where[0] if isinstance(where, list) else where
                town = builder().find_city(country, [seat]) if seat else None
                if town is not None and known.setdefault(town.admin1code, region) != region:
                    shared.append((country, region, known[town.admin1code]))
    assert shared == []


def test_no_name_stands_for_two_curated_places_of_a_country() -> None:
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for country, entry in conflict_files():
        for kind in ("admin1", "towns", "places"):
            for written in entry.get(kind) or ():
                names = written.partition(" @ ")[0].split("|")
                for name in names:
                    holders[country, place_key(name)].add(f"{kind}: {names[0]}")
        for town, quarters in (entry.get("districts") or {}).items():
            for quarter in quarters:
                for name in quarter.split("|"):
                    holders[country, place_key(name)].add(f"{town}: {quarter.split('|')[0]}")
    twice = {key: who for key, who in holders.items() if len(who) > 1 and key not in SHARED}
    assert twice == {}


@pytest.mark.parametrize("name", CONFLICT)
def test_no_town_is_listed_twice(name: str) -> None:
    for country, entry in yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8")).items():
        first = [written.partition(" @ ")[0].split("|")[0] for written in entry.get("towns", ())]
        assert sorted(first) == sorted(set(first)), country


def test_a_country_point_is_plain() -> None:
    """Whole quarters of a degree, one rule for all: no point is moved to please a list; city states have their city's."""
    cities = {"HK", "MO", "MC", "VA", "SG"}
    for code, entry in yaml.safe_load((DATA / "countries.yaml").read_text(encoding="utf-8")).items():
        if code not in cities:
            assert all((value * 4).is_integer() for value in map(float, entry["at"])), code
