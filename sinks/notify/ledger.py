"""The delivery ledger: one row for each notification, pending until its channel has it, in a SQLite file of the notifier's own.

A row is there before anything is sent, and a try is noted before it begins. So a kill at any moment loses nothing, and a row that was
tried without an answer is known: it is tried again, with the same content and key. What was read, and what follows from it, is one
transaction.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Literal, Self

from sinks.notify.notice import Notice
from tocsin import ids, wire
from tocsin.errors import UsageError
from tocsin.records import Record
from tocsin.sqlite_file import connect, explained, lock, make_durable, opening, schema_version

FILE = "ledger.sqlite3"
SCHEMA = 1
APPLICATION = 0x746F636E
"""PRAGMA application_id ("tocn")."""
TABLES = """
CREATE TABLE notification (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of decision
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,           -- alert id, channel, and of an update or correction what it says: the Idempotency-Key
    alert_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- alert update correction alarm test
    severity TEXT NOT NULL,
    state TEXT NOT NULL,                -- pending sent given-up
    notice BLOB NOT NULL,               -- JSON; a row that was never tried may still take a newer one
    origin TEXT NOT NULL,               -- topic/partition/offset it was read from; "" in the embedded run
    created_at TEXT NOT NULL,
    due REAL NOT NULL,                  -- Unix seconds before which it is not tried
    attempts INTEGER NOT NULL DEFAULT 0,
    tried_at TEXT,
    sent_at TEXT,
    why TEXT NOT NULL DEFAULT ''        -- what the last try came to
);
CREATE INDEX notification_pending ON notification(channel, number) WHERE state='pending';
CREATE INDEX notification_alert ON notification(alert_id);
CREATE TABLE thread (                   -- what an alert is about: a correction finds by it where the incident was told
    key TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    PRIMARY KEY (key, alert_id)
) WITHOUT ROWID;
CREATE INDEX thread_alert ON thread(alert_id);
CREATE TABLE channel (                  -- those that fail
    name TEXT PRIMARY KEY,
    since TEXT NOT NULL,                -- first failure in a row
    failures INTEGER NOT NULL,          -- in a row
    seconds REAL NOT NULL,              -- failing for so long, while a notifier was there to try
    last REAL NOT NULL,                 -- Unix seconds of the last failure
    not_before REAL NOT NULL,
    why TEXT NOT NULL,
    dead INTEGER NOT NULL               -- 1: notifications were given up, and the alarm is raised
) WITHOUT ROWID;
CREATE TABLE position (                 -- how far the input was read
    name TEXT PRIMARY KEY,              -- a partition, or the store
    next INTEGER NOT NULL
) WITHOUT ROWID;
"""
State = Literal["pending", "sent", "given-up"]
_COLUMNS = "id, key, alert_id, channel, kind, severity, state, notice, origin, created_at, due, attempts, tried_at, sent_at, why"
_SELECT = f"SELECT {_COLUMNS} FROM notification WHERE "  # noqa: S608 - fixed columns
_DUE = _SELECT + (  # noqa: S608 - fixed columns, values bound
    "channel=? AND state='pending' AND due<=? AND NOT EXISTS (SELECT 1 FROM notification AS earlier"
    " WHERE earlier.alert_id=notification.alert_id AND earlier.channel=notification.channel AND earlier.state='pending'"
    " AND earlier.number<notification.number) ORDER BY number LIMIT 1"
)
_NEW = "id, key, alert_id, channel, kind, severity, state, notice, origin, created_at, due"
_INSERT = f"INSERT OR IGNORE INTO notification ({_NEW}) VALUES (?,?,?,?,?,?,?,?,?,?,?) RETURNING 1"  # noqa: S608 - fixed columns


class Row(Record, frozen=True, kw_only=True):
    """One notification."""

    id: str
    key: str
    alert_id: str
    channel: str
    kind: str
    severity: str
    state: State
    notice: Notice
    origin: str = ""
    created_at: str
    due: float = 0.0
    attempts: int = 0
    tried_at: str | None = None
    sent_at: str | None = None
    why: str = ""


class Failing(Record, frozen=True, kw_only=True):
    """A channel that fails."""

    name: str
    since: str
    failures: int
    seconds: float
    last: float
    not_before: float
    why: str
    dead: bool = False


def row_id(key: str) -> str:
    """Id of the notification with this key."""
    return "n_" + ids.digest(key)


def open_ledger(folder: Path, *, mode: Literal["notifier", "reader", "operator"] = "notifier") -> "Ledger":
    """Open the ledger in `folder`. A notifier is alone and makes the file; an operator's command may change rows beside it.

    Raises UsageError (one line, what to do), also when another notifier has it or, for the others, when there is none.
    """
    path = folder / FILE
    with opening(path), ExitStack() as undo:
        held = None
        if mode == "notifier":
            folder.mkdir(parents=True, exist_ok=True)
            held = undo.enter_context(lock(folder / "notifier.lock", folder))
        elif not path.exists():
            raise _nothing(folder)
        connection = connect(path)
        undo.callback(connection.close)
        version = schema_version(connection, APPLICATION)
        if version is None:
            raise UsageError(f"{path}: a database of another program: move it away, or choose another folder with --data")
        if version > SCHEMA:
            raise UsageError(f"{path}: written by a newer Tocsin (schema {version}, this one reads {SCHEMA}): upgrade Tocsin")
        if mode == "notifier":
            make_durable(connection)
            if version == 0:
                marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA};"
                connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {marks} COMMIT;")
        elif version == 0:
            raise _nothing(folder)
        elif mode == "reader":
            connection.execute("PRAGMA query_only=ON")
        undo.pop_all()
        return Ledger(path, connection, held)


def _nothing(folder: Path) -> UsageError:
    return UsageError(f"no notifications in {folder}: `tocsin notify` makes them; --data names another folder")


class Ledger:
    """Use it from one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, held: IO[str] | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
        if self._lock:
            self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when the block ends."""
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _ask(self, sql: str, *values: object) -> list[Any]:
        with explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    # --- decisions ---

    def rows_of(self, alert_id: str) -> list[Row]:
        """All notifications of an alert, the first first."""
        return [_row(*found) for found in self._ask(_SELECT + "alert_id=? ORDER BY number", alert_id)]

    def told(self, threads: Iterable[str]) -> set[str]:
        """Channels that were told, or will be, of something under one of these thread keys."""
        found: set[str] = set()
        for key in threads:
            rows = self._ask(
                "SELECT DISTINCT channel FROM notification JOIN thread USING (alert_id) WHERE thread.key=? AND kind IN ('alert','update')",
                key,
            )
            found |= {channel for (channel,) in rows}
        return found

    def add(self, row: Row) -> bool:
        """Add a notification, unless its key is there already. Returns whether it is new."""
        values = (
            *(row.id, row.key, row.alert_id, row.channel, row.kind, row.severity, row.state, wire.encode(row.notice)),
            *(row.origin, row.created_at, row.due),
        )
        new = self._ask(_INSERT, *values)
        return bool(new)

    def belongs(self, alert_id: str, threads: Iterable[str]) -> None:
        """Note what an alert is about."""
        for key in threads:
            self._ask("INSERT OR IGNORE INTO thread VALUES (?,?)", key, alert_id)

    def renew(self, row: Row, notice: Notice, severity: str) -> None:
        """A notification that was never tried says the newer thing."""
        self._ask(
            "UPDATE notification SET notice=?, kind=?, severity=? WHERE id=? AND state='pending' AND attempts=0",
            wire.encode(notice),
            notice.kind,
            severity,
            row.id,
        )

    # --- delivery ---

    def next_due(self, channel: str, now: float) -> Row | None:
        """The oldest pending notification of a channel that may be tried now; of one alert never a later one before an earlier one."""
        rows = self._ask(_DUE, channel, now)
        return _row(*rows[0]) if rows else None

    def begin(self, row: Row, at: str) -> None:
        """A try begins."""
        self._ask("UPDATE notification SET attempts=attempts+1, tried_at=? WHERE id=?", at, row.id)

    def sent(self, row: Row, at: str) -> None:
        """The receiver has it."""
        self._ask("UPDATE notification SET state='sent', sent_at=?, why='' WHERE id=?", at, row.id)

    def failed(self, row: Row, why: str, due: float) -> None:
        """The try came to nothing; the next one is not before `due` (Unix seconds)."""
        self._ask("UPDATE notification SET why=?, due=? WHERE id=?", why, due, row.id)

    def all_due(self, channel: str, now: float) -> None:
        """What waits for a channel that works again may be tried now."""
        self._ask("UPDATE notification SET due=min(due, ?) WHERE channel=? AND state='pending' AND attempts>0", now, channel)

    def give_up(self, row: Row, why: str) -> None:
        """It is not tried any more."""
        self._ask("UPDATE notification SET state='given-up', why=? WHERE id=?", why, row.id)

    def waiting_since(self, channel: str, before: str, limit: int) -> list[Row]:
        """Pending notifications of a channel that were decided before a moment, the oldest first."""
        rows = self._ask(
            _SELECT + "channel=? AND state='pending' AND created_at<=? ORDER BY number LIMIT ?",
            *(channel, before, limit),
        )
        return [_row(*found) for found in rows]

    def try_again(self, wanted: Iterable[str], now: float) -> int:
        """Given up or waiting notifications by id are due now. Returns how many."""
        count = 0
        for identifier in wanted:
            count += len(
                self._ask(
                    "UPDATE notification SET state='pending', due=?, created_at=strftime('%Y-%m-%dT%H:%M:%SZ','now')"
                    " WHERE id=? AND state<>'sent' RETURNING 1",
                    *(now, identifier),
                )
            )
            self._ask("UPDATE channel SET not_before=0 WHERE name=(SELECT channel FROM notification WHERE id=?)", identifier)
        return count

    # --- channels, positions ---

    def failing(self) -> dict[str, Failing]:
        """Channels whose last try failed."""
        rows = self._ask("SELECT name, since, failures, seconds, last, not_before, why, dead FROM channel")
        return {
            name: Failing(name=name, since=since, failures=n, seconds=s, last=last, not_before=due, why=why, dead=bool(dead))
            for name, since, n, s, last, due, why, dead in rows
        }

    def put_failing(self, channel: Failing) -> None:
        """Note a failure."""
        c = channel
        values = (c.name, c.since, c.failures, c.seconds, c.last, c.not_before, c.why, int(c.dead))
        self._ask("INSERT OR REPLACE INTO channel VALUES (?,?,?,?,?,?,?,?)", *values)

    def works(self, name: str) -> None:
        """The channel works (again)."""
        self._ask("DELETE FROM channel WHERE name=?", name)

    def positions(self) -> dict[str, int]:
        """What to read next, by input."""
        return dict(self._ask("SELECT name, next FROM position"))

    def put_position(self, name: str, following: int) -> None:
        """Everything before `following` is decided."""
        self._ask("INSERT OR REPLACE INTO position VALUES (?,?)", name, following)

    # --- for people ---

    def rows(self, *, states: Iterable[State] = (), channel: str = "", wanted: str = "", limit: int = 0) -> list[Row]:
        """Notifications, the newest first. `wanted`: an id of a notification or an alert, or the beginning of one."""
        where, values = ["1"], list[object]()
        chosen = list(states)
        if chosen:
            where.append(f"state IN ({','.join('?' * len(chosen))})")
            values += chosen
        if channel:
            where.append("channel=?")
            values.append(channel)
        if wanted:
            where.append("(substr(id, 1, ?)=? OR substr(alert_id, 1, ?)=?)")
            values += (len(wanted), wanted) * 2
        values.append(limit or -1)
        rows = self._ask(_SELECT + " AND ".join(where) + " ORDER BY number DESC LIMIT ?", *values)
        return [_row(*found) for found in rows]

    def pending(self) -> dict[str, int]:
        """Pending notifications by channel."""
        return dict(self._ask("SELECT channel, count(*) FROM notification WHERE state='pending' GROUP BY 1"))

    def forget(self, before: str) -> int:
        """Drop what was sent before a moment; returns how many."""
        gone = self._ask("DELETE FROM notification WHERE state='sent' AND sent_at<? RETURNING 1", before)
        if gone:
            self._ask("DELETE FROM thread WHERE alert_id NOT IN (SELECT alert_id FROM notification)")
        return len(gone)


def _row(*found: Any) -> Row:
    names = [name.strip() for name in _COLUMNS.split(",")]
    values = dict(zip(names, found, strict=True))
    return Row(**{**values, "notice": wire.decode(values["notice"], Notice)})
