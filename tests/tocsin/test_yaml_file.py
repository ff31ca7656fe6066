"""A YAML file is read whole or refused with file and line."""

from pathlib import Path

import msgspec
import pytest

from tocsin.errors import DataError
from tocsin.yaml_file import load_yaml


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file should hold."""

    name: str
    parts: tuple[int, ...] = ()


class Things(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many."""

    things: tuple[Thing, ...]


def test_a_good_file_becomes_typed_records(tmp_path: Path) -> None:
    file = tmp_path / "things.yaml"
    file.write_text("\ufeffthings:\n  - {name: café, parts: [1, 2]}\n", encoding="utf-8")
    assert load_yaml(file, Things) == Things((Thing("café", (1, 2)),))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("things:\n  - name: a\n    parts: [1, x]\n", r":3: things\.0\.parts\.1: Expected `int`", id="a wrong type"),
        pytest.param("things:\n  - name: a\n    colour: red\n", r":3: things\.0\.colour: unknown key", id="an unknown key"),
        pytest.param("things:\n  - parts: [1]\n", r":2: name: missing", id="a missing key"),
        pytest.param("things:\n  - name: a\n    name: b\n", r":3: key 'name' is given twice", id="a doubled key"),
        pytest.param("things:\n  - &a {name: a}\n  - *a\n", r":2: anchors", id="an anchor used again"),
        pytest.param("things: [", r":\d: not YAML", id="broken"),
        pytest.param("", r":1: empty", id="empty"),
        pytest.param(b"things:\n  - name: \xff\n", r":2: not UTF-8", id="another encoding"),
        pytest.param("[" * 20_000, "not YAML", id="nested beyond measure"),
        pytest.param("things: !!python/object/apply:os.system ['true']", "not YAML", id="a tag that would run code"),
    ],
)
def test_everything_else_is_refused_with_its_line(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    file = tmp_path / "things.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=complaint):
        load_yaml(file, Things)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.yaml: cannot read"):
        load_yaml(tmp_path / "nowhere.yaml", Things)
