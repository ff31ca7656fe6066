"""A sink as a service: messages from Kafka in batches, written by a target, committed once they are kept.

Three batches are in flight, so that the next is made ready while the cluster works; offsets are committed in order. A message that can
never be written becomes a dead letter; a world that is not as it must be (no index, no permission, a full disk, a newer schema) stops the
service, and nothing is set aside for that.
"""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from typing import Any, NamedTuple, Protocol, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import FencedInstanceIdError, KafkaError

from sinks.latency import Span, spans
from sinks.refused import Refused
from tocsin import topics, wire
from tocsin.broker import BrokerError, Publisher, commit, consumer
from tocsin.dead_letters import dead_letter, redrives_of
from tocsin.errors import NewerSchema, Quarantine, TocsinError, UsageError
from tocsin.health import Health
from tocsin.messages import DeadLetter
from tocsin.records import Record
from tocsin.settings import Settings

LOG = logging.getLogger("tocsin.sink")
IN_FLIGHT = 3
_POLL = 0.1  # seconds
_SOON = 0.1  # seconds that an idle target waits for company of a first message: what comes with it shares a request
_LONG = 0.5  # seconds between two words to Kafka while a batch is waited for
_PATIENCE = 8.0  # seconds for what is in flight when asked to stop, or when partitions move on
_LANE_CHECK = 20  # batches of live messages in a row after which old material is looked at too


class Prepared(Protocol):
    """A batch made ready."""

    @property
    def subjects(self) -> frozenset[str]:
        """What its writing depends on: batches that share a subject are written one after the other."""


P = TypeVar("P", bound=Prepared)


class Target(Protocol[P]):
    """Where a sink writes."""

    def check(self) -> None:
        """Raise TocsinError unless writing can begin."""

    def prepare(self, records: Iterable[tuple[int, Record]], origins: Sequence[tuple[str, int]]) -> P:
        """Make a batch ready; fast, and without waiting. `origins`: "topic/partition" and offset of every message, by its number."""

    def write(self, batch: P) -> list[Refused]:
        """Keep a batch, durably; return what can never be kept. Raises TocsinError to stop, Stopped when asked to."""

    def close(self) -> None:
        """Let go."""


class Message(NamedTuple):
    """One message as it was read."""

    partition: TopicPartition
    offset: int
    key: bytes | None
    body: bytes | None
    redrives: int = 0  # times an operator has sent it again

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body or b"")


class Flight(NamedTuple):
    """A batch under way."""

    messages: list[Message]
    subjects: frozenset[str]
    failed: list[Refused]  # before it was written
    spans: list[Span]  # ways that its records have come
    future: "Future[list[Refused]]"

    @property
    def offsets(self) -> dict[TopicPartition, int]:
        """What to commit when it is kept: the next offset of each partition."""
        return {message.partition: message.offset + 1 for message in self.messages}


class Stopped(Exception):
    """Asked to stop while waiting for a cluster."""


class Stop:
    """Whether the service was asked to stop: SIGTERM and Ctrl-C in good order, a second one at once."""

    def __init__(self, health: Health) -> None:
        self.event = threading.Event()
        self.health = health
        self._why = ""

    def listen(self) -> None:
        """Take the signals over. Call it from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _: object) -> None:
        if self.event.is_set():
            raise KeyboardInterrupt
        LOG.info("stopping (signal %s)", signal.Signals(number).name)
        self.event.set()

    def sleep(self, seconds: float) -> None:
        """Wait; raises Stopped as soon as the service is to stop."""
        if self.event.wait(seconds):
            raise Stopped

    def waiting(self, why: str) -> None:
        """Note why the target must be waited for; "" when it is over. Beginning and end are a line each in the log."""
        if why:
            self.health.waits("target", why)
            self.health.count("sink", "retried")
        else:
            self.health.works("target")
        if bool(why) != bool(self._why):
            (LOG.warning if why else LOG.info)("%s", f"waiting: {why}" if why else "going on")
        self._why = why


def _begin(write: Callable[[P], list[Refused]], batch: P) -> "Future[list[Refused]]":
    """Write in a thread of its own, which does not keep the process alive: a cluster that never answers must not."""
    future: Future[list[Refused]] = Future()

    def work() -> None:
        try:
            future.set_result(write(batch))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=work, name="sink", daemon=True).start()
    return future


def generation_mark(settings: Settings) -> str:
    """The end of a sink's name in its group, "v1": which generation of indices it writes. A replay waits for those of an old one."""
    return f"v{settings.index_generation}"


def read_topics(settings: Settings) -> dict[str, topics.Topic]:
    """Every topic that sinks read, by its full name; of a topic with a twin both."""
    return {name: topic for topic in topics.ALL if "sink" in topic.readers for name in topics.lanes(settings, topic)}


