"""Opening the store's file for writing and for reading, and refusing one that this Tocsin cannot read."""

import sqlite3
from pathlib import Path

from sinks.sqlite import schema
from tocsin.errors import UsageError
from tocsin.sqlite_file import BUSY, connect, make_durable

FILE = "store.sqlite3"
LOCK = "writer.lock"
CACHE_KIB = 65_536
CHECKPOINT = 4000
"""Pages of the write-ahead log (16 MB) after which they go into the file: an article touches 50, many of them the same as the next one."""


_ANEW = "ingest its archive into a new folder with --data"


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open for writing, making the file if there is none."""
    connection = connect(path)
    try:
        found = schema.found(connection)
        version = _check(path, schema.upgrade(connection, found) if found else found)
        make_durable(connection)
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")
        _tune(connection)
        if version == 0:
            schema.create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open for reading, also while a writer runs, also in a folder that cannot be written."""
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, timeout=BUSY)
    try:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            # Without a writer there is no shared memory file, and in a read-only folder none can be made.
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")) or _has_wal(path):
                raise
            connection.close()
            connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None, timeout=BUSY)
        _tune(connection)
        if _check(path, schema.found(connection)) == 0:
            raise UsageError(f"no data in {path.parent}: run `tocsin run` or `make demo` first")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_wal(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _tune(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA mmap_size=268435456")


def _check(path: Path, version: int | None) -> int:
    if version is None:
        raise UsageError(f"{path}: a database of another program: move it away, or choose another folder with --data")
    if version > schema.SCHEMA:
        raise UsageError(f"{path}: written by a newer Tocsin (schema {version}, this one reads {schema.SCHEMA}): upgrade Tocsin")
    if 0 < version < schema.SCHEMA:
        advice = "`tocsin run` or `tocsin ingest` brings it up to date" if version in schema.STEPS else _ANEW
        raise UsageError(f"{path}: written by an older Tocsin (schema {version}, this one reads {schema.SCHEMA}): {advice}")
    return version
