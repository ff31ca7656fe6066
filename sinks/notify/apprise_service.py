"""Mail, chats, telephones and a hundred other services, through Apprise (https://github.com/caronc/apprise).

Apprise opens its own sockets and says only yes or no, so three things are added here, for the thread that sends and no other:
- no connection to a private address unless the channel allows it: an audit hook sees every address that is about to be connected
  (PEP 578), whatever name, redirect or library led there;
- the status and Retry-After of HTTP answers, taken from the one method of `requests` that all of them pass;
- what Apprise logs, as the reason of a failure, without secrets. Nothing of it reaches our own log.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sinks.notify.channels import Channel
from sinks.notify.notice import Notice, render
from sinks.notify.outcome import Outcome, of_status
from sinks.notify.text import Format, one_line
from tocsin.addresses import is_public
from tocsin.errors import UsageError

_SUPPRESS_EMBEDS = 4  # Discord: no preview of links
_TYPES = {"info": "info", "notice": "info", "warning": "warning", "critical": "failure"}
_PRIVATE = "connects to {} , which is not a public address: set allow_private: true for this channel if it is yours"


class _Try:
    """What one try has met so far."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.blocked = ""
        self.answers: list[tuple[int, str]] = []  # status, Retry-After
        self.said: list[str] = []


_here = threading.local()


def _under_way() -> _Try | None:
    found: _Try | None = getattr(_here, "under_way", None)
    return found


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or (here := _under_way()) is None or here.allow_private:
        return
    address = arguments[1]
    host = str(address[0]) if isinstance(address, tuple) else "a local socket"
    if not is_public(host):
        here.blocked = host
        raise OSError(f"{host} is not a public address")


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if (here := _under_way()) is not None:
            here.said.append(one_line(record.getMessage(), 300))


_ready = threading.Lock()
_done = False


def _prepare() -> Any:
    """Import Apprise, once, and put our watchers in place."""
    global _done  # noqa: PLW0603 - an audit hook is for the whole process, and can never be taken away
    try:
        import apprise
        import requests
    except ImportError as error:
        raise UsageError(f"channels of Apprise need it ({error.name} is missing): run `make notify`") from error
    with _ready:
        if not _done:
            sys.addaudithook(_watch)
            send = requests.Session.send

            def observed(session: Any, request: Any, **options: Any) -> Any:
                answer = send(session, request, **options)
                if (here := _under_way()) is not None:
                    here.answers.append((answer.status_code, answer.headers.get("Retry-After", "")))
                return answer

            requests.Session.send = observed  # type: ignore[method-assign,assignment]
            log = logging.getLogger("apprise")
            log.handlers, log.propagate = [_Said(logging.WARNING)], False
            log.setLevel(logging.WARNING)
            for name in ("urllib3", "requests"):
                logging.getLogger(name).setLevel(logging.ERROR)
            _done = True
    return apprise


@contextmanager
def _trying(*, allow_private: bool) -> Iterator[_Try]:
    _here.under_way = _Try(allow_private=allow_private)
    try:
        yield _here.under_way
    finally:
        _here.under_way = None


class AppriseService:
    """Sends to one receiver."""

    def __init__(self, channel: Channel) -> None:
        """Raises UsageError when Apprise does not know the address, or it asks for what is not done here."""
        self._channel = channel
        apprise = _prepare()
        self._apprise = apprise
        asset = apprise.AppriseAsset(
            app_id="Tocsin",
            app_desc="Tocsin",
            app_url="",
            image_url_mask="",
            image_url_logo="",
            async_mode=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            secure_logging=True,
            http_redirects=False,
            interpret_escapes=False,
            interpret_emojis=False,
        )

        def wrong(problem: str) -> UsageError:
            return UsageError(f"channel {channel.name}: {problem}")

        address = channel.address.value
        with _trying(allow_private=channel.allow_private) as met:
            try:
                plugin = apprise.Apprise.instantiate(address, asset=asset)
            except Exception as error:  # noqa: BLE001 - a hundred plugins, each with errors of its own
                met.said.append(one_line(f"{type(error).__name__}: {error}", 300))
                plugin = None
        if plugin is None:
            said = channel.address.hidden_in(met.said[-1])[:200] if met.said else "unknown"
            raise wrong(f"Apprise does not take this address ({said}); its documentation lists all services")
        if not plugin.verify_certificate:
            raise wrong("verify=no is not taken: certificates are verified; SSL_CERT_FILE names an authority of your own")
        if getattr(plugin, "redirects", False):
            raise wrong("redirect=yes is not taken: redirects are not followed; give the address they lead to")
        if len(plugin) > 1:
            raise wrong(f"this address has {len(plugin)} receivers; give each a channel of its own, so that each is told once")
        plain = _names(plugin.protocol)
        if not channel.allow_private and address.partition(":")[0].lower() in plain and not plugin.secure:
            raise wrong(
                "this service is spoken to without encryption; take its secure form, or set allow_private: true inside your network"
            )
        plugin.retry = 0
        if hasattr(plugin, "preview"):
            plugin.preview = False
        if address.lower().startswith("discord") and plugin.resolve_format() == apprise.NotifyFormat.TEXT:
            plugin.flags = (plugin.flags or 0) | _SUPPRESS_EMBEDS
        plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, channel.timeout)
        plugin.socket_read_timeout = channel.timeout
        self._plugin = plugin
        self._format: Format = {"html": "html", "markdown": "markdown"}.get(plugin.resolve_format().value, "text")  # type: ignore[assignment]

    def send(self, notice: Notice, key: str) -> Outcome:  # noqa: ARG002 - services of Apprise know no keys
        """One try. Never raises for what the other side does."""
        message = render(notice, self._format)
        titled = self._plugin.title_maxlen > 0
        title, body, form = (message.title if titled else ""), (message.body if titled else message.whole), self._format
        if len(body) + len(title) + 2 > (most := int(self._plugin.body_maxlen)):
            title, body, form = "", message.short(most), "text"
        severity = notice.alert.severity if notice.alert else "warning"
        with _trying(allow_private=self._channel.allow_private) as met:
            try:
                sent = self._plugin.notify(
                    body=body,
                    title=title,
                    notify_type=self._apprise.NotifyType(_TYPES[severity]),
                    body_format=self._apprise.NotifyFormat(form),
                )
            except Exception as error:  # noqa: BLE001 - a hundred plugins, each with errors of its own
                sent = False
                met.said.append(one_line(f"{type(error).__name__}: {error}", 300))
        return self._outcome(met, sent=bool(sent))

    def _outcome(self, met: _Try, *, sent: bool) -> Outcome:
        if sent:
            return Outcome("sent")
        if met.blocked:
            return Outcome("failed", _PRIVATE.format(met.blocked).replace(" ,", ","))
        if met.answers:
            status, after = met.answers[-1]
            if not 200 <= status < 300:
                return of_status(status, {"Retry-After": after}, time.time())
        said = self._channel.address.hidden_in(met.said[-1]) if met.said else "Apprise could not send, and does not say why"
        return Outcome("failed", said[:300])


def _names(protocol: Any) -> frozenset[str]:
    return frozenset({protocol} if isinstance(protocol, str) else protocol or ())
