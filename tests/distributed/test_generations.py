"""Which generation of indices a replay fills, and what it reads the archive by."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tocsin.distributed.material import archive_files, some
from tocsin.distributed.replay import generation_for
from tocsin.errors import UsageError
from tocsin.settings import Settings

SETTINGS = Settings(node="test")


@pytest.mark.parametrize(
    ("live", "asked", "configured", "filled"),
    [
        (None, None, 1, 1),  # everything was lost: it comes again as it was
        (None, 3, 1, 3),
        (1, None, 1, 2),
        (1, None, 2, 2),  # the sinks are set to the next one already
        (1, None, 4, 4),
        (4, None, 1, 5),
        (2, 2, 1, 2),  # what readers see is repaired
        (2, 7, 1, 7),
    ],
)
def test_the_next_generation_is_filled_unless_another_is_asked_for(
    live: int | None, asked: int | None, configured: int, filled: int
) -> None:
    assert generation_for(replace(SETTINGS, index_generation=configured), live, asked) == filled


def test_there_is_no_way_back() -> None:
    with pytest.raises(UsageError, match=r"readers see generation 3: .* such as --into v4"):
        generation_for(SETTINGS, 3, 2)


def test_the_archives_of_all_fetchers_are_found_each_in_its_order(tmp_path: Path) -> None:
    for name in ("b/tocsin-000002.warc.gz", "b/tocsin-000001.warc.gz", "a/tocsin-000001.warc.gz", "tocsin-000001.warc.gz", "a/.lock"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = {folder.relative_to(tmp_path).as_posix(): [path.name for path in paths] for folder, paths in archive_files(tmp_path).items()}
    first, second = "tocsin-000001.warc.gz", "tocsin-000002.warc.gz"
    assert found == {".": [first], "a": [first], "b": [first, second]}
    assert archive_files(tmp_path / "none") == {}


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_items_come_in_lists_and_none_is_left_out(count: int, lengths: list[int]) -> None:
    lists = list(some(range(count), 3))
    assert [len(one) for one in lists] == lengths
    assert [item for one in lists for item in one] == list(range(count))
