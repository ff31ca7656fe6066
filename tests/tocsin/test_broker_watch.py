"""Whether a broker answers: real sockets, some of which answer."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable

import pytest

pytest.importorskip("prometheus_client", reason="the services' packages are not installed")

from tests.listening import Answers, listening
from tocsin import broker_watch
from tocsin.broker_watch import trouble
from tocsin.health import Health, serve
from tocsin.settings import Settings


@pytest.fixture
def closed() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.01)
    return found


def test_one_address_that_answers_is_enough(closed: int) -> None:
    with listening(Answers) as port:
        assert trouble(Settings(kafka=f"127.0.0.1:{closed}, 127.0.0.1:{port}")) == ""


def test_why_no_address_answers_is_one_line_that_says_what_to_do(closed: int) -> None:
    found = trouble(Settings(kafka=f"127.0.0.1:{closed},nonsense:port"))
    assert found.startswith(f"no broker answers at 127.0.0.1:{closed},nonsense:port: is it started?")
    assert "\n" not in found
    assert "refused" in found


def test_a_broker_that_hangs_does_not_answer_though_its_machine_takes_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_watch, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in trouble(Settings(kafka=f"127.0.0.1:{silent.getsockname()[1]}"))


class _HangsUp(socketserver.BaseRequestHandler):
    pass


def test_what_hangs_up_is_no_broker() -> None:
    with listening(_HangsUp) as port:
        assert trouble(Settings(kafka=f"127.0.0.1:{port}"))


def test_a_broker_without_tls_does_not_do_where_tls_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_watch, "_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=lambda: plain.accept()[0].sendall(b"HTTP/1.0 400 no\r\n\r\n"), daemon=True).start()
        assert trouble(Settings(kafka=f"127.0.0.1:{plain.getsockname()[1]}", kafka_security="SSL"))


def test_a_service_is_ready_only_while_a_broker_answers(closed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_watch, "EVERY", 0.02)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    health = Health("fetch")
    with serve(Settings(kafka=f"127.0.0.1:{closed}", health_port=own), health):
        health.started()
        assert _until(lambda: "no broker answers" in health.reasons().get("Kafka", ""))
        with listening(Answers, closed):
            assert _until(lambda: not health.reasons())
        assert _until(lambda: "Kafka" in health.reasons())
    assert _until(lambda: "broker-watch" not in {thread.name for thread in threading.enumerate()})
