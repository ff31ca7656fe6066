"""New and grown alerts, in the order in which they were committed: what a notifier reads."""

import sqlite3
from pathlib import Path

from msgspec.structs import replace

from sinks.sqlite import SqliteStore, open_store
from tests.sinks import samples
from tocsin.store import Batch


def test_new_and_grown_alerts_are_read_in_the_order_of_commits_and_what_repeats_is_not_read_again(store: SqliteStore) -> None:
    batch = samples.mosul()
    first, late = samples.alert(batch, cause="k1"), samples.alert(batch, cause="k2", at="2017-01-01T00:00:00Z")
    store.write(Batch(alerts=(first,)))
    store.write(Batch(alerts=(late,)))
    before = store.alert_changes(0)
    assert [found for _, found in before] == [first, late]
    store.write(Batch(alerts=(first, late)))
    assert store.alert_changes(before[-1][0]) == []
    store.write(Batch(alerts=(replace(first, clusters=("k9",)),)))
    ((number, grown),) = store.alert_changes(before[-1][0])
    assert (grown.alert_id, grown.clusters) == (first.alert_id, ("k9",))
    assert store.alert_changes(number) == []
    assert [found.alert_id for _, found in store.alert_changes(0)] == [late.alert_id, first.alert_id]
    assert len(store.alert_changes(0, limit=1)) == 1


def test_alerts_of_a_store_from_before_are_all_there_after_its_upgrade(tmp_path: Path) -> None:
    batch = samples.mosul()
    with open_store(tmp_path) as store:
        store.write(replace(batch, alerts=(samples.alert(batch),)))
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.executescript("DROP TRIGGER alert_new; DROP TRIGGER alert_grown; DROP TABLE alert_change; PRAGMA user_version=2")
    connection.close()
    with open_store(tmp_path) as store:
        assert [found for _, found in store.alert_changes(0)] == [samples.alert(batch)]
