"""Incidents in the store: kept by revision, found by what they are about, and files without them brought up to date."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from sinks.sqlite import SqliteStore, open_store, schema
from streams.ledger import LedgerState, settle
from tests.ledger_messages import RSF, claim, message
from tests.sinks import samples
from tocsin.errors import UsageError
from tocsin.incidents import Incident, LedgerClaims
from tocsin.store import Batch


def written(store: SqliteStore, sent: Sequence[LedgerClaims]) -> list[tuple[Incident, ...]]:
    state = LedgerState({}, {})
    batches = [settle(one, state) for one in sent]
    for incidents in batches:
        store.write(Batch(incidents=incidents))
    return batches


MESSAGES = (
    message(1, 1, [claim("c1", 4, 0, "msf", 3, actors=(RSF,))]),
    message(2, 1, [claim("c2", 9, 1, "un", 5)], at="2024-05-12T10:00:00Z"),
    message(3, 1, [claim("c3", 4, 0, "un", 3), claim("c4", 2, 2, "army", 6, stance="denies")], at="2024-05-14T10:00:00Z"),
)


def test_the_latest_revision_is_what_is_found_the_last_spoken_of_first(store: SqliteStore) -> None:
    batches = written(store, MESSAGES)
    found = store.incidents()
    assert {incident.incident_id: incident.revision for incident in found} == {
        incident.incident_id: incident.revision for batch in batches for incident in batch
    }
    assert [incident.last_said for incident in found] == sorted((i.last_said for i in found), reverse=True)
    assert store.report().incidents == 3


def test_written_again_or_late_an_older_revision_changes_nothing(store: SqliteStore) -> None:
    batches = written(store, MESSAGES)
    tables = "SELECT * FROM incident", "SELECT * FROM incident_key"
    before = [store.connection.execute(sql).fetchall() for sql in tables]
    for incidents in (*reversed(batches), *batches):
        store.write(Batch(incidents=incidents))
    assert [store.connection.execute(sql).fetchall() for sql in tables] == before


@pytest.mark.parametrize(
    ("asked", "towns"),
    [
        ({"place": "Town 0"}, ["Town 0"]),
        ({"place": "town 0"}, ["Town 0"]),
        ({"place": "loc:town-1"}, ["Town 1"]),
        ({"place": "loc:sudan"}, ["Town 0", "Town 1", "Town 2"]),
        ({"actor": "rapid support forces"}, ["Town 0"]),
        ({"actor": "org:rsf", "place": "loc:town-1"}, []),
        ({"actor": "un"}, ["Town 0", "Town 1"]),
        ({"actor": "army"}, ["Town 2"]),
        ({"type": "casualties", "since": "2024-05-12"}, ["Town 0", "Town 1", "Town 2"]),
        ({"type": "violence", "since": "2024-05-13"}, ["Town 0", "Town 2"]),
        ({"type": "territorial control"}, []),
    ],
    ids=str,
)
def test_incidents_are_found_by_place_actor_type_and_time(store: SqliteStore, asked: dict[str, str], towns: list[str]) -> None:
    written(store, MESSAGES)
    assert sorted(incident.places[0].name for incident in store.incidents(**asked)) == towns  # type: ignore[arg-type]


def test_an_edit_that_moves_an_event_moves_what_it_is_found_by(store: SqliteStore) -> None:
    written(store, [message(1, 1, [claim("c1", 4, 0, "msf", 3)]), message(1, 2, [claim("c2", 4, 1, "msf", 3)], at="2024-05-11T10:00:00Z")])
    assert [incident.status for incident in store.incidents(place="Town 1")] == ["said"]
    assert store.incidents(place="Town 0") == []
    assert sorted(incident.status for incident in store.incidents()) == ["said", "withdrawn"]


def test_an_article_is_shown_with_its_incidents(store: SqliteStore) -> None:
    batch = samples.mosul()
    assert batch.tagged is not None
    state = LedgerState({}, {})
    said = message(1, 1, [claim("c1", 4, 0, "msf", 3)])
    said = type(said)(**{**{name: getattr(said, name) for name in said.__struct_fields__}, "article_id": batch.tagged.article.article_id})
    store.write(Batch(tagged=batch.tagged, clustered=batch.clustered, incidents=settle(said, state)))
    stored = store.article(batch.tagged.article.article_id)
    assert stored is not None
    assert [incident.headline for incident in stored.incidents] == ["4 killed, Town 0 (SD), 2024-05-03"]


def older(folder: Path) -> None:
    """A store as the first schema had it."""
    open_store(folder).close()
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.executescript(
            "DROP TRIGGER alert_new; DROP TRIGGER alert_grown; DROP TABLE alert_change;"
            "DROP TABLE incident_key; DROP TABLE incident; PRAGMA user_version=1;"
        )
    connection.close()


def test_a_store_from_before_incidents_is_brought_up_to_date_by_a_writer_and_keeps_what_it_had(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.write(samples.mosul())
    older(tmp_path)
    with open_store(tmp_path) as store:
        written(store, MESSAGES)
        assert (store.report().articles, len(store.incidents())) == (1, 3)
        (version,) = store.connection.execute("PRAGMA user_version").fetchone()
    assert version == schema.SCHEMA


def test_a_reader_of_such_a_store_is_told_what_brings_it_up_to_date(tmp_path: Path) -> None:
    older(tmp_path)
    with pytest.raises(UsageError, match=r"older Tocsin .*`tocsin run` or `tocsin ingest` brings it up to date"):
        open_store(tmp_path, read_only=True)
