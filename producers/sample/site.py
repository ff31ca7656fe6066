"""What the sample site answers to each path: pages, feeds, robots.txt, redirects and errors. Pure; `server` adds the sockets."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from producers.sample.feeds import Entry, atom, news_sitemap, rss
from producers.sample.long_report import chronology

FOLDER = Path(__file__).parent
OTHER = "other:"  # prefix of a path that lives on the site's second host
MARK = "Sample page written for Tocsin; the outlet, its staff and unnamed speakers are invented, the facts it reports are public."
_SECTION = "<!-- section: "


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `busy`: how many requests get 429 before this answer is given."""

    status: int
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    modified: datetime | None = None
    location: str | None = None
    busy: int = 0

    @property
    def etag(self) -> str:
        """Strong validator: changes exactly when the bytes do."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True)
class SamplePage:
    """One version of one page as its author wrote it: front matter, then named sections of HTML."""

    path: str
    outlet: str
    title: str
    sections: dict[str, str]
    edition: int = 1  # shown from this edition of the site on
    author: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    date_words: str = ""  # as printed on the page
    summary: str = ""
    encoding: str = "utf-8"  # of the bytes sent
    content_type: str = "text/html; charset=utf-8"  # as the header says, right or wrong
    meta_charset: str = "utf-8"  # as the page itself says, right or wrong
    tracking: str = ""  # query that the feed puts behind the link
    busy: int = 0
    listed: bool = True  # in its outlet's feed
    extra: dict[str, str] = field(default_factory=dict)


@cache
def pages() -> tuple[SamplePage, ...]:
    """All page versions, in file-name order."""
    return tuple(_read(file) for file in sorted((FOLDER / "pages").glob("*.html")))


@cache
def catalogue() -> dict[str, list[dict[str, Any]]]:
    """`outlets` and `routes` as outlets.yaml gives them."""
    loaded: dict[str, list[dict[str, Any]]] = yaml.safe_load((FOLDER / "outlets.yaml").read_text("utf-8"))
    return loaded


def current(edition: int) -> tuple[SamplePage, ...]:
    """The newest version of each page that `edition` shows."""
    newest: dict[str, SamplePage] = {}
    for page in sorted(pages(), key=lambda page: page.edition):
        if page.edition <= edition:
            newest[page.path] = page
    return tuple(newest.values())


def answers(base_url: str, other_url: str, edition: int = 1) -> dict[str, Answer]:
    """Path -> answer, for both hosts: a path of the second host starts with `OTHER`.

    `base_url`, `other_url`: scheme, host and port of the two hosts, without a trailing slash.
    """
    shown = current(edition)
    found = {page.path: _page_answer(page, base_url, other_url) for page in shown}
    for route in catalogue()["routes"]:
        found[route["path"]] = _route_answer(route, base_url, other_url)
    for outlet in catalogue()["outlets"]:
        found[outlet["feed"]] = _feed_answer(outlet, shown, base_url, edition)
    robots = f"User-agent: *\nDisallow: /tigris/private/\nCrawl-delay: 0\n\nSitemap: {base_url}/primer/sitemap-news.xml\n"
    found["/robots.txt"] = Answer(200, robots.encode(), "text/plain; charset=utf-8")
    found[f"{OTHER}/robots.txt"] = Answer(200, b"User-agent: *\nDisallow:\n", "text/plain; charset=utf-8")
    found["/"] = _front_page(shown)
    return found


def sources(base_url: str) -> str:
    """The outlets as a sources file (YAML text), with the feeds' addresses under `base_url`."""
    listed = [
        {
            "id": outlet["id"],
            "name": outlet["name"],
            "owner": outlet["owner"],
            "lang": outlet["lang"],
            "country": outlet["country"],
            "feeds": [{"url": base_url + outlet["feed"], "kind": "sitemap" if outlet["kind"] == "sitemap" else "feed"}],
            **({"backfill": True} if outlet.get("backfill") else {}),
        }
        for outlet in catalogue()["outlets"]
    ]
    return yaml.safe_dump({"sources": listed}, allow_unicode=True, sort_keys=False)


def render(page: SamplePage, base_url: str, other_url: str = "") -> str:
    """The page in its outlet's layout, as text (not yet encoded)."""
    template = (FOLDER / "templates" / f"{page.outlet}.html").read_text("utf-8")
    host = other_url if page.path.startswith(OTHER) else base_url
    url = host + page.path.removeprefix(OTHER)
    published = page.published.isoformat() if page.published else ""
    slots = {
        "body": page.sections["body"],
        **{name: page.sections.get(name, "") for name in ("comments", "bio", "related", "head")},
        "json_ld": _json_ld(page, url),
        "url": url,
        "title": escape(page.title),
        "author": escape(page.author),
        "byline": escape(f"by {page.author}" if page.author else ""),
        "published": published,
        "modified": page.modified.isoformat() if page.modified else published,
        "date_words": escape(page.date_words),
        "summary": escape(page.summary, quote=True),
        "charset": page.meta_charset,
        "mark": MARK,
        "base": base_url,
    }
    text = template
    for name, value in slots.items():
        text = text.replace("{{" + name + "}}", value)
    return text.replace("{{chronology}}", chronology()) if "{{chronology}}" in text else text


