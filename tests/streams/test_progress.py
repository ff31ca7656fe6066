"""What may be committed follows what was processed, and nothing else."""

from streams.progress import Progress


def test_only_what_was_processed_may_be_committed() -> None:
    progress: Progress[str] = Progress()
    progress.begin(1)
    assert progress.committable() == {}
    for offset in (7, 8, 9):
        progress.done("p0", offset)
    progress.done("p1", 0)
    assert progress.committable() == {"p0": 10, "p1": 1}


def test_the_next_message_is_the_committed_one_and_then_the_one_after_the_last() -> None:
    progress: Progress[str] = Progress()
    progress.begin(1)
    assert progress.expected("p0", None) is None, "a new group, or one whose place is not known yet: any may come"
    assert progress.expected("p0", 40) == 40
    progress.done("p0", 40)
    assert progress.expected("p0", 40) == 41


def test_what_comes_again_takes_nothing_back() -> None:
    progress: Progress[str] = Progress()
    progress.begin(1)
    for offset in (5, 6, 7, 5, 6):
        progress.done("p0", offset)
    assert progress.committable() == {"p0": 8}
    assert progress.expected("p0", 5) == 8


def test_after_partitions_were_shared_out_anew_nothing_of_before_counts() -> None:
    progress: Progress[str] = Progress()
    progress.begin(1)
    progress.done("p0", 99)
    progress.begin(1)
    assert progress.committable() == {"p0": 100}
    progress.begin(2)
    assert progress.committable() == {}
    assert progress.expected("p0", 60) == 60, "another worker may have had it, and got less far"
