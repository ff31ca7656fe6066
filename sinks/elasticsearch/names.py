"""The names of indices and aliases, and the months in them."""

import re

from tocsin.settings import Settings

_MONTH = re.compile(r"(\d{4})-(\d{2})")
UNDATED = "1970.01"


def alias(settings: Settings, kind: str) -> str:
    """What readers ask: "tocsin-claims"."""
    return f"{settings.prefix}-{kind}"


def base(settings: Settings, kind: str, generation: int | None = None) -> str:
    """An index that is not monthly, or the beginning of those that are: "tocsin-claims-v1"."""
    return f"{settings.prefix}-{kind}-v{generation or settings.index_generation}"


def month(moment: str | None) -> str:
    """The month of an ISO 8601 time as index names carry it: "2026.11"."""
    found = _MONTH.match(moment or "")
    return f"{found[1]}.{found[2]}" if found else UNDATED


def monthly(settings: Settings, kind: str, moment: str | None) -> str:
    """The index for a moment: "tocsin-claims-v1-2026.11"."""
    return f"{base(settings, kind)}-{month(moment)}"


def generation_of(settings: Settings, kind: str, index: str) -> int | None:
    """The generation in an index name of ours; None when it is not one."""
    found = re.fullmatch(rf"{re.escape(settings.prefix)}-{re.escape(kind)}-v(\d+)(?:-\d{{4}}\.\d{{2}})?", index)
    return int(found[1]) if found else None
