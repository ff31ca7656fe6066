"""The list of sources: a YAML file that people edit, read once and checked to the line. `sources.yaml` beside this file is an example."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from producers.urls import canonical, fetchable
from tocsin.errors import DataError, Quarantine, UsageError

MAX_FILE = 20_000_000  # bytes: about 50,000 sources

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
    root, data = _read(path)
    if not isinstance(data, dict) or set(data) != {"sources"} or not isinstance(data["sources"], list):
        raise DataError(path, "expected one key `sources` with a list below it", 1)
    if not data["sources"]:
        raise DataError(path, "no sources; list at least one below `sources:`", 1)
    sources: list[Source] = []
    ids: dict[str, int] = {}
    urls: dict[str, int] = {}
    for index, entry in enumerate(data["sources"]):
        source = _source(path, root, index, entry)
        line = _line(root, ["sources", index, "id"])
        if source.id in ids:
            raise DataError(path, f"source id {source.id!r} is used on line {ids[source.id]} too; give each source its own", line)
        ids[source.id] = line
        for at, feed in enumerate(source.feeds):
            line = _line(root, ["sources", index, "feeds", at])
            name = canonical(feed.url)
            if name in urls:
                raise DataError(path, f"feed {feed.url} is listed on line {urls[name]} too; keep one", line)
            urls[name] = line
        sources.append(source)
    return tuple(sources)


def _read(path: Path) -> tuple[yaml.Node, Any]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; name your sources file with --sources") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot read: {error.strerror}") from error
    if len(raw) > MAX_FILE:
        raise DataError(path, f"{len(raw)} bytes; a sources file has at most {MAX_FILE}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(path, "not UTF-8; save it as UTF-8", raw[: error.start].count(b"\n") + 1) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise DataError(path, "empty; list at least one source below `sources:`", 1)
        _check_nodes(path, root)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise DataError(path, f"not YAML: {problem}", mark.line + 1 if mark else None) from error
    except (RecursionError, ValueError) as error:
        raise DataError(path, f"not YAML: {error}") from error
    return root, data


def _check_nodes(path: Path, root: yaml.Node) -> None:
    """Refuse doubled keys (YAML would silently keep the last) and anchors used again (a small file could grow without bound)."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            raise DataError(path, "anchors and aliases are not read here; write the value out", node.start_mark.line + 1)
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        raise DataError(path, f"key {key.value!r} is given twice", key.start_mark.line + 1)
                    keys.add(key.value)
                stack += (key, value)


def _source(path: Path, root: yaml.Node, index: int, entry: object) -> Source:
    if not isinstance(entry, dict):
        raise DataError(path, "expected a source with id, name, owner and feeds", _line(root, ["sources", index]))
    feeds = entry.get("feeds")
    if not isinstance(feeds, list) or not feeds:
        line = _line(root, ["sources", index, "feeds"])
        raise DataError(path, f"source {entry.get('id', '?')!r} has no feeds; list at least one address", line)
    entry = {**entry, "feeds": [_feed(path, feed, _line(root, ["sources", index, "feeds", at])) for at, feed in enumerate(feeds)]}
    try:
        return msgspec.convert(entry, Source)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$.")
        steps: list[str | int] = ["sources", index]
        named = where.rstrip("`").replace("[", ".").replace("]", "").split(".")
        steps += [int(step) if step.isdigit() else step for step in named if step]
        name = ".".join(str(step) for step in steps[2:])
        if "unknown field" in problem:
            name = problem.rpartition("`")[0].rpartition("`")[2]
            steps.append(name)
            problem = "unknown key"
        elif "missing required field" in problem:
            name = problem.rpartition("`")[0].rpartition("`")[2]
            problem = "missing"
        raise DataError(path, f"source {entry.get('id', '?')!r}: {name}: {problem}", _line(root, steps)) from error


def _feed(path: Path, feed: object, line: int) -> dict[str, Any]:
    whole = {"url": feed} if isinstance(feed, str) else feed
    if not isinstance(whole, dict) or not isinstance(whole.get("url"), str):
        raise DataError(path, "a feed is an address, or {url: ADDRESS, kind: feed|sitemap}", line)
    try:
        url = fetchable(whole["url"])
    except Quarantine as error:
        raise DataError(path, str(error), line) from error
    return {"kind": "sitemap" if "sitemap" in url.lower() else "feed", **whole, "url": url}


def _line(root: yaml.Node, steps: list[str | int]) -> int:
    """Line (from 1) of the node at `steps`, or of the nearest one above it that exists."""
    node = root
    line = node.start_mark.line + 1
    for step in steps:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
            continue
        else:
            return line
        line = node.start_mark.line + 1
    return line
