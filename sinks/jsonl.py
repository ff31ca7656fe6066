"""Results as JSON lines, for Unix pipelines: the writing half of a store, to any stream of bytes."""

from typing import IO

import msgspec

from tocsin import wire
from tocsin.records import Record
from tocsin.store import Batch


class JsonLines:
    """Writes each record of a batch as one line `{"kind": ..., ...}`: tagged, alert, dropped, fate.

    A tagged document is flat (the article's fields beside the findings), its cluster under "clustered". Nothing is merged: a
    batch written twice gives its lines twice, with the same ids.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, batch: Batch) -> None:
        """Write a batch and flush, so that a reader behind a pipe sees it at once."""
        lines: list[bytes] = []
        if batch.tagged is not None:
            clustered = wire.plain(batch.clustered) if batch.clustered is not None else None
            lines.append(msgspec.json.encode({"kind": "tagged", **wire.flat(batch.tagged), "clustered": clustered}))
        for kind, records in (("alert", batch.alerts), ("dropped", batch.dropped), ("fate", batch.fates)):
            lines += [_line(kind, record) for record in records]
        if lines:
            self._stream.write(b"\n".join(lines) + b"\n")
            self._stream.flush()


def _line(kind: str, record: Record) -> bytes:
    return msgspec.json.encode({"kind": kind, **wire.plain(record)})
