import gzip
import random
import time

import pytest

from producers.feeds import MAX_BYTES, MAX_SUMMARY, MAX_TEXT, read_listing
from tocsin.wire import encode

HERE = "https://news.example/feeds/main"

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title><language>en</language>
<item><title>Bread &amp;amp; water</title><link>/story/1?utm_source=rss</link><guid isPermaLink="false">g1</guid>
<pubDate>Sat, 06 Jan 2018 13:00:00 +0300</pubDate><author>jane@news.example (Jane Roe)</author>
<source url="https://agency.example/">The Agency</source>
<description>&lt;p&gt;First &lt;b&gt;line&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;Second.&lt;/p&gt;
&lt;script&gt;x()&lt;/script&gt;</description></item>
<item><title>From the future</title><link>https://news.example/story/2</link><pubDate>Fri, 01 Jan 2999 00:00:00 GMT</pubDate></item>
<item><title>No date at all</title><guid>https://news.example/story/3</guid><pubDate>yesterday, probably</pubDate></item>
<item><title>No address</title></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar"><title>t</title>
<entry><id>urn:uuid:1</id><link rel="enclosure" href="/a.mp3"/>
<link href="../story/1"/><updated>2018-01-06T10:00:00+03:00</updated>
<title type="html">&lt;i&gt;x&lt;/i&gt; y</title>
<content type="html">&lt;p&gt;The whole text.&lt;/p&gt;</content><summary>Short</summary></entry></feed>"""

NEWS_SITEMAP = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://news.example/story/1</loc><lastmod>2018-01-07T08:00:00+01:00</lastmod>
<image:image><image:loc>https://news.example/i.jpg</image:loc><image:title>A picture</image:title></image:image>
<news:news><news:publication><news:name>Example</news:name><news:language>ku</news:language></news:publication>
<news:publication_date>2018-01-06</news:publication_date><news:title>A title</news:title></news:news></url>
<url><lastmod>2018-01-07</lastmod></url></urlset>"""


def test_rss_items_keep_what_the_feed_said():
    listing = read_listing(RSS, HERE, "application/rss+xml")
    first = listing.items[0]
    assert listing.kind == "feed"
    assert (first.url, first.title, first.guid) == ("https://news.example/story/1?utm_source=rss", "Bread & water", "g1")
    assert (first.published_at, first.lang, first.publisher) == ("2018-01-06T10:00:00Z", "en", "The Agency")
    assert first.summary == "First line.\nSecond."
    assert "Jane Roe" in (first.author or "")


def test_no_item_is_lost_for_its_date():
    listing = read_listing(RSS, HERE)
    assert [item.published_at for item in listing.items] == ["2018-01-06T10:00:00Z", "2999-01-01T00:00:00Z", None]
    assert listing.problem == "1 items without an address"


def test_atom_is_read_with_relative_links_and_its_full_text():
    (item,) = read_listing(ATOM, HERE).items
    assert (item.url, item.title, item.summary) == ("https://news.example/story/1", "x y", "The whole text.")
    assert item.published_at == item.updated_at == "2018-01-06T07:00:00Z"


def test_a_news_sitemap_tells_publication_from_change_and_page_from_picture():
    listing = read_listing(NEWS_SITEMAP, HERE)
    (item,) = listing.items
    assert listing.kind == "sitemap"
    assert (item.url, item.title, item.published_at, item.updated_at) == (
        "https://news.example/story/1", "A title", "2018-01-06", "2018-01-07T07:00:00Z",
    )  # fmt: skip
    assert (item.lang, item.publisher) == ("ku", "Example")
    assert listing.problem == "1 entries without an address"


def test_a_packed_sitemap_index_lists_the_newest_first():
    index = b"<sitemapindex>%s%s</sitemapindex>" % (
        b"<sitemap><loc>/old.xml</loc><lastmod>2017-01-01</lastmod></sitemap>",
        b"<sitemap><loc>/new.xml</loc><lastmod>2018-01-01</lastmod></sitemap>",
    )
    listing = read_listing(gzip.compress(index), HERE)
    assert listing.kind == "sitemap-index"
    assert listing.sitemaps == ("https://news.example/new.xml", "https://news.example/old.xml")


def test_a_cut_feed_gives_what_came_and_says_what_is_wrong():
    listing = read_listing(RSS[: RSS.index(b"No date")], HERE)
    assert [item.title for item in listing.items][:2] == ["Bread & water", "From the future"]
    assert "malformed" in listing.problem


