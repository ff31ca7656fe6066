"""Searching: filters, ranking, folding of near-copies, facets.

Rank = BM25 (title counted four times) raised by up to half for the newest article found and by less for older ones, halving every
30 days; without words, newest first. Equal ranks are ordered by time, then arrival, so that pages never overlap.
"""

import difflib
import json
import sqlite3
import sys
from array import array
from collections import Counter
from typing import NamedTuple

from sinks.sqlite import history, query, snippet
from sinks.sqlite.moments import lower, upper
from sinks.sqlite.terms import key
from tocsin.records import Tagged
from tocsin.store import FacetValue, Hit, Query, Results

TITLE_WEIGHT = 4.0
FRESH_BOOST = 0.5
HALF_LIFE = 30 * 86_400.0
"""Seconds."""
MOST_FACETS = 50
FACETS = {"actor": "actors", "place": "places", "claim_type": "claim_types", "source": "sources", "lang": "langs"}


_ALSO = {"actor": "class"}
"""Classes (civilians, officials) are asked for like actors, but not counted among them."""


class Filters(NamedTuple):
    """A query's filters as numbers of terms; None: not asked for. An empty set finds nothing."""

    actors: frozenset[int] | None
    places: frozenset[int] | None
    sources: frozenset[int] | None
    langs: frozenset[int] | None


def search(connection: sqlite3.Connection, wanted: Query) -> Results:
    """Find articles; see `SqliteStore.search`."""
    parsed = query.parse(wanted.text)
    filters = Filters(
        actors=_resolve(connection, "actor", wanted.actors),
        places=_resolve(connection, "place", wanted.places),
        sources=_resolve(connection, "source", wanted.sources),
        langs=_resolve(connection, "lang", wanted.langs),
    )
    inside = connection.in_transaction
    if not inside:
        connection.execute("BEGIN")  # one view of the store for all statements below
    try:
        _collect(connection, wanted, parsed, filters)
        rows = connection.execute("SELECT id, cluster_id, at, score FROM found").fetchall()
        ranked = _rank(rows)
        shown, folded = _fold(ranked, wanted.all_copies)
        page = shown[wanted.offset : wanted.offset + wanted.limit] if wanted.limit > 0 else []
        aim = snippet.Aim(parsed.wanted, _values(connection, filters.actors), _values(connection, filters.places), wanted)
        hits = tuple(_hit(connection, number, score, aim) for number, score in page)
        return Results(total=len(rows), stories=folded, hits=hits, facets=_facets(connection))
    finally:
        if not inside:
            connection.execute("COMMIT")


def _resolve(connection: sqlite3.Connection, kind: str, names: tuple[str, ...]) -> frozenset[int] | None:
    """Terms meant by ids or names; None when nothing was asked."""
    if not names:
        return None
    found: set[int] = set()
    for name in names:
        folded = key(name.encode("utf-8", "replace").decode())
        rows = connection.execute("SELECT term FROM name WHERE kind IN (?,?) AND key=?", (kind, _ALSO.get(kind, kind), folded))
        found |= {term for (term,) in rows}
    return frozenset(found)


def closest(connection: sqlite3.Connection, kind: str, wanted: str) -> list[str]:
    """Known names like `wanted`; none when it is known itself."""
    if _resolve(connection, kind, (wanted,)):
        return []
    rows = connection.execute("SELECT n.key, coalesce(t.name, n.key) FROM name n JOIN term t ON t.id=n.term WHERE n.kind=?", (kind,))
    names = dict(rows.fetchall())
    near = difflib.get_close_matches(key(wanted.encode("utf-8", "replace").decode()), names, n=6, cutoff=0.7)
    return list(dict.fromkeys(names[item] for item in near))[:3]


