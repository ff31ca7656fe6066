import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.context import plain_context
from streams.numbers import Number, as_quantity, find_numbers
from tests.timing import cpu_seconds

GOLD = Path(__file__).resolve().parents[2].parent / "shared" / "eval" / "seeds.jsonl"

WORDS = ("over", "at least", "up to", "between", "and", "from", "to", "some", "12", "8,000", "1.2", "million", "thousand", "hundred")
WORDS += ("two", "three", "several", "dozens", "of", "people", "killed", ",", ".", "(", ")")


def numbers(text: str, lang: str = "en") -> list[Number]:
    return find_numbers(plain_context(text, lang))


def only(text: str, lang: str = "en") -> Number:
    found = numbers(text, lang)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "value", "least", "most", "approx", "unit"),
    [
        ("Shelling killed 12 farmers.", 12, 12, 12, None, "person"),
        ("Over 8,000 residents were killed.", 8000, 8000, None, "over", "person"),
        ("at least 31 villagers", 31, 31, None, "at_least", "person"),
        ("up to 60 rebels died", 60, None, 60, "at_most", "fighter"),
        ("fewer than 20 homes", 20, None, 20, "under", "building"),
        ("no more than 5 tanks", 5, None, 5, "at_most", "vehicle"),
        ("some 300 families", 300, 300, 300, "about", "household"),
        ("an estimated 4,500 refugees", 4500, 4500, 4500, "about", "person"),
        ("nearly two dozen officers", 24, 24, 24, "about", "person"),
        ("213 thousand people", 213000, 213000, 213000, None, "person"),
        ("1.2 million civilians", 1200000, 1200000, 1200000, None, "person"),
        ("260 000 people", 260000, 260000, 260000, None, "person"),
        ("1.234.567 people", 1234567, 1234567, 1234567, None, "person"),
        ("50k people", 50000, 50000, 50000, None, "person"),
        ("half a million refugees", 500000, 500000, 500000, None, "person"),
        ("a hundred villagers", 100, 100, 100, None, "person"),
        ("twenty-five people", 25, 25, 25, None, "person"),
        ("two hundred and thirteen thousand civilians", 213000, 213000, 213000, None, "person"),
        ("12-15 soldiers", None, 12, 15, "range", "fighter"),
        ("between 7,000 and 9,500 people", None, 7000, 9500, "range", "person"),
        ("from 40 to 73 detainees", None, 40, 73, "range", "person"),
        ("one to 1.5 million people", None, 1000000, 1500000, "range", "person"),
        ("two or three soldiers", None, 2, 3, "range", "fighter"),
        ("dozens of people", None, 24, 99, "order_of_magnitude", "person"),
        ("hundreds of thousands of civilians", None, 200000, 999999, "order_of_magnitude", "person"),
        ("tens of thousands of families", None, 20000, 99999, "order_of_magnitude", "household"),
        ("several hundred fighters", None, 300, 999, "order_of_magnitude", "fighter"),
        ("several more camps", None, 3, None, "vague", "camp"),
        ("two service members", 2, 2, 2, None, "person"),
        ("a family of five was buried", 5, 5, 5, None, "person"),
        ("murdered a local administrator", 1, 1, 1, None, "person"),
        ("300 of the 900 prisoners had left", 300, 300, 300, None, "person"),
        ("eight different parties", 8, 8, 8, None, "party"),
        ("In 2016, 1500 houses burned", 1500, 1500, 1500, None, "building"),
        ("195,000 Iraqis in Dohuk", 195000, 195000, 195000, None, "person"),
        ("at least140,000 people", 140000, 140000, None, "at_least", "person"),
        ("230,000 displacedpeople", 230000, 230000, 230000, None, "person"),
        ("2.14 lakh people", 214000, 214000, 214000, None, "person"),
        ("3 crore residents", 30000000, 30000000, 30000000, None, "person"),
        ("1,20,000 people", 120000, 120000, 120000, None, "person"),
        ("12,34,567 villagers", 1234567, 1234567, 1234567, None, "person"),
        ("more than 1.5m people", 1500000, 1500000, None, "over", "person"),
        ("one and a half million people", 1500000, 1500000, 1500000, None, "person"),
        ("a quarter of a million refugees", 250000, 250000, 250000, None, "person"),
        ("half a dozen miners", 6, 6, 6, None, "person"),
        ("1.1 to 1.3 million people", None, 1100000, 1300000, "range", "person"),
        ("1.2–1.5 million people", None, 1200000, 1500000, "range", "person"),
        ("900 000-1 million people", None, 900000, 1000000, "range", "person"),
        ("two hundred and fifty people", 250, 250, 250, None, "person"),
        ("40+ people", 40, 40, None, "at_least", "person"),
        ("500 plus families", 500, 500, None, "at_least", "household"),
        ("thirty-odd soldiers", 30, 30, 30, "about", "fighter"),
        ("~300 families", 300, 300, 300, "about", "household"),
        ("> 500 people", 500, 500, None, "over", "person"),
        ("a couple of farmers", None, 2, None, "vague", "person"),
        ("a few dozen people", None, 24, 99, "order_of_magnitude", "person"),
        ("not less than 14 persons", 14, 14, None, "at_least", "person"),
        ("12 out of 15 people were killed", 12, 12, 12, None, "person"),
    ],
)
def test_a_count_says_how_many_and_of_what(
    text: str, value: float | None, least: float | None, most: float | None, approx: str | None, unit: str
) -> None:
    found = numbers(text)[0]
    assert (found.value, found.min, found.max, found.approx, found.unit) == (value, least, most, approx, unit)