class SinkService(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Reads, hands on, commits. One thread speaks to Kafka; the target's writing runs in others."""

    def __init__(self, settings: Settings, name: str, target: Target[Any], stop: Stop) -> None:
        """Connect. Raises UsageError when Kafka or its topics are not there, or the target is not ready."""
        self._settings, self._name, self._target, self._stop = settings, name, target, stop
        self._health = stop.health
        self._topics = read_topics(settings)
        target.check()
        self._publisher = Publisher(settings, name)
        self._consumer: KafkaConsumer = consumer(settings, name, most=settings.sink_batch, stays=True, mark=generation_mark(settings))
        missing = sorted(set(self._topics) - self._consumer.topics())
        if missing:
            raise UsageError(f"no topic {missing[0]} on {settings.kafka}: run `tocsin topics create`")
        self._consumer.subscribe(list(self._topics), listener=self)
        self._read: deque[Message] = deque()
        self._flights: deque[Flight] = deque()
        self._uncommitted: dict[TopicPartition, int] = {}
        self._moved = threading.Event()
        self._settled = 0  # times that partitions moved
        self._live_batches = 0
        self.written = 0

    def run(self) -> None:
        """Work until asked to stop. Raises TocsinError when the world is not as it must be."""
        LOG.info("%s reads %d topics as %s", self._name, len(self._topics), topics.group(self._settings, self._name))
        try:
            self._health.started()
            while not self._stop.event.is_set():
                self._health.beat()
                self.step()
            self._drain(_PATIENCE)
        except TocsinError as error:
            self._health.waits("sink", str(error))
            raise
        finally:
            self.close()

    def step(self) -> None:
        """Read one batch and send it off; take in what is done."""
        messages = self._gather()
        if messages:
            self._launch(messages)
        while self._flights and self._flights[0].future.done():
            self._land()
        self._commit()

    # --- reading ---

    def _gather(self) -> list[Message]:
        """Messages until there are enough, they are large enough, or the time is up: soon, while nothing is being written."""
        until = time.monotonic() + self._settings.sink_linger
        soon = min(until, time.monotonic() + _SOON) if self._read else until
        size = sum(message.size for message in self._read)
        while len(self._read) < self._settings.sink_batch and size < self._settings.sink_bytes and not self._stop.event.is_set():
            writing = bool(self._flights) and not self._flights[0].future.done()
            left = (until if writing else soon) - time.monotonic()
            if left <= 0 or (self._flights and not writing and not self._read):
                break
            had = len(self._read)
            size += self._poll(min(left, _POLL))
            if self._read and not had:
                soon = min(until, time.monotonic() + _SOON)
        messages: list[Message] = []
        size = 0
        while self._read and len(messages) < self._settings.sink_batch and (not messages or size < self._settings.sink_bytes):
            messages.append(self._read.popleft())
            size += messages[-1].size
        self._prefer_live(messages)
        return messages

    def _poll(self, seconds: float) -> int:
        """Take what is there into the queue; return its bytes."""
        size = 0
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=self._settings.sink_batch)
            if self._moved.is_set():
                self._settle()
                return 0
        except FencedInstanceIdError as error:
            raise UsageError(f"another {self._name} runs as node {self._settings.node!r}: give each a TOCSIN_NODE of its own") from error
        except KafkaError as error:
            LOG.warning("Kafka: %s: %s", type(error).__name__, error)
            self._moved.set()  # whatever was read meanwhile is read again
            self._stop.event.wait(1.0)
            return 0
        for partition, records in found.items():
            for record in records:
                where = TopicPartition(partition.topic, partition.partition)
                self._read.append(Message(where, record.offset, record.key, record.value, redrives_of(record.headers)))
                size += len(record.value or b"")
        return size

    def _prefer_live(self, messages: list[Message]) -> None:
        """While live messages fill whole batches, old material waits; now and then it has a turn all the same."""
        full = len(messages) >= self._settings.sink_batch and not any(self._is_old(message.partition) for message in messages)
        self._live_batches = self._live_batches + 1 if full else 0
        old = [partition for partition in self._consumer.assignment() if self._is_old(partition)]
        if full and self._live_batches % _LANE_CHECK:
            self._consumer.pause(*old)
        else:
            self._consumer.resume(*old)

    def _is_old(self, partition: TopicPartition) -> bool:
        topic = self._topics.get(partition.topic)
        return topic is not None and topic.twin and partition.topic == topics.full_name(self._settings, topic, "backfill")

    def _wait_for(self, flight: Flight) -> None:
        """Wait for a batch, staying a member of the group meanwhile: nothing is fetched, but Kafka hears of us.

        What was read ahead is thrown away by that, so a short wait does without it.
        """
        while not wait([flight.future], timeout=_LONG).done:
            self._health.beat()
            self._consumer.pause(*self._consumer.assignment())
            self._poll(0.0)
            self._consumer.resume(*self._consumer.assignment())
            if self._stop.event.is_set():
                break

    # --- writing ---

    def _launch(self, messages: list[Message]) -> None:
        records: list[tuple[int, Record]] = []
        failed: list[Refused] = []
        for number, message in enumerate(messages):
            try:
                if message.body is None:
                    raise Quarantine("a message without a body")
                records.append((number, wire.decode(message.body, self._topics[message.partition.topic].record)))
            except NewerSchema as error:
                where = f"{message.partition.topic}/{message.partition.partition}/{message.offset}"
                raise UsageError(f"{where}: {error}") from error
            except Quarantine as error:
                failed.append(Refused(number, error))
        origins = [(f"{message.partition.topic}/{message.partition.partition}", message.offset) for message in messages]
        batch = self._target.prepare(records, origins)
        before = self._settled
        for flight in list(self._flights):
            if flight.subjects & batch.subjects:
                self._wait_for(flight)
        while len(self._flights) >= IN_FLIGHT and not self._stop.event.is_set():
            self._wait_for(self._flights[0])
            if self._flights and self._flights[0].future.done():  # partitions that moved meanwhile may have emptied the queue
                self._land()
        if self._stop.event.is_set() or self._settled != before:
            return  # not begun, not committed: read again by whoever has the partition now
        ways = [span for _, record in records for span in spans(record)]
        self._flights.append(Flight(messages, batch.subjects, failed, ways, _begin(self._target.write, batch)))

    def _land(self) -> None:
        """Take in the oldest batch: what it could not keep becomes dead letters, then its offsets may be committed."""
        flight = self._flights[0]
        refused = [*flight.failed, *flight.future.result()]
        self._flights.popleft()
        self._set_aside(flight, refused)
        self._uncommitted |= flight.offsets
        self.written += len(flight.messages)
        now = time.time()
        for span in flight.spans:
            self._health.latency(span.way, span.seconds(now))
        self._health.count("sink", "written", len(flight.messages) - len({item.cause for item in refused}))

    def _set_aside(self, flight: Flight, refused: list[Refused]) -> None:
        seen: set[int] = set()
        for cause, error in refused:
            message = flight.messages[cause]
            if cause in seen:
                continue
            seen.add(cause)
            self._health.count("sink", "dead-letter")
            where = f"{message.partition.topic}/{message.partition.partition}/{message.offset}"
            LOG.error("dead letter: %s: %s", where, error)
            letter = dead_letter(
                "sink",
                error,
                topic=message.partition.topic,
                partition=message.partition.partition,
                offset=message.offset,
                key=message.key,
                body=message.body,
                redrives=message.redrives,
            )
            if self._is_own_letter(message):
                continue  # it is in the topic already; to wrap it once more would never end
            self._publisher.send(topics.DEAD_LETTERS, where, letter)
        if seen:
            self._publisher.flush()

    def _is_own_letter(self, message: Message) -> bool:
        if self._topics[message.partition.topic] is not topics.DEAD_LETTERS:
            return False
        try:
            return wire.decode(message.body or b"", DeadLetter).stage == "sink"
        except Quarantine:
            return False

    def _commit(self) -> None:
        """Commit what is kept. A broker that is away is asked again later: nothing is lost by that, only repeated."""
        if not self._uncommitted:
            return
        mine = self._consumer.assignment()
        offsets = {partition: offset for partition, offset in self._uncommitted.items() if partition in mine}
        try:
            if offsets:
                commit(self._consumer, offsets)
            self._uncommitted = {}
        except BrokerError as error:
            LOG.warning("%s", error)

    # --- members come and go ---

    # kafka-python calls these from a thread of its own, and a partition that comes back keeps its position: so they only raise a flag.

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the listener's signature
        """Note it; the thread that reads does the rest."""
        self._moved.set()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the listener's signature
        """Note it; the thread that reads does the rest."""
        self._moved.set()

    def _settle(self) -> None:
        """After partitions moved: finish what is in flight, forget what is not begun, and read on from what is committed."""
        self._moved.clear()
        self._settled += 1
        self._read.clear()
        self._drain(_PATIENCE, staying=True)
        self._uncommitted = {}
        for partition in self._consumer.assignment():
            self._consumer.seek(partition, self._consumer.committed(partition))

    def _drain(self, seconds: float, *, staying: bool = False) -> None:
        """Wait for what is in flight, for so long at most, and commit what is done."""
        until = time.monotonic() + seconds
        while self._flights:
            flight = self._flights[0]
            try:
                flight.future.result(timeout=max(0.0, until - time.monotonic()))
            except (TimeoutError, Stopped):
                if not staying:
                    self._flights.clear()
                break
            self._land()
        self._commit()

    def close(self) -> None:
        """Leave the group, and let go of everything."""
        self._stop.event.set()
        for close in (self._publisher.close, lambda: self._consumer.close(autocommit=False), self._target.close):
            try:
                close()
            except (KafkaError, TocsinError, OSError) as error:
                LOG.warning("on leaving: %s", error)
        LOG.info("%s stopped, %d messages kept", self._name, self.written)
