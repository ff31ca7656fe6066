"""Time as the records write it: ISO 8601 in UTC, to the second."""

from datetime import UTC, datetime


def now() -> str:
    """Wall-clock time, e.g. 2018-01-06T10:00:00Z."""
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    """Format a moment; a naive one is taken as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_of(moment: float) -> str:
    """Format Unix seconds."""
    return iso(datetime.fromtimestamp(moment, UTC))


def parse(text: str) -> datetime:
    """Parse what `iso` wrote, or any ISO 8601 date or time; naive is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:  # the first and the last day of the calendar, in another zone
        raise ValueError(f"outside the calendar: {text!r}") from error
