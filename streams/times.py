"""Dates, periods and durations in running text, resolved against the day of publication.

Words that can belong to a time (months, weekdays, units, "yesterday") are found in one pass; small anchored patterns then read what
stands beside each. A date without a year takes the last year in which it lies not after publication; `inferred_year` says so.
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import yaml
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from streams.context import Context
from tocsin.fold import fold_key
from tocsin.records import EventTime

PATH = Path(__file__).parent / "data" / "times.yaml"
Kind = Literal["date", "period", "since", "until", "duration", "now", "vague"]


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


class _Partial(NamedTuple):
    """A date as written: what is missing is None. Or already resolved: `first` and `last`."""

    start: int
    end: int
    kind: Kind
    year: int | None = None
    month: int | None = None
    day: int | None = None
    last_day: int | None = None  # "3-8 May"
    first: date | None = None
    last: date | None = None
    precision: str = "unknown"
    duration: str | None = None


class _Vocabulary(NamedTuple):
    automaton: AhoCorasick
    patterns: tuple[str, ...]
    meanings: tuple[tuple[str, Any], ...]  # (kind, value) by index of pattern
    weak: frozenset[str]
    numbers: dict[str, int]


_DAY_BEFORE = re.compile(
    r"(?<![\d.,/:])(?:(\d{1,2})(?:st|nd|rd|th)?(?: ?- ?| and | to | until | through ))?(\d{1,2})(?:st|nd|rd|th|-го)?,? (?:of |de )?$"
)
_DAY_AFTER = re.compile(
    r"\.? (?:the )?(\d{1,2})(?:st|nd|rd|th)?(?: ?- ?(\d{1,2})(?:st|nd|rd|th)?| and (\d{1,2})(?:st|nd|rd|th)?)?(?![\d:]|,\d{3}| (?:people|civilians|families))"
)
_YEAR_AFTER = re.compile(
    r"(?:\.?,? (?:of |de |عام |سنه )?|/[^\W\d]+(?: [^\W\d]+)?,? )((?:19|20)\d\d)(?!\d|,\d|[./-]\d)(?: года| г\.| р\.)?"
)
_SECOND_NAME = re.compile(r" ?[/(]? ?$")
_RUN = re.compile(r"\d+")
_ISO = re.compile(r"(?<![\d/.-])((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)|(?<![\d/.-])(\d{1,2})([/.])(\d{1,2})\5((?:19|20)\d\d)(?!\d)")
_YEAR = re.compile(
    r"(?<![\d.,/:$€£#-])(?:19|20)\d\d(?!\d|,\d|[./:-]\d|%| ?(?:per|km|people|families|persons|houses|civilians|homes|households|idps|refugees)\b)"
)
_YEAR_CUE = re.compile(
    r"(?:^|[\s(])(?:in|since|by|until|till|from|during|early|late|mid|before|after|year|summer|winter|spring|autumn|fall|of|the|and|to|end|beginning|between|through|"
    r"в|с|до|عام|سنه|منذ|en|desde|depuis) ?-?$|\($"
)
_MONTH_CUE = re.compile(
    r"(?:^|[\s(])(?:in|since|by|until|till|from|during|early|late|mid|of|last|this|next|between|and|to|end|through|on|в|с|до|في|منذ)[ -]$"
)
_MODIFIER = re.compile(
    r"(?:^|(?<=\W))(?:(?:the )?(?:end|start|beginning|middle|first half|second half|height|rest) of |early |late |mid[ -]|в начале |в конце )$"
)
_RELATIVE = re.compile(
    r"(?:^|(?<=\W))(?:(?:over |in |during |for |within )?(?:the )?(last|past|previous|this|next|coming|current|preceding|recent|same|following)|(last|this|next|the)) ?(?:(\d{1,3}|[a-z]+)[ -])?$"
)
_COUNT = re.compile(r"(?<![\w.,])(?:(a )?(couple of|few)|several|\d{1,3}|[a-z]+)[ -]$")
_AGO = re.compile(r" (?:ago|earlier|before)\b")
_OLD = re.compile(r"[ -](?:old|olds)\b")
_PREPOSITION = re.compile(
    r"(?:^|(?<=\W))(منذ عام|منذ سنه|since(?: the)?|between|from|until|till|by|before|after|as of|as at|up to|from|starting(?: from| on| in)?|through|throughout|с начала|с|до|منذ|حتي|من|desde|depuis)(?: (?:about|around|the|at least|late|early))? $"
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
_UNTIL = frozenset(("until", "till", "by", "before", "up to", "do", "до", "حتي"))
_JOINERS = re.compile(
    r" ?- ?| to | and | until | through | till | до | الي | و| and the end of | to the end of | and the beginning of | and late | and early | and mid-"
)
_LOOK_BACK = 36
_ISO_UNIT = {"hour": "PT{}H", "day": "P{}D", "week": "P{}W", "month": "P{}M", "year": "P{}Y", "decade": "P{}Y"}


@lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    data = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    meanings: dict[str, tuple[str, Any]] = {}
    for kind in ("months", "weekdays"):
        for value, names in data[kind].items():
            for name in names:
                meanings[fold_key(name)] = (kind, value)
    for name, offset in data["days"].items():
        meanings[fold_key(name)] = ("days", offset)
    for name in data["now"]:
        meanings[fold_key(name)] = ("now", None)
    for name in data["vague"]:
        meanings[fold_key(name)] = ("vague", None)
    for name, value in data["phrases"].items():
        meanings[fold_key(name)] = ("phrases", tuple(value))
    for unit, names in data["units"].items():
        for name in names:
            meanings[fold_key(name)] = ("units", unit)
    return _Vocabulary(
        AhoCorasick(list(meanings), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.DFA),
        tuple(meanings),
        tuple(meanings.values()),
        frozenset(map(fold_key, data["weak_months"])),
        data["numbers"],
    )


def find_times(context: Context) -> list[TimeSpan]:
    """Every expression of time of `context`, in order of start, none overlapping."""
    text = context.folded.text
    published = _day(context.published_at)
    partials = sorted(_read_words(context, text, published) + _read_digits(text))
    spans: list[TimeSpan] = []
    index = 0
    end = -1
    while index < len(partials):
        partial = partials[index]
        index += 1
        if partial.start < end:
            continue
        second: _Partial | None = None
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


def _read_words(context: Context, text: str, published: date | None) -> list[_Partial]:
    words = _vocabulary()
    found: list[_Partial] = []
    size = len(text)
    for index, start, end in words.automaton.find_matches_as_indexes(text):
        if (end < size and text[end].isalnum()) or (start and text[start - 1].isalnum() and not _glued_digit(text, start)):
            continue
        kind, value = words.meanings[index]
        partial: _Partial | None = None
        if kind == "months":
            partial = _read_month(context, text, start, end, value, words)
        elif kind == "units":
            partial = _read_unit(text, start, end, value, published, words)
        elif kind == "weekdays":
            partial = _read_weekday(text, start, end, value, published)
        elif kind == "days":
            at = published + timedelta(days=value) if published else None
            partial = _Partial(start, end, "date", first=at, last=at, precision="day")
        elif kind == "now":
            if text[start - 1 : start] != "-" and text[end : end + 1] != "-":
                partial = _Partial(start, end, "now", first=published, last=published, precision="day" if published else "unknown")
        elif kind == "phrases":
            first, last = _shift(published, value[0], value[1])
            partial = _Partial(start, end, "date", first=first, last=last, precision=value[0])
        else:
            partial = _Partial(start, end, "vague")
        if partial is not None:
            found.append(partial)
    return found


def _glued_digit(text: str, start: int) -> bool:
    """ "18October": PDF text glues the day to its month."""
    return text[start - 1].isdigit()


def _read_month(context: Context, text: str, start: int, end: int, month: int, words: _Vocabulary) -> _Partial | None:
    name = text[start:end]
    begin, stop = start, end
    day: int | None = None
    last_day: int | None = None
    year: int | None = None
    head = text[max(0, start - _LOOK_BACK) : start]
    if head[-1:].isdigit():
        head += " "
    before = _DAY_BEFORE.search(head)
    if before is not None and 1 <= int(before[2]) <= 31:
        begin = start - (len(head.rstrip("\n")) - before.start(2)) + (1 if head != text[max(0, start - _LOOK_BACK) : start] else 0)
        day = int(before[2])
        if before[1] and int(before[1]) < day:
            begin -= before.start(2) - before.start(1)
            day, last_day = int(before[1]), day
    elif (after := _DAY_AFTER.match(text, end)) is not None and 1 <= int(after[1]) <= 31:
        day, stop = int(after[1]), after.end()
        later = after[2] or after[3]
        if later and day < int(later) <= 31:
            last_day = int(later)
        elif later:
            stop = after.end(1)
    following = _YEAR_AFTER.match(text, stop)
    if following is not None:
        year, stop = int(following[1]), following.end()
    if day is None and year is None:
        if name in words.weak and not _MONTH_CUE.search(text, max(0, start - 10), start):
            return None
        if name.isascii() and not context.text[context.folded.start(start)].isupper():
            return None
    modifier = _MODIFIER.search(text, max(0, begin - 20), begin) if day is None else None
    if modifier is not None:
        begin = modifier.start()
    return _Partial(begin, stop, "date", year=year, month=month, day=day, last_day=last_day)


def _read_digits(text: str) -> list[_Partial]:
    found = []
    for digits in _RUN.finditer(text):
        start, end = digits.span()
        size = end - start
        if size == 4 and text[start : start + 2] in ("19", "20"):
            match = _ISO.match(text, start)
            if match is None:
                if _YEAR.match(text, start) and _YEAR_CUE.search(text, max(0, start - 12), start):
                    modifier = _MODIFIER.search(text, max(0, start - 20), start)
                    found.append(_Partial(modifier.start() if modifier else start, end, "date", year=int(digits[0])))
                continue
            year, month, day = int(match[1]), int(match[2]), int(match[3])
        elif size <= 2 and text[end : end + 1] in ("/", "."):
            match = _ISO.match(text, start)
            if match is None:
                continue
            day, month, year = int(match[4]), int(match[6]), int(match[7])
            if month > 12 >= day:
                day, month = month, day
        else:
            continue
        if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]:
            found.append(_Partial(start, match.end(), "date", year=year, month=month, day=day))
    return found


def _read_unit(text: str, start: int, end: int, unit: str, published: date | None, words: _Vocabulary) -> _Partial | None:
    if _OLD.match(text, end):
        return None
    head = max(0, start - _LOOK_BACK)
    relative = _RELATIVE.search(text, head, start)
    if relative is not None:
        which = relative[1] or relative[2]
        count = _count(relative[3], words) if relative[3] else None
        if (relative[3] is None or count is not None) and which != "the":
            return _relative(relative.start(), end, which, unit, count, published)
    counted = _COUNT.search(text, head, start)
    if counted is None:
        return None
    count = _count(counted.group()[:-1], words)
    if count is None:
        return None
    article = counted.group()[:-1] in ("a", "an")
    ago = _AGO.match(text, end)
    if ago is not None:
        first, last = _shift(published, unit, -count)
        if unit in ("hour", "day"):
            last = first
        return _Partial(counted.start(), ago.end(), "date", first=first, last=last, precision="day" if unit == "hour" else unit)
    if unit == "weekend" or (
        article
        and not re.search(
            r"\b(?:for|in|within|over|than|about|since|after|nearly|almost) $", text[max(0, counted.start() - 8) : counted.start()]
        )
    ):
        return None
    amount = count * 10 if unit == "decade" else count
    return _Partial(counted.start(), end, "duration", duration=_ISO_UNIT[unit].format(amount))


def _count(word: str | None, words: _Vocabulary) -> int | None:
    if word is None:
        return None
    if word.isdigit():
        return int(word)
    return words.numbers.get(word.removeprefix("a "))


def _relative(start: int, end: int, which: str, unit: str, count: int | None, published: date | None) -> _Partial | None:
    if which in ("same", "following", "recent", "preceding"):
        return _Partial(start, end, "vague") if which == "recent" else None
    if count is not None:
        if published is None or which in ("this", "current"):
            return _Partial(start, end, "vague" if published is None else "duration", duration=_ISO_UNIT.get(unit, "P{}D").format(count))
        edge, _ = _shift(published, unit, -count if which in ("last", "past", "previous") else count, whole=False)
        first, last = (edge, published) if edge is not None and edge < published else (published, edge)
        return _Partial(start, end, "period", first=first, last=last, precision="day")
    if which == "past":
        edge, _ = _shift(published, unit, -1, whole=False)
        return _Partial(start, end, "period", first=edge, last=published, precision="day" if published else "unknown")
    offset = {"last": -1, "previous": -1, "next": 1, "coming": 1}.get(which, 0)
    first, last = _shift(published, unit, offset)
    return _Partial(
        start, end, "date", first=first, last=last, precision="week" if unit == "weekend" else "day" if unit == "hour" else unit
    )


def _shift(published: date | None, unit: str, offset: int, *, whole: bool = True) -> tuple[date | None, date | None]:
    """First and last day of the unit that lies `offset` units from that of `published`; not `whole`: the very day so far away."""
    if published is None:
        return None, None
    try:
        if unit in ("day", "hour"):
            at = published + timedelta(days=offset if unit == "day" else int(offset / 24))
            return at, at
        if unit in ("week", "weekend"):
            at = published + timedelta(weeks=offset)
            if not whole:
                return at, at
            monday = at - timedelta(days=at.weekday())
            return (monday + timedelta(days=5) if unit == "weekend" else monday), monday + timedelta(days=6)
        if unit == "month":
            months = published.year * 12 + published.month - 1 + offset
            year, month = divmod(months, 12)
            days = monthrange(year, month + 1)[1]
            if not whole:
                at = date(year, month + 1, min(published.day, days))
                return at, at
            return date(year, month + 1, 1), date(year, month + 1, days)
        year = published.year + offset * (10 if unit == "decade" else 1)
        if not whole:
            at = date(year, published.month, min(published.day, monthrange(year, published.month)[1]))
            return at, at
        return date(year, 1, 1), date(year, 12, 31)
    except (ValueError, OverflowError):
        return None, None


def _read_weekday(text: str, start: int, end: int, weekday: int, published: date | None) -> _Partial:
    which = re.search(r"(?:^|(?<=\W))(last|next|this|past|coming) $", text[max(0, start - 8) : start])
    at: date | None = None
    if published is not None:
        back = (published.weekday() - weekday) % 7
        if which and which[1] in ("next", "coming"):
            at = published + timedelta(days=7 - back)
        else:
            at = published - timedelta(days=back or (7 if which and which[1] == "last" else 0))
    begin = start - (len(which[1]) + 1 if which else 0)
    return _Partial(begin, end, "date", first=at, last=at, precision="day" if at else "unknown")


def _resolve(context: Context, text: str, one: _Partial, two: _Partial | None, published: date | None) -> TimeSpan:
    start = one.start
    end = two.end if two is not None else one.end
    preposition = _PREPOSITION.search(text, max(0, start - 28), start)
    word = ""
    if preposition is not None and one.kind in ("date", "duration", "period"):
        word = preposition[1]
        start = preposition.start()
    kind: Kind = one.kind
    if two is not None:
        kind = "period"
        if one.year is None and one.month is not None and two.month is not None and two.year is not None:
            one = one._replace(year=two.year if (one.month, one.day or 0) <= (two.month, two.day or 31) else two.year - 1)
    first, _, precision, inferred = _bounds(one, published)
    last: str | None = None
    if two is not None:
        if two.year is None and one.year is not None and two.month is not None and one.month is not None:
            two = two._replace(year=one.year if (one.month, one.day or 0) <= (two.month, two.day or 31) else one.year + 1)
        _, last, _, second_inferred = _bounds(two, published)
        inferred = inferred or second_inferred
        if first is not None and last is not None and last < first[: len(last)]:
            first = f"{int(first[:4]) - 1:04d}{first[4:]}" if inferred else first
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


def _bounds(partial: _Partial, published: date | None) -> tuple[str | None, str | None, str, bool]:
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
    first, _ = _shift(published, unit, -amount, whole=False)
    if first is None:
        return None, "unknown"
    return first.isoformat()[: {"month": 7, "year": 4}.get(unit, 10)], "day" if unit == "hour" else unit


_AHEAD = 3  # days: time zones, and announcements for the next days of the month
