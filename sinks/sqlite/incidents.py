"""Incidents: the latest revision of each, and what it is found by (places with what they lie in, actors, voices, types, articles).

An incident is rewritten whole with every revision; its keys are compared with those it had, and only the difference is written.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable

from isal import isal_zlib

from sinks.moments import lower, seconds
from sinks.terms import key
from tocsin import wire
from tocsin.incidents import Incident

TABLES = """
CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    incident_id TEXT NOT NULL UNIQUE,
    said INTEGER NOT NULL,              -- seconds since 1970: when it was last spoken of
    revision INTEGER NOT NULL,
    record BLOB NOT NULL                -- zlib of the record's JSON
);
CREATE INDEX incident_said ON incident(said, id);
CREATE TABLE incident_key (             -- what it is found by
    kind TEXT NOT NULL,                 -- place actor type article
    key TEXT NOT NULL,                  -- id, folded name, type, type/subtype
    incident INTEGER NOT NULL REFERENCES incident(id),
    PRIMARY KEY (kind, key, incident)
) WITHOUT ROWID;
"""
_Key = tuple[str, str]


def put(connection: sqlite3.Connection, incident: Incident) -> None:
    """Keep an incident, unless this revision or a later one is kept already."""
    row = connection.execute("SELECT id, revision, record FROM incident WHERE incident_id=?", (incident.incident_id,)).fetchone()
    if row is not None and row[1] >= incident.revision:
        return
    said, record = seconds(incident.last_said) or 0, isal_zlib.compress(wire.encode(incident), 1)
    known: set[_Key] = set()
    if row is None:
        (number,) = connection.execute(
            "INSERT INTO incident (incident_id, said, revision, record) VALUES (?,?,?,?) RETURNING id",
            (incident.incident_id, said, incident.revision, record),
        ).fetchone()
    else:
        number = row[0]
        known = set(_keys(_unpacked(row[2])))
        connection.execute("UPDATE incident SET said=?, revision=?, record=? WHERE id=?", (said, incident.revision, record, number))
    wanted = set(_keys(incident))
    gone = [(*one, number) for one in sorted(known - wanted)]
    connection.executemany("DELETE FROM incident_key WHERE kind=? AND key=? AND incident=?", gone)
    connection.executemany("INSERT INTO incident_key VALUES (?,?,?)", [(*one, number) for one in sorted(wanted - known)])


def find(
    connection: sqlite3.Connection, place: str | None, actor: str | None, claim_type: str | None, since: str | None, limit: int
) -> list[Incident]:
    """Incidents, the one last spoken of first; see `SqliteStore.incidents`."""
    where, values = ["1"], list[object]()
    for kind, wanted in (("place", place), ("actor", actor), ("type", claim_type)):
        if wanted is not None:
            where.append("id IN (SELECT incident FROM incident_key WHERE kind=? AND key IN (SELECT value FROM json_each(?)))")
            values += [kind, json.dumps(sorted(_spelled(connection, kind, wanted)))]
    if since is not None:
        where.append("said >= ?")
        values.append(lower(since, "--since"))
    values.append(limit if limit > 0 else -1)
    rows = connection.execute(f"SELECT record FROM incident WHERE {' AND '.join(where)} ORDER BY said DESC, id DESC LIMIT ?", values)  # noqa: S608 - fixed conditions, values bound
    return [_unpacked(record) for (record,) in rows]


def of_article(connection: sqlite3.Connection, article_id: str) -> tuple[Incident, ...]:
    """Incidents that an article speaks of, the oldest first."""
    rows = connection.execute(
        "SELECT i.record FROM incident_key k JOIN incident i ON i.id=k.incident WHERE k.kind='article' AND k.key=? ORDER BY i.id",
        (article_id,),
    )
    return tuple(_unpacked(record) for (record,) in rows)


def _unpacked(record: bytes) -> Incident:
    return wire.decode(zlib.decompress(record), Incident)


def _spelled(connection: sqlite3.Connection, kind: str, wanted: str) -> set[str]:
    """An id or name as it may be kept: as given, folded, and the ids of all it is a name or alias of."""
    wanted = wanted.strip().encode("utf-8", "replace").decode()
    if kind == "type":
        return {wanted.lower().replace(" ", "_").replace("-", "_")}
    rows = connection.execute("SELECT t.value FROM name n JOIN term t ON t.id=n.term WHERE n.kind=? AND n.key=?", (kind, key(wanted)))
    return {wanted, key(wanted), *(value for (value,) in rows)}


def _keys(incident: Incident) -> Iterable[_Key]:
    for place in incident.places:
        yield from (("place", one) for one in (place.entity_id, key(place.name), *place.parent_ids))
    for actor in incident.actors:
        yield from (("actor", one) for one in (actor.entity_id, key(actor.name)))
    for voice in (*incident.claims, *incident.denies):
        yield from (("actor", one) for one in (voice.entity_id, key(voice.name)))
    yield from (("type", one) for one in (incident.family, *incident.types))
    yield from (("article", one) for one in incident.articles)
