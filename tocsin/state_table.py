"""State tables: durable mappings of the stages and services, written in one transaction with whatever else their file holds.

The store keeps the stages' state in its own file, so that state and results are committed together. A service that has state but no
store (scheduler, fetcher) keeps a small file of its own: `open_state`.
"""

import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Generic, Self, TypeVar

import msgspec

from tocsin.errors import UsageError
from tocsin.records import Record
from tocsin.sqlite_file import connect, explained, lock, make_durable, opening, schema_version

T = TypeVar("T", bound=Record)
CACHED = 500_000
"""Bytes of values, as they are stored, that a table keeps in memory beside what has changed: about five times as many there. When there
are more, all are let go: a service that meets new addresses for ever does not grow, and walking a table does not fill the memory."""
TABLE = """
CREATE TABLE state (                    -- the stages' own memory
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,                -- msgpack of the record
    PRIMARY KEY (name, key)
) WITHOUT ROWID;
"""
SCHEMA = 1
"""PRAGMA user_version of a file that holds state tables alone. Raise it with every change of `TABLE`."""
APPLICATION = 0x746F6374
"""PRAGMA application_id of such a file ("toct")."""
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
        self._held = 0  # bytes, stored, of what is in the cache at most: a value that is written again counts again
        self._changed: set[str] = set()

    def _find(self, key: str) -> Any:
        value = self._cache.get(key)
        if value is None:
            row = self._connection.execute("SELECT value FROM state WHERE name=? AND key=?", (self.name, key)).fetchone()
            value = _GONE if row is None else self._read(row[0])
            self._hold(len(key) + (0 if row is None else len(row[0])))
            self._cache[key] = value
        return value

    def _hold(self, size: int) -> None:
        if self._held + size > CACHED:
            self._cache = {key: self._cache[key] for key in self._changed}
            self._held = 0
        self._held += size

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
        if self._connection.in_transaction:
            self._cache[key] = value
            self._changed.add(key)
            return
        with self._transaction():
            self[key] = value

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
        if gone:
            self._connection.executemany("DELETE FROM state WHERE name=? AND key=?", gone)
        self._connection.executemany(
            "INSERT INTO state VALUES (?,?,?) ON CONFLICT (name, key) DO UPDATE SET value=excluded.value WHERE value<>excluded.value", kept
        )
        self._changed.clear()
        self._hold(sum(len(key) + len(value) for _, key, value in kept) + sum(len(key) for _, key in gone))

    def forget(self) -> None:
        """Called after a rollback: nothing of what was set holds."""
        self._cache.clear()
        self._changed.clear()
        self._held = 0


class StateTables:
    """The state tables of one file, and its transactions."""

    def __init__(self, path: Path, connection: sqlite3.Connection, on_rollback: Callable[[], None] | None = None) -> None:
        """`path`: for error messages. `on_rollback`: called when nothing that was written holds."""
        self._path, self._connection, self._on_rollback = path, connection, on_rollback
        self._tables: dict[str, StateTable[Any]] = {}

    def table(self, name: str, kind: type[T]) -> MutableMapping[str, T]:
        """A durable mapping; changes are part of the open transaction, or their own when none is open."""
        if name not in self._tables:
            self._tables[name] = StateTable(name, kind, self._connection, self.transaction)
        return self._tables[name]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept whole, on the disk when the block ends; nothing of it if it raises. An inner one joins the outer.

        Raises UsageError (one line, what to do) when the disk is full or gone.
        """
        if self._connection.in_transaction:
            yield
            return
        with explained(self._path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                for table in self._tables.values():
                    table.flush()
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk has rolled back already
            self._connection.execute("ROLLBACK")
        if self._on_rollback is not None:
            self._on_rollback()
        for table in self._tables.values():
            table.forget()


class StateFile:
    """State tables in a file of their own, for a service without a store. Use it from the thread that opened it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, held: IO[str]) -> None:
        """Call `open_state`."""
        self.path = path
        self._connection, self._held = connection, held
        self._tables = StateTables(path, connection)

    def table(self, name: str, kind: type[T]) -> MutableMapping[str, T]:
        """A durable mapping key -> record; changes are part of the open transaction, or their own when none is open."""
        return self._tables.table(name, kind)

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is kept whole, on the disk when the block ends; nothing of it if it raises. An inner one joins the outer."""
        return self._tables.transaction()

    def close(self) -> None:
        """Release file and lock; what is not committed is given up."""
        self._connection.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_state(path: Path) -> StateFile:
    """Open (or make, with its folder) a file of state tables for one process.

    Raises UsageError (one line, what to do) when another process has it, it cannot be written, or it is damaged, foreign or newer.
    """
    with opening(path), ExitStack() as undo:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = undo.enter_context(lock(path.with_name(path.name + ".lock"), path))
        connection = connect(path)
        undo.callback(connection.close)
        version = schema_version(connection, APPLICATION)
        if version is None:
            raise UsageError(f"{path}: a database of another program: move it away, or choose another folder with --data")
        if version > SCHEMA:
            raise UsageError(f"{path}: written by a newer Tocsin (schema {version}, this one reads {SCHEMA}): upgrade Tocsin")
        make_durable(connection)
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {TABLE} PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA}; COMMIT;")
        undo.pop_all()
        return StateFile(path, connection, held)
