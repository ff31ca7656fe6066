"""A tagged document as Elasticsearch keeps it: one flat article, one flat document a claim, one version whole. Pure functions.

No field holds the time of writing, or the generation it is written to, so that a replay gives the same bytes.
"""

import base64
import zlib
from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations, product
from typing import Any

from sinks.moments import seconds
from sinks.terms import Found
from tocsin import clock, wire
from tocsin.messages import Document
from tocsin.quoting import quoted, shortened
from tocsin.records import Claim, ClaimPlace, Mention, Quantity, Tagged

GENERATION_SHIFT = 43
"""Bits for milliseconds since 1970 in an external version: enough until the year 2248."""
LARGEST = 2**53  # as many as JSON numbers hold exactly
_COUNTED = ("killed", "injured", "missing", "detained", "displaced", "returned")
_BOUNDED = ("killed", "injured", "displaced")
_PAIRED = 12  # actors, and places, of one claim that are paired; more are no event but a list
_OLD = 7 * 86_400  # seconds: what is first seen later than that after its publication was not late, it is old
_DOERS, _SUFFERERS = ("actor", "perpetrator"), ("victim", "affected")
_THERE = ("where", "within")
Json = dict[str, Any]


def revision(generation: int, fetched_at: str) -> int:
    """External version of an article's documents: a later reading of the page wins, a later generation always, whatever the time."""
    return generation << GENERATION_SHIFT | min(max(0, seconds(fetched_at) or 0) * 1000, (1 << GENERATION_SHIFT) - 1)


def within(version: int) -> int:
    """An external version less its generation: what a document may say of it and be the same in every generation."""
    return version & ((1 << GENERATION_SHIFT) - 1)


def first_seen(document: Document) -> str:
    """When this version was first seen: it decides the month of its documents, and does not change when it is seen again."""
    return document.clustered.at or document.tagged.article.fetched_at


@lru_cache(maxsize=4096)
def date(text: str | None) -> str | None:
    """An ISO 8601 date or time as it is, when it is one; else None, so that a strange date costs no document."""
    return text if text and seconds(text) is not None else None


def _at(tagged: Tagged) -> str:
    """Published, else fetched: what `since` and `until` ask for."""
    article = tagged.article
    published = seconds(article.published_at)
    return clock.iso_of(published if published is not None else seconds(article.fetched_at) or 0)


def all_claims(tagged: Tagged) -> tuple[Claim, ...]:
    """Claims of title and body."""
    return (*tagged.title_claims, *tagged.claims)


def pack(data: bytes) -> str:
    """Bytes as a field of type binary."""
    return base64.b64encode(zlib.compress(data, 1)).decode("ascii")


def unpack(text: str) -> bytes:
    """What `pack` was given."""
    return zlib.decompress(base64.b64decode(text))


def version_document(document: Document) -> Json:
    """One version of an article, whole: history, `show`, and the text that snippets are cut from."""
    tagged, article = document.tagged, document.tagged.article
    return _present(
        {
            "@timestamp": date(first_seen(document)),
            "article_id": article.article_id,
            "version_id": article.version_id,
            "cluster_id": document.clustered.cluster_id,
            "source_id": article.source_id,
            "url": article.url,
            "canonical_url": article.canonical_url,
            "title": article.title,
            "lang": tagged.lang,
            "fetched_at": date(article.fetched_at),
            "first_seen": date(first_seen(document)),
            "claims": len(all_claims(tagged)),
            "claim_ids": [claim.claim_id for claim in all_claims(tagged)],
            "tagger_version": tagged.tagger_version,
            "lexicon_version": tagged.lexicon_version,
            "document": pack(wire.encode(document)),
        }
    )


