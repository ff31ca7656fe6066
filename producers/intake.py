"""Reading a keyed topic and its twin as a member of a group, when messages are finished in any order and slowly.

Committed is only what a crash may forget (`producers.offsets`). What is read ahead is bounded, for each partition and in all, so that a
restart repeats little; old material gets half of that room at most, so it never keeps new material waiting.

The member assigns by ranges: the same partition of a topic and of its twin, which hold the same keys, go to the same member.
"""

import logging
import threading
import time
from typing import NamedTuple

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from producers.offsets import Offsets, Window
from tocsin import broker, topics
from tocsin.broker import BrokerError, TopicPartition
from tocsin.dead_letters import redrives_of
from tocsin.errors import UsageError
from tocsin.settings import Settings

_COMMIT = 0.5  # seconds between two commits: what a kill repeats, next to what is under way
_PER_PARTITION = 256  # messages between the first unfinished one and the last read
_MOVED_ON = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
_LOG = logging.getLogger(__name__)


class Taken(NamedTuple):
    """A message read, and the window it has to be finished in."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    body: bytes | None
    backfill: bool
    window: Window
    redrives: int = 0  # times an operator has sent it again


class Intake:
    """One member of a group. Call `take` from one thread, and nothing else from there; the other methods from any."""

    def __init__(self, settings: Settings, service: str, topic: topics.Topic, most: int) -> None:
        """Join the group. `most`: messages under way in all. Raises UsageError when no broker answers or a topic is missing."""
        self._names = topics.lanes(settings, topic)
        self._service, self._node = service, settings.node
        self._most = most
        self._lock = threading.Lock()
        self._offsets: Offsets[TopicPartition] = Offsets()
        self._committed = time.monotonic()
        self._sought: set[TopicPartition] = set()
        self.assigned: frozenset[TopicPartition] = frozenset()
        self._reader = broker.consumer(settings, service, most=min(500, most), stays=True)
        try:
            require(self._reader, dict.fromkeys(self._names, topics.count_of(settings, topic)))
            self._reader.subscribe(list(self._names), listener=_Listener(self))
        except BaseException:
            self._reader.close()
            raise

    def take(self, seconds: float) -> list[Taken]:
        """Commit what may be, then wait for messages, at most so long. Raises BrokerError when the broker refuses us."""
        if time.monotonic() - self._committed >= _COMMIT:
            self.commit()
        room = self._make_room()
        try:
            found = self._reader.poll(timeout_ms=int(1000 * seconds), max_records=max(1, room))
        except FencedInstanceIdError as error:
            raise self._taken_over() from error
        except KafkaError as error:
            raise BrokerError(f"Kafka gives nothing to read ({type(error).__name__}: {error}); are the settings kafka_* right?") from error
        for partition in [p for p in found if p not in self._offsets]:
            if not self._starts_where_committed(partition, found[partition][0].offset):
                del found[partition]
        taken: list[Taken] = []
        with self._lock:
            # Old material last: what is new starts first even when both came at once.
            for partition, records in sorted(found.items(), key=lambda item: (self._is_old(item[0]), item[0])):
                if partition not in self.assigned:
                    continue
                window = self._offsets.window(partition)
                taken += [
                    Taken(
                        partition.topic,
                        partition.partition,
                        r.offset,
                        r.key,
                        r.value,
                        self._is_old(partition),
                        window,
                        redrives_of(r.headers),
                    )
                    for r in records
                    if window.begin(r.offset)
                ]
        return taken

    def is_ours(self, taken: Taken) -> bool:
        """Whether the message's partition is still with us; if not, whoever has it now reads the message again."""
        with self._lock:
            return self._offsets.holds(TopicPartition(taken.topic, taken.partition), taken.window)

    def finish(self, taken: list[Taken]) -> None:
        """What these messages asked for is done and acknowledged."""
        with self._lock:
            for one in taken:
                one.window.finish(one.offset)

    def under_way(self) -> int:
        """Messages read and not finished."""
        with self._lock:
            return self._offsets.unfinished()

    def commit(self) -> None:
        """Commit what may be. From the thread of `take`. Raises BrokerError unless it is only that partitions move."""
        with self._lock:
            offsets = self._offsets.committable()
        self._committed = time.monotonic()
        if not offsets:
            return
        try:
            broker.commit(self._reader, offsets)
        except BrokerError as error:
            if isinstance(error.__cause__, FencedInstanceIdError):
                raise self._taken_over() from error
            if not isinstance(error.__cause__, _MOVED_ON):
                raise
            _LOG.info("partitions move; what was not committed is done again: %s", error)
            return
        with self._lock:
            self._offsets.committed(offsets)

    def close(self, commit: bool = True) -> None:
        """Commit (unless the broker is what failed) and leave the group, so that the others go on at once."""
        try:
            if commit:
                self.commit()
        finally:
            self._reader.close(autocommit=False, timeout_ms=3_000)

    def _make_room(self) -> int:
        """Hold partitions back that are too far ahead, let the others go on; returns how many messages may be read now."""
        mine = self._reader.assignment()
        with self._lock:
            old = [partition for partition in mine if self._is_old(partition)]
            under_way, under_way_old = self._offsets.unfinished(), self._offsets.unfinished(old)
            held = {
                partition
                for partition in mine
                if under_way >= self._most
                or self._offsets.ahead(partition) >= _PER_PARTITION
                or (self._is_old(partition) and under_way_old >= self._most // 2)
            }
        paused = self._reader.paused()
        if begin := held - paused:
            self._reader.pause(*begin)
        if end := paused - held:
            self._reader.resume(*end)
        return self._most - under_way

    def _taken_over(self) -> UsageError:
        advice = "give each replica its own name (setting node, TOCSIN_NODE)"
        return UsageError(f"another {self._service} of the name {self._node} has taken over: {advice}")

    def _starts_where_committed(self, partition: TopicPartition, first: int) -> bool:
        """Whether the first message of a partition that is new to us is the next one of the group; if not, go back to that.

        A message read before the partition went and came back would hide the unfinished ones before it. Asked once: a hole in the log
        looks the same.
        """
        committed = self._reader.committed(partition)
        if committed is None or first <= committed or partition in self._sought:
            return True
        self._sought.add(partition)
        self._reader.seek(partition, committed)
        return False

    def _is_old(self, partition: TopicPartition) -> bool:
        return len(self._names) > 1 and bool(partition.topic == self._names[1])

    # The listener runs in the client's own thread; `take` waits meanwhile, or has given up waiting.

    async def _revoked(self, partitions: set[TopicPartition]) -> None:
        with self._lock:
            offsets = {p: offset for p, offset in self._offsets.committable().items() if p in partitions}
        if not offsets:
            return
        try:
            await self._reader.commit_async({p: OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()})
        except KafkaError as error:
            _LOG.info("partitions move before a commit; its part is done again: %s", error)
            return
        with self._lock:
            self._offsets.committed(offsets)

    def _assigned(self, partitions: set[TopicPartition]) -> None:
        with self._lock:
            self._offsets.keep(partitions)
            self._sought.clear()
            self.assigned = frozenset(partitions)


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Between "revoked" and "assigned" nobody else can have a partition that comes back at once: its window stays."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._intake._revoked(set(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._intake._assigned(set(assigned))

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:  # noqa: ARG002  # the client's signature
        self._intake._assigned(set())


def require(reader: KafkaConsumer, expected: dict[str, int]) -> None:
    """Check that topics are there with the partitions expected. Raises UsageError that says what to do."""
    for name, count in expected.items():
        found = reader.partitions_for_topic(name)
        if not found:
            raise UsageError(f"topic {name} does not exist: run `tocsin topics create` first")
        if len(found) != count:
            raise UsageError(f"topic {name} has {len(found)} partitions, the setting partitions says {count}: set it as it was when made")
