"""Alerts: sightings against rules and what was seen before. Decided per record, in order; no clock, no watermark, no query.

State (all rules share it; each table bounded as ARCHITECTURE.md lists):
    seen   subject -> Seen        first and last time, the hours that have a bucket
    hours  "subject@hour" -> Hour capped sets of clusters and origins, of subjects that a counting rule is about
    rung   "rule subject" -> Rung the last ring of a rule that counts or has a throttle

Writing is what state costs (each write is one row of the store, or one message of a changelog), so a subject seen again within the hour
writes nothing: times are kept to the clock hour, and quiet is counted in clock hours. Sets are kept only where some threshold rule
could ring. So a new `new_mention` rule has the whole history, a new `threshold` rule counts from the day it was added, unless another
was about the same subjects; and what changes in a rule's window or number has eight days of history.

Rules that ring for one story ring together: one alert a cluster, and one for each edit or corrected copy (`tocsin.alerting`).

Redelivery is exact: the version that opened a subject's run is remembered, so the same version rings the same alert ids again and
nothing is counted twice (sets of ids, never counters).
"""

from collections.abc import Callable, Iterable, MutableMapping

from msgspec.structs import replace

from streams.alerts_counts import CAP, DAY, About, Hour, Rung, Seen, State, frequency, hour_of, recurring, spike, threshold
from streams.alerts_reasons import Heard, Verdict, alert_of, reason_of
from streams.rules import COUNTING, MAX_HOURS, Rule, Rules, meets
from tocsin.alerting import Alert, Reason, together
from tocsin.clock import parse
from tocsin.records import Sighting

__all__ = ["Hour", "Rung", "Seen", "State", "judge"]


def judge(found: Iterable[Sighting], rules: Rules, state: State, heard: Heard | None = None) -> tuple[Alert, ...]:
    """Update the state with one version's sightings and return the alerts they ring.

    Stale sightings (sentences an edit left alone) change nothing. Unsure ones have a history of their own, so that a wrong sense
    never makes the right one look old. The backfill lane, and what comes before the rules' warm-up ends, updates state and rings nothing.
    `heard` is told why a rule that is about a sighting did not ring.
    """
    alerts: list[Alert] = []
    for sighting in found:
        concerned = rules.concerning(sighting)
        if not sighting.fresh:
            if heard is not None:
                _tell(heard, concerned, sighting, "an edit left this sentence as it was")
            continue
        key = sighting.subject if sighting.sure else f"?{sighting.subject}"
        seen, counted = _see(key, sighting, state, counted=any(rule.kind in COUNTING for rule in concerned))
        silent = _silent(sighting, rules)
        for rule in concerned:
            about = About(rule, sighting, key, seen, state, counted)
            if silent or not meets(rule, sighting):
                reason: Reason | str = silent or "it stands for the mention of a place within it, or comes from another source"
            else:
                reason = _KINDS[rule.kind](about)
            if isinstance(reason, Reason):
                alerts.append(alert_of(reason, sighting, rules.version, about.counted_ids))
            elif heard is not None:
                _tell(heard, (rule,), sighting, reason)
    return together(alerts)


def _silent(sighting: Sighting, rules: Rules) -> str:
    if sighting.backfill:
        return "it came through the backfill lane, which fills the memory and rings nothing"
    if rules.warm_up_until and parse(sighting.at) < parse(rules.warm_up_until):
        return f"the warm-up lasts until {rules.warm_up_until}"
    return ""


def _tell(heard: Heard, rules: Iterable[Rule], sighting: Sighting, why: str) -> None:
    for rule in rules:
        heard(Verdict(rule.id, sighting.name, sighting.quote, why))


def _see(key: str, sighting: Sighting, state: State, *, counted: bool) -> tuple[Seen, bool]:
    """Note a sighting, writing only what it changes; returns also whether it counted anew. `counted`: its cluster and origin are kept."""
    new = False
    before = seen = state.seen.get(key)
    hour = hour_of(sighting.at)
    if seen is None:
        seen = Seen(first=sighting.at, last=sighting.at, opened_by=sighting.version_id, quiet_since=None)
    elif hour > (last := hour_of(seen.last)):
        if seen.opened_by != sighting.version_id and hour - last >= DAY:
            seen = replace(seen, opened_by=sighting.version_id, quiet_since=seen.last)
        seen = replace(seen, last=sighting.at)
    elif hour < hour_of(seen.first):
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


def _new_mention(about: About) -> Reason | str:
    rule, sighting, seen = about.rule, about.sighting, about.seen
    if seen.opened_by != sighting.version_id:
        return f"{sighting.name} was seen before, last at {seen.last}"
    if seen.quiet_since is None:
        why = f"no {'sure ' if sighting.sure else ''}mention of {sighting.name} was seen before"
        head = f"First mention of {sighting.name}"
    else:
        days = (hour_of(sighting.at) - hour_of(seen.quiet_since)) // DAY
        if not rule.days or days < rule.days:
            return f"{sighting.name} was last seen {days} days ago; the rule asks for {rule.days or 'the first ever'}"
        why = f"{sighting.name} was last seen {days} days ago ({seen.quiet_since}); the rule asks for {rule.days}"
        head = f"First mention of {sighting.name} in {days} days"
    return reason_of(rule, sighting, head, why)


_KINDS: dict[str, Callable[[About], Reason | str]] = {
    "new_mention": _new_mention,
    "any": recurring,
    "frequency": frequency,
    "threshold": threshold,
    "spike": spike,
}