def article_document(document: Document, found: Found, words: tuple[str, str], claims_month: str, version: int) -> Json:
    """The current version of an article, flat.

    `found`: its terms (sinks.terms); `words`: index words of title and body, joined by spaces (sinks.words); `claims_month`: of the index
    its claims are in; `version`: its revision.
    """
    tagged, article, clustered = document.tagged, document.tagged.article, document.clustered
    claims = all_claims(tagged)
    mentions = (*tagged.title_mentions, *tagged.mentions)
    places = [mention for mention in mentions if mention.kind == "place" and mention.sure]
    return _present(
        {
            "@timestamp": _at(tagged),
            "article_id": article.article_id,
            "version_id": article.version_id,
            "cluster_id": clustered.cluster_id,
            "leader_id": clustered.leader_id,
            "previous_version": clustered.previous_version,
            "correction": clustered.correction,
            "similarity": clustered.similarity,
            "url": article.url,
            "canonical_url": article.canonical_url,
            "source_id": article.source_id,
            "source_name": article.source_name,
            "owner": article.owner,
            "publisher": article.publisher,
            "author": article.author,
            "lang": tagged.lang,
            "title": article.title,
            "text": article.text,
            "title_words": words[0],
            "words": words[1],
            "published_at": date(article.published_at),
            "fetched_at": date(article.fetched_at),
            "first_seen": date(first_seen(document)),
            "lag_minutes": _lag(document),
            "actor_ids": _values(found, "actor", "class"),
            "place_ids": _values(found, "place"),
            "claim_types": _values(found, "claim_type"),
            "claim_subtypes": _values(found, "claim_subtype"),
            "modalities": _values(found, "modality"),
            "claim_kinds": sorted({kind for claim in claims for kind in claim_kinds(claim)}),
            "counted_actors": _values(found, "actor", sure=True),
            "counted_places": _values(found, "place", sure=True),
            "actor_names": _names(mention for mention in mentions if mention.kind == "actor" and mention.sure),
            "place_names": _names(places),
            "countries": sorted({mention.country for mention in places if mention.country}),
            "geo": points((mention.lat, mention.lon) for mention in places),
            "claims": len(claims),
            "mentions": len(mentions),
            **{
                f"{role}_min": max(numbers)
                for role in ("killed", "injured", "displaced")
                if (numbers := [number for claim in claims if (number := _least(claim.quantities, role)) is not None])
            },
            "flags": list(article.flags),
            "extractor": article.extractor,
            "tagger_version": tagged.tagger_version,
            "lexicon_version": tagged.lexicon_version,
            "revision": within(version),
            "claim_ids": [claim.claim_id for claim in claims],
            "claims_month": claims_month,
        }
    )


def claim_kinds(claim: Claim) -> Iterable[str]:
    """A claim's type and modality together, as filters ask for them."""
    yield f"{claim.type}|{claim.modality}"
    if claim.subtype:
        yield f"{claim.type}/{claim.subtype}|{claim.modality}"


def claim_documents(document: Document) -> Iterable[tuple[str, Json]]:
    """(id, document) of every claim of a version, of the title first."""
    tagged, article = document.tagged, document.tagged.article
    shared = {
        "@timestamp": _at(tagged),
        "article_id": article.article_id,
        "version_id": article.version_id,
        "cluster_id": document.clustered.cluster_id,
        "source_id": article.source_id,
        "source_name": article.source_name,
        "owner": article.owner,
        "url": article.url,
        "title": shortened(article.title),
        "lang": tagged.lang,
        "published_at": date(article.published_at),
        "tagger_version": tagged.tagger_version,
        "lexicon_version": tagged.lexicon_version,
    }
    for text, claims in ((article.title or "", tagged.title_claims), (article.text, tagged.claims)):
        for claim in claims:
            yield claim.claim_id, _present(shared | _claim_fields(claim, text, article.fetched_at, article.source_name))


