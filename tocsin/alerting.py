"""One alert out of several: what stages, sinks and notifications agree on when rules ring for the same story.

The stages that decide see different subjects and incidents, so each may send a part of an alert: the same id, its own reasons. Whoever
keeps alerts puts the parts together; the result does not depend on the order in which they come.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from tocsin.records import Alert, Reason

SEVERITIES = ("info", "notice", "warning", "critical")
"""The least urgent first."""


def grown(before: Alert, part: Alert) -> Alert:
    """An alert that has learned what another part of it says. Its words stay those of the most urgent reason: severity may rise."""
    reasons = {(r.rule_id, r.rule_kind, r.subject, r.incident_id): r for r in (*part.rules, *before.rules)}
    rules = tuple(sorted(reasons.values(), key=urgency))
    whole = replace(
        before,
        claim_ids=_union(before.claim_ids, part.claim_ids),
        clusters=_union(before.clusters, part.clusters),
        origins=_union(before.origins, part.origins),
        rules=rules,
        incidents=_union(before.incidents, part.incidents),
        late=before.late or part.late,
        silenced=rules[0].silenced if rules else before.silenced,
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


def _union(first: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return first if not more else (*first, *(item for item in dict.fromkeys(more) if item not in first))
