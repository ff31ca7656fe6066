"""Each sample page, cleaned as it is served, gives what a person reads in it."""

from functools import cache
from pathlib import Path
from typing import Any

import lxml.html
import pytest
import yaml

from producers.clean import clean
from producers.feeds import read_listing
from producers.sample.site import answers, catalogue, current, sources
from producers.sources import load_sources
from tocsin.records import Article, FeedItem, Page

BASE, OTHER_BASE = "http://127.0.0.1:8765", "http://127.0.0.1:8766"
EXPECTED: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "golden" / "sample_expected.yaml").read_text("utf-8"))["pages"]
INDEXED = [path for path, page in EXPECTED.items() if page["fate"] == "indexed"]
ANSWERS = {edition: answers(BASE, OTHER_BASE, edition) for edition in (1, 2)}

PAGES = {page.path: page for page in current(1)}
LONG_REPORT = "/courier/longread/battle-of-mosul-day-by-day"

# What cleaning does not manage yet, by (test, page). Strict: a line whose page comes out right must be taken away.
KNOWN: dict[tuple[str, str], str] = {}


def cases(test: str, *paths: str) -> list[Any]:
    """Pages as parameters of one test, the known failures among them marked."""
    return [
        pytest.param(path, marks=[pytest.mark.xfail(reason=KNOWN[test, path], strict=True)] if (test, path) in KNOWN else [])
        for path in paths
    ]


def address(path: str) -> str:
    return OTHER_BASE + path.removeprefix("other:") if path.startswith("other:") else BASE + path


def items(edition: int) -> dict[str, FeedItem]:
    """Address without query -> what the outlet's feed says about it."""
    found = {}
    for outlet in catalogue()["outlets"]:
        answer = ANSWERS[edition][outlet["feed"]]
        for item in read_listing(answer.body, BASE + outlet["feed"], answer.content_type).items:
            found[item.url.split("?")[0]] = item
    return found


ITEMS = {edition: items(edition) for edition in (1, 2)}


@cache
def cleaned(path: str, edition: int = 1, item: bool = True) -> Article:
    answer = ANSWERS[edition][path]
    url = address(path)
    page = Page(
        url=url,
        final_url=url,
        source_id="sample",
        source_name="Sample",
        owner="Sample",
        status=200,
        content_type=answer.content_type,
        body=answer.body,
        fetched_at="2026-01-02T03:04:05Z",
        item=ITEMS[edition].get(url) if item else None,
    )
    article = clean(page)
    assert isinstance(article, Article), article
    return article


@pytest.mark.parametrize("path", INDEXED)
def test_title_author_and_day_are_those_a_reader_sees(path: str) -> None:
    expected, article = EXPECTED[path], cleaned(path)
    assert article.title == expected["title"]
    assert (article.published_at[:10] if article.published_at else None) == expected["published"]
    if "author" in expected:
        assert article.author == expected["author"]


@pytest.mark.parametrize("path", INDEXED)
def test_the_day_is_found_without_a_feed_too(path: str) -> None:
    article = cleaned(path, item=False)
    assert (article.published_at[:10] if article.published_at else None) == EXPECTED[path]["published"]


@pytest.mark.parametrize("path", INDEXED)
def test_the_body_has_all_that_was_written_and_nothing_else(path: str) -> None:
    expected, text = EXPECTED[path], cleaned(path).text
    wanted = expected["has"] + [claim["words"] for claim in expected["claims"]]
    assert [words for words in wanted if words not in text] == []
    assert [words for words in expected.get("has_not", ()) if words in text] == []


def written(path: str) -> str:
    """The article's own words, without blanks: its blocks but those that hold words the expectations keep out of the body."""
    page = PAGES[path]
    tree = lxml.html.fragment_fromstring(page.sections["body"], create_parent="div")
    foreign = [*EXPECTED[path].get("has_not", ()), EXPECTED[path].get("bio", "no bio here")]
    for block in tree:
        if any(words in block.text_content() for words in foreign):
            block.drop_tree()
    return "".join(tree.text_content().split())


@pytest.mark.parametrize("path", cases("exact", *(path for path in INDEXED if path != LONG_REPORT)))
def test_the_body_is_the_article_word_for_word(path: str) -> None:
    standfirst = "".join(PAGES[path].summary.split())  # some outlets print it: part of the article or not, both are right
    assert "".join(cleaned(path).text.split()).removeprefix(standfirst) == written(path)


@pytest.mark.parametrize("path", [path for path in INDEXED if "edition_2" in EXPECTED[path]])
def test_the_second_edition_is_another_version_of_the_same_article(path: str) -> None:
    expected, first, second = EXPECTED[path]["edition_2"], cleaned(path, 1), cleaned(path, 2)
    assert first.article_id == second.article_id
    assert first.version_id != second.version_id
    assert [words for words in expected["has"] if words not in second.text] == []
    assert [words for words in expected.get("gone", ()) if words in second.text] == []


@pytest.mark.parametrize("path", INDEXED)
def test_a_page_that_nobody_edited_keeps_its_version(path: str) -> None:
    if "edition_2" not in EXPECTED[path]:
        assert cleaned(path, 1).version_id == cleaned(path, 2).version_id


@pytest.mark.parametrize("path", INDEXED)
def test_comments_stand_beside_the_article_with_their_names(path: str) -> None:
    comments = cleaned(path).comments
    found = [(comment.name, comment.text) for comment in comments]
    expected = EXPECTED[path].get("comments", [])
    assert len(found) == len(expected), found
    for (name, text), comment in zip(found, expected, strict=True):
        assert name == comment["name"]
        assert comment["has"] in text


BIOS = [path for path in INDEXED if EXPECTED[path].get("bio")]


@pytest.mark.parametrize("path", BIOS)
def test_author_bios_are_never_in_the_body(path: str) -> None:
    assert EXPECTED[path]["bio"] not in cleaned(path).text


@pytest.mark.parametrize("path", BIOS)
def test_author_bios_are_kept_beside_the_article(path: str) -> None:
    assert EXPECTED[path]["bio"] in (cleaned(path).bio or "")


@pytest.mark.parametrize("path", [path for path in INDEXED if EXPECTED[path].get("flags")])
def test_trouble_is_flagged(path: str) -> None:
    assert set(EXPECTED[path]["flags"]) <= set(cleaned(path).flags)


def test_nothing_of_the_very_long_report_is_cut() -> None:
    article = cleaned(LONG_REPORT)
    assert len(article.text) > 150_000
    assert not {flag for flag in article.flags if flag.startswith("capped")}
    missing = [day for day in range(1, 268) if f"This was day {day} of the operation" not in article.text]
    assert missing == []


def test_the_sources_file_of_the_site_is_one_the_pipeline_reads(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(sources(BASE), "utf-8")
    loaded = load_sources(file)
    assert [source.id for source in loaded] == [outlet["id"] for outlet in catalogue()["outlets"]]
    assert {feed.kind for source in loaded for feed in source.feeds} == {"feed", "sitemap"}
    assert len({source.owner for source in loaded}) == len(loaded) - 1


def test_feeds_announce_pages_with_their_titles_and_days() -> None:
    by_path = {path: ITEMS[1].get(address(path)) for path in INDEXED}
    unlisted = {path for path, item in by_path.items() if item is None}
    assert unlisted == {"/tigris/2017/01/24/east-mosul.html", "other:/mirror/raqqa-displaced.html"}  # reached by redirects
    for path, item in by_path.items():
        if item is not None:
            assert item.title in {EXPECTED[path]["title"], None}
            assert (item.published_at[:10] if item.published_at else None) == EXPECTED[path]["published"]
