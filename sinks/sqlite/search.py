"""Searching: filters, ranking (sinks.ranking), folding of near-copies, facets.

Equal ranks are ordered by time, then arrival, so that pages never overlap.
"""

import heapq
import json
import sqlite3
import sys
from array import array
from collections import Counter
from typing import NamedTuple

from sinks import query, ranking, snippet
from sinks.moments import lower, upper
from sinks.ranking import ALSO, FACETS, FRESH_BOOST, HALF_LIFE, MOST_FACETS, TITLE_WEIGHT, asked, claim_name
from sinks.sqlite import history
from sinks.sqlite.match import any_of, match
from sinks.terms import facet_name
from tocsin.store import FacetValue, Hit, Query, Results


class Filters(NamedTuple):
    """A query's filters as numbers of terms; None: not asked for. An empty set finds nothing."""

    actors: frozenset[int] | None
    places: frozenset[int] | None
    sources: frozenset[int] | None
    langs: frozenset[int] | None


class Row(NamedTuple):
    """One current version that fits a query."""

    score: float
    at: int
    number: int
    cluster: str
    terms: bytes


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
        rows = _find(connection, wanted, parsed, filters)
        page = _page(rows, wanted)
        aim = snippet.Aim(parsed.wanted, _values(connection, filters.actors), _values(connection, filters.places), wanted)
        hits = tuple(_hit(connection, number, score, aim) for score, number in page)
        stories = len({row.cluster for row in rows})
        return Results(total=len(rows), stories=stories, hits=hits, facets=_facets(connection, b"".join([row.terms for row in rows])))
    finally:
        if not inside:
            connection.execute("COMMIT")


def _resolve(connection: sqlite3.Connection, kind: str, names: tuple[str, ...]) -> frozenset[int] | None:
    """Terms meant by ids or names; None when nothing was asked."""
    if not names:
        return None
    found: set[int] = set()
    for name in names:
        folded = asked(name)
        rows = connection.execute("SELECT term FROM name WHERE kind IN (?,?) AND key=?", (kind, ALSO.get(kind, kind), folded))
        found |= {term for (term,) in rows}
    return frozenset(found)


def closest(connection: sqlite3.Connection, kind: str, wanted: str) -> list[str]:
    """Known names like `wanted`; none when it is known itself."""
    if _resolve(connection, kind, (wanted,)):
        return []
    rows = connection.execute("SELECT n.key, coalesce(t.name, n.key) FROM name n JOIN term t ON t.id=n.term WHERE n.kind=?", (kind,))
    names = dict(rows.fetchall())  # a claim type has no name but its own
    return ranking.like(wanted, names)


def _find(connection: sqlite3.Connection, wanted: Query, parsed: query.Parsed, filters: Filters) -> list[Row]:
    """Every current version that fits."""
    where, values = ["v.current"], list[object]()
    wanted_words = match(parsed)
    if wanted_words is not None:
        source = "words JOIN version v ON v.id = words.rowid"
        score = f"-bm25(words, {TITLE_WEIGHT}, 1.0)"
        where.append("words MATCH ?")
        values.append(wanted_words)
    else:
        source, score = "version v", "0.0"
        if parsed.excluded:
            where.append("v.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)")
            values.append(any_of(parsed.excluded))
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
    sql = f"SELECT {score}, v.at, v.id, v.cluster_id, v.terms FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608 - fixed conditions, values bound
    return [*map(Row._make, connection.execute(sql, values))]


def claim_filter(wanted: Query) -> tuple[str, list[object]]:
    """Condition on one row of `claim`: its type and its modality together. Empty when neither was asked."""
    parts, values = [], list[object]()
    if wanted.claim_types:
        options = []
        for item in wanted.claim_types:
            claim_type, _, subtype = claim_name(item).partition("/")
            options.append("(type=? AND subtype=?)" if subtype else "type=?")
            values += [claim_type, subtype] if subtype else [claim_type]
        parts.append(f"({' OR '.join(options)})")
    if wanted.modalities:
        parts.append("modality IN (SELECT value FROM json_each(?))")
        values.append(json.dumps([claim_name(item) for item in wanted.modalities]))
    return " AND ".join(parts), values


def _values(connection: sqlite3.Connection, terms: frozenset[int] | None) -> frozenset[str]:
    if not terms:
        return frozenset()
    rows = connection.execute("SELECT value FROM term WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(terms)),))
    return frozenset(value for (value,) in rows)


def _page(rows: list[Row], wanted: Query) -> list[tuple[float, int]]:
    """(score, row) of the hits to show, best first, each cluster once unless all copies are wanted."""
    newest = max((row.at for row in rows), default=0)
    boosts: dict[int, float] = {}  # by day

    def boosted(row: Row) -> tuple[float, int, int, str]:
        if not row.score:
            return 0.0, -row.at, row.number, row.cluster
        days = (newest - row.at) // 86_400
        boost = boosts.get(days)
        if boost is None:
            boost = boosts[days] = 1.0 + FRESH_BOOST * 0.5 ** (days / HALF_LIFE)
        return -round(row.score * boost, 6), -row.at, row.number, row.cluster

    scored = [boosted(row) for row in rows]
    needed = wanted.offset + max(0, wanted.limit)
    best = _fold(heapq.nsmallest(4 * needed + 100, scored), wanted.all_copies)  # enough, unless copies crowd the top
    if len(best) < needed < len(scored):
        best = _fold(sorted(scored), wanted.all_copies)
    return best[wanted.offset : needed]


def _fold(ranked: list[tuple[float, int, int, str]], all_copies: bool) -> list[tuple[float, int]]:
    """(score, row), only the best of each cluster unless all are wanted."""
    seen: set[str] = set()
    best: list[tuple[float, int]] = []
    for negative, _, number, cluster in ranked:
        if all_copies or cluster not in seen:
            best.append((-negative, number))
            seen.add(cluster)
    return best


def _facets(connection: sqlite3.Connection, packed: bytes) -> dict[str, tuple[FacetValue, ...]]:
    """Articles found per actor, place (parents included), claim type, source and language; the 50 most frequent of each.

    Only sure mentions count: an unsure one can be searched for, but would fill these lists with what was never meant.
    """
    counts = Counter(unpack(packed))
    terms = connection.execute(
        "SELECT id, kind, value, name FROM term WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([number for number in counts if number > 0]),),
    )
    facets: dict[str, list[FacetValue]] = {name: [] for name in FACETS.values()}
    for number, kind, value, name in sorted(terms, key=lambda row: (-counts[row[0]], row[2])):
        into = facets.get(FACETS.get(kind, ""))
        if into is not None and len(into) < MOST_FACETS:
            into.append(FacetValue(id=value, name=name or facet_name(kind, value), count=counts[number]))
    return {name: tuple(values) for name, values in facets.items()}


def pack(numbers: list[int]) -> bytes:
    """Numbers of terms as `version.terms` keeps them: unsure ones negative."""
    packed = array("i", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> "array[int]":
    """Numbers of terms from what `pack` gave, or from several such joined."""
    numbers = array("i", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _hit(connection: sqlite3.Connection, number: int, score: float, aim: snippet.Aim) -> Hit:
    (cluster_id, data) = connection.execute(
        "SELECT v.cluster_id, d.tagged FROM version v JOIN document d USING (id) WHERE v.id=?", (number,)
    ).fetchone()
    (copies,) = connection.execute("SELECT count(*) FROM version WHERE cluster_id=? AND current", (cluster_id,)).fetchone()
    return ranking.hit(history.unpack(data), cluster_id, copies, score, aim)
