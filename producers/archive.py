"""The archive: the untouched bytes of every page in WARC 1.1 files, each record its own gzip member, so any one can be read alone.

Crash safety. The store keeps `position()` (file name, end offset) in the same transaction as the results that point into the archive.
Opening with that position cuts off what was written after it: a killed process leaves neither half a record nor one nobody points to, and
the pages it was working on are simply archived again. `position()` flushes and syncs first (fsync of the file, and of the folder when a
file is new), so a committed pointer never outlives its bytes, even in a power cut. One sync a transaction, none a record.
In front of each page stands a `metadata` record with what its feed and the sources file said (`About`): ingesting an archive gives the
same articles again, of the same sources, dates and lanes.
One process owns the folder (flock). Sources: ISO 28500:2017 (WARC 1.1), RFC 1952 (members).
"""

import base64
import fcntl
import hashlib
import json
import os
import re
import uuid
import zlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
from isal import igzip

from tocsin import clock
from tocsin.errors import DataError, Quarantine, UsageError
from tocsin.ids import sha256
from tocsin.records import FeedItem, Page, RawRef, Record

MAX_FILE = 1_000_000_000  # bytes; a file above this is closed and the next begun (1 GB is the usual size of WARC files)
MAX_RECORD = 64_000_000  # bytes of one record unpacked: nothing of ours is near
_LEVEL = 1  # of ISA-L: as small as zlib's 1 in a quarter of its time, and of zlib's 6 a tenth; this runs in the one serial process
_NAME = re.compile(r"tocsin-(\d{6})\.warc\.gz")
_URI = re.compile(r"warc:((?:[A-Za-z0-9][\w.-]*/)?tocsin-\d{6}\.warc\.gz)#(\d+)", re.ASCII)
_HOP = {"content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"}
_SECRET = {"set-cookie", "set-cookie2"}  # cookies are never kept

Position = tuple[str, int]  # (file name, offset just after the last committed record)


class About(Record, frozen=True, kw_only=True):
    """What is known of a page besides its bytes and the server's answer: the block of its metadata record, as JSON."""

    url: str
    source_id: str
    source_name: str
    owner: str
    item: FeedItem | None = None
    source_lang: str | None = None
    source_country: str | None = None
    affiliated_with: str | None = None
    backfill: bool = False


