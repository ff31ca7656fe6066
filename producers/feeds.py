"""What a feed or a sitemap lists: bytes in, items out, no network and no clock.

Feeds are forgiving text: whatever can be read is read, and `problem` says what could not. Dates are normalised and never judged here
(an item from the year 2099 is still an item): what is new is decided by address, never by date.
Sources: RSS 2.0, Atom (RFC 4287), sitemaps.org 0.9, Google News sitemaps.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any, Literal, NamedTuple

import feedparser
from lxml import etree
from msgspec.structs import replace

from producers.urls import fetchable
from tocsin import clock
from tocsin.errors import Quarantine
from tocsin.records import FeedItem

MAX_BYTES = 20_000_000  # of a feed, or of a sitemap after its own gzip (sitemaps.org allows 50 MB; none of news is near)
MAX_LOOSE = 300_000  # bytes of a malformed feed given to the forgiving parser, which is slow (see _repaired)
MAX_SUMMARY, MAX_TEXT = 500_000, 100_000  # characters of an item's summary, and of each of its other texts: messages carry items whole
MAX_ITEMS = 50_000  # sitemaps.org's own limit; more are left out and said so

_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_ROOT = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?(rss|rdf|feed|urlset|sitemapindex)\b", re.IGNORECASE)
_DATES = ("published_parsed", "created_parsed", "updated_parsed")
_HEAD = 20_000  # bytes in which the root element must begin
# No `<` inside a tag: else a run of them would be scanned to the end from each, in quadratic time.
_TAG = re.compile(r"<[^<>]*>")
_BLOCK = re.compile(r"</?(?:p|div|br|li|h[1-6]|tr|blockquote|ul|ol|section|figure)\b[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(/?)(?:script|style)\b[^<>]*>", re.IGNORECASE)


class Listing(NamedTuple):
    """What one feed or sitemap said."""

    kind: Literal["feed", "sitemap", "sitemap-index", "unreadable"]
    items: tuple[FeedItem, ...] = ()  # in the order of the file, one for each address
    sitemaps: tuple[str, ...] = ()  # of a sitemap index
    problem: str = ""  # empty: all was well; else one line, even when items could be read
    is_html: bool = False


def read_listing(data: bytes, url: str, content_type: str | None = None) -> Listing:
    """Read a feed, sitemap or sitemap index met at `url` (relative links are resolved against it). Never raises."""
    try:
        data = _inflate(data)
    except (OSError, EOFError, zlib.error, Quarantine) as error:
        return Listing("unreadable", problem=f"gzip cannot be read: {error}")
    if len(data) > MAX_BYTES:
        return Listing("unreadable", problem=f"more than {MAX_BYTES} bytes")
    if not data.strip():
        return Listing("unreadable", problem="empty")
    root = _root(data)
    if root == "html":
        return Listing("unreadable", problem="an HTML page, not a feed: look for the feed's own address", is_html=True)
    return _bounded(_sitemap(data, url) if root in ("urlset", "sitemapindex") else _feed(data, url, content_type))


def _bounded(listing: Listing) -> Listing:
    """Leave out texts that no item of news has: one of megabytes would fill the message in which the others travel too."""
    items = [_without_heaps(item) for item in listing.items]
    changed = sum(item is not before for item, before in zip(items, listing.items, strict=True))
    if not changed:
        return listing
    said = f"{changed} items with texts of more than {MAX_TEXT:,} characters (summaries: {MAX_SUMMARY:,}), which were left out"
    return listing._replace(items=tuple(items), problem="; ".join(filter(None, (listing.problem, said))))


def _without_heaps(item: FeedItem) -> FeedItem:
    heaps = [
        name
        for name in ("title", "author", "summary", "guid", "lang", "publisher")
        if len(getattr(item, name) or "") > (MAX_SUMMARY if name == "summary" else MAX_TEXT)
    ]
    return replace(item, **dict.fromkeys(heaps)) if heaps else item


def looks_like_feed(data: bytes) -> bool:
    """Whether the first kilobytes name a feed's or sitemap's root element before any HTML."""
    return _root(data) not in ("", "html")


def _inflate(data: bytes) -> bytes:
    """Unpack a sitemap that is a .gz file itself, never more than the cap and one byte."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    with gzip.open(io.BytesIO(data)) as unpacked:
        return unpacked.read(MAX_BYTES + 1)


