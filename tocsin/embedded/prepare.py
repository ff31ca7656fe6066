"""The stateless half of the pipeline, in worker processes: clean a page and tag the article. Nine tenths of the work.

Extraction holds the interpreter lock, so threads do not help (two threads: 0.95 of one). Workers are spawned, load the lexicons
once, and are killed when a page takes too long; the page is then a drop with a reason and the next one gets a fresh worker.
"""

import gc
import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace
from pebble import CONSTS, ProcessExpired, ProcessPool

from producers.clean import clean
from streams.tag import Resources, load_resources, tag
from tocsin.clock import now
from tocsin.errors import TocsinError, UsageError
from tocsin.records import Article, Dropped, Page, Record, Tagged
from tocsin.settings import Settings, cache_folder
from tocsin.sketch import sketch

K = TypeVar("K")
_AHEAD = 8  # windows: where order is kept, one slow page at the head must leave no worker idle
_LOG = logging.getLogger(__name__)
# Of this worker process, filled when it starts: the resources, or why there are none.
_RESOURCES: list[Resources] = []
_FAILURE: list[str] = []


# Seconds a worker is given to leave before it is killed: it holds nothing that could be lost, and cannot hear the request
# (`_interrupts_held`).
_POLITE = 0.05


class Prepared(Record, frozen=True, kw_only=True):
    """A tagged article, or the refusal; and what it cost."""

    tagged: Tagged | None = None
    dropped: Dropped | None = None
    clean_seconds: float = 0.0
    tag_seconds: float = 0.0


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Prepared)


def prepare(given: Page | Article, resources: Resources, max_html: int) -> Prepared:
    """Clean a page (or take an article as it is) and tag it. Pure."""
    started = time.perf_counter()
    cleaned = clean(given, max_html) if isinstance(given, Page) else given
    if isinstance(cleaned, Dropped):
        return Prepared(dropped=cleaned, clean_seconds=time.perf_counter() - started)
    article = replace(cleaned, sketch=sketch(cleaned.title, cleaned.text))
    between = time.perf_counter()
    tagged = tag(article, resources)
    return Prepared(tagged=tagged, clean_seconds=between - started, tag_seconds=time.perf_counter() - between)


def resources_for(settings: Settings) -> Resources:
    """Load what the settings ask for. Raises DataError."""
    countries = [code.strip().upper() for code in settings.focus_countries.split(",") if code.strip()]
    return load_resources(countries, Path(settings.lexicon) if settings.lexicon else None, cache_folder(settings))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Whatever is started inside never sees Ctrl-C or a polite kill, which terminals and service managers send to all processes at once.

    They are for the process that has the store; it stops its workers. A worker that left on its own would take its page with it.
    """
    resource_tracker.ensure_running()  # starting it lets go of these signals, so before they are held
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(settings: Settings) -> None:
    try:
        _RESOURCES[:] = [resources_for(settings)]
        gc.freeze()  # the lexicons stay for good: the collector need not walk their millions of objects again and again
    except Exception as error:  # noqa: BLE001  # told with the first page, in one line; here it would be a log of many
        _FAILURE[:] = [f"{type(error).__name__}: {error}"]


def _work(given: Page | Article, max_html: int) -> bytes:
    if _FAILURE:
        raise UsageError(f"the workers cannot load the lexicons: {_FAILURE[0]}")
    return _ENCODER.encode(prepare(given, _RESOURCES[0], max_html))


class Workers:
    """A pool of worker processes that prepares pages; a page that hangs or crashes its worker costs only itself."""

    def __init__(self, settings: Settings) -> None:
        """Start lazily: processes come with the first page."""
        self._settings = settings
        CONSTS.term_timeout = _POLITE
        self._pool = ProcessPool(
            max_workers=settings.workers,
            initializer=_start,
            initargs=(settings,),
            context=multiprocessing.get_context("spawn"),
        )

    @property
    def window(self) -> int:
        """How many pages to keep under way: enough to feed every worker, few enough to bound memory and what a kill undoes."""
        return 4 * self._settings.workers

    def submit(self, given: Page | Article) -> "Future[bytes]":
        """Hand one page to the pool."""
        with _interrupts_held():  # the first page starts the pool; its threads and processes inherit what is held
            future: Future[bytes] = self._pool.schedule(_work, args=(given, self._settings.max_html), timeout=self._settings.clean_timeout)
        return future

    def result(self, given: Page | Article, future: "Future[bytes]") -> Prepared:
        """Wait for one page. One that hangs, kills its worker or breaks it is dropped with a reason.

        Raises UsageError when it is no page's fault: the workers cannot start.
        """
        try:
            return _DECODER.decode(future.result())
        except FutureTimeout:
            reason, detail = "too-slow", f"cleaning took longer than {self._settings.clean_timeout:g} s (setting clean_timeout)"
        except ProcessExpired as error:
            reason, detail = "crashed", f"the worker died (exit code {error.exitcode})"
        except TocsinError:
            raise
        except BrokenProcessPool as error:
            raise UsageError(f"no worker process can start ({error}): is there memory left? Try fewer with --workers") from error
        except Exception as error:  # noqa: BLE001  # whatever one page breaks must not take the next one with it
            reason, detail = "broke", f"{type(error).__name__}: {error}"[:300]
            # That is a bug of ours, and may be every page's: it must not look like an ordinary refusal.
            _LOG.error(
                "bug: %r broke the worker that read it: %s (a page's bytes are in the archive: ingest that again after the fix)",
                given.url,
                detail,
            )
        url, source = given.url, given.source_id
        return Prepared(dropped=Dropped(url=url, stage="clean", reason=reason, detail=detail, source_id=source, at=now()))

    def in_order(self, items: Iterable[tuple[K, Page | Article | None]]) -> Iterator[tuple[K, Prepared | None]]:
        """Prepare many, yield in the order given; an item without page passes through in its place."""
        under_way: deque[tuple[K, Page | Article | None, Future[bytes] | None]] = deque()
        for key, given in items:
            under_way.append((key, given, self.submit(given) if given is not None else None))
            while len(under_way) >= _AHEAD * self.window:
                yield self._next(under_way)
        while under_way:
            yield self._next(under_way)

    def _next(self, under_way: "deque[tuple[K, Page | Article | None, Future[bytes] | None]]") -> tuple[K, Prepared | None]:
        key, given, future = under_way.popleft()
        return key, self.result(given, future) if given is not None and future is not None else None

    def close(self, *, at_once: bool = False) -> None:
        """Stop the processes; `at_once` gives up what is under way."""
        if at_once:
            self._pool.stop()  # type: ignore[no-untyped-call]  # Pebble has annotations, not on these
        else:
            self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()
