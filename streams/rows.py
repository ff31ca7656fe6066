"""Rows of one partition of a table: read where Faust keeps them, written as if they had come back from the changelog."""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec

from tocsin.errors import TocsinError
from tocsin.records import Record

_ENCODE = msgspec.msgpack.Encoder().encode


class StateError(TocsinError):
    """The local tables cannot be read or written: the service stops; its state can be rebuilt from the broker."""


class Rows(Mapping[str, Any]):
    """The rows of one partition of a Faust table, as they are stored (RocksDB)."""

    def __init__(self, table: Any, partition: int, kind: type[Record]) -> None:
        self._store = table.data
        self._partition = partition
        self._decode = msgspec.msgpack.Decoder(kind).decode

    def __getitem__(self, key: str) -> Any:
        try:
            body = self._store._db_for_partition(self._partition).get(key.encode("utf-8", "surrogatepass"))
            if body is None:
                raise KeyError(key)
            return self._decode(body)
        except (KeyError, TocsinError):  # the second: the record took too long (`streams.batches`), which is not the state's fault
            raise
        except msgspec.DecodeError as error:
            raise StateError(
                f"{self._store.path}: state of another version of Tocsin ({error}): take a new topic_generation, and replay"
            ) from error
        except Exception as error:
            raise StateError(f"{self._store.path}: cannot read state ({error}): delete the folder, it is made anew") from error

    def __iter__(self) -> Iterator[str]:
        store = self._store
        for key in store._visible_keys(store._db_for_partition(self._partition)):
            yield key.decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def encoded(row: Record | None) -> bytes | None:
    """Return a row as the table and its changelog have it; None: deleted."""
    return None if row is None else _ENCODE(row)


def changelog_event(where: Any, offset: int, key: str, row: bytes | None) -> Any:
    """A changed row as Faust has it when it reads a changelog. `where`: topic and partition."""
    message = SimpleNamespace(tp=where, partition=where.partition, offset=offset, key=key.encode("utf-8", "surrogatepass"), value=row)
    return SimpleNamespace(message=message)
