import itertools
import re

import msgspec
import pytest

from streams.claims import find_claims
from streams.context import plain_context
from streams.numbers import find_numbers
from streams.times import find_times
from tocsin.records import Claim, Mention
from tocsin.segment import segment, sentences

PLACE = re.compile(r"\b(?:Zalingei|Nertiti|Golo|Kalemie|Douma|Mosul)\b")


def claims(text: str, kind: str) -> list[Claim]:
    """Claims of one type, with the towns of `PLACE` as the only places known."""
    segments = segment(text)
    context = msgspec.structs.replace(
        plain_context(text, published_at="2018-01-17"), segments=segments, sentences=sentences(text, segments)
    )
    places = [
        Mention(
            mention_id=f"m{m.start()}-{m.end()}",
            kind="place",
            entity_id=f"loc:{m.group().lower()}",
            name=m.group(),
            type="town",
            text=m.group(),
            start=m.start(),
            end=m.end(),
        )
        for m in PLACE.finditer(text)
    ]
    found = find_claims(context, [], places, find_numbers(context), find_times(context))
    return [claim for claim in found if claim.type == kind]


def told(text: str, kind: str) -> list[tuple[list[float | None], list[str], list[str]]]:
    return [([q.value for q in c.quantities], [q.role for q in c.quantities], [p.name for p in c.places]) for c in claims(text, kind)]


def test_every_item_of_a_list_is_a_claim_with_its_own_place() -> None:
    assert told("213 families were displaced from Zalingei, 40 from Nertiti and 12 from Golo.", "displacement") == [
        ([213], ["displaced"], ["Zalingei"]),
        ([40], ["displaced"], ["Nertiti"]),
        ([12], ["displaced"], ["Golo"]),
    ]


def test_a_place_before_the_first_figure_holds_for_all() -> None:
    assert told("In Douma, the shelling killed 30 people and wounded 12 others.", "casualties") == [
        ([30], ["killed"], ["Douma"]),
        ([12], ["injured"], ["Douma"]),
    ]


def test_the_same_people_in_other_units_share_a_claim() -> None:
    (claim,) = claims("About 310 households (some 1,600 people) fled to Kalemie.", "displacement")
    assert [(q.value, q.unit, q.approx) for q in claim.quantities] == [(310, "household", "about"), (1600, "person", "about")]


def test_a_part_of_a_toll_is_no_toll() -> None:
    assert told("The strike on Douma killed 30 people, including 12 children.", "casualties") == [([30], ["killed"], ["Douma"])]


@pytest.mark.parametrize(
    ("text", "subtype", "modality", "term"),
    [
        ("The offensive could displace 40,000 people in Mosul.", "forecast", "possible", "Displaced"),
        ("Some 9,000 villagers were displaced in Nertiti.", "flow", "asserted", "Displaced"),
        ("More than 400 families fled from Golo.", "flow", "asserted", "Forced to Flee"),
        ("Soldiers evacuated 300 residents of Kalemie.", "flow", "asserted", "Evacuated"),
        ("The raid left 250 people homeless in Golo.", "flow", "asserted", "Homeless"),
        ("40,000 people live in camps near Zalingei.", "in_camp", "asserted", "In Relief Camp"),
        ("600 people took shelter in a church in Golo.", "in_camp", "asserted", "Sheltered"),
        ("Some 2,000 residents returned to their homes in Mosul.", "return", "asserted", ""),
        ("Shelling destroyed 31 houses in Douma.", "housing", "asserted", "Destroyed Housing"),
        ("Shelling damaged 31 houses in Douma.", "housing", "asserted", "Partially Destroyed Housing"),
    ],
)
def test_the_term_gives_the_subtype_and_the_code(text: str, subtype: str, modality: str, term: str) -> None:
    (claim,) = claims(text, "displacement")
    assert (claim.subtype, claim.modality, claim.codes.idmc_term) == (subtype, modality, term)
    assert claim.quantities[0].unit in ("person", "household")


@pytest.mark.parametrize(
    "text",
    [
        "Some 200 fighters fled Mosul.",
        "Hundreds of protesters returned to the streets of Mosul.",
        "The army expelled two diplomats from Mosul.",
        "A convoy of 20 trucks reached Douma.",
        "The shelling destroyed 3 schools in Douma.",
    ],
)
def test_what_moves_or_breaks_without_people_losing_their_home_is_no_displacement(text: str) -> None:
    assert [c for c in claims(text, "displacement") if c.quantities] == []


def test_those_who_kill_are_not_the_killed() -> None:
    assert told("Two bombers killed at least 10 people in Mosul.", "casualties") == [([10], ["killed"], ["Mosul"])]


def test_killed_and_wounded_together_count_as_neither() -> None:
    (claim,) = claims("The army killed and wounded scores of rebels in Douma.", "casualties")
    assert [(q.role, q.min) for q in claim.quantities] == [("other", 40)]


def test_a_list_continues_a_targeted_attack() -> None:
    found = told("Gunmen assassinated two judges in Mosul and three teachers in Douma.", "targeted_attack")
    assert found == [([2], ["killed"], ["Mosul"]), ([3], ["killed"], ["Douma"])]


def test_claims_of_figures_quote_the_text_and_do_not_overlap() -> None:
    text = "In Mosul 30 people were killed, 12 injured and 45 are missing; 200 families fled to Golo."
    found = sorted([*claims(text, "casualties"), *claims(text, "displacement")], key=lambda c: c.start)
    assert [c.quantities[0].value for c in found] == [30, 12, 45, 200]
    for claim in found:
        assert claim.text == text[claim.start : claim.end]
        assert claim.start <= claim.quantities[0].start < claim.quantities[-1].end <= claim.end
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))
