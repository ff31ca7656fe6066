"""What a service tells about itself."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

pytest.importorskip("prometheus_client", reason="the services' packages are not installed")

from tests.listening import Answers, listening
from tocsin.errors import UsageError
from tocsin.health import Health, serve
from tocsin.settings import Settings


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def asked() -> Iterator[tuple[Health, int]]:
    health = Health("sink")
    with listening(Answers) as broker, serve(Settings(kafka=f"127.0.0.1:{broker}", health_port=_free_port()), health) as port:
        yield health, port


def _get(port: int, path: str) -> tuple[int, str]:
    client = HTTPConnection("127.0.0.1", port, timeout=5)
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read().decode()
    client.close()
    return answer.status, body


def test_a_service_is_not_ready_before_it_has_started(asked: tuple[Health, int]) -> None:
    health, port = asked
    status, body = _get(port, "/ready")
    assert (status, json.loads(body)["reasons"]) == (503, {"start": "starting"})
    health.started()
    assert _get(port, "/ready")[0] == 200


def test_every_reason_must_go_before_a_service_is_ready_again(asked: tuple[Health, int]) -> None:
    health, port = asked
    health.started()
    health.waits("Elasticsearch", "401:\n wrong password")
    health.waits("Kafka", "no broker answers")
    health.works("Kafka")
    status, body = _get(port, "/ready")
    assert (status, json.loads(body)["reasons"]) == (503, {"Elasticsearch": "401: wrong password"})
    health.works("Elasticsearch")
    assert _get(port, "/ready") == (200, '{"service": "sink", "ready": true, "reasons": {}}\n')


def test_a_service_that_never_tells_of_its_loop_is_live_and_one_that_fell_silent_is_not(
    asked: tuple[Health, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    health, port = asked
    assert _get(port, "/live")[0] == 200
    health.beat()
    assert _get(port, "/live")[0] == 200
    monkeypatch.setattr("tocsin.health._STUCK", 0.0)
    assert _get(port, "/live")[0] == 503


def test_metrics_count_records_by_stage_and_outcome(asked: tuple[Health, int]) -> None:
    health, port = asked
    health.count("sink", "indexed", 3)
    health.lag("tocsin-sink-1", "tocsin-tagged-1", 2, 17)
    with health.timed("sink"):
        pass
    status, body = _get(port, "/metrics")
    assert status == 200
    assert 'tocsin_records_total{outcome="indexed",service="sink",stage="sink"} 3.0' in body
    assert 'tocsin_lag_messages{group="tocsin-sink-1",partition="2",service="sink",topic="tocsin-tagged-1"} 17.0' in body
    assert 'tocsin_batch_seconds_count{service="sink",stage="sink"} 1.0' in body


def test_two_services_of_one_process_do_not_mix_their_metrics(asked: tuple[Health, int]) -> None:
    other = Health("fetch")
    other.count("fetch", "produced")
    assert "fetch" not in _get(asked[1], "/metrics")[1]


def test_anything_else_is_not_found(asked: tuple[Health, int]) -> None:
    assert _get(asked[1], "/tables")[0] == 404


def test_a_port_that_is_taken_is_one_line_that_says_what_to_set(asked: tuple[Health, int]) -> None:
    with pytest.raises(UsageError, match="health_port"), serve(Settings(health_port=asked[1]), Health("fetch")):
        pass


def test_nothing_is_served_unless_a_port_is_set() -> None:
    with serve(Settings(), Health("fetch")) as port:
        assert port == 0


def test_clients_that_dawdle_make_room_for_new_ones(asked: tuple[Health, int]) -> None:
    _, port = asked
    before = threading.active_count()
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for one in slow[-3:]:
        one.sendall(b"GET /li")
    assert _get(port, "/live")[0] == 200
    until = time.monotonic() + 3
    while (more := threading.active_count() - before) > 16 and time.monotonic() < until:
        time.sleep(0.01)
    assert more <= 16
    slow[0].settimeout(3)
    assert slow[0].recv(1) == b""  # the oldest was sent away
    for one in slow:
        one.close()
