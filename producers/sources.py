"""The list of sources: a YAML file that people edit, read once and checked to the line. `sources.yaml` beside this file is an example."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from producers.urls import canonical, fetchable
from tocsin.errors import DataError, Quarantine, UsageError
from tocsin.yaml_file import Document, Steps, explained, read_yaml

Text = Annotated[str, Meta(min_length=1)]


class Feed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list of links to poll."""

    url: Text
    kind: Literal["feed", "sitemap"] = "feed"  # what is read decides; this only names it in reports


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One publisher, as declared by a person."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Text
    owner: Text
    feeds: tuple[Feed, ...] = ()
    lang: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None  # BCP 47; a hint, the tagger decides
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None  # ISO 3166 alpha-2: what it mostly reports on, or where it sits
    affiliated_with: str | None = None  # entity id of the belligerent it speaks for
    reliability: Annotated[str, Meta(pattern=r"^[A-F]$")] | None = None  # Admiralty code of the source; F = cannot be judged
    host_delay: Annotated[float, Meta(ge=0, le=3600)] | None = None  # seconds between two requests to one host; default: the setting
    licence_note: str | None = None  # what its terms allow, for the reader of this file
    backfill: bool = False  # its articles update state and never ring


def load_sources(path: Path | str) -> tuple[Source, ...]:
    """Read and check a sources file. Raises UsageError when it is missing, DataError with the line for everything wrong in it."""
    path = Path(path)
    if not path.exists():
        raise UsageError(f"{path}: no such file; name your sources file with --sources")
    document = read_yaml(path)
    data = document.value
    if not isinstance(data, dict) or set(data) != {"sources"} or not isinstance(data["sources"], list):
        raise DataError(path, "expected one key `sources` with a list below it", 1)
    if not data["sources"]:
        raise DataError(path, "no sources; list at least one below `sources:`", 1)
    sources: list[Source] = []
    ids: dict[str, int] = {}
    urls: dict[str, int] = {}
    for index, entry in enumerate(data["sources"]):
        source = _source(document, index, entry)
        line = document.line(["sources", index, "id"])
        if source.id in ids:
            raise DataError(path, f"source id {source.id!r} is used on line {ids[source.id]} too; give each source its own", line)
        ids[source.id] = line
        for at, feed in enumerate(source.feeds):
            line = document.line(["sources", index, "feeds", at])
            name = canonical(feed.url)
            if name in urls:
                raise DataError(path, f"feed {feed.url} is listed on line {urls[name]} too; keep one", line)
            urls[name] = line
        sources.append(source)
    return tuple(sources)


def _source(document: Document, index: int, entry: object) -> Source:
    at: Steps = ["sources", index]
    if not isinstance(entry, dict):
        raise document.error("expected a source with id, name, owner and feeds", at)
    name, feeds = entry.get("id", "?"), entry.get("feeds")
    if not isinstance(feeds, list) or not feeds:
        raise document.error(f"source {name!r} has no feeds; list at least one address", [*at, "feeds"])
    entry = {**entry, "feeds": [_feed(document, feed, [*at, "feeds", number]) for number, feed in enumerate(feeds)]}
    try:
        return msgspec.convert(entry, Source)
    except msgspec.ValidationError as error:
        problem, steps = explained(error)
        raise document.error(f"source {name!r}: {problem}", [*at, *steps]) from error


def _feed(document: Document, feed: object, steps: Steps) -> dict[str, Any]:
    whole = {"url": feed} if isinstance(feed, str) else feed
    if not isinstance(whole, dict) or not isinstance(whole.get("url"), str):
        raise document.error("a feed is an address, or {url: ADDRESS, kind: feed|sitemap}", steps)
    try:
        url = fetchable(whole["url"])
    except Quarantine as error:
        raise document.error(str(error), steps) from error
    return {"kind": "sitemap" if "sitemap" in url.lower() else "feed", **whole, "url": url}
