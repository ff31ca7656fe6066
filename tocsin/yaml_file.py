"""Read a YAML file into a typed record, with the file and line in every complaint.

PyYAML parses (its safe loader only), msgspec validates. A validation error names a path such as `$.rules[2].kind`; the line is
looked up in the parsed node tree.
"""

import re
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from tocsin.errors import DataError

S = TypeVar("S")
_MAX_BYTES = 20_000_000
_PATH = re.compile(r"at `([^`]*)`")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\[\.\.\.\]")


def load_yaml(path: Path, kind: type[S]) -> S:
    """Read `path` as a `kind`. Raises DataError naming file and line."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(path, f"larger than {_MAX_BYTES:,} bytes: split it into several files")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(path, f"cannot read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(path, f"not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    return parse_yaml(text, kind, path)


def parse_yaml(text: str, kind: type[S], path: Path) -> S:
    """Read YAML text as a `kind`; `path` is for complaints. Raises DataError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
        value = yaml.load(text, Loader=loader)  # noqa: S506  # both choices are safe loaders
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DataError(path, f"not YAML: {error.problem}", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DataError(path, f"not YAML: {str(error).splitlines()[0]}") from error
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise DataError(path, str(error), _line(root, str(error))) from error


def _line(root: yaml.Node | None, message: str) -> int | None:
    """Line (from 1) of the node a msgspec message points to, as near as the tree allows."""
    match = _PATH.search(message)
    node = root
    for step in _STEP.finditer(match.group(1) if match else ""):
        name, index = step.group(1), step.group(2)
        if isinstance(node, yaml.MappingNode) and name is not None:
            found = next((value for key, value in node.value if getattr(key, "value", None) == name), None)
        elif isinstance(node, yaml.SequenceNode) and index is not None:
            found = node.value[int(index)] if int(index) < len(node.value) else None
        else:
            found = None
        if found is None:
            break
        node = found
    return node.start_mark.line + 1 if node is not None else None
