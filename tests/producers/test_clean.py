"""Pages become articles: golden pages written for these tests, refusals, fallbacks, and bytes nobody meant to be a page."""

import json
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from producers.clean import MAX_BYTES, Extraction, Reason, Refusal, clean, clean_line, extract
from producers.cleaning import clean_page
from producers.paragraphs import join_pieces
from producers.urls import canonical
from tocsin import wire
from tocsin.records import Article, Dropped, FeedItem, Page
from tocsin.sketch import sentence_hash, sketch

GOLDEN = Path(__file__).parents[1] / "golden" / "clean"
CASES = sorted(path.stem for path in GOLDEN.glob("*.html"))
WORDS = ["army", "village", "people", "shelling", "road", "camp", "water", "north", "officials", "river", "bridge", "families", "market"]


def prose(paragraphs: int, start: int = 0) -> str:
    """Paragraphs of distinct words: extractors drop repeated ones."""
    return "".join(
        f"<p>{' '.join(WORDS[(n * 7 + k * (n % 5 + 1)) % len(WORDS)] + str(n) for k in range(20))}.</p>"
        for n in range(start, start + paragraphs)
    )


def page(body: bytes, **fields: Any) -> Page:
    given = {
        "url": "https://news.example/a?utm_source=x",
        "final_url": "https://news.example/a?utm_source=x",
        "source_id": "news",
        "source_name": "News",
        "owner": "News Ltd",
        "status": 200,
        "content_type": "text/html; charset=utf-8",
        "fetched_at": "2024-01-10T12:00:00Z",
    }
    return Page(body=body, **(given | fields))


def extracted(html: bytes | str, **options: Any) -> Extraction:
    result = extract(html, options.pop("url", "https://news.example/a"), **options)
    assert isinstance(result, Extraction), result
    return result


@pytest.mark.parametrize("case", CASES)
def test_a_golden_page_gives_what_a_person_reads_in_it(case: str) -> None:
    expected = json.loads((GOLDEN / f"{case}.json").read_text("utf-8"))
    result = extracted((GOLDEN / f"{case}.html").read_bytes(), url=expected["url"])
    assert [words for words in expected["has"] if words not in result.text] == []
    assert [words for words in expected["has_not"] if words in result.text] == []
    assert [{"name": c.name, "time": c.time, "text": c.text} for c in result.comments] == expected["comments"]
    assert expected.get("bio_has", "") in (result.bio or "")
    assert set(expected.get("flags", ())) <= set(result.flags)
    for field in ("title", "author", "published_at", "published_source", "published_precision", "lang", "publisher", "canonical_url"):
        if field in expected:
            assert getattr(result, field) == expected[field], field


def test_the_title_is_not_repeated_in_the_body() -> None:
    result = extracted(
        f"<html><head><title>A quiet day</title></head><body><article><h1>A quiet day</h1>{prose(6)}</article></body></html>"
    )
    assert result.title == "A quiet day"
    assert "A quiet day" not in result.text


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "text/html", "empty"),
        (b" \r\n\t", "text/html", "empty"),
        (b'{"a": 1}', "application/json", "not-html"),
        (b'{"a": 1}', None, "not-html"),
        (b"plain words and nothing else", "text/plain", "not-html"),
        (b"%PDF-1.7 ...", None, "not-html"),
        (b"<html>", "image/png", "not-html"),
        (b"<?xml version='1.0'?><rss><channel><title>x</title></channel></rss>", "text/xml", "not-html"),
        (bytes(range(256)) * 300, None, "binary"),
        (b"<html><body></body></html>", "text/html", "no-text"),
        (b"<html><body><nav><a href=/>Home</a></nav><script>var x = 1</script></body></html>", "text/html", "no-text"),
        (b"<html><head><title>404 Not Found</title></head><body><p>The page is gone.</p></body></html>", "text/html", "error-page"),
        (b"<html><head><title>Just a moment...</title></head><body><p>Checking your browser.</p></body></html>", "text/html", "error-page"),
        (b"a" * (MAX_BYTES + 1), "text/html", "too-large"),
    ],
)
def test_what_is_no_article_is_refused_with_a_reason(body: bytes, content_type: str | None, reason: str) -> None:
    dropped = clean(page(body, content_type=content_type))
    assert isinstance(dropped, Dropped)
    assert (dropped.stage, dropped.reason) == ("clean", reason)
    assert dropped.reason in get_args(Reason)
    assert dropped.detail
    assert "\n" not in dropped.detail


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_http_error_is_refused_unless_the_feed_said_something(status: int) -> None:
    body = b"<html><body><p>Forbidden</p></body></html>"
    dropped = clean(page(body, status=status))
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "error-page"
    item = FeedItem(
        url="https://news.example/a", title="Bridge closed", summary="The bridge was closed on Monday.", published_at="2024-01-09T10:00:00Z"
    )
    article = clean(page(body, status=status, item=item))
    assert isinstance(article, Article)
    assert (article.text, article.title, article.extractor) == ("The bridge was closed on Monday.", "Bridge closed", "feed-summary")
    assert "feed-summary" in article.flags
    assert article.published_source == "feed"


