import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.context import plain_context
from streams.figures import Figure, find_figures
from streams.numbers import find_numbers


def figures(text: str) -> list[Figure]:
    context = plain_context(text)
    return find_figures(context, 0, len(text), find_numbers(context))


def roles(text: str) -> list[tuple[str, str, str]]:
    return [(f.number.text, f.role, f.unit) for f in figures(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Shelling killed 12 farmers and injured 30.", [("12", "killed", "person"), ("30", "injured", "person")]),
        ("12 farmers were killed and 30 others wounded.", [("12", "killed", "person"), ("30", "injured", "person")]),
        ("One guard died and some 140 were left homeless.", [("One", "killed", "person"), ("some 140", "displaced", "person")]),
        ("The death toll rose from 40 to 73.", [("73", "killed", "person")]),
        ("Nine miners are missing, 14 were rescued.", [("Nine", "missing", "person"), ("14", "other", "person")]),
        ("Police arrested 45 protesters in Basra.", [("45", "detained", "person")]),
        ("Gunmen kidnapped two engineers.", [("two", "abducted", "person")]),
        ("More than 400 families fled towards the river.", [("More than 400", "displaced", "household")]),
        ("The fighting has displaced nearly 9,000 villagers.", [("nearly 9,000", "displaced", "person")]),
        ("The offensive led to the displacement of 2.3 million people.", [("2.3 million", "displaced", "person")]),
        ("Some 2,000 residents returned to their homes.", [("Some 2,000", "returned", "person")]),
        ("40,000 people live in camps near Dohuk.", [("40,000", "in_camp", "person")]),
        ("A fire drove 700 people out of their homes.", [("700", "displaced", "person")]),
        ("The number of returnees from Iran since May is now 53,000.", [("53,000", "returned", "person")]),
        (
            "22 houses were destroyed and over 70 damaged.",
            [("22", "destroyed", "building"), ("over 70", "damaged", "building")],
        ),
        ("Number of displaced families: 452", [("452", "displaced", "household")]),
        ("The council has 15 members.", []),
        ("A convoy of 20 trucks left the base.", []),
    ],
)
def test_a_figure_takes_its_role_from_the_nearest_term(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert roles(text) == expected


def test_the_items_of_a_list_share_the_term() -> None:
    found = figures("213 families were displaced from Zalingei, 40 from Nertiti and 12 from Golo.")
    assert [(f.role, f.unit, f.main) for f in found] == [
        ("displaced", "household", -1),
        ("displaced", "household", 0),
        ("displaced", "household", 0),
    ]


def test_a_figure_in_parentheses_restates_the_one_before() -> None:
    found = figures("About 310 households (some 1,600 people) fled to Kalemie.")
    assert [(f.unit, f.role, f.restates) for f in found] == [("household", "displaced", -1), ("person", "displaced", 0)]


@pytest.mark.parametrize(
    "text", ["The raid killed 30 people, including 12 children.", "30 people were killed, 12 of whom were children, a doctor said."]
)
def test_a_part_is_marked_as_one(text: str) -> None:
    found = [f for f in figures(text) if f.role == "killed" and (f.number.value or 0) > 1]
    assert [(f.number.value, f.subset) for f in found] == [(30, False), (12, True)]


def test_the_whole_of_a_partitive_has_no_role() -> None:
    assert roles("300 of the 900 prisoners had fled.") == [("300", "displaced", "person")]


def test_the_term_is_quoted_by_its_offsets() -> None:
    text = "The shelling displaced 40 families."
    figure = figures(text)[0]
    assert text[figure.term_start : figure.term_end] == "displaced"


WORDS = (
    "12",
    "30 people",
    "400 families",
    "killed",
    "injured",
    "displaced",
    "fled",
    "(",
    ")",
    ",",
    "and",
    "including",
    "of whom",
    "were",
    "homes",
    "destroyed",
)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_mixture_gives_figures_whose_references_exist(words: list[str]) -> None:
    text = " ".join(words)
    found = figures(text)
    for index, figure in enumerate(found):
        assert figure.main < index
        assert figure.restates < index
        assert figure.number.text == text[figure.number.start : figure.number.end]
        assert figure.term_start == -1 or text[figure.term_start : figure.term_end]


def test_a_sentence_of_figures_only_takes_reasonable_time() -> None:
    text = "30 people were killed and 12 injured, " * 200
    start = time.process_time()
    assert len(figures(text)) == 400
    assert time.process_time() - start < 5


def test_offsets_survive_characters_that_folding_removes() -> None:
    text = "\u200fShel\u00adling dis\u00adplaced 4\u00ad0 fami\u00adlies\u200b and killed ١٢ farmers."
    found = figures(text)
    assert [(f.role, f.number.value, text[f.term_start : f.term_end]) for f in found] == [
        ("displaced", 40, "dis\u00adplaced"),
        ("killed", 12, "killed"),
    ]
