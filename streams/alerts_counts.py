"""Rules that count, and rules with a throttle: what they remember, and when they ring. Pure; see `streams.alerts`."""

import math
from collections.abc import Callable, MutableMapping
from datetime import timedelta
from functools import lru_cache

from msgspec.structs import replace

from streams.alerts_reasons import reason_of
from streams.rules import Rule
from tocsin import ids
from tocsin.alerting import Reason
from tocsin.clock import parse
from tocsin.records import Record, Sighting

CAP = 64  # ids per hour and set; a full set is "saturated": thresholds are far below
DAY = 24  # hours
_THROTTLE = 6  # hours, of `any`
_BASELINE = 7 * DAY  # hours before the window that a spike is measured against
_KNOWN = 3 * DAY  # hours that a subject must be known before it can spike
_RARE = 0.001  # Poisson tail below which a count is no chance


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
    """The last ring of a rule on a subject."""

    at: str
    cause: str  # cluster id that made it ring
    version_id: str
    counted: tuple[str, ...] = ()  # what crossed the threshold; of `any`: clusters that rang lately
    sighting: str = ""  # which of the version's sightings did: delivered again, the same one rings the same alert
    held: tuple[str, ...] = ()  # clusters that the throttle held back since
    before: int = 0  # how many the throttle had held back before this ring


class State:
    """The three tables."""

    def __init__(self, seen: MutableMapping[str, Seen], hours: MutableMapping[str, Hour], rung: MutableMapping[str, Rung]) -> None:
        """Durable mappings, or dicts."""
        self.seen, self.hours, self.rung = seen, hours, rung


class About:
    """A rule, a sighting it is about, and what is remembered of its subject."""

    def __init__(self, rule: Rule, sighting: Sighting, key: str, seen: Seen, state: State, new: bool) -> None:
        """`new`: the sighting counted something that was not counted yet."""
        self.rule, self.sighting, self.key, self.seen, self.state, self.new = rule, sighting, key, seen, state, new
        self.counted_ids: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self.rung_key = f"{rule.id} {key}"

    @property
    def rung(self) -> Rung | None:
        """The rule's last ring on this subject."""
        return self.state.rung.get(self.rung_key)


@lru_cache(maxsize=1024)
def hour_of(at: str) -> int:
    """Clock hours since 1970."""
    return int(parse(at).timestamp()) // 3600


def recurring(about: About) -> Reason | str:
    """`any`: every story that matches, with a pause after each ring. Copies of one that rang are no new story."""
    rule, sighting, rung = about.rule, about.sighting, about.rung
    if rung is not None and rung.version_id == sighting.version_id:
        if rung.sighting != _identity(sighting):
            return "this article rang already"
    else:
        if rung is not None and not sighting.episode and sighting.cluster_id in rung.counted:
            return f"a copy of this article rang already (cluster {sighting.cluster_id})"
        if rung is not None and (pause := _paused(rule, rung, sighting, _THROTTLE)):
            _hold(about, rung)
            return pause
        before = rung.counted if rung is not None else ()
        rung = Rung(
            at=sighting.at,
            cause=sighting.cluster_id,
            version_id=sighting.version_id,
            counted=(*before, sighting.cluster_id)[-CAP:],
            sighting=_identity(sighting),
            before=len(rung.held) if rung is not None else 0,
        )
        about.state.rung[about.rung_key] = rung
    return reason_of(rule, sighting, sighting.name, f"it meets the rule {rule.id}", suppressed=rung.before)


def threshold(about: About) -> Reason | str:
    """So many stories, or independent origins, within a window."""
    rule, sighting = about.rule, about.sighting
    rung = _counted(about, lambda met, _: len(met) >= rule.at_least)
    if isinstance(rung, str):
        return rung
    what = "articles that are no copies of one another" if rule.count == "clusters" else "independent origins"
    head = f"{sighting.name}: {len(rung.counted)} {'reports' if rule.count == 'clusters' else 'origins'} in {rule.hours} h"
    why = f"{len(rung.counted)} {what} within {rule.hours} h; the rule asks for {rule.at_least}"
    about.counted_ids = (rung.counted, ()) if rule.count == "clusters" else ((), rung.counted)
    return reason_of(rule, sighting, head, why, independent=len(rung.counted) if rule.count == "origins" else 0)


frequency = threshold
"""So many stories within a window, of all that meets the rule."""


