"""The frontier: which address is due when. Three durable tables and nothing in memory, so a restart loses and repeats little.

A target is one feed, sitemap or page, named by its canonical address. `due` holds names in buckets of one minute, so finding what is due
never walks all targets; an entry that no longer agrees with its target is simply skipped. `hosts` spaces the targets of one host and holds
them all back after a 429. Times are Unix seconds, given by the caller: the same calls with the same times give the same frontier.
"""

from collections.abc import Iterator, MutableMapping
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from producers.urls import canonical, host_of
from tocsin.errors import Quarantine
from tocsin.records import FeedItem, Record, Request

BUCKET = 60.0  # seconds
BUCKET_SIZE = 200  # names in one row; a fuller minute takes more rows
AHEAD = 3600.0  # seconds: a record of later than this was written by a clock that has been set back since
LEASE = 6 * 3600.0  # seconds after which a released request that was never answered is released again; above any polite queue


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """How often things are asked. All in seconds unless said otherwise."""

    feed_interval: float = 900.0  # first rhythm of a feed
    feed_fastest: float = 300.0
    feed_slowest: float = 7200.0
    feed_failing: float = 86400.0  # a failing feed is asked at least this often, for ever
    refetch: tuple[float, ...] = (3600.0, 21600.0, 86400.0)  # gaps after each read of a page, to see edits; then it is left alone
    max_fetches: int = 12  # reads of one page in all, however often its feed says it changed
    retries: tuple[float, ...] = (60.0, 300.0, 1800.0, 7200.0, 28800.0, 86400.0)  # gaps after each failure of a page; then it is dropped
    max_hops: int = 5  # redirects
    host_delay: float = 5.0  # between two requests to one host, where the source says nothing else
    keep: float = 30 * 86400.0  # a page is remembered this long after a feed last listed it
    max_targets: int = 500_000  # pages remembered; the longest unseen go first
    max_new: int = 2_000  # new pages taken from one poll; the others wait for the next, as long as they are listed
    max_sitemaps: int = 20  # followed from one sitemap index, the newest first
    sitemap_age: float = 3 * 86400.0  # older entries of a sitemap are history, read only for a `backfill` source


DEFAULT = Rhythm()


class Target(Record, frozen=True, kw_only=True):
    """One address to ask, and all that is known of asking it."""

    url: str  # as listed
    host: str  # of the next request
    source_id: str
    kind: Literal["feed", "sitemap", "page"]
    due: float | None = None  # None: never again
    out: bool = False  # released, and not answered yet
    tried: bool = False  # answered at least once since it was planned
    item: FeedItem | None = None
    etag: str | None = None
    last_modified: str | None = None
    hop: str | None = None  # where a redirect led: what is asked next
    hops: tuple[str, ...] = ()  # every address asked before that, first first
    alias_of: str | None = None  # this address only redirects, or is redirected to, by that target
    depth: int = 0  # of a sitemap below the declared one
    fetches: int = 0  # times read
    attempts: int = 0  # failures in a row
    failing: str = ""  # reason of the last failure; empty: well
    bad_content: bool = False  # the failure was in what came, so a 304 does not heal it
    interval: float = 0.0  # a feed's rhythm
    delay: float | None = None  # the source's own pause between requests
    seen: float = 0.0  # when a feed last listed it
    fetched_at: float = 0.0
    title: str | None = None  # as listed when last read: another title means an edit
    backfill: bool = False
    asked: bool = False  # by a person or another program, so of no declared source perhaps


class Due(Record, frozen=True, kw_only=True):
    """Names of targets due in one minute."""

    names: tuple[str, ...]


class Host(Record, frozen=True, kw_only=True):
    """When a host may be asked next."""

    free: float = 0.0  # the next slot not yet promised to a target
    until: float = 0.0  # nothing before this: the host asked for time, or failed again and again
    failures: int = 0  # in a row, without any answer


class Frontier(NamedTuple):
    """The scheduler's state: three mappings, which the caller keeps."""

    targets: MutableMapping[str, Target]
    due: MutableMapping[str, Due]
    hosts: MutableMapping[str, Host]


def name_of(request: Request) -> str:
    """Name of the target a request serves: the canonical form of the address first asked."""
    return canonical(request.redirected_from[0] if request.redirected_from else request.url)


def put(frontier: Frontier, name: str, target: Target) -> None:
    """Keep a target, and its name in the bucket of the minute it is due."""
    frontier.targets[name] = target
    if target.due is None:
        return
    minute = _minute(target.due)
    for row in range(10_000):
        key = f"{minute}.{row:04d}"
        bucket = frontier.due.get(key)
        if bucket is None or len(bucket.names) < BUCKET_SIZE:
            frontier.due[key] = Due(names=(*(bucket.names if bucket else ()), name))
            return