@pytest.mark.parametrize(
    "text",
    [
        "On July 20, 2017 the city fell.",
        "It began in 2016 and ended in 2019.",
        "In 2016 people fled.",
        "the 1990s",
        "between 21 and 23 May",
        "on 2 and 3 June",
        "at 10:30 and 3 p.m.",
        "a 45-year-old man aged 45"[2:],
        "Ali Hassan, 45, said so.",
        "Ali Hassan (45) said so.",
        "5 km from the border, 30 miles away",
        "$12 million and €3,000",
        "1.2 billion dollars",
        "30 percent, 30%, 30 per cent",
        "the 24th and 1st brigades",
        "Route 66, Resolution 2254, page 12",
        "T-72, S-300, Su-25 and 155mm",
        "COVID-19 and Nock-Ten",
        "G20",
        "a 2-0 win",
        "1) shelter",
        "three days, two weeks, 10 years",
        "a 24-hour curfew",
        "one of them said no one knew one another",
        "one in every five",
        "One in five people is displaced.",
        "Nine out of ten families lack water, three in four children are hungry.",
        "Two-thirds of the population and three quarters of the homes, 2/3 of them",
        "for every 10 people, each two houses",
        "He died at 34; she died at the age of 51.",
        "children under five and people over 65",
        "children aged 5 to 12",
        "Louis XVI, Chapter IV, World War II",
        "The 7 October attack, the October 7 attack",
        "a 7.62 mm rifle, a 6.7 magnitude earthquake, 122-mm rockets",
        "a 12-day siege, a 500-strong force",
        "0912-345-678",
        "36.3°N",
        "+964 770 123 4567",
        "2017-03-04 and 04/03/2017",
    ],
)
def test_what_only_looks_like_a_count_is_none(text: str) -> None:
    assert numbers(text) == []


