"""`tocsin submit`: what a person has at hand joins the distributed stream: addresses as requests, pages and articles as cleaned articles.

Submitting the same again changes nothing (ids), so an interrupted submission is simply repeated. Old material goes through the lane of
its own, which rings no alerts and keeps nothing new waiting.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from producers.cleaning import Cleaners, sketched
from producers.inputs import ArticleLine, Input
from producers.raws import Raws
from tocsin import topics, wire
from tocsin.broker import Publisher
from tocsin.errors import Quarantine
from tocsin.records import Article, Dropped, Page, Request
from tocsin.settings import Settings

_FLUSH = 200  # messages between two acknowledgements

Cleaning = tuple[Page, "Future[bytes | Dropped]"]
Pending = Cleaning | ArticleLine
"""Waits for its turn: what is clean already does not overtake the pages before it."""


class Submission:
    """One submission. Use it as a context manager."""

    def __init__(self, settings: Settings, as_article: Callable[[ArticleLine], Article], *, backfill: bool = False) -> None:
        """Open broker and archive (data/archive/NODE-submit). Raises UsageError when one cannot be had.

        `as_article`: makes an article of a line that was clean when it came. `backfill`: all of it is old material.
        """
        self._settings, self._as_article, self._backfill = settings, as_article, backfill
        self._raws = Raws(settings, "submit", f"{settings.node}-submit")
        try:
            self._publisher = Publisher(settings, "submit")
        except BaseException:
            self._raws.close()
            raise
        self._cleaners = Cleaners(settings)
        self.counts: Counter[str] = Counter()  # requests, articles, dropped

    def send(self, inputs: Iterable[Input]) -> None:
        """Send everything, articles in the order of the inputs; all is acknowledged when this returns. Raises BrokerError, UsageError."""
        cleaning: deque[Pending] = deque()
        for given in inputs:
            if isinstance(given, Page) or (cleaning and isinstance(given, ArticleLine)):
                cleaning.append(self._clean(given) if isinstance(given, Page) else given)
                if len(cleaning) >= 4 * self._cleaners.window:
                    self._take_cleaned(cleaning, 2 * self._cleaners.window)
            elif isinstance(given, Request):
                request = replace(given, backfill=self._is_old(given))
                self._publisher.send(topics.REQUESTS, request.host, request, backfill=request.backfill)
                self._count("requests")
            elif isinstance(given, ArticleLine):
                self._send_line(given)
            else:
                self._drop(given)
        self._take_cleaned(cleaning, len(cleaning))
        self._publisher.flush()

    def close(self, *, at_once: bool = False) -> None:
        """Close everything; `at_once` gives up what is under way."""
        self._cleaners.close(at_once=at_once)
        self._publisher.close()
        self._raws.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def _clean(self, page: Page) -> Cleaning:
        page = replace(page, backfill=self._is_old(page))  # before it is archived: read from there, it is the same article
        page = replace(page, raw=self._raws.keep(page, (), time.time()))
        return page, self._cleaners.submit(page)

    def _send_line(self, given: ArticleLine) -> None:
        article = sketched(replace(self._as_article(given), backfill=self._is_old(given)))
        self._send(given.url, given.source_id, wire.encode(article), old=article.backfill)

    def _take_cleaned(self, cleaning: deque[Pending], count: int) -> None:
        self._raws.commit()  # on the disk before a message names it
        for _ in range(count):
            waited = cleaning.popleft()
            if isinstance(waited, ArticleLine):
                self._send_line(waited)
                continue
            page, future = waited
            result = self._cleaners.result(page, future)
            if isinstance(result, Dropped):
                self._drop(result)
            else:
                self._send(page.url, page.source_id, result, old=page.backfill)

    def _send(self, url: str, source_id: str, article: bytes, *, old: bool) -> None:
        name = topics.full_name(self._settings, topics.INCOMING, topics.lane_of(topics.INCOMING, backfill=old))
        try:
            self._publisher.put(name, 0, None, article)
        except Quarantine as error:
            self._drop(Dropped(url=url, stage="clean", reason="too-large", detail=f"{error}", source_id=source_id))
            return
        self._count("articles")

    def _drop(self, dropped: Dropped) -> None:
        self._publisher.send(topics.DROPPED, dropped.url, dropped)
        self._count("dropped")

    def _count(self, what: str) -> None:
        self.counts[what] += 1
        if self.counts.total() % _FLUSH == 0:
            self._publisher.flush()

    def _is_old(self, given: Page | Request | ArticleLine) -> bool:
        return self._backfill or given.backfill
