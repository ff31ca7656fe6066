"""What came of one try, and when the next one is."""

import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

BAD_MESSAGE = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})
"""Statuses that speak of this message; all others that are no success speak of the channel."""
TRIES = 3
"""Of a message that its receiver refuses."""
FIRST = 2.0  # seconds of the first back-off
_LONGEST_ASKED = 86_400.0  # seconds that a receiver can make us wait


class Outcome(NamedTuple):
    """`sent`: the receiver has it. `failed`: nothing gets through now. `refused`: the receiver does not want this very message."""

    kind: Literal["sent", "failed", "refused"]
    why: str = ""  # one line without secrets
    after: float = 0.0  # seconds that the receiver asks to wait


def of_status(status: int, headers: Mapping[str, str], now: float) -> Outcome:
    """The outcome of an HTTP answer. `now`: Unix seconds."""
    if 200 <= status < 300:
        return Outcome("sent")
    if 300 <= status < 400:
        return Outcome("failed", f"HTTP {status}: it redirects, which is not followed; give the address it leads to")
    after = retry_after(headers.get("Retry-After", ""), now) if status in (429, 503) or status >= 500 else 0.0
    advice = {401: ": is the secret right?", 403: ": is the secret right?", 404: ": is the address right?", 410: ": it is gone for good"}
    asked = f", asks to wait {after:,.0f} s" if after else ""
    return Outcome("refused" if status in BAD_MESSAGE else "failed", f"HTTP {status}{advice.get(status, '')}{asked}", after)


def retry_after(value: str, now: float) -> float:
    """Seconds to wait, of a Retry-After header: seconds or a date (RFC 9110, 10.2.3). 0.0 when there is none that can be read."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_ASKED)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now), _LONGEST_ASKED)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def back_off(failures: int, most: float, asked: float = 0.0, chance: float | None = None) -> float:
    """Seconds until the next try after `failures` in a row: doubled each time up to `most`, half of it by chance; never before `asked`.

    `chance`: 0..1, for tests.
    """
    chance = random.random() if chance is None else chance  # noqa: S311 - spreads load, hides nothing
    ceiling = min(most, FIRST * 2.0 ** min(failures - 1, 30))
    return max(ceiling * (0.5 + 0.5 * chance), asked * (1 + 0.1 * chance) if asked else 0.0)
