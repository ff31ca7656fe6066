import time

import pytest

from streams.named_places import named_places


def names(text: str, known: str = "") -> list[str]:
    taken = [(text.index(known), text.index(known) + len(known))] if known else []
    return [m.text for m in named_places(text, 0, len(text), taken)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("About 7,000 people fled in Zumbari district.", ["Zumbari"]),
        ("They were displaced from Bakora and Ndasima to the coast.", ["Bakora", "Ndasima"]),
        ("The storm hit villages in Old Korra, Temlin and Vash-Kul provinces.", ["Old Korra", "Temlin", "Vash-Kul"]),
        ("People fled the town of L'Estera.", ["L'Estera"]),
        ("In northern Umbari, 40 people died.", ["Umbari"]),
        ("40 people died near Umbari's market.", ["Umbari"]),
        ("Twelve were killed in March and in Ramadan.", []),
        ("They spoke to President Ombo in the street.", []),
        ("A report from UNHCR and OCHA", []),
        ("the Umbari people fled", []),
    ],
)
def test_a_capitalised_name_after_a_word_of_place_is_one(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_a_known_place_is_not_named_again() -> None:
    assert names("They fled from Umbari to Temlin.", known="Umbari") == ["Temlin"]


def test_an_unknown_place_is_never_sure_and_has_no_coordinates() -> None:
    text = "They fled from Old Korra."
    (mention,) = named_places(text, 0, len(text), [])
    assert (mention.entity_id, mention.sure, mention.lat, text[mention.start : mention.end]) == (
        "loc:x-old-korra",
        False,
        None,
        "Old Korra",
    )


@pytest.mark.parametrize("unit", ["in Aa ", "in Aa, ", "In Aa and ", "Aa ", "A-", "in A'A'", "in the "])
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    text = ("in " + unit * 40_000)[:120_000]
    start = time.process_time()
    named_places(text, 0, len(text), [])
    assert time.process_time() - start < 2
