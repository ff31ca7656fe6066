"""Which notifications an alert asks for. Pure: the alert, the channels and what the ledger holds of it decide, never the time.

- An alert that a channel takes goes there once.
- One that grows says so once more where its severity has risen above what was told; copies and sources alone say nothing.
- A correction or retraction goes to every channel that was told of its incident, whatever that channel's filters say.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sinks.notify.channels import Channel
from sinks.notify.ledger import Row
from sinks.notify.notice import CORRECTIONS, Kind
from tocsin.alerting import SEVERITIES, Alert, grown


class Decision(NamedTuple):
    """One notification to be. `renews`: it takes the place of this row, which was never tried."""

    channel: str
    kind: Kind
    key: str
    before: str = ""  # update: the severity that was told
    renews: Row | None = None


def is_correction(alert: Alert) -> bool:
    """Whether it takes something back."""
    return bool(CORRECTIONS & {alert.rule_kind, *(reason.rule_kind for reason in alert.rules)})


def threads_of(alert: Alert) -> tuple[str, ...]:
    """What the alert is about, by which a correction finds it: its incidents; its article and its cluster."""
    known = tuple(f"incident:{incident}" for incident in alert.incidents)
    return (*known, f"article:{alert.article_id}", f"cluster:{alert.cluster_id}")


def corrected_threads(alert: Alert) -> tuple[str, ...]:
    """Under which threads a correction looks: of its incident where it names one, else of its article and cluster."""
    threads = threads_of(alert)
    return tuple(thread for thread in threads if thread.startswith("incident:")) or threads


def decide(alert: Alert, channels: Iterable[Channel], known: Collection[Row], told: Collection[str]) -> list[Decision]:
    """`known`: the alert's own rows; `told`: channels that were told of the incident, for a correction. What is silenced asks for none."""
    if alert.silenced:
        return []
    found: list[Decision] = []
    correction = is_correction(alert)
    for channel in channels:
        mine = [row for row in known if row.channel == channel.name]
        corrects = correction and channel.name in told
        untried = next((row for row in mine if row.state == "pending" and not row.attempts), None)
        if not mine:
            if corrects or channel.takes(alert):
                found.append(Decision(channel.name, "correction" if corrects else "alert", f"{alert.alert_id}:{channel.name}"))
            continue
        highest = max(mine, key=lambda row: SEVERITIES.index(row.severity))
        rises = SEVERITIES.index(alert.severity) > SEVERITIES.index(highest.severity)
        if untried is not None:
            if alert != untried.notice.alert:
                kind = "correction" if corrects else untried.notice.kind
                found.append(Decision(channel.name, kind, untried.key, untried.notice.before, untried))
        elif corrects and not any(row.notice.kind == "correction" for row in mine):
            found.append(Decision(channel.name, "correction", f"{alert.alert_id}:{channel.name}:correction"))
        elif rises:
            found.append(Decision(channel.name, "update", f"{alert.alert_id}:{channel.name}:{alert.severity}", highest.severity))
    return found


def whole(alert: Alert, known: Iterable[Row]) -> Alert:
    """The alert with what earlier messages said of it: stages that decide about different subjects each send a part."""
    before = next((row.notice.alert for row in reversed(list(known)) if row.notice.alert is not None), None)
    if before is None:
        return alert
    rises = SEVERITIES.index(alert.severity) > SEVERITIES.index(before.severity)
    return grown(alert, before) if rises else grown(before, alert)  # the words of the more urgent one
