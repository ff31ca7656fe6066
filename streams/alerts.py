"""Alerts: sightings against rules and what was seen before. Decided per record, in order; no clock, no watermark, no query.

State (all rules share it; each table bounded as ARCHITECTURE.md lists):
    seen   subject -> Seen        first and last time, the hours that have a bucket
    hours  "subject@hour" -> Hour capped sets of clusters and origins, of subjects that a threshold rule is about
    rung   "rule subject" -> Rung the last ring of a threshold rule

Writing is what state costs (each write is one row of the store, or one message of a changelog), so a subject seen again within the hour
writes nothing: times are kept to the clock hour, and quiet is counted in clock hours. Sets are kept only where some threshold rule
could ring. So a new `new_mention` rule has the whole history, a new `threshold` rule counts from the day it was added, unless another
was about the same subjects; and what changes in a rule's window or number has eight days of history.

Redelivery is exact: the version that opened a subject's run is remembered, so the same version rings the same alert ids again and
nothing is counted twice (sets of ids, never counters).
"""

from collections.abc import Iterable, MutableMapping
from datetime import timedelta
from functools import lru_cache

from msgspec.structs import replace

from streams.rules import MAX_HOURS, Rule, Rules, meets
from tocsin import ids
from tocsin.clock import parse
from tocsin.records import Alert, Record, Sighting

CAP = 64  # ids per hour and set; a full set is "saturated": thresholds are far below
DAY = 24  # hours
LATE = timedelta(days=2)  # between publication and sighting, above which an alert says so


class Seen(Record, frozen=True, kw_only=True):
    """When a subject was seen. A run is a stretch without a quiet day."""

    first: str  # a time of the first hour
    last: str  # a time of the last hour: later ones of that hour are not noted
    opened_by: str  # version id that opened the current run
    quiet_since: str | None  # `last` of the run before; null: there is no earlier run
    hours: tuple[int, ...] = ()  # hours since 1970 that have a bucket


class Hour(Record, frozen=True, kw_only=True):
    """What counted in one hour."""

    clusters: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    by: str = ""  # version id that counted last: only who counts can ring, so nothing that is delivered again rings what it did not before


class Rung(Record, frozen=True, kw_only=True):
    """The last ring of a threshold rule on a subject."""

    at: str
    cause: str  # cluster id that crossed the threshold
    version_id: str
    counted: tuple[str, ...] = ()  # what crossed it
    sighting: str = ""  # which of the version's sightings did: delivered again, the same one rings the same alert


class State:
    """The three tables."""

    def __init__(self, seen: MutableMapping[str, Seen], hours: MutableMapping[str, Hour], rung: MutableMapping[str, Rung]) -> None:
        """Durable mappings, or dicts."""
        self.seen, self.hours, self.rung = seen, hours, rung


def judge(found: Iterable[Sighting], rules: Rules, state: State) -> tuple[Alert, ...]:
    """Update the state with one version's sightings and return the alerts they ring.

    Stale sightings (sentences an edit left alone) change nothing. Unsure ones have a history of their own, so that a wrong sense
    never makes the right one look old. The backfill lane updates state and rings nothing.
    """
    alerts: list[Alert] = []
    for sighting in found:
        if not sighting.fresh:
            continue
        key = sighting.subject if sighting.sure else f"?{sighting.subject}"
        concerned = rules.concerning(sighting)
        seen, counted = _see(key, sighting, state, counted=any(rule.kind == "threshold" for rule in concerned))
        if sighting.backfill:
            continue
        for rule in concerned:
            if not meets(rule, sighting):
                continue
            alert = (
                _new_mention(rule, sighting, seen)
                if rule.kind == "new_mention"
                else _threshold(rule, sighting, key, seen, state, new=counted)
            )
            if alert is not None:
                alerts.append(_stamped(alert, rules.version))
    return tuple(_once(alerts))


def _stamped(alert: Alert, version: str) -> Alert:
    return replace(alert, rule_version=version)


def _once(alerts: list[Alert]) -> list[Alert]:
    return list({alert.alert_id: alert for alert in reversed(alerts)}.values())[::-1]


@lru_cache(maxsize=1024)
def _hour(at: str) -> int:
    """Clock hours since 1970."""
    return int(parse(at).timestamp()) // 3600


def _see(key: str, sighting: Sighting, state: State, *, counted: bool) -> tuple[Seen, bool]:
    """Note a sighting, writing only what it changes; returns also whether it counted anew. `counted`: its cluster and origin are kept."""
    new = False
    before = seen = state.seen.get(key)
    hour = _hour(sighting.at)
    if seen is None:
        seen = Seen(first=sighting.at, last=sighting.at, opened_by=sighting.version_id, quiet_since=None)
    elif hour > (last := _hour(seen.last)):
        if seen.opened_by != sighting.version_id and hour - last >= DAY:
            seen = replace(seen, opened_by=sighting.version_id, quiet_since=seen.last)
        seen = replace(seen, last=sighting.at)
    elif hour < _hour(seen.first):
        seen = replace(seen, first=sighting.at)
    if counted:
        seen, new = _count(key, hour, sighting, seen, state.hours)
    elif seen.hours and hour - seen.hours[-1] >= MAX_HOURS:  # no rule is about it any more
        for old in seen.hours:
            state.hours.pop(f"{key}@{old}", None)
        seen = replace(seen, hours=())
    if seen is not before:
        state.seen[key] = seen
    return seen, new


