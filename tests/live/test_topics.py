"""`tocsin topics` on a real broker."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from msgspec import structs

from deploy.servers import free_port
from tocsin import broker, topics
from tocsin.broker import BrokerError, Publisher
from tocsin.broker_admin import administration, backlogs, sizes
from tocsin.records import Dropped
from tocsin.settings import Settings
from tocsin.topic_plan import Backlog, alarm, plan

ROOT = Path(__file__).parents[2]


def _create(settings: Settings, *, update: bool = False) -> None:
    with administration(settings) as admin:
        admin.apply(plan(settings, admin.found(), update=update))


def _actions(settings: Settings) -> set[str]:
    with administration(settings) as admin:
        return {step.action for step in plan(settings, admin.found())}


def _set(settings: Settings, topic: topics.Topic, **configs: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    named = {key.replace("_", "."): value for key, value in configs.items()}
    name = topics.full_name(settings, topic)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, named)])
    admin.close()
    with administration(settings) as look:
        while not named.items() <= look.found()[name].configs.items():
            time.sleep(0.05)


def _send(settings: Settings, count: int) -> None:
    publisher = Publisher(settings, "test")
    for number in range(count):
        url = f"https://example.org/{number}"
        publisher.send(topics.DROPPED, url, Dropped(url=url, stage="clean", reason="no text", at="2026-01-01T00:00:00Z"))
    publisher.flush()
    publisher.close()


def _read(settings: Settings, service: str, count: int) -> None:
    """Read and commit `count` messages."""
    reader = broker.consumer(settings, service, topics.lanes(settings, topics.DROPPED), most=1)
    seen = 0
    while seen < count:
        for part, messages in reader.poll(timeout_ms=500).items():
            if seen < count:
                seen += len(messages)
                broker.commit(reader, {part: messages[-1].offset + 1})
    reader.close()


def _behind(settings: Settings, service: str) -> Backlog:
    with administration(settings) as admin:
        found = backlogs(settings, admin)
    name = topics.full_name(settings, topics.DROPPED)
    return next(backlog for backlog in found if (backlog.group, backlog.topic) == (topics.group(settings, service), name))


def _tocsin(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "TOCSIN_KAFKA": settings.kafka,
        "TOCSIN_PREFIX": settings.prefix,
        "TOCSIN_PARTITIONS": str(settings.partitions),
    }
    command = [sys.executable, "-m", "tocsin", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_everything_planned_is_created_once_as_planned(kafka: str, settings: Settings) -> None:
    assert _actions(settings) == {"create"}
    _create(settings)
    assert _actions(settings) == {"keep"}
    _create(settings)
    assert _actions(settings) == {"keep"}


def test_two_deploys_at_once_create_the_same_topics(kafka: str, settings: Settings) -> None:
    with administration(settings) as one, administration(settings) as other:
        first, second = plan(settings, one.found()), plan(settings, other.found())
        one.apply(first)
        other.apply(second)
    assert _actions(settings) == {"keep"}


def test_a_setting_that_differs_is_left_alone_until_it_is_to_be_updated(kafka: str, settings: Settings) -> None:
    _create(settings)
    _set(settings, topics.DROPPED, retention_ms="60000")
    _create(settings)
    assert _actions(settings) == {"keep", "differs"}
    _create(settings, update=True)
    assert _actions(settings) == {"keep"}


def test_a_group_is_behind_by_what_it_has_not_committed(kafka: str, settings: Settings) -> None:
    _create(settings)
    _send(settings, 5)
    _read(settings, "sink-jsonl", 3)
    backlog = _behind(settings, "sink-jsonl")
    assert (backlog.messages, sum(backlog.behind.values()), backlog.lost) == (2, 2, 0)
    assert 0 < backlog.oldest_seconds < 120
    assert alarm(backlog) == ""
    name = topics.full_name(settings, topics.DROPPED)
    assert sizes(settings, [name]) == {name: 5}


def test_a_group_that_has_read_everything_waits_for_nothing(kafka: str, settings: Settings) -> None:
    _create(settings)
    _send(settings, 3)
    _read(settings, "sink-jsonl", 3)
    backlog = _behind(settings, "sink-jsonl")
    assert (backlog.messages, backlog.oldest_seconds, backlog.retention_used) == (0, 0.0, 0.0)


def test_a_partition_that_has_moved_on_is_nobodys_error(kafka: str, settings: Settings) -> None:
    _create(settings)
    reader = broker.consumer(settings, "sink")
    mine, gone = (TopicPartition(topics.full_name(settings, topics.TAGGED), number) for number in (0, 1))
    reader.assign([mine])
    reader.pause(gone, mine)
    assert reader.paused() == {mine}
    reader.resume(gone, mine)
    assert reader.paused() == set()
    for offset in (7, None):
        reader.seek(gone, offset)
        reader.seek(mine, offset)
        assert reader.position(mine) == (offset or 0)
    reader.close()


def test_a_sink_that_is_down_for_half_of_the_retention_is_alarming(kafka: str, settings: Settings) -> None:
    _create(settings)
    _send(settings, 2)
    _read(settings, "sink-elasticsearch", 1)
    _set(settings, topics.DROPPED, retention_ms="4000")
    time.sleep(2.5)  # the broker deletes only every five minutes
    assert "behind on" in alarm(_behind(settings, "sink-elasticsearch"))
    done = _tocsin(settings, "topics", "list", "--check")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "mend the service" in done.stderr
    assert _tocsin(settings, "topics", "list").returncode == 0


def test_messages_that_were_deleted_unread_are_counted_as_lost(kafka: str, settings: Settings) -> None:
    _create(settings)
    _send(settings, 40)
    _read(settings, "sink-jsonl", 1)
    name = topics.full_name(settings, topics.DROPPED)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    committed = admin.list_group_offsets(topics.group(settings, "sink-jsonl"))[topics.group(settings, "sink-jsonl")]
    part, known = next((part, known) for part, known in committed.items() if known.offset > 0)
    admin.delete_records({TopicPartition(name, part.partition): known.offset + 2})
    admin.close()
    backlog = _behind(settings, "sink-jsonl")
    assert backlog.lost == 2
    assert "has lost 2 messages" in alarm(backlog)


def test_the_command_shows_the_plan_then_does_it_then_finds_it_done(kafka: str, settings: Settings) -> None:
    planned = _tocsin(settings, "topics", "create", "--dry-run")
    assert planned.returncode == 0
    assert planned.stdout.count("would create") == len(list(topics.planned(settings)))
    assert _actions(settings) == {"create"}
    assert _tocsin(settings, "topics", "create").returncode == 0
    again = _tocsin(settings, "topics", "create", "--json")
    assert {json.loads(line)["action"] for line in again.stdout.splitlines()} == {"keep"}


def test_more_partitions_are_refused_and_nothing_is_changed(kafka: str, settings: Settings) -> None:
    _create(settings)
    done = _tocsin(structs.replace(settings, partitions=8), "topics", "create", "--update")
    assert done.returncode == 2
    assert "topic_generation=2" in done.stderr
    assert _actions(settings) == {"keep"}


def test_topics_that_are_missing_are_named_by_the_check(kafka: str, settings: Settings) -> None:
    done = _tocsin(settings, "topics", "list", "--check")
    assert done.returncode == 1
    assert "run `tocsin topics create`" in done.stderr


def test_a_broker_that_is_not_there_is_one_line() -> None:
    done = _tocsin(Settings(kafka=f"127.0.0.1:{free_port()}"), "topics", "create")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no Kafka answers" in done.stderr


def test_a_plan_that_the_broker_cannot_fulfil_is_one_line(kafka: str, settings: Settings) -> None:
    with pytest.raises(BrokerError, match="did not create"):
        _create(structs.replace(settings, replication=3))


def test_the_watch_is_red_while_messages_wait_too_long(kafka: str, settings: Settings) -> None:
    _create(settings)
    _send(settings, 2)
    _read(settings, "sink-elasticsearch", 1)
    _set(settings, topics.DROPPED, retention_ms="1000")
    port = free_port()
    environment = os.environ | {
        "TOCSIN_KAFKA": settings.kafka,
        "TOCSIN_PREFIX": settings.prefix,
        "TOCSIN_PARTITIONS": str(settings.partitions),
        "TOCSIN_HEALTH_PORT": str(port),
    }
    watch = subprocess.Popen([sys.executable, "-m", "tocsin", "topics", "watch", "--every", "1"], env=environment, cwd=ROOT)
    try:
        end = time.monotonic() + 60
        reasons: dict[str, str] = {}
        while "backlog" not in reasons and time.monotonic() < end:
            time.sleep(0.5)
            try:
                urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).close()
            except HTTPError as answer:
                reasons = json.loads(answer.read())["reasons"]
            except OSError:
                continue
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
    finally:
        watch.terminate()
        ended = watch.wait(timeout=20)
    assert ended == 0
    assert "behind on" in reasons["backlog"]
    assert f'tocsin_retention_used_ratio{{group="{topics.group(settings, "sink-elasticsearch")}"' in metrics
