"""Local input: files, folders, WARC files, lists of addresses, JSON lines, standard input. What a file is, its content says, not its name.

    page.html, page.html.gz   one page
    a folder                  every file below it in sorted order; names that begin with a dot are left out, links to folders not followed
    .warc, .warc.gz           every response with status 200 and HTML; other responses are refused one by one
    a text file of addresses  one a line, `#` begins a comment: each becomes a Request
    JSON lines                {"url"?, "id"?, "html"}: a page, html being the text, or a (gzipped) file named relative to this one;
                              {"url"?, "id"?, "text", "title"?, "published_at"?, "author"?, "lang"?}: an article that is clean already;
                              {"url"}: a Request. Also "source", "owner", "fetched_at" in each; a time of fetching that cannot be
                              is replaced by the time of reading.
    http(s)://...             a Request
    -                         standard input: any of the above but folders and files named in JSON lines

Everything met comes out, as a page, a request, an article or a Dropped with its reason: nothing is skipped silently.

Identity: a record's own `url`, else `file:` and the last two parts of the path (`file:saved/a.html`; below a folder: its name and the path
from there), so moving the folder or naming it another way gives the same article. What the page itself says it is (rel=canonical) is not
believed: any page can claim to be another. Source and owner: as given; else the address's host; else `local`.
"""

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from producers.feeds import looks_like_feed
from producers.inputs import (
    HEAD,
    REASONS,
    ArticleLine,
    Given,
    Input,
    Readable,
    is_binary,
    looks_like_html,
    make_page,
    make_request,
    refuse,
)
from producers.json_lines import read_json_lines
from producers.sources import Source
from producers.warc_file import read_warc
from tocsin import clock
from tocsin.errors import UsageError
from tocsin.records import Dropped

__all__ = ["REASONS", "ArticleLine", "Input", "read_inputs"]

_ADDRESS = re.compile(rb"^\s*https?://", re.IGNORECASE | re.MULTILINE)


def read_inputs(
    inputs: Sequence[str | Path],
    source: Source | None = None,
    *,
    max_body: int = 5_000_000,
    at: str | None = None,
    stdin: BinaryIO | None = None,
    archive: Path | None = None,
) -> Iterator[Input]:
    """Read everything named, in the order named.

    `source`: says whose all of it is. `max_body`: bytes of one page after unpacking. `at`: time of reading, now if None.
    `archive`: pages of WARC files of ours below this folder are archived already, and say where they lie.
    Raises UsageError at once, before anything is read, when a path does not exist; nothing later raises.
    """
    for name in inputs:
        if not _is_stream(str(name)) and not os.path.lexists(name):
            raise UsageError(f"{name}: no such file or folder; give a path, an address that begins with http, or - for standard input")
    given = Given(source, max_body, at or clock.now(), archive)
    return _read_all(inputs, given, stdin)


def _is_stream(name: str) -> bool:
    return name == "-" or name.lower().startswith(("http://", "https://"))


def _read_all(inputs: Iterable[str | Path], given: Given, stdin: BinaryIO | None) -> Iterator[Input]:
    for name in inputs:
        if str(name) == "-":
            # Peeking needs a buffer; a plain stream is given one.
            raw: Any = stdin if stdin is not None else sys.stdin.buffer
            yield from _stream(raw if hasattr(raw, "peek") else io.BufferedReader(raw, HEAD), "file:stdin", None, given)
        elif _is_stream(str(name)):
            yield make_request(str(name), given)
        elif Path(name).is_dir():
            yield from _folder(Path(name), given)
        else:
            path = Path(name)
            yield from _file(path, _file_name(path.resolve().parent.name, path.name), given)


def _folder(folder: Path, given: Given) -> Iterator[Input]:
    unreadable: list[OSError] = []
    top = folder.resolve().name
    for where, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(where).relative_to(folder).as_posix()
        for name in sorted(name for name in files if not name.startswith(".")):
            yield from _file(Path(where) / name, _file_name(top, "" if inside == "." else inside, name), given)
    for error in unreadable:
        yield refuse(given, _file_name(str(error.filename)), "unreadable", error.strerror or str(error))


def _file_name(*parts: str) -> str:
    joined = "/".join(part for part in parts if part)
    return "file:" + joined.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _file(path: Path, url: str, given: Given) -> Iterator[Input]:
    if not path.is_file():
        reason, detail = ("not-a-file", "not a regular file") if path.exists() else ("unreadable", "a broken link")
        yield refuse(given, url, reason, detail)
        return
    try:
        with io.BufferedReader(path.open("rb", buffering=0), HEAD) as file:
            if file.peek(2)[:2] != b"\x1f\x8b":
                yield from _stream(file, url, path, given)
                return
            with gzip.open(file) as unpacked:
                yield from _stream(unpacked, url, path, given)
    except (OSError, EOFError, zlib.error) as error:
        yield refuse(given, url, "unreadable", getattr(error, "strerror", None) or str(error))


def _stream(stream: Readable, url: str, path: Path | None, given: Given) -> Iterator[Input]:
    """Tell by its beginning what a stream is, and read it as that."""
    head = stream.peek(HEAD)[:HEAD]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"WARC/"):
        yield from read_warc(path if path is not None else stream, url, given)
    elif start.startswith(b"{"):
        yield from read_json_lines(stream, url, path, given)
    elif not start and len(head) < HEAD:
        yield refuse(given, url, "empty", "")
    elif looks_like_html(head, url):
        body = stream.read(given.max_body + 1)
        yield make_page(body, url, given, None)
    elif is_binary(head):
        yield refuse(given, url, "binary", "")
    elif looks_like_feed(head):
        yield refuse(given, url, "feed", REASONS["feed"])
    elif _ADDRESS.search(head):
        yield from _addresses(stream, url, given)
    elif start.startswith(b"["):
        yield refuse(given, url, "bad-json", "a JSON array; write one object a line")
    else:
        yield refuse(given, url, "not-html", "no web page, JSON lines, WARC or list of addresses")


def _addresses(stream: Readable, url: str, given: Given) -> Iterator[Input]:
    number = 0
    while line := stream.readline(HEAD):
        number += 1
        text = line.decode("utf-8-sig", "replace").strip()
        if text and not text.startswith("#"):
            result = make_request(text.split()[0], given)
            yield refuse(given, f"{url}#{number}", "bad-url", result.detail) if isinstance(result, Dropped) else result
