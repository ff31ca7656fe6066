"""Alerts: their records, and one alert out of several. What stages, sinks and notifications agree on when rules ring for the same story.

The stages that decide see different subjects and incidents, so each may send a part of an alert: the same id, its own reasons. Whoever
keeps alerts puts the parts together; the result does not depend on the order in which they come.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from tocsin.records import SCHEMA_VERSION, Named, Record


class Reason(Record, frozen=True, kw_only=True):
    """Why one rule rang for one subject: an alert has one or several."""

    rule_id: str
    rule_kind: str  # new_mention | any | threshold | quantity | ...
    severity: Literal["info", "notice", "warning", "critical"]
    subject: str
    subject_name: str
    headline: str
    why: str  # the satisfied condition with its numbers
    clause: str = ""  # of the rule, as it was met
    quote: str = ""
    highlight: tuple[int, int] = (0, 0)
    named: tuple[Named, ...] = ()
    modality: str | None = None
    polarity: str | None = None
    said_by: str = ""
    claim_ids: tuple[str, ...] = ()
    incident_id: str = ""
    independent: int = 0  # origins told by different owners; 0: not counted
    suppressed: int = 0  # matches held back by the throttle since it last rang
    silenced: str = ""  # until when, and why: somebody silenced this rule (for this subject)


class Alert(Record, frozen=True, kw_only=True):
    """Rules rang for an article: what, why, and on which words. All that match one article version (or its copies) ring once."""

    alert_id: str
    rule_id: str
    rule_kind: str  # new_mention | threshold | ...
    severity: Literal["info", "notice", "warning", "critical"]
    subject: str
    subject_name: str
    headline: str  # one line for a person
    why: str  # the satisfied condition with its numbers
    quote: str  # the sentence that made it ring
    highlight: tuple[int, int]  # of the subject in the quote
    article_id: str
    version_id: str
    cluster_id: str
    url: str
    title: str | None
    source_id: str
    at: str
    published_at: str | None
    claim_ids: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()  # threshold: what was counted
    origins: tuple[str, ...] = ()
    rule_version: str = ""
    rules: tuple[Reason, ...] = ()  # every rule that rang for this article, the most urgent first; the fields above are the first one's
    incidents: tuple[str, ...] = ()  # ids: a thread; corrections of an incident belong to what rang for it
    late: str = ""  # shown, never a reason for silence
    silenced: str = ""  # all its reasons are: it is kept, and rings nowhere
    archived: str | None = None
    versions: str = ""
    schema_version: int = SCHEMA_VERSION


SEVERITIES = ("info", "notice", "warning", "critical")
"""The least urgent first."""


def grown(before: Alert, part: Alert) -> Alert:
    """An alert that has learned what another part of it says. Its words stay those of the most urgent reason: severity may rise.

    It tells of the article that rang first, whichever part came first.
    """
    first, then = sorted((before, part), key=_came)
    reasons = {(r.rule_id, r.rule_kind, r.subject, r.incident_id): r for r in (*part.rules, *before.rules)}
    rules = tuple(sorted(reasons.values(), key=urgency))
    whole = replace(
        first,
        claim_ids=_union(tuple(claim_id for rule in rules for claim_id in rule.claim_ids), (*first.claim_ids, *then.claim_ids)),
        clusters=_union(first.clusters, then.clusters),
        origins=_union(first.origins, then.origins),
        rules=rules,
        incidents=_union(first.incidents, then.incidents),
        late=first.late or then.late,
        silenced=rules[0].silenced if rules else first.silenced,
    )
    return led_by(whole, rules[0]) if rules else whole


def together(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Alerts with the parts of each put together, in order of first appearance."""
    whole: dict[str, Alert] = {}
    for alert in alerts:
        before = whole.get(alert.alert_id)
        whole[alert.alert_id] = alert if before is None else grown(before, alert)
    return tuple(whole.values())


def led_by(alert: Alert, reason: Reason) -> Alert:
    """The alert with the words of one of its reasons."""
    return replace(
        alert,
        rule_id=reason.rule_id,
        rule_kind=reason.rule_kind,
        severity=reason.severity,
        subject=reason.subject,
        subject_name=reason.subject_name,
        headline=reason.headline,
        why=reason.why,
        quote=reason.quote,
        highlight=reason.highlight,
    )


def urgency(reason: Reason) -> tuple[bool, int, bool, bool, str, str, str]:
    """Order of reasons: those that nobody silenced, the most severe, what is known of an incident, what is said most directly."""
    via = "; mentioned as " in reason.why
    return (
        bool(reason.silenced),
        -SEVERITIES.index(reason.severity),
        not reason.incident_id,
        via,
        reason.rule_id,
        reason.subject,
        reason.incident_id,
    )


def rules_of(alert: Alert) -> tuple[tuple[str, str], ...]:
    """(rule, subject) of every reason; of an alert of former times its own."""
    return tuple((reason.rule_id, reason.subject) for reason in alert.rules) or ((alert.rule_id, alert.subject),)


def _came(alert: Alert) -> tuple[str, str, bool, str]:
    """When a part rang; of one article version, what rules on mentions say comes before what is known of incidents."""
    return alert.at, alert.version_id, bool(alert.incidents), alert.rule_id


def _union(first: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))
