"""A store in an empty folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sinks.sqlite import SqliteStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "data") as opened:
        yield opened
