import pytest

from streams.tag import tag_line
from tests.streams.test_golden_figures import AT, resources


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Some 6,000 people were displaced in January in Nigeria. Residents of Damboa fled on foot.",
            [("Nigeria", False), ("Damboa", True)],
        ),
        ("Floods displaced 900 people. Most of those displaced are in the canton of Upper Quorri.", [("Upper Quorri", True)]),
        ("Some 6,000 people were displaced in Maiduguri. Residents of Damboa fled on foot.", [("Maiduguri", False)]),
        ("Some 6,000 people were displaced in Nigeria. The market in Damboa is open again.", [("Nigeria", False)]),
        ("Some 6,000 people were displaced in Nigeria. Another 400 people fled Damboa.", [("Nigeria", False)]),
    ],
)
def test_a_sentence_that_goes_on_about_displacement_places_the_figure_before(text: str, expected: list[tuple[str, bool]]) -> None:
    claims = tag_line({"id": "x", "text": text}, resources(), AT)["claims"]
    (claim,) = [claim for claim in claims if any(quantity["value"] in (6000, 900) for quantity in claim["quantities"])]
    assert [(place["name"], place["implicit"]) for place in claim["places"]] == expected
