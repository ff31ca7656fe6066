"""Dates, periods and durations in running text, resolved against the day of publication.

`streams.time_syntax` reads what is written; here prepositions and ranges join it into spans. A date without a year takes the last year
in which it lies not after publication; `inferred_year` says so.
"""

import re
from calendar import monthrange
from datetime import date

import msgspec
from msgspec.structs import replace

from streams.context import Context
from streams.time_syntax import Kind, Partial, read_partials, shift
from tocsin.records import EventTime


class TimeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One expression of time. Offsets are code points in `Context.text`; `text` is that slice, preposition included ("since May").

    `event_from` and `event_to` are ISO days, months or years ("2017-07-20", "2017-07", "2017"), inclusive; both null when nothing
    can be resolved ("recently", or a weekday without a day of publication). A "since" period leaves `event_to` null.
    """

    start: int
    end: int
    text: str
    kind: Kind = "date"
    event_from: str | None = None
    event_to: str | None = None
    precision: str = "unknown"  # day week month year unknown
    duration: str | None = None  # ISO 8601, "P2Y"
    inferred_year: bool = False


_PREPOSITION = re.compile(
    r"(منذ عام|منذ سنه|since(?: the)?|between|from|until|till|by|before|after|as of|as at|up to|from|"
    r"starting(?: from| on| in)?|through|throughout|с начала|с|до|منذ|حتي|من|desde|depuis)(?: (?:about|around|the|at least|late|"
    r"early))? $"
)
_BEGINS = re.compile(r"\w(?<!\w.)")
# The last words of what the pattern above accepts: a cheap look before the dear one.
_PREPOSITION_ENDS = frozenset(
    re.findall(
        r"\w+",
        "since the between from until till by before after of at to in on starting through throughout about around least late early "
        "начала с до منذ حتي من عام سنه desde depuis",
    )
)
_SINCE = frozenset(
    (
        "since",
        "since the",
        "from",
        "starting",
        "starting from",
        "starting on",
        "starting in",
        "с",
        "с начала",
        "منذ",
        "منذ عام",
        "منذ سنه",
        "من",
        "desde",
        "depuis",
    )
)
_UNTIL = frozenset(("until", "till", "by", "before", "up to", "до", "حتي"))
_JOINERS = re.compile(
    r" ?- ?| to | and | until | through | till | до | الي | و| and the end of | to the end of | and the beginning of | and late |"
    r" and early | and mid-"
)
_AHEAD = 3  # days: time zones, and announcements for the next days of the month


def find_times(context: Context) -> list[TimeSpan]:
    """Every expression of time of `context`, in order of start, none overlapping."""
    text = context.folded.text
    published = _day(context.published_at)
    partials = read_partials(context, published)
    spans: list[TimeSpan] = []
    index = 0
    end = -1
    while index < len(partials):
        partial = partials[index]
        index += 1
        if partial.start < end:
            continue
        second: Partial | None = None
        if partial.kind == "date":
            while index < len(partials) and partials[index].start < partial.end:
                index += 1
            if index < len(partials) and partials[index].kind == "date":
                gap = text[partial.end : partials[index].start]
                if len(gap) < 24 and _JOINERS.fullmatch(gap) and (gap.strip() not in ("and", "و") or _is_between(text, partial.start)):
                    second = partials[index]
                    index += 1
        span = _resolve(context, text, partial, second, published)
        end = second.end if second is not None else partial.end
        spans.append(span)
    return spans


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


def _day(stamp: str | None) -> date | None:
    try:
        return date.fromisoformat(stamp[:10]) if stamp else None
    except ValueError:
        return None


def _is_between(text: str, start: int) -> bool:
    return text[max(0, start - 9) : start].rstrip().endswith(("between", "بين", "между"))


def _resolve(context: Context, text: str, one: Partial, two: Partial | None, published: date | None) -> TimeSpan:
    start = one.start
    end = two.end if two is not None else one.end
    word = ""
    before = text[max(0, start - 16) : start].rsplit(None, 1)
    may_have = before and before[-1] in _PREPOSITION_ENDS and one.kind in ("date", "duration", "period")
    preposition = _preposition(text, max(0, start - 28), start) if may_have else None
    if preposition is not None:
        word = preposition[1]
        start = preposition.start()
    kind: Kind = one.kind
    if two is not None:
        kind = "period"
        if one.year is None and one.month is not None and two.month is not None and two.year is not None:
            one = replace(one, year=two.year if (one.month, one.day or 0) <= (two.month, two.day or 31) else two.year - 1)
    first, _, precision, inferred = _bounds(one, published)
    last: str | None = None
    if two is not None:
        if two.year is None and one.year is not None and two.month is not None and one.month is not None:
            two = replace(two, year=one.year if (one.month, one.day or 0) <= (two.month, two.day or 31) else one.year + 1)
        _, last, _, second_inferred = _bounds(two, published)
        inferred = inferred or second_inferred
        if first is not None and last is not None and last < first[: len(last)]:
            first = f"{int(first[:4]) - 1:04d}{first[4:]}".replace("-02-29", "-02-28") if inferred else first
    else:
        last = _bounds(one, published)[1]
        if word in _SINCE and one.last_day is None and (kind != "duration" or word.startswith("since")):
            kind, last = "since", None
            if one.kind == "duration" and published is not None and one.duration is not None:
                first, precision = _before(published, one.duration)
        elif word in _UNTIL and kind == "date":
            kind, first = "until", None
        elif one.last_day is not None:
            kind = "period"
    begin, stop = context.folded.start(start), context.folded.end(end)
    return TimeSpan(
        start=begin,
        end=stop,
        text=context.text[begin:stop],
        kind=kind,
        event_from=first,
        event_to=last,
        precision=precision,
        duration=one.duration,
        inferred_year=inferred,
    )


def _preposition(text: str, low: int, end: int) -> re.Match[str] | None:
    """The preposition that ends at `end` and begins a word from `low` on: the first that does."""
    for begin in _BEGINS.finditer(text, low, end):
        if match := _PREPOSITION.match(text, begin.start(), end):
            return match
    return None


def _bounds(partial: Partial, published: date | None) -> tuple[str | None, str | None, str, bool]:
    """ISO bounds, precision, and whether the year was inferred."""
    if partial.first is not None and partial.last is not None:
        first, last = partial.first.isoformat(), partial.last.isoformat()
        cut = {"month": 7, "year": 4}.get(partial.precision, 10)
        return first[:cut], last[:cut], "year" if partial.precision == "decade" else partial.precision, False
    if partial.month is None:
        if partial.year is None:
            return None, None, "unknown", False
        return f"{partial.year:04d}", f"{partial.year:04d}", "year", False
    year, inferred = partial.year, False
    precision = "month" if partial.day is None else "day"
    if year is None:
        if published is None:
            return None, None, precision, False
        inferred = True
        year = published.year if (partial.month, partial.day or 0) <= (published.month, published.day + _AHEAD) else published.year - 1
    if partial.day is None:
        return f"{year:04d}-{partial.month:02d}", f"{year:04d}-{partial.month:02d}", precision, inferred
    most = monthrange(year, partial.month)[1]
    if partial.day > most:
        return f"{year:04d}-{partial.month:02d}", f"{year:04d}-{partial.month:02d}", "month", inferred
    last_day = min(partial.last_day or partial.day, most)
    return f"{year:04d}-{partial.month:02d}-{partial.day:02d}", f"{year:04d}-{partial.month:02d}-{last_day:02d}", precision, inferred


def _before(published: date, duration: str) -> tuple[str | None, str]:
    """The day, month or year so long before publication ("since two years"), and its precision."""
    amount = int(re.sub(r"\D", "", duration))
    unit = {"H": "hour", "D": "day", "W": "week", "M": "month", "Y": "year"}[duration[-1]]
    first, _ = shift(published, unit, -amount, whole=False)
    if first is None:
        return None, "unknown"
    return first.isoformat()[: {"month": 7, "year": 4}.get(unit, 10)], "day" if unit == "hour" else unit