class Archive:
    """A folder of WARC files, appended to by one process."""

    def __init__(self, folder: Path | str, committed: Position | None = None, max_file: int = MAX_FILE, *, replica: bool = False) -> None:
        """Open (and create) the folder and cut the uncommitted tail.

        `committed`: what the store last kept; None when it never kept one: then files found here are left alone and a new one is begun.
        `replica`: the folder is one of several beside each other, one for each fetcher; references name it, and are read from the folder
        that holds them all.
        Raises UsageError when another process has the folder, or it cannot be written; DataError when committed bytes are missing.
        """
        self._folder = Path(folder)
        self._max_file = max_file
        self._label = f"{self._folder.name}/" if replica else ""
        self._file: FileIO | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / ".lock").open("ab")
        except OSError as error:
            raise UsageError(f"{self._folder}: cannot write the archive: {error.strerror}; choose another folder with --data") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UsageError(f"{self._folder}: another Tocsin is writing here; stop it, or choose another folder with --data") from error
        try:
            self._start(committed)
        except OSError as error:
            self.close()
            raise UsageError(f"{self._folder}: cannot write the archive: {error.strerror}; free space or choose another folder") from error
        except UsageError:
            self.close()
            raise

    def _start(self, committed: Position | None) -> None:
        numbers = sorted(int(found[1]) for path in self._folder.iterdir() if (found := _NAME.fullmatch(path.name)))
        if committed is None:
            self._open(numbers[-1] + 1 if numbers else 1)
            return
        name, end = committed
        found = _NAME.fullmatch(name)
        if not found or end < 0:
            raise DataError(self._folder, f"the store names {name!r}, which is no archive file; restore the data folder from a backup")
        path = self._folder / name
        size = path.stat().st_size if path.exists() else 0
        if size < end:
            raise DataError(path, f"{size} bytes, but the store points to {end}; restore the file from a backup")
        for number in numbers:
            if number > int(found[1]):
                (self._folder / _name(number)).unlink()  # begun after the last commit: nothing points into it
        self._open(int(found[1]))
        assert self._file is not None  # noqa: S101 - just opened
        self._file.truncate(end)
        self._file.seek(end)

    def _open(self, number: int) -> None:
        if self._file is not None:
            self._sync()
            self._file.close()
        self._number = number
        self._file = (self._folder / _name(number)).open("ab", buffering=0)  # a buffer would try to write a failed record again
        self._file.seek(0, os.SEEK_END)
        self._is_new = True

    def append(self, page: Page, headers: Iterable[tuple[str, str]] = (), digest: str | None = None) -> RawRef:
        """Write a page (behind its metadata record) and return where it lies. Durable only after `position()`.

        `headers`: the server's, as they came; hop-by-hop ones and those that describe its compression are kept under another name.
        `digest`: the body's SHA-256 in hexadecimal, where somebody has it already: large pages take a while.
        Raises UsageError when the disk is full or gone; then nothing of the record remains.
        """
        digest = digest or sha256(page.body)
        about = igzip.compress(_about(page, digest), _LEVEL, mtime=0)
        packed = about + igzip.compress(_record(page, headers, digest), _LEVEL, mtime=0)
        if self._file is None:
            raise UsageError("the archive is closed")
        try:
            if self._file.tell() >= self._max_file:
                self._open(self._number + 1)
            start = self._file.tell()
            try:
                _write_whole(self._file, packed)
            except OSError:
                self._file.truncate(start)
                self._file.seek(start)
                raise
        except OSError as error:
            raise UsageError(f"{self._folder}: cannot write the archive: {error.strerror}; free space, then start again") from error
        uri = f"warc:{self._label}{_name(self._number)}#{start + len(about)}"
        return RawRef(sha256=digest, uri=uri, length=len(page.body), content_type=page.content_type)

    def position(self) -> Position:
        """Sync what was appended and return where it ends: keep this in the transaction that keeps the results.

        Keep it once before the first `append` too: then a crash before the first commit leaves nothing behind either.
        """
        if self._file is None:
            raise UsageError("the archive is closed")
        try:
            self._sync()
        except OSError as error:
            raise UsageError(f"{self._folder}: cannot write the archive: {error.strerror}; free space, then start again") from error
        return _name(self._number), self._file.tell()

    def _sync(self) -> None:
        assert self._file is not None  # noqa: S101 - callers checked
        os.fsync(self._file.fileno())
        if self._is_new:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            self._is_new = False

    def read(self, ref: RawRef) -> bytes:
        """Return the body a reference points to, checked against its SHA-256. Raises Quarantine when it is not there or was altered."""
        return read_body(self._folder.parent if self._label else self._folder, ref)

    def close(self) -> None:
        """Close the file and give the folder back. What was not committed is cut off at the next start."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.close()  # releases the flock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def read_body(folder: Path | str, ref: RawRef) -> bytes:
    """Return the body a reference points to, without opening the archive for writing (any number of processes may).

    Raises Quarantine when it is not there or does not match its SHA-256.
    """
    found = _URI.fullmatch(ref.uri)
    if not found:
        raise Quarantine(f"not an address in this archive: {ref.uri!r}")
    try:
        with (Path(folder) / found[1]).open("rb") as file:
            file.seek(int(found[2]))
            record = b"".join(_member(file))
    except (OSError, zlib.error) as error:
        raise Quarantine(f"{ref.uri}: cannot be read: {error}") from error
    _, _, block = record.partition(b"\r\n\r\n")
    body = block.partition(b"\r\n\r\n")[2] if b"\r\nWARC-Type: response\r\n" in record[:4000] else block
    body = body[: ref.length]
    if len(body) != ref.length or sha256(body) != ref.sha256:
        raise Quarantine(f"{ref.uri}: the bytes do not match their SHA-256; the file was altered or is damaged")
    return body


def _member(file: BinaryIO) -> Iterator[bytes]:
    """Unpack one gzip member."""
    unpacker = zlib.decompressobj(wbits=31)
    length = 0
    while not unpacker.eof and (piece := file.read(65536)):
        data = unpacker.decompress(piece, MAX_RECORD - length + 1)
        length += len(data)
        if length > MAX_RECORD:
            raise OSError(f"a record of more than {MAX_RECORD} bytes")
        yield data
    if not unpacker.eof:
        raise OSError("the file ends inside a record")


def _write_whole(file: FileIO, data: bytes) -> None:
    """Write all of it: an unbuffered write may take only a part."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _name(number: int) -> str:
    return f"tocsin-{number:06d}.warc.gz"


