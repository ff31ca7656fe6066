"""Local input: files, folders, WARC files, lists of addresses, JSON lines, standard input. What a file is, its content says, not its name.

    page.html, page.html.gz   one page
    a folder                  every file below it in sorted order; names that begin with a dot are left out, links to folders not followed
    .warc, .warc.gz           every response with status 200 and HTML; other responses are refused one by one
    a text file of addresses  one a line, `#` begins a comment: each becomes a Request
    JSON lines                {"url"?, "id"?, "html"}: a page, html being the text, or a (gzipped) file named relative to this one;
                              {"url"?, "id"?, "text", "title"?, "published_at"?, "author"?, "lang"?}: an article that is clean already;
                              {"url"}: a Request. Also "source", "owner", "fetched_at" in each.
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
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec
from fastwarc.warc import ArchiveIterator, WarcRecordType

from producers.answers import is_html
from producers.decode import unchunk, unpack
from producers.feeds import looks_like_feed
from producers.sources import Source
from producers.urls import canonical, fetchable, host_of
from tocsin import clock
from tocsin.errors import Quarantine, UsageError
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
_HEAD = 65536  # bytes looked at to tell what a file is
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_HTML_NAME = re.compile(r"\.x?html?(?:\.gz)?$", re.IGNORECASE)
_ADDRESS = re.compile(rb"^\s*https?://", re.IGNORECASE | re.MULTILINE)


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


class _Line(msgspec.Struct, frozen=True):
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


class _Readable(Protocol):
    """A binary stream that can look ahead: a buffered file, an unpacked gzip file, standard input."""

    def peek(self, size: int, /) -> bytes: ...
    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...


class _Given(NamedTuple):
    """What holds for the whole input."""

    source: Source | None
    max_body: int
    at: str


def read_inputs(
    inputs: Sequence[str | Path],
    source: Source | None = None,
    *,
    max_body: int = 5_000_000,
    at: str | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Input]:
    """Read everything named, in the order named.

    `source`: says whose all of it is. `max_body`: bytes of one page after unpacking. `at`: time of reading, now if None.
    Raises UsageError at once, before anything is read, when a path does not exist; nothing later raises.
    """
    for name in inputs:
        if not _is_stream(str(name)) and not os.path.lexists(name):
            raise UsageError(f"{name}: no such file or folder; give a path, an address that begins with http, or - for standard input")
    given = _Given(source, max_body, at or clock.now())
    return _read_all(inputs, given, stdin)


def _is_stream(name: str) -> bool:
    return name == "-" or name.lower().startswith(("http://", "https://"))


def _read_all(inputs: Iterable[str | Path], given: _Given, stdin: BinaryIO | None) -> Iterator[Input]:
    for name in inputs:
        if str(name) == "-":
            # Peeking needs a buffer; a plain stream is given one.
            raw: Any = stdin if stdin is not None else sys.stdin.buffer
            yield from _stream(raw if hasattr(raw, "peek") else io.BufferedReader(raw, _HEAD), "file:stdin", None, given)
        elif _is_stream(str(name)):
            yield _request(str(name), given)
        elif Path(name).is_dir():
            yield from _folder(Path(name), given)
        else:
            path = Path(name)
            yield from _file(path, _file_name(path.resolve().parent.name, path.name), given)


def _folder(folder: Path, given: _Given) -> Iterator[Input]:
    unreadable: list[OSError] = []
    top = folder.resolve().name
    for where, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(where).relative_to(folder).as_posix()
        for name in sorted(name for name in files if not name.startswith(".")):
            yield from _file(Path(where) / name, _file_name(top, "" if inside == "." else inside, name), given)
    for error in unreadable:
        yield _drop(given, _file_name(str(error.filename)), "unreadable", error.strerror or str(error))


def _file_name(*parts: str) -> str:
    joined = "/".join(part for part in parts if part)
    return "file:" + joined.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _file(path: Path, url: str, given: _Given) -> Iterator[Input]:
    if not path.is_file():
        yield _drop(given, url, "not-a-file" if path.exists() else "unreadable", "not a regular file" if path.exists() else "a broken link")
        return
    try:
        with io.BufferedReader(path.open("rb", buffering=0), _HEAD) as file:
            if file.peek(2)[:2] != b"\x1f\x8b":
                yield from _stream(file, url, path, given)
                return
            with gzip.open(file) as unpacked:
                yield from _stream(unpacked, url, path, given)
    except (OSError, EOFError, zlib.error) as error:
        yield _drop(given, url, "unreadable", getattr(error, "strerror", None) or str(error))


def _stream(stream: _Readable, url: str, path: Path | None, given: _Given) -> Iterator[Input]:
    """Tell by its beginning what a stream is, and read it as that."""
    head = stream.peek(_HEAD)[:_HEAD]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"WARC/"):
        yield from _warc(path if path is not None else stream, url, given)
    elif start.startswith(b"{"):
        yield from _json_lines(stream, url, path, given)
    elif not start and len(head) < _HEAD:
        yield _drop(given, url, "empty", "")
    elif _looks_like_html(head, url):
        body = stream.read(given.max_body + 1)
        yield _page(body, url, given, None)
    elif b"\0" in head and not head.startswith(_BOMS):
        yield _drop(given, url, "binary", "")
    elif looks_like_feed(head):
        yield _drop(given, url, "feed", REASONS["feed"])
    elif _ADDRESS.search(head):
        yield from _addresses(stream, url, given)
    elif start.startswith(b"["):
        yield _drop(given, url, "bad-json", "a JSON array; write one object a line")
    else:
        yield _drop(given, url, "not-html", "no web page, JSON lines, WARC or list of addresses")


def _looks_like_html(head: bytes, url: str) -> bool:
    if b"\0" in head and not head.startswith(_BOMS):
        return False
    return is_html(None, head) or (bool(_HTML_NAME.search(url)) and is_html("text/html", head))


def _page(body: bytes, url: str, given: _Given, line: _Line | None) -> Page | Dropped:
    if len(body) > given.max_body:
        return _drop(given, url, "too-large", f"more than {given.max_body} bytes; raise the setting max_body to read it")
    if not body.strip():
        return _drop(given, url, "empty", "")
    source_id, name, owner = _whose(url, given, line)
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
        fetched_at=(line.fetched_at if line else None) or given.at,
        item=item,
        source_lang=given.source.lang if given.source else None,
        source_country=given.source.country if given.source else None,
        affiliated_with=given.source.affiliated_with if given.source else None,
        backfill=given.source.backfill if given.source else False,
    )


def _whose(url: str, given: _Given, line: _Line | None = None) -> tuple[str, str, str]:
    """Source id, name and owner: two addresses of one host are one voice, and local files without an address are one too."""
    if given.source is not None:
        return given.source.id, given.source.name, given.source.owner
    try:
        host = host_of(canonical(url)) if not url.startswith("file:") else "local"
    except Quarantine:
        host = "local"
    name = (line.source if line else None) or host
    return name, name, (line.owner if line else None) or name


def _request(url: str, given: _Given) -> Request | Dropped:
    try:
        asked = fetchable(url)
        return Request(
            url=asked,
            host=host_of(asked),
            source_id=_whose(asked, given)[0],
            kind="page",
            backfill=given.source.backfill if given.source else False,
        )
    except Quarantine as error:
        return _drop(given, url[:2000], "bad-url", str(error))


def _addresses(stream: _Readable, url: str, given: _Given) -> Iterator[Input]:
    number = 0
    while line := stream.readline(_HEAD):
        number += 1
        text = line.decode("utf-8-sig", "replace").strip()
        if text and not text.startswith("#"):
            result = _request(text.split()[0], given)
            yield _drop(given, f"{url}#{number}", "bad-url", result.detail) if isinstance(result, Dropped) else result


def _json_lines(stream: _Readable, url: str, path: Path | None, given: _Given) -> Iterator[Input]:
    longest = given.max_body * 6 + 100_000  # JSON may write a byte as six
    number = 0
    while raw := stream.readline(longest + 1):
        number += 1
        name = f"{url}#{number}"
        if len(raw) > longest:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(longest)
            yield _drop(given, name, "too-large", f"a line of more than {longest} bytes")
            continue
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"), type=_Line)
        except UnicodeDecodeError:
            yield _drop(given, name, "bad-charset", "not UTF-8; write JSON lines as UTF-8")
            continue
        except (msgspec.DecodeError, RecursionError) as error:
            if number == 1 and raw.strip() == b"{":
                yield _drop(given, url, "bad-json", "one JSON object over many lines; write each object on one line")
                return
            yield _drop(given, name, "bad-json", str(error))
            continue
        yield _json_line(line, name if line.id is None else f"{url}#{line.id}", path, given)


def _json_line(line: _Line, name: str, path: Path | None, given: _Given) -> Input:
    url = line.url or name
    if line.url:
        try:
            url = fetchable(line.url) if not line.url.startswith("file:") else line.url
        except Quarantine as error:
            if line.html is None and line.text is None:
                return _drop(given, name, "bad-url", str(error))
            url = name  # the address is wrong, what came with it is not
    if line.html is not None:
        if "<" in line.html or not line.html.strip():
            return _page(line.html.encode("utf-8", "replace"), url, given, line)
        return _named_page(line, line.html, url, path, given)
    if line.text is not None:
        if not line.text.strip():
            return _drop(given, url, "empty", "")
        source_id, source_name, owner = _whose(url, given, line)
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
            fetched_at=line.fetched_at or given.at,
            backfill=given.source.backfill if given.source else False,
        )
    return _request(url, given) if line.url else _drop(given, name, "no-content", REASONS["no-content"])


def _named_page(line: _Line, named: str, url: str, path: Path | None, given: _Given) -> Page | Dropped:
    """Read the file a JSON line names; only inside the folder of the JSON lines file, whatever links and dots it uses."""
    if path is None:
        return _drop(given, url, "bad-path", "html names a file, which standard input cannot")
    folder = path.resolve().parent
    try:
        wanted = (folder / named).resolve()
        if not wanted.is_relative_to(folder) or not wanted.is_file():
            return _drop(given, url, "bad-path", f"{named[:200]!r} is not a file below {path.parent}")
        with io.BufferedReader(wanted.open("rb", buffering=0)) as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            body = (gzip.GzipFile(fileobj=file) if packed else file).read(given.max_body + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        return _drop(given, url, "unreadable", f"{named[:200]}: {error}")
    if not _looks_like_html(body[:_HEAD], "file:.html") and body.strip():
        return _drop(given, url, "not-html" if b"\0" not in body[:_HEAD] else "binary", named[:200])
    return _page(body, url, given, line)


def _warc(source: Path | _Readable, url: str, given: _Given) -> Iterator[Input]:
    """Read a WARC file's pages. One damaged at the end gives what comes before, and one Dropped for the rest."""
    kinds = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.revisit
    last = 0
    try:
        opened: Any = source.open("rb") if isinstance(source, Path) else nullcontext(source)
        with opened as stream:
            for record in ArchiveIterator(stream, record_types=kinds, parse_http=True):
                last = record.stream_pos
                yield _warc_record(record, given)
    except (OSError, ValueError) as error:
        yield _drop(given, url, "unreadable", f"damaged after offset {last}: {error}"[:300])


