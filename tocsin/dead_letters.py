"""A message that broke a stage becomes a dead letter: whole, with its origin, so that it can be sent again once the cause is mended."""

import traceback
from collections.abc import Iterable

from msgspec.structs import replace

from tocsin import ids, topics, wire
from tocsin.clock import now
from tocsin.messages import DeadLetter

_TRACE = 6  # frames, the innermost
_LARGEST = topics.MAX_BYTES - 1000  # room for key and headers
_REDRIVES = "tocsin-redrives"
"""Header of a message that was sent again: how many times, so that its next dead letter knows."""


def redrive_headers(redrives: int) -> list[tuple[str, bytes]]:
    """Headers of a message that is sent for the `redrives`-th time again."""
    return [(_REDRIVES, str(redrives).encode())]


def redrives_of(headers: Iterable[tuple[str, bytes | None]] | None) -> int:
    """How many times a message was sent again, by its headers (in the order they were sent; the last one counts)."""
    found = [value for name, value in headers or () if name == _REDRIVES]
    return int(found[-1]) if found and found[-1] and found[-1].isdigit() else 0


def dead_letter(
    stage: str, error: BaseException, *, topic: str, partition: int, offset: int, key: bytes | None, body: bytes | None, redrives: int = 0
) -> DeadLetter:
    """Return the dead letter of one message. `topic`: its full name. `error` should have been raised, so that it knows where.

    It always fits into a message: one whose own message is too large for that leaves it where it lies, and says so.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_TRACE:]
    kind = type(error).__name__
    letter = DeadLetter(
        stage=stage,
        error=_one_line(f"{kind}: {error}"[:1000]),
        trace=" > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames),
        at=now(),
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        body=body,
        fingerprint=ids.digest(stage, kind, topic, *(f"{frame.filename.rpartition('/')[2]}:{frame.name}" for frame in frames[-1:])),
        redrives=redrives,
    )
    if len(key or b"") + len(body or b"") < _LARGEST // 2 or len(wire.encode(letter)) <= _LARGEST:  # bytes travel as base64
        return letter
    bare = replace(letter, body=None, error=f"{letter.error} (too large to be kept here: {len(body or b''):,} bytes; see its origin)")
    return bare if len(wire.encode(bare)) <= _LARGEST else replace(bare, key=None)


def _one_line(text: str) -> str:
    """For logs and terminals: what an error quotes may come from the web."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))
