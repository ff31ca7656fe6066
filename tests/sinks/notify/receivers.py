"""Real receivers on 127.0.0.1: a web server and a mail server that do what a test tells them, and keep what they got."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import msgspec
from aiosmtpd.controller import Controller

from sinks.notify.signature import KEY


class Got(NamedTuple):
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        return self.headers.get(KEY, "")

    @property
    def json(self) -> dict[str, Any]:
        """Its body."""
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


Answer = tuple[int, dict[str, str]] | str
"""Status and headers; "reset": the connection is cut once the body was taken; "slow": no answer for a long time."""


class Receiver:
    """A web server. `answers`: what to say to the next requests, one each; then `always`."""

    def __init__(self, port: int = 0) -> None:
        self.got: list[Got] = []
        self.answers: list[Answer] = []
        self.always: Answer = (200, {})
        self.by_key: dict[str, int] = {}  # keys that are always answered with this status
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                got = Got(self.path, dict(self.headers.items()), body, time.monotonic())
                with receiver._lock:
                    receiver.got.append(got)
                    answer = receiver.answers.pop(0) if receiver.answers else receiver.always
                    answer = (receiver.by_key[got.key], {}) if got.key in receiver.by_key else answer
                if answer == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    return
                if answer == "slow":
                    time.sleep(3)
                    answer = (200, {})
                assert isinstance(answer, tuple)
                status, headers = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def keys(self) -> list[str]:
        with self._lock:
            return [got.key for got in self.got]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    made = Receiver(port)
    try:
        yield made
    finally:
        made.stop()


class Mails:
    """A mail server's handler: keeps what it takes, refuses what it is told to."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.refusals: list[str] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            return self.refusals.pop(0)
        self.got.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[tuple[Mails, int]]:
    """Yields what it has taken, and its port."""
    mails = Mails()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(mails, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mails, port
    finally:
        controller.stop()


def wait_until(what: Callable[[], Any], seconds: float = 20.0, why: str = "") -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, why or "not so in time"
        time.sleep(0.02)
