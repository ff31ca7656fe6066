from itertools import pairwise

import pytest

from streams.context import plain_context
from streams.place_patterns import mapping, words
from streams.places import find_places
from tests.streams.places_of import gazetteer, ids_of, places_of
from tests.timing import cpu_seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Shells fell on Kobani at dawn.", [("Kobani", "loc:kobani")]),
        ("Families left Deir ez-Zor for Raqqa.", [("Deir ez-Zor", "loc:deir-ez-zor"), ("Raqqa", "loc:raqqa")]),
        ("Fighting reached the village near Sana’a.", [("Sana’a", "loc:sanaa")]),
        ("A convoy reached N'Djamena from Sudan.", [("N'Djamena", "loc:ndjamena"), ("Sudan", "loc:sudan")]),
        ("The US and the U.K. agreed.", [("US", "loc:united-states"), ("U.K.", "loc:united-kingdom")]),
        ("Drones hit Kharkiv and Odessa.", [("Kharkiv", "loc:kharkiv"), ("Odessa", "loc:odesa")]),
        ("Rockets fell on Cox's Bazar.", [("Cox's Bazar", "loc:coxs-bazar")]),
    ],
)
def test_names_are_found_with_their_ids(text: str, found: list[tuple[str, str]]) -> None:
    assert ids_of(text) == found


@pytest.mark.parametrize(
    ("text", "entity_id", "name"),
    [
        ("Snipers hold eastern Aleppo.", "loc:aleppo#east", "eastern Aleppo"),
        ("They shelled the western part of Mosul.", "loc:mosul#west", "western Mosul"),
        ("Clashes in the northern countryside of Hama went on.", "loc:hama#north-countryside", "northern Hama countryside"),
        ("Camps in northern Iraq are full.", "loc:iraq#north", "northern Iraq"),
        ("Raids in south-east Syria killed two.", "loc:syria#south-east", "southeastern Syria"),
        ("They fled to the outskirts of Idlib.", "loc:idlib#outskirts", "Idlib outskirts"),
    ],
)
def test_parts_of_places_are_places_of_their_own(text: str, entity_id: str, name: str) -> None:
    (mention,) = places_of(text)
    assert (mention.entity_id, mention.name, mention.how) == (entity_id, name, "derived")
    assert mention.parent_ids[0] == entity_id.partition("#")[0]


@pytest.mark.parametrize(
    ("text", "words_found"),
    [
        ("Mosul city was quiet.", "Mosul city"),
        ("They drove to Kandahar province.", "Kandahar province"),
        ("Aid reached Al-Hol camp in Syria.", "Al-Hol camp"),
    ],
)
def test_the_noun_behind_a_name_belongs_to_it(text: str, words_found: str) -> None:
    assert places_of(text)[0].text == words_found


@pytest.mark.parametrize(
    ("text", "words_found", "country", "region"),
    [
        ("A fire in Paris, Texas, hurt two.", "Paris", "US", "Texas"),
        ("Police in Springfield, Ill., said so.", "Springfield", "US", "Illinois"),
        ("She lives in London, Ontario.", "London", "CA", "Ontario"),
        ("The mayor of Paris spoke to the French parliament.", "Paris", "FR", "Île-de-France"),
        ("Officials in Tbilisi said Georgia would not yield to Russia.", "Georgia", "GE", None),
        ("Voters in Atlanta, Savannah and across Georgia queued, as in Florida and Alabama.", "Georgia", "US", None),
        ("Troops left Tripoli for Misrata and Sirte in Libya.", "Tripoli", "LY", None),
        ("The army of Lebanon entered Tripoli and Sidon.", "Tripoli", "LB", None),
    ],
)
def test_an_ambiguous_name_is_read_in_its_context(text: str, words_found: str, country: str, region: str | None) -> None:
    mention = next(m for m in places_of(text) if m.text == words_found)
    assert mention.country == country
    assert region is None or mention.admin1 == region


@pytest.mark.parametrize(
    "text",
    [
        "Jordan Smith scored twice.",
        "Paris Hilton arrived late.",
        "He wrote in the Washington Post.",
        "She studies at the University of Manchester.",
        "British Airways cut flights.",
        "President Lincoln was shot.",
        "Kevin Scott was charged.",
        "The battle was many hours long.",
        "Please join us today.",
        "The fee is US$ 40.",
        "Let us go in March or May.",
    ],
)
def test_persons_papers_firms_and_plain_words_are_no_places(text: str) -> None:
    assert ids_of(text) == []


