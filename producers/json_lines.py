"""Read JSON lines: pages, articles and addresses, one a line. A bad line costs only itself."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import msgspec

from producers.inputs import (
    HEAD,
    REASONS,
    ArticleLine,
    Given,
    Input,
    Line,
    Readable,
    fetched,
    looks_like_html,
    make_page,
    make_request,
    refuse,
    whose,
)
from producers.urls import fetchable
from tocsin.errors import Quarantine
from tocsin.records import Dropped, Page


def read_json_lines(stream: Readable, url: str, path: Path | None, given: Given) -> Iterator[Input]:
    """Read every line. `url`: name of the whole input; `path`: where it lies, None for standard input."""
    longest = given.max_body * 6 + 100_000  # JSON may write a byte as six
    number = 0
    while raw := stream.readline(longest + 1):
        number += 1
        name = f"{url}#{number}"
        if len(raw) > longest:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(longest)
            yield refuse(given, name, "too-large", f"a line of more than {longest} bytes")
            continue
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"), type=Line)
        except UnicodeDecodeError:
            yield refuse(given, name, "bad-charset", "not UTF-8; write JSON lines as UTF-8")
            continue
        except (msgspec.DecodeError, RecursionError) as error:
            if number == 1 and raw.strip() == b"{":
                yield refuse(given, url, "bad-json", "one JSON object over many lines; write each object on one line")
                return
            yield refuse(given, name, "bad-json", str(error))
            continue
        yield _json_line(line, name if line.id is None else f"{url}#{line.id}", path, given)


def _json_line(line: Line, name: str, path: Path | None, given: Given) -> Input:
    url = line.url or name
    if line.url:
        try:
            url = fetchable(line.url) if not line.url.startswith("file:") else line.url
        except Quarantine as error:
            if line.html is None and line.text is None:
                return refuse(given, name, "bad-url", str(error))
            url = name  # the address is wrong, what came with it is not
    if line.html is not None:
        if "<" in line.html or not line.html.strip():
            return make_page(line.html.encode("utf-8", "replace"), url, given, line)
        return _named_page(line, line.html, url, path, given)
    if line.text is not None:
        if not any(map(str.isalnum, line.text)):
            return refuse(given, url, "empty", "not one letter or digit")
        source_id, source_name, owner = whose(url, given, line)
        return ArticleLine(
            url=url,
            text=line.text,
            id=None if line.id is None else str(line.id),
            title=line.title,
            published_at=line.published_at,
            author=line.author,
            lang=line.lang,
            source_id=source_id,
            source_name=source_name,
            owner=owner,
            fetched_at=fetched(line, given),
            backfill=given.source.backfill if given.source else False,
        )
    return make_request(url, given) if line.url else refuse(given, name, "no-content", REASONS["no-content"])


def _named_page(line: Line, named: str, url: str, path: Path | None, given: Given) -> Page | Dropped:
    """Read the file a JSON line names; only inside the folder of the JSON lines file, whatever links and dots it uses."""
    if path is None:
        return refuse(given, url, "bad-path", "html names a file, which standard input cannot")
    folder = path.resolve().parent
    try:
        wanted = (folder / named).resolve()
        if not wanted.is_relative_to(folder) or not wanted.is_file():
            return refuse(given, url, "bad-path", f"{named[:200]!r} is not a file below {path.parent}")
        with BufferedReader(wanted.open("rb", buffering=0)) as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            body = (gzip.GzipFile(fileobj=file) if packed else file).read(given.max_body + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        return refuse(given, url, "unreadable", f"{named[:200]}: {error}")
    if not looks_like_html(body[:HEAD], "file:.html") and body.strip():
        return refuse(given, url, "not-html" if b"\0" not in body[:HEAD] else "binary", named[:200])
    return make_page(body, url, given, line)
