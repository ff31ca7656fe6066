"""`tocsin schedule`: owns the frontier, releases what is due to the fetchers, learns from their answers. One at a time.

Every step is one transaction of the frontier's file: answers are learned, the offsets they were read at are kept beside what they taught
(so each counts exactly once), what is due is released. Before that is committed everything sent is acknowledged. So a kill repeats a
request, and never loses one; a lost file is learned anew from the topic, as far back as it reaches.

What happened to an address is told by the answers themselves, which the sink reads too: the scheduler writes no message about it, so a
page costs it one request. Only what no answer tells is sent: pages given up, and pages of a source that is no longer declared.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from kafka.errors import KafkaError

from producers import frontier as frontiers
from producers import schedule
from producers.delivery import origin
from producers.frontier import Due, Frontier, Host, Rhythm, Target
from producers.intake import require
from producers.sources import Source
from tocsin import broker, topics, wire
from tocsin.broker import BrokerError, Publisher, TopicPartition
from tocsin.dead_letters import dead_letter, redrives_of
from tocsin.errors import Quarantine, stops_service
from tocsin.health import Health
from tocsin.records import Dropped, Fate, Fetched, Record
from tocsin.settings import Settings, folder_of
from tocsin.state_table import open_state

_NAP = 0.5  # seconds to wait for answers when nothing is due earlier; a stop is heard after it
_RELEASE = 500  # requests of one transaction
_COMMIT = 5.0  # seconds between two commits to the group: only for showing the lag
_HOUSEKEEPING = 3600.0
_MOST_UNDER_WAY = 50_000  # requests nobody has answered: what fetchers that rest for long leave behind does not fill the topic
_LOG = logging.getLogger(__name__)


class Place(Record, frozen=True, kw_only=True):
    """The offset to read next of one partition."""

    next: int


class ScheduleService:
    """One run of the service, in one thread."""

    def __init__(
        self, settings: Settings, sources: Iterable[Source], clock: Callable[[], float] = time.time, rhythm: Rhythm | None = None
    ) -> None:
        """`clock`: Unix seconds, for the schedule only. `rhythm`: None: as the settings say. Nothing is opened before `run`."""
        self._settings, self._sources, self._clock = settings, tuple(sources), clock
        self._rhythm = rhythm or Rhythm(feed_interval=settings.feed_interval, host_delay=settings.host_delay)
        self._stopped = False
        self._under_way = 0
        self.counts: Counter[str] = Counter()
        self.health = Health("schedule")

    def stop(self) -> None:
        """End after the transaction in hand."""
        self._stopped = True

    def run(self) -> None:
        """Work until stopped. Raises what a person must see to: no broker, a missing topic, a full disk, a newer schema, a second one."""
        with open_state(folder_of(self._settings, "schedule") / "frontier.db") as state:
            self._state = state
            self._frontier = Frontier(state.table("targets", Target), state.table("due", Due), state.table("hosts", Host))
            self._places = state.table("offsets", Place)
            self._publisher = Publisher(self._settings, "schedule")
            reader = broker.consumer(self._settings, "schedule")
            try:
                self._start(reader)
                self.health.started()
                while not self._stopped:
                    self.health.beat()
                    records = self._read(reader)
                    with self.health.timed("schedule"):
                        self.step(records)
                    self._show_lag(reader)
            finally:
                reader.close(autocommit=False, timeout_ms=3_000)
                self._publisher.close()

    def _start(self, reader: Any) -> None:
        name, count = topics.full_name(self._settings, topics.FETCHED), topics.count_of(self._settings, topics.FETCHED)
        wanted = [*topics.lanes(self._settings, topics.REQUESTS), topics.full_name(self._settings, topics.DROPPED)]
        require(reader, dict.fromkeys((name, *wanted), count))
        partitions = [TopicPartition(name, number) for number in range(count)]
        reader.assign(partitions)
        for partition in partitions:
            place = self._places.get(_key(partition))
            reader.seek(partition, place.next if place else None)
        self._shown = self._housekept = time.monotonic()
        with self._state.transaction():
            for fate in schedule.plan(self._frontier, self._sources, self._clock(), self._rhythm, queued=True):
                self._send_dropped(undeclared(fate))
            self._under_way = sum(target.out for target in self._frontier.targets.values())
            self._publisher.flush()
        _LOG.info("%d targets, %d requests under way", len(self._frontier.targets), self._under_way)

    def _read(self, reader: Any) -> list[Any]:
        upcoming = frontiers.next_due(self._frontier) if self._room() else None
        wait = _NAP if upcoming is None else max(0.0, min(upcoming - self._clock(), _NAP))
        try:
            found = reader.poll(timeout_ms=int(1000 * wait))
        except KafkaError as error:
            raise BrokerError(f"Kafka gives nothing to read ({type(error).__name__}: {error}); are the settings kafka_* right?") from error
        return [record for records in found.values() for record in records]

    def step(self, records: list[Any]) -> None:
        """Learn what these messages say, release what is due: one transaction, acknowledged by the broker before it is committed."""
        moment = self._clock()
        with self._state.transaction():
            for record in records:
                self._learn(record, moment)
                self._places[_key(TopicPartition(record.topic, record.partition))] = Place(next=record.offset + 1)
            if time.monotonic() - self._housekept > _HOUSEKEEPING:
                self._housekept = time.monotonic()
                frontiers.set_back(self._frontier, moment)
                frontiers.forget(self._frontier, moment, self._rhythm)
                self._under_way = sum(target.out for target in self._frontier.targets.values())
            released = frontiers.due(self._frontier, moment, limit=min(_RELEASE, self._room()))
            for request in released:
                self._publisher.send(topics.REQUESTS, request.host, request, backfill=request.backfill)
            self._publisher.flush()
        self._under_way += len(released)
        self.counts["released"] += len(released)
        self.counts["learned"] += len(records)
        self.health.count("schedule", "released", len(released))
        self.health.count("schedule", "learned", len(records))

    def _learn(self, record: Any, moment: float) -> None:
        try:
            if record.value is None:
                raise Quarantine("not a Fetched: a message without a body")
            learned = schedule.learn(self._frontier, wire.decode(record.value, Fetched), moment, self._rhythm)
        except Exception as error:
            if stops_service(error):
                raise
            _LOG.error("dead letter: %s/%d offset %d: %s", record.topic, record.partition, record.offset, error)
            letter = dead_letter(
                "schedule",
                error,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key,
                body=record.value,
                redrives=redrives_of(record.headers),
            )
            self._publisher.send(topics.DEAD_LETTERS, origin(letter), letter)
            self.health.count("schedule", "dead-letter")
            return
        self._under_way -= bool(learned.fates)
        for dropped in learned.dropped:
            self._send_dropped(dropped)

    def _send_dropped(self, dropped: Dropped) -> None:
        self._publisher.send(topics.DROPPED, dropped.url, dropped)

    def _room(self) -> int:
        return max(0, _MOST_UNDER_WAY - self._under_way)

    def _show_lag(self, reader: Any) -> None:
        if time.monotonic() - self._shown < _COMMIT:
            return
        self._shown = time.monotonic()
        try:
            broker.commit(reader, {TopicPartition(*_named(key)): place.next for key, place in self._places.items()})
        except BrokerError as error:
            _LOG.info("the lag cannot be shown: %s", error)


def undeclared(fate: Fate) -> Dropped:
    """The refusal of a page that was found and never asked for, because its source is no longer declared."""
    return Dropped(url=fate.url, stage="sources", reason="undeclared", detail=fate.detail, source_id=fate.source_id, at=fate.at)


def _key(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"


def _named(key: str) -> tuple[str, int]:
    topic, _, number = key.rpartition("/")
    return topic, int(number)
