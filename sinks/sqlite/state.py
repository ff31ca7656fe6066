"""State tables of the stages: durable mappings, written in the same transaction as the results."""

import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import msgspec

from tocsin.errors import UsageError
from tocsin.records import Record

T = TypeVar("T", bound=Record)
CACHED = 20_000
"""Values kept in memory per table between transactions; the rest is read again when needed."""
_GONE: Any = object()
_PAGE = 1000


class StateTable(MutableMapping[str, T], Generic[T]):
    """One stage's memory: key -> record. Values are immutable, so a cached one may be handed out.

    Changes wait in memory until the transaction ends, and are forgotten when it fails.
    """

    def __init__(self, name: str, kind: type[T], connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]):
        self.name = name
        self.kind = kind
        self._connection = connection
        self._transaction = transaction
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._cache: dict[str, Any] = {}
        self._changed: set[str] = set()

    def _find(self, key: str) -> Any:
        value = self._cache.get(key)
        if value is None:
            row = self._connection.execute("SELECT value FROM state WHERE name=? AND key=?", (self.name, key)).fetchone()
            value = self._cache[key] = _GONE if row is None else self._read(row[0])
        return value

    def _read(self, data: bytes) -> T:
        try:
            return self._decode(data)
        except msgspec.DecodeError as error:
            raise UsageError(f"state table {self.name}: kept by another version of Tocsin ({error}): use a new --data folder") from error

    def __getitem__(self, key: str) -> T:
        value = self._find(key)
        if value is _GONE:
            raise KeyError(key)
        found: T = value
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not _GONE

    def __setitem__(self, key: str, value: T) -> None:
        with self._transaction():
            self._cache[key] = value
            self._changed.add(key)

    def __delitem__(self, key: str) -> None:
        with self._transaction():
            if self._find(key) is _GONE:
                raise KeyError(key)
            self._cache[key] = _GONE
            self._changed.add(key)

    def __iter__(self) -> Iterator[str]:
        """Keys in order, as they are when each page is read; changing the table meanwhile is allowed."""
        after: str | None = None
        while True:
            self.flush()
            rows = self._connection.execute(
                "SELECT key FROM state WHERE name=? AND (? IS NULL OR key > ?) ORDER BY key LIMIT ?", (self.name, after, after, _PAGE)
            ).fetchall()
            for (key,) in rows:
                if self._cache.get(key) is not _GONE:
                    yield key
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def __len__(self) -> int:
        self.flush()
        (count,) = self._connection.execute("SELECT count(*) FROM state WHERE name=?", (self.name,)).fetchone()
        return int(count)

    def flush(self) -> None:
        """Write what changed into the open transaction."""
        if not self._changed:
            return
        changed = sorted(self._changed)
        gone = [(self.name, key) for key in changed if self._cache[key] is _GONE]
        kept = [(self.name, key, self._encode(self._cache[key])) for key in changed if self._cache[key] is not _GONE]
        self._connection.executemany("DELETE FROM state WHERE name=? AND key=?", gone)
        self._connection.executemany(
            "INSERT INTO state VALUES (?,?,?) ON CONFLICT (name, key) DO UPDATE SET value=excluded.value WHERE value<>excluded.value", kept
        )
        self._changed.clear()

    def kept(self) -> None:
        """Called after a commit: bound the memory."""
        if len(self._cache) > CACHED:
            self._cache.clear()

    def forget(self) -> None:
        """Called after a rollback: nothing of what was set holds."""
        self._cache.clear()
        self._changed.clear()
