"""Whether a broker answers, asked again and again beside a service's work: kafka-python says nothing while none does.

The question is Kafka's own first one (ApiVersions, KIP-35), which needs no login. A connection alone would not tell: a broker that hangs
still has its connections taken by its machine.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Final

from tocsin.settings import Settings

EVERY: Final = 5.0
"""Seconds between two questions."""
_PATIENCE: Final = 3.0  # seconds for one address to take the connection, and for each part of its answer
_PORT: Final = "9092"  # of an address that names none, as the clients take it
_HEADER: Final = struct.pack(">hhih", 18, 0, 1, -1)  # ApiVersions, version 0, correlation id 1, no client id
_QUESTION: Final = struct.pack(">i", len(_HEADER)) + _HEADER


def trouble(settings: Settings) -> str:
    """Return why no broker answers, in one line; "" if one of the setting's addresses does."""
    refused: list[str] = []
    for address in (each.strip() for each in settings.kafka.split(",")):
        if not address:
            continue
        try:
            _ask(address, settings)
        except (OSError, ValueError, OverflowError) as error:
            refused.append(f"{address}: {error}")
        else:
            return ""
    return f"no broker answers at {settings.kafka}: is it started? ({'; '.join(refused) or 'no address is set'})"


def _ask(address: str, settings: Settings) -> None:
    """Ask one broker. Raises OSError (certificates too) when it does not answer, ValueError when it is no address."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", _PORT)
    host = host.strip("[]")
    with contextlib.ExitStack() as open_until_asked:
        to = open_until_asked.enter_context(socket.create_connection((host, int(port)), timeout=_PATIENCE))
        if settings.kafka_security.endswith("SSL"):
            context = ssl.create_default_context(cafile=settings.kafka_ca or None)
            to = open_until_asked.enter_context(context.wrap_socket(to, server_hostname=host))
        to.sendall(_QUESTION)
        if not to.recv(4):
            raise ConnectionError("it hangs up")


@contextlib.contextmanager
def watched(settings: Settings, tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` in a thread every `EVERY` seconds with what `trouble` returns, the first time at once, until the block ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            found = trouble(settings)
            if not over.is_set():
                tell(found)
            over.wait(EVERY)

    thread = threading.Thread(target=watch, name="broker-watch", daemon=True)  # a broker that hangs does not hold up the end
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=0.5)
