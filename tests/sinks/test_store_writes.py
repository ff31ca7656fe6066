"""Writing: idempotent, versioned, whole or not at all."""

import itertools
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sinks.sqlite import SqliteStore, open_store
from tests.sinks import samples
from tocsin.errors import Quarantine
from tocsin.records import Dropped, Fate, Sentence
from tocsin.store import Batch, Query


def dump(folder: Path) -> list[str]:
    """Every row of every table, as SQL."""
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        return list(connection.iterdump())


def contents(store: SqliteStore) -> dict[str, list[tuple[object, ...]]]:
    """What the store says, without row numbers, which follow the order of arrival."""
    ask = {
        "versions": "SELECT version_id, article_id, cluster_id, lang, at, first_seen, last_seen, claims, current, title, tagged"
        " FROM version JOIN document USING (id) ORDER BY 1",
        "tags": "SELECT v.version_id, t.kind, t.value, sure FROM tag JOIN version v ON v.id=doc JOIN term t ON t.id=term ORDER BY 1, 2, 3",
        "claims": "SELECT claim_id, v.version_id, type FROM claim JOIN version v ON v.id=doc ORDER BY 1",
        "fates": "SELECT url, stage, outcome, version_id, at, last_at FROM fate ORDER BY 1, 2, 3, 4",
        "dropped": "SELECT url, stage, reason, at, last_at FROM dropped ORDER BY 1, 2, 3",
    }
    return {name: store.connection.execute(sql).fetchall() for name, sql in ask.items()}


def full(batch: Batch) -> Batch:
    """The batch with an alert and a fate."""
    assert batch.tagged is not None
    article = batch.tagged.article
    fate = Fate(url=article.url, at=article.fetched_at, stage="index", outcome="indexed", version_id=article.version_id)
    return replace(batch, alerts=(samples.alert(batch),), fates=(fate,))


def edit(text: str, at: str, **more: object) -> Batch:
    return samples.batch("https://example.org/a", "Title", text, fetched_at=at, **more)  # type: ignore[arg-type]


def words_found(store: SqliteStore, text: str) -> int:
    return store.search(Query(text=text)).total


def test_the_same_batch_twice_changes_nothing(store: SqliteStore, tmp_path: Path) -> None:
    store.write(full(samples.mosul()))
    before = dump(tmp_path / "data")
    store.write(full(samples.mosul()))
    assert dump(tmp_path / "data") == before


def test_a_copy_clustered_otherwise_on_redelivery_keeps_its_cluster(store: SqliteStore) -> None:
    store.write(samples.mosul(cluster="k_1"))
    store.write(samples.mosul(cluster="k_2"))
    found = store.article("https://example.org/mosul")
    assert found is not None
    assert found.clustered.cluster_id == "k_1"


def test_an_edit_becomes_the_current_version_and_what_it_dropped_leaves_search(store: SqliteStore) -> None:
    claims = [("Twelve people died", "casualties", {})]
    store.write(edit("Twelve people died in Raqqa.", "2017-01-01T00:00:00Z", places=[("Raqqa", samples.RAQQA)], claims=claims))
    store.write(edit("Nobody was hurt.", "2017-01-02T00:00:00Z"))
    assert words_found(store, "nobody") == 1
    assert words_found(store, "twelve") == 0
    assert store.search(Query(places=("Raqqa",))).total == 0
    assert store.search(Query(claim_types=("casualties",))).total == 0
    found = store.article("https://example.org/a")
    assert found is not None
    assert [(version.current, version.claims) for version in found.versions] == [(False, 1), (True, 0)]
    old = store.version(found.versions[0].version_id)
    assert old is not None
    assert old.claims[0].text == "Twelve people died"


def test_a_claim_of_an_earlier_version_can_still_be_shown_by_its_id(store: SqliteStore) -> None:
    first = edit("Twelve people died.", "2017-01-01T00:00:00Z", claims=[("Twelve people died", "casualties", {})])
    store.write(first)
    store.write(edit("Nobody was hurt.", "2017-01-02T00:00:00Z"))
    assert first.tagged is not None
    found = store.article(first.tagged.claims[0].claim_id)
    assert found is not None
    assert found.tagged == first.tagged


