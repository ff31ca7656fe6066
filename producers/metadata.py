"""Title, author, time, language and publisher of a page, each from the most trustworthy place that names it.

Times: the feed's, then the page's JSON-LD, then its <meta> and <time>, then the URL, and only then htmldate's reading of the page
(a day, sometimes taken from the prose or a copyright line), marked with source and precision so that nobody mistakes a guess for a fact.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from htmldate import find_date
from lxml.etree import _Element as Element
from trafilatura.metadata import examine_meta, extract_author, extract_meta_json, extract_title, extract_url

from tocsin import clock
from tocsin.records import FeedItem

# Stored times outside this range are mistakes of the page, not news: the web has no pages before 1990.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=2)
_JSON_LIMIT = 400_000  # characters of one JSON-LD block worth parsing

# Names of <meta> elements that hold a publication time, the most reliable first.
_META_TIMES = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "date.published",
    "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date.created", "dc.date", "dcterms.date", "sailthru.date",
    "parsely-pub-date", "publishdate", "publish-date", "publish_date", "pubdate", "pub_date", "published_time",
    "article.published", "published-date", "publication_date", "citation_publication_date", "citation_date",
    "cxenseparse:recs:publishtime", "bt:pubdate", "originalpublicationdate", "article_date_original", "displaydate", "created",
    "date",
)  # fmt: skip
_META_RANK = {name: rank for rank, name in enumerate(_META_TIMES)}
_URL_DATE = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?:[/-]|$|\.)")
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")
_FRACTION = re.compile(r"(\d\d:\d\d:\d\d)[.,]\d+")
_ARTICLE_TYPES = re.compile(r"(?:Article|NewsArticle|Posting|Report|Analysis|Opinion|Review|LiveBlog|WebPage)", re.IGNORECASE)
# What content systems and comment forms say in place of an author.
_NOBODY = frozenset({"admin", "administrator", "author", "editor", "name", "posted by", "root", "staff", "user", "webmaster"})
_LANGUAGE = re.compile(r"^([a-z]{2,3})(?:[-_].*)?$", re.IGNORECASE)


Precision = Literal["second", "minute", "day", "year", "unknown"]


class Published(NamedTuple):
    """When the page says it was published: ISO time in UTC, where that was read, how precise it is, and what is doubtful."""

    at: str | None
    source: str  # feed | json-ld | meta | url | htmldate | none
    precision: Precision
    flags: tuple[str, ...] = ()


class Metadata(NamedTuple):
    """What a page says about itself."""

    title: str | None
    author: str | None
    published: Published
    lang: str | None
    publisher: str | None
    canonical: str | None  # as the page links it; not yet in canonical form
    free: bool | None  # schema.org isAccessibleForFree


def metadata(tree: Element, url: str | None, item: FeedItem | None, now: datetime | None = None, *, guess: bool = True) -> Metadata:
    """Read a parsed page's metadata; `now` bounds what counts as a future date (default: the clock)."""
    now = now or datetime.now(UTC)
    blocks = json_ld(tree)
    document = examine_meta(tree)
    if document.author and " " not in document.author:
        document.author = None
    # trafilatura's reader of JSON-LD meets whatever pages hold; a failure there costs only that reader's findings.
    with contextlib.suppress(Exception):
        document = extract_meta_json(tree, document)
    title = _text(document.title) or _text(extract_title(tree)) or (item.title if item else None)
    author = (item.author if item else None) or _author(document.author) or _author(extract_author(tree))
    return Metadata(
        title=title,
        author=author,
        published=published(tree, url, item, blocks, now, guess=guess),
        lang=_language(tree) or (item.lang if item else None),
        publisher=(item.publisher if item else None) or _publisher(blocks),
        canonical=_text(extract_url(tree, url)),
        free=_free(blocks),
    )


def published(
    tree: Element, url: str | None, item: FeedItem | None, blocks: list[dict[str, Any]], now: datetime, *, guess: bool = True
) -> Published:
    """The most trustworthy publication time that is possible at all; an impossible one is passed over and flagged."""
    flags: list[str] = []
    for source, text in _times(tree, url, item, blocks):
        read = read_time(text)
        if read is None:
            continue
        moment, precision = read
        if moment.year == 1:
            continue  # how some systems write "none"
        if moment < _EARLIEST:
            flags.append("date-absurd")
        elif moment > now + _AHEAD:
            flags.append("date-future")
        else:
            return Published(clock.iso(moment), source, precision, tuple(dict.fromkeys(flags)))
    guessed = _guess(tree, url, now) if guess else None
    if guessed is not None:
        # htmldate answers 1 January where it found only a year, often in a copyright line.
        only_year = (guessed.month, guessed.day) == (1, 1)
        return Published(clock.iso(guessed), "htmldate", "year" if only_year else "day", (*dict.fromkeys(flags), "date-guessed"))
    return Published(None, "none", "unknown", tuple(dict.fromkeys(flags)))


