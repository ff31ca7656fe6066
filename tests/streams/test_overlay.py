"""Changes above a table: taken back for one record, handed on for a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import overlay as overlays
from streams.overlay import Overlay

KEYS = st.sampled_from("abcde")
ACTIONS = st.lists(st.one_of(st.tuples(st.just("set"), KEYS, st.integers(1, 9)), st.tuples(st.just("delete"), KEYS, st.just(0))))


def apply(actions: list[tuple[str, str, int]], *targets: dict[str, int] | Overlay[int]) -> None:
    for kind, key, value in actions:
        for target in targets:
            if kind == "set":
                target[key] = value
            else:
                target.pop(key, None)


@given(st.dictionaries(KEYS, st.integers(1, 9)), ACTIONS)
def test_it_reads_like_the_table_with_its_changes(kept: dict[str, int], actions: list[tuple[str, str, int]]) -> None:
    overlay, plain, before = Overlay(kept), dict(kept), dict(kept)
    apply(actions, overlay, plain)
    assert dict(overlay) == plain
    assert len(overlay) == len(plain)
    assert kept == before


@given(st.dictionaries(KEYS, st.integers(1, 9)), ACTIONS)
def test_its_changes_make_the_table_what_it_reads_like(kept: dict[str, int], actions: list[tuple[str, str, int]]) -> None:
    overlay = Overlay(kept)
    apply(actions, overlay)
    expected = dict(overlay)
    for key, value in overlay.changes().items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value
    overlay.settle()
    assert kept == expected == dict(overlay)
    assert overlay.changes() == {}


@given(st.dictionaries(KEYS, st.integers(1, 9)), ACTIONS, ACTIONS)
def test_a_record_that_failed_leaves_nothing_and_what_came_before_stays(
    kept: dict[str, int], good: list[tuple[str, str, int]], failed: list[tuple[str, str, int]]
) -> None:
    overlay, plain = Overlay(kept), dict(kept)
    overlay.begin()
    apply(good, overlay, plain)
    overlay.begin()
    apply(failed, overlay)
    overlay.roll_back()
    assert dict(overlay) == plain


def test_a_row_set_to_what_it_was_is_no_change() -> None:
    overlay = Overlay({"a": (1, 2)})
    overlay["a"] = (*overlay["a"],)
    assert overlay.changes() == {}


def test_deleting_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        del Overlay({})["a"]


def test_rows_that_were_read_or_stored_are_kept_by_their_bytes_and_changes_whatever_they_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, "CACHED", 1000)
    kept = {f"{number:03}": "x" * 90 for number in range(100)}
    overlay = Overlay(kept)
    assert dict(overlay) == kept
    assert len(overlay._read) <= 10
    changes = {key: value + "y" for key, value in kept.items()}
    overlay.update(changes)
    assert dict(overlay) == changes == overlay.changes()
    kept.update(changes)
    overlay.settle()
    assert dict(overlay) == kept
    assert len(overlay._read) <= 10
