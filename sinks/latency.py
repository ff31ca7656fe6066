"""How old what is written is: seconds from publication to fetching, from fetching to the index, from fetching to a written alert."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tocsin import clock
from tocsin.alerting import Alert
from tocsin.messages import Document
from tocsin.records import Record

Way = Literal["publish-fetch", "fetch-index", "fetch-alert"]
_TELLING = ("second", "minute")  # precisions of a time of publication from which a latency can be told
_DAY = 86_400.0


class Span(NamedTuple):
    """A way that a record has come. `until`: Unix seconds of its end; None: it ends when the record is written."""

    way: Way
    since: float
    until: float | None = None

    def seconds(self, now: float) -> float:
        """How long it took; never negative: clocks of others run fast."""
        return max(0.0, (now if self.until is None else self.until) - self.since)


def spans(record: Record) -> Iterator[Span]:
    """Ways of one record. Old material has none: its age says nothing about us. Neither has what was published more than a day before."""
    if isinstance(record, Document) and not record.tagged.article.backfill:
        article = record.tagged.article
        fetched = _seconds(article.fetched_at)
        if fetched is None:
            return
        yield Span("fetch-index", fetched)
        published = _seconds(article.published_at) if article.published_precision in _TELLING else None
        if published is not None and fetched - published < _DAY:
            yield Span("publish-fetch", published, fetched)
    elif isinstance(record, Alert) and (at := _seconds(record.at)) is not None:
        yield Span("fetch-alert", at)


def _seconds(moment: str | None) -> float | None:
    try:
        return clock.parse(moment).timestamp() if moment else None
    except ValueError:
        return None
