import pytest

from streams.context import plain_context
from streams.nationals import with_nationality
from streams.numbers import find_numbers
from tests.streams.claims_of import claims_of
from tests.streams.places_of import gazetteer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("52,000 Afghans crossed the border from Pakistan.", [("loc:afghanistan", "Afghans", "about")]),
        ("Some 4,000 Afghan refugees fled to Iran.", [("loc:afghanistan", "Afghan", "about")]),
        ("Shelling displaced 200 Lebanese families.", [("loc:lebanon", "Lebanese", "about")]),
        ("300,000 Central Africans are displaced.", [("loc:central-african-republic", "Central Africans", "about")]),
        ("300 people fled Syrian shelling.", []),
        ("Some 400 families were displaced.", []),
    ],
)
def test_a_figure_of_nationals_is_about_their_country(text: str, expected: list[tuple[str, str, str]]) -> None:
    numbers = {number.start: number for number in find_numbers(plain_context(text))}
    (claim,) = [
        with_nationality(claim, numbers, text, gazetteer())
        for claim in claims_of(text)
        if claim.type == "displacement" and claim.quantities
    ]
    about = [place for place in claim.places if place.role == "about"]
    assert [(p.entity_id, p.text, p.role) for p in about] == expected
    assert all(p.geo is None and p.start is not None and text[p.start : p.end] == p.text for p in about)
