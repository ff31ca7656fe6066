"""Why a rule rang, in words and numbers: the card of an alert. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from streams.rules import Rule
from tocsin import ids
from tocsin.alerting import Alert, Reason
from tocsin.clock import parse
from tocsin.records import Sighting


class Verdict(NamedTuple):
    """Why a rule did not ring for something that it is about."""

    rule_id: str
    about: str
    quote: str
    why: str


Heard = Callable[[Verdict], None]
"""Who wants to know why rules did not ring."""
LATE = timedelta(days=2)  # between publication and sighting, above which an alert says so
_SAYS = {
    "claimed": "{who} claims: ",
    "expected": "expected: ",
    "possible": "possibly: ",
    "conditional": "if: ",
    "question": "asked: ",
    "call": "called for: ",
}


def reason_of(rule: Rule, sighting: Sighting, headline: str, why: str, *, suppressed: int = 0, independent: int = 0) -> Reason:
    """The reason for one sighting."""
    if sighting.via:
        why += f"; mentioned as {sighting.via}"
    if late := lateness(sighting.at, sighting.published_at):
        why += f"; {late}"
    if suppressed:
        why += f"; {suppressed} more were held back since it last rang"
    return Reason(
        rule_id=rule.id,
        rule_kind=rule.kind,
        severity=rule.severity,
        subject=sighting.subject,
        subject_name=sighting.name,
        headline=stance(sighting.modality, sighting.polarity, sighting.said_by) + headline,
        why=why,
        clause=sighting.clause,
        quote=sighting.quote,
        highlight=(sighting.start, sighting.end),
        named=sighting.named,
        modality=sighting.modality,
        polarity=sighting.polarity,
        said_by=sighting.said_by,
        claim_ids=(sighting.claim_id,) if sighting.claim_id else (),
        independent=independent,
        suppressed=suppressed,
    )


def alert_of(reason: Reason, sighting: Sighting, version: str, counted: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())) -> Alert:
    """An alert with one reason. `counted`: clusters and origins."""
    return Alert(
        alert_id=ids.alert_id(sighting.cluster_id, *filter(None, (sighting.episode,))),
        rule_id=reason.rule_id,
        rule_kind=reason.rule_kind,
        severity=reason.severity,
        subject=reason.subject,
        subject_name=reason.subject_name,
        headline=reason.headline,
        why=reason.why,
        quote=reason.quote,
        highlight=reason.highlight,
        article_id=sighting.article_id,
        version_id=sighting.version_id,
        cluster_id=sighting.cluster_id,
        url=sighting.url,
        title=sighting.title,
        source_id=sighting.source_id,
        at=sighting.at,
        published_at=sighting.published_at,
        claim_ids=reason.claim_ids,
        clusters=counted[0],
        origins=counted[1],
        rule_version=version,
        rules=(reason,),
        late=lateness(sighting.at, sighting.published_at),
        archived=sighting.archived,
        versions=sighting.versions,
    )


def lateness(at: str, published_at: str | None, event_day: str | None = None) -> str:
    """What an alert says of late news: "published 4 days before it was seen", "the event was 15 days before publication"."""
    parts: list[str] = []
    if published_at and event_day:
        before = (parse(published_at).date() - parse(event_day).date()).days
        if before >= LATE.days:
            parts.append(f"the event was {before} days before publication")
    if published_at and parse(at) - parse(published_at) >= LATE:
        parts.append(f"published {(parse(at) - parse(published_at)).days} days before it was seen")
    return "; ".join(parts)


def stance(modality: str | None, polarity: str | None, said_by: str) -> str:
    """What a headline begins with, so that a claim, a denial or a fear does not look like a fact."""
    who = said_by or "the author"
    if polarity == "negative":
        return f"{who} denies: "
    return _SAYS.get(modality or "", "").format(who=who)
