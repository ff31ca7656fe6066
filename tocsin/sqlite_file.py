"""Opening a SQLite file of ours: one writer, commits that survive a power cut, and what to tell a person when disk or file is at fault."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tocsin.errors import UsageError

OLDEST = (3, 35)
"""SQLite of 2021: the first with RETURNING."""
BUSY = 10.0
"""Seconds to wait for another process (a checkpoint, a backup) before giving up."""
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


def lock(path: Path, taken: Path) -> IO[str]:
    """Take `taken` (a folder or a file) for one writer, with an advisory lock on the file `path`; close the file to give it back.

    Raises UsageError when another process has it.
    """
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        who = f"process {holder}" if holder.isdigit() else "another process"
        raise UsageError(f"{taken}: {who} is writing here: stop it first, or choose another folder with --data") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing, making the file if there is none. Nothing in it is changed: look first whose it is, then `make_durable`."""
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY)


def make_durable(connection: sqlite3.Connection) -> None:
    """Readers are not blocked from here on (WAL), and a commit is on the disk when it returns."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_size_limit=67108864")


def schema_version(connection: sqlite3.Connection, application: int) -> int | None:
    """PRAGMA user_version of a file of ours: 0 when it is empty, None when it belongs to another program.

    `application`: the PRAGMA application_id by which such a file is known.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    if found == application:
        return int(version)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return None if tables else 0
