"""Searching, with the same answers as the embedded store: the same words, filters, folding of copies, counts, snippets.

The words are ours, so what is found is the same; ranks follow the same formula, over Elasticsearch's BM25, and can differ in the decimals.
Two requests see one moment of the index: the first counts and finds the newest article, the second ranks and folds.
"""

from typing import Any, NamedTuple

from sinks import query as language
from sinks import snippet
from sinks.elasticsearch import documents, names
from sinks.elasticsearch.naming import PAGE, Reading, readable, resolve
from sinks.moments import lower, upper
from sinks.ranking import FACETS, FRESH_BOOST, HALF_LIFE, MOST_FACETS, TITLE_WEIGHT, claim_name, hit
from sinks.words import Pattern
from tocsin import clock, wire
from tocsin.errors import UsageError
from tocsin.messages import Document
from tocsin.store import FacetValue, Hit, Query, Results

Json = dict[str, Any]
_MOMENT = "1m"  # how long the two requests may take together
_EXACT = 40_000  # clusters that are counted exactly; beyond, within a few in a thousand
_COUNTED = {"actor": "counted_actors", "place": "counted_places", "claim_type": "claim_types", "source": "source_id", "lang": "lang"}
_FILTERED = {"actor": "actor_ids", "place": "place_ids", "source": "source_id", "lang": "lang"}


class Filters(NamedTuple):
    """A query's names as ids; None: not asked for."""

    actor: frozenset[str] | None
    place: frozenset[str] | None
    source: frozenset[str] | None
    lang: frozenset[str] | None


def search(reading: Reading, wanted: Query) -> Results:
    """Find articles; see `tocsin.store.Store.search`. Raises UsageError for a query that cannot be read."""
    parsed = language.parse(wanted.text)
    filters = Filters(
        actor=resolve(reading, "actor", wanted.actors),
        place=resolve(reading, "place", wanted.places),
        source=resolve(reading, "source", wanted.sources),
        lang=resolve(reading, "lang", wanted.langs),
    )
    if wanted.offset + max(0, wanted.limit) > PAGE:
        raise UsageError(f"only the first {PAGE:,} stories can be paged through: narrow the query, by --since and --until for example")
    query = _query(wanted, parsed, filters)
    moment = reading.client.open_point_in_time(index=reading.alias("articles"), keep_alive=_MOMENT).body["id"]
    try:
        pit = {"id": moment, "keep_alive": _MOMENT}
        counted = reading.client.search(pit=pit, query=query, size=0, track_total_hits=True, aggregations=_counts()).body
        total = int(counted["hits"]["total"]["value"])
        found = counted["aggregations"] if total else {}
        ranked = _ranked(reading, pit, query, wanted, found, has_words=bool(parsed.groups)) if total and wanted.limit > 0 else []
        copies = _copies(reading, pit, ranked)
    finally:
        reading.client.close_point_in_time(id=moment)
    aim = snippet.Aim(parsed.wanted, filters.actor or frozenset(), filters.place or frozenset(), wanted)
    return Results(
        total=total,
        stories=int(found["stories"]["value"]) if total else 0,
        hits=_hits(reading, ranked, copies, aim),
        facets=_facets(reading, found),
    )


# --- what is asked ---


def _query(wanted: Query, parsed: language.Parsed, filters: Filters) -> Json:
    must = [_any([_words(pattern) for pattern in group]) for group in parsed.groups]
    where: list[Json] = [{"terms": {_FILTERED[kind]: sorted(ids)}} for kind, ids in filters._asdict().items() if ids is not None]
    where += _claims(wanted)
    moments: Json = {}
    if wanted.since is not None:
        moments["gte"] = lower(wanted.since, "--since") * 1000
    if wanted.until is not None:
        moments["lt"] = upper(wanted.until, "--until") * 1000
    if moments:
        where.append({"range": {"@timestamp": {**moments, "format": "epoch_millis"}}})
    return {"bool": {"must": must, "filter": where, "must_not": [_words(pattern) for pattern in parsed.excluded]}}


def _any(queries: list[Json]) -> Json:
    return queries[0] if len(queries) == 1 else {"bool": {"should": queries, "minimum_should_match": 1}}


def _words(pattern: Pattern) -> Json:
    """A pattern in title or body. Keys are letters and digits only: nothing in them is taken for syntax."""
    text = " ".join(pattern.keys)
    if len(pattern.keys) == 1 and not pattern.prefix:
        # Title and body weighed as one text in which the title stands several times, as the embedded store weighs them.
        return {"combined_fields": {"query": text, "fields": [f"title_words^{TITLE_WEIGHT:g}", "words"]}}
    parts: list[Json] = []
    for name, boost in (("title_words", TITLE_WEIGHT), ("words", 1.0)):
        if pattern.prefix and len(pattern.keys) == 1:
            parts.append({"prefix": {name: {"value": text, "boost": boost}}})
        elif pattern.prefix:  # the default of 50 expansions would find less than there is
            parts.append({"match_phrase_prefix": {name: {"query": text, "boost": boost, "max_expansions": 1_000_000}}})
        else:
            parts.append({"match_phrase": {name: {"query": text, "boost": boost}}})
    return _any(parts)


