"""Sockets that stand for a broker which is up."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Answers(socketserver.BaseRequestHandler):
    """Answers the first question of a client as a broker does, and checks that it is that question."""

    def handle(self) -> None:
        asked = self.request.recv(100)
        assert len(asked) == 4 + int.from_bytes(asked[:4])
        assert asked[4:8] == b"\x00\x12\x00\x00"  # ApiVersions, version 0
        self.request.sendall(b"\x00\x00\x00\x06" + asked[8:12] + b"\x00\x23")


@contextmanager
def listening(does: type[socketserver.BaseRequestHandler], port: int = 0) -> Iterator[int]:
    """A port of loopback where something listens until the block ends."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    with Server(("127.0.0.1", port), does) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
