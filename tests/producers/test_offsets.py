"""Messages are finished in any order; committed is only what a crash may forget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.offsets import Offsets, Window

GAPS = st.lists(st.integers(1, 4), min_size=1, max_size=30)  # logs have holes: compaction, markers of transactions


@given(gaps=GAPS, order=st.randoms(use_true_random=False), first=st.integers(0, 1000))
def test_the_next_offset_is_never_past_an_unfinished_one_and_passes_all_finished_before_it(gaps, order, first) -> None:
    offsets = [first + sum(gaps[:n]) for n in range(len(gaps))]
    window = Window()
    assert all(window.begin(offset) for offset in offsets)
    left = list(offsets)
    order.shuffle(left)
    while left:
        window.finish(left.pop())
        assert window.next == (min(left) if left else offsets[-1] + 1)
        assert window.unfinished == len(left)
    assert len(window) == 0


@given(st.data())
def test_whatever_is_read_again_is_begun_once(data) -> None:
    window, begun, finished = Window(), set(), set()
    position = 0
    for _ in range(40):
        act = data.draw(st.sampled_from(("read", "finish", "seek back")))
        if act == "read":
            assert window.begin(position) == (position not in begun)
            begun.add(position)
            position += 1
        elif act == "finish" and begun - finished:
            chosen = data.draw(st.sampled_from(sorted(begun - finished)))
            window.finish(chosen)
            finished.add(chosen)
        elif act == "seek back" and window.next is not None:
            position = window.next  # what a reader does when the group gives it the partition once more


def test_finishing_twice_or_what_was_never_begun_is_an_error() -> None:
    window = Window()
    for offset in (3, 4, 5):
        window.begin(offset)
    window.finish(4)
    for wrong in (2, 4, 6):
        with pytest.raises(KeyError):
            window.finish(wrong)


def test_only_what_moved_is_committed() -> None:
    offsets: Offsets[str] = Offsets()
    for offset in (7, 8):
        offsets.window("a").begin(offset)
    offsets.window("b")
    assert offsets.committable() == {"a": 7}
    offsets.committed({"a": 7})
    assert offsets.committable() == {}
    offsets.window("a").finish(8)
    assert offsets.committable() == {}
    offsets.window("a").finish(7)
    assert offsets.committable() == {"a": 9}


def test_a_partition_that_went_and_came_back_starts_anew_and_old_messages_of_it_no_longer_count() -> None:
    offsets: Offsets[str] = Offsets()
    before = offsets.window("a")
    before.begin(1)
    stays = offsets.window("b")
    stays.begin(1)
    offsets.keep(["b"])
    assert not offsets.holds("a", before)
    assert offsets.holds("b", stays)
    after = offsets.window("a")
    assert after is not before
    assert after.begin(1)
    assert not offsets.holds("a", before)
    assert offsets.unfinished() == 2
    assert offsets.unfinished(["a", "unknown"]) == 1
