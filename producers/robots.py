"""robots.txt, as RFC 9309 says: cached for each origin, asked before every request and every redirect hop.

A missing file (4xx) allows everything; a server that fails or cannot be reached (5xx, 429, no answer) forbids everything for a short while,
because its wishes are unknown. At most 500 KB are read (RFC 9309 section 2.5 asks for at least that much).
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from protego import Protego

MAX_ROBOTS = 500 * 1024  # bytes
KEPT = 24 * 3600.0  # seconds a file is believed; RFC 9309 section 2.4: no longer than a day
KEPT_UNKNOWN = 600.0  # seconds until a failing server is asked again
KEPT_SILENT = 30.0  # the same for one that did not answer at all: the scheduler's own pauses are longer
MAX_DELAY = 60.0  # seconds; a longer crawl-delay is capped, or one page a day would be all
MAX_ORIGINS = 20_000


class Answer(NamedTuple):
    """What came of asking for robots.txt."""

    status: int | None  # None: no answer
    body: bytes = b""
    reason: str = "robots-unknown"  # why there was no answer; one of producers.answers.REASONS


class Verdict(NamedTuple):
    """What robots.txt says about one URL."""

    allowed: bool
    reason: str = ""  # why not: `robots` for a rule, else why the rules are unknown
    delay: float | None = None  # seconds between requests the host asks for, capped


class Rules(NamedTuple):
    """One origin's rules, as read at `at`."""

    at: float
    parsed: Protego | None = None  # None: everything is allowed, or everything forbidden when `unknown`
    unknown: str = ""  # why the host's wishes are not known; empty: they are
    kept: float = KEPT  # seconds these rules are believed


Ask = Callable[[str], Awaitable[Answer]]


def read_rules(answer: Answer, at: float) -> Rules:
    """Turn an answer into rules. Pure; `at` in seconds of the caller's clock."""
    if answer.status is None:
        return Rules(at, unknown=answer.reason, kept=KEPT_SILENT)
    if answer.status == 429 or answer.status >= 500:
        return Rules(at, unknown="robots-unknown", kept=KEPT_UNKNOWN)
    if not 200 <= answer.status < 300:
        return Rules(at)
    body = answer.body[:MAX_ROBOTS]
    if len(answer.body) > MAX_ROBOTS:
        body = body[: body.rfind(b"\n") + 1]  # never half a rule
    try:
        return Rules(at, Protego.parse(body.decode("utf-8-sig", "replace")))
    except (ValueError, IndexError, RecursionError):
        return Rules(at, unknown="robots-unknown", kept=KEPT_UNKNOWN)


def judge(rules: Rules, url: str, agent: str) -> Verdict:
    """What these rules say about `url` for the product token `agent`. Pure."""
    if rules.unknown:
        return Verdict(allowed=False, reason=rules.unknown)
    if rules.parsed is None:
        return Verdict(allowed=True)
    delay = rules.parsed.crawl_delay(agent)
    if delay is None and (rate := rules.parsed.request_rate(agent)) is not None and rate.requests > 0:
        delay = rate.seconds / rate.requests
    delay = None if delay is None else min(max(float(delay), 0.0), MAX_DELAY)
    allowed = bool(rules.parsed.can_fetch(url, agent))
    return Verdict(allowed, reason="" if allowed else "robots", delay=delay)


class Robots:
    """The cache of rules, the one thing here that remembers. `ask` fetches a robots.txt; callers ask one origin one at a time."""

    def __init__(self, ask: Ask, agent: str, clock: Callable[[], float]) -> None:
        """`agent`: product token, e.g. Tocsin. `clock`: seconds, monotonic."""
        self._ask = ask
        self._agent = agent
        self._clock = clock
        self._rules: OrderedDict[str, Rules] = OrderedDict()

    async def verdict(self, url: str) -> Verdict:
        """May `url` be fetched? Reads the origin's robots.txt when it is not known or too old."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        rules = self._rules.get(origin)
        now = self._clock()
        if rules is None or now - rules.at > rules.kept:
            rules = read_rules(await self._ask(f"{origin}/robots.txt"), now)
            self._rules[origin] = rules
            while len(self._rules) > MAX_ORIGINS:
                self._rules.popitem(last=False)
        return judge(rules, url, self._agent)
