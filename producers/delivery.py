"""What the fetcher hands on: bytes to the archive first, then messages, all acknowledged before an offset is committed.

Of one page: an article (or a refusal) and the note for the scheduler. Used from one thread.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from producers.intake import Taken
from producers.raws import Raws
from tocsin import topics, wire
from tocsin.broker import Publisher
from tocsin.errors import Quarantine
from tocsin.messages import DeadLetter
from tocsin.records import Dropped, Fetched, Page, RawRef
from tocsin.settings import Settings

_HOUSEKEEPING = 3600.0


class Done(NamedTuple):
    """All that came of one request."""

    taken: Taken
    fetched: Fetched | None = None
    article: bytes | None = None  # encoded
    backfill: bool = False  # of the article
    dropped: Dropped | None = None
    dead: DeadLetter | None = None


class Delivery:
    """Keeps bytes and sends messages."""

    def __init__(self, settings: Settings) -> None:
        """Open archive and broker. Raises UsageError when one cannot be had."""
        self._settings = settings
        self._raws = Raws(settings, "fetch")
        try:
            self._publisher = Publisher(settings, "fetch")
        except BaseException:
            self._raws.close()
            raise
        self._housekeeping = time.monotonic() + _HOUSEKEEPING

    def keep(self, page: Page, headers: tuple[tuple[str, str], ...]) -> RawRef:
        """Archive a page's bytes, unless they are there; on the disk before anything that names them is sent."""
        return self._raws.keep(page, headers, time.time())

    def deliver(self, batch: Sequence[Done]) -> None:
        """Send all messages of a batch; when it returns, everything is on the disk or acknowledged. Raises BrokerError, UsageError."""
        self._raws.commit()
        for done in batch:
            self._send(done)
        self._publisher.flush()
        if time.monotonic() > self._housekeeping:
            self._housekeeping = time.monotonic() + _HOUSEKEEPING
            self._raws.forget(time.time())

    def close(self) -> None:
        """Close both."""
        self._publisher.close()
        self._raws.close()

    def _send(self, done: Done) -> None:
        dropped = done.dropped
        if done.article is not None and done.fetched is not None:
            try:
                name = topics.full_name(self._settings, topics.INCOMING, topics.lane_of(topics.INCOMING, backfill=done.backfill))
                self._publisher.put(name, 0, None, done.article)
            except Quarantine as error:
                dropped = too_large(done.fetched, error)
        if dropped is not None:
            self._publisher.send(topics.DROPPED, dropped.url, dropped)
        if done.dead is not None:
            self._publisher.send(topics.DEAD_LETTERS, origin(done.dead), done.dead)
        if done.fetched is not None:
            self._send_note(done.fetched)

    def _send_note(self, fetched: Fetched) -> None:
        note = fitting(fetched)
        self._publisher.send(topics.FETCHED, note.source_id, note)


def too_large(fetched: Fetched, error: Quarantine) -> Dropped:
    """The refusal of an article that no message can carry; its bytes are in the archive."""
    asked = fetched.request
    url = asked.redirected_from[0] if asked.redirected_from else asked.url
    return Dropped(url=url, stage="clean", reason="too-large", detail=f"{error}", source_id=asked.source_id, at=fetched.at)


def fitting(fetched: Fetched, most: int = topics.MAX_BYTES - 10_000) -> Fetched:
    """The note with as many of its links as one message carries, and with a word about the others: a sitemap may list 50,000."""
    size = len(wire.encode(fetched))
    links, left = fetched.links, len(fetched.links)
    while size > most and links:
        links = links[: min(len(links) - 1, int(len(links) * most / size * 0.95))]
        detail = f"{fetched.detail}; " * bool(fetched.detail) + f"{left - len(links)} of {left} links do not fit into a message"
        note = replace(fetched, links=links, detail=detail)
        size = len(wire.encode(note))
    return note if links is not fetched.links else fetched


def origin(dead: DeadLetter) -> str:
    """Key of a dead letter on its topic."""
    return f"{dead.topic}/{dead.partition}/{dead.offset}"
