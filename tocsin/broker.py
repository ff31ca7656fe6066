"""How kafka-python speaks to the broker: the options, sending records, and reading them with commits that follow the work.

Faust has a client of its own, in the worker; both agree on names and partitions because `tocsin.topics` decides them.
Figures behind the options: a producer without crc32c takes 11 times as long; acknowledged by all, idempotent, compressed.
"""

import contextlib
import logging
from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from tocsin import topics, wire
from tocsin.errors import Quarantine, TocsinError, UsageError
from tocsin.records import Record
from tocsin.settings import Settings

logging.getLogger("kafka").setLevel(logging.ERROR)  # every lost connection is logged by the client again and again; we say it once

_SESSION = 15_000  # ms: a killed member's partitions move on after this
_SEND = 60_000  # ms until a message that nobody acknowledges is an error


class BrokerError(TocsinError):
    """The broker did not take or give what was asked; the message says what to check. The caller stops and is started again."""


def access(settings: Settings) -> dict[str, Any]:
    """Options that kafka-python and aiokafka share: addresses, and who we are."""
    options: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in settings.kafka.split(",") if address.strip()],
        "security_protocol": settings.kafka_security,
    }
    if settings.kafka_security.startswith("SASL"):
        options |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password,
        }
    return options


def connection(settings: Settings) -> dict[str, Any]:
    """Options that every client of kafka-python needs."""
    options = access(settings) | {"reconnect_backoff_max_ms": 5_000}
    if settings.kafka_security.endswith("SSL"):
        options["ssl_cafile"] = settings.kafka_ca or None
    return options


def unreachable(settings: Settings, error: Exception) -> UsageError:
    """The one-line error for a broker that does not answer, or refuses us."""
    return UsageError(
        f"no Kafka answers at {settings.kafka} ({type(error).__name__}: {error}); is it started, "
        "and are the settings kafka, kafka_security, kafka_user right?"
    )


