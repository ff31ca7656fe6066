"""Alerts, incidents and fates as Elasticsearch keeps them, and back. Pure.

Nobody sends fates: what happened to a URL is told by what came of its requests, by refusals and by dead letters (here), and by an
article's own documents (on reading).
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sinks.elasticsearch.documents import GENERATION_SHIFT, LARGEST, date, once, pack, points, unpack, within
from sinks.terms import key
from tocsin import ids, wire
from tocsin.alerting import Alert, rules_of
from tocsin.incidents import Incident
from tocsin.messages import DeadLetter
from tocsin.records import Dropped, Fetched

Json = dict[str, Any]
_UNDATED = "1970-01-01T00:00:00Z"
_TOLLS = ("killed", "injured", "displaced")
_TEXT = 10_000  # characters of a detail that are kept in a fate; details are single lines


def alert_document(alert: Alert, version: int) -> Json:
    """An alert, flat, with the names under which it is asked for."""
    fields = wire.plain(alert)
    told = [(alert.subject, alert.subject_name), *((reason.subject, reason.subject_name) for reason in alert.rules)]
    parts = once(part for subject, _ in told for part in (subject, *subject.split("|")))
    fields |= {
        "@timestamp": date(alert.at),
        "at": date(alert.at),
        "published_at": date(alert.published_at),
        "subject_ids": parts,
        "subject_keys": once((*parts, *(key(name) for _, name in told))),
        "rule_ids": once(rule for rule, _ in rules_of(alert)),
        "suppressed": sum(reason.suppressed for reason in alert.rules),
        "revision": within(version),
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def alert_revision(generation: int, alert: Alert) -> int:
    """External version of an alert: how much it has learned."""
    learned = len(alert.clusters) + len(alert.origins) + len(alert.claim_ids) + len(alert.rules) + len(alert.incidents)
    return generation << GENERATION_SHIFT | (1 + learned)


def alert_of(source: Json) -> Alert:
    """The record from its document."""
    known = {name: source[name] for name in Alert.__struct_fields__ if name in source}
    blank = {"why": "", "quote": "", "headline": "", "published_at": None, "title": None}
    found: Alert = msgspec.convert({**blank, **known}, Alert)
    return found


def incident_revision(generation: int, incident: Incident) -> int:
    """External version of an incident: the ledger's revision."""
    return generation << GENERATION_SHIFT | incident.revision


def incident_document(incident: Incident) -> Json:
    """An incident, flat, with what it is found by, and whole besides."""
    actors = [actor for actor in incident.actors if actor.entity_id or actor.name]
    known = [(actor.entity_id, actor.name) for actor in incident.actors]
    known += [(voice.entity_id, voice.name) for voice in (*incident.claims, *incident.denies)]
    fields: Json = {
        "@timestamp": date(incident.last_said) or _UNDATED,
        "incident_id": incident.incident_id,
        "block": incident.block,
        "family": incident.family,
        "types": incident.types,
        "total": incident.total,
        "headline": incident.headline,
        "status": incident.status,
        "place_ids": once(one for place in incident.places for one in (place.entity_id, *place.parent_ids)),
        "place_names": once(place.name for place in incident.places),
        "place_keys": once(one for place in incident.places for one in (place.entity_id, key(place.name), *place.parent_ids)),
        "countries": once(place.country for place in incident.places),
        "geo": points((place.geo.lat, place.geo.lon) for place in incident.places if place.geo),
        "actor_ids": once(actor.entity_id for actor in actors),
        "actor_names": once(actor.name for actor in actors),
        "actor_roles": once(f"{actor.role}={actor.entity_id or actor.name}" for actor in actors),
        "actor_keys": once(one for entity_id, name in known for one in (entity_id, key(name))),
        "claimed_by": once(voice.name or voice.entity_id for voice in incident.claims),
        "denied_by": once(voice.name or voice.entity_id for voice in incident.denies),
        "event_from": date(incident.event_from),
        "event_to": date(incident.event_to),
        "date_precision": incident.date_precision,
        "origins": incident.origins,
        "owners": incident.owners,
        "independent": incident.independent,
        "confirmed": incident.confirmed,
        "disputed": incident.disputed,
        "contradictions": len(incident.contradictions),
        "contradiction_notes": once(found.what for found in incident.contradictions),
        "figures_by": once(name for figure in incident.figures if figure.role in _TOLLS for name in figure.by),
        "corrections": len(incident.corrections),
        "clusters": incident.clusters,
        "articles": incident.articles,
        "claim_ids": incident.claim_ids,
        "first_said": date(incident.first_said),
        "last_said": date(incident.last_said),
        "first_seen": date(incident.first_seen),
        "first_quote": incident.first_quote.text,
        "best_quote": incident.best_quote.text,
        "saturated": incident.saturated,
        "revision": incident.revision,
        "schema_version": incident.schema_version,
        "record": pack(wire.encode(incident)),
    }
    for name, role, value in _tolls(incident):
        fields[f"{role}_{name}"] = max(value, fields.get(f"{role}_{name}", 0))
    return {name: value for name, value in fields.items() if value not in (None, "", [], ())}


