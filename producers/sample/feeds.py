"""Feed writers of the sample site: RSS 2.0, Atom (RFC 4287) and the news sitemap. Pure: entries in, XML text out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Entry:
    """One item of a feed. `link` is absolute, already percent-encoded."""

    link: str
    title: str
    summary: str = ""
    author: str = ""
    published: datetime | None = None
    modified: datetime | None = None

    @property
    def changed(self) -> datetime | None:
        """The last time the item changed, as far as it says."""
        return self.modified or self.published

    @property
    def identity(self) -> str:
        """The link without its tracking query: the same in every edition."""
        return self.link.split("?")[0]


def rss(name: str, lang: str, url: str, entries: Sequence[Entry]) -> str:
    """RSS 2.0 with Dublin Core authors and Atom update times."""
    items = "".join(
        f"<item><title>{escape(entry.title)}</title><link>{escape(entry.link)}</link>"
        f'<guid isPermaLink="false">{escape(entry.identity)}</guid>'
        + (f"<description>{escape(entry.summary)}</description>" if entry.summary else "")
        + (f"<dc:creator>{escape(entry.author)}</dc:creator>" if entry.author else "")
        + (f"<pubDate>{format_datetime(entry.published.astimezone(UTC), usegmt=True)}</pubDate>" if entry.published else "")
        + (f"<atom:updated>{entry.modified.isoformat()}</atom:updated>" if entry.modified else "")
        + "</item>\n"
        for entry in entries
    )
    return (
        f'{_HEAD}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>{escape(name)}</title><link>{escape(url)}</link><description>Sample feed written for Tocsin</description>"
        f'<language>{lang}</language><atom:link href="{escape(url)}" rel="self" type="application/rss+xml"/>\n{items}</channel></rss>\n'
    )


def atom(name: str, lang: str, url: str, entries: Sequence[Entry]) -> str:
    """Atom; an undated item gets the feed's own update time as `updated`, which Atom requires, and no `published`."""
    latest = max(entry.changed for entry in entries if entry.changed)
    items = "".join(
        f'<entry><id>{escape(entry.identity)}</id><title>{escape(entry.title)}</title><link rel="alternate" href="{escape(entry.link)}"/>'
        f"<updated>{(entry.changed or latest).isoformat()}</updated>"
        + (f"<published>{entry.published.isoformat()}</published>" if entry.published else "")
        + (f"<author><name>{escape(entry.author)}</name></author>" if entry.author else "")
        + (f"<summary>{escape(entry.summary)}</summary>" if entry.summary else "")
        + "</entry>\n"
        for entry in entries
    )
    return (
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{lang}"><id>{escape(url)}</id><title>{escape(name)}</title>'
        f'<link rel="self" href="{escape(url)}"/><updated>{latest.isoformat()}</updated><author><name>{escape(name)}</name></author>\n'
        f"{items}</feed>\n"
    )


def news_sitemap(name: str, lang: str, url: str, entries: Sequence[Entry]) -> str:  # noqa: ARG001 - one shape for the three writers
    """Sitemap 0.9 with Google's news extension; undated items keep `loc` only."""
    items = "".join(
        f"<url><loc>{escape(entry.link)}</loc>"
        + (f"<lastmod>{entry.changed.isoformat()}</lastmod>" if entry.changed else "")
        + (
            f"<news:news><news:publication><news:name>{escape(name)}</news:name><news:language>{lang}</news:language></news:publication>"
            f"<news:publication_date>{entry.published.isoformat()}</news:publication_date>"
            f"<news:title>{escape(entry.title)}</news:title></news:news>"
            if entry.published
            else ""
        )
        + "</url>\n"
        for entry in entries
    )
    return (
        f'{_HEAD}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{items}</urlset>\n'
    )
