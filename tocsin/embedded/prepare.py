"""The stateless half of the pipeline, in worker processes: clean a page and tag the article. Nine tenths of the work.

Each worker loads the lexicons once; a page that takes too long or breaks its worker is a drop with a reason (`tocsin.pool`).
"""

import gc
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from producers.clean import clean
from streams.resources import resources_for
from streams.tag import Resources, tag
from tocsin.clock import now
from tocsin.errors import UsageError
from tocsin.pool import Failure, Pool
from tocsin.records import Article, Dropped, Page, Record, Tagged
from tocsin.settings import Settings
from tocsin.sketch import sketch

K = TypeVar("K")
_AHEAD = 8  # windows: where order is kept, one slow page at the head must leave no worker idle
_GROUP = 4  # windows taken in at once; enough is left under way to keep the workers busy meanwhile
_LOG = logging.getLogger(__name__)
# Of this worker process, filled when it starts: the resources, or why there are none.
_RESOURCES: list[Resources] = []
_FAILURE: list[str] = []


class Prepared(Record, frozen=True, kw_only=True):
    """A tagged article, or the refusal; and what it cost, in CPU seconds of the process that did it."""

    tagged: Tagged | None = None
    dropped: Dropped | None = None
    clean_seconds: float = 0.0
    tag_seconds: float = 0.0


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Prepared)


def prepare(given: Page | Article, resources: Resources, max_html: int) -> Prepared:
    """Clean a page (or take an article as it is) and tag it. Pure."""
    started = time.process_time()
    cleaned = clean(given, max_html) if isinstance(given, Page) else given
    if isinstance(cleaned, Dropped):
        return Prepared(dropped=cleaned, clean_seconds=time.process_time() - started)
    between = time.process_time()
    tagged = tag(cleaned, resources)
    article = replace(cleaned, sketch=sketch(cleaned.title, cleaned.text, tagged.sentences))
    tagged = replace(tagged, article=article)
    return Prepared(tagged=tagged, clean_seconds=between - started, tag_seconds=time.process_time() - between)


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
        self._max_html = settings.max_html
        self._pool = Pool(_work, workers=settings.workers, timeout=settings.clean_timeout, prepare=_start, given=(settings,))

    @property
    def window(self) -> int:
        """How many pages to keep under way: enough to feed every worker, few enough to bound memory and what a kill undoes."""
        return self._pool.window

    def submit(self, given: Page | Article) -> "Future[bytes]":
        """Hand one page to the pool."""
        return self._pool.submit(given, self._max_html)

    def result(self, given: Page | Article, future: "Future[bytes]") -> Prepared:
        """Wait for one page. One that hangs, kills its worker or breaks it is dropped with a reason.

        Raises UsageError when it is no page's fault: the workers cannot start.
        """
        result = self._pool.result(future)
        if not isinstance(result, Failure):
            return _DECODER.decode(result)
        if result.bug:
            # That is a bug of ours, and may be every page's: it must not look like an ordinary refusal.
            _LOG.error(
                "bug: %r broke the worker that read it: %s (a page's bytes are in the archive: ingest that again after the fix)",
                given.url,
                result.detail,
            )
        url, source = given.url, given.source_id
        return Prepared(dropped=Dropped(url=url, stage="clean", reason=result.reason, detail=result.detail, source_id=source, at=now()))

    def in_order(self, items: Iterable[tuple[K, Page | Article | None]]) -> Iterator[tuple[K, Prepared | None]]:
        """Prepare many, yield in the order given; an item without page passes through in its place.

        They are taken in by groups: a caller that turns to every page as it is done takes the workers' caches from them each time.
        """
        under_way: deque[tuple[K, Page | Article | None, Future[bytes] | None]] = deque()
        for key, given in items:
            under_way.append((key, given, self.submit(given) if given is not None else None))
            if len(under_way) >= _AHEAD * self.window:
                yield from self._group(under_way)
        while under_way:
            yield from self._group(under_way)

    def _group(self, under_way: "deque[tuple[K, Page | Article | None, Future[bytes] | None]]") -> list[tuple[K, Prepared | None]]:
        """Take the first of those under way, when they are done."""
        first = [under_way.popleft() for _ in range(min(_GROUP * self.window, len(under_way)))]
        return [(key, None if given is None or future is None else self.result(given, future)) for key, given, future in first]

    def close(self, *, at_once: bool = False) -> None:
        """Stop the processes; `at_once` gives up what is under way."""
        self._pool.close(at_once=at_once)
