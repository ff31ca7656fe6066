"""The webhook: the notice as JSON, signed. No redirect is followed, no private address reached unless the channel says so.

The body is the same at every try, and the Idempotency-Key is the notification's: a receiver that keeps the keys it has seen has each once.
"""

import asyncio
import errno
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from sinks.notify.channels import Channel
from sinks.notify.notice import Notice, render
from sinks.notify.outcome import Outcome, of_status
from sinks.notify.signature import KEY, sign
from sinks.notify.text import one_line
from tocsin import __version__, wire
from tocsin.addresses import is_public
from tocsin.errors import UsageError

_PRIVATE = "is not a public address: set allow_private: true for this channel if it is yours"


class Webhook:
    """Sends to one address."""

    def __init__(self, channel: Channel) -> None:
        """Raises UsageError when its certificate authority cannot be read."""
        assert channel.secret is not None  # noqa: S101 - read_channels sees to it
        self._channel, self._secret = channel, channel.secret
        parts = urlsplit(channel.address.value)
        self._where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        try:
            self._tls = ssl.create_default_context(cafile=channel.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"channel {channel.name}: ca: cannot read {channel.ca}: {error.strerror or error}") from error

    def send(self, notice: Notice, key: str) -> Outcome:
        """One try. Takes `timeout` seconds at most. Never raises for what the other side does."""
        return asyncio.run(self._send(body_of(notice, key, self._channel.name), key))

    async def _send(self, body: bytes, key: str) -> Outcome:
        now = time.time()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Tocsin/{__version__}",
            KEY: key,
            **sign(self._secret.value, body, int(now)),
        }
        connector = aiohttp.TCPConnector(ssl=self._tls, force_close=True, socket_factory=self._socket)
        timeout = aiohttp.ClientTimeout(total=self._channel.timeout)
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
                asked = session.post(self._channel.address.value, data=body, headers=headers, allow_redirects=False)
                async with asked as answer:
                    return of_status(answer.status, {"Retry-After": answer.headers.get("Retry-After", "")}, now)
        except TimeoutError:
            return Outcome("failed", f"{self._where} did not answer within {self._channel.timeout:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome("failed", f"{self._where}: {self._told(error)}")

    def _told(self, error: BaseException) -> str:
        if _PRIVATE in str(error):
            return f"it {_PRIVATE}"
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return f"its certificate is not trusted ({self._clean(error.certificate_error)})"
        return f"{type(error).__name__}: {self._clean(error)}"

    def _clean(self, error: BaseException) -> str:
        return self._channel.address.hidden_in(self._secret.hidden_in(one_line(str(error), 300)))

    def _socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """What aiohttp asks for each socket: it is told the very address, so no name or DNS answer leads elsewhere."""
        family, kind, protocol, _, address = info
        if not self._channel.allow_private and not is_public(str(address[0])):
            raise OSError(errno.EACCES, _PRIVATE)
        return socket.socket(family=family, type=kind, proto=protocol)


def body_of(notice: Notice, key: str, channel: str) -> bytes:
    """What a webhook gets: the text as people read it, and the records as they are."""
    message = render(notice, "text")
    return msgspec.json.encode(
        {
            "kind": notice.kind,
            "key": key,
            "channel": channel,
            "title": message.title,
            "text": message.body,
            "archive": notice.archive or None,
            "severity_before": notice.before or None,
            "alert": wire.plain(notice.alert) if notice.alert else None,
            "claim": wire.plain(notice.claim) if notice.claim else None,
        }
    )