@pytest.mark.parametrize(
    ("text", "value", "least", "unit"),
    [
        ("قتل ١٢ مدنيا", 12, 12, "person"),
        ("خمسة وعشرون شخصا", 25, 25, "person"),
        ("5 آلاف نازح", 5000, 5000, "person"),
        ("مئات الآلاف من النازحين", None, 200000, "person"),
        ("أكثر من 300 جريح", 300, 300, "person"),
        ("двадцать пять человек", 25, 25, "person"),
        ("более 12 тысяч беженцев", 12000, 12000, "person"),
        ("десятки тысяч людей", None, 20000, "person"),
    ],
)
def test_counts_are_read_in_arabic_and_russian(text: str, value: float | None, least: float | None, unit: str) -> None:
    found = only(text, "ar" if "ا" in text else "ru")
    assert (found.value, found.min, found.unit) == (value, least, unit)


def test_a_rise_counts_only_what_it_rose_to() -> None:
    found = only("The death toll rose from 40 to 73.")
    assert (found.value, found.min, found.max) == (73, 73, 73)


def test_figures_without_a_noun_take_the_unit_of_what_happened() -> None:
    found = numbers("The raid killed four and wounded 16; 22 homes were flattened and over 70 burned, 140 were left homeless.")
    assert [n.unit for n in found] == ["person", "person", "building", "building", "person"]


def test_others_are_of_the_kind_counted_before() -> None:
    found = numbers("It flattened some 60 homes, burned 14 others and hurt seven persons.")
    assert [n.unit for n in found] == ["building", "building", "person"]


def test_a_list_names_each_noun_once() -> None:
    found = numbers("14,593 internally displaced households in 21 camps")
    assert [(n.noun, n.modifiers) for n in found] == [("households", ("internally", "displaced")), ("camps", ())]
    assert found[0].noun_end > found[0].noun_start > found[0].end


def test_a_number_becomes_a_quantity_with_its_role() -> None:
    quantity = as_quantity(only("Over 8,000 residents"), "killed")
    assert (quantity.text, quantity.value, quantity.min, quantity.max, quantity.role) == ("Over 8,000", 8000, 8000, None, "killed")


@given(st.text(alphabet=st.sampled_from("0123456789 .,-–/:()%$\n abcdeknoprstuvy’'\u0640\u200fİ٣٤ثلافمة万½²"), max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_ordered_counts_that_quote_it(text: str) -> None:
    end = 0
    for number in numbers(text):
        assert number.text == text[number.start : number.end] != ""
        assert number.start >= end
        end = number.end
        assert number.value is None or number.value >= 0
        assert number.min is None or number.max is None or number.min <= number.max
        if number.noun:
            assert number.start <= number.noun_start < number.noun_end


@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=40,
    )
)
@example(["some", "some", "people"])
@settings(max_examples=300, deadline=None)
def test_any_mixture_of_number_words_gives_ordered_counts(words: list[str]) -> None:
    text = " ".join(words)
    spans = [(n.start, n.end) for n in numbers(text)]
    assert all(text[s:e] for s, e in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("unit", ["1 ", "one ", "at least ", "1-", "hundreds of ", "(1) ", "a ", "9" * 40 + " ", "from 1 to "])
def test_time_grows_with_length_and_not_faster(unit: str) -> None:
    def spent(size: int) -> float:
        context = plain_context((unit * size)[:size])
        return cpu_seconds(lambda: find_numbers(context))

    small, large = max(spent(20_000), 0.002), spent(160_000)
    assert large < small * 40


@pytest.mark.skipif(not GOLD.exists(), reason="the evaluation data is not beside the checkout")
def test_every_figure_of_the_seed_articles_is_found() -> None:
    missed = []
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        found = numbers(record["text"])
        for claim in record["claims"]:
            for quantity in claim.get("quantities", []):
                if claim["level"] == "must" and (quantity.get("value") or quantity.get("min")):
                    wanted = (quantity.get("value"), quantity.get("min"))
                    if not any(
                        (n.value, n.min) == wanted and n.unit == quantity["unit"] and claim["start"] <= n.start < claim["end"]
                        for n in found
                    ):
                        missed.append((claim["id"], quantity))
    assert missed == []
