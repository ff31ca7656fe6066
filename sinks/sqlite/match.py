"""The full-text expression of a query, as SQLite's FTS5 reads it."""

from sinks.query import Parsed
from sinks.words import Pattern


def match(parsed: Parsed) -> str | None:
    """The FTS5 expression of what is wanted; None when there is nothing (every article fits)."""
    if not parsed.groups:
        return None
    wanted = " AND ".join(f"({any_of(group)})" for group in parsed.groups)
    return f"({wanted}) NOT ({any_of(parsed.excluded)})" if parsed.excluded else wanted


def any_of(patterns: tuple[Pattern, ...]) -> str:
    """FTS5 expression: any of the patterns. Keys hold letters and digits only, so quoting is complete."""
    return " OR ".join(f'"{" ".join(pattern.keys)}"{" *" if pattern.prefix else ""}' for pattern in patterns)
