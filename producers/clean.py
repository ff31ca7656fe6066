"""A fetched page becomes an Article, or a refusal with its reason. Pure: bytes in, record out.

Steps: decode -> parse once -> take the comments out -> read the metadata -> take author and link boxes out -> extract the body with
trafilatura -> trim what still leads elsewhere. Pages larger than `max_html`, and pages trafilatura finds nothing in, go through
resiliparse, whose time is linear; both are flagged. Nothing is cut: a long report stays whole.
"""

import re
from typing import Any, Literal, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec
from lxml.etree import _Element as Element
from trafilatura.utils import load_html

from producers import furniture
from producers.agencies import agency_of_byline, agency_of_text
from producers.body import extract_body, page_titles
from producers.charset import decode
from producers.comments import take_comments
from producers.metadata import Published, metadata
from producers.paragraphs import join_pieces, split_breaks
from producers.urls import canonical
from tocsin import clock, ids
from tocsin.errors import Quarantine
from tocsin.records import Article, Comment, Dropped, FeedItem, Page

Reason = Literal["empty", "not-html", "binary", "too-large", "error-page", "no-text"]
"""Why a page is refused.

empty       no bytes, or only white space
not-html    the server or the first bytes say that it is something else: JSON, XML, PDF, an image, plain text
binary      control bytes where text should be
too-large   more than MAX_BYTES
error-page  an HTTP error, or an error page served as if all were well; and the feed said nothing to fall back on
no-text     HTML without any text to keep, and the feed said nothing to fall back on
"""

MAX_BYTES = 20_000_000  # bytes; far above any article, below what fills a worker's memory
MAX_HTML = 2_000_000  # characters; trafilatura's time is quadratic in sibling paragraphs (5.2 MB took 21 s)
MAX_ELEMENTS = 40_000  # of a page, with comments gone; 150,000 in 2 MB took trafilatura 15 s, 60,000 took 5 s

_LEAST = 12  # letters and digits: less is a word of a menu, not a text
_STUB = 2000  # characters: below this, a page that is not free is taken for a paywall stub
_ERROR_TEXT = 1500  # characters: an error page says little
_JUDGED = 16384  # characters looked at to tell text from binary
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_VAGUE_TYPES = ("", "application/octet-stream", "text/plain", "application/xml", "text/xml", "unknown/unknown", "content/unknown", "*/*")
_MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|div|p|article|h1|table|section|main)\b", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MAGIC = (
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"OggS",
    b"ID3",
    b"\x7fELF",
    b"\x00\x00\x00\x18ftyp",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
)


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """Everything read from one page."""

    title: str | None
    text: str
    comments: tuple[Comment, ...]
    author: str | None
    published_at: str | None
    published_source: str
    published_precision: Literal["second", "minute", "day", "month", "year", "unknown"]
    lang: str | None
    publisher: str | None
    bio: str | None
    canonical_url: str | None
    extractor: str
    flags: tuple[str, ...]


class Refusal(NamedTuple):
    """Why nothing was extracted: a reason from the closed list, and one line for a person."""

    reason: Reason
    detail: str


def clean(page: Page, max_html: int = MAX_HTML) -> Article | Dropped:
    """Clean one fetched page. `max_html`: characters of HTML above which the linear extractor is used."""
    result: Extraction | Refusal
    if page.status >= 400:
        result = Refusal("error-page", f"HTTP status {page.status}")
        if page.item is not None and page.item.summary:
            result = _from_summary(page.item, page.final_url, ())
    else:
        result = extract(page.body, page.final_url, page.content_type, page.item, max_html, fetched_at=page.fetched_at)
    if isinstance(result, Refusal):
        return Dropped(
            url=page.url, stage="clean", reason=result.reason, detail=result.detail, source_id=page.source_id, at=page.fetched_at
        )
    canonical_url = result.canonical_url or page.final_url
    article_id = ids.article_id(canonical_url)
    return Article(
        article_id=article_id,
        version_id=ids.version_id(article_id, result.title, result.text),
        url=page.final_url,
        canonical_url=canonical_url,
        source_id=page.source_id,
        source_name=page.source_name,
        owner=page.owner,
        title=result.title,
        text=result.text,
        author=result.author,
        published_at=result.published_at,
        published_source=result.published_source,
        published_precision=result.published_precision,
        fetched_at=page.fetched_at,
        lang=result.lang,
        comments=result.comments,
        bio=result.bio,
        publisher=result.publisher,
        source_lang=page.source_lang,
        source_country=page.source_country,
        affiliated_with=page.affiliated_with,
        text_sha256=ids.sha256(result.text.encode("utf-8", "surrogatepass")),
        raw=page.raw,
        extractor=result.extractor,
        flags=result.flags,
        backfill=page.backfill,
    )


