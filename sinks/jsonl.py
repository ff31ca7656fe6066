"""Results as files of JSON lines, one an index and day: `tocsin sink jsonl`, for archives and for tools that read files.

What is written is whole and durable before its offsets are committed, and redelivery does not write it twice: a small file beside the
others says how long each was, and how far each partition had been read, when the last batch was complete. At start the files are cut to
those lengths; messages before those offsets are skipped. Across several nodes (a partition that moved) or after a replay a record can
stand in two folders, or on a later line again: its id is the same, and the last line of an id counts.
"""

import logging
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from sinks.refused import Refused
from tocsin import wire
from tocsin.alerting import Alert
from tocsin.errors import UsageError
from tocsin.incidents import Incident
from tocsin.messages import DeadLetter, Document
from tocsin.records import Dropped, Fetched, Record
from tocsin.settings import Settings, folder_of
from tocsin.sqlite_file import lock

LOG = logging.getLogger("tocsin.sink")
POSITION = "position.json"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAMES: dict[type[Record], str] = {
    Document: "articles",
    Alert: "alerts",
    Incident: "incidents",
    Fetched: "fetched",
    Dropped: "dropped",
    DeadLetter: "dead-letters",
}


class Position(msgspec.Struct):
    """What was complete: the length of each file, the next offset of each partition."""

    files: dict[str, int] = {}
    offsets: dict[str, int] = {}


class Line(NamedTuple):
    """One record made ready."""

    file: str
    text: bytes
    origin: tuple[str, int]


class Lines(NamedTuple):
    """A batch made ready."""

    lines: list[Line]
    origins: Sequence[tuple[str, int]]
    failed: list[Refused]

    @property
    def subjects(self) -> frozenset[str]:
        """All batches share the files: they are written one after the other."""
        return frozenset({"files"})


def line(record: Record) -> bytes:
    """One record as a line. A document is flat (the article's fields beside the findings), its cluster under "clustered"."""
    if isinstance(record, Document):
        return msgspec.json.encode({**wire.flat(record.tagged), "clustered": wire.plain(record.clustered)})
    return wire.encode(record)


def file_of(record: Record) -> str:
    """The file of a record: by kind, and by a day that does not change when it is delivered again."""
    fetched = record.tagged.article.fetched_at if isinstance(record, Document) else ""
    moment = (record.clustered.at if isinstance(record, Document) else _moment(record)) or fetched
    day = _DAY.match(moment)
    name = _NAMES.get(type(record), f"{type(record).__name__.lower()}s")
    return f"{name}-{day.group() if day else 'undated'}.jsonl"


def _moment(record: Record) -> str:
    return record.first_seen if isinstance(record, Incident) else str(getattr(record, "at", ""))


class JsonLines:
    """The folder of one node. A `sinks.service.Target`."""

    def __init__(self, settings: Settings) -> None:
        """Take the folder, and cut off what a kill left unfinished. Raises UsageError when another process has it."""
        self.folder = folder_of(settings, "jsonl")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock: IO[str] = lock(self.folder / "writer.lock", self.folder)
            self._position = self._recover()
        except OSError as error:
            raise UsageError(f"{self.folder}: {error.strerror or error}: choose another folder with --data") from error

    def check(self) -> None:
        """Nothing to ask: the folder was taken when this was made."""

    def prepare(self, records: Iterable[tuple[int, Record]], origins: Sequence[tuple[str, int]]) -> Lines:
        """`origins`: topic and partition, and offset, of every message in the batch."""
        lines, failed = list[Line](), list[Refused]()
        for cause, record in records:
            try:
                lines.append(Line(file_of(record), line(record) + b"\n", origins[cause]))
            except (ValueError, TypeError) as error:
                failed.append(Refused(cause, error))
        return Lines(lines, origins, failed)

    def write(self, batch: Lines) -> list[Refused]:
        """Append and make durable. Raises UsageError when the disk does not take it; then nothing counts as written."""
        files: dict[str, list[bytes]] = {}
        before = 0
        for item in batch.lines:
            partition, offset = item.origin
            if offset >= self._position.offsets.get(partition, 0):
                files.setdefault(item.file, []).append(item.text)
            else:
                before += 1
        if before:
            LOG.warning(
                "%d messages stand in %s already, by their offsets; if the topics were made anew, move the folder away", before, self.folder
            )
        lengths, offsets = dict(self._position.files), dict(self._position.offsets)
        for partition, offset in batch.origins:
            offsets[partition] = max(offset + 1, offsets.get(partition, 0))
        try:
            for name, texts in files.items():
                lengths[name] = self._append(name, lengths.get(name, 0), b"".join(texts))
            self._keep(Position(lengths, offsets))
        except OSError as error:
            raise UsageError(f"{self.folder}: {error.strerror or error}: make room, or choose another folder with --data") from error
        return batch.failed

    def close(self) -> None:
        """Give the folder back."""
        self._lock.close()

    def _append(self, name: str, at: int, data: bytes) -> int:
        """Write behind the part that counts; return the new length."""
        path = self.folder / name
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(at)
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def _keep(self, position: Position) -> None:
        path = self.folder / POSITION
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(position))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync(self.folder)
        self._position = position

    def _recover(self) -> Position:
        path = self.folder / POSITION
        try:
            position = msgspec.json.decode(path.read_bytes(), type=Position) if path.exists() else Position()
        except msgspec.DecodeError as error:
            raise UsageError(f"{path}: {error}: restore it, or move the folder away") from error
        for file in self.folder.glob("*.jsonl"):
            length = position.files.get(file.name, 0)
            if file.stat().st_size < length:
                raise UsageError(f"{file}: shorter than {POSITION} says: restore it, or move the folder away")
            if file.stat().st_size > length:
                os.truncate(file, length)
        return position


def _sync(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """All lines of the files of one kind ("articles"), days in order: for tests and small tools."""
    files = sorted(folder.glob(f"{name}-*.jsonl"))
    return [msgspec.json.decode(text) for file in files for text in file.read_bytes().splitlines()]
