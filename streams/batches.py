"""What a stage makes of the messages it reads: outputs, dead letters and changed rows. Pure but for the clock of dead letters.

Bad input never loses good input: a message that cannot be read, or that makes the stage raise, becomes a dead letter, alone and whole,
and nothing of it is kept. A message of a newer schema, and state that cannot be read, stop the service instead.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from streams.overlay import Overlay
from streams.rows import encoded
from streams.stages import Output, Stage, Step, in_time, pack
from tocsin import topics, wire
from tocsin.dead_letters import dead_letter
from tocsin.errors import Quarantine, stops_service
from tocsin.messages import DeadLetter
from tocsin.settings import Settings

SLOW = 30.0
"""Seconds that one record may take: beyond, it is a dead letter. A typical article takes 5 ms."""

_LARGEST_ROW = topics.MAX_BYTES - 1000  # room for its key


class Taken(NamedTuple):
    """A message as it was read."""

    topic: str  # full name
    partition: int
    offset: int
    key: bytes | None
    body: bytes | None
    redrives: int = 0  # times an operator has sent it again
    written: float | None = None  # Unix seconds: when the broker got it, by its own clock; None: not known


class Message(NamedTuple):
    """One message, ready to send."""

    topic: str  # full name
    partition: int
    key: bytes | None
    body: bytes | None


class Work:
    """One stage at work on one partition's messages, with that partition's tables."""

    def __init__(self, stage: Stage, knowledge: Any, tables: Mapping[str, Overlay[Any]]) -> None:
        self._stage = stage
        self.tables = tables
        self._step: Step = stage.open(knowledge, tables)

    def take(self, taken: Taken) -> list[Output] | DeadLetter:
        """Process one message. Raises NewerSchema, and any other TocsinError but Quarantine: then the service must stop."""
        for table in self.tables.values():
            table.begin()
        try:
            if taken.body is None:
                raise Quarantine("an empty message")
            record = in_time(wire.decode(taken.body, self._stage.reads.record), taken.written)
            with _bounded(SLOW):
                made = self._step(record)
            self._check_rows()
            return made
        except Exception as error:
            for table in self.tables.values():
                table.roll_back()
            if stops_service(error):
                raise
            origin = {name: value for name, value in taken._asdict().items() if name != "written"}
            return dead_letter(self._stage.name, error, **origin)

    def _check_rows(self) -> None:
        """Raise Quarantine when a changelog could not take what the record made of a row: the broker's refusal would stop the service."""
        for name, table in self.tables.items():
            for row in table.touched():
                size = len(encoded(row) or b"")
                if size > _LARGEST_ROW:
                    raise Quarantine(f"a row of {name} would be too large for a message ({size:,} bytes; at most {_LARGEST_ROW:,})")


def messages(settings: Settings, outputs: list[Output], letters: list[DeadLetter]) -> Iterator[Message]:
    """Yield everything a batch sends, sightings packed."""
    for output in pack(outputs, settings.partitions):
        lane = topics.lane_of(output.topic, backfill=output.backfill)
        yield _message(settings, output.topic, output.key, output.body, lane)
    for letter in letters:
        yield _message(settings, topics.DEAD_LETTERS, f"{letter.topic}/{letter.partition}/{letter.offset}", wire.encode(letter), "live")


def changed_rows(settings: Settings, table: topics.Table, partition: int, rows: Mapping[str, bytes | None]) -> Iterator[Message]:
    """Yield changes of a table as its changelog has them; None deletes a row."""
    name = topics.changelog(settings, table)
    for key, body in rows.items():
        yield Message(name, partition, key.encode("utf-8", "surrogatepass"), body)


def _message(settings: Settings, topic: topics.Topic, key: str, body: bytes, lane: topics.Lane) -> Message:
    partition = topics.partition_of(key, topics.count_of(settings, topic))
    return Message(topics.full_name(settings, topic, lane), partition, key.encode("utf-8", "surrogatepass"), body)


class _Alarm:
    """Whether the alarm is for what runs now: it may ring in the moment after."""

    armed = False


def _ring(_number: int, _frame: FrameType | None) -> None:
    if _Alarm.armed:
        _Alarm.armed = False
        raise Quarantine(f"took longer than {SLOW:.0f} s")


def watch() -> Callable[[], None]:
    """Let `Work.take` give up on a record that takes longer than `SLOW`; main thread only. Returns what ends it."""
    before = signal.signal(signal.SIGALRM, _ring)

    def end() -> None:
        signal.signal(signal.SIGALRM, before)

    return end


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    if signal.getsignal(signal.SIGALRM) is not _ring:
        yield
        return
    _Alarm.armed = True
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        _Alarm.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