def _root(data: bytes) -> str:
    """Name of the root element in lower case, `html` for a page, empty when none is known. A document type of any kind may come first."""
    head = data[:_HEAD].replace(b"\0", b"")  # UTF-16 reads as ASCII without its zero bytes, well enough for names
    root, html = _ROOT.search(head), _HTML.search(head)
    if html and (root is None or html.start() < root.start()):
        return "html"
    return root[1].decode("ascii").lower() if root else ""


def _feed(data: bytes, url: str, content_type: str | None) -> Listing:
    headers = {"content-location": url, "content-type": content_type or "application/xml"}
    try:
        # A stream, never bytes: feedparser takes bytes for the name of a file to open.
        # Its sanitizer and link resolver are off: both take time quadratic in hostile markup, and `_plain` and `fetchable` do their work.
        data, mended = _repaired(data)
        parsed: Any = feedparser.parse(io.BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    except Exception as error:  # noqa: BLE001 - a parser of hostile text: whatever it raises, this feed is unreadable and the next is not
        return Listing("unreadable", problem=f"feed cannot be parsed: {type(error).__name__}: {error}"[:300])
    items: dict[str, FeedItem] = {}
    unusable = 0
    lang = _text(parsed.get("feed", {}).get("language"))
    entries = parsed.get("entries", [])
    for entry in entries[:MAX_ITEMS]:
        item = _entry(entry, url, lang)
        if item is None:
            unusable += 1
        else:
            items.setdefault(item.url, item)
    problems = [mended] if mended else []
    if not parsed.get("version") and not items:
        return Listing("unreadable", problem=mended or _complaint(parsed) or "neither a feed nor a sitemap")
    if parsed.get("bozo") and (complaint := _complaint(parsed)):
        problems.append(complaint)
    if unusable:
        problems.append(f"{unusable} items without an address")
    if len(entries) > MAX_ITEMS:
        problems.append(f"{len(entries) - MAX_ITEMS} items beyond the first {MAX_ITEMS} left out")
    return Listing("feed", tuple(items.values()), problem="; ".join(problems))


def _repaired(data: bytes) -> tuple[bytes, str]:
    """Return large malformed XML as far as lxml can mend it, with its complaint; all else unchanged.

    feedparser's parser for malformed feeds mends better, but takes time quadratic in open tags: 28 s for 3 MB of them.
    """
    if len(data) <= MAX_LOOSE:
        return data, ""
    try:
        etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        root = etree.fromstring(
            data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
        )
        mended = b"" if root is None else bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))
        return mended, f"malformed feed: {' '.join(str(error).split())}"[:300]
    return data, ""


def _complaint(parsed: Any) -> str:
    error = parsed.get("bozo_exception")
    if error is None or isinstance(error, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType):
        return ""  # read all the same, with the encoding the file itself names
    return f"malformed feed: {' '.join(str(error).split())}"[:300]


def _entry(entry: Any, base: str, lang: str | None) -> FeedItem | None:
    guid = _text(entry.get("id"))
    links = [entry.get("feedburner_origlink"), entry.get("link")]
    links += [link.get("href") for link in entry.get("links", ()) if link.get("rel", "alternate") == "alternate"]
    links.append(guid if guid and guid.lower().startswith(("http://", "https://")) else None)
    url = _first_address(links, base)
    if url is None:
        return None
    contents = [content.get("value") for content in entry.get("content", ())]
    summaries = [_plain(text) for text in (*contents, entry.get("summary")) if text]
    return FeedItem(
        url=url,
        title=_plain(entry.get("title")),
        # Feeds with one date only (Atom's `updated`, RSS's dc:date, which feedparser calls updated too) mean the day of publication.
        published_at=next((moment for name in _DATES if (moment := _moment(dict.get(entry, name)))), None),
        updated_at=_moment(dict.get(entry, "updated_parsed")),  # dict's own get: feedparser's would answer with `published`
        author=_plain(entry.get("author")),
        summary=max((text for text in summaries if text), key=len, default=None),
        guid=guid,
        lang=_text(entry.get("title_detail", {}).get("language")) or lang,
        publisher=_plain(entry.get("source", {}).get("title")),
    )


