"""State tables behave as dictionaries, and survive."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.sqlite import SqliteStore, open_store
from tocsin import state_table
from tocsin.errors import UsageError
from tocsin.records import Geo, Mention, Sentence


def sentence(number: int) -> Sentence:
    return Sentence(start=number, end=number + 1)


def test_state_is_there_after_closing(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.table("seen", Sentence)["موصل"] = sentence(1)
    with open_store(tmp_path) as store:
        assert dict(store.table("seen", Sentence)) == {"موصل": sentence(1)}
        assert "raqqa" not in store.table("seen", Sentence)


def test_tables_do_not_see_each_other(store: SqliteStore) -> None:
    store.table("one", Sentence)["key"] = sentence(1)
    assert len(store.table("two", Sentence)) == 0
    with pytest.raises(KeyError):
        store.table("two", Sentence)["key"]
    with pytest.raises(KeyError):
        del store.table("two", Sentence)["key"]


def test_changes_are_seen_inside_their_transaction_also_by_iteration(store: SqliteStore) -> None:
    table = store.table("seen", Sentence)
    with store.transaction():
        table["b"] = sentence(2)
        table["a"] = sentence(1)
        assert table["a"] == sentence(1)
        assert list(table) == ["a", "b"]
        del table["a"]
        assert list(table) == ["b"]
        assert len(table) == 1


def test_a_long_table_can_be_emptied_while_it_is_read(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_table, "_PAGE", 10)
    table = store.table("seen", Sentence)
    with store.transaction():
        for number in range(35):
            table[f"{number:03}"] = sentence(number)
    with store.transaction():
        for name in table:
            del table[name]
    assert len(table) == 0


def test_values_beyond_the_cache_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_table, "CACHED", 5)
    with open_store(tmp_path) as store:
        table = store.table("seen", Sentence)
        for number in range(20):
            table[str(number)] = sentence(number)
        assert all(table[str(number)] == sentence(number) for number in range(20))


def test_state_of_another_shape_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.table("seen", Geo)["key"] = Geo(lat=1.0, lon=2.0)
    with open_store(tmp_path) as store, pytest.raises(UsageError, match="kept by another version"):
        store.table("seen", Mention)["key"]


def fails(transaction: AbstractContextManager[None], error: Exception) -> bool:
    """End a transaction with an error. Returns whether it swallowed it."""
    try:
        return bool(transaction.__exit__(type(error), error, None))
    except type(error):
        return False


keys = st.sampled_from("abcde")
steps = st.lists(st.tuples(st.sampled_from(["set", "delete", "get", "list", "commit", "fail"]), keys, st.integers(0, 3)), max_size=30)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_any_steps_do_what_a_dictionary_does(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]) -> None:
    with open_store(tmp_path_factory.mktemp("state")) as store:
        table, model, committed = store.table("t", Sentence), dict[str, Sentence](), dict[str, Sentence]()
        open_one = store.transaction()
        open_one.__enter__()
        for step, key, number in steps:
            if step == "set":
                table[key] = model[key] = sentence(number)
            elif step == "delete":
                assert table.pop(key, None) == model.pop(key, None)
            elif step == "get":
                assert table.get(key) == model.get(key)
            elif step == "list":
                assert dict(table) == model
            else:
                if step == "commit":
                    open_one.__exit__(None, None, None)
                    committed = dict(model)
                else:
                    error = RuntimeError("fail")
                    assert not fails(open_one, error)
                    model = dict(committed)
                open_one = store.transaction()
                open_one.__enter__()
        open_one.__exit__(None, None, None)
        assert dict(table) == model
