"""Records <-> JSON bytes. The only place that knows."""

from functools import cache
from typing import Any, TypeVar

import msgspec

from tocsin.errors import NewerSchema, Quarantine
from tocsin.records import SCHEMA_VERSION, Record, Tagged

R = TypeVar("R", bound=msgspec.Struct)
_ENCODER = msgspec.json.Encoder()
# msgspec raises the first for what is no JSON or of another shape, the others for text that is no UTF-8 and for nesting without end.
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def encode(record: Record) -> bytes:
    """Encode a record as one line of UTF-8 JSON, without the newline."""
    return _ENCODER.encode(record)


def decode(data: bytes | str, kind: type[R]) -> R:
    """Decode and validate one record.

    Raises Quarantine when the bytes are not JSON or not of this shape; NewerSchema when they are of a newer schema than this version
    reads, even where that makes them another shape.
    """
    try:
        record: R = _decoder(kind).decode(data)
    except _UNREADABLE as error:
        _check_version(_version_of(data))
        raise Quarantine(f"not a {kind.__name__}: {error}") from error
    _check_version(getattr(record, "schema_version", SCHEMA_VERSION))
    return record


class _Versioned(msgspec.Struct):
    schema_version: int = SCHEMA_VERSION


def _version_of(data: bytes | str) -> int:
    try:
        found: _Versioned = _decoder(_Versioned).decode(data)
    except _UNREADABLE:
        return SCHEMA_VERSION
    return found.schema_version


def _check_version(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise NewerSchema(f"schema {version} is newer than this Tocsin reads ({SCHEMA_VERSION}): upgrade Tocsin, then redrive")


def plain(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record as plain dicts, lists, numbers and strings."""
    result: dict[str, Any] = msgspec.to_builtins(record)
    return result


def flat(tagged: Tagged) -> dict[str, Any]:
    """A tagged document as one flat object (contract: tagged document), the article's fields beside the findings."""
    document = plain(tagged)
    article: dict[str, Any] = document.pop("article")
    return {**article, **document}
