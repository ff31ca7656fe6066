"""Opening the file: locks, durability, and what to tell a person when the disk or the file is at fault."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sinks.sqlite import schema
from tocsin.errors import UsageError

FILE = "store.sqlite3"
LOCK = "writer.lock"
OLDEST = (3, 35)
"""SQLite of 2021: the first with RETURNING."""
BUSY = 10.0
"""Seconds to wait for another process (a checkpoint, a backup) before giving up."""
CACHE_KIB = 65_536
SYNCHRONOUS = "FULL"
"""FULL: a commit is on the disk before it is reported, power loss included. NORMAL would survive only a crash of the program."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about `path` into one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise UsageError(_advice(path, error)) from error


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors while opening `path` into one line that says what to do."""
    if sqlite3.sqlite_version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError(f"this Python's SQLite is {sqlite3.sqlite_version}, Tocsin needs {oldest}: use another Python 3.11+")
    try:
        with explained(path):
            yield
    except PermissionError as error:
        raise UsageError(f"{error.filename or path}: no permission: change its owner, or choose another folder with --data") from error
    except OSError as error:
        raise UsageError(f"{error.filename or path}: {error.strerror or error}: choose another folder with --data") from error


def _advice(path: Path, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):
        return f"{path}: the disk is full; nothing already reported is lost: free some space, then run the same command again"
    if name.startswith("SQLITE_READONLY"):
        return f"{path}: cannot be written (read-only): make it writable, or choose another folder with --data"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path}: another process holds it: wait for it to finish, then run the same command again"
    if name.startswith("SQLITE_NOTADB"):
        return f"{path}: not a SQLite database: move it away, or choose another folder with --data"
    if name.startswith("SQLITE_CORRUPT"):
        return f"{path}: damaged ({error}): move it away, then ingest the archive again; `sqlite3 {path.name} .recover` may save the rest"
    if name.startswith("SQLITE_CANTOPEN"):
        return f"{path}: cannot be opened: check that the folder exists and that you may read it, or choose another with --data"
    if name.startswith("SQLITE_IOERR"):
        return f"{path}: the disk failed ({name}): check the disk, then run the same command again"
    if "fts5" in str(error):
        return f"{path}: this Python's SQLite {sqlite3.sqlite_version} has no full-text search (FTS5): use another Python 3.11+"
    return f"{path}: {error} ({name or type(error).__name__}): please report this as a bug"


def lock(folder: Path) -> IO[str]:
    """Take the folder for one writer. Raises UsageError when another process has it."""
    path = folder / LOCK
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        who = f"process {holder}" if holder.isdigit() else "another process"
        raise UsageError(f"{folder}: {who} is writing here: stop it first, or choose another folder with --data") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open for writing, making the file if there is none."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_size_limit=67108864")
        _tune(connection)
        if _check(path, connection) == 0:
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
        if _check(path, connection) == 0:
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


def _check(path: Path, connection: sqlite3.Connection) -> int:
    version = schema.found(connection)
    if version is None:
        raise UsageError(f"{path}: a database of another program: move it away, or choose another folder with --data")
    if version > schema.SCHEMA:
        raise UsageError(f"{path}: written by a newer Tocsin (schema {version}, this one reads {schema.SCHEMA}): upgrade Tocsin")
    if 0 < version < schema.SCHEMA:
        advice = "ingest its archive into a new folder with --data"
        raise UsageError(f"{path}: written by an older Tocsin (schema {version}, this one reads {schema.SCHEMA}): {advice}")
    return version