def _collect(connection: sqlite3.Connection, wanted: Query, parsed: query.Parsed, filters: Filters) -> None:
    """Fill temp table `found` with every current version that fits."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS found (id INTEGER PRIMARY KEY, cluster_id TEXT, at INTEGER, score REAL)")
    connection.execute("DELETE FROM found")
    where, values = ["v.current"], list[object]()
    match = query.match(parsed)
    if match is not None:
        source = "words JOIN version v ON v.id = words.rowid"
        score = f"-bm25(words, {TITLE_WEIGHT}, 1.0)"
        where.append("words MATCH ?")
        values.append(match)
    else:
        source, score = "version v", "0.0"
        if parsed.excluded:
            where.append("v.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)")
            values.append(query.any_of(parsed.excluded))
    for terms in filters:
        if terms is not None:
            where.append("v.id IN (SELECT doc FROM tag WHERE term IN (SELECT value FROM json_each(?)))")
            values.append(json.dumps(sorted(terms)))
    claim, claim_values = claim_filter(wanted)
    if claim:
        where.append(f"v.id IN (SELECT doc FROM claim WHERE {claim})")  # noqa: S608 - fixed conditions, values bound
        values += claim_values
    if wanted.since is not None:
        where.append("v.at >= ?")
        values.append(lower(wanted.since, "--since"))
    if wanted.until is not None:
        where.append("v.at < ?")
        values.append(upper(wanted.until, "--until"))
    connection.execute(f"INSERT INTO found SELECT v.id, v.cluster_id, v.at, {score} FROM {source} WHERE {' AND '.join(where)}", values)  # noqa: S608 - fixed conditions, values bound


def claim_filter(wanted: Query) -> tuple[str, list[object]]:
    """Condition on one row of `claim`: its type and its modality together. Empty when neither was asked."""
    parts, values = [], list[object]()
    if wanted.claim_types:
        options = []
        for item in wanted.claim_types:
            claim_type, _, subtype = _claim_name(item).partition("/")
            options.append("(type=? AND subtype=?)" if subtype else "type=?")
            values += [claim_type, subtype] if subtype else [claim_type]
        parts.append(f"({' OR '.join(options)})")
    if wanted.modalities:
        parts.append("modality IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([_claim_name(item) for item in wanted.modalities]))
    return " AND ".join(parts), values


def _claim_name(text: str) -> str:
    return key(text.encode("utf-8", "replace").decode()).replace(" ", "_")


def _values(connection: sqlite3.Connection, terms: frozenset[int] | None) -> frozenset[str]:
    if not terms:
        return frozenset()
    rows = connection.execute("SELECT value FROM term WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(terms)),))
    return frozenset(value for (value,) in rows)


def _rank(rows: list[tuple[int, str, int, float]]) -> list[tuple[int, str, float]]:
    """(row, cluster, score) best first."""
    newest = max((at for _, _, at, _ in rows), default=0)
    if not any(score for *_, score in rows):
        rows.sort(key=lambda row: (-row[2], row[0]))
        return [(number, cluster, 0.0) for number, cluster, _, _ in rows]
    scored = [
        (round(score * (1.0 + FRESH_BOOST * 0.5 ** ((newest - at) / HALF_LIFE)), 6), at, number, cluster)
        for number, cluster, at, score in rows
    ]
    scored.sort(key=lambda row: (-row[0], -row[1], row[2]))
    return [(number, cluster, score) for score, _, number, cluster in scored]


def _fold(ranked: list[tuple[int, str, float]], all_copies: bool) -> tuple[list[tuple[int, float]], int]:
    """What to show, the best of each cluster unless all are wanted, and how many clusters there are."""
    seen: set[str] = set()
    best: list[tuple[int, float]] = []
    for number, cluster, score in ranked:
        if all_copies or cluster not in seen:
            best.append((number, score))
        seen.add(cluster)
    return best, len(seen)


def _facets(connection: sqlite3.Connection) -> dict[str, tuple[FacetValue, ...]]:
    """Articles found per actor, place (parents included), claim type, source and language; the 50 most frequent of each."""
    packed = connection.execute("SELECT v.terms FROM found JOIN version v USING (id)")
    counts = Counter(unpack(b"".join(numbers for (numbers,) in packed)))
    terms = connection.execute(
        "SELECT id, kind, value, name FROM term WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*counts]),)
    )
    facets: dict[str, list[FacetValue]] = {name: [] for name in FACETS.values()}
    for number, kind, value, name in sorted(terms, key=lambda row: (-counts[row[0]], row[2])):
        into = facets.get(FACETS.get(kind, ""))
        if into is not None and len(into) < MOST_FACETS:
            into.append(FacetValue(id=value, name=name or history.facet_name(kind, value), count=counts[number]))
    return {name: tuple(values) for name, values in facets.items()}


def pack(numbers: list[int]) -> bytes:
    """Numbers of terms as `version.terms` keeps them."""
    packed = array("I", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> "array[int]":
    """Numbers of terms from what `pack` gave, or from several such joined."""
    numbers = array("I", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _hit(connection: sqlite3.Connection, number: int, score: float, aim: snippet.Aim) -> Hit:
    (cluster_id, data) = connection.execute(
        "SELECT v.cluster_id, d.tagged FROM version v JOIN document d USING (id) WHERE v.id=?", (number,)
    ).fetchone()
    (copies,) = connection.execute("SELECT count(*) FROM version WHERE cluster_id=? AND current", (cluster_id,)).fetchone()
    tagged: Tagged = history.unpack(data)
    article = tagged.article
    claims = snippet.claims(tagged, aim)
    return Hit(
        article_id=article.article_id,
        version_id=article.version_id,
        cluster_id=cluster_id,
        copies=copies,
        url=article.url,
        title=article.title,
        title_spans=snippet.title(tagged, aim),
        source_id=article.source_id,
        source_name=article.source_name,
        lang=tagged.lang,
        published_at=article.published_at,
        fetched_at=article.fetched_at,
        snippet=snippet.body(tagged, aim, claims),
        actors=snippet.names(tagged, "actor"),
        places=snippet.names(tagged, "place"),
        claims=tuple(claim.text for claim in claims),
        score=score,
    )