def _claims(wanted: Query) -> list[Json]:
    """Conditions on one claim: its type and its modality together."""
    types = [claim_name(item).removesuffix("/") for item in wanted.claim_types]
    modalities = [claim_name(item) for item in wanted.modalities]
    if types and modalities:
        kinds = [f"{name}|{modality}" for name in types for modality in modalities]
        return [{"terms": {"claim_kinds": kinds}}]
    if modalities:
        return [{"terms": {"modalities": modalities}}]
    if types:
        return [_any([{"terms": {"claim_types": types}}, {"terms": {"claim_subtypes": types}}])]
    return []


def _counts() -> Json:
    facets: Json = {kind: {"terms": {"field": field, "size": MOST_FACETS}} for kind, field in _COUNTED.items()}
    stories = {"cardinality": {"field": "cluster_id", "precision_threshold": _EXACT}}
    return {**facets, "stories": stories, "newest": {"max": {"field": "@timestamp"}}}


# --- what is found ---


def _ranked(reading: Reading, pit: Json, query: Json, wanted: Query, counted: Json, *, has_words: bool) -> list[Json]:
    """The hits to show, best first, each cluster once unless all copies are wanted."""
    order: list[Json] = [{"@timestamp": {"order": "desc"}}, {"article_id": {"order": "asc"}}]
    if has_words:
        origin = clock.iso_of(counted["newest"]["value"] / 1000)
        fresh = {"exp": {"@timestamp": {"origin": origin, "scale": f"{HALF_LIFE:.0f}d", "decay": 0.5}}, "weight": FRESH_BOOST}
        functions = [{"weight": 1.0}, fresh]
        query = {"function_score": {"query": query, "functions": functions, "score_mode": "sum", "boost_mode": "multiply"}}
        order = [{"_score": {"order": "desc"}}, *order]
    fold: Json = {} if wanted.all_copies else {"collapse": {"field": "cluster_id"}}
    answer = reading.client.search(
        pit=pit,
        query=query,
        sort=order,
        from_=wanted.offset,
        size=wanted.limit,
        track_scores=has_words,
        track_total_hits=False,
        source_includes=["version_id", "cluster_id", "first_seen"],
        **fold,
    ).body
    found: list[Json] = answer["hits"]["hits"]
    return found


def _copies(reading: Reading, pit: Json, ranked: list[Json]) -> dict[str, int]:
    """How many articles the clusters of the hits have."""
    clusters = sorted({item["_source"]["cluster_id"] for item in ranked})
    if not clusters:
        return {}
    aggregation = {"copies": {"terms": {"field": "cluster_id", "size": len(clusters)}}}
    query = {"bool": {"filter": [{"terms": {"cluster_id": clusters}}]}}
    answer = reading.client.search(pit=pit, query=query, size=0, track_total_hits=False, aggregations=aggregation).body
    return {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["copies"]["buckets"]}


def _hits(reading: Reading, ranked: list[Json], copies: dict[str, int], aim: snippet.Aim) -> tuple[Hit, ...]:
    whole = versions(reading, [(item["_index"], item["_source"]) for item in ranked])
    hits = []
    for item in ranked:
        document = whole.get(item["_source"]["version_id"])
        if document is not None:
            cluster = item["_source"]["cluster_id"]
            hits.append(hit(document.tagged, cluster, copies.get(cluster, 1), round(item["_score"] or 0.0, 6), aim))
    return tuple(hits)


def versions(reading: Reading, articles: list[tuple[str, Json]]) -> dict[str, Document]:
    """Whole documents by version id, of (index, source) of articles: read by id, so that none is missing for want of a refresh."""
    wanted = []
    for index, source in articles:
        generation = names.generation_of(reading.settings, "articles", index)
        base = names.base(reading.settings, "versions", generation)
        wanted.append({"_index": f"{base}-{names.month(source.get('first_seen'))}", "_id": source["version_id"], "_source": ["document"]})
    if not wanted:
        return {}
    found = reading.client.mget(docs=wanted).body["docs"]
    return {item["_id"]: document_of(item["_source"]) for item in found if item.get("found")}


def document_of(source: Json) -> Document:
    """The record from a document of the versions index."""
    return wire.decode(documents.unpack(source["document"]), Document)


def _facets(reading: Reading, found: Json) -> dict[str, tuple[FacetValue, ...]]:
    """Articles found per actor, place (parents included), claim type, source and language; the 50 most frequent of each."""
    if not found:
        return dict.fromkeys(FACETS.values(), ())
    buckets = {kind: [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in found[kind]["buckets"]] for kind in FACETS}
    shown = readable(reading, [(kind, value) for kind, values in buckets.items() for value, _ in values])
    return {
        name: tuple(FacetValue(id=value, name=shown[kind, value], count=count) for value, count in buckets[kind])
        for kind, name in FACETS.items()
    }
