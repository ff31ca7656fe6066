"""Reading one thing: an article with its history and copies, alerts, incidents, the report."""

import re
from typing import Any

from sinks.elasticsearch.events import alert_of, incident_of
from sinks.elasticsearch.naming import PAGE, Reading, readable, resolve
from sinks.elasticsearch.search import document_of
from sinks.moments import lower
from sinks.spellings import spellings
from sinks.terms import key
from tocsin.alerting import Alert
from tocsin.errors import UsageError
from tocsin.incidents import Incident
from tocsin.records import Tagged
from tocsin.store import FacetValue, Report, Stored, Version

Json = dict[str, Any]
_ID = re.compile(r"[avc]_[0-9a-f]*")
_LISTS = {"source": "source_id", "actor": "counted_actors", "place": "counted_places", "claim_type": "claim_types", "lang": "lang"}


def article(reading: Reading, wanted: str) -> Stored | None:
    """Find an article; see `tocsin.store.Store.article`. Raises UsageError when the beginning of an id fits more than one."""
    version_id = _find(reading, wanted.strip())
    if version_id is None:
        return None
    document = next(iter(_versions(reading, {"term": {"version_id": version_id}}, whole=True)), None)
    if document is None:
        return None
    found = document_of(document)
    article_id = found.clustered.article_id
    current = _current(reading, article_id)
    history: dict[str, Version] = {}
    for source in _versions(reading, {"term": {"article_id": article_id}}):
        version = Version(
            version_id=source["version_id"],
            fetched_at=source["first_seen"],
            title=source.get("title"),
            claims=source.get("claims", 0),
            current=source["version_id"] == current,
        )
        history.setdefault(version.version_id, version)  # seen again in a later month, it stands there too
    cluster = {
        "bool": {"filter": [{"term": {"cluster_id": found.clustered.cluster_id}}], "must_not": [{"term": {"article_id": article_id}}]}
    }
    copies = reading.all("articles", cluster, [{"@timestamp": "asc"}, {"article_id": "asc"}], source_includes=["article_id"])
    alerts_of = reading.all("alerts", {"term": {"article_id": article_id}}, [{"@timestamp": "asc"}, {"alert_id": "asc"}])
    incidents_of = reading.all("incidents", {"term": {"articles": article_id}}, [{"first_seen": "asc"}, {"incident_id": "asc"}])
    return Stored(
        tagged=found.tagged,
        clustered=found.clustered,
        versions=tuple(history.values()),
        copies=tuple(source["article_id"] for source in copies),
        alerts=tuple(map(alert_of, alerts_of)),
        incidents=tuple(map(incident_of, incidents_of)),
    )


def version(reading: Reading, version_id: str) -> Tagged | None:
    """One version, current or not."""
    found = next(iter(_versions(reading, {"term": {"version_id": version_id}}, whole=True)), None)
    return None if found is None else document_of(found).tagged


def _versions(reading: Reading, query: Json, *, whole: bool = False) -> list[Json]:
    """Documents of the versions index, the one last seen at the end; of a whole one only the last."""
    if whole:
        return reading.sources("versions", query=query, sort=[{"fetched_at": "desc"}], size=1)
    sort = [{"fetched_at": "asc"}, {"first_seen": "asc"}, {"version_id": "asc"}]
    return list(reading.all("versions", query, sort, source_excludes=["document", "claim_ids"]))


def _current(reading: Reading, article_id: str) -> str | None:
    found = reading.sources("articles", query={"term": {"article_id": article_id}}, size=1, source_includes=["version_id"])
    return found[0]["version_id"] if found else None


def _find(reading: Reading, wanted: str) -> str | None:
    """The version meant: for an article the current one, for a version or claim that very one."""
    if _ID.fullmatch(wanted):
        found = _by_id(reading, wanted)
        if len(found) > 1:
            first, second = sorted(found)[:2]
            raise UsageError(f"{wanted}: begins more than one id, such as {first} and {second}: give more digits")
        return next(iter(found.values()), None)
    addresses = spellings(wanted)
    query = {"bool": {"should": [{"terms": {name: addresses}} for name in ("url", "canonical_url")]}}
    rows = _versions(reading, query)
    for url in addresses:
        same = [row for row in rows if url in (row["url"], row["canonical_url"])]
        current = {row["article_id"]: _current(reading, row["article_id"]) for row in same}
        if same:
            best = max(same, key=lambda row: (row["version_id"] == current[row["article_id"]], row["fetched_at"]))
            return str(best["version_id"])
    return None


def _by_id(reading: Reading, wanted: str) -> dict[str, str]:
    """Version id by the id that begins as `wanted`; two of them are enough to know that it is not unique."""
    kind, field = {"a": ("articles", "article_id"), "v": ("versions", "version_id"), "c": ("versions", "claim_ids")}[wanted[0]]
    sources = reading.sources(kind, query={"prefix": {field: wanted}}, size=20, source_includes=["version_id", field])
    found: dict[str, str] = {}
    for source in sources:
        values = source[field] if isinstance(source[field], list) else [source[field]]
        found |= {value: source["version_id"] for value in values if value.startswith(wanted)}
    return found