def test_a_page_without_text_falls_back_on_the_feeds_summary() -> None:
    item = FeedItem(url="https://news.example/a", title="Bridge closed", summary="The bridge was closed on Monday.")
    article = clean(page(b"<html><body><div id=app></div></body></html>", item=item))
    assert isinstance(article, Article)
    assert article.extractor == "feed-summary"
    assert article.published_at is None


def test_an_embedded_post_is_kept_as_a_quotation() -> None:
    quote = "<blockquote class=twitter-tweet><p>We have left the airport, all of us.</p>&mdash; Demo Brigade</blockquote>"
    post = f"<div class=social-media-embed>{quote}</div>"
    result = extracted(f"<html><body><article>{prose(5)}{post}{prose(5, 5)}</article></body></html>")
    assert "We have left the airport" in result.text


def test_a_body_cut_into_pieces_by_advertisements_is_joined_and_two_articles_are_not() -> None:
    pieces = [f"<div class=row><div class='col article-body'>{prose(6, start)}</div></div><div class=ad>Buy</div>" for start in (0, 6, 12)]
    result = extracted(f"<html><body><article><h1>Siege</h1>{''.join(pieces)}</article></body></html>")
    assert result.text.count(".") == 18
    apart = "".join(f"<article><h2>Story</h2><div class=article-body>{prose(6, start)}</div></article>" for start in (0, 6))
    tree = lxml_html.document_fromstring(f"<html><body>{apart}</body></html>")
    join_pieces(tree)
    assert [len(body.findall("p")) for body in tree.iter("div")] == [6, 6]


def test_the_same_page_gives_the_same_ids_and_an_edit_a_new_version() -> None:
    first = clean(page(f"<html><body><article>{prose(5)}</article></body></html>".encode()))
    again = clean(page(f"<html><body><article>{prose(5)}</article></body></html>".encode(), fetched_at="2024-01-11T12:00:00Z"))
    edited = clean(page(f"<html><body><article>{prose(6)}</article></body></html>".encode()))
    assert isinstance(first, Article)
    assert isinstance(again, Article)
    assert isinstance(edited, Article)
    assert (first.article_id, first.version_id, first.text_sha256) == (again.article_id, again.version_id, again.text_sha256)
    assert first.article_id == edited.article_id
    assert first.version_id != edited.version_id
    assert first.canonical_url == "https://news.example/a"


def test_a_canonical_link_to_the_front_page_or_another_host_is_not_believed() -> None:
    for link in ("/", "https://other.example/a", "javascript:alert(1)", "https://[broken"):
        html = f"<html><head><link rel=canonical href='{link}'></head><body><article>{prose(5)}</article></body></html>"
        assert extracted(html, url="https://news.example/a?utm_medium=mail").canonical_url == "https://news.example/a", link


def test_a_very_long_report_is_not_cut() -> None:
    result = extracted(f"<html><body><article>{prose(1500)}</article></body></html>")
    assert result.text.count("\n") + 1 == 1500
    assert result.extractor == "trafilatura"


def test_a_page_above_the_cap_is_read_whole_by_the_linear_extractor_and_flagged() -> None:
    result = extracted(f"<html><body><article>{prose(400)}</article></body></html>", max_html=20_000)
    assert result.text.count(".") == 400
    assert result.extractor == "resiliparse"
    assert "capped-html" in result.flags


def test_a_page_nested_deeper_than_the_parser_goes_is_still_read() -> None:
    result = extracted("<html><body>" + "<div>" * 1000 + prose(8))
    assert result.text.count(".") == 8
    assert "fallback" in result.flags


