"""Author boxes, boxes of links, pointers, calls and offers leave the page; what only looks like them stays."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import html as lxml_html

from producers import furniture
from producers.agencies import agency_of_byline, agency_of_text
from producers.edges import is_byline, is_credit, without_tail
from producers.paragraphs import split_breaks

DATA = Path(__file__).parents[2] / "producers" / "rules"
EXAMPLES: dict[str, Any] = yaml.safe_load((DATA / "furniture.yaml").read_text("utf-8"))["examples"]
AGENCIES: dict[str, Any] = yaml.safe_load((DATA / "agencies.yaml").read_text("utf-8"))["examples"]
EDGES: dict[str, Any] = yaml.safe_load((DATA / "edges.yaml").read_text("utf-8"))["examples"]
PROSE = "<p>The harbour was closed on Monday after a storm, the port authority said in a statement.</p>" * 4


def by_line(example: dict[str, Any]) -> str:
    return str(example.get("line", example.get("lines")))


@pytest.mark.parametrize("example", EXAMPLES["bio"], ids=by_line)
def test_lines_about_the_author_are_known(example: dict[str, Any]) -> None:
    assert furniture.is_bio(example["line"], example["author"]) is example["expect"]


@pytest.mark.parametrize("example", EXAMPLES["pointer"], ids=by_line)
def test_lines_that_point_elsewhere_are_known(example: dict[str, Any]) -> None:
    assert furniture.is_pointer(example["line"]) is example["expect"]


@pytest.mark.parametrize("example", EXAMPLES["call"], ids=by_line)
def test_lines_that_call_to_do_something_are_known(example: dict[str, Any]) -> None:
    assert furniture.is_call(example["line"]) is example["expect"]


@pytest.mark.parametrize("example", EXAMPLES["paywall"], ids=by_line)
def test_offers_to_subscribe_are_known(example: dict[str, Any]) -> None:
    assert furniture.is_paywalled(example["line"]) is example["expect"]


@pytest.mark.parametrize("example", EXAMPLES["error"], ids=by_line)
def test_titles_of_error_pages_are_known(example: dict[str, Any]) -> None:
    assert furniture.is_error_title(example["line"]) is example["expect"]


@pytest.mark.parametrize("example", AGENCIES["text"], ids=by_line)
def test_a_dateline_or_a_credit_names_the_agency(example: dict[str, Any]) -> None:
    assert agency_of_text(example["line"]) == example["expect"]


@pytest.mark.parametrize("example", AGENCIES["byline"], ids=by_line)
def test_a_byline_names_the_agency(example: dict[str, Any]) -> None:
    assert agency_of_byline(example["line"]) == example["expect"]


@pytest.mark.parametrize("example", EDGES["byline"], ids=by_line)
def test_bylines_and_dates_are_known(example: dict[str, Any]) -> None:
    assert is_byline(example["line"], example["author"]) is example["expect"]


@pytest.mark.parametrize("example", EDGES["closing"], ids=by_line)
def test_lists_of_links_leave_the_end(example: dict[str, Any]) -> None:
    assert without_tail(example["lines"])[0] == example["expect"]


@pytest.mark.parametrize("example", EDGES["credit"], ids=by_line)
def test_credits_are_known(example: dict[str, Any]) -> None:
    assert is_credit(example["line"]) is example["expect"]


def pruned(markup: str, author: str | None = None) -> tuple[str | None, bool, str]:
    """Bio, paywall, and the text that stays."""
    tree = lxml_html.document_fromstring(f"<html><body><article>{PROSE}{markup}</article></body></html>")
    result = furniture.prune(tree)
    return furniture.prune_author(tree, result, author), result.paywalled, tree.text_content()


@pytest.mark.parametrize("name", ["author-bio", "aboutAuthor", "auteur-bio", "post-author-card", "AuthorBox", "entry-author__description"])
def test_a_box_about_the_author_becomes_the_bio(name: str) -> None:
    bio, _, rest = pruned(f"<div class={name}><p>Ann Example has covered the coast for ten years and sails to work every day.</p></div>")
    assert bio is not None
    assert "sails to work" in bio
    assert "sails to work" not in rest


def test_a_paragraph_about_the_author_is_bio_without_a_box() -> None:
    bio, _, rest = pruned("<p><small>Ann Example reports on the coast. She sails to work.</small></p>", "Ann Example")
    assert bio == "Ann Example reports on the coast. She sails to work."
    assert "sails" not in rest


@pytest.mark.parametrize("name", ["related-posts", "most-read", "mostRead", "read-more", "newsletter-signup"])
def test_a_box_of_links_leaves_the_article(name: str) -> None:
    _, _, rest = pruned(
        f"<div class={name}><h3>More</h3><ul><li><a href=/1>Ten soups for winter</a></li><li><a href=/2>Actress marries</a></li></ul></div>"
    )
    assert "soups" not in rest


def test_a_byline_box_goes_only_after_the_author_is_known() -> None:
    tree = lxml_html.document_fromstring(
        f"<html><body><article><div class=post-author-name>By Ann Example</div>{PROSE}</article></body></html>"
    )
    result = furniture.prune(tree)
    assert "Ann Example" in tree.text_content()
    assert furniture.prune_author(tree, result, "Ann Example") is None
    assert "Ann Example" not in tree.text_content()


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("<p><time datetime=2017-10-20>October 20, 2017</time> Sample Courier</p>", False),
        ("<p><time datetime=2017-10-20T14:20>14:20</time> Shelling began in Sample</p>", True),
        ("<p>In <time datetime=2017>2017</time> he moved to Sample.</p>", True),
    ],
)
def test_a_marked_date_beside_a_few_words_is_a_byline(line: str, stays: bool) -> None:
    assert ("Sample" in pruned(line)[2]) is stays


def test_each_of_several_authors_can_have_a_bio() -> None:
    assert furniture.is_about("Ben Sample covers the hills.", "Ann Example; Ben Sample")
    assert not furniture.is_about("Bend your knees.", "Ann Example; Ben")


def test_a_box_called_related_that_holds_prose_stays() -> None:
    assert (
        "nobody noticed"
        in pruned("<div class=related>" + "<p>The older pier fell into the sea, and nobody noticed for a day.</p>" * 4 + "</div>")[2]
    )


def test_a_paragraph_that_is_one_link_leads_elsewhere_unless_the_page_is_a_list_of_links() -> None:
    link = "<p><a href=/x>Storm damages forty boats in the harbour</a></p>"
    assert "forty boats" not in pruned(link)[2]
    assert "forty boats" in pruned(link * 5)[2]


def test_the_offer_of_a_paywall_goes_and_the_text_behind_a_paywall_class_stays() -> None:
    _, paywalled, rest = pruned("<div class=paywall><p>Subscribe to continue reading</p></div>")
    assert paywalled
    assert "Subscribe" not in rest
    assert "harbour" in pruned(f"<div class=paywall-content>{PROSE}</div>")[2]


def test_trim_keeps_the_article_and_returns_the_bio() -> None:
    head, tail = ["Port closed", "By Ann Example"], ["Ann Example is a reporter.", "ann@news.example"]
    text = "\n".join([*head, "The port was closed.", "Read more: Storm", "It opens on Friday.", *tail])
    body, bio = furniture.trim(text, "Ann Example", ["Port closed"])
    assert body == "The port was closed.\nIt opens on Friday."
    assert bio == "Ann Example is a reporter.\nann@news.example"


@pytest.mark.parametrize("text", ["", "\n", "Read more: Storm", "Port closed", "x"])
def test_trim_takes_any_text(text: str) -> None:
    assert isinstance(furniture.trim(text, None, ["Port closed"])[0], str)


def test_a_live_ticker_keeps_its_times() -> None:
    text = "14:20\nThe army entered the town.\n11:05\nShelling began.\n09:00\nThe road is closed."
    assert furniture.trim(text, None)[0] == text


def test_text_between_line_breaks_becomes_paragraphs_and_loses_nothing() -> None:
    words = "The army entered the <b>old town</b> at dawn, residents said by telephone, and shops stayed closed all day."
    tree = lxml_html.document_fromstring(f"<html><body><div>{words}<br><br>\n{words}<br>{words}<br/> <br/>{words}</div></body></html>")
    before = "".join(tree.text_content().split())
    split_breaks(tree)
    assert [len(p.findall("b")) for p in tree.iter("p")] == [1, 2, 1]
    assert "".join(tree.text_content().split()) == before


def test_a_holder_of_blocks_is_left_as_it_is() -> None:
    source = f"<html><body><div>{'word ' * 60}<br><br><p>A paragraph.</p></div></body></html>"
    tree = lxml_html.document_fromstring(source)
    before = lxml_html.tostring(tree)
    split_breaks(tree)
    assert lxml_html.tostring(tree) == before