def test_a_country_in_a_firms_name_does_not_hide_the_country_elsewhere() -> None:
    assert ids_of("British Airways resumed flights to Jordan.") == [("Jordan", "loc:jordan")]


def test_a_district_counts_when_its_town_is_named() -> None:
    inside = places_of("Gunmen fired in Sumar district in eastern Mosul.")
    assert [m.entity_id for m in inside] == ["loc:mosul/sumar", "loc:mosul#east"]
    assert inside[0].parent_ids == ("loc:mosul", "loc:iq-nineveh", "loc:iraq")
    assert inside[0].precision == "district"


def test_demonyms_are_adjectives_of_their_country() -> None:
    (mention,) = places_of("Turkish shelling went on.")
    assert (mention.entity_id, mention.how) == ("loc:turkey", "demonym")


@pytest.mark.parametrize(
    ("text", "lang", "entity_id"),
    [
        ("وقعت اشتباكات في الموصل أمس", "ar", "loc:mosul"),
        ("غارة جوية بالرقة ليلا", "ar", "loc:raqqa"),
        ("Взрывы прозвучали в Харькове ночью.", "ru", "loc:kharkiv"),
        ("Бои идут под Авдеевкой.", "ru", "loc:avdiivka"),
        ("Des combats ont éclaté à Tombouctou.", "fr", "loc:timbuktu"),
    ],
)
def test_other_languages_and_their_endings_are_read(text: str, lang: str, entity_id: str) -> None:
    assert entity_id in {m.entity_id for m in places_of(text, lang)}


def test_unlisted_names_stand_in_for_themselves_and_are_never_sure() -> None:
    mentions = places_of("Fighting spread in Kandahar. Elders from Charqala district fled to Kandahar.")
    unlisted = next(m for m in mentions if "Charqala" in m.text)
    assert (unlisted.how, unlisted.sure, unlisted.country) == ("pattern", False, "AF")


def test_offsets_are_those_of_the_text_even_when_folding_removes_characters() -> None:
    text = "\u200fوصلت القافلة إلى الموصـــل، ثم Deir\u00ad ez-Zor."
    for mention in places_of(text, "ar"):
        assert text[mention.start : mention.end] == mention.text
    assert "loc:mosul" in {m.entity_id for m in places_of(text, "ar")}


def test_mentions_are_in_order_never_overlap_and_carry_what_a_map_needs() -> None:
    text = "From Mosul city to northern Iraq, Aleppo, the eastern countryside of Aleppo, Paris, Texas and Ky. in the US. " * 3
    mentions = places_of(text)
    assert all(a.end <= b.start for a, b in pairwise(mentions))
    for mention in mentions:
        assert mention.lat is not None
        assert mention.precision
        assert mention.precision_km is not None
        assert mention.confidence <= 1
        assert mention.sure or mention.reason


def test_an_empty_or_odd_text_has_no_places() -> None:
    for text in ("", " ", "\n\n", "…", "123 456", "\ud7ff\U0001f600"):
        assert places_of(text) == []


def test_time_grows_with_the_text_not_faster() -> None:
    unit = "Troops moved from Mosul to Raqqa while Kobani and Sinjar were shelled. Many families fled to Paris, Texas. "

    def seconds(copies: int) -> float:
        context = plain_context(unit * copies)
        return cpu_seconds(lambda: find_places(context, gazetteer()))

    assert seconds(1600) < 16 * max(seconds(200), 0.01)  # eight times the text; twice the room for noise


def test_every_word_list_is_folded_text() -> None:
    for name in ("locative", "function", "titles", "ambiguous", "given", "first_names", "never_before", "not_unlisted"):
        for word in words(name):
            assert isinstance(word, str), (name, word)
            assert word == word.lower(), (name, word)
    assert mapping("directions")["northern"] == "north"


def test_a_stretching_mark_alone_is_no_name_and_stops_no_other() -> None:
    assert ids_of("ـ in Mosul")[0][0] == "Mosul"