def _times(tree: Element, url: str | None, item: FeedItem | None, blocks: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    if item is not None and item.published_at:
        yield "feed", item.published_at
    for name in ("datePublished", "dateCreated", "uploadDate"):
        for block in blocks:
            value = block.get(name)
            if isinstance(value, str) and _ARTICLE_TYPES.search(_type(block)):
                yield "json-ld", value
    found: list[tuple[int, str]] = []
    for element in tree.iter("meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").strip().lower()
        content = element.get("content")
        if content and name in _META_RANK:
            found.append((_META_RANK[name], content))
    for _, content in sorted(found, key=lambda pair: pair[0]):
        yield "meta", content
    for element in tree.iter("time", "abbr", "span"):
        tag = element.tag
        if tag == "time":
            if (
                element.get("itemprop") == "datePublished"
                or element.get("pubdate") is not None
                or "entry-date" in (element.get("class") or "")
            ):
                yield "meta", element.get("datetime") or ""
        elif element.get("itemprop") == "datePublished" or "published" in (element.get("class") or "").split():
            yield "meta", element.get("content") or element.get("title") or element.get("datetime") or ""
    if url and (match := _URL_DATE.search(url)):
        yield "url", f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"


def read_time(text: str) -> tuple[datetime, Precision] | None:
    """Read an ISO 8601 or RFC 2822 time: (moment in UTC, precision). A naive one is UTC; midnight sharp counts as a day."""
    text = text.strip()
    if not 8 <= len(text) <= 64:
        return None
    compact = _OFFSET.sub(r"\1:\2", _FRACTION.sub(r"\1", text.replace(" UTC", "Z").replace(" GMT", "Z")))
    moment: datetime | None = None
    for attempt in (compact, compact.replace(" ", "T", 1).replace(" ", "")):
        try:
            moment = clock.parse(attempt)
            break
        except (ValueError, OverflowError):
            continue
    if moment is None:
        moment = _rfc2822(text)
        if moment is None:
            return None
        return moment, "second"
    if "T" not in compact and ":" not in compact:
        return moment, "day"
    clock_part = re.search(r"(\d\d):(\d\d)(?::(\d\d))?", compact)
    if clock_part is None or clock_part[0] in ("00:00:00", "00:00"):
        return moment, "day"
    return moment, "second" if clock_part[3] else "minute"


def _rfc2822(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _guess(tree: Element, url: str | None, now: datetime) -> datetime | None:
    """Htmldate's reading of the page: a day."""
    # htmldate meets whatever pages hold; a failure there only means that it found no date.
    try:
        day = find_date(tree, original_date=True, extensive_search=True, url=url, max_date=(now + _AHEAD).strftime("%Y-%m-%d"))
        return clock.parse(day) if day else None
    except Exception:  # noqa: BLE001
        return None


def json_ld(tree: Element) -> list[dict[str, Any]]:
    """All objects of a page's JSON-LD blocks that are readable, graphs unfolded."""
    found: list[dict[str, Any]] = []
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        text = script.text
        if not text or len(text) > _JSON_LIMIT:
            continue
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        stack = [value]
        while stack and len(found) < 200:
            node = stack.pop(0)
            if isinstance(node, list):
                stack.extend(node)
            elif isinstance(node, dict):
                found.append(node)
                stack.extend(node[key] for key in ("@graph", "mainEntity", "mainEntityOfPage") if isinstance(node.get(key), (dict, list)))
    return found


def _type(block: dict[str, Any]) -> str:
    kind = block.get("@type")
    return " ".join(map(str, kind)) if isinstance(kind, list) else str(kind or "")


def _publisher(blocks: list[dict[str, Any]]) -> str | None:
    for block in blocks:
        for key in ("publisher", "sourceOrganization"):
            value = block.get(key)
            value = value[0] if isinstance(value, list) and value else value
            name = value.get("name") if isinstance(value, dict) else value
            if isinstance(name, str) and 0 < len(name.strip()) <= 120 and not name.startswith(("http:", "https:", "#")):
                return name.strip()
    return None


def _free(blocks: list[dict[str, Any]]) -> bool | None:
    for block in blocks:
        value = block.get("isAccessibleForFree")
        if value is not None and not isinstance(value, (dict, list)):
            return str(value).strip().lower() not in ("false", "no", "0")
    return None


def _language(tree: Element) -> str | None:
    root = tree.getroottree().getroot()
    candidates = [root.get("lang"), root.get("{http://www.w3.org/XML/1998/namespace}lang"), root.get("xml:lang")]
    candidates.extend(
        element.get("content")
        for element in tree.iter("meta")
        if (element.get("http-equiv") or "").lower() == "content-language" or (element.get("property") or "").lower() == "og:locale"
    )
    for candidate in candidates:
        match = _LANGUAGE.match((candidate or "").strip())
        if match:
            return match[1].lower()
    return None


def _text(value: str | None) -> str | None:
    text = " ".join((value or "").split())
    return text or None


def _author(value: str | None) -> str | None:
    text = _text(value)
    if not text or len(text) > 200 or text.startswith(("http:", "https:")) or text.casefold() in _NOBODY:
        return None
    return text