def clean_line(record: dict[str, Any]) -> dict[str, Any]:
    """Clean one record of the Unix filter: {"id", "html", "url"?} in, {"id", "title", "text", "comments", ...} out.

    A record that cannot be read gives {"id", "error"}; a page that is refused gives its "dropped" reason and an empty text.
    """
    ident = record.get("id") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(record.get("html"), str):
        return {"id": ident, "error": 'expected an object with "id" and "html" (a string)'}
    url = record.get("url")
    if url is not None and not isinstance(url, str):
        return {"id": ident, "error": '"url" must be a string'}
    result = extract(record["html"], url)
    if isinstance(result, Refusal):
        return {"id": ident, "title": None, "text": "", "comments": [], "dropped": result.reason, "detail": result.detail}
    fields: dict[str, Any] = msgspec.to_builtins(result) | {"flags": list(result.flags)}
    fields["comments"] = [{"name": comment.name, "time": comment.time, "text": comment.text} for comment in result.comments]
    return {"id": ident, **fields}


def extract(
    html: bytes | str,
    url: str | None,
    content_type: str | None = None,
    item: FeedItem | None = None,
    max_html: int = MAX_HTML,
    *,
    fetched_at: str | None = None,
) -> Extraction | Refusal:
    """Extract one page; never raises, whatever the bytes. `fetched_at` (ISO) bounds what counts as a date in the future."""
    flags: list[str] = []
    result = _extract(html, url, content_type, item, max_html, fetched_at, flags)
    if isinstance(result, Refusal) and result.reason in ("error-page", "no-text", "empty") and item is not None and item.summary:
        return _from_summary(item, url, tuple(flags))
    return result


def _extract(
    html: bytes | str,
    url: str | None,
    content_type: str | None,
    item: FeedItem | None,
    max_html: int,
    fetched_at: str | None,
    flags: list[str],
) -> Extraction | Refusal:
    text = _text_of(html, content_type, flags)
    if isinstance(text, Refusal):
        return text
    tree = _parse(text)
    if tree is None:
        return Refusal("not-html", "the parser found no elements")
    comments = take_comments(tree)
    capped = len(text) > max_html or tree.xpath("count(.//*)") > MAX_ELEMENTS
    pruned = furniture.prune(tree)
    found = metadata(tree, url, item, clock.parse(fetched_at) if fetched_at else None, guess=not capped)
    about = furniture.prune_author(tree, pruned, found.author)
    titles = page_titles(tree, found.title)
    split_breaks(tree)
    join_pieces(tree)
    whole, extractor = extract_body(tree, text, url, titles, capped, flags)
    body, bio = furniture.trim(whole, found.author, titles)
    if found.title and len(body) < _ERROR_TEXT and furniture.is_error_title(found.title):
        return Refusal("error-page", f"titled {found.title[:80]!r}")
    if sum(char.isalnum() for char in body[:200]) < _LEAST:
        return Refusal("no-text", "no text was left after removing menus, boxes and comments")
    if len(body) < _STUB and (found.free is False or pruned.paywalled or furniture.is_paywalled(whole)):
        flags.append("paywall")
    published: Published = found.published
    named = (item.publisher if item else None) or agency_of_text(whole) or agency_of_byline(found.author)
    return Extraction(
        title=found.title,
        text=body,
        comments=comments,
        author=found.author,
        published_at=published.at,
        published_source=published.source,
        published_precision=published.precision,
        lang=found.lang,
        publisher=named or found.publisher,
        bio="\n".join(filter(None, (about, bio))) or None,
        canonical_url=_canonical(found.canonical, url),
        extractor=extractor,
        flags=tuple(dict.fromkeys((*flags, *published.flags))),
    )


