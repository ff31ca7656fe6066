"""What a service tells about itself over HTTP: /live, /ready and /metrics, on loopback unless the setting health_bind says otherwise.

    health = Health("sink")
    with serve(settings, health):                                            # and not ready while no broker answers
        health.waits("Elasticsearch", "401: the user or password is wrong")   # /ready answers 503 with this line
        health.works("Elasticsearch")
        health.count("sink", "indexed", 240)
        with health.timed("sink"): ...

A service makes one `Health`, also when the setting health_port is 0 and nobody can ask. All methods may be called from any thread.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from tocsin.broker_watch import watched
from tocsin.errors import UsageError
from tocsin.settings import Settings

_STUCK: Final = 300.0  # seconds without a sign of life of the main loop; above the longest wait for a broker (60 s) with room
_BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds

_AGES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21_600.0)  # seconds on the way
_CLIENTS: Final = 16  # connections at once; a probe takes milliseconds


class Health:
    """The state of one service. Ready means: nothing is being waited for."""

    def __init__(self, service: str) -> None:
        """`service`: its name, on every metric."""
        self.service = service
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {"start": "starting"}
        self._beat: float | None = None
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._records = Counter("tocsin_records", "Records by what became of them", ("service", "stage", "outcome"), registry=self.registry)
        self._seconds = Histogram(
            "tocsin_batch_seconds", "Seconds for one batch", ("service", "stage"), registry=self.registry, buckets=_BUCKETS
        )
        self._lag = Gauge(
            "tocsin_lag_messages", "Messages not yet committed", ("service", "group", "topic", "partition"), registry=self.registry
        )
        self._share = Gauge(
            "tocsin_retention_used_ratio",
            "Age of the oldest uncommitted message over the topic's retention: at 1 it is deleted unread",
            ("service", "group", "topic"),
            registry=self.registry,
        )
        self._ages = Histogram(
            "tocsin_latency_seconds", "Seconds a record took on a way", ("service", "way"), registry=self.registry, buckets=_AGES
        )
        self._ready = Gauge("tocsin_ready", "1: nothing is being waited for", ("service",), registry=self.registry)
        self._ready.labels(service).set(0)

    def started(self) -> None:
        """The service has all it needs to begin; until then it is not ready."""
        self.works("start")

    def waits(self, what: str, reason: str) -> None:
        """Not ready because of `what` ("Kafka", "Elasticsearch"), and why, in one line that says what to do."""
        with self._lock:
            self._reasons[what] = " ".join(reason.split())
            self._ready.labels(self.service).set(0)

    def works(self, what: str) -> None:
        """`what` works (again)."""
        with self._lock:
            self._reasons.pop(what, None)
            self._ready.labels(self.service).set(0 if self._reasons else 1)

    def beat(self) -> None:
        """The main loop is alive; a service that beats at all and then stops for five minutes is no longer /live."""
        self._beat = time.monotonic()

    def count(self, stage: str, outcome: str, number: int = 1) -> None:
        """Count records by outcome: "produced", "indexed", "dropped", "dead-letter", "retried" ..."""
        self._records.labels(self.service, stage, outcome).inc(number)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure one batch."""
        with self._seconds.labels(self.service, stage).time():
            yield

    def lag(self, group: str, topic: str, partition: int, messages: int) -> None:
        """Messages of a partition that a group has not committed yet."""
        self._lag.labels(self.service, group, topic, str(partition)).set(messages)

    def retention_used(self, group: str, topic: str, share: float) -> None:
        """Age of a group's oldest uncommitted message, as a share of the topic's retention."""
        self._share.labels(self.service, group, topic).set(share)

    def latency(self, way: str, seconds: float) -> None:
        """How long a record took on a way: "publish-fetch", "fetch-index", "fetch-alert"."""
        self._ages.labels(self.service, way).observe(seconds)

    def is_live(self) -> bool:
        """Whether the main loop moves, as far as it tells."""
        return self._beat is None or time.monotonic() - self._beat < _STUCK

    def reasons(self) -> dict[str, str]:
        """What is being waited for, and why; empty: ready."""
        with self._lock:
            return dict(self._reasons)


@contextmanager
def serve(settings: Settings, health: Health, *, kafka: bool = True) -> Iterator[int]:
    """Answer on health_bind:health_port in a thread until the block ends; yields the port (0: the setting is 0, nothing is served).

    Meanwhile Kafka is watched (`kafka`: the service needs it): without a broker that answers it is not ready, whatever it is doing.
    Raises UsageError when the address cannot be bound.
    """
    if settings.health_port == 0:
        yield 0
        return
    try:
        server = _Server((settings.health_bind, settings.health_port), _handler(health))
    except OSError as error:
        raise UsageError(
            f"cannot serve health on {settings.health_bind}:{settings.health_port}: {error.strerror or error}; "
            "set health_bind and health_port, one port a service"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="health", daemon=True)
    thread.start()
    try:
        with ExitStack() as around:
            if kafka:
                around.enter_context(
                    watched(settings, lambda trouble: health.waits("Kafka", trouble) if trouble else health.works("Kafka"))
                )
            yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    """A thread a connection, `_CLIENTS` at most: the oldest, which dawdles, makes room for a new one."""

    daemon_threads = True  # a client that never finishes its request must not hold up the end of the service

    def __init__(self, *given: Any) -> None:
        self._clients: dict[int, Any] = {}  # by the identity of their sockets, oldest first
        self._clients_lock = threading.Lock()
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._clients_lock:
            if len(self._clients) >= _CLIENTS:
                oldest = self._clients.pop(next(iter(self._clients)))
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)  # its thread reads the end, and ends
            self._clients[id(request)] = request
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._clients_lock:
            if self._clients.get(id(request)) is request:
                del self._clients[id(request)]
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is no event."""


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # seconds for a request to be sent
        server_version = "tocsin"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/live":
                live = health.is_live()
                self._answer(200 if live else 503, {"service": health.service, "live": live})
            elif path == "/ready":
                reasons = health.reasons()
                self._answer(503 if reasons else 200, {"service": health.service, "ready": not reasons, "reasons": reasons})
            elif path == "/metrics":
                self._send(200, CONTENT_TYPE_LATEST, generate_latest(health.registry))
            else:
                self._answer(404, {"error": "there are /live, /ready and /metrics"})

        def _answer(self, status: int, body: dict[str, object]) -> None:
            self._send(status, "application/json", json.dumps(body, ensure_ascii=False).encode() + b"\n")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Say nothing: a probe every few seconds is no event."""

    return Handler
