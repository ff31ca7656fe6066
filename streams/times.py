"""Dates, periods and durations in running text, resolved against the day of publication."""

from typing import Literal

import msgspec

from streams.context import Context
from tocsin.records import EventTime


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One expression of time. Offsets are code points in `Context.text`; `text` is that slice, preposition included ("since May").

    `event_from` and `event_to` are ISO days, months or years ("2017-07-20", "2017-07", "2017"), inclusive; both null when nothing
    can be resolved ("recently", or a weekday without a day of publication). A "since" period leaves `event_to` null.
    """

    start: int
    end: int
    text: str
    kind: Literal["date", "period", "since", "until", "duration", "now", "vague"] = "date"
    event_from: str | None = None
    event_to: str | None = None
    precision: str = "unknown"  # day week month year unknown
    duration: str | None = None  # ISO 8601, "P2Y"
    inferred_year: bool = False


def find_times(context: Context) -> list[TimeSpan]:
    """Every expression of time of `context`, in order of start, none overlapping."""
    del context
    return []


def as_event_time(span: TimeSpan, said_at: str | None = None) -> EventTime:
    """The record of a time span; `said_at` is the ISO day on which the statement was made."""
    return EventTime(
        text=span.text,
        start=span.start,
        end=span.end,
        event_from=span.event_from,
        event_to=span.event_to,
        said_at=said_at,
        precision=span.precision,
        duration=span.duration,
        inferred_year=span.inferred_year,
    )