class Publisher:
    """Sends records. `flush` is the acknowledgement: what a caller commits afterwards is on the broker."""

    def __init__(self, settings: Settings, service: str) -> None:
        """Connect. Raises UsageError when no broker answers."""
        self._settings = settings
        self._failed: list[BaseException] = []
        try:
            self._producer = KafkaProducer(
                **connection(settings),
                client_id=f"{service}-{settings.node}",
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                linger_ms=5,
                max_request_size=topics.MAX_BYTES,
                max_block_ms=_SEND,
                delivery_timeout_ms=_SEND,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=10_000,
            )
        except (KafkaError, OSError, ValueError) as error:
            raise unreachable(settings, error) from error

    def send(self, topic: topics.Topic, key: str, record: Record, *, backfill: bool = False) -> None:
        """Send one record to its partition; it is safe when `flush` returns.

        Raises Quarantine when it is larger than a message may be: it can never succeed.
        """
        name = topics.full_name(self._settings, topic, topics.lane_of(topic, backfill=backfill))
        partition = topics.partition_of(key, topics.count_of(self._settings, topic))
        self.put(name, partition, key.encode("utf-8", "surrogatepass"), wire.encode(record))

    def put(self, name: str, partition: int, key: bytes | None, body: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> None:
        """Send bytes as they are to a topic by its full name."""
        try:
            future = self._producer.send(name, value=body, key=key, partition=partition, headers=list(headers))
        except MessageSizeTooLargeError as error:
            raise Quarantine(f"too large for a message ({len(body or b''):,} bytes; at most {topics.MAX_BYTES:,})") from error
        except (KafkaError, AssertionError) as error:
            raise BrokerError(f"cannot send to {name}: {error}; does it exist? run `tocsin topics create`") from error
        future.add_errback(self._failed.append)

    def flush(self) -> None:
        """Wait until everything sent is acknowledged. Raises BrokerError when something was not: commit nothing then."""
        try:
            self._producer.flush(timeout=_SEND / 1000)
        except KafkaError as error:
            raise BrokerError(f"Kafka at {self._settings.kafka} acknowledged nothing for {_SEND // 1000} s: {error}") from error
        if self._failed:
            first, self._failed = self._failed[0], []
            advice = "; run `tocsin topics create`" if isinstance(first, UnknownTopicOrPartitionError) else ""
            raise BrokerError(f"Kafka did not take a message: {type(first).__name__}: {first}{advice}")

    def close(self) -> None:
        """Send what is left and disconnect."""
        self._producer.close(timeout=10)


class Member(KafkaConsumer):  # type: ignore[misc]  # kafka-python has no types
    """A consumer that finishes every rebalance, and that may lose a partition at any moment.

    kafka-python (3.0) forgets a rebalance that it began because it learned of topics, when a poll ends after the leader's assignment and
    before its answer: from then on the member neither reads nor beats, without a word. So it is reminded. It also takes partitions away in
    a thread of its own, between any two lines of ours: what is asked of one that has moved on is then nobody's business here.
    """

    def poll(self, *arguments: Any, **options: Any) -> Any:
        """As of KafkaConsumer."""
        coordinator = self._coordinator
        if coordinator is not None and coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.rejoin_needed = True
        return super().poll(*arguments, **options)

    def pause(self, *partitions: TopicPartition) -> None:
        """Fetch nothing from these for now; those that have moved on are passed over."""
        for partition in partitions:
            with contextlib.suppress(KeyError):
                super().pause(partition)

    def resume(self, *partitions: TopicPartition) -> None:
        """Fetch from these again; those that have moved on are passed over."""
        for partition in partitions:
            with contextlib.suppress(KeyError):
                super().resume(partition)

    def seek(self, partition: TopicPartition, offset: int | None) -> None:
        """Read on from here, or from the beginning where nothing was ever committed (None); one that has moved on is passed over."""
        with contextlib.suppress(KeyError, ValueError):
            if offset is None:
                super().seek_to_beginning(partition)
            else:
                super().seek(partition, offset)


def consumer(
    settings: Settings,
    service: str,
    names: Iterable[str] = (),
    *,
    most: int = 500,
    listener: Any = None,
    stays: bool = False,
    mark: str = "",
) -> KafkaConsumer:
    """A member of a service's group that commits only when told to, reading from the oldest message when the group is new.

    `names`: full names to subscribe to; empty: the caller assigns partitions, or subscribes itself. `listener`: a kafka
    ConsumerRebalanceListener. `stays`: a member known by its node, which has its partitions back at once when it is started again within
    the session; without, a killed member's partitions wait for the session to end. `mark`: the last part of its names, by which others
    tell what it works for: with another mark it is another member. Raises UsageError when no broker answers.
    """
    name = f"{service}-{settings.node}" + (f"-{mark}" if mark else "")
    try:
        reader = Member(
            **connection(settings),
            client_id=name,
            group_id=topics.group(settings, service),
            group_instance_id=name if stays else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=most,
            max_partition_fetch_bytes=topics.MAX_BYTES + 100_000,
            session_timeout_ms=_SESSION,
            heartbeat_interval_ms=3_000,
            fetch_max_wait_ms=100,
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
        )
        wanted = list(names)
        if wanted:
            reader.subscribe(wanted, listener=listener)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(settings, error) from error
    return reader


def commit(reader: KafkaConsumer, next_offsets: dict[TopicPartition, int]) -> None:
    """Commit: the next offset to read, by partition. Raises BrokerError when the group has gone on without us."""
    try:
        reader.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in next_offsets.items()})
    except KafkaError as error:
        raise BrokerError(
            f"Kafka did not take a commit ({type(error).__name__}: {error}); whoever has the partition now does the uncommitted part again"
        ) from error


__all__ = ["BrokerError", "Publisher", "TopicPartition", "access", "commit", "connection", "consumer", "unreachable"]