def slot(frontier: Frontier, host: str, now: float, delay: float) -> float:
    """Promise the host's next free moment to a target, so that one host's pages come due one after the other."""
    known = frontier.hosts.get(host, Host())
    moment = max(known.free, known.until, now)
    frontier.hosts[host] = replace(known, free=moment + delay)
    return moment


def due(frontier: Frontier, now: float, limit: int = 1000) -> tuple[Request, ...]:
    """Release what is due, oldest first, at most `limit`. What is never answered is released again after LEASE seconds."""
    released: list[Request] = []
    minute = _minute(now)
    for key in sorted(key for key in frontier.due if key.partition(".")[0] <= minute):
        if len(released) >= limit:
            break  # after a long rest there are thousands of rows: those not reached stay as they are
        kept: list[str] = []
        for name in frontier.due.pop(key).names:
            target = frontier.targets.get(name)
            if target is None or target.due is None or _minute(target.due) != key.partition(".")[0]:
                continue  # moved or forgotten since
            host = frontier.hosts.get(target.host)
            if target.due > now or len(released) >= limit:
                kept.append(name)
            elif host is not None and host.until > now:
                put(frontier, name, replace(target, due=host.until))
            else:
                released.append(_request(target))
                put(frontier, name, replace(target, out=True, due=now + LEASE))
        if kept:  # a put above may have opened this row again
            again = frontier.due.get(key)
            frontier.due[key] = Due(names=(*kept, *(again.names if again else ())))
    return tuple(released)


def _request(target: Target) -> Request:
    return Request(
        url=target.hop or target.url,
        host=target.host,
        source_id=target.source_id,
        kind=target.kind,
        item=target.item,
        etag=target.etag,
        last_modified=target.last_modified,
        redirected_from=target.hops,
        attempt=target.attempts,
        backfill=target.backfill,
    )


def next_due(frontier: Frontier) -> float | None:
    """When to ask `due` again: the earliest moment something may be due (Unix seconds), or None when nothing ever will be."""
    for key in sorted(frontier.due):
        moments = [
            max(target.due, host.until if (host := frontier.hosts.get(target.host)) else 0.0)
            for _, target in _waiting(frontier, key)
            if target.due is not None
        ]
        if moments:
            return min(moments)
    return None


def unfinished(frontier: Frontier) -> int:
    """How many targets were never answered since they were planned: zero means that a single round is complete."""
    return len({name for key in list(frontier.due) for name, target in _waiting(frontier, key) if not target.tried})


def _waiting(frontier: Frontier, key: str) -> Iterator[tuple[str, Target]]:
    for name in frontier.due[key].names:
        target = frontier.targets.get(name)
        if target is not None and target.due is not None and _minute(target.due) == key.partition(".")[0]:
            yield name, target


def resume(frontier: Frontier, now: float) -> int:
    """After a start: what was released and never answered is due at once. Returns how many."""
    lost = {name: target for key in list(frontier.due) for name, target in _waiting(frontier, key) if target.out}
    for name, target in lost.items():
        put(frontier, name, replace(target, out=False, due=now))
    return len(lost)


def set_back(frontier: Frontier, now: float) -> int:
    """After the clock was set back: what a clock ahead of time has planned is due now, or it would wait for that day.

    Call it at the start and hourly; it walks everything. Returns how many were planned anew.
    """
    ahead = {name: target for name, target in frontier.targets.items() if max(target.seen, target.fetched_at) > now + AHEAD}
    if not ahead:
        return 0
    for name, target in ahead.items():
        due_now = None if target.due is None else min(target.due, now)
        put(frontier, name, replace(target, due=due_now, seen=now, fetched_at=min(target.fetched_at, now)))
    for host, known in list(frontier.hosts.items()):
        frontier.hosts[host] = replace(known, free=min(known.free, now), until=min(known.until, now))
    return len(ahead)


def forget(frontier: Frontier, now: float, rhythm: Rhythm = DEFAULT) -> int:
    """Keep the frontier bounded: call it now and then (hourly), it walks everything. Feeds are never forgotten. Returns how many went."""
    pages = sorted((target.seen, name) for name, target in frontier.targets.items() if target.kind == "page" or target.depth)
    surplus = len(pages) - rhythm.max_targets
    gone = [
        name for rank, (seen, name) in enumerate(pages) if rank < surplus or (seen < now - rhythm.keep and not frontier.targets[name].out)
    ]
    for name in gone:
        del frontier.targets[name]
    for host in [host for host, known in frontier.hosts.items() if max(known.free, known.until) < now - 86400.0]:
        del frontier.hosts[host]
    return len(gone)


def host_or_none(url: str) -> str | None:
    """Host of an address, None when it cannot be asked."""
    try:
        return host_of(url)
    except Quarantine:
        return None


def _minute(moment: float) -> str:
    return f"{max(0, int(moment // BUCKET)):010d}"
