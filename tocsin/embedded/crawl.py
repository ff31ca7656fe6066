"""Poll the sources: release what is due, fetch, prepare in the workers, accept. Pages under way when it stops are fetched again.

Nothing is remembered outside the store: a page's answer is learned in the transaction that keeps its article.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable

import msgspec

from producers import frontier as frontiers
from producers import schedule
from producers.fetch import Fetch, crawl, open_fetcher
from producers.frontier import Due, Frontier, Host, Rhythm, Target
from producers.sources import Source
from tocsin.alerting import Alert
from tocsin.embedded.pipeline import Accepted, Pipeline
from tocsin.embedded.prepare import Workers
from tocsin.records import Request
from tocsin.settings import Settings
from tocsin.store import Batch, StateStore

_PATIENCE = 5.0  # seconds: a single round also waits for what a busy host asked to try again this soon
_NAP = 1.0  # seconds between looks at the frontier when nothing tells that something is due
_HOUSEKEEPING = 3600.0
_MOST_UNDER_WAY = 50_000  # requests waiting for their hosts, about 5 KB each: what a long rest has piled up does not fill the memory


class Progress(msgspec.Struct):
    """What a run has done so far: outcome -> count. `on_change` may draw it; `on_alert` rings."""

    counts: Counter[str] = msgspec.field(default_factory=Counter)
    on_change: Callable[[], None] | None = None
    on_alert: Callable[[Alert], None] | None = None

    def count(self, outcome: str) -> None:
        """One more."""
        self.counts[outcome] += 1
        if self.on_change:
            self.on_change()

    def accepted(self, done: Accepted) -> None:
        """One page is on the disk: count it, ring what it rang."""
        self.count(done.outcome)
        for alert in done.alerts:
            self.count("alerts")
            if self.on_alert:
                self.on_alert(alert)


def durable_frontier(store: StateStore) -> Frontier:
    """The scheduler's state, in the store."""
    return Frontier(store.table("targets", Target), store.table("due", Due), store.table("hosts", Host))


class Crawl:
    """One run over one frontier."""

    def __init__(
        self,
        settings: Settings,
        sources: Iterable[Source],
        frontier: Frontier,
        store: StateStore,
        pipeline: Pipeline,
        workers: Workers,
        progress: Progress,
        clock: Callable[[], float] = time.time,
        rhythm: Rhythm | None = None,
    ) -> None:
        """`clock`: Unix seconds, for the schedule only. `rhythm`: None: as the settings say."""
        self._settings, self._sources, self._frontier = settings, tuple(sources), frontier
        self._store, self._pipeline, self._workers, self._progress, self._clock = store, pipeline, workers, progress, clock
        self._rhythm = rhythm or Rhythm(feed_interval=settings.feed_interval, host_delay=settings.host_delay)
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._under_way = 0

    def stop(self) -> None:
        """Release nothing more; what is already with the workers is finished."""
        self._stop.set()
        self._changed.set()

    async def run(self, *, once: bool, plan: bool = True) -> bool:
        """Poll until stopped, or one whole round; true when it was whole.

        Raises what the store raises (full disk, say): nothing of that page is kept then.
        """
        if plan:
            with self._store.transaction():
                fates = schedule.plan(self._frontier, self._sources, self._clock(), self._rhythm, at_once=once)
                self._store.write(Batch(fates=fates))
        window = asyncio.Semaphore(self._workers.window)
        async with open_fetcher(self._settings, self._sources) as fetcher, asyncio.TaskGroup() as group:
            async for fetch in crawl(self._released(once), fetcher):
                if fetch.page is None:
                    self._learn(fetch)
                else:
                    await window.acquire()
                    group.create_task(self._accept(fetch, window))
        return not self._stop.is_set()

    async def _released(self, once: bool) -> AsyncIterator[Request]:
        housekeeping = self._clock() + _HOUSEKEEPING
        while not self._stop.is_set():
            self._changed.clear()
            moment = self._clock()
            with self._store.transaction():
                if not housekeeping - 2 * _HOUSEKEEPING < moment < housekeeping:  # an hour has passed, or the clock was set back
                    frontiers.set_back(self._frontier, moment)
                    frontiers.forget(self._frontier, moment, self._rhythm)
                    housekeeping = moment + _HOUSEKEEPING
                room = max(0, _MOST_UNDER_WAY - self._under_way)
                released = frontiers.due(self._frontier, moment, limit=min(room, 10 * self._settings.fetch_concurrency))
            for request in released:
                self._under_way += 1
                yield request
            if released:
                continue
            upcoming = frontiers.next_due(self._frontier)
            wait = max(0.0, upcoming - self._clock()) if upcoming is not None else None
            if once and not self._under_way and not frontiers.unfinished(self._frontier) and (wait is None or wait > _PATIENCE):
                return
            try:
                await asyncio.wait_for(self._changed.wait(), min(wait, _NAP) if wait is not None else _NAP)
            except TimeoutError:
                continue

    def _learn(self, fetch: Fetch) -> None:
        """An answer without a page: a feed, a redirect, a refusal, nothing new."""
        with self._store.transaction():
            learned = schedule.learn(self._frontier, fetch.fetched, self._clock(), self._rhythm)
            self._store.write(Batch(fates=learned.fates, dropped=learned.dropped))
        self._done()
        self._progress.count("dropped" if learned.dropped else fetch.fetched.outcome)

    async def _accept(self, fetch: Fetch, window: asyncio.Semaphore) -> None:
        """A page: prepare it in a worker, then keep everything in one transaction."""
        page = fetch.page
        assert page is not None  # noqa: S101  # the caller looked
        try:
            future = self._workers.submit(page)
            # Only the waiting is asked of asyncio; `result` turns whatever went wrong into a drop.
            await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)
            prepared = self._workers.result(page, future)
            with self._store.transaction():
                learned = schedule.learn(self._frontier, fetch.fetched, self._clock(), self._rhythm)
                done = self._pipeline.accept(prepared, page, fetch.headers, learned.fates)
        finally:
            window.release()
            self._done()
        self._progress.accepted(done)

    def _done(self) -> None:
        self._under_way -= 1
        self._changed.set()
