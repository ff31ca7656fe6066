"""Records <-> JSON bytes. The only place that knows."""

from functools import cache
from typing import Any, TypeVar

import msgspec

from tocsin.errors import Quarantine
from tocsin.records import SCHEMA_VERSION, Record, Tagged

R = TypeVar("R", bound=msgspec.Struct)
_ENCODER = msgspec.json.Encoder()


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def encode(record: Record) -> bytes:
    """Encode a record as one line of UTF-8 JSON, without the newline."""
    return _ENCODER.encode(record)


def decode(data: bytes | str, kind: type[R]) -> R:
    """Decode and validate one record.

    Raises Quarantine when the bytes are not JSON, not of this shape, or of a newer schema than this version reads.
    """
    try:
        record: R = _decoder(kind).decode(data)
    except msgspec.DecodeError as error:  # ValidationError is one of these
        raise Quarantine(f"not a {kind.__name__}: {error}") from error
    version = getattr(record, "schema_version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise Quarantine(f"schema {version} is newer than this Tocsin reads ({SCHEMA_VERSION}): upgrade Tocsin, then redrive")
    return record


def plain(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record as plain dicts, lists, numbers and strings."""
    result: dict[str, Any] = msgspec.to_builtins(record)
    return result


def flat(tagged: Tagged) -> dict[str, Any]:
    """A tagged document as one flat object (contract: tagged document), the article's fields beside the findings."""
    document = plain(tagged)
    article: dict[str, Any] = document.pop("article")
    return {**article, **document}