def test_an_older_version_that_arrives_late_is_history(store: SqliteStore) -> None:
    store.write(edit("New text.", "2017-01-02T00:00:00Z"))
    store.write(edit("Old text.", "2017-01-01T00:00:00Z"))
    found = store.article("https://example.org/a")
    assert found is not None
    assert found.tagged.article.text == "New text."
    assert [version.current for version in found.versions] == [False, True]


def test_an_edit_taken_back_makes_the_first_version_current_again(store: SqliteStore) -> None:
    for text, at in (("First.", "2017-01-01T00:00:00Z"), ("Second.", "2017-01-02T00:00:00Z"), ("First.", "2017-01-03T00:00:00Z")):
        store.write(edit(text, at))
    found = store.article("https://example.org/a")
    assert found is not None
    assert found.tagged.article.text == "First."
    assert len(found.versions) == 2
    assert words_found(store, "second") == 0


def test_of_two_versions_fetched_in_one_second_the_later_arrival_is_current(store: SqliteStore) -> None:
    for _ in range(2):
        store.write(edit("First.", "2017-01-01T00:00:00Z"))
        store.write(edit("Second.", "2017-01-01T00:00:00Z"))
    found = store.article("https://example.org/a")
    assert found is not None
    assert found.tagged.article.text == "Second."


def test_tagging_anew_replaces_the_findings(store: SqliteStore) -> None:
    at = "2017-01-01T00:00:00Z"
    store.write(edit("In Raqqa, twelve died.", at, claims=[("twelve died", "casualties", {})], places=[("Raqqa", samples.RAQQA)]))
    store.write(edit("In Raqqa, twelve died.", at, claims=[("twelve died", "statement", {})], tagger="2"))
    assert store.search(Query(claim_types=("casualties",))).total == 0
    assert store.search(Query(claim_types=("statement",))).total == 1
    assert store.search(Query(places=("Raqqa",))).total == 0
    assert store.report().versions == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_versions_in_any_order_give_the_same_store(tmp_path: Path, order: tuple[int, ...]) -> None:
    versions = [
        edit("First in Raqqa.", "2017-01-01T00:00:00Z", places=[("Raqqa", samples.RAQQA)]),
        edit("Second in Mosul.", "2017-01-02T00:00:00Z", places=[("Mosul", samples.MOSUL)]),
        edit("First in Raqqa.", "2017-01-03T00:00:00Z", places=[("Raqqa", samples.RAQQA)]),
        edit("Third.", "2017-01-02T12:00:00Z"),
    ]
    with open_store(tmp_path / "sorted") as expected, open_store(tmp_path / "shuffled") as found:
        for version in versions:
            expected.write(version)
        for index in order:
            found.write(versions[index])
        assert contents(found) == contents(expected)


