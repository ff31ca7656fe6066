"""Read a YAML file: the one way, with the file and line in every complaint.

PyYAML's safe loader parses, msgspec validates. Refused: doubled keys (YAML would silently keep the last), anchors used again (a small
file could grow without bound), files beyond `MAX_FILE`, anything but UTF-8.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import yaml

from tocsin.errors import DataError

S = TypeVar("S")
Steps = list[str | int]
MAX_FILE = 20_000_000  # bytes
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, in C where PyYAML was built with it
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_FIELD = re.compile(r"field `([^`]*)`")


class Document(NamedTuple):
    """One YAML file as plain values, with the way back to its lines."""

    path: Path
    root: yaml.Node
    value: Any

    def line(self, steps: Steps) -> int:
        """Line (from 1) of the node at `steps`, or of the nearest one above it that exists."""
        node = self.root
        line = node.start_mark.line + 1
        for step in steps:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
                continue
            found = next((pair for pair in node.value if pair[0].value == step), None) if isinstance(node, yaml.MappingNode) else None
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    def error(self, problem: str, steps: Steps) -> DataError:
        """A complaint about the node at `steps`."""
        return DataError(self.path, problem, self.line(steps))


def read_yaml(path: Path) -> Document:
    """Read `path`. Raises DataError naming file and line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot read: {error.strerror}") from error
    return parse_yaml(raw, path)


def parse_yaml(raw: bytes, path: Path) -> Document:
    """Read YAML bytes; `path` is for complaints. Raises DataError naming file and line."""
    if len(raw) > MAX_FILE:
        raise DataError(path, f"{len(raw):,} bytes; a file has at most {MAX_FILE:,}: split it into several")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(path, "not UTF-8; save it as UTF-8", raw[: error.start].count(b"\n") + 1) from error
    try:
        loader = _LOADER(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise DataError(path, "empty", 1)
            _check_nodes(path, root)
            return Document(path, root, loader.construct_document(root))
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise DataError(path, f"not YAML: {problem}", mark.line + 1 if mark else None) from error
    except (RecursionError, ValueError) as error:
        raise DataError(path, f"not YAML: {error}") from error


def load_yaml(path: Path, kind: type[S]) -> S:
    """Read `path` as a `kind` (a msgspec type). Raises DataError naming file, line and field."""
    return convert(read_yaml(path), kind)


def convert(document: Document, kind: type[S]) -> S:
    """The document's value as a `kind`. Raises DataError naming file, line and field."""
    try:
        return msgspec.convert(document.value, kind)
    except msgspec.ValidationError as error:
        problem, steps = explained(error)
        raise document.error(problem, steps) from error


def explained(error: msgspec.ValidationError) -> tuple[str, Steps]:
    """What a validation error means for a person ("colour: unknown key"), and the steps to the node it is about."""
    problem, _, where = str(error).partition(" - at `$")
    steps: Steps = [int(index) if index else name for name, index in _STEP.findall(where)]
    field = _FIELD.search(problem)
    if field and "unknown field" in problem:
        steps, problem = [*steps, field[1]], "unknown key"
    elif field and "missing required field" in problem:
        return f"{field[1]}: missing", steps
    name = ".".join(str(step) for step in steps)
    return (f"{name}: {problem}" if name else problem), steps


def _check_nodes(path: Path, root: yaml.Node) -> None:
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            raise DataError(path, "anchors and aliases are not read here; write the value out", node.start_mark.line + 1)
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        raise DataError(path, f"key {key.value!r} is given twice", key.start_mark.line + 1)
                    keys.add(key.value)
                stack += (key, value)