@pytest.mark.parametrize(
    "html",
    [
        "<html><body>" + "<div>" * 100_000 + prose(5),
        "<html><head><script type='application/ld+json'>" + "[" * 100_000 + "</script></head><body>" + prose(5),
        "<html><body><article>" + prose(5) + "</article>" + "<p class=comment-body>hello there friend</p>" * 20_000,
        "<html><body><article>" + prose(5) + "</article><div class=comment>" + "<b class=author>x</b>" * 20_000,
        "<html><body class='" + "comment " * 50_000 + "'>" + prose(5),
        "<html><body>" + "<div class=comment>" * 240 + prose(5),
        "<html><body><article>" + "<p>x y</p>" * 150_000,
    ],
    ids=["deep", "deep-json", "many-comments", "many-names", "long-class", "nested-comments", "siblings"],
)
def test_hostile_pages_end_in_seconds(html: str) -> None:
    begun = time.process_time()  # of this process only: what else the machine does is not the page's fault
    assert extract(html, "https://news.example/a") is not None
    assert time.process_time() - begun < 10


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(extract(data, "https://news.example/a"), Extraction | Refusal)


MARKUP = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<div class=comment>",
                "</div>",
                "<p>",
                "<li id=comment-1>",
                "<h1>",
                "<h3>Comments</h3>",
                "<time>",
                "<script>",
                "</script>",
                "<!--",
                "<table>",
            ]
        ),
        st.sampled_from(
            [
                "<div class=author-bio>",
                "<div class=paywall>",
                "<svg>",
                "<math>",
                "<template>",
                "<a href='javascript:x'>",
                "&#0;",
                "\x00",
                "<meta charset=utf-7>",
            ]
        ),
        st.text(max_size=40),
    ),
    max_size=40,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(MARKUP, st.one_of(st.none(), st.text(max_size=30)))
def test_no_markup_raises(html: str, url: str | None) -> None:
    result = extract("<html><body>" + html, url)
    assert isinstance(result, Extraction | Refusal)
    json.dumps(clean_line({"id": "x", "html": "<html><body>" + html, "url": url}))


def test_a_line_of_the_filter_keeps_its_id_and_says_what_was_found() -> None:
    line = clean_line({"id": 7, "url": "https://news.example/a", "html": (GOLDEN / "wordpress.html").read_text("utf-8")})
    assert line["id"] == 7
    assert line["title"] == "Ferry service resumes on Lake Example"
    assert [comment["name"] for comment in line["comments"]] == ["Old Sailor", "Harbour Cat"]
    assert line["published_at"] == "2021-05-04T06:30:00Z"
    assert json.loads(json.dumps(line)) == line


def test_a_refused_line_has_an_empty_text_and_the_reason() -> None:
    line = clean_line({"id": "x", "html": ""})
    assert (line["id"], line["text"], line["comments"], line["dropped"]) == ("x", "", [], "empty")


@pytest.mark.parametrize("record", [{"id": 1}, {"id": 1, "html": 3}, {"id": 1, "html": "<p>x</p>", "url": 5}, {"html": None}])
def test_a_line_that_cannot_be_read_says_so(record: dict[str, Any]) -> None:
    line = clean_line(record)
    assert line["id"] == record.get("id")
    assert "error" in line


@pytest.mark.parametrize(
    ("url", "linked", "believed"),
    [
        ("https://news.example/2024/12", "https://news.example/2024/12/the-title", True),
        ("https://news.example/amp/2024/12", "https://www.news.example/2024/12", True),
        ("https://news.example/2024/12?page=2", "https://news.example/2024/12", True),
        ("https://blogs.example/@mallory/story", "https://blogs.example/@alice/story", False),
        ("https://news.example/2024/12", "https://news.example/", False),
    ],
)
def test_a_page_may_name_another_dress_of_itself_but_no_other_page(url: str, linked: str, believed: bool) -> None:
    html = f"<html><head><link rel=canonical href='{linked}'></head><body><article>{prose(5)}</article></body></html>"
    assert (extracted(html, url=url).canonical_url == canonical(linked)) is believed


def test_an_article_leaves_the_cleaner_with_all_that_the_clustering_stage_compares() -> None:
    body = f"<html><head><title>Two bridges fell</title></head><body><article>{prose(12)}</article></body></html>".encode()
    found = clean_page(page(body), MAX_BYTES)
    assert isinstance(found, bytes)
    article = wire.decode(found, Article)
    assert article.sketch == sketch(article.title, article.text)
    first, *_, last = article.text.split("\n")
    assert article.sketch is not None
    assert {sentence_hash(article.title or ""), sentence_hash(first), sentence_hash(last)} <= {*(article.sketch.sentences or ())}
