"""What any local input becomes, whatever file it came in: a page, a request, an article that is clean already, or a refusal."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from producers.answers import is_html
from producers.sources import Source
from producers.urls import canonical, fetchable, host_of
from tocsin import clock
from tocsin.errors import Quarantine
from tocsin.records import Dropped, FeedItem, Page, Record, Request

REASONS: dict[str, str] = {
    "bad-charset": "JSON lines that are not UTF-8",
    "bad-json": "a line that is not a JSON object of the shape described",
    "bad-path": "JSON lines name a file outside their own folder, or one that is missing",
    "bad-url": "not a web address",
    "binary": "not text",
    "empty": "nothing in it",
    "feed": "a feed; list its address in the sources file",
    "http-status": "an archived answer that was no page (redirect, error)",
    "no-content": "a JSON line without html, text or url",
    "not-a-file": "a device, socket or pipe",
    "not-html": "text, but no web page",
    "too-large": "more than the setting max_body",
    "unreadable": "cannot be opened, or is damaged",
}
HEAD = 65536  # bytes looked at to tell what a file is
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # there were no web pages before
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_HTML_NAME = re.compile(r"\.x?html?(?:\.gz)?$", re.IGNORECASE)


class ArticleLine(Record, frozen=True, kw_only=True):
    """An article that was clean when it came: no page is read for it."""

    url: str  # given, or a `file:` name
    text: str
    id: str | None = None
    title: str | None = None
    published_at: str | None = None  # as given
    author: str | None = None
    lang: str | None = None
    source_id: str
    source_name: str
    owner: str
    fetched_at: str
    backfill: bool = False


Input = Page | Request | Dropped | ArticleLine


class Line(msgspec.Struct, frozen=True):
    """One JSON line; unknown fields are other programs' business."""

    url: str | None = None
    id: str | int | None = None
    html: str | None = None
    text: str | None = None
    title: str | None = None
    published_at: str | None = None
    author: str | None = None
    lang: str | None = None
    source: str | None = None
    owner: str | None = None
    fetched_at: str | None = None


class Readable(Protocol):
    """A binary stream that can look ahead: a buffered file, an unpacked gzip file, standard input."""

    def peek(self, size: int, /) -> bytes:
        """Return bytes to come, some at least unless the stream is at its end, without taking them."""

    def read(self, size: int, /) -> bytes:
        """Take at most `size` bytes."""

    def readline(self, size: int, /) -> bytes:
        """Take one line, at most `size` bytes of it."""


class Given(NamedTuple):
    """What holds for the whole input."""

    source: Source | None
    max_body: int
    at: str
    archive: Path | None = None  # a page read from a file below this folder points to its bytes there


def make_page(body: bytes, url: str, given: Given, line: Line | None) -> Page | Dropped:
    """Join a body with what is known of it; `line`: what JSON lines said beside it."""
    if len(body) > given.max_body:
        return refuse(given, url, "too-large", f"more than {given.max_body} bytes; raise the setting max_body to read it")
    if not body.strip():
        return refuse(given, url, "empty", "")
    source_id, name, owner = whose(url, given, line)
    known = line is not None and any((line.title, line.published_at, line.author, line.lang))
    item = None
    if line is not None and known:
        item = FeedItem(url=url, title=line.title, published_at=line.published_at, author=line.author, lang=line.lang)
    return Page(
        url=url,
        final_url=url,
        source_id=source_id,
        source_name=name,
        owner=owner,
        status=200,
        content_type=None,
        body=body,
        fetched_at=fetched(line, given),
        item=item,
        source_lang=given.source.lang if given.source else None,
        source_country=given.source.country if given.source else None,
        affiliated_with=given.source.affiliated_with if given.source else None,
        backfill=given.source.backfill if given.source else False,
    )


def whose(url: str, given: Given, line: Line | None = None) -> tuple[str, str, str]:
    """Source id, name and owner: two addresses of one host are one voice, and local files without an address are one too."""
    if given.source is not None:
        return given.source.id, given.source.name, given.source.owner
    try:
        host = host_of(canonical(url)) if not url.startswith("file:") else "local"
    except Quarantine:
        host = "local"
    name = (line.source if line else None) or host
    return name, name, (line.owner if line else None) or name


def fetched(line: Line | None, given: Given) -> str:
    """When it was fetched: as the input says, in the records' form; now, if it says nothing, or what cannot be read or cannot be.

    Memory is bounded by this time, so one line from the year 9999 must not make everything known look old.
    """
    try:
        moment = clock.parse((line.fetched_at if line else None) or given.at)
        return clock.iso(moment) if _EARLIEST <= moment <= clock.parse(given.at) else given.at
    except ValueError:
        return given.at


def make_request(url: str, given: Given) -> Request | Dropped:
    """Ask for an address later."""
    try:
        asked = fetchable(url)
        return Request(
            url=asked,
            host=host_of(asked),
            source_id=whose(asked, given)[0],
            kind="page",
            backfill=given.source.backfill if given.source else False,
        )
    except Quarantine as error:
        return refuse(given, url[:2000], "bad-url", str(error))


def is_binary(head: bytes) -> bool:
    """Whether the first bytes are no text: zero bytes, but not UTF-16."""
    return b"\0" in head and not head.startswith(_BOMS)


def looks_like_html(head: bytes, url: str) -> bool:
    """Whether the first bytes are a web page; a file named as one needs less proof."""
    if is_binary(head):
        return False
    return is_html(None, head) or (bool(_HTML_NAME.search(url)) and is_html("text/html", head))


def refuse(given: Given, url: str, reason: str, detail: str) -> Dropped:
    """Refuse an input; `reason` is one of REASONS."""
    return Dropped(url=url, stage="sources", reason=reason, detail=detail, source_id=given.source.id if given.source else None, at=given.at)
