"""Read the pages of WARC files, ours or anybody's. Sources: ISO 28500:2017 (WARC 1.1).

Our own say whose each page is and what its feed said (`producers.archive.About`): read again they give the same articles.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
from fastwarc.warc import ArchiveIterator, WarcRecordType

from producers.answers import is_html
from producers.archive import MAX_RECORD, About
from producers.decode import unchunk, unpack
from producers.inputs import Given, Input, Line, Readable, make_page, refuse
from producers.urls import fetchable
from tocsin.errors import Quarantine
from tocsin.ids import sha256
from tocsin.records import Page, RawRef


def read_warc(source: Path | Readable, url: str, given: Given) -> Iterator[Input]:
    """Read a WARC file's pages. One damaged at the end gives what comes before, and one Dropped for the rest."""
    kinds = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.revisit | WarcRecordType.metadata
    last = 0
    about: tuple[str, About] | None = None  # of which record, and what
    try:
        opened: Any = source.open("rb") if isinstance(source, Path) else nullcontext(source)
        with opened as stream:
            for record in ArchiveIterator(stream, record_types=kinds, parse_http=True):
                last = record.stream_pos
                if record.record_type == WarcRecordType.metadata:
                    about = _about(record)
                    continue
                ours = about is not None and about[0] == record.headers.get("WARC-Record-ID")
                found = _warc_record(record, given, about[1] if about and ours and given.source is None else None)
                yield _located(found, source, last, given) if ours else found
    except (OSError, ValueError) as error:
        yield refuse(given, url, "unreadable", f"damaged after offset {last}: {error}"[:300])


def _located(found: Input, source: Path | Readable, offset: int, given: Given) -> Input:
    """A page of our own archive points to its bytes there, so that they are not archived again."""
    if not isinstance(found, Page) or not isinstance(source, Path) or given.archive is None:
        return found
    file, archive = source.resolve(), given.archive.resolve()
    if not file.is_relative_to(archive):
        return found
    uri = f"warc:{file.relative_to(archive).as_posix()}#{offset}"
    raw = RawRef(sha256=sha256(found.body), uri=uri, length=len(found.body), content_type=found.content_type)
    return msgspec.structs.replace(found, raw=raw)


def _about(record: Any) -> tuple[str, About] | None:
    """Read a metadata record of ours; None for anybody else's."""
    of = record.headers.get("WARC-Concurrent-To")
    if not of or record.headers.get("Content-Type") != "application/json" or record.content_length > MAX_RECORD:
        return None
    try:
        return str(of), msgspec.json.decode(record.reader.read(), type=About)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _warc_record(record: Any, given: Given, about: About | None) -> Input:
    target = str(record.headers.get("WARC-Target-URI") or "").strip("<>")
    try:
        url = target if target.startswith("file:") else fetchable(target)
    except Quarantine as error:
        return refuse(given, target or f"warc offset {record.stream_pos}", "bad-url", str(error))
    if record.record_type == WarcRecordType.revisit:
        return refuse(given, url, "http-status", "a revisit: the same bytes as an earlier record")
    http = record.http_headers
    status = int(http.status_code or 200) if http is not None else 200
    summary = about is not None and about.item is not None and bool(about.item.summary)  # stands in for a page the server refused
    if status != 200 and not (summary and status >= 400):
        return refuse(given, url, "http-status", f"HTTP {status}")
    content_type = (http.get("Content-Type") if http is not None else record.headers.get("Content-Type")) or None
    want = min(record.content_length, given.max_body + 1)
    body = record.reader.read(want)
    if len(body) < want:
        return refuse(
            given, url, "unreadable", f"the archive ends inside this record, {len(body)} of {record.content_length} bytes are there"
        )
    if http is not None:
        # Not by fastwarc: its decoding ends the iteration after the first chunked record (2.0.1).
        try:
            body = unchunk(body) if "chunked" in (http.get("Transfer-Encoding") or "").lower() else body
            body, whole = unpack(body, http.get("Content-Encoding") or "", given.max_body + 1)
            if not whole:
                return refuse(given, url, "unreadable", "the compressed body ends early")
        except Quarantine as error:
            return refuse(given, url, "unreadable", str(error))
    if body.strip() and not is_html(content_type, body):
        return refuse(given, url, "not-html", str(content_type))
    page = make_page(body or b"-" * (status != 200), url, given, Line(fetched_at=str(record.headers.get("WARC-Date") or "") or None))
    if not isinstance(page, Page):
        return page
    known = {name: getattr(about, name) for name in About.__struct_fields__} if about is not None else {}
    return msgspec.structs.replace(page, content_type=content_type, status=status, body=body, **known)
