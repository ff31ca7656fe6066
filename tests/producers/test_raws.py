"""The archive of a replica: the same bytes once, whatever is killed when."""

import pytest

from producers.archive import read_body
from producers.raws import KEEP, Raws
from tests.producers.test_archive import page
from tocsin.errors import UsageError
from tocsin.settings import Settings, load

DAY = 86_400.0


def settings(folder, node="one") -> Settings:
    return load(environment={}, given={"data": str(folder), "node": node})[0]


def test_bytes_are_archived_once_an_address_also_after_a_restart(tmp_path) -> None:
    a, again = page(b"<html>a</html>"), page(b"<html>a</html>", fetched_at="2018-01-06T11:00:00Z")
    copy, edited = page(b"<html>a</html>", "https://other.example/"), page(b"<html>b</html>")
    with Raws(settings(tmp_path), "fetch") as raws:
        first = raws.keep(a, (), 0.0)
        assert raws.keep(again, (), 1.0) == first
        raws.commit()
        assert raws.keep(again, (), 2.0) == first
    with Raws(settings(tmp_path), "fetch") as raws:
        assert raws.keep(again, (), 3.0) == first
        others = {raws.keep(one, (), 3.0).uri for one in (copy, edited)}
        assert len(others | {first.uri}) == 3
    assert read_body(tmp_path / "archive", first) == b"<html>a</html>"


def test_what_was_not_committed_is_archived_again_and_nothing_points_to_a_missing_byte(tmp_path) -> None:
    with Raws(settings(tmp_path), "fetch") as raws:
        kept = raws.keep(page(b"<html>kept</html>"), (), 0.0)
        raws.commit()
        raws.keep(page(b"<html>lost</html>"), (), 0.0)
    with Raws(settings(tmp_path), "fetch") as raws:
        again = raws.keep(page(b"<html>lost</html>"), (), 1.0)
        raws.commit()
    for ref, body in ((kept, b"<html>kept</html>"), (again, b"<html>lost</html>")):
        assert read_body(tmp_path / "archive", ref) == body


def test_the_memory_is_bounded_by_time_and_number(tmp_path) -> None:
    with Raws(settings(tmp_path), "fetch") as raws:
        for number in range(10):
            raws.keep(page(f"<html>{number}</html>".encode()), (), number * DAY)
        raws.commit()
        assert raws.forget(KEEP + 3.5 * DAY) == 4
        assert raws.forget(KEEP, most=2) == 4
        newest = page(b"<html>9</html>")
        size = sum(file.stat().st_size for file in (tmp_path / "archive" / "one").iterdir())
        raws.keep(newest, (), KEEP)
        assert sum(file.stat().st_size for file in (tmp_path / "archive" / "one").iterdir()) == size


def test_a_replica_has_its_folder_to_itself(tmp_path) -> None:
    with Raws(settings(tmp_path), "fetch"), Raws(settings(tmp_path, "two"), "fetch"), pytest.raises(UsageError, match="is writing here"):
        Raws(settings(tmp_path), "fetch")


@pytest.mark.parametrize("node", ["../up", "", ".", "a/b", "a\0b", "-x"])
def test_a_node_that_cannot_name_a_folder_is_refused(tmp_path, node) -> None:
    with pytest.raises(UsageError, match="TOCSIN_NODE"):
        Raws(settings(tmp_path, node), "fetch")
