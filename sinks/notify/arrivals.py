"""Where alerts come from: a topic, or the embedded store. Both hand them on in order, and begin where the ledger says."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from sinks.notify.ledger import Row
from sinks.sqlite import open_store
from sinks.sqlite.connect import FILE
from sinks.sqlite.store import SqliteStore
from tocsin.alerting import Alert
from tocsin.records import Claim

EVERY = 0.5
"""Seconds between two looks into the store."""
_MOST = 500  # alerts of one transaction


class Arrival(NamedTuple):
    """An alert, new or grown."""

    alert: Alert
    origin: str = ""  # topic/partition/offset
    redriven: bool = False  # an operator sent it again, after its cause was mended
    claim: Claim | None = None  # its first claim, where it can be looked up


class Source(Protocol):
    """One input. The ledger keeps its positions, in the transaction of what follows from them.

    `gather`: seconds within which further parts of an alert may come.
    """

    gather: float

    def open(self, positions: Mapping[str, int]) -> None:
        """Begin where these say, or with everything there is."""

    def waiting(self) -> int:
        """Alerts that have not been read yet."""

    def skip(self) -> dict[str, int]:
        """Leave out what is there now; the positions after it."""

    def read(self, seconds: float) -> list[Arrival]:
        """What has come, waiting for it so long at most."""

    def positions(self) -> dict[str, int]:
        """What to read next, after what was handed on so far."""

    def decided(self) -> None:
        """Everything handed on is in the ledger."""

    def caught_up(self) -> bool:
        """Whether everything that is there has been handed on."""

    def bury(self, rows: list[Row]) -> None:
        """Set given-up notifications aside where operators look; durable when it returns."""

    def close(self) -> None:
        """Let go."""


class StoreAlerts:
    """Alerts of the embedded run, read from its store beside the running writer.

    The store is opened for each look: it may be moved away, restored or made anew. One that is another file, or has fewer changes than were
    read, is read from its beginning: the ledger knows what was told.
    """

    def __init__(self, folder: Path, stop: threading.Event, *, patient: bool = True) -> None:
        """`patient`: waits for a store that is not there yet; else reading it raises UsageError."""
        self._folder, self._stop, self._patient = folder, stop, patient
        self.gather = 0.0  # the store has alerts whole
        self._next = 0
        self._file = 0
        self._looked = 0.0
        self._idle = False

    def open(self, positions: Mapping[str, int]) -> None:
        """Begin after this change."""
        self._next, self._file = positions.get("store", 0), positions.get("file", 0)

    def waiting(self) -> int:
        """Raises UsageError when there is no store yet."""
        with open_store(self._folder, read_only=True) as store:
            return len(store.alert_changes(self._after(store), 1_000_000))

    def skip(self) -> dict[str, int]:
        """Leave out what is there now; without a store there is nothing."""
        with open_store(self._folder, read_only=True) as store:
            changes = store.alert_changes(self._after(store), 1_000_000)
            self._next = changes[-1][0] if changes else self._next
        return self.positions()

    def read(self, seconds: float) -> list[Arrival]:
        """Look into the store, not too often. Raises UsageError when there is none."""
        now = time.monotonic()
        if now - self._looked < EVERY and (left := min(seconds, self._looked + EVERY - now)) > 0:
            self._stop.wait(left)
        if time.monotonic() - self._looked < EVERY:
            return []
        if self._patient and not (self._folder / FILE).exists():
            self._looked = time.monotonic()
            return []
        with open_store(self._folder, read_only=True) as store:
            changes = store.alert_changes(self._after(store), _MOST)
            found = [Arrival(alert, claim=_claim(store, alert)) for _, alert in changes]
        if len(changes) < _MOST:
            self._looked = time.monotonic()
        self._next = changes[-1][0] if changes else self._next
        self._idle = not changes
        return found

    def _after(self, store: SqliteStore) -> int:
        file = store.path.stat().st_ino
        (last,) = store.connection.execute("SELECT coalesce(max(seq), 0) FROM alert_change").fetchone()
        if file != self._file or last < self._next:
            self._next, self._file = 0, file
        return self._next

    def positions(self) -> dict[str, int]:
        """The last change that was handed on."""
        return {"store": self._next, "file": self._file}

    def decided(self) -> None:
        """Nobody else asks."""

    def caught_up(self) -> bool:
        """Whether the last look found nothing."""
        return self._idle

    def bury(self, rows: list[Row]) -> None:
        """In the embedded run the ledger itself is where operators look: `tocsin notify list --given-up`."""

    def close(self) -> None:
        """Nothing is held."""


def _claim(store: SqliteStore, alert: Alert) -> Claim | None:
    for claim_id in alert.claim_ids[:1]:
        kept = store.article(claim_id)
        if kept is not None:
            claims = (*kept.tagged.title_claims, *kept.tagged.claims)
            return next((claim for claim in claims if claim.claim_id == claim_id), None)
    return None
