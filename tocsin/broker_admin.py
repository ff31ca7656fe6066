"""Topics on the broker: looking, creating, setting, and how far each group is behind."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from tocsin import topics
from tocsin.broker import BrokerError, connection, unreachable
from tocsin.settings import Settings
from tocsin.topic_plan import Backlog, Found, Step, configs_of

_PATIENCE = 30.0  # seconds for reading the oldest messages of all partitions
_CONTINUOUS = frozenset({"schedule", "fetch", *topics.STAGES})
"""Readers whose group has the reader's own name, and which always run."""


class Admin:
    """A connection for administration. Every failure is a BrokerError or UsageError in one line."""

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises UsageError when no broker answers."""
        self._settings = settings
        try:
            self._client = KafkaAdminClient(**connection(settings), client_id=f"topics-{settings.node}", bootstrap_timeout_ms=10_000)
        except (KafkaError, OSError, ValueError) as error:
            raise unreachable(settings, error) from error

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def found(self) -> dict[str, Found]:
        """Return those of our topics that exist, by full name."""
        kept = {name: retention for name, _, retention in topics.planned(self._settings)}
        known = {topic["name"]: topic["partitions"] for topic in self._ask(self._client.describe_topics) if topic["name"] in kept}
        if not known:
            return {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in known]
        configs = self._ask(self._client.describe_configs, wanted, config_filter="all")["topic"]
        return {
            name: Found(
                partitions=len(partitions),
                replication=min(len(partition["replica_nodes"]) for partition in partitions),
                configs={key: str(configs[name][key]["value"]) for key in configs_of(self._settings, kept[name]) if key in configs[name]},
            )
            for name, partitions in known.items()
        }

    def apply(self, steps: Sequence[Step]) -> None:
        """Create and update what the steps say, and wait until every broker knows the new topics."""
        new = {
            step.topic: {"num_partitions": step.partitions, "replication_factor": step.replication, "configs": step.configs}
            for step in steps
            if step.action == "create"
        }
        if new:
            self._create(new)
        changed = [ConfigResource(ConfigResourceType.TOPIC, step.topic, dict(step.configs)) for step in steps if step.action == "update"]
        if changed:
            for name, result in self._ask(self._client.alter_configs, changed)["topic"].items():
                if result != "OK":
                    raise BrokerError(f"Kafka did not change {name}: {result}")
            self._settled([step for step in steps if step.action == "update"])

    def _create(self, new: dict[str, dict[str, Any]]) -> None:
        answer = self._ask(self._client.create_topics, new, raise_errors=False)
        for topic in answer["topics"]:
            # Somebody else creating the same at the same time is no failure: both have the same plan.
            if topic["error_code"] not in (0, TopicAlreadyExistsError.errno):
                raise BrokerError(f"Kafka did not create {topic['name']}: {topic.get('error_message') or topic['error_code']}")
        self._ask(self._client.wait_for_topics, list(new), timeout_ms=30_000)

    def _settled(self, steps: Sequence[Step]) -> None:
        """Wait until the broker we ask shows what the controller has taken: a moment."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            found = self.found()
            if all(found[step.topic].configs == step.configs for step in steps if step.topic in found):
                return
            time.sleep(0.1)
        raise BrokerError(f"Kafka took the new settings of {steps[0].topic} but does not show them; run `tocsin topics create` again")

    def committed(self) -> dict[str, dict[TopicPartition, int]]:
        """Return the next offset to read by group and partition, of the groups of this prefix and generation."""
        first, last = f"{self._settings.prefix}-", f"-{self._settings.topic_generation}"
        names = [group["group_id"] for group in self._ask(self._client.list_groups)]
        ours = sorted(name for name in names if name.startswith(first) and name.endswith(last))
        if not ours:
            return {}
        offsets = self._ask(self._client.list_group_offsets, ours)
        return {name: {part: known.offset for part, known in of_group.items() if known.offset >= 0} for name, of_group in offsets.items()}

    def _ask(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except (KafkaError, OSError, ValueError) as error:
            raise BrokerError(f"Kafka at {self._settings.kafka} did not answer a request: {type(error).__name__}: {error}") from error


@contextmanager
def administration(settings: Settings) -> Iterator[Admin]:
    """An `Admin` that is closed in the end."""
    admin = Admin(settings)
    try:
        yield admin
    finally:
        admin.close()


def sizes(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """Return the number of messages kept on each topic (of a compacted one: at most so many). Raises BrokerError."""
    with _reader(settings) as reader:
        parts = _partitions(reader, names)
        first, end = _bounds(reader, parts)
    counted: dict[str, int] = dict.fromkeys(names, 0)
    for part in parts:
        counted[part.topic] += end[part] - first[part]
    return counted


def backlogs(settings: Settings, admin: Admin) -> list[Backlog]:
    """Return how far every group is behind, by group and topic; a service that has never read counts as being at the beginning."""
    kept = {name: float(found.configs.get("retention.ms", -1)) for name, found in admin.found().items()}  # milliseconds
    offsets = admin.committed()
    readers = [(group, name) for group, name in _readers(settings, offsets) if name in kept]
    with _reader(settings) as reader:
        parts = _partitions(reader, sorted({name for _, name in readers}))
        first, end = _bounds(reader, parts)
        by_topic: dict[str, list[TopicPartition]] = defaultdict(list)
        for part in parts:
            by_topic[part.topic].append(part)
        result = []
        for group, name in readers:
            known = offsets.get(group, {})
            at = {part: known.get(part, first[part]) for part in by_topic[name]}
            behind = {part.partition: max(0, end[part] - max(at[part], first[part])) for part in at}
            waiting = {part: max(at[part], first[part]) for part in at if behind[part.partition]}
            age = max(0.0, time.time() - _oldest(reader, waiting)) if waiting else 0.0
            result.append(
                Backlog(
                    group=group,
                    topic=name,
                    messages=sum(behind.values()),
                    behind=behind,
                    oldest_seconds=age,
                    retention_used=age * 1000 / kept[name] if kept.get(name, -1) > 0 else 0.0,  # -1: kept for ever
                    lost=sum(max(0, first[part] - offset) for part, offset in at.items()),
                )
            )
    return result


def _readers(settings: Settings, offsets: dict[str, dict[TopicPartition, int]]) -> list[tuple[str, str]]:
    """Group and topic of whoever reads: those that have committed, and the services that always run."""
    ours = {name for topic in topics.ALL for name in topics.lanes(settings, topic)}
    pairs = {(group, part.topic) for group, of_group in offsets.items() for part in of_group if part.topic in ours}
    for topic in topics.ALL:
        for service in topic.readers:
            if service in _CONTINUOUS:
                pairs |= {(topics.group(settings, service), name) for name in topics.lanes(settings, topic)}
    return sorted(pairs)


@contextmanager
def _reader(settings: Settings) -> Iterator[KafkaConsumer]:
    try:
        reader = KafkaConsumer(
            **connection(settings),
            client_id=f"topics-{settings.node}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=1,  # one batch: a broker sends the first one whole, however large
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=10_000,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(settings, error) from error
    try:
        yield reader
    except KafkaError as error:
        raise BrokerError(f"Kafka at {settings.kafka} did not answer a request: {type(error).__name__}: {error}") from error
    finally:
        reader.close()


def _partitions(reader: KafkaConsumer, names: Sequence[str]) -> list[TopicPartition]:
    """All partitions of those topics that exist."""
    there = reader.topics()
    return [TopicPartition(name, number) for name in names if name in there for number in sorted(reader.partitions_for_topic(name) or ())]


def _bounds(reader: KafkaConsumer, parts: list[TopicPartition]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    return (reader.beginning_offsets(parts), reader.end_offsets(parts)) if parts else ({}, {})


def _oldest(reader: KafkaConsumer, offsets: dict[TopicPartition, int]) -> float:
    """Return when the oldest of the messages at these offsets was written, in Unix seconds; the present when none can be read."""
    reader.assign(list(offsets))
    for part, offset in offsets.items():
        reader.seek(part, offset)
    oldest, left, end = time.time(), set(offsets), time.monotonic() + _PATIENCE
    while left and time.monotonic() < end:
        for part, messages in reader.poll(timeout_ms=500, max_records=1).items():
            if part in left:
                left.discard(part)
                oldest = min(oldest, messages[0].timestamp / 1000)
                reader.pause(part)
    return oldest