def _claim_fields(claim: Claim, text: str, fetched_at: str, source: str) -> Json:
    """One claim, flat: lists of ids and names stand beside each other, in the order of the record."""
    where = [place for place in claim.places if place.role in _THERE] or list(claim.places)
    names = once(actor.name or actor.text for actor in claim.actors)
    time, said = claim.time, claim.attribution
    fields: Json = {
        "schema_version": claim.schema_version,
        "claim_id": claim.claim_id,
        "claim_key": claim.claim_key,
        "type": claim.type,
        "subtype": claim.subtype,
        "text": claim.text,
        "sentence": quoted(text, claim.sentence_start, claim.sentence_end, claim.start, claim.end)[0],
        "start": claim.start,
        "end": claim.end,
        "sentence_index": claim.sentence_index,
        "sentence_start": claim.sentence_start,
        "sentence_end": claim.sentence_end,
        "scope": claim.scope,
        "trigger": claim.trigger,
        "actor_ids": once(actor.entity_id for actor in claim.actors),
        "actor_names": names,
        "actor_types": once(actor.actor_type for actor in claim.actors),
        "actor_roles": once(f"{actor.role}={actor.entity_id or actor.name}" for actor in claim.actors),
        "perpetrator_names": once(actor.name or actor.text for actor in claim.actors if actor.role in _DOERS),
        "victim_names": once(actor.name or actor.text for actor in claim.actors if actor.role in _SUFFERERS),
        "actor_pairs": [" + ".join(pair) for pair in combinations(sorted(names[:_PAIRED]), 2)],
        "actor_places": [f"{actor} in {place}" for actor, place in product(names[:_PAIRED], _named(where)[:_PAIRED])],
        "place_ids": once(entity_id for place in claim.places for entity_id in (place.entity_id, *place.parent_ids)),
        "place_names": _named(claim.places),
        "countries": once(place.country for place in claim.places),
        "geo": points(_point(place) for place in where),
        "precision": next((place.precision for place in where if place.precision), None),
        "actors": claim.actors,
        "places": claim.places,
        "quantities": claim.quantities,
        "said_by": (said.source_text if said else None) or source,
        "origin_id": claim.origin_id,
        "modality": claim.modality,
        "polarity": claim.polarity,
        "check_worthy": claim.check_worthy,
        "background": claim.background,
        "cumulative": claim.cumulative,
        "extent": claim.extent,
        "codes": _present(wire.plain(claim.codes)),
        "confidence": claim.confidence,
        "rule_id": claim.rule_id,
        "rule_trace": claim.rule_trace,
        "observed_at": date(claim.observed_at or fetched_at),
    }
    for role in _COUNTED if claim.quantities else ():
        fields[f"{role}_min"] = _least(claim.quantities, role)
    for role in _BOUNDED if claim.quantities else ():
        fields[f"{role}_max"] = _most(claim.quantities, role)
    if time is not None:
        fields["time"] = _present(
            wire.plain(time) | {"event_from": date(time.event_from), "event_to": date(time.event_to), "said_at": date(time.said_at)}
        )
    if said is not None:
        fields["attribution"] = _present(wire.plain(said))
    return fields


def _present(fields: Json) -> Json:
    """Without what is not there: null, empty text, empty list, empty object."""
    return {name: value for name, value in fields.items() if value or value is False or (value == 0 and value != "")}


def once(values: Iterable[str | None]) -> list[str]:
    """What is not empty, each once, in order."""
    return list(dict.fromkeys(value for value in values if value))


def _values(found: Found, *kinds: str, sure: bool = False) -> list[str]:
    """Ids of terms, in order; `sure`: only those with a sure mention."""
    return sorted(value for kind, value in found.names if kind in kinds and (not sure or (kind, value) in found.sure))


def _names(mentions: Iterable[Mention]) -> list[str]:
    return sorted({mention.name for mention in mentions if mention.name})


def points(points: Iterable[tuple[float | None, float | None] | None]) -> list[Json]:
    """Points on the map, each once; what lies outside the world is none."""
    found = {(point[0], point[1]) for point in points if point and point[0] is not None and point[1] is not None}
    return [{"lat": lat, "lon": lon} for lat, lon in sorted(found) if -90 <= lat <= 90 and -180 <= lon <= 180]


def _point(place: ClaimPlace) -> tuple[float, float] | None:
    return (place.geo.lat, place.geo.lon) if place.geo else None


def _named(places: Iterable[ClaimPlace]) -> list[str]:
    return once(place.name or place.text for place in places)


def _lag(document: Document) -> int | None:
    """Whole minutes from publication until the article was first seen; None for an edit, for old material, for a date without its minute.

    Whether it came through the lane for old material is not asked: a replay sends everything through it.
    """
    article = document.tagged.article
    published, seen = seconds(article.published_at), seconds(first_seen(document))
    if published is None or seen is None or document.clustered.previous_version or seen - published > _OLD:
        return None
    return int(max(0, seen - published)) // 60 if article.published_precision in ("second", "minute") else None


def _least(quantities: tuple[Quantity, ...], role: str) -> int | None:
    """The least number of people a claim gives for a role; the largest of several. Households are no people."""
    numbers = [
        quantity.min if quantity.min is not None else quantity.value
        for quantity in quantities
        if quantity.role == role and quantity.unit != "household"
    ]
    whole = [int(number) for number in numbers if number is not None and 0 <= number < LARGEST]
    return max(whole, default=None)


def _most(quantities: tuple[Quantity, ...], role: str) -> int | None:
    """The largest number of people a claim gives for a role; None when one of its numbers is open above ("at least 27")."""
    numbers = [
        quantity.max if quantity.max is not None or quantity.min is not None else quantity.value
        for quantity in quantities
        if quantity.role == role and quantity.unit != "household"
    ]
    whole = [int(number) for number in numbers if number is not None and 0 <= number < LARGEST]
    return max(whole, default=None) if len(whole) == len(numbers) else None
