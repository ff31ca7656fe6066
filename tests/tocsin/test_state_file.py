"""A service's state lies in a file of its own: durable, whole, for one process."""

import os
import sqlite3
from pathlib import Path

import pytest

from tocsin import state_table
from tocsin.errors import UsageError
from tocsin.records import Sentence
from tocsin.state_table import SCHEMA, open_state


def sentence(number: int) -> Sentence:
    return Sentence(start=number, end=number + 1)


def test_what_was_committed_is_there_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scheduler.sqlite3"
    with open_state(path) as state, state.transaction():
        state.table("targets", Sentence)["a"] = sentence(1)
        state.table("hosts", Sentence)["a"] = sentence(2)
    with open_state(path) as state:
        assert dict(state.table("targets", Sentence)) == {"a": sentence(1)}
        assert dict(state.table("hosts", Sentence)) == {"a": sentence(2)}


def test_a_transaction_that_fails_leaves_nothing_in_any_table(tmp_path: Path) -> None:
    with open_state(tmp_path / "s.sqlite3") as state:
        targets, hosts = state.table("targets", Sentence), state.table("hosts", Sentence)
        targets["kept"] = sentence(0)

        def half_done() -> None:
            with state.transaction():
                targets["a"] = hosts["a"] = sentence(1)
                del targets["kept"], targets["never there"]

        with pytest.raises(KeyError):
            half_done()
        assert (dict(targets), dict(hosts)) == ({"kept": sentence(0)}, {})


def test_a_file_that_was_not_closed_holds_what_was_committed_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    child = os.fork()
    if not child:
        state = open_state(path)
        state.table("t", Sentence)["committed"] = sentence(1)
        under_way = state.transaction()
        under_way.__enter__()
        state.table("t", Sentence)["under way"] = sentence(2)
        os._exit(0)
    os.waitpid(child, 0)
    with open_state(path) as state:
        assert list(state.table("t", Sentence)) == ["committed"]


def test_a_second_process_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    with open_state(path), pytest.raises(UsageError, match=f"process {os.getpid()} is writing here: stop it first"):
        open_state(path)
    open_state(path).close()


def test_a_file_of_another_program_a_newer_one_or_no_database_is_left_alone_in_one_line(tmp_path: Path) -> None:
    foreign, newer, letter = tmp_path / "foreign", tmp_path / "newer", tmp_path / "letter"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE recipes (id)")
    open_state(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA + 1}")
    letter.write_text("This is a letter to my aunt. " * 200)
    for path, complaint in ((foreign, "another program"), (newer, "newer Tocsin"), (letter, "not a SQLite database")):
        before = path.read_bytes()
        with pytest.raises(UsageError, match=complaint) as caught:
            open_state(path)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="choose another folder"):
        open_state(tmp_path / "file" / "s.sqlite3")


def test_a_table_that_is_walked_and_written_keeps_few_values_in_memory_and_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_table, "CACHED", 500)
    expected = {f"{number:03}": sentence(number) for number in range(300)}
    with open_state(tmp_path / "s.sqlite3") as state:
        table = state.table("targets", Sentence)
        assert isinstance(table, state_table.StateTable)
        for key, value in expected.items():
            table[key] = value
            assert len(table._cache) < 60
        with state.transaction():
            table["000"] = expected["000"] = sentence(7)
            del table["001"], expected["001"]
            assert dict(table) == expected
            assert len(table._cache) < 60
        table.update({key: sentence(1) for key in expected})
        assert len(table._cache) < 60

        def half_done() -> None:
            with state.transaction():
                for number, key in enumerate(table):
                    table[key] = sentence(1 // (200 - number))

        with pytest.raises(ZeroDivisionError):
            half_done()
    with open_state(tmp_path / "s.sqlite3") as state:
        assert dict(state.table("targets", Sentence)) == dict.fromkeys(expected, sentence(1))
