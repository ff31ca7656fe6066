"""The real servers do what they are started for, and bear what drills do to them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from elasticsearch import AuthenticationException, Elasticsearch
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from deploy.servers import User
from tests.live.conftest import Servers
from tocsin.settings import Settings


def _create(address: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()


def _produce(address: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True)
    for value in values:
        producer.send(topic, value, partition=0)
    producer.flush(timeout=30)
    producer.close()


def _consume(address: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    found: list[bytes] = []
    for message in consumer:
        found.append(message.value)
        if len(found) == count:
            break
    consumer.close()
    return found


def test_what_is_produced_is_consumed(kafka: str, settings: Settings) -> None:
    topic = f"{settings.prefix}-smoke"
    _create(kafka, topic)
    _produce(kafka, topic, b"one", b"two")
    assert _consume(kafka, topic, 2) == [b"one", b"two"]


def test_a_broker_that_is_killed_comes_back_with_what_it_acknowledged(servers: Servers) -> None:
    broker = servers.kafka()
    _create(broker.address, "kept")
    _produce(broker.address, "kept", b"before")
    assert broker.kill()
    assert broker.pid() is None
    assert not broker.ready()
    broker.start()
    _produce(broker.address, "kept", b"after")
    assert _consume(broker.address, "kept", 2) == [b"before", b"after"]


def test_of_two_brokers_side_by_side_only_the_one_named_hangs_goes_on_and_stops(servers: Servers) -> None:
    one, other = servers.kafka(heap="256m"), servers.kafka(heap="256m")
    _create(one.address, "a")
    _create(other.address, "b")
    one.pause()
    _produce(other.address, "b", b"meanwhile")
    one.resume()
    _produce(one.address, "a", b"still here")
    assert _consume(one.address, "a", 1) == [b"still here"]
    assert one.stop()
    assert not one.ready()
    assert _consume(other.address, "b", 1) == [b"meanwhile"]


def test_a_server_does_not_outlive_the_run_that_started_it(tmp_path: Path) -> None:
    from deploy.servers import Kafka, free_port

    port, folder = free_port(), tmp_path / "tied"
    starting = f"""
import os, signal
from pathlib import Path
from deploy.servers import Kafka
Kafka({port}, Path({str(folder)!r}), heap="256m", tied=True).start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", starting], cwd=Path(__file__).parents[2], timeout=120)
    left = Kafka(port, folder)
    assert (folder / "pid.json").exists()
    end = time.monotonic() + 10
    while left.pid() is not None and time.monotonic() < end:
        time.sleep(0.1)
    assert left.pid() is None


def test_what_is_indexed_is_found(elasticsearch: str, settings: Settings) -> None:
    with Elasticsearch(elasticsearch) as client:
        client.index(index=f"{settings.prefix}-smoke", id="1", document={"text": "shelling near the bridge"}, refresh=True)
        found = client.search(index=f"{settings.prefix}-smoke", query={"match": {"text": "bridge"}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]


@pytest.mark.slow
def test_a_secured_node_knows_its_users_their_roles_and_its_authority(servers: Servers, tmp_path: Path) -> None:
    roles = tmp_path / "roles.yml"
    roles.write_text("reader:\n  indices:\n  - names: ['open-*']\n    privileges: [read]\n", encoding="utf-8")
    node = servers.elasticsearch(users=[User("admin", "long-enough"), User("eve", "reads-only", ("reader",))], roles=roles, tls=True)
    with Elasticsearch(node.address, ca_certs=str(node.authority), basic_auth=("admin", "long-enough")) as admin:
        admin.index(index="open-1", document={"a": 1}, refresh=True)
        admin.index(index="closed-1", document={"a": 1}, refresh=True)
    with Elasticsearch(node.address, ca_certs=str(node.authority), basic_auth=("eve", "reads-only")) as eve:
        assert eve.count(index="open-*")["count"] == 1
        assert eve.options(ignore_status=403).search(index="closed-1").meta.status == 403
    with (
        Elasticsearch(node.address, ca_certs=str(node.authority), basic_auth=("eve", "guessing")) as wrong,
        pytest.raises(AuthenticationException),
    ):
        wrong.count(index="open-1")