def alerts(reading: Reading, subject: str | None, rule: str | None, since: str | None, limit: int) -> list[Alert]:
    """Alerts, newest first; see `tocsin.store.Store.alerts`."""
    where: list[Json] = []
    if subject is not None:
        wanted = subject.strip().encode("utf-8", "replace").decode()
        ids = [resolve(reading, kind, (wanted,)) or frozenset() for kind in ("actor", "place")]
        where.append({"terms": {"subject_keys": sorted({wanted, key(wanted)}.union(*ids))}})
    if rule is not None:
        where.append({"term": {"rule_ids": rule.encode("utf-8", "replace").decode()}})
    if since is not None:
        where.append({"range": {"@timestamp": {"gte": lower(since, "--since") * 1000, "format": "epoch_millis"}}})
    return list(map(alert_of, _newest(reading, "alerts", where, "alert_id", limit)))


def incidents(
    reading: Reading, place: str | None, actor: str | None, claim_type: str | None, since: str | None, limit: int
) -> list[Incident]:
    """Incidents, the one last spoken of first; see `tocsin.store.Store.incidents`."""
    where: list[Json] = []
    for kind, wanted in (("place", place), ("actor", actor)):
        if wanted is not None:
            text = wanted.strip().encode("utf-8", "replace").decode()
            ids = resolve(reading, kind, (text,)) or frozenset()
            where.append({"terms": {f"{kind}_keys": sorted({text, key(text), *ids})}})
    if claim_type is not None:
        name = claim_type.strip().lower().replace(" ", "_").replace("-", "_")
        where.append({"bool": {"should": [{"term": {"types": name}}, {"term": {"family": name}}]}})
    if since is not None:
        where.append({"range": {"@timestamp": {"gte": lower(since, "--since") * 1000, "format": "epoch_millis"}}})
    return list(map(incident_of, _newest(reading, "incidents", where, "incident_id", limit)))


def _newest(reading: Reading, kind: str, where: list[Json], name: str, limit: int) -> list[Json]:
    query, sort = {"bool": {"filter": where}}, [{"@timestamp": "desc"}, {name: "asc"}]
    if 0 < limit <= PAGE:
        return reading.sources(kind, query=query, sort=sort, size=limit)
    found = list(reading.all(kind, query, sort))
    return found[:limit] if limit > 0 else found


def report(reading: Reading, top: int) -> Report:
    """Count what is here; see `tocsin.store.Store.report`."""
    aggregations: Json = {kind: {"terms": {"field": field, "size": max(1, top)}} for kind, field in _LISTS.items()}
    aggregations |= {
        "clusters": {"cardinality": {"field": "cluster_id", "precision_threshold": 40_000}},
        "claims": {"sum": {"field": "claims"}},
    }
    counted = reading.ask("articles", size=0, track_total_hits=True, aggregations=aggregations)
    found = counted["aggregations"]
    buckets = {kind: found[kind]["buckets"] for kind in _LISTS}
    shown = readable(reading, [(kind, bucket["key"]) for kind, values in buckets.items() for bucket in values])
    lists = {
        kind: tuple(FacetValue(id=bucket["key"], name=shown[kind, bucket["key"]], count=bucket["doc_count"]) for bucket in values)
        for kind, values in buckets.items()
    }
    return Report(
        articles=counted["hits"]["total"]["value"],
        versions=_count(reading, "versions"),
        clusters=found["clusters"]["value"],
        claims=int(found["claims"]["value"]),
        alerts=_count(reading, "alerts"),
        incidents=_count(reading, "incidents"),
        dropped=_dropped(reading),
        sources=lists["source"],
        actors=lists["actor"],
        places=lists["place"],
        claim_types=lists["claim_type"],
        langs=lists["lang"],
    )


def _count(reading: Reading, kind: str) -> int:
    return int(reading.client.count(index=reading.alias(kind)).body["count"])


def _dropped(reading: Reading) -> dict[str, int]:
    """Addresses by "stage: reason"."""
    urls = {"urls": {"cardinality": {"field": "url", "precision_threshold": 40_000}}}
    reasons = {"reasons": {"terms": {"field": "reason", "size": 200}, "aggs": urls}}
    stages = {"stages": {"terms": {"field": "stage", "size": 50}, "aggs": reasons}}
    found = reading.ask("fates", query={"term": {"outcome": "dropped"}}, size=0, aggregations=stages)["aggregations"]
    counts = {
        f"{stage['key']}: {reason['key']}": int(reason["urls"]["value"])
        for stage in found["stages"]["buckets"]
        for reason in stage["reasons"]["buckets"]
    }
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
