"""The syntax of times: months, weekdays, units and digits of a text read into dates as they are written.

One pass finds the words that can belong to a time; small anchored patterns then read what stands beside each.
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
from msgspec import Struct

from streams.context import Context
from tocsin.fold import fold_key
from tocsin.yaml_file import read_yaml

PATH = Path(__file__).parent / "data" / "times.yaml"
Kind = Literal["date", "period", "since", "until", "duration", "now", "vague"]


class Partial(Struct, frozen=True, gc=False):
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
    r"\.? (?:the )?(\d{1,2})(?:st|nd|rd|th)?(?: ?- ?(\d{1,2})(?:st|nd|rd|th)?| and (\d{1,2})(?:st|nd|rd|th)?)?(?![\d:]|,\d{3}|"
    r" (?:people|civilians|families))"
)
_YEAR_AFTER = re.compile(
    r"(?:\.?,? (?:of |de |عام |سنه )?|/[^\W\d]+(?: [^\W\d]+)?,? )((?:19|20)\d\d)(?!\d|,\d|[./-]\d)(?: года| г\.| р\.)?"
)
_RUN = re.compile("[0-9][0-9]*")  # a class in front is sought faster than a repeated one
_ISO = re.compile(r"(?<![\d/.-])((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)|(?<![\d/.-])(\d{1,2})([/.])(\d{1,2})\5((?:19|20)\d\d)(?!\d)")
_YEAR = re.compile(
    r"(?<![\d.,/:$€£#-])(?:19|20)\d\d(?!\d|,\d|[./:-]\d|%| ?(?:per|km|people|families|persons|houses|civilians|homes|households|"
    r"idps|refugees)\b)"
)
_YEAR_CUE = re.compile(
    r"(?:^|[\s(])(?:in|since|by|until|till|from|during|early|late|mid|before|after|year|summer|winter|spring|autumn|fall|of|the|"
    r"and|to|end|beginning|between|through|"
    r"в|с|до|عام|سنه|منذ|en|desde|depuis) ?-?$|\($"
)
_MONTH_CUE = re.compile(
    r"(?:^|[\s(])(?:in|since|by|until|till|from|during|early|late|mid|of|last|this|next|between|and|to|end|through|on|в|с|до|في|منذ)[ -]$"
)
_MODIFIER = re.compile(
    r"(?:^|(?<=\W))(?:(?:the )?(?:end|start|beginning|middle|first half|second half|height|rest) of |early |late |mid[ -]|"
    r"в начале |в конце )$"
)
_RELATIVE = re.compile(
    r"(?:^|(?<=\W))(?:(?:over |in |during |for |within )?(?:the )?(last|past|previous|this|next|coming|current|preceding|recent|"
    r"same|following)|(last|this|next|the)) ?(?:(\d{1,3}|[a-z]+)[ -])?$"
)
_RELATIVE_WORDS = frozenset(
    ("last", "past", "previous", "this", "next", "coming", "current", "preceding", "recent", "same", "following", "the")
)
_COUNT = re.compile(r"(?<![\w.,])(?:(a )?(couple of|few)|several|\d{1,3}|[a-z]+)[ -]$")
_WHICH_DAY = re.compile(r"(?:^|(?<=\W))(last|next|this|past|coming) $")
_AGO = re.compile(r" (?:ago|earlier|before)\b")
_OLD = re.compile(r"[ -](?:old|olds)\b")
_LOOK_BACK = 36  # code points
_ISO_UNIT = {"hour": "PT{}H", "day": "P{}D", "week": "P{}W", "month": "P{}M", "year": "P{}Y", "decade": "P{}Y"}


@lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    data = read_yaml(PATH).value
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
        AhoCorasick(list(meanings), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA),
        tuple(meanings),
        tuple(meanings.values()),
        frozenset(map(fold_key, data["weak_months"])),
        data["numbers"],
    )


def read_partials(context: Context, published: date | None) -> list[Partial]:
    """Every date, period and duration as written, in order of start; they may overlap."""
    text = context.folded.text
    return sorted(_read_words(context, text, published) + _read_digits(text), key=_span)


def _span(partial: Partial) -> tuple[int, int]:
    return partial.start, -partial.end


def _read_words(context: Context, text: str, published: date | None) -> list[Partial]:
    words = _vocabulary()
    found: list[Partial] = []
    size = len(text)
    for index, start, end in words.automaton.find_matches_as_indexes(text):
        if (end < size and text[end].isalnum()) or (start and text[start - 1].isalnum() and not _glued_digit(text, start)):
            continue
        kind, value = words.meanings[index]
        partial: Partial | None = None
        if kind == "months":
            partial = _read_month(context, text, start, end, value, words)
        elif kind == "units":
            partial = _read_unit(text, start, end, value, published, words)
        elif kind == "weekdays":
            partial = _read_weekday(text, start, end, value, published)
        elif kind == "days":
            at, _ = shift(published, "day", value)
            partial = Partial(start, end, "date", first=at, last=at, precision="day")
        elif kind == "now":
            if text[start - 1 : start] != "-" and text[end : end + 1] != "-":
                partial = Partial(start, end, "now", first=published, last=published, precision="day" if published else "unknown")
        elif kind == "phrases":
            first, last = shift(published, value[0], value[1])
            partial = Partial(start, end, "date", first=first, last=last, precision=value[0])
        else:
            partial = Partial(start, end, "vague")
        if partial is not None:
            found.append(partial)
    return found


def _glued_digit(text: str, start: int) -> bool:
    """For "18October": PDF text glues the day to its month."""
    return text[start - 1].isdigit()


def _read_month(context: Context, text: str, start: int, end: int, month: int, words: _Vocabulary) -> Partial | None:
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
    return Partial(begin, stop, "date", year=year, month=month, day=day, last_day=last_day)


def _read_digits(text: str) -> list[Partial]:
    found = []
    for digits in _RUN.finditer(text):
        start, end = digits.span()
        size = end - start
        if size == 4 and text[start : start + 2] in ("19", "20"):
            match = _ISO.match(text, start)
            if match is None:
                if _YEAR.match(text, start) and _YEAR_CUE.search(text, max(0, start - 12), start):
                    modifier = _MODIFIER.search(text, max(0, start - 20), start)
                    found.append(Partial(modifier.start() if modifier else start, end, "date", year=int(digits[0])))
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
            found.append(Partial(start, match.end(), "date", year=year, month=month, day=day))
    return found


def _read_unit(text: str, start: int, end: int, unit: str, published: date | None, words: _Vocabulary) -> Partial | None:
    if _OLD.match(text, end):
        return None
    head = max(0, start - _LOOK_BACK)
    near = text[max(0, start - 24) : start].replace("-", " ").split()[-2:]
    relative = _RELATIVE.search(text, head, start) if not _RELATIVE_WORDS.isdisjoint(near) else None
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
        first, last = shift(published, unit, -count)
        return Partial(counted.start(), ago.end(), "date", first=first, last=last, precision="day" if unit == "hour" else unit)
    if unit == "weekend" or (
        article
        and not re.search(
            r"\b(?:for|in|within|over|than|about|since|after|nearly|almost) $", text[max(0, counted.start() - 8) : counted.start()]
        )
    ):
        return None
    amount = count * 10 if unit == "decade" else count
    return Partial(counted.start(), end, "duration", duration=_ISO_UNIT[unit].format(amount))


def _count(word: str | None, words: _Vocabulary) -> int | None:
    if word is None:
        return None
    if word.isdigit():
        return int(word)
    return words.numbers.get(word.removeprefix("a "))


def _relative(start: int, end: int, which: str, unit: str, count: int | None, published: date | None) -> Partial | None:
    if which in ("same", "following", "recent", "preceding"):
        return Partial(start, end, "vague") if which == "recent" else None
    if count is not None:
        if published is None or which in ("this", "current"):
            return Partial(start, end, "vague" if published is None else "duration", duration=_ISO_UNIT.get(unit, "P{}D").format(count))
        edge, _ = shift(published, unit, -count if which in ("last", "past", "previous") else count, whole=False)
        ahead = edge is not None and edge > published
        return Partial(start, end, "period", first=published if ahead else edge, last=edge if ahead else published, precision="day")
    if which == "past":
        since, _ = shift(published, unit, -1, whole=False)
        return Partial(start, end, "period", first=since, last=published, precision="day" if published else "unknown")
    offset = {"last": -1, "previous": -1, "next": 1, "coming": 1}.get(which, 0)
    first, last = shift(published, unit, offset)
    return Partial(start, end, "date", first=first, last=last, precision="week" if unit == "weekend" else "day" if unit == "hour" else unit)


def shift(published: date | None, unit: str, offset: int, *, whole: bool = True) -> tuple[date | None, date | None]:
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


def _read_weekday(text: str, start: int, end: int, weekday: int, published: date | None) -> Partial:
    which = _WHICH_DAY.search(text[max(0, start - 8) : start])
    at: date | None = None
    if published is not None:
        back = (published.weekday() - weekday) % 7
        if which and which[1] in ("next", "coming"):
            at = published + timedelta(days=7 - back)
        else:
            at = published - timedelta(days=back or (7 if which and which[1] == "last" else 0))
    begin = start - (len(which[1]) + 1 if which else 0)
    return Partial(begin, end, "date", first=at, last=at, precision="day" if at else "unknown")
