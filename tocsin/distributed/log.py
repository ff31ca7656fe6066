"""Reading topics from offset to offset, without a group: nobody's place is moved, and the end is where it was when it was asked for."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from tocsin import topics
from tocsin.broker import BrokerError, connection, unreachable
from tocsin.errors import UsageError
from tocsin.settings import Settings

Offsets = dict[TopicPartition, int]
_POLL = 500  # ms
_PATIENCE = 120  # polls in a row that give nothing although there is something to read: a minute


class Message(NamedTuple):
    """One message as it lies there."""

    topic: str  # full name
    partition: int
    offset: int
    key: bytes | None
    body: bytes | None
    written: float | None = None  # Unix seconds, by the broker's clock


class Log:
    """Topics of one broker, to be read by offsets."""

    def __init__(self, settings: Settings, reader: Any) -> None:
        self._settings, self._reader = settings, reader

    def beginning(self, names: Iterable[str]) -> Offsets:
        """The first offset kept of every partition of these topics. Raises UsageError when one is missing."""
        return self._asked(self._reader.beginning_offsets, names)

    def end(self, names: Iterable[str]) -> Offsets:
        """The offset behind the last message of every partition. Raises UsageError when a topic is missing."""
        return self._asked(self._reader.end_offsets, names)

    def count(self, names: Iterable[str]) -> int:
        """How many messages are kept."""
        listed = list(names)
        return sum(self.end(listed).values()) - sum(self.beginning(listed).values())

    def read(self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], most: int = 500) -> Iterator[list[Message]]:
        """Yield what lies from `starts` up to `ends` (exclusive), of each partition in order, at most `most` messages at once.

        What the broker has deleted meanwhile is passed over. Raises BrokerError when it stops answering.
        """
        with _explained(self._settings):
            first = self._reader.beginning_offsets(list(starts)) if starts else {}
            wanted = {part: ends[part] for part, start in starts.items() if part in ends and max(start, first[part]) < ends[part]}
            self._reader.assign(list(wanted))
            self._reader.resume(*wanted)  # one that was read to its end before is still held back
            for part in wanted:
                self._reader.seek(part, max(starts[part], first[part]))
            idle = 0
            while wanted:
                found = self._reader.poll(timeout_ms=_POLL, max_records=most)
                idle = 0 if found else idle + 1
                if idle > _PATIENCE:
                    raise BrokerError(f"Kafka at {self._settings.kafka} gives nothing to read; run this again once it is well")
                messages = [
                    Message(part.topic, part.partition, record.offset, record.key, record.value, (record.timestamp or 0) / 1000)
                    for part, records in found.items()
                    for record in records
                    if part in wanted and record.offset < wanted[part]
                ]
                done = [part for part, end in wanted.items() if self._reader.position(part) >= end]
                for part in done:
                    del wanted[part]
                if done:
                    self._reader.pause(*done)
                if messages:
                    yield messages

    def message(self, topic: str, partition: int, offset: int) -> Message | None:
        """One message by its place; None when it is no longer kept, or its topic is gone."""
        part = TopicPartition(topic, partition)
        if partition not in (self._reader.partitions_for_topic(topic) or ()):
            return None
        for messages in self.read({part: offset}, {part: offset + 1}, 1):
            for found in messages:
                if found.offset == offset:
                    return found
        return None

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0: it does not exist."""
        return len(self._reader.partitions_for_topic(topic) or ())

    def _asked(self, ask: Any, names: Iterable[str]) -> Offsets:
        with _explained(self._settings):
            there = self._reader.topics()
            parts: list[TopicPartition] = []
            for name in names:
                if name not in there:
                    raise UsageError(f"no topic {name} on {self._settings.kafka}: run `tocsin topics create`")
                parts += [TopicPartition(name, number) for number in sorted(self._reader.partitions_for_topic(name) or ())]
            found: Offsets = ask(parts) if parts else {}
            return found


@contextmanager
def opened(settings: Settings, client: str) -> Iterator[Log]:
    """A log that is closed in the end. Raises UsageError when no broker answers."""
    try:
        reader = KafkaConsumer(
            **connection(settings),
            client_id=f"{client}-{settings.node}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=topics.MAX_BYTES + 100_000,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(settings, error) from error
    try:
        yield Log(settings, reader)
    finally:
        reader.close(autocommit=False)


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise BrokerError(f"Kafka at {settings.kafka} did not answer a request: {type(error).__name__}: {error}") from error