def _tolls(incident: Incident) -> Iterator[tuple[str, str, int]]:
    """(low, best or high; role; people) of the event itself."""
    for figure in incident.figures:
        if figure.unit == "household" or figure.role not in _TOLLS:
            continue
        for name in ("low", "best", "high"):
            value = getattr(figure, name)
            if value is not None and 0 <= value < LARGEST:
                yield name, figure.role, int(value)


def incident_of(source: Json) -> Incident:
    """The record from its document."""
    return wire.decode(unpack(source["record"]), Incident)


def fetched_fates(fetched: Fetched) -> Iterator[tuple[str, Json]]:
    """(id, document) of what came of one request, and of every page that a feed listed for the first time.

    A page found again and again keeps its one document: its id does not hold the time.
    """
    request = fetched.request
    detail = f"{fetched.reason}: {fetched.detail}" if fetched.reason and fetched.detail else fetched.reason or fetched.detail
    if fetched.redirect_to and not detail:
        detail = f"to {fetched.redirect_to}"
    main = _fate(
        url=request.url,
        at=fetched.at,
        stage="fetch",
        outcome=fetched.outcome,
        detail=detail,
        reason=fetched.reason,
        source_id=request.source_id,
        host=request.host,
        kind=request.kind,
        status=fetched.status,
        links=len(fetched.links) if fetched.listing else None,
        bytes=fetched.raw.length if fetched.raw else None,
        redirect_to=fetched.redirect_to,
    )
    yield ids.digest("fetch", request.url, request.kind, fetched.at, fetched.outcome), main
    if not request.redirected_from and fetched.listing:
        for item in fetched.links:
            found = _fate(
                url=item.url, at=fetched.at, stage="schedule", outcome="found", detail=f"in {request.url}", source_id=request.source_id
            )
            yield ids.digest("found", item.url, request.url), found


def dropped_fate(dropped: Dropped) -> tuple[str, Json]:
    """(id, document) of a refusal."""
    detail = f"{dropped.reason}: {dropped.detail}" if dropped.detail else dropped.reason
    fate = _fate(
        url=dropped.url,
        at=dropped.at,
        stage=dropped.stage,
        outcome="dropped",
        detail=detail,
        reason=dropped.reason,
        source_id=dropped.source_id,
        host=_host(dropped.url),
    )
    return ids.digest("dropped", dropped.url, dropped.stage, dropped.reason, dropped.at), fate


def dead_letter_fate(letter: DeadLetter) -> tuple[str, Json]:
    """(id, document) of a message that broke a stage, or was sent again; its key or its body says which URL it was about, where they do."""
    origin = f"{letter.topic}/{letter.partition}/{letter.offset}"
    about = (letter.key or b"").decode("utf-8", "replace")
    fate = _fate(
        url=about if "://" in about else _address(letter.body),
        at=letter.redriven_at or letter.at,
        stage=letter.stage,
        outcome="redriven" if letter.redriven_at else "dead-letter",
        detail=f"{letter.error} ({origin})",
        reason=letter.error.partition(":")[0],
        article_id=about if about.startswith("a_") else None,
        origin=origin,
        fingerprint=letter.fingerprint,
        dead_letter=pack(wire.encode(letter)),
    )
    return ids.digest("dead-letter", origin, letter.stage, str(letter.redrives)), fate


class _Message(msgspec.Struct):
    """Whatever a message is, where its address stands: beside the rest, or in the article, request or document it is about."""

    url: str = ""
    article: "_Message | None" = None
    request: "_Message | None" = None
    tagged: "_Message | None" = None


_MESSAGE = msgspec.json.Decoder(_Message)


def _address(body: bytes | None) -> str:
    """The URL that a broken message was about; "" when it does not say."""
    try:
        found: _Message | None = _MESSAGE.decode(body or b"")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    while found is not None and not found.url:
        found = found.article or found.request or found.tagged
    return found.url if found is not None else ""


def _fate(*, at: str, detail: str, **fields: object) -> Json:
    found = {"@timestamp": date(at) or _UNDATED, "detail": detail[:_TEXT], **fields}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