def _from_summary(item: FeedItem, url: str | None, flags: tuple[str, ...]) -> Extraction:
    """What the feed said, where the page says nothing: better a flagged summary than silence."""
    from_feed = item.published_at
    return Extraction(
        title=item.title,
        text=(item.summary or "").strip(),
        comments=(),
        author=item.author,
        published_at=from_feed,
        published_source="feed" if from_feed else "none",
        published_precision="second" if from_feed else "unknown",
        lang=item.lang,
        publisher=item.publisher or agency_of_text(item.summary or ""),
        bio=None,
        canonical_url=_canonical(None, url or item.url),
        extractor="feed-summary",
        flags=tuple(dict.fromkeys((*flags, "feed-summary"))),
    )


def _text_of(html: bytes | str, content_type: str | None, flags: list[str]) -> str | Refusal:
    """The page as text without control characters, or why it is none."""
    if len(html) > MAX_BYTES:
        return Refusal("too-large", f"{len(html):,} bytes; the limit is {MAX_BYTES:,}")
    kind = (content_type or "").split(";")[0].strip().lower()
    if kind and kind not in _HTML_TYPES and kind not in _VAGUE_TYPES:
        return Refusal("not-html", f"content type {kind[:60]}")
    if isinstance(html, bytes):
        if html.lstrip()[:8].startswith(_MAGIC):
            return Refusal("not-html", f"begins like a file of another kind: {html[:8]!r}")
        decoded = decode(html, content_type)
        text = decoded.text
        if decoded.guessed:
            flags.append("charset-guessed")
    else:
        text = html
    if not text.strip():
        return Refusal("empty", "no bytes, or only white space")
    # str.translate would look at every character in Python; a regular expression over a sample is enough to judge.
    control = len(_CONTROL.findall(text, 0, _JUDGED)) + text.count("\ufffd", 0, _JUDGED)
    if control > max(50, min(len(text), _JUDGED) // 20):
        return Refusal("binary", f"{control} control or undecodable characters at the start")
    if not _MARKUP.search(text):
        return Refusal("not-html", f"no HTML element found; begins with {text.strip()[:40]!r}")
    return _CONTROL.sub(" ", text)


def _parse(text: str) -> Element | None:
    # The parser is libxml2 behind two layers that repair odd pages; whatever it cannot take counts as a page without elements.
    try:
        tree = load_html(text)
    except Exception:  # noqa: BLE001
        return None
    return tree


def _canonical(linked: str | None, url: str | None) -> str | None:
    """Canonical URL: the page's own link if it can be believed, else the fetched URL; none if neither is a web address."""
    for candidate in (_own_link(linked, url), url):
        if candidate:
            try:
                return canonical(candidate)
            except Quarantine:
                continue
    return None


# Segments of a path that name another dress of the same page.
_DRESSES = frozenset(("amp", "m", "mobile", "print", "index.html", "index.php"))


def _own_link(linked: str | None, url: str | None) -> str | None:
    """The canonical link if it can be believed, None if not.

    Misconfigured sites name their front page, or another host, for every article; and where many people publish on one host, a page
    must not pass itself off as another one's new version. So one path must continue the other: /news/12 and /news/12/the-title.
    """
    if not linked or url is None:
        return linked
    try:
        target = urljoin(url, linked)
        here, there = urlsplit(url), urlsplit(target)
        same_host = (here.hostname or "").removeprefix("www.") == (there.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    short, long = sorted(
        ([part for part in address.path.split("/") if part and part.lower() not in _DRESSES] for address in (here, there)), key=len
    )
    return target if same_host and bool(short) == bool(long) and long[: len(short)] == short else None