def _read(file: Path) -> SamplePage:
    """A page file: an HTML comment with YAML front matter, the body, then `<!-- section: name -->` blocks."""
    raw = file.read_text("utf-8")
    if not raw.startswith("<!--\n"):
        raise ValueError(f"{file.name}: a sample page starts with its front matter, an HTML comment")
    front, rest = raw.removeprefix("<!--\n").split("\n-->\n", 1)
    body, *blocks = rest.split(_SECTION)
    sections = {"body": body.strip()}
    for block in blocks:
        name, html = block.split(" -->\n", 1)
        sections[name] = html.strip()
    fields: dict[str, Any] = yaml.safe_load(front)
    for key in ("published", "modified"):
        if key in fields:
            fields[key] = datetime.fromisoformat(fields[key]).astimezone(UTC)
    return SamplePage(sections=sections, **fields)


def _page_answer(page: SamplePage, base_url: str, other_url: str) -> Answer:
    body = render(page, base_url, other_url).encode(page.encoding)
    return Answer(200, body, page.content_type, modified=page.modified or page.published, busy=page.busy)


def _route_answer(route: dict[str, Any], base_url: str, other_url: str) -> Answer:
    status = int(route["status"])
    if target := route.get("to"):
        location = other_url + target.removeprefix(OTHER) if target.startswith(OTHER) else base_url + target
        return Answer(status, f'<p>Moved: <a href="{location}">{location}</a></p>'.encode(), location=location)
    if status != 200:
        return Answer(status, f"<html><title>{status}</title><body><h1>{status}</h1><p>{MARK}</p></body></html>".encode())
    modified = datetime.fromisoformat(route["date"])
    match route["content"]:
        case "pdf":
            return Answer(200, _pdf("Sample document written for Tocsin. It holds no news."), "application/pdf", modified)
        case "private":
            notes = "<html><title>Desk notes</title><body><p>No robot may read that Lalish appears on this page.</p></body></html>"
            return Answer(200, notes.encode(), modified=modified)
        case "empty":
            return Answer(200, b"", modified=modified)
        case other:
            raise ValueError(f"outlets.yaml: {route['path']}: unknown content {other!r}")


def _feed_answer(outlet: dict[str, Any], shown: tuple[SamplePage, ...], base_url: str, edition: int) -> Answer:
    """The outlet's feed, newest item first, undated items last. A later edition is a day newer, also where its items are old."""
    entries = [
        Entry(base_url + quote(page.path) + page.tracking, page.title, page.summary, page.author, page.published, page.modified)
        for page in shown
        if page.outlet == outlet["id"] and page.listed
    ]
    entries += [
        Entry(base_url + route["path"], route["title"], "", "", datetime.fromisoformat(route["date"]))
        for route in catalogue()["routes"]
        if route["outlet"] == outlet["id"]
    ]
    entries.sort(key=lambda entry: entry.published or datetime.min.replace(tzinfo=UTC), reverse=True)
    write, content_type = {
        "rss": (rss, "application/rss+xml; charset=utf-8"),
        "atom": (atom, "application/atom+xml; charset=utf-8"),
        "sitemap": (news_sitemap, "application/xml; charset=utf-8"),
    }[outlet["kind"]]
    text = write(outlet["name"], outlet["lang"], base_url + outlet["feed"], entries)
    latest = max(entry.changed for entry in entries if entry.changed)
    return Answer(200, text.encode(), content_type, modified=latest + timedelta(days=edition - 1))


def _front_page(shown: tuple[SamplePage, ...]) -> Answer:
    """A table of contents for people."""
    rows = [(page.path, page.title) for page in shown if not page.path.startswith(OTHER)]
    rows += [(route["path"], f"{route['title']} ({route['status']})") for route in catalogue()["routes"]]
    items = "".join(f'<li><a href="{quote(path)}">{escape(title)}</a></li>' for path, title in sorted(rows))
    head = "<!doctype html><html><head><meta charset='utf-8'><title>Sample site</title></head>"
    return Answer(200, f"{head}<body><h1>Sample site</h1><p>{MARK}</p><ul>{items}</ul></body></html>".encode())


def _json_ld(page: SamplePage, url: str) -> str:
    """schema.org NewsArticle as publishers embed it; no dates when the page has none."""
    data: dict[str, Any] = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": page.title, "mainEntityOfPage": url}
    if page.published:
        data["datePublished"] = page.published.isoformat()
        data["dateModified"] = (page.modified or page.published).isoformat()
    if page.author:
        data["author"] = {"@type": "Person", "name": page.author}
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def _pdf(line: str) -> bytes:
    """A valid one-page PDF 1.4 that prints `line` (ASCII, no brackets)."""
    stream = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer


def http_date(moment: datetime) -> str:
    """RFC 9110 date, whole seconds."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)
