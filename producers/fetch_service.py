"""`tocsin fetch`: a member of the group that asks hosts for what the scheduler released. A host belongs to one member.

Three threads and a pool: the event loop asks hosts; one thread reads requests and commits; one archives and sends; processes clean.
Order for each request: archive the bytes (synced), clean, send article and note, wait for the acknowledgement, and only then count the
request as finished; commits follow the first unfinished one. Killed at any moment it repeats what was under way, and loses nothing:
the repeated answers have the same ids, and the scheduler takes each once.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec.structs import replace

from producers.cleaning import Cleaners
from producers.delivery import Delivery, Done
from producers.fetch import Fetcher, open_fetcher
from producers.intake import Intake, Taken
from producers.sources import Source
from tocsin import topics, wire
from tocsin.dead_letters import dead_letter
from tocsin.errors import Quarantine, TocsinError, stops_service
from tocsin.health import Health
from tocsin.records import Request
from tocsin.settings import Settings

T = TypeVar("T")
_POLL = 0.2  # seconds to wait for requests; a stop is heard after it
_LINGER = 0.02  # seconds until a batch is sent: a few answers share one sync and one acknowledgement
_BATCH = 200
_GRACE = 6.0  # seconds that answers under way are given when asked to stop
_AHEAD = 10  # requests under way for each slot; most of them wait for their hosts
_LOG = logging.getLogger(__name__)


class FetchService:
    """One run of the service."""

    def __init__(self, settings: Settings, sources: Iterable[Source]) -> None:
        """`sources`: say whose a page is. Nothing is opened before `run`."""
        self._settings, self._sources = settings, tuple(sources)
        self._stop = asyncio.Event()
        self._asking: set[asyncio.Task[Any]] = set()
        self._done: asyncio.Queue[Done | None] = asyncio.Queue()
        self._window = asyncio.Semaphore(4 * settings.workers)
        self.counts: Counter[str] = Counter()
        self.health = Health("fetch")

    def stop(self) -> None:
        """Start nothing more; finish, send and commit what hosts have been asked for."""
        self._stop.set()

    async def run(self) -> None:
        """Work until stopped. Raises what a person must see to: no broker, a missing topic, a full disk, a newer schema."""
        reading, writing = ThreadPoolExecutor(1, "requests"), ThreadPoolExecutor(1, "answers")
        clean_end = False
        cleaners = Cleaners(self._settings)
        try:
            self._delivery = await _in(writing, Delivery, self._settings)
            try:
                self._intake = await _in(
                    reading, Intake, self._settings, "fetch", topics.REQUESTS, _AHEAD * self._settings.fetch_concurrency
                )
                try:
                    await self._work(reading, writing, cleaners)
                    clean_end = True
                finally:
                    await _in(reading, self._intake.close, clean_end)
            finally:
                await _in(writing, self._delivery.close)
        except BaseExceptionGroup as group:
            expected, _ = group.split(TocsinError)
            raise _first(expected if expected is not None else group) from group
        finally:
            cleaners.close(at_once=True)
            reading.shutdown(wait=False)
            writing.shutdown(wait=False)

    async def _work(self, reading: ThreadPoolExecutor, writing: ThreadPoolExecutor, cleaners: Cleaners) -> None:
        tasks: set[asyncio.Task[None]] = set()
        async with open_fetcher(self._settings, self._sources) as fetcher, asyncio.TaskGroup() as group:
            delivering = group.create_task(self._deliver_all(writing))
            self.health.started()
            while not self._stop.is_set():
                self.health.beat()
                for taken in await _in(reading, self._intake.take, _POLL):
                    task = group.create_task(self._one(taken, fetcher, cleaners, writing))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
            if self._asking:
                await asyncio.wait(self._asking, timeout=_GRACE)
            waiting = list(tasks)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await self._done.put(None)
            await delivering

    async def _one(self, taken: Taken, fetcher: Fetcher, cleaners: Cleaners, writing: ThreadPoolExecutor) -> None:
        try:
            done = await self._answer(taken, fetcher, cleaners, writing)
        except Exception as error:
            if stops_service(error):
                raise
            _LOG.error("dead letter: %s/%d offset %d: %s", taken.topic, taken.partition, taken.offset, error)
            letter = dead_letter(
                "fetch",
                error,
                topic=taken.topic,
                partition=taken.partition,
                offset=taken.offset,
                key=taken.key,
                body=taken.body,
                redrives=taken.redrives,
            )
            done = Done(taken, dead=letter)
        finally:
            self._asking.discard(asyncio.current_task())
        if done is not None:
            self._done.put_nowait(done)

    async def _answer(self, taken: Taken, fetcher: Fetcher, cleaners: Cleaners, writing: ThreadPoolExecutor) -> Done | None:
        """Ask the host. None: the request is no longer ours to answer, or we were told to stop before it was its turn."""
        if taken.body is None:
            raise Quarantine("not a Request: a message without a body")
        request = wire.decode(taken.body, Request)
        async with fetcher.turn(request):
            if self._stop.is_set() or not self._intake.is_ours(taken):
                return None
            self._asking.add(asyncio.current_task())  # type: ignore[arg-type]
            fetch = await fetcher.get(request)
            if fetch.page is None:
                return Done(taken, fetch.fetched)
            await self._window.acquire()  # while holding the turn: a pool that falls behind holds the fetching back
        try:
            raw = await _in(writing, self._delivery.keep, fetch.page, fetch.headers)
            page = replace(fetch.page, raw=raw)
            future = cleaners.submit(page)
            # Only the waiting is asked of asyncio; `result` turns whatever went wrong into a refusal.
            await asyncio.gather(asyncio.wrap_future(future), return_exceptions=True)
            cleaned = cleaners.result(page, future)
        finally:
            self._window.release()
        note = replace(fetch.fetched, raw=raw)
        if isinstance(cleaned, bytes):
            return Done(taken, note, article=cleaned, backfill=page.backfill)
        return Done(taken, note, dropped=cleaned)

    async def _deliver_all(self, writing: ThreadPoolExecutor) -> None:
        last = False
        while not last:
            batch = [await self._done.get()]
            await asyncio.sleep(_LINGER)
            while len(batch) < _BATCH and not self._done.empty():
                batch.append(self._done.get_nowait())
            last = None in batch
            found = [done for done in batch if done is not None]
            with self.health.timed("fetch"):
                await _in(writing, self._delivery.deliver, found)
            self._intake.finish([done.taken for done in found])
            for done in found:
                outcome = "dead letter" if done.dead else "dropped" if done.dropped else done.fetched.outcome if done.fetched else ""
                self.counts[outcome] += 1
                self.health.count("fetch", outcome.replace(" ", "-"))


async def _in(thread: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, lambda: function(*arguments))


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
