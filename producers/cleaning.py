"""Cleaning in worker processes: a page in, the encoded article with its sketch out, or the refusal."""

import logging
from concurrent.futures import Future

from msgspec.structs import replace

from producers.clean import clean
from tocsin import clock, wire
from tocsin.pool import Failure, Pool
from tocsin.records import Article, Dropped, Page
from tocsin.settings import Settings
from tocsin.sketch import sketch

_LOG = logging.getLogger(__name__)


def clean_page(page: Page, max_html: int) -> bytes | Dropped:
    """Clean a page. Returns the article, with its sketch, as it travels: the process that asked need not decode and encode it again."""
    cleaned = clean(page, max_html)
    return cleaned if isinstance(cleaned, Dropped) else wire.encode(sketched(cleaned))


def _load() -> None:
    """Nothing: to find it, a new worker imports this module and the extractors, before the clock of its first page runs."""


def sketched(article: Article) -> Article:
    """The article with what the clustering stage compares."""
    return replace(article, sketch=sketch(article.title, article.text))


class Cleaners:
    """The pool of them. A page that hangs or breaks its worker is dropped with a reason."""

    def __init__(self, settings: Settings) -> None:
        """Start lazily: processes come with the first page."""
        self._max_html = settings.max_html
        self._pool = Pool(clean_page, workers=settings.workers, timeout=settings.clean_timeout, prepare=_load)

    @property
    def window(self) -> int:
        """How many pages to keep under way."""
        return self._pool.window

    def submit(self, page: Page) -> "Future[bytes | Dropped]":
        """Hand one page to the pool."""
        return self._pool.submit(page, self._max_html)

    def result(self, page: Page, future: "Future[bytes | Dropped]") -> bytes | Dropped:
        """Wait for one page. Raises UsageError when no worker can start."""
        result = self._pool.result(future)
        if not isinstance(result, Failure):
            return result
        if result.bug:
            _LOG.error("bug: %r broke the worker that cleaned it: %s (its bytes are in the archive)", page.url, result.detail)
        return Dropped(url=page.url, stage="clean", reason=result.reason, detail=result.detail, source_id=page.source_id, at=clock.now())

    def close(self, *, at_once: bool = False) -> None:
        """Stop the processes; `at_once` gives up what is under way."""
        self._pool.close(at_once=at_once)
