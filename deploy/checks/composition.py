"""deploy/compose.yaml as data: variables filled in, and what its services run, read and share."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
OURS = "${IMAGE:-tocsin:local}"
"""What services of our own image name as theirs."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)")


class Service(NamedTuple):
    """One service of the composition, its variables filled in."""

    name: str
    spec: Mapping[str, Any]
    ours: bool  # runs our image

    @property
    def environment(self) -> dict[str, str]:
        """The variables it is given, as text."""
        return {name: "" if value is None else str(value) for name, value in (self.spec.get("environment") or {}).items()}

    @property
    def words(self) -> list[str]:
        """The whole command, the image's entry point included."""
        return [*(self.spec.get("entrypoint") or (["tocsin"] if self.ours else [])), *_words(self.spec.get("command") or [])]

    @property
    def is_job(self) -> bool:
        """Ends by itself, and is not started again."""
        return self.spec.get("restart") == "no"

    @property
    def secrets(self) -> dict[str, str]:
        """Secrets it sees, and where in the container."""
        listed = self.spec.get("secrets") or []
        pairs = [(item, item) if isinstance(item, str) else (item["source"], item.get("target", item["source"])) for item in listed]
        return {name: target if target.startswith("/") else f"/run/secrets/{target}" for name, target in pairs}

    @property
    def mounts(self) -> list[tuple[str, str]]:
        """(volume or path outside, path inside); "" outside for a volume without a name."""
        parts = [str(item).split(":") for item in self.spec.get("volumes") or []]
        return [(part[0], part[1]) if len(part) > 1 else ("", part[0]) for part in parts]


def raw() -> dict[str, Any]:
    """The file as YAML reads it."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


def services(variables: Mapping[str, str] | None = None) -> dict[str, Service]:
    """All services by name; `variables` fill in what the file leaves open, else its own defaults."""
    read = raw()["services"]
    return {name: Service(name, fill_in(spec, variables or {}), spec["image"] == OURS) for name, spec in read.items()}


def fill_in(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace ${NAME:-default} in every text of a YAML value, as Compose does."""
    if isinstance(value, dict):
        return {name: fill_in(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, variables) for item in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def variables_of(text: str) -> set[str]:
    """Names of the variables that a text leaves open."""
    return {found[1] or found[4] for found in _VARIABLE.finditer(text)}


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, default = found[1] or found[4], found[3] or ""
    given = variables.get(name)
    return given if given or (given == "" and found[2] == "-") else default


def _words(command: str | list[str]) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