def spike(about: About) -> Reason | str:
    """More stories than usual, by the subject's own week before: at least so many, so many times the mean, and no chance (Poisson)."""
    rule, sighting = about.rule, about.sighting
    if hour_of(sighting.at) - hour_of(about.seen.first) < _KNOWN:
        return f"{sighting.name} is known for less than {_KNOWN // DAY} days: there is nothing to measure by"

    def high(met: tuple[str, ...], end: int) -> bool:
        mean = _usual(about, end)
        return len(met) >= max(rule.at_least, 2) and len(met) >= rule.times * mean and poisson_tail(len(met), mean) < _RARE

    rung = _counted(about, high)
    if isinstance(rung, str):
        return rung
    mean = _usual(about, hour_of(rung.at))
    n = len(rung.counted)
    why = (
        f"{n} articles that are no copies within {rule.hours} h; usual are {mean:.1f} (mean of the {_BASELINE // DAY} days before); "
        f"chance of so many {poisson_tail(n, mean):.1g}; the rule asks for {rule.at_least} and {rule.times:g} times the usual"
    )
    about.counted_ids = (rung.counted, ())
    return reason_of(rule, sighting, f"{sighting.name}: {n} reports in {rule.hours} h, usual {mean:.1f}", why)


def poisson_tail(n: int, mean: float) -> float:
    """Probability of `n` or more events where `mean` are expected."""
    if mean <= 0:
        return 0.0 if n else 1.0
    term = total = math.exp(-mean)
    for k in range(1, n):
        term *= mean / k
        total += term
    return max(0.0, 1.0 - total)


def _usual(about: About, end: int) -> float:
    """Mean number of stories in windows as long as the rule's, over the days before the window that ends with `end`."""
    rule, begin = about.rule, end - about.rule.hours
    span = max(rule.hours, min(_BASELINE, begin - hour_of(about.seen.first) + 1))
    met = _within(rule, about.key, begin, span, about)
    return len(met) * rule.hours / span


def _counted(about: About, full: Callable[[tuple[str, ...], int], bool]) -> Rung | str:
    """The ring of a rule that counts, new or delivered again; or why it does not ring. `full`: whether what was counted is enough."""
    rule, sighting, state = about.rule, about.sighting, about.state
    now = hour_of(sighting.at)
    rung = about.rung
    if rung is not None and rung.version_id == sighting.version_id:  # redelivered: the same alert again
        return rung if rung.sighting == _identity(sighting) else "this article rang already"
    if rung is not None and (pause := _paused(rule, rung, sighting, rule.hours)):
        return pause
    if (state.hours.get(f"{about.key}@{now}") or Hour()).by not in (sighting.version_id, ""):
        return "it counts nothing new: a copy, or an origin that was counted"
    # One that comes late (parallel readers, a backlog) completes windows that end after it: of these the earliest that is full counts.
    ends = (now, *(hour for hour in about.seen.hours if about.new and now < hour < now + rule.hours))
    met: tuple[str, ...] = ()
    for end in ends:
        met = _within(rule, about.key, end, rule.hours, about)
        if full(met, end):
            break
    else:
        return f"{len(met)} within {rule.hours} h are not enough; the rule asks for {rule.at_least}"
    rung = Rung(at=sighting.at, cause=sighting.cluster_id, version_id=sighting.version_id, counted=met, sighting=_identity(sighting))
    state.rung[about.rung_key] = rung
    return rung


def _paused(rule: Rule, rung: Rung, sighting: Sighting, least: int) -> str:
    """Why the throttle holds it back; "": it does not."""
    hours = least if rule.throttle is None else rule.throttle if rule.kind == "any" else max(rule.throttle, least)
    if parse(sighting.at) - parse(rung.at) < timedelta(hours=hours):
        return f"throttled: the rule rang for this at {rung.at} and then keeps silent for {hours} h"
    return ""


def _hold(about: About, rung: Rung) -> None:
    cluster = about.sighting.cluster_id
    if cluster not in rung.held and len(rung.held) < CAP:
        about.state.rung[about.rung_key] = replace(rung, held=(*rung.held, cluster))


def _identity(sighting: Sighting) -> str:
    """Of a sighting among those of its version and subject."""
    return ids.digest(sighting.claim_id or "", sighting.quote, str(sighting.start))


def _within(rule: Rule, key: str, end: int, hours: int, about: About) -> tuple[str, ...]:
    """What a rule counts in the hours up to `end`."""
    counted: dict[str, None] = {}
    for hour in about.seen.hours:
        if end - hours < hour <= end:
            bucket = about.state.hours.get(f"{key}@{hour}") or Hour()
            counted.update(dict.fromkeys(bucket.clusters if rule.count == "clusters" else bucket.origins))
    return tuple(counted)