def _warc_record(record: Any, given: _Given) -> Input:
    target = str(record.headers.get("WARC-Target-URI") or "").strip("<>")
    try:
        url = target if target.startswith("file:") else fetchable(target)
    except Quarantine as error:
        return _drop(given, target or f"warc offset {record.stream_pos}", "bad-url", str(error))
    if record.record_type == WarcRecordType.revisit:
        return _drop(given, url, "http-status", "a revisit: the same bytes as an earlier record")
    http = record.http_headers
    status = int(http.status_code or 200) if http is not None else 200
    if status != 200:
        return _drop(given, url, "http-status", f"HTTP {status}")
    content_type = (http.get("Content-Type") if http is not None else record.headers.get("Content-Type")) or None
    want = min(record.content_length, given.max_body + 1)
    body = record.reader.read(want)
    if len(body) < want:
        return _drop(
            given, url, "unreadable", f"the archive ends inside this record, {len(body)} of {record.content_length} bytes are there"
        )
    if http is not None:
        # Not by fastwarc: its decoding ends the iteration after the first chunked record (2.0.1).
        try:
            body = unchunk(body) if "chunked" in (http.get("Transfer-Encoding") or "").lower() else body
            body, whole = unpack(body, http.get("Content-Encoding") or "", given.max_body + 1)
            if not whole:
                return _drop(given, url, "unreadable", "the compressed body ends early")
        except Quarantine as error:
            return _drop(given, url, "unreadable", str(error))
    if body.strip() and not is_html(content_type, body):
        return _drop(given, url, "not-html", str(content_type))
    page = _page(body, url, given, _Line(fetched_at=str(record.headers.get("WARC-Date") or "") or None))
    return msgspec.structs.replace(page, content_type=content_type) if isinstance(page, Page) else page


def _drop(given: _Given, url: str, reason: str, detail: str) -> Dropped:
    return Dropped(url=url, stage="sources", reason=reason, detail=detail, source_id=given.source.id if given.source else None, at=given.at)
