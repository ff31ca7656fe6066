"""The total of a roundup is not one more event."""

from msgspec.structs import replace

from streams.totals import EXTENT, mark_totals, without_doubles
from tests.builders import claim, place
from tocsin.records import Claim, Codes, Quantity


def killed(text: str, number: int, *, sentence: int = 0, where: str | None = None, approx: str | None = None) -> Claim:
    figure = Quantity(text=str(number), start=0, end=1, unit="person", value=float(number), role="killed", approx=approx)
    places = (place(text, where, f"loc:{where.lower()}"),) if where else ()
    return claim(text, "killed", "casualties", places=places, quantities=(figure,), sentence_index=sentence)


PARTS = (
    killed("six killed in Kirkuk", 6, sentence=1, where="Kirkuk"),
    killed("three killed in Baquba", 3, sentence=2, where="Baquba"),
    killed("five killed in Mosul", 5, sentence=3, where="Mosul"),
)


def test_a_title_that_adds_up_its_parts_is_a_total_and_the_parts_stay_as_they_are() -> None:
    (title,), body = mark_totals([killed("attacks killed 14", 14)], PARTS)
    assert (title.cumulative, title.extent) == ("cumulative", EXTENT)
    assert body == PARTS


def test_a_first_sentence_that_adds_up_the_rest_is_a_total() -> None:
    _, body = mark_totals([], (killed("14 killed across the country", 14), *PARTS))
    assert [c.cumulative for c in body] == ["cumulative", "unknown", "unknown", "unknown"]


def test_a_figure_that_does_not_add_up_is_an_event_of_its_own() -> None:
    (title,), _ = mark_totals([killed("attacks killed 20", 20)], PARTS)
    assert title.cumulative == "unknown"


def test_the_same_event_told_twice_is_one_part() -> None:
    twice = (PARTS[2], killed("five killed in Mosul", 5, sentence=4, where="Mosul"))
    (title,), _ = mark_totals([killed("attacks killed 10", 10)], twice)
    assert title.cumulative == "unknown"


def test_a_bound_adds_up_to_nothing() -> None:
    (title,), _ = mark_totals([killed("over 14 killed", 14, approx="over")], PARTS)
    assert title.cumulative == "unknown"


def moved(subtype: str, sentence: int, term: str = "") -> Claim:
    told = replace(killed("killed 100", 100, sentence=sentence), type="displacement", subtype=subtype)
    return replace(told, codes=Codes(idmc_term=term))


def test_homes_beside_a_count_of_the_displaced_are_left_out_and_stand_for_them_elsewhere() -> None:
    homes, people, later = moved("housing", 3, "Destroyed Housing"), moved("flow", 4), moved("housing", 9, "Destroyed Housing")
    assert without_doubles([homes, people, later]) == [people, later]


def test_damaged_homes_beside_destroyed_ones_are_left_out() -> None:
    destroyed, damaged = moved("housing", 3, "Destroyed Housing"), moved("housing", 3, "Partially Destroyed Housing")
    assert without_doubles([destroyed, damaged]) == [destroyed]
    assert without_doubles([damaged]) == [damaged]
