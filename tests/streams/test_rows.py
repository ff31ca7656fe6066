"""Rows as they are kept: what cannot be read stops the service, and says why."""

from types import SimpleNamespace
from typing import Any

import pytest

from streams.rows import Rows, StateError, encoded
from streams.spoken import Spoken
from tocsin.errors import Quarantine

ROW = Spoken(version_id="v_1", at="2018-01-06T10:00:00Z", blocks=("IQ",))


def rows(get: Any) -> Rows:
    data = SimpleNamespace(path="data/worker/one", _db_for_partition=lambda _: SimpleNamespace(get=get))
    return Rows(SimpleNamespace(data=data), 0, Spoken)


def raises(error: Exception) -> Any:
    def get(_: bytes) -> bytes:
        raise error

    return get


def test_a_row_is_read_as_it_was_written() -> None:
    kept = rows({b"a_1": encoded(ROW)}.get)
    assert kept["a_1"] == ROW
    assert kept.get("a_2") is None


@pytest.mark.parametrize(
    ("get", "said"),
    [(raises(OSError("corrupt")), "cannot read state .*delete the folder"), (lambda _: b"\xff", "another version of Tocsin")],
)
def test_state_that_cannot_be_read_stops_the_service_with_advice(get: Any, said: str) -> None:
    with pytest.raises(StateError, match=said):
        rows(get)["a_1"]


def test_a_record_that_takes_too_long_while_a_row_is_read_is_no_damaged_state() -> None:
    with pytest.raises(Quarantine, match="took longer"):
        rows(raises(Quarantine("took longer than 30 s")))["a_1"]
