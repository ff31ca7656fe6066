"""Dates as they are asked for and stored: seconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

from tocsin import clock
from tocsin.errors import UsageError


def seconds(text: str | None) -> int | None:
    """Moment of an ISO 8601 date or time; a year or a month is its first day. None when it cannot be read."""
    if not text:
        return None
    padded = text.strip() + {4: "-01-01", 7: "-01"}.get(len(text.strip()), "")
    try:
        return int(clock.parse(padded).timestamp())
    except (ValueError, OverflowError):
        return None


def lower(text: str, option: str) -> int:
    """First second meant by `--since`. Raises UsageError."""
    moment = seconds(text)
    if moment is None:
        raise UsageError(f"{option} {text!r}: not a date: write 2018-01-06 or 2018-01-06T10:00:00Z")
    return moment


def upper(text: str, option: str) -> int:
    """First second after `--until`: a bare date means the whole day (month, year). Raises UsageError."""
    start = lower(text, option)
    begin = datetime.fromtimestamp(start, UTC)
    size = len(text.strip())
    if size == 4:
        return int(begin.replace(year=begin.year + 1).timestamp())
    if size == 7:
        return int((begin + timedelta(days=32)).replace(day=1).timestamp())
    return start + (86_400 if size <= 10 else 1)
