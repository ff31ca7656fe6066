"""The sample site serves what it says, over real HTTP."""

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path

import feedparser
import lxml.html
import pytest
import yaml
from protego import Protego

from producers.sample.long_report import EVENTS, FIRST, LAST
from producers.sample.server import Site, serve
from producers.sample.site import MARK, OTHER, catalogue, current, pages, sources
from tocsin.errors import UsageError


@dataclass
class Reply:
    status: int
    headers: Message
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def get(url: str, method: str = "GET", **headers: str) -> Reply:
    """One request, redirects not followed; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=named, method=method), timeout=10) as reply:  # noqa: S310 - loopback
            return Reply(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.headers, error.read())


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


def links(site: Site) -> dict[str, list[str]]:
    """Outlet id -> the links its feed announces, read as a feed reader reads them."""
    found = {}
    for source in yaml.safe_load(site.sources())["sources"]:
        (feed,) = source["feeds"]
        body = get(feed["url"]).body
        if feed["kind"] == "sitemap":  # the others are RSS or Atom
            found[source["id"]] = re.findall(r"<loc>([^<]+)</loc>", body.decode())
        else:
            parsed = feedparser.parse(body)
            assert not parsed.bozo, parsed.get("bozo_exception")
            found[source["id"]] = [entry.link for entry in parsed.entries]
    return found


def test_each_listed_page_is_announced_by_its_own_outlet(site: Site) -> None:
    announced = links(site)
    for page in current(1):
        if page.listed:
            assert f"{site.base_url}{page.path}{page.tracking}" in announced[page.outlet]
    for route in catalogue()["routes"]:
        assert site.base_url + route["path"] in announced[route["outlet"]]


def test_every_announced_link_answers_as_the_site_says(site: Site) -> None:
    expected = {route["path"]: route["status"] for route in catalogue()["routes"]} | {page.path: 200 for page in current(1)}
    for outlet_links in links(site).values():
        for link in outlet_links:
            path = link.removeprefix(site.base_url).split("?")[0]
            reply = get(link)
            if reply.status == 429:
                reply = get(link)
            assert reply.status == expected[path], path


def test_feeds_give_the_dates_of_their_time_and_none_for_the_undated_page(site: Site) -> None:
    parsed = feedparser.parse(get(site.base_url + "/euphrates/feed/").body)
    dated = {entry.link.removeprefix(site.base_url): entry.get("published") for entry in parsed.entries}
    assert dated["/euphrates/140-mines"] is None
    assert parsedate_to_datetime(dated["/euphrates/118-raqqa-retaken"]).date().isoformat() == "2017-10-17"
    assert b"<news:publication_date>2023-06-18T15:00:00+00:00<" in get(site.base_url + "/primer/sitemap-news.xml").body


def test_every_page_is_marked_as_a_sample_and_leaves_no_slot_open(site: Site) -> None:
    for page in current(2):
        host = site.other_url if page.path.startswith(OTHER) else site.base_url
        site.edition = page.edition
        reply = get(host + page.path.removeprefix(OTHER))
        if reply.status == 429:
            reply = get(host + page.path.removeprefix(OTHER))
        text = reply.body.decode(page.encoding)
        assert MARK in text
        assert not re.search(r"\{\{\w+\}\}", text), page.path


def test_pages_cover_five_outlets_four_languages_and_both_editions() -> None:
    assert len({page.path for page in pages()}) >= 18
    assert {outlet["lang"] for outlet in catalogue()["outlets"]} == {"en", "ar", "ru", "fr"}
    assert sum(page.edition == 2 for page in pages()) == 2
    owners = [outlet["owner"] for outlet in catalogue()["outlets"]]
    assert len(set(owners)) == len(owners) - 1  # two outlets share an owner


@pytest.mark.parametrize(
    "path", ["/tigris/2017/06/22/nuri-mosque.html", "/tigris/rss.xml", "/courier/feed.atom", "/primer/sitemap-news.xml"]
)
def test_a_reader_with_a_validator_is_told_that_nothing_changed(site: Site, path: str) -> None:
    first = get(site.base_url + path)
    assert first.status == 200
    by_tag = get(site.base_url + path, If_None_Match=first.headers["ETag"])
    by_date = get(site.base_url + path, If_Modified_Since=first.headers["Last-Modified"])
    assert (by_tag.status, by_tag.body, by_date.status) == (304, b"", 304)
    assert by_tag.headers["ETag"] == first.headers["ETag"]
    old_date_new_tag = get(site.base_url + path, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"])
    assert old_date_new_tag.status == 200
    assert get(site.base_url + path, If_Modified_Since="yesterday or so").status == 200


@pytest.mark.parametrize("path", ["/tigris/2016/11/04/mosul-live.html", "/tigris/2017/05/25/mosul-jadida-inquiry.html", "/tigris/rss.xml"])
def test_the_second_edition_changes_bytes_and_both_validators(site: Site, path: str) -> None:
    first = get(site.base_url + path)
    site.edition = 2
    validators = {"If_None_Match": first.headers["ETag"], "If_Modified_Since": first.headers["Last-Modified"]}
    second = get(site.base_url + path, **validators)
    assert second.status == 200
    assert second.body != first.body
    assert parsedate_to_datetime(second.headers["Last-Modified"]) > parsedate_to_datetime(first.headers["Last-Modified"])


def test_the_live_page_gains_one_sentence_with_a_new_place_and_loses_none(site: Site) -> None:
    def paragraphs() -> set[str]:
        tree = lxml.html.fromstring(get(site.base_url + "/tigris/2016/11/04/mosul-live.html").body.decode())
        return {node.text_content() for node in tree.xpath("//div[@class='article-body']//p")}

    before = paragraphs()
    site.edition = 2
    (added,) = paragraphs() - before
    assert before < paragraphs()
    assert "al-Intisar" in added
    site.edition = 1
    for page in current(1):
        assert "Intisar" not in page.sections["body"], page.path


def test_a_redirect_stays_on_the_host_and_another_leaves_it(site: Site) -> None:
    same = get(site.base_url + "/tigris/old/east-mosul")
    assert (same.status, same.headers["Location"]) == (301, site.base_url + "/tigris/2017/01/24/east-mosul.html")
    other = get(site.base_url + "/courier/go/raqqa-displaced")
    assert (other.status, other.headers["Location"]) == (302, site.other_url + "/mirror/raqqa-displaced.html")
    assert site.other_url != site.base_url
    assert b"Ain Issa" in get(other.headers["Location"]).body
    assert get(site.base_url + "/mirror/raqqa-displaced.html").status == 404


def test_the_busy_page_refuses_once_and_then_answers(site: Site) -> None:
    url = site.base_url + "/courier/world/2017/deir-ez-zor-siege"
    refused = get(url)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert b"three-year siege" in get(url).body


def test_robots_txt_closes_one_path_and_only_that(site: Site) -> None:
    rules = Protego.parse(get(site.base_url + "/robots.txt").body.decode())
    assert not rules.can_fetch(site.base_url + "/tigris/private/desk-notes.html", "tocsin")
    assert rules.can_fetch(site.base_url + "/tigris/2017/06/22/nuri-mosque.html", "tocsin")
    assert Protego.parse(get(site.other_url + "/robots.txt").body.decode()).can_fetch(site.other_url + "/mirror/x", "tocsin")


def test_pages_with_a_false_charset_decode_only_with_the_true_one(site: Site) -> None:
    arabic = get(site.base_url + "/sada/2017/3/5/77")
    assert arabic.headers["Content-Type"] == "text/html; charset=utf-8"
    with pytest.raises(UnicodeDecodeError):
        arabic.body.decode("utf-8")
    assert "نزوح عشرات الآلاف من غرب الموصل" in arabic.body.decode("windows-1256")
    russian = get(site.base_url + "/primer/2022/04/10/kramatorsk")
    assert "ISO-8859-1" in russian.headers["Content-Type"]
    assert b'charset="windows-1251"' in russian.body
    assert "вокзалу Краматорска" in russian.body.decode("windows-1251")


def test_the_pdf_the_empty_page_and_the_failing_page_are_what_they_claim(site: Site) -> None:
    pdf = get(site.base_url + "/tigris/documents/humanitarian-note.pdf")
    assert (pdf.headers["Content-Type"], pdf.body[:5]) == ("application/pdf", b"%PDF-")
    start = int(pdf.body.rsplit(b"startxref\n", 1)[1].split()[0])
    assert pdf.body[start : start + 4] == b"xref"
    empty = get(site.base_url + "/courier/world/2017/empty")
    assert (empty.status, empty.body) == (200, b"")
    assert get(site.base_url + "/courier/world/2017/broken").status == 500
    assert get(site.base_url + "/nowhere").status == 404


def test_the_long_report_has_an_entry_for_each_day_and_keeps_its_end(site: Site) -> None:
    tree = lxml.html.fromstring(get(site.base_url + "/courier/longread/battle-of-mosul-day-by-day").body.decode())
    entry = tree.xpath("//div[@class='entry-content']")[0]
    text = entry.text_content()
    assert len(text) > 150_000
    assert len(entry.xpath(".//h3")) >= (LAST - FIRST).days + 1 == 267
    assert all(event in text for event in EVENTS.values())
    assert text.index("Badush") < text.index("Tal Afar") < text.index("This is the last sentence of the report")


def test_a_head_request_has_the_headers_and_no_body(site: Site) -> None:
    url = site.base_url + "/tigris/2017/06/22/nuri-mosque.html"
    head, whole = get(url, method="HEAD"), get(url)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(whole.body)))


def test_an_unknown_edition_is_refused_by_name(site: Site) -> None:
    with pytest.raises(UsageError, match="editions 1 and 2, not 3"):
        site.edition = 3


def test_the_sources_file_names_every_outlet_with_one_reachable_feed(site: Site) -> None:
    listed = yaml.safe_load(sources(site.base_url))["sources"]
    assert [source["id"] for source in listed] == [outlet["id"] for outlet in catalogue()["outlets"]]
    assert all(get(source["feeds"][0]["url"]).status == 200 for source in listed)


def test_a_taken_port_is_one_line_that_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([sys.executable, "-m", "producers.sample", "--port", port], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        f"error: port {port} of 127.0.0.1 is taken: choose another one with --port, or stop what listens there"
    ]


def test_pages_can_be_written_as_files(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "producers.sample", "--write", tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.html"))) == len(current(1))
