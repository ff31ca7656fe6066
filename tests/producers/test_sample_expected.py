"""The expectations for the sample site stand on words that the pages really hold, and account for every address."""

from pathlib import Path
from typing import Any

import lxml.html
import pytest
import yaml

from producers.sample.site import catalogue, current, render

EXPECTED: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "golden" / "sample_expected.yaml").read_text("utf-8"))
INDEXED = {path: page for path, page in EXPECTED["pages"].items() if page["fate"] == "indexed"}
SHOWN = {edition: {page.path: page for page in current(edition)} for edition in (1, 2)}

# The sixteen claim types and the modalities that records allow.
TYPES = {
    "armed_clash", "remote_strike", "targeted_attack", "casualties", "displacement", "territorial_control", "force_movement",
    "force_posture", "group_activity", "destruction", "humanitarian_response", "coercion", "unrest", "political_action", "statement",
    "assessment",
}  # fmt: skip
MODALITIES = {"asserted", "reported", "claimed", "expected", "possible", "conditional", "question", "call"}


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def words_of(html: str) -> str:
    return " ".join(lxml.html.fromstring(f"<div>{html}</div>").text_content().split())


def body(path: str, edition: int) -> str:
    """The article's words as its author wrote them, without boxes inside it that are not the article."""
    page = SHOWN[edition][path]
    html = page.sections["body"]
    if "{{chronology}}" in html:
        tree = lxml.html.fromstring(render(page, "http://sample.invalid"))
        return " ".join(tree.xpath("//div[@class='entry-content']")[0].text_content().split())
    return words_of(html)


def whole(path: str, edition: int) -> str:
    return words_of(render(SHOWN[edition][path], "http://sample.invalid").split("<body", 1)[1].split(">", 1)[1])


def test_every_address_of_the_site_has_an_expected_fate() -> None:
    addresses = {route["path"] for route in catalogue()["routes"]} | set(SHOWN[1]) | set(SHOWN[2])
    assert set(EXPECTED["pages"]) == addresses
    assert {page["fate"] for page in EXPECTED["pages"].values()} == {"indexed", "dropped", "redirected"}


@pytest.mark.parametrize("path", INDEXED)
def test_expected_title_and_date_are_those_of_the_page(path: str) -> None:
    page, expected = SHOWN[1][path], INDEXED[path]
    assert page.title == expected["title"]
    assert (page.published.date().isoformat() if page.published else None) == expected["published"]
    assert page.author == (expected.get("author", page.author) or "")
    if second := expected.get("edition_2"):
        assert SHOWN[2][path].title == second.get("title", expected["title"])


@pytest.mark.parametrize(("path", "edition"), [(path, 1) for path in INDEXED] + [(p, 2) for p in INDEXED if "edition_2" in INDEXED[p]])
def test_expected_words_stand_in_the_body_and_unwanted_ones_only_outside_it(path: str, edition: int) -> None:
    expected = INDEXED[path] if edition == 1 else INDEXED[path]["edition_2"]
    text = body(path, edition)
    assert expected.get("has")
    for words in expected["has"]:
        assert words in text
    for mention in expected.get("mentions", ()):
        assert mention["text"] in text
        assert mention["kind"] in {"actor", "place"}
        assert mention["level"] in {"must", "should"}
    for claim in expected.get("claims", ()):
        assert claim["words"] in text
        assert set(several(claim["type"])) <= TYPES
        assert set(several(claim["modality"])) <= MODALITIES
        assert claim.get("polarity", "affirmative") in {"affirmative", "negative"}
        assert claim["level"] in {"must", "should"}
        if claim.get("by"):
            assert claim["by"] in text
    for words in expected.get("gone", ()):
        assert words in body(path, 1)
        assert words not in text


@pytest.mark.parametrize("path", INDEXED)
def test_unwanted_words_are_on_the_page_or_come_from_a_wrong_decoding(path: str) -> None:
    """Words that no reading of the page could give would be a check that cannot fail."""
    page = SHOWN[1][path]
    sent = render(page, "http://sample.invalid").encode(page.encoding)
    readings = [whole(path, 1), whole(path, 2), sent.decode("cp1252", "replace"), sent.decode("utf-8", "replace")]
    for words in INDEXED[path].get("has_not", ()):
        assert any(words in reading for reading in readings), words


@pytest.mark.parametrize("path", INDEXED)
def test_comments_and_bios_are_on_the_page(path: str) -> None:
    page = whole(path, 1)
    for comment in INDEXED[path].get("comments", ()):
        assert comment["name"] in page
        assert comment["has"] in page
    assert INDEXED[path].get("bio", "") in page


@pytest.mark.parametrize("path", INDEXED)
def test_must_nots_are_possible_mistakes_on_that_page(path: str) -> None:
    """A must-not about words that the page does not hold could never fail."""
    page = whole(path, 1)
    for never in INDEXED[path].get("never", ()):
        assert never["why"]
        assert never.get("words", never.get("mention")) in page


def test_clusters_and_alerts_name_indexed_pages_only() -> None:
    named = [path for cluster in (EXPECTED["clusters"]["jadida-inquiry"]["members"], *EXPECTED["clusters"]["apart"]) for path in cluster]
    named += [path for alert in EXPECTED["alerts"] for path in alert["first_run"] + alert.get("second_run", [])]
    assert set(named) <= set(INDEXED)
    assert set(EXPECTED["clusters"]["jadida-inquiry"]["correction"]) < set(EXPECTED["clusters"]["jadida-inquiry"]["members"])


@pytest.mark.parametrize("alert", [alert for alert in EXPECTED["alerts"] if alert["watch"].isascii()], ids=lambda alert: alert["watch"])
def test_a_watched_name_stands_in_the_body_of_exactly_the_pages_that_may_ring(alert: dict[str, Any]) -> None:
    """English, French pages by the name itself; a page in another script is listed by the person who read it."""
    other_script = {path for path in INDEXED if INDEXED[path]["lang"] in {"ar", "ru"}}
    outside = {never["mention"] for page in INDEXED.values() for never in page.get("never", ()) if "mention" in never}
    found = {path for path in INDEXED if alert["watch"] in body(path, 1)}
    if alert["watch"] not in outside:
        assert found - other_script == set(alert["first_run"]) - other_script
    for path in alert.get("second_run", ()):
        assert alert["watch"] in body(path, 2)
        assert alert["sentence"] in body(path, 2)
        assert alert["sentence"] not in body(path, 1)
