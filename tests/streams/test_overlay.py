"""An overlay behaves as the mapping under it, which it asks and tells once a key."""

from collections import Counter
from collections.abc import Iterator, MutableMapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.overlay import Overlay


class Counted(MutableMapping[str, int]):
    """A mapping that counts what is asked of it and written to it."""

    def __init__(self, values: dict[str, int]) -> None:
        self.values_, self.reads, self.writes = dict(values), Counter[str](), Counter[str]()

    def __getitem__(self, key: str) -> int:
        self.reads[key] += 1
        return self.values_[key]

    def __setitem__(self, key: str, value: int) -> None:
        self.writes[key] += 1
        self.values_[key] = value

    def __delitem__(self, key: str) -> None:
        self.writes[key] += 1
        del self.values_[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def test_a_key_is_read_once_and_written_once_a_batch() -> None:
    base = Counted({"a": 1})
    overlay = Overlay(base)
    for _ in range(5):
        overlay["a"] = overlay["a"] + 1
        overlay["b"] = overlay.get("b", 0) + 1
    assert base.writes == {}
    assert overlay.flush() == 2
    assert (base.values_, base.reads, base.writes) == ({"a": 6, "b": 5}, {"a": 1, "b": 1}, {"a": 1, "b": 1})


def test_what_is_as_it_was_is_not_written() -> None:
    base = Counted({"a": 1})
    overlay = Overlay(base)
    overlay["a"] = overlay["a"] + 1
    overlay["a"] = 1
    overlay["b"] = overlay.get("b", 7)
    del overlay["b"]
    assert overlay.flush() == 0
    assert base.writes == {}


def test_a_forgotten_batch_leaves_no_trace() -> None:
    base = Counted({"a": 1})
    overlay = Overlay(base)
    overlay["a"] = overlay["b"] = 2
    overlay.forget()
    assert (overlay["a"], overlay.get("b"), overlay.flush(), base.values_) == (1, None, 0, {"a": 1})


keys = st.sampled_from("abcd")
steps = st.lists(st.tuples(st.sampled_from(["set", "delete", "get", "list", "flush"]), keys, st.integers(0, 2)), max_size=40)


@given(st.dictionaries(keys, st.integers(0, 2)), steps)
def test_any_steps_do_what_a_dictionary_does(start: dict[str, int], steps: list[tuple[str, str, int]]) -> None:
    base, model = dict(start), dict(start)
    overlay = Overlay(base)
    for step, key, number in steps:
        if step == "set":
            overlay[key] = model[key] = number
        elif step == "delete":
            assert overlay.pop(key, None) == model.pop(key, None)
        elif step == "get":
            assert (overlay.get(key), key in overlay) == (model.get(key), key in model)
        elif step == "list":
            assert (dict(overlay), len(overlay)) == (model, len(model))
        else:
            overlay.flush()
            assert base == model
    overlay.flush()
    assert base == model


def test_a_key_that_is_not_there_cannot_be_deleted() -> None:
    with pytest.raises(KeyError):
        del Overlay(dict[str, int]())["a"]
