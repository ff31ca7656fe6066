"""Feeding real topics, running real workers, and reading what they wrote."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError
from msgspec import structs

from tocsin import topics, wire
from tocsin.broker import Publisher
from tocsin.broker_admin import administration
from tocsin.records import Record
from tocsin.settings import Settings
from tocsin.topic_plan import plan

START = 60.0  # seconds: a worker loads a gazetteer first
Message = Any  # what kafka-python reads


def create_topics(settings: Settings) -> None:
    with administration(settings) as admin:
        admin.apply(plan(settings, admin.found()))


def send(settings: Settings, topic: topics.Topic, records: Iterable[tuple[str, Record]], *, backfill: bool = False) -> None:
    publisher = Publisher(settings, "test")
    for key, record in records:
        publisher.send(topic, key, record, backfill=backfill)
    publisher.flush()
    publisher.close()


def send_bytes(settings: Settings, topic: topics.Topic, bodies: Iterable[bytes | None]) -> None:
    publisher = Publisher(settings, "test")
    for body in bodies:
        publisher.put(topics.full_name(settings, topic), 0, b"poison", body)
    publisher.flush()
    publisher.close()


def messages(settings: Settings, name: str) -> list[Message]:
    """Everything on a topic by its full name, by partition and offset."""
    reader = KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False, max_partition_fetch_bytes=topics.MAX_BYTES * 2)
    parts = [TopicPartition(name, number) for number in sorted(reader.partitions_for_topic(name) or ())]
    reader.assign(parts)
    reader.seek_to_beginning(*parts)
    ends = reader.end_offsets(parts)
    found: list[Message] = []
    while any(reader.position(part) < ends[part] for part in parts):
        for some in reader.poll(timeout_ms=500).values():
            found += some
    reader.close()
    return sorted(found, key=lambda message: (message.partition, message.offset))


def records(settings: Settings, topic: topics.Topic) -> list[Any]:
    """All records of both lanes of a topic."""
    return [wire.decode(message.value, topic.record) for name in topics.lanes(settings, topic) for message in messages(settings, name)]


def size(settings: Settings, name: str) -> int:
    """Messages ever put on a topic by its full name."""
    reader = KafkaConsumer(bootstrap_servers=settings.kafka)
    ends = reader.end_offsets([TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()])
    reader.close()
    return sum(ends.values())


def behind(settings: Settings, service: str, topic: topics.Topic) -> int:
    """Messages that a service's group has not committed."""
    reader = KafkaConsumer(bootstrap_servers=settings.kafka, group_id=topics.group(settings, service), enable_auto_commit=False)
    try:
        lag = 0
        for name in topics.lanes(settings, topic):
            numbers = reader.partitions_for_topic(name)
            if not numbers:  # the client has not heard of the topic yet: nothing is known, so nothing is caught up
                return sys.maxsize
            parts = [TopicPartition(name, number) for number in numbers]
            ends = reader.end_offsets(parts)
            lag += sum(ends[part] - (reader.committed(part) or 0) for part in parts)
        return lag
    finally:
        reader.close()


def members(settings: Settings, service: str) -> int:
    """Of a group whose partitions are shared out; 0 while they are not."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        found = admin.describe_groups([topics.group(settings, service)])[topics.group(settings, service)]
    except CoordinatorNotAvailableError:  # of a new broker, for a moment
        return 0
    finally:
        admin.close()
    return len(found["members"]) if found["group_state"] == "Stable" else 0


def wait_for(what: Callable[[], Any], seconds: float = START) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not so within {seconds} s"
        time.sleep(0.3)


def wait_until_read(settings: Settings, *stages: str, seconds: float = START) -> None:
    """Until the stages, in the order of the stream, have committed everything there is."""
    read = {"cluster": topics.INCOMING, "tag": topics.ARTICLES, "alerts": topics.SIGHTINGS, "ledger": topics.CLAIMS}
    for stage in stages:
        wait_for(lambda stage=stage: behind(settings, stage, read[stage]) == 0, seconds)  # type: ignore[misc]


def start(settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """`tocsin worker` with these settings."""
    given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin", "worker", *arguments], env={**os.environ, **given}, stderr=subprocess.PIPE, text=True
    )


def stop(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str]:
    """Exit code, and what it said."""
    if process.poll() is None:
        process.send_signal(number)
    _, said = process.communicate(timeout=20)
    return process.returncode, said


@contextmanager
def worker(settings: Settings, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = start(settings, *arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            stop(process, signal.SIGKILL if "--stage" in arguments else signal.SIGTERM)