def test_one_address_is_one_item():
    twice = b"<rss version='2.0'><channel><item><link>/a</link><title>one</title></item><item><link>/a</link></item></channel></rss>"
    assert [item.title for item in read_listing(twice, HERE).items] == ["one"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"<!DOCTYPE html><html><title>Sign in</title>", "an HTML page"),
        (b"\n<html><body>rss</body></html>", "an HTML page"),
        (b"/etc/passwd", "malformed"),
        (b"http://127.0.0.1/feed", "malformed"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "malformed"),
        (b"\x1f\x8b\x08\x00broken", "gzip"),
        (b"\x00\x01\x02\x03" * 100, "malformed"),
    ],
)
def test_what_is_no_feed_says_what_it_is(data, says):
    listing = read_listing(data, HERE)
    assert listing.kind == "unreadable"
    assert says in listing.problem
    assert listing.is_html == ("HTML" in says)


def test_a_gzip_bomb_stops_at_the_cap():
    listing = read_listing(gzip.compress(b"<urlset>" + b" " * (MAX_BYTES * 3)), HERE)
    assert listing.problem == f"more than {MAX_BYTES} bytes"


def test_entities_are_never_expanded_and_files_never_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("swordfish")
    doctype = f'<!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}"><!ENTITY a "aaaaaaaaaa"><!ENTITY b "{"&a;" * 10}">]>'.encode()
    rss = doctype + b"<rss version='2.0'><channel><item><link>/a</link><title>&s;</title></item></channel></rss>"
    sitemap = doctype + b"<urlset><url><loc>/a&s;&b;</loc></url></urlset>"
    for data in (rss, sitemap):
        listing = read_listing(data, HERE)
        assert "swordfish" not in str(listing)
        assert "aaaaaaaaaaaaaaaa" not in str(listing)


@pytest.mark.parametrize(
    "data",
    [
        b"<rss version='2.0'><channel>" + b"<a>" * 500_000,
        b"<rss version='2.0'><channel>" + b"<" * 1_000_000,
        b"<rss version='2.0'><channel>" + b"&" * 1_000_000,
        b"<rss version='2.0'><channel><item><link>/a</link><description>" + b"&lt;" * 250_000 + b"</description></item></channel></rss>",
        b"<rss version='2.0'><channel><item><link>/a</link><description>"
        + b"&lt;script&gt;" * 80_000
        + b"</description></item></channel></rss>",
        b"<urlset>" + b"<url><loc>http://x.org/a</loc>" * 50_000,
        b"<rss>" + b"<![CDATA[" * 100_000,
        b"<!--" * 250_000,
    ],
    ids=["open tags", "angle brackets", "ampersands", "escaped brackets", "open scripts", "nested sitemap", "cdata", "comments"],
)
def test_a_megabyte_of_malice_costs_little_time(data):
    start = time.process_time()
    read_listing(data, HERE)
    assert time.process_time() - start < 5  # quadratic parsing takes minutes


def test_broken_bytes_of_any_kind_are_a_listing_never_an_error():
    chance = random.Random(7)  # noqa: S311 - not for secrets
    for _ in range(600):
        data = bytearray(chance.choice([RSS, ATOM, NEWS_SITEMAP]))
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(12)] = chance.choice(
                [b"<", b">", b"&", b"]]>", b"<![CDATA[", b"\x00", b"\xff", b"<!--", b'"', b":"]
            )
        assert all(encode(item) for item in read_listing(bytes(data), HERE).items)


def test_text_that_no_record_can_hold_is_mended():
    rss = b"<rss version='2.0'><channel><item><link>/a&#xDC80;b</link><title>x&#xD800;y&#0;z</title></item></channel></rss>"
    for item in read_listing(rss, HERE).items:
        assert encode(item)


def test_an_item_with_megabytes_of_text_keeps_its_address_and_costs_the_others_nothing():
    heap = b"word " * (MAX_SUMMARY // 4)
    items = b"<item><title>Small</title><link>/1</link><description>Short.</description></item>" + (
        b"<item><title>" + heap[:MAX_TEXT] + b"</title><link>/2</link><description>" + heap + b"</description></item>"
    )
    listing = read_listing(b'<rss version="2.0"><channel>' + items + b"</channel></rss>", HERE, "application/rss+xml")
    small, large = listing.items
    assert (small.title, small.summary) == ("Small", "Short.")
    assert (large.url, large.summary) == ("https://news.example/2", None)
    assert large.title is not None
    assert "1 items with texts of more than" in listing.problem
