"""One run of the embedded pipeline, opened and closed as a whole: store, archive, rules, workers."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from producers.frontier import Frontier, Rhythm
from producers.read import ArticleLine, Input, read_inputs
from producers.schedule import submit
from producers.sources import Source
from sinks.sqlite import open_store
from streams.ledger_claims import sides_of
from streams.resources import resources_for, rules_for
from streams.tag import given_article
from tocsin.clock import iso, parse
from tocsin.embedded.crawl import Crawl, Progress, durable_frontier
from tocsin.embedded.pipeline import Pipeline
from tocsin.embedded.prepare import Prepared, Workers
from tocsin.errors import TocsinError
from tocsin.records import Article, Dropped, Page, Request
from tocsin.settings import Settings


class Session:
    """Everything open. Use it as a context manager; leaving it because of an error gives up what is under way."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        """Check rules and lexicons, take the data folder. Raises UsageError or DataError before anything is changed."""
        self.settings = settings
        self.progress = progress or Progress()
        folder = Path(settings.data)
        resources = resources_for(settings)
        rules = rules_for(settings, resources)
        with ExitStack() as undo:
            self.store = undo.enter_context(open_store(folder))
            self.pipeline = Pipeline(self.store, rules, folder / "archive", sides_of(resources.lexicon))
            undo.callback(self.pipeline.close)
            self.workers = Workers(settings)
            undo.push(lambda kind, _error, _trace: self.workers.close(at_once=kind is not None))
            self._close = undo.pop_all()
        gc.freeze()  # what is loaded now stays: the collector need not walk it with every article

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close.__exit__(kind, error, trace)

    def poll(self, sources: Iterable[Source], *, once: bool, clock: Callable[[], float] = time.time) -> bool:
        """Poll the sources: one whole round (true when it was whole), or until SIGINT or SIGTERM. Raises what the store raises."""
        return self._crawl(sources, durable_frontier(self.store), once=once, plan=True, clock=clock)

    def ingest(self, inputs: Sequence[str]) -> None:
        """Ingest local inputs in order, then the URLs among them. Every input is accounted for: kept, or dropped with its reason."""
        urls: list[Request] = []

        def local() -> Iterator[tuple[Input, Page | Article | None]]:
            for given in read_inputs(inputs, max_body=self.settings.max_body):
                if isinstance(given, Request):
                    urls.append(given)
                elif isinstance(given, ArticleLine):
                    yield given, as_article(given)
                else:
                    yield given, None if isinstance(given, Dropped) else given

        for given, prepared in self.workers.in_order(local()):
            result = Prepared(dropped=given) if isinstance(given, Dropped) else prepared
            assert result is not None  # noqa: S101  # only a Dropped goes unprepared
            self.progress.accepted(self.pipeline.accept(result, given if isinstance(given, Page) else None))
        if urls:
            frontier = Frontier({}, {}, {})
            # One try more, soon: this frontier is forgotten with the command, so a page is either read or dropped by its end.
            rhythm = Rhythm(host_delay=self.settings.host_delay, retries=(2.0,))
            for request in urls:
                submit(frontier, request, time.time(), rhythm)
            if not self._crawl((), frontier, once=True, plan=False, rhythm=rhythm):
                raise KeyboardInterrupt  # what is left was not asked, and is not remembered: that is no success

    def _crawl(
        self,
        sources: Iterable[Source],
        frontier: Frontier,
        *,
        once: bool,
        plan: bool,
        clock: Callable[[], float] = time.time,
        rhythm: Rhythm | None = None,
    ) -> bool:
        async def main() -> bool:
            crawl = Crawl(self.settings, sources, frontier, self.store, self.pipeline, self.workers, self.progress, clock, rhythm)
            with _signals(crawl.stop):
                return await crawl.run(once=once, plan=plan)

        try:
            return asyncio.run(main())
        except BaseExceptionGroup as group:
            # Several pages may fail for one reason (a full disk): one clear error says it.
            expected, _ = group.split(TocsinError)
            raise _first(expected if expected is not None else group) from group


def as_article(line: ArticleLine) -> Article:
    """An article that was clean when it came. A date nobody can read is left out, and said so in the flags."""
    published = line.published_at
    flags: tuple[str, ...] = ("clean-input",)
    if published is not None:
        try:
            published = iso(parse(published))
        except ValueError:
            published, flags = None, (*flags, "date-unreadable")
    article = given_article(line.url, line.text, line.title, lang=line.lang, published_at=published, at=line.fetched_at)
    return replace(
        article,
        source_id=line.source_id,
        source_name=line.source_name,
        owner=line.owner,
        author=line.author,
        flags=flags,
        backfill=line.backfill,
    )


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops in good order, a second one at once."""
    loop = asyncio.get_running_loop()
    handled = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in handled:
            loop.remove_signal_handler(number)
        stop()

    with suppress(ValueError, RuntimeError):  # not in the main thread: whoever runs us there stops us
        for number in handled:
            loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in handled:
            with suppress(ValueError, RuntimeError):
                loop.remove_signal_handler(number)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