def _first_address(links: list[Any], base: str) -> str | None:
    for link in links:
        if isinstance(link, str) and link.strip():
            try:
                return fetchable(link, base)
            except Quarantine:
                continue
    return None


def _text(value: object) -> str | None:
    return (" ".join(_sound(value).split()) or None) if isinstance(value, str) else None


def _sound(text: str) -> str:
    """Replace what no UTF-8 and no store can hold: lone surrogates (a feed may write &#xD800;) and zero characters."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _plain(value: object) -> str | None:
    """Text of a feed's small HTML: blocks become lines, tags go, entities are read once."""
    if not isinstance(value, str):
        return None
    text = _TAG.sub("", _BLOCK.sub("\n", _shown(value))) if "<" in value else value
    lines = (" ".join(line.split()) for line in _sound(unescape(text)).split("\n"))
    return "\n".join(line for line in lines if line) or None


def _shown(markup: str) -> str:
    """Drop scripts and styles with what is in them; one that is never closed hides the rest, as in a browser."""
    pieces: list[str] = []
    at = 0
    hidden = False
    for tag in _HIDDEN.finditer(markup):
        if not hidden:
            pieces.append(markup[at : tag.start()])
        hidden = not tag[1]
        at = tag.end()
    if not hidden:
        pieces.append(markup[at:])
    return " ".join(pieces)


def _moment(parsed: Any) -> str | None:
    """Turn a struct_time (UTC) into ISO 8601; impossible dates become None, improbable ones stay."""
    if not parsed:
        return None
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return clock.iso(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC))  # a leap second is read as the one before
    except (ValueError, TypeError, OverflowError):
        return None


def _stated(text: str | None) -> str | None:
    """Turn a sitemap's W3C date into ISO 8601: a bare day stays a bare day, nothing is invented."""
    text = (text or "").strip()
    try:
        moment = clock.parse(text)
    except ValueError:
        return None
    return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else clock.iso(moment)


def _sitemap(data: bytes, url: str) -> Listing:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return Listing("unreadable", problem=f"malformed sitemap: {error}"[:300])
    if root is None:
        return Listing("unreadable", problem="malformed sitemap")
    problem = f"malformed sitemap: {parser.error_log[0].message}"[:300] if len(parser.error_log) else ""
    index = _local(root) == "sitemapindex"
    items: dict[str, FeedItem] = {}
    unusable = 0
    for count, element in enumerate(_children(root)):
        if count >= MAX_ITEMS:
            problem = f"{problem}; " * bool(problem) + f"entries beyond the first {MAX_ITEMS} left out"
            break
        item = _sitemap_entry(element, url)
        if item is None:
            unusable += 1
        else:
            items.setdefault(item.url, item)
    if unusable:
        problem = f"{problem}; " * bool(problem) + f"{unusable} entries without an address"
    if index:
        # Newest first where dates are given, so that a cap on how many are followed keeps the fresh ones.
        newest = sorted(items.values(), key=lambda item: item.updated_at or "", reverse=True)
        return Listing("sitemap-index", sitemaps=tuple(item.url for item in newest), problem=problem)
    return Listing("sitemap", tuple(items.values()), problem=problem)


def _local(element: Any) -> str:
    """Name of an element without its namespace or prefix, in lower case; lxml's own reading refuses names that a mended file may have."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _children(parent: Any) -> Iterator[Any]:
    return (child for child in parent if isinstance(child.tag, str))


def _sitemap_entry(element: Any, base: str) -> FeedItem | None:
    """Read one <url> or <sitemap>; names are compared without their namespace, which many files get wrong."""
    said: dict[str, str] = {}
    for node in element.iter():
        if isinstance(node.tag, str):
            name = _local(node)
            above = node.getparent()
            if name in ("loc", "title") and above is not element and _local(above) != "news":
                continue  # an image's or a video's, not the page's
            said.setdefault(name, node.text or "")
    url = _first_address([said.get("loc")], base)
    if url is None:
        return None
    return FeedItem(
        url=url,
        title=_plain(said.get("title")),
        published_at=_stated(said.get("publication_date")),
        updated_at=_stated(said.get("lastmod")),
        lang=_text(said.get("language")),
        publisher=_plain(said.get("name")),
    )
