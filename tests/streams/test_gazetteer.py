import tempfile
from pathlib import Path

import pytest
import yaml

from streams.gazetteer import Gazetteer, load_gazetteer, place_key, skeleton
from streams.gazetteer_build import _read, compile_data, slug
from tests.streams.places_of import FOCUS, gazetteer
from tocsin.errors import DataError

DATA = Path(__file__).parents[2] / "streams" / "data" / "places"
CURATED = ("middle_east", "africa", "europe_caucasus", "asia_americas")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Deir ez-Zor", "deir ez zor"),
        ("N'Djamena", "ndjamena"),
        ("Sana’a", "sanaa"),
        ("U.S.", "u s"),
        ("Al Ḩudaydah", "al hudaydah"),
        ("الموصِل", "الموصل"),
        ("Харків", "харків"),
    ],
)
def test_a_key_forgets_hyphens_apostrophes_and_diacritics(name: str, key: str) -> None:
    assert place_key(name) == key


@pytest.mark.parametrize(("one", "other"), [("Qaiara", "Qayyarah"), ("Mossoul", "Mosul"), ("Rakka", "Raqqa"), ("Al-Qusair", "Qusayr")])
def test_spellings_of_one_name_share_a_skeleton(one: str, other: str) -> None:
    assert skeleton(place_key(one)) == skeleton(place_key(other))


def test_different_names_have_different_skeletons() -> None:
    assert skeleton(place_key("Manbij")) != skeleton(place_key("Mosul"))


@pytest.mark.parametrize(
    ("name", "place_id"),
    [
        ("Mosul", "loc:mosul"),
        ("الموصل", "loc:mosul"),
        ("Мосул", "loc:mosul"),
        ("Mossoul", "loc:mosul"),
        ("Raqqa", "loc:raqqa"),
        ("Deir Ezzor", "loc:deir-ez-zor"),
        ("Iraq", "loc:iraq"),
        ("Kurdistan Region", "loc:iq-kurdistan-region"),
        ("Zamzam camp", "loc:zamzam"),
        ("Sahel", "loc:sahel"),
        ("Avdeevka", "loc:avdiivka"),
    ],
)
def test_curated_places_have_readable_ids_whatever_the_spelling(name: str, place_id: str) -> None:
    book = gazetteer()
    assert place_id in {book.place(hit.index).id for hit in book.lookup(place_key(name))}


def test_geonames_ids_and_points_come_from_the_data() -> None:
    book = gazetteer()
    mosul = book.place(book.by_id["loc:mosul"])
    assert (mosul.geonames_id, mosul.lat, mosul.lon) == (99072, 36.335, 43.11889)


def test_a_district_lies_in_its_town_its_governorate_and_its_country() -> None:
    book = gazetteer()
    assert book.place(book.by_id["loc:mosul/sumar"]).parents == ("loc:mosul", "loc:iq-nineveh", "loc:iraq")


def test_every_parent_is_a_place_of_the_gazetteer_and_every_point_is_on_earth() -> None:
    book = gazetteer()
    for place_id, index in book.by_id.items():
        place = book.place(index)
        assert set(place.parents) <= set(book.by_id), place_id
        assert place.lat is not None, place_id
        assert -90 <= place.lat <= 90, place_id
        assert place.lon is not None, place_id
        assert -180 <= place.lon <= 180, place_id


def test_a_city_of_the_world_knows_its_region_and_country() -> None:
    book = gazetteer()
    lyon = max((book.place(hit.index) for hit in book.lookup("lyon")), key=lambda place: place.population)
    assert (lyon.country, lyon.parents[-1]) == ("FR", "loc:france")


@pytest.mark.parametrize("junk", ["the", "for", "and", "osm", "mwsl", "on"])
def test_junk_among_the_alternate_names_is_left_out(junk: str) -> None:
    assert all(hit.kind == 0 for hit in gazetteer().lookup(junk))  # a village may really be called so; no alternate is


def test_the_cache_gives_the_same_gazetteer() -> None:
    book = gazetteer()
    again = load_gazetteer(FOCUS, None, Path(tempfile.gettempdir()) / "tocsin-test-gazetteer")
    assert (len(again), again.version) == (len(book), book.version)
    assert again.place(len(again) - 1) == book.place(len(book) - 1)


def test_a_broken_file_of_places_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "mine.yaml"
    bad.write_text("IQ: [unclosed", encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.yaml:2: not YAML"):
        _read(bad)


def test_slugs_are_readable() -> None:
    assert slug("Deir ez-Zor") == "deir-ez-zor"


def test_no_curated_name_is_lost_on_the_way() -> None:
    book = gazetteer()
    for file in sorted(DATA.glob("*.yaml")):
        for country, entry in (yaml.safe_load(file.read_text(encoding="utf-8")) if file.stem in CURATED else {}).items():
            for written in (*entry.get("admin1", ()), *entry.get("towns", ()), *entry.get("places", ())):
                name = written.partition(" @ ")[0].split("|")[0]
                found = [book.place(hit.index) for hit in book.lookup(place_key(name)) if book.is_curated(hit.index)]
                assert any(place.country == country for place in found), (file.name, country, name)


def test_your_own_places_join_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "actors.yaml").write_text("[not places]", encoding="utf-8")
    mine = tmp_path / "places-of-mine.yaml"
    mine.write_text(
        'IQ: {towns: ["Xarabeh|Kharabeh @ 36.1, 43.2"], districts: {Xarabeh: [Old Quarter], Mosul: [Hay Xarab]}}', encoding="utf-8"
    )
    book = Gazetteer(compile_data(frozenset(), tmp_path) | {"version": "test"}, frozenset())
    place = book.place(book.lookup(place_key("Kharabeh"))[0].index)
    assert (place.id, place.lat, place.parents[-1]) == ("loc:xarabeh", 36.1, "loc:iraq")
    assert {"loc:xarabeh/old-quarter", "loc:mosul/hay-xarab"} <= set(book.by_id)
    assert len(book.lookup(place_key("Mosul"))) >= 1