def _record(page: Page, headers: Iterable[tuple[str, str]], digest: str) -> bytes:
    """Return one WARC record: `response` with HTTP headers from the web, `resource` for local files. `digest`: SHA-256 of the body."""
    from_web = page.final_url.startswith(("http://", "https://"))
    head = _http_head(page, headers) if from_web else b""
    whole = hashlib.sha256(head)
    whole.update(page.body)
    lines = [
        ("WARC-Type", "response" if from_web else "resource"),
        ("WARC-Record-ID", _record_id(page, digest)),
        ("WARC-Target-URI", _clean(page.final_url)),
        ("WARC-Date", _date(page)),
        ("WARC-Payload-Digest", f"sha256:{base64.b32encode(bytes.fromhex(digest)).decode()}"),
        ("WARC-Block-Digest", f"sha256:{base64.b32encode(whole.digest()).decode()}"),
        ("Content-Type", "application/http; msgtype=response" if from_web else _clean(page.content_type or "application/octet-stream")),
        ("Content-Length", str(len(head) + len(page.body))),
    ]
    return _joined(lines, head, page.body)


def _about(page: Page, digest: str) -> bytes:
    """Return the metadata record of a page. Half a character becomes a question mark: with one, nobody could read the record again."""
    known = msgspec.to_builtins(About(**{name: getattr(page, name) for name in About.__struct_fields__}))
    block = json.dumps(known, ensure_ascii=False).encode("utf-8", "replace")
    lines = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", _record_id(page, digest, "about")),
        ("WARC-Concurrent-To", _record_id(page, digest)),
        ("WARC-Target-URI", _clean(page.final_url)),
        ("WARC-Date", _date(page)),
        ("WARC-Block-Digest", f"sha256:{base64.b32encode(hashlib.sha256(block).digest()).decode()}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(block))),
    ]
    return _joined(lines, block)


def _record_id(page: Page, digest: str, *parts: str) -> str:
    name = " ".join((page.final_url, page.fetched_at, digest, *parts))
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def _date(page: Page) -> str:
    return page.fetched_at if _is_time(page.fetched_at) else clock.now()


def _joined(lines: Iterable[tuple[str, str]], *block: bytes) -> bytes:
    head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines)
    return b"".join((head.encode("utf-8", "replace"), b"\r\n", *block, b"\r\n\r\n"))


def _http_head(page: Page, headers: Iterable[tuple[str, str]]) -> bytes:
    try:
        phrase = HTTPStatus(page.status).phrase
    except ValueError:
        phrase = ""
    kept = [(f"X-Archive-Orig-{name}" if name.lower() in _HOP else name, value) for name, value in headers if name.lower() not in _SECRET]
    if not any(name.lower() == "content-type" for name, _ in kept) and page.content_type:
        kept.append(("Content-Type", page.content_type))
    kept.append(("Content-Length", str(len(page.body))))
    head = f"HTTP/1.1 {page.status} {phrase}\r\n" + "".join(f"{_clean(name)}: {_clean(value)}\r\n" for name, value in kept) + "\r\n"
    return head.encode("utf-8", "surrogateescape")


def _clean(value: str) -> str:
    """No value may end its line: a header is one line or it could forge the next."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", value)


def _is_time(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text) is not None