texts = st.sampled_from(["One in Mosul.", "Two in Raqqa.", "Three.", "Four people died."])
moments = st.integers(0, 9).map(lambda hour: f"2017-01-01T0{hour}:00:00Z")
events = st.tuples(st.sampled_from(["a", "b"]), texts, moments)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=8, unique_by=lambda event: (event[0], event[2])), st.randoms(use_true_random=False))
def test_any_stream_gives_the_same_store_in_another_order_and_twice(tmp_path_factory: pytest.TempPathFactory, stream: list, random) -> None:  # type: ignore[no-untyped-def, type-arg]
    batches = [full(samples.batch(f"https://example.org/{page}", "T", text, fetched_at=at)) for page, text, at in stream]
    shuffled = batches + random.sample(batches, len(batches) // 2)
    random.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("order")
    with open_store(folder / "one") as one, open_store(folder / "two") as two:
        for batch in batches:
            one.write(batch)
        for batch in shuffled:
            two.write(batch)
        assert contents(one) == contents(two)


def test_an_alert_keeps_its_first_words_and_learns_further_clusters(store: SqliteStore) -> None:
    batch = samples.mosul()
    first = samples.alert(batch, clusters=("k_1",), origins=("un",), headline="first")
    again = samples.alert(batch, clusters=("k_2", "k_1"), origins=("un", "who"), claim_ids=("c_1",), headline="second")
    store.write(replace(batch, alerts=(first,)))
    store.write(replace(batch, alerts=(again,)))
    (kept,) = store.alerts()
    assert (kept.headline, kept.clusters, kept.origins, kept.claim_ids) == ("first", ("k_1", "k_2"), ("un", "who"), ("c_1",))


def test_refusals_are_counted_once_per_url_stage_and_reason(store: SqliteStore) -> None:
    for at in ("2017-01-01T00:00:00Z", "2017-01-02T00:00:00Z", "2017-01-02T00:00:00Z"):
        for url in ("https://example.org/x", "https://example.org/y"):
            store.write(Batch(dropped=(Dropped(url=url, stage="clean", reason="empty", detail="no text", at=at),)))
    assert store.report().dropped == {"clean: empty": 2}
    (fate,) = store.trace("https://example.org/x")
    assert fate.detail == "empty: no text (2 times, last 2017-01-02T00:00:00Z)"


def test_fates_that_repeat_do_not_grow_but_each_alert_has_its_own(store: SqliteStore) -> None:
    def fate(stage: str, outcome: str, detail: str, at: str) -> Fate:
        return Fate(url="https://example.org/a", at=at, stage=stage, outcome=outcome, detail=detail)

    for hour in range(5):
        at = f"2017-01-01T0{hour}:00:00Z"
        store.write(Batch(fates=(fate("fetch", "not-modified", f"304 in {hour} ms", at),)))
    store.write(Batch(fates=(fate("alert", "rang", "rule: one", at), fate("alert", "rang", "rule: two", at))))
    assert [one.detail for one in store.trace("https://example.org/a")] == [
        "304 in 0 ms (5 times, last 2017-01-01T04:00:00Z)",
        "rule: one",
        "rule: two",
    ]


def test_a_batch_that_cannot_be_stored_leaves_nothing_behind_and_the_next_one_is_kept(store: SqliteStore) -> None:
    with pytest.raises(Quarantine, match="lone surrogate"):
        store.write(replace(samples.batch(text="half \ud800 a character"), fates=(Fate(url="u", at="", stage="s", outcome="o"),)))
    assert store.report().versions == 0
    assert store.trace("u") == []
    store.write(samples.batch())
    assert store.report().versions == 1


def test_a_batch_refused_inside_a_transaction_leaves_the_rest_of_it_alone(store: SqliteStore) -> None:
    with store.transaction():
        store.write(samples.mosul())
        with pytest.raises(Quarantine):
            store.write(Batch(tagged=samples.batch().tagged, fates=(Fate(url="u", at="", stage="s", outcome="\ud800"),)))
    assert store.report().versions == 1
    assert store.search(Query(places=("Mosul",))).total == 1


@pytest.mark.parametrize("error", [BrokenPipeError("pipe"), PermissionError(13, "no", "elsewhere"), ValueError("x")])
def test_errors_of_the_callers_own_pass_a_transaction_unchanged(store: SqliteStore, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, store.transaction():
        raise error
    assert caught.value is error


def test_a_transaction_that_fails_keeps_neither_results_nor_state(store: SqliteStore) -> None:
    table = store.table("seen", Sentence)
    table["kept"] = Sentence(start=0, end=1)
    with pytest.raises(RuntimeError, match="boom"), store.transaction():  # noqa: PT012 - the block is what fails
        store.write(samples.mosul())
        table["lost"] = Sentence(start=1, end=2)
        del table["kept"]
        raise RuntimeError("boom")
    assert dict(table) == {"kept": Sentence(start=0, end=1)}
    assert store.report().articles == 0
    assert store.search(Query(places=("Mosul",))).total == 0
    store.write(samples.mosul())
    assert store.search(Query(places=("Mosul",))).total == 1
