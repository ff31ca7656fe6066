"""Titles, authors, times and languages come from the most trustworthy place that names them."""

from datetime import UTC, datetime

import pytest
from lxml import html as lxml_html

from producers.metadata import metadata, read_time
from tocsin.records import FeedItem

NOW = datetime(2024, 1, 10, tzinfo=UTC)
BODY = "<h1>Port closed</h1><p>The port was closed on Monday.</p>"
LD = '<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"NewsArticle","datePublished":"%s"}]}</script>'
META = '<meta property="article:published_time" content="%s">'


def read(head: str, url: str | None = "https://news.example/a", item: FeedItem | None = None, guess: bool = False):  # type: ignore[no-untyped-def]
    tree = lxml_html.document_fromstring(f"<html><head>{head}</head><body>{BODY}</body></html>")
    return metadata(tree, url, item, NOW, guess=guess)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-01-06T10:00:05Z", ("2018-01-06T10:00:05", "second")),
        ("2018-01-06T10:00+02:00", ("2018-01-06T08:00:00", "minute")),
        ("2018-01-06T10:00:05.123+0200", ("2018-01-06T08:00:05", "second")),
        ("2018-01-06 10:00:05", ("2018-01-06T10:00:05", "second")),
        ("2018-01-06", ("2018-01-06T00:00:00", "day")),
        ("2018-01-06T00:00:00Z", ("2018-01-06T00:00:00", "day")),
        ("Sat, 06 Jan 2018 10:00:05 GMT", ("2018-01-06T10:00:05", "second")),
        ("2018-01-06 10:00:05 UTC", ("2018-01-06T10:00:05", "second")),
        ("yesterday", None),
        ("", None),
        ("0000-00-00T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("x" * 60, None),
    ],
)
def test_times_are_read_with_their_precision(text: str, expected: tuple[str, str] | None) -> None:
    found = read_time(text)
    assert (found and (found[0].strftime("%Y-%m-%dT%H:%M:%S"), found[1])) == expected


def test_the_feed_is_believed_before_json_ld_and_json_ld_before_meta_and_meta_before_the_url() -> None:
    head = LD % "2018-02-02T02:02:02Z" + META % "2018-03-03T03:03:03Z"
    url = "https://news.example/2018/04/04/a"
    item = FeedItem(url=url, published_at="2018-01-01T01:01:01Z")
    assert read(head, url, item).published[:3] == ("2018-01-01T01:01:01Z", "feed", "second")
    assert read(head, url).published[:3] == ("2018-02-02T02:02:02Z", "json-ld", "second")
    assert read(META % "2018-03-03T03:03:03Z", url).published[:3] == ("2018-03-03T03:03:03Z", "meta", "second")
    assert read("", url).published[:3] == ("2018-04-04T00:00:00Z", "url", "day")
    assert read("").published[:3] == (None, "none", "unknown")


@pytest.mark.parametrize(("wrong", "flag"), [("2034-01-01T00:00:01Z", "date-future"), ("1970-01-01T00:00:01Z", "date-absurd")])
def test_an_impossible_time_is_passed_over_and_flagged(wrong: str, flag: str) -> None:
    published = read(LD % wrong + META % "2018-03-03T03:03:03Z").published
    assert published == ("2018-03-03T03:03:03Z", "meta", "second", (flag,))
    assert read(LD % wrong).published == (None, "none", "unknown", (flag,))


def test_tomorrow_in_another_time_zone_is_no_future() -> None:
    assert read(LD % "2024-01-11T10:00:00Z").published.source == "json-ld"


def test_a_guess_says_that_it_is_one() -> None:
    tree = lxml_html.document_fromstring(f"<html><body>{BODY}<p>Posted on 3 May 2019</p></body></html>")
    published = metadata(tree, "https://news.example/a", None, NOW).published
    assert published == ("2019-05-03T00:00:00Z", "htmldate", "day", ("date-guessed",))


@pytest.mark.parametrize(
    "broken",
    ["{", "[]", "null", '"x"', '{"@type": 3, "datePublished": 5}', '{"@graph": [1, null, {"@type": ["NewsArticle"]}]}', "[" * 5000],
)
def test_broken_json_ld_costs_nothing_but_itself(broken: str) -> None:
    found = read(f'<script type="application/ld+json">{broken}</script>' + META % "2018-03-03T03:03:03Z")
    assert found.title == "Port closed"
    assert found.published.source == "meta"


@pytest.mark.parametrize(
    ("head", "expected"),
    [('<meta property="og:locale" content="fr_FR">', "fr"), ('<meta http-equiv="Content-Language" content="de-CH">', "de"), ("", None)],
)
def test_the_language_is_the_one_the_page_names(head: str, expected: str | None) -> None:
    assert read(head).lang == expected


def test_the_publisher_is_the_feeds_source_before_the_pages() -> None:
    head = '<script type="application/ld+json">{"@type":"NewsArticle","publisher":{"@type":"Organization","name":"Daily Copy"}}</script>'
    assert read(head).publisher == "Daily Copy"
    assert read(head, item=FeedItem(url="https://news.example/a", publisher="The Origin")).publisher == "The Origin"


@pytest.mark.parametrize(("value", "expected"), [("false", False), ("False", False), (False, False), ("true", True), (True, True)])
def test_pages_say_whether_they_are_free(value: object, expected: bool) -> None:
    import json

    block = json.dumps({"@type": "NewsArticle", "isAccessibleForFree": value})
    assert read(f'<script type="application/ld+json">{block}</script>').free is expected