def _count(key: str, hour: int, sighting: Sighting, seen: Seen, buckets: MutableMapping[str, Hour]) -> tuple[Seen, bool]:
    """Keep cluster and origin in the hour's bucket; let go of those that left every window. Returns also whether one of them is new."""
    if hour not in seen.hours:
        kept = [h for h in (*seen.hours, hour) if h > hour - MAX_HOURS]
        if len(kept) > MAX_HOURS:  # records that come in reverse order of time
            kept.remove(max(kept, key=lambda h: abs(h - hour)))
        for old in {*seen.hours} - {*kept}:
            buckets.pop(f"{key}@{old}", None)
        seen = replace(seen, hours=tuple(sorted(kept)))
    bucket = buckets.get(f"{key}@{hour}") or Hour()
    clusters, origins = _add(bucket.clusters, sighting.cluster_id), _add(bucket.origins, sighting.origin_id)
    new = clusters is not bucket.clusters or origins is not bucket.origins
    if new:
        buckets[f"{key}@{hour}"] = Hour(clusters=clusters, origins=origins, by=sighting.version_id)
    return seen, new


def _add(ids_: tuple[str, ...], new: str) -> tuple[str, ...]:
    return ids_ if new in ids_ or len(ids_) >= CAP else (*ids_, new)


def _new_mention(rule: Rule, sighting: Sighting, seen: Seen) -> Alert | None:
    if seen.opened_by != sighting.version_id:
        return None
    if seen.quiet_since is None:
        why = f"no {'sure ' if sighting.sure else ''}mention of {sighting.name} was seen before"
        head = f"First mention of {sighting.name}"
    else:
        days = (_hour(sighting.at) - _hour(seen.quiet_since)) // DAY
        if not rule.days or days < rule.days:
            return None
        why = f"{sighting.name} was last seen {days} days ago ({seen.quiet_since}); the rule asks for {rule.days}"
        head = f"First mention of {sighting.name} in {days} days"
    return _alert(rule, sighting, head, why, cause=sighting.cluster_id)


def _threshold(rule: Rule, sighting: Sighting, key: str, seen: Seen, state: State, *, new: bool) -> Alert | None:
    """`new`: it counted something that was not counted yet."""
    now = _hour(sighting.at)
    rung_key = f"{rule.id} {key}"
    rung = state.rung.get(rung_key)
    if rung is not None and rung.version_id == sighting.version_id:  # redelivered: the same alert again
        if rung.sighting != _identity(sighting):
            return None
    elif rung is not None and parse(sighting.at) - parse(rung.at) < timedelta(hours=rule.hours):
        return None
    else:
        if (state.hours.get(f"{key}@{now}") or Hour()).by not in (sighting.version_id, ""):
            return None
        # One that comes late (parallel readers, a backlog) completes windows that end after it: of these the earliest that is full counts.
        ends = (now, *(hour for hour in seen.hours if new and now < hour < now + rule.hours))
        full = next((met for end in ends if len(met := _within(rule, key, end, seen, state)) >= rule.at_least), None)
        if full is None:
            return None
        rung = Rung(at=sighting.at, cause=sighting.cluster_id, version_id=sighting.version_id, counted=full, sighting=_identity(sighting))
        state.rung[rung_key] = rung
    counted = rung.counted
    what = "articles that are no copies of one another" if rule.count == "clusters" else "independent origins"
    head = f"{sighting.name}: {len(counted)} {'reports' if rule.count == 'clusters' else 'origins'} in {rule.hours} h"
    why = f"{len(counted)} {what} within {rule.hours} h; the rule asks for {rule.at_least}"
    alert = _alert(rule, sighting, head, why, cause=rung.cause)
    return replace(alert, **{rule.count: counted})


def _identity(sighting: Sighting) -> str:
    """Of a sighting among those of its version and subject."""
    return ids.digest(sighting.claim_id or "", sighting.quote, str(sighting.start))


def _within(rule: Rule, key: str, end: int, seen: Seen, state: State) -> tuple[str, ...]:
    """What a threshold counts in the hours up to `end`."""
    counted: dict[str, None] = {}
    for hour in seen.hours:
        if end - rule.hours < hour <= end:
            bucket = state.hours.get(f"{key}@{hour}") or Hour()
            counted.update(dict.fromkeys(bucket.clusters if rule.count == "clusters" else bucket.origins))
    return tuple(counted)


def _alert(rule: Rule, sighting: Sighting, headline: str, why: str, cause: str) -> Alert:
    if sighting.via:
        why += f"; mentioned as {sighting.via}"
    if sighting.published_at:
        late = parse(sighting.at) - parse(sighting.published_at)
        if late >= LATE:
            why += f"; published {late.days} days before it was seen"
    return Alert(
        alert_id=ids.alert_id(rule.id, sighting.subject, cause),
        rule_id=rule.id,
        rule_kind=rule.kind,
        severity=rule.severity,
        subject=sighting.subject,
        subject_name=sighting.name,
        headline=headline,
        why=why,
        quote=sighting.quote,
        highlight=(sighting.start, sighting.end),
        article_id=sighting.article_id,
        version_id=sighting.version_id,
        cluster_id=sighting.cluster_id,
        url=sighting.url,
        title=sighting.title,
        source_id=sighting.source_id,
        at=sighting.at,
        published_at=sighting.published_at,
        claim_ids=(sighting.claim_id,) if sighting.claim_id else (),
    )
