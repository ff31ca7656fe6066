"""Index templates made of `indices.yaml`, for what a cluster can do."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sinks.elasticsearch import names
from tocsin.settings import Settings
from tocsin.yaml_file import load_yaml

FILE = Path(__file__).with_name("indices.yaml")
PRIORITY = 300
"""Of our templates; the guard behind them has less."""


class Features(NamedTuple):
    """What a cluster has beyond the core."""

    languages: bool = False  # language analyzers (module analysis-common)
    lifecycle: bool = False  # index lifecycle management (module x-pack-ilm)


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of index in the file."""

    about: str
    properties: dict[str, str | dict[str, str]]
    monthly: bool = False
    unstored: tuple[str, ...] = ()  # fields that are indexed and not kept in _source


class Indices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    mapping: int
    lifecycle: dict[str, Any]
    settings: dict[str, Any]
    languages: dict[str, str]
    types: dict[str, dict[str, Any]]
    kinds: dict[str, Kind]


@cache
def indices() -> Indices:
    """Read the file, once."""
    return load_yaml(FILE, Indices)


def mapping_of(kind: str, features: Features, generation: int) -> dict[str, Any]:
    """The mapping of a kind: strict, with our mark, by which a sink tells it from one that Elasticsearch made up."""
    found = indices().kinds[kind]
    mapping: dict[str, Any] = {
        "dynamic": "strict",
        "date_detection": False,
        "_meta": {"tocsin": {"kind": kind, "mapping": indices().mapping, "generation": generation}},
        "properties": {name: _field(meaning, features) for name, meaning in found.properties.items()},
    }
    if found.unstored:
        mapping["_source"] = {"excludes": list(found.unstored)}
    return mapping


def _field(meaning: str | dict[str, str], features: Features) -> dict[str, Any]:
    if isinstance(meaning, dict):
        return {"properties": {name: _field(inner, features) for name, inner in meaning.items()}}
    field = dict(indices().types[meaning])
    if meaning == "prose" and features.languages:
        field["fields"] = {code: {"type": "text", "analyzer": analyzer} for code, analyzer in indices().languages.items()}
    return field


def template(settings: Settings, kind: str, features: Features, *, live: bool) -> dict[str, Any]:
    """The index template of one kind and generation. `live`: its indices are what readers see, from their beginning."""
    name = names.base(settings, kind)
    index_settings: dict[str, Any] = {"index": dict(indices().settings)}
    if features.lifecycle and indices().kinds[kind].monthly:
        index_settings["index"]["lifecycle"] = {"name": policy_name(settings)}
    body: dict[str, Any] = {
        "settings": index_settings,
        "mappings": mapping_of(kind, features, settings.index_generation),
    }
    if live:
        body["aliases"] = {names.alias(settings, kind): {}}
    return {
        "index_patterns": [f"{name}-*" if indices().kinds[kind].monthly else name],
        "priority": PRIORITY,
        "allow_auto_create": False,  # the sink makes the index of a month itself, and looks at it before it writes
        "template": body,
        "_meta": {"tocsin": {"kind": kind, "mapping": indices().mapping, "generation": settings.index_generation}},
    }


def guard(settings: Settings) -> dict[str, Any]:
    """A template behind all of ours: when one of them is gone, a write must fail rather than make an index without mapping."""
    patterns = [f"{settings.prefix}-{kind}-v*" for kind in indices().kinds]
    return {
        "index_patterns": patterns,
        "priority": PRIORITY - 100,
        "allow_auto_create": False,
        "template": {"mappings": {"dynamic": "strict"}},
        "_meta": {"tocsin": {"kind": "guard", "mapping": indices().mapping}},
    }


def policy_name(settings: Settings) -> str:
    """Of the lifecycle policy."""
    return f"{settings.prefix}-indices"


def index_names(settings: Settings, kind: str, moment: str) -> str:
    """The index of a kind that is written at a moment."""
    return names.monthly(settings, kind, moment) if indices().kinds[kind].monthly else names.base(settings, kind)
