"""The scheduler: what each answer means for what is asked next. Pure; the frontier (`producers.frontier`) is passed in, so is the time.

Feeds: polled for ever, faster while they bring news, slower while they do not; a failing feed is asked less and less often, never dropped.
Pages: read once, again after 1 h, 6 h and a day to see edits (a changed title or date in the feed brings that forward), then left alone.
New is what has an address not seen before: dates decide nothing, except that a sitemap's old entries are history (see Rhythm).
A 304 heals a failure of the connection, never one of the content: what did not change is as unreadable as it was.
"""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from producers.frontier import DEFAULT, Frontier, Host, Rhythm, Target, host_or_none, name_of, put, resume, set_back, slot
from producers.sources import Source
from producers.urls import canonical
from tocsin import clock
from tocsin.errors import Quarantine
from tocsin.records import Dropped, Fate, FeedItem, Fetched, Request

_NO_ANSWER = frozenset(("connect", "connection-lost", "dns", "timeout", "tls"))  # the host did not answer at all
_CONTENT = frozenset(("not-feed", "body-unreadable", "empty", "too-large"))  # the host answered, with something unreadable
_DAY = 86400.0


class Learned(NamedTuple):
    """What an answer meant: for `tocsin trace`, and for the count of refusals. The rest is in the frontier."""

    fates: tuple[Fate, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def plan(
    frontier: Frontier, sources: Iterable[Source], now: float, rhythm: Rhythm = DEFAULT, at_once: bool = False, queued: bool = False
) -> tuple[Fate, ...]:
    """Bring the frontier in line with the declared sources: call it at the start, and when the sources change.

    New feeds are due now, feeds no longer declared go, requests that were under way when the process ended are due again; so is what
    was planned by a clock that has been set back since.
    Pages of a source that is no longer declared are not asked any more; those that never were are told in the fates returned.
    `at_once`: all feeds are due now whatever their rhythm (a single round, `--once`). `queued`: what is under way lies in a queue that
    outlives this process, so its answers will come.
    """
    set_back(frontier, now)
    if not queued:
        resume(frontier, now)
    declared: set[str] = set()
    sources = tuple(sources)
    for source in sources:
        for feed in source.feeds:
            name = canonical(feed.url)
            declared.add(name)
            known = frontier.targets.get(name)
            host = host_or_none(feed.url) or ""
            delay = rhythm.host_delay if source.host_delay is None else source.host_delay
            if known is not None and known.kind != "page" and known.source_id == source.id and known.url == feed.url:
                changed = replace(known, delay=source.host_delay, backfill=source.backfill, depth=0, alias_of=None)
                if at_once or known.due is None:
                    changed = replace(changed, due=slot(frontier, changed.host, now, delay), tried=False)
                if changed != known:
                    put(frontier, name, changed)
                continue
            target = Target(
                url=feed.url,
                host=host,
                source_id=source.id,
                kind=feed.kind,
                due=slot(frontier, host, now, delay),
                interval=rhythm.feed_interval,
                delay=source.host_delay,
                seen=now,
                backfill=source.backfill,
            )
            put(frontier, name, target)
    for name in [n for n, t in frontier.targets.items() if t.kind != "page" and t.depth == 0 and t.alias_of is None and n not in declared]:
        del frontier.targets[name]
    return _abandon(frontier, {source.id for source in sources}, now)


def _abandon(frontier: Frontier, declared: set[str], now: float) -> tuple[Fate, ...]:
    """Stop asking for pages, and sitemaps below others, of sources that nobody declares any more."""
    fates: list[Fate] = []
    for name, target in [(n, t) for n, t in frontier.targets.items() if t.due is not None and not t.asked and t.source_id not in declared]:
        if target.fetches:
            frontier.targets[name] = replace(_at_start(target), due=None)
            continue
        del frontier.targets[name]  # declared and listed again, it is new
        note = f"source {target.source_id!r} is no longer declared"
        fates.append(
            Fate(url=target.url, at=clock.iso_of(now), stage="schedule", outcome="skipped", detail=note, source_id=target.source_id)
        )
    return tuple(fates)


def submit(frontier: Frontier, request: Request, now: float, rhythm: Rhythm = DEFAULT) -> bool:
    """Take one request from outside (an address given by a person). False when its page is known and not due for anything new.

    Raises Quarantine when it is no web address.
    """
    name = canonical(request.url)
    known = frontier.targets.get(name)
    if known is not None and (known.out or (known.due is not None and not known.tried)):
        return False
    host = host_or_none(request.url)
    if host is None:
        raise Quarantine(f"not a web address: {request.url[:100]!r}")
    kind = "feed" if request.kind == "robots" else request.kind
    base = (
        known
        if known is not None
        else Target(url=request.url, host=host, source_id=request.source_id, kind=kind, seen=now, asked=True, backfill=request.backfill)
    )
    moment = slot(frontier, host, now, rhythm.host_delay if base.delay is None else base.delay)
    put(frontier, name, replace(base, due=moment, host=host, hop=None, hops=(), alias_of=None, tried=False, item=request.item or base.item))
    return True


def learn(frontier: Frontier, fetched: Fetched, now: float, rhythm: Rhythm = DEFAULT) -> Learned:
    """Take in one answer: when to ask again, where redirects lead, what is new. The same answer again changes nothing."""
    request = fetched.request
    name = name_of(request)
    target = frontier.targets.get(name)
    if target is None:  # forgotten meanwhile, or asked by someone else: take it from the request
        kind = "feed" if request.kind == "robots" else request.kind
        target = Target(url=request.url, host=request.host, source_id=request.source_id, kind=kind, item=request.item, seen=now, asked=True)
        target = replace(target, interval=rhythm.feed_interval, backfill=request.backfill, hops=request.redirected_from)
    elif not target.out:
        return Learned()  # answered already: this is a redelivery
    _hear(frontier, request.host, fetched, now)
    if fetched.outcome == "redirected":
        return _redirected(frontier, name, target, fetched, now, rhythm)
    if fetched.outcome in ("fetched", "not-modified"):
        if request.kind == "page":
            return _page_read(frontier, name, target, fetched, now, rhythm)
        return _feed_read(frontier, name, target, fetched, now, rhythm)
    if request.kind == "page" and fetched.outcome in ("gone", "refused"):
        return _end(frontier, name, target, fetched, fetched.reason, fetched.detail)
    return _failed(frontier, name, target, fetched, now, rhythm)


def _hear(frontier: Frontier, name: str, fetched: Fetched, now: float) -> None:
    """Remember how the host itself is doing."""
    host = frontier.hosts.get(name, Host())
    if fetched.outcome == "slow-down":
        wait = fetched.retry_after if fetched.retry_after is not None else min(60.0 * 2**host.failures, 3600.0)
        frontier.hosts[name] = replace(host, until=max(host.until, now + min(wait, _DAY)), failures=host.failures + 1)
    elif fetched.reason in _NO_ANSWER:
        failures = host.failures + 1
        # One page too slow is that page's trouble; from the third silence on the host is left in peace.
        rest = min(30.0 * 2 ** (failures - 3), 3600.0) if failures >= 3 else 0.0
        frontier.hosts[name] = replace(host, failures=failures, until=max(host.until, now + rest))
    elif host.failures:
        frontier.hosts[name] = replace(host, failures=0)


def _redirected(frontier: Frontier, name: str, target: Target, fetched: Fetched, now: float, rhythm: Rhythm) -> Learned:
    request = fetched.request
    to = fetched.redirect_to or ""
    host = host_or_none(to)
    hops = (*request.redirected_from, request.url)
    problem = ""
    if host is None:
        problem = "bad-redirect"
    elif to in hops:
        problem = "redirect-loop"
    elif len(hops) > rhythm.max_hops:
        problem = "too-many-redirects"
    elif request.kind == "page" and _is_front_page(request.url, to):
        problem = "gone"
    if problem:
        detail = "sent to the front page instead" if problem == "gone" else " -> ".join((*hops, to))[:500]
        if request.kind == "page":
            return _end(frontier, name, target, fetched, problem, detail)
        return _failed(frontier, name, target, replace(fetched, outcome="failed", reason=problem, detail=detail), now, rhythm)
    assert host is not None  # noqa: S101 - no problem above means there is one
    goal = canonical(to)
    other = frontier.targets.get(goal)
    fate = _fate(fetched, "redirected", f"{fetched.status} to {to}")
    if request.kind == "page" and _is_known(frontier, goal, name):
        ended = replace(target, due=None, out=False, tried=True, alias_of=goal, item=None, attempts=0, failing="")
        frontier.targets[name] = ended
        return Learned((fate,))
    if request.kind == "page" and goal != name and other is None:
        alias = Target(url=to, host=host, source_id=target.source_id, kind="page", alias_of=name, tried=True, seen=now)
        frontier.targets[goal] = alias
    delay = rhythm.host_delay if target.delay is None else target.delay
    moment = slot(frontier, host, now, delay)
    put(frontier, name, replace(target, hop=to, hops=hops, host=host, due=moment, out=False))
    return Learned((fate,))


def _is_known(frontier: Frontier, goal: str, name: str) -> bool:
    """Whether another target reads, or has read, the page at `goal`: then there is no need to read it for `name` too."""
    found = frontier.targets.get(goal)
    if found is not None and found.alias_of is not None:
        goal, found = found.alias_of, frontier.targets.get(found.alias_of)
    return found is not None and goal != name and found.kind == "page" and not (found.due is None and found.failing)


def _page_read(frontier: Frontier, name: str, target: Target, fetched: Fetched, now: float, rhythm: Rhythm) -> Learned:
    fetches = target.fetches + 1
    gap = rhythm.refetch[fetches - 1] if fetches <= len(rhythm.refetch) and fetches < rhythm.max_fetches else None
    again = None if gap is None or target.backfill else now + gap
    read = replace(
        _at_start(target),
        due=again,
        fetches=fetches,
        fetched_at=now,
        etag=fetched.etag or (target.etag if fetched.outcome == "not-modified" else None),
        last_modified=fetched.last_modified or (target.last_modified if fetched.outcome == "not-modified" else None),
        title=target.item.title if target.item else target.title,
        item=target.item if again is not None else None,
    )
    put(frontier, name, read)
    return Learned((_fate(fetched, fetched.outcome, fetched.detail),))


def _feed_read(frontier: Frontier, name: str, target: Target, fetched: Fetched, now: float, rhythm: Rhythm) -> Learned:
    fates: list[Fate] = []
    new, left = _take_links(frontier, target, fetched, now, rhythm, fates)
    unchanged = fetched.outcome == "not-modified"
    interval = target.interval or rhythm.feed_interval
    interval = max(rhythm.feed_fastest, interval * 0.7) if new else min(rhythm.feed_slowest, interval * 1.2)
    keeps_failing = unchanged and target.bad_content
    read = replace(
        _at_start(target),
        due=now + (min(interval, rhythm.feed_fastest) if left else interval),
        interval=interval,
        fetches=target.fetches + 1,
        fetched_at=now,
        # What did not fit in is asked for again in full: a 304 would hide it.
        etag=None if left else fetched.etag or (target.etag if unchanged else None),
        last_modified=None if left else fetched.last_modified or (target.last_modified if unchanged else None),
        failing=target.failing if keeps_failing else "",
        bad_content=keeps_failing,
    )
    put(frontier, name, read)
    detail = f"{new} new" + (f", {left} more wait for the next poll" if left else "") + (f"; {fetched.detail}" if fetched.detail else "")
    if keeps_failing:
        detail = f"still failing: {target.failing}"
    return Learned((_fate(fetched, fetched.outcome, detail), *fates))


def _take_links(frontier: Frontier, feed: Target, fetched: Fetched, now: float, rhythm: Rhythm, fates: list[Fate]) -> tuple[int, int]:
    """Add what a feed lists. Returns how many were new, and how many new ones were left for the next poll."""
    new = left = old = 0
    for url in fetched.sitemaps[: rhythm.max_sitemaps] if feed.depth < 2 else ():
        _add_sitemap(frontier, feed, url, now, rhythm)
    for item in fetched.links:
        name = canonical(item.url)
        known = frontier.targets.get(name)
        if known is not None:
            _list_again(frontier, name, known, item, now, rhythm)
        elif fetched.listing == "sitemap" and not feed.backfill and not _is_fresh(item, now, rhythm):
            old += 1
        elif new >= rhythm.max_new:
            left += 1
        else:
            new += 1
            _add_page(frontier, name, feed, item, now, rhythm)
            fates.append(
                Fate(url=item.url, at=fetched.at, stage="schedule", outcome="found", detail=f"in {feed.url}", source_id=feed.source_id)
            )
    if old:
        note = f"{old} entries of the sitemap are old or undated; `backfill: true` in the sources file reads them"
        fates.append(_fate(fetched, "skipped", note, "schedule"))
    return new, left


def _add_page(frontier: Frontier, name: str, feed: Target, item: FeedItem, now: float, rhythm: Rhythm) -> None:
    host = host_or_none(item.url) or feed.host
    moment = slot(frontier, host, now, rhythm.host_delay if feed.delay is None else feed.delay)
    target = Target(
        url=item.url,
        host=host,
        source_id=feed.source_id,
        kind="page",
        due=moment,
        item=item,
        delay=feed.delay,
        seen=now,
        title=item.title,
        backfill=feed.backfill,
    )
    put(frontier, name, target)


def _add_sitemap(frontier: Frontier, index: Target, url: str, now: float, rhythm: Rhythm) -> None:
    name = canonical(url)
    known = frontier.targets.get(name)
    if known is not None:
        if now - known.seen > _DAY:
            frontier.targets[name] = replace(known, seen=now)
        return
    host = host_or_none(url) or index.host
    moment = slot(frontier, host, now, rhythm.host_delay if index.delay is None else index.delay)
    child = Target(url=url, host=host, source_id=index.source_id, kind="sitemap", due=moment, depth=index.depth + 1, seen=now)
    put(frontier, name, replace(child, interval=rhythm.feed_interval, delay=index.delay, backfill=index.backfill))


def _list_again(frontier: Frontier, name: str, known: Target, item: FeedItem, now: float, rhythm: Rhythm) -> None:
    """A known page is listed again: remember that it is, and read it early when its feed says that it changed."""
    if known.alias_of is not None or known.kind != "page":
        if now - known.seen > _DAY:
            frontier.targets[name] = replace(known, seen=now)
        return
    changed = bool(item.title and known.title and item.title != known.title)
    if item.updated_at and known.fetched_at:
        changed = changed or clock.iso_of(known.fetched_at) < item.updated_at <= clock.iso_of(now)
    soon = known.due is not None and known.due <= now + 600.0
    if changed and known.fetches and known.fetches < rhythm.max_fetches and not known.out and not soon:
        moment = slot(frontier, known.host, now, rhythm.host_delay if known.delay is None else known.delay)
        put(frontier, name, replace(known, due=moment, item=item, seen=now))
    elif now - known.seen > _DAY:
        frontier.targets[name] = replace(known, seen=now)


def _failed(frontier: Frontier, name: str, target: Target, fetched: Fetched, now: float, rhythm: Rhythm) -> Learned:
    attempts = target.attempts + 1
    if target.kind == "page":
        if attempts > len(rhythm.retries):
            return _end(frontier, name, target, fetched, fetched.reason, f"{attempts} tries; last: {fetched.detail}")
        wait = rhythm.retries[attempts - 1]
    else:
        wait = min((target.interval or rhythm.feed_interval) * 2 ** min(attempts - 1, 16), rhythm.feed_failing)
    host = frontier.hosts.get(fetched.request.host, Host())
    moment = host.until if fetched.outcome == "slow-down" else max(now + wait, host.until)
    bad = fetched.reason in _CONTENT
    failed = replace(_at_start(target), due=moment, attempts=attempts, failing=fetched.reason, bad_content=bad or target.bad_content)
    if bad:  # ask for the whole again, not whether it changed
        failed = replace(failed, etag=None, last_modified=None)
    put(frontier, name, failed)
    return Learned((_fate(fetched, "failed", f"{fetched.reason}: {fetched.detail}; again in {moment - now:.0f} s"),))


def _end(frontier: Frontier, name: str, target: Target, fetched: Fetched, reason: str, detail: str) -> Learned:
    """A page is not asked again: it is a refusal if it was never read, else only the end of looking for edits."""
    frontier.targets[name] = replace(_at_start(target), due=None, item=None, failing=reason)
    url = fetched.request.redirected_from[0] if fetched.request.redirected_from else fetched.request.url
    if target.fetches:
        return Learned((_fate(fetched, "gone", f"{reason}: {detail}"),))
    dropped = Dropped(url=url, stage="fetch", reason=reason, detail=detail, source_id=target.source_id, at=fetched.at)
    return Learned((_fate(fetched, "dropped", f"{reason}: {detail}" if detail else reason),), (dropped,))


def _at_start(target: Target) -> Target:
    """An answer is in: no hops, no failures, the first address is asked next."""
    return replace(target, out=False, tried=True, hop=None, hops=(), host=_first_host(target), attempts=0, failing="", bad_content=False)


def _first_host(target: Target) -> str:
    return (host_or_none(target.url) if target.hop else None) or target.host


def _is_fresh(item: FeedItem, now: float, rhythm: Rhythm) -> bool:
    said = item.published_at or item.updated_at
    return said is not None and said >= clock.iso_of(max(0.0, now - rhythm.sitemap_age))[: len(said)]


def _is_front_page(asked: str, to: str) -> bool:
    """Was a page asked for, and its own site's front page answered? That is how many sites say 404."""
    old, new = urlsplit(canonical(asked)), urlsplit(canonical(to))
    return old.netloc == new.netloc and new.path == "/" and not new.query and old.path != "/"


def _fate(fetched: Fetched, outcome: str, detail: str, stage: str = "fetch") -> Fate:
    return Fate(url=fetched.request.url, at=fetched.at, stage=stage, outcome=outcome, detail=detail, source_id=fetched.source_id)
