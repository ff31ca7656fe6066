"""A replica's archive with the memory that goes with it: where its committed part ends, and which bytes it holds already.

A page that did not change since it was last read is not archived again; the memory of that is kept for longer than pages are read again
(`frontier.Rhythm.refetch`), and bounded.
"""

from types import TracebackType
from typing import Self

from producers.archive import Archive
from tocsin import ids
from tocsin.records import Page, RawRef, Record
from tocsin.settings import Settings, folder_of
from tocsin.state_table import open_state

KEEP = 7 * 86_400.0
"""Seconds a page's bytes are remembered after it was last read."""
MOST = 200_000
"""Bytes of so many pages are remembered, about 200 bytes each; the longest unread go first."""


class End(Record, frozen=True, kw_only=True):
    """Where the committed part of the archive ends."""

    file: str
    end: int


class Known(Record, frozen=True, kw_only=True):
    """Bytes that are archived."""

    ref: RawRef
    read: float  # Unix seconds, when they last came


class Raws:
    """Archives pages once. Use it from the thread that opened it."""

    def __init__(self, settings: Settings, service: str, replica: str = "") -> None:
        """Open the state in data/SERVICE/REPLICA and the archive in data/archive/REPLICA; no name: the node's.

        Raises UsageError when another process has one of them, or they cannot be written.
        """
        self._state = open_state(folder_of(settings, service, replica) / "state.db")
        try:
            self._ends, self._known = self._state.table("archive", End), self._state.table("raws", Known)
            end = self._ends.get("warc")
            committed = (end.file, end.end) if end else None
            self._archive = Archive(folder_of(settings, "archive", replica), committed, replica=True)
        except BaseException:
            self._state.close()
            raise
        self._fresh: dict[str, Known] = {}
        self._appended = committed is None
        self.commit()

    def keep(self, page: Page, headers: tuple[tuple[str, str], ...], now: float) -> RawRef:
        """Return where the page's bytes lie, archiving them when they are new. Safe after `commit`. `now`: Unix seconds."""
        if page.raw is not None:
            return page.raw
        key = ids.digest(page.final_url, ids.sha256(page.body))
        known = self._fresh.get(key) or self._known.get(key)
        if known is None:
            known = Known(ref=self._archive.append(page, headers), read=now)
            self._appended = True
        self._fresh[key] = Known(ref=known.ref, read=now)
        return known.ref

    def commit(self) -> None:
        """Put everything kept so far on the disk: first the bytes, then, in one transaction, the memory of them."""
        if not self._appended and not self._fresh:
            return
        with self._state.transaction():
            self._known.update(self._fresh)
            if self._appended:
                file, end = self._archive.position()
                self._ends["warc"] = End(file=file, end=end)
        self._fresh.clear()
        self._appended = False

    def forget(self, now: float, *, most: int = MOST) -> int:
        """Forget what was not read for long, and what is too much: call it now and then (hourly). Returns how many went."""
        oldest = sorted((known.read, key) for key, known in self._known.items())
        gone = [key for rank, (read, key) in enumerate(oldest) if rank < len(oldest) - most or read < now - KEEP]
        with self._state.transaction():
            for key in gone:
                del self._known[key]
        return len(gone)

    def close(self) -> None:
        """Close both; what was not committed is cut off at the next start."""
        self._archive.close()
        self._state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
