"""Alerts of the distributed run, read from their topic by the one notifier there may be.

One at a time: an alert that grows, and the correction of what was told, must meet the ledger that told it. So a notifier works only while
it has every partition; it does not begin while another member of its group is there, and a standby would only take half of the alerts.
Offsets are kept in the ledger with what follows from them, and committed to the group afterwards, for all to see how far it is.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import FencedInstanceIdError, KafkaError

from sinks.notify.arrivals import Arrival
from sinks.notify.ledger import Row
from sinks.notify.watch import Watch
from tocsin import broker, topics, wire
from tocsin.alerting import Alert
from tocsin.broker import BrokerError, Publisher
from tocsin.dead_letters import dead_letter, redrives_of
from tocsin.errors import NewerSchema, Quarantine, TocsinError, UsageError
from tocsin.settings import Settings

LOG = logging.getLogger("tocsin.notify")
SERVICE = "notify"
_OTHERS = 25.0  # seconds for a killed one of another node to be forgotten: its session is 15
_MOST = 500


class KafkaAlerts(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """A `sinks.notify.arrivals.Source`."""

    def __init__(self, settings: Settings, watch: Watch, stop: threading.Event) -> None:
        """Connect. Raises UsageError when no broker answers, the topic is missing, or another notifier is there."""
        self._settings, self._watch, self._stop = settings, watch, stop
        self.gather = settings.notify_gather
        self._topic = topics.full_name(settings, topics.ALERTS)
        self._positions: dict[TopicPartition, int | None] = {}
        self._to_commit: dict[TopicPartition, int] = {}
        self._moved = threading.Event()
        self._whole = self._was_whole = False
        self._publisher = Publisher(settings, SERVICE)
        self._wait_for_others()
        self._reader = broker.consumer(settings, SERVICE, most=_MOST, stays=True)
        try:
            if self._topic not in self._reader.topics():
                raise UsageError(f"no topic {self._topic} on {settings.kafka}: run `tocsin topics create`")
            self._all = [TopicPartition(self._topic, number) for number in sorted(self._reader.partitions_for_topic(self._topic) or ())]
        except BaseException:
            self.close()
            raise

    def _wait_for_others(self) -> None:
        """Raises UsageError when another node's notifier stays in the group."""
        until = time.monotonic() + _OTHERS
        while not self._stop.is_set():
            try:
                if not (others := self._others()):
                    break
                why = f"another notifier works ({', '.join(others)}): there is one at a time; stop it first"
            except KafkaError as error:  # such as: a new broker has no coordinator of groups yet
                why = str(broker.unreachable(self._settings, error))
            if time.monotonic() > until:
                raise UsageError(why)
            self._watch.waits("other notifier", why)
            self._stop.wait(1.0)
        self._watch.works("other notifier")

    def _others(self) -> list[str]:
        group = topics.group(self._settings, SERVICE)
        try:
            admin = KafkaAdminClient(**broker.connection(self._settings), client_id=f"{SERVICE}-admin", bootstrap_timeout_ms=10_000)
            try:
                members: Any = admin.describe_groups([group]).get(group, {}).get("members", [])
            finally:
                admin.close()
        except (OSError, ValueError) as error:
            raise broker.unreachable(self._settings, error) from error
        mine = f"{SERVICE}-{self._settings.node}"
        return sorted({str(member["client_id"]) for member in members} - {mine})

    def open(self, positions: Mapping[str, int]) -> None:
        """Join the group, and begin where the ledger says, else where the group is, else at the beginning."""
        with _answered():
            committed = {part: self._reader.committed(part) for part in self._all}
        for part, offset in committed.items():
            kept = positions.get(_name(part))
            # A group that has forgotten its offset, or a topic made anew: everything is read again, and the ledger knows what was told.
            self._positions[part] = None if offset is None else kept if kept is not None else offset
        if not positions and any(offset is not None for offset in committed.values()):
            LOG.warning("the ledger is new, the group is not: alerts told before are not known here, and may be told again when they grow")
        self._reader.subscribe([self._topic], listener=self)

    def waiting(self) -> int:
        """Messages, of new and of grown alerts."""
        with _answered():
            ends, first = self._reader.end_offsets(self._all), self._reader.beginning_offsets(self._all)
        return sum(max(0, ends[part] - max(first[part], self._positions.get(part) or 0)) for part in self._all)

    def skip(self) -> dict[str, int]:
        """Begin at the end."""
        with _answered():
            self._positions = dict(self._reader.end_offsets(self._all))
        return self.positions()

    def read(self, seconds: float) -> list[Arrival]:
        """What has come. Raises UsageError when another one has part of the topic, or has taken our place."""
        try:
            found = self._reader.poll(timeout_ms=int(seconds * 1000), max_records=_MOST)
            if self._moved.is_set() or not self._whole:
                self._settle()
                return []
        except FencedInstanceIdError as error:
            raise UsageError(f"another notifier runs as node {self._settings.node!r}: there is one at a time; stop it first") from error
        except KafkaError as error:
            LOG.warning("Kafka: %s: %s", type(error).__name__, error)
            self._moved.set()
            self._stop.wait(1.0)
            return []
        arrivals: list[Arrival] = []
        for records in found.values():
            for record in records:
                part = TopicPartition(record.topic, record.partition)
                if (arrival := self._arrival(record)) is not None:
                    arrivals.append(arrival)
                self._positions[part] = record.offset + 1
                self._to_commit[part] = record.offset + 1
        return arrivals

    def _arrival(self, record: Any) -> Arrival | None:
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        redrives = redrives_of(record.headers)
        try:
            if record.value is None:
                raise Quarantine("a message without a body")
            return Arrival(wire.decode(record.value, Alert), origin, redriven=redrives > 0)
        except NewerSchema as error:
            raise UsageError(f"{origin}: {error}") from error
        except Quarantine as error:
            LOG.error("dead letter: %s: %s", origin, error)
            self._watch.count("dead-letter")
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            letter = dead_letter(SERVICE, error, **where, key=record.key, body=record.value, redrives=redrives)
            self._publisher.send(topics.DEAD_LETTERS, origin, letter)
            self._publisher.flush()
            return None

    def positions(self) -> dict[str, int]:
        """Next offsets, by partition."""
        return {_name(part): offset for part, offset in self._positions.items() if offset is not None}

    def decided(self) -> None:
        """Commit. A broker that is away is told later: the ledger knows."""
        if not self._to_commit:
            return
        try:
            broker.commit(self._reader, self._to_commit)
            self._to_commit = {}
        except BrokerError as error:
            LOG.warning("%s", error)

    def caught_up(self) -> bool:
        """Whether every partition is read to its end."""
        if not self._whole or self._moved.is_set():
            return False
        try:
            ends = self._reader.end_offsets(self._all)
            return all(self._reader.position(part) >= end for part, end in ends.items())
        except KafkaError:
            return False

    def bury(self, rows: list[Row]) -> None:
        """One dead letter each, with the alert as it was read. Raises BrokerError when Kafka does not take them."""
        for row in rows:
            if row.notice.alert is None or row.origin.count("/") != 2:
                continue
            topic, partition, offset = row.origin.split("/")
            letter = dead_letter(
                SERVICE,
                TocsinError(f"channel {row.channel}: {row.why}"),
                topic=topic,
                partition=int(partition),
                offset=int(offset),
                key=row.alert_id.encode(),
                body=wire.encode(row.notice.alert),
            )
            self._publisher.send(topics.DEAD_LETTERS, row.origin, letter)
        self._publisher.flush()

    def close(self) -> None:
        """Leave the group."""
        try:
            self._publisher.close()
            self._reader.close(autocommit=False)
        except (KafkaError, OSError) as error:
            LOG.warning("on leaving: %s", error)

    # --- members come and go: kafka-python calls these from a thread of its own, so they only raise a flag ---

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the listener's signature
        """Note it; the thread that reads does the rest."""
        self._moved.set()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the listener's signature
        """Note it; the thread that reads does the rest."""
        self._moved.set()

    def _settle(self) -> None:
        """After partitions moved, or while some are missing: read on only with all of them."""
        self._moved.clear()
        mine = self._reader.assignment()
        self._whole = set(mine) == set(self._all)
        if not self._whole:
            self._reader.pause(*mine)
            self._watch.waits("partitions", f"{len(mine)} of {len(self._all)} partitions of {self._topic} are here; another notifier?")
            if mine and not self._was_whole:
                self._wait_for_others()
            return
        self._was_whole = True
        self._watch.works("partitions")
        for part in mine:
            self._reader.seek(part, self._positions.get(part))
        self._reader.resume(*mine)


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise BrokerError(f"Kafka did not answer a request ({type(error).__name__}: {error}); start again when it does") from error


def _name(part: TopicPartition) -> str:
    return f"{part.topic}/{part.partition}"
