"""channels.yaml: where alerts go. Secrets come from files or the environment only, and are shown nowhere.

channels:
  desk:
    apprise: {file: /run/secrets/desk}      # any address that Apprise takes, one receiver
    minimum: warning                        # info (default), notice, warning, critical
    rules: [first-*, toll-revised]          # default: all
  soc:
    webhook: https://soc.example.org/hooks/tocsin
    secret: {env: TOCSIN_SOC_SECRET}
archive: https://archive.example.org/{url}  # how an archived page is found; goes in front of the original

docs/notifications.md explains every field.
"""

import os
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Meta

from sinks.notify.notice import rules_of
from tocsin.alerting import SEVERITIES, Alert
from tocsin.errors import DataError
from tocsin.yaml_file import Document, convert, explained, read_yaml

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FIELDS = ("url", "article_id", "version_id", "alert_id", "source_id")
_WEAK = 16  # bytes: a shorter secret can be guessed from one signed message
_PARTS = re.compile(r"[/:@?&=#,;+\s]+")
_TELLING = 5  # characters of a part of a secret that must not be shown


class Secret:
    """A value that no log, error or repr shows."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "(secret)"

    def hidden_in(self, text: str) -> str:
        """`text` without this value or any telling part of it."""
        pieces = {self.value, *_PARTS.split(self.value), *_PARTS.split(unquote(self.value))}
        for piece in sorted((piece for piece in pieces if len(piece) >= _TELLING), key=len, reverse=True):
            text = text.replace(piece, "(secret)")
        return text


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is."""

    file: str = ""
    env: str = ""


class _Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One channel as it is written."""

    apprise: _Place | str | None = None
    webhook: _Place | str | None = None
    secret: _Place | str | None = None
    minimum: Literal["info", "notice", "warning", "critical"] = "info"
    rules: tuple[str, ...] = ()
    allow_private: bool = False
    timeout: Annotated[float, Meta(gt=0, le=300)] = 15.0
    ca: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    channels: dict[str, Any]  # each a _Spec, read by itself: its name belongs into every complaint
    archive: str = ""


class Channel(NamedTuple):
    """One place to send alerts to."""

    name: str
    kind: Literal["apprise", "webhook"]
    address: Secret
    secret: Secret | None = None  # signs what a webhook gets
    minimum: str = "info"
    rules: tuple[str, ...] = ()  # patterns; none: every rule
    allow_private: bool = False  # may connect to addresses that are not public, and without encryption
    timeout: float = 15.0  # seconds for one whole try
    ca: str = ""  # file with a certificate authority; "": the system's

    def takes(self, alert: Alert) -> bool:
        """Whether an alert is for this channel."""
        if SEVERITIES.index(alert.severity) < SEVERITIES.index(self.minimum):
            return False
        return not self.rules or any(fnmatchcase(rule, pattern) for rule in rules_of(alert) for pattern in self.rules)


class Channels(NamedTuple):
    """The whole file."""

    all: tuple[Channel, ...]
    archive: str = ""

    def named(self, name: str) -> Channel | None:
        """The channel of this name."""
        return next((channel for channel in self.all if channel.name == name), None)

    def archive_link(self, alert: Alert) -> str:
        """Where the archived page of an alert is: the address that it gives, else by the file's pattern, else the place of its bytes."""
        given = alert.archived or ""
        if not self.archive or given.startswith(("http://", "https://")):
            return given
        link = self.archive
        for field in _FIELDS:
            value = str(getattr(alert, field))
            link = link.replace(f"{{{field}}}", quote(value, safe=":/") if field == "url" else quote(value, safe=""))
        return link


def read_channels(path: Path, environment: Mapping[str, str] | None = None) -> Channels:
    """Read the file and the secrets it names. Raises DataError with file and line."""
    environment = os.environ if environment is None else environment
    document = read_yaml(path)
    content = convert(document, _File)
    if not content.channels:
        raise document.error("channels: none is named", ["channels"])
    unknown = set(re.findall(r"\{(\w*)\}", content.archive)) - set(_FIELDS)
    if unknown:
        raise document.error(f"archive: {{{min(unknown)}}} is not known; there are {', '.join(_FIELDS)}", ["archive"])
    made = tuple(_channel(document, name, _spec(document, name, given), environment) for name, given in content.channels.items())
    return Channels(made, content.archive)


def _spec(document: Document, name: str, given: Any) -> _Spec:
    try:
        return msgspec.convert(given, _Spec)
    except msgspec.ValidationError as error:
        problem, steps = explained(error)
        raise document.error(f"channel {name}: {problem}", ["channels", name, *steps]) from error


def _channel(document: Document, name: str, spec: _Spec, environment: Mapping[str, str]) -> Channel:
    def wrong(problem: str, field: str = "") -> DataError:
        return document.error(f"channel {name}: {problem}", ["channels", name, *([field] if field else [])])

    def secret(given: _Place | str | None, field: str) -> Secret:
        if not isinstance(given, _Place) or bool(given.file) == bool(given.env):
            raise wrong(f"{field}: a secret is not written here; name a {{file: PATH}} or a variable {{env: NAME}} that holds it", field)
        if given.env:
            if not environment.get(given.env, "").strip():
                raise wrong(f"{field}: the variable {given.env} is not set", field)
            return Secret(environment[given.env].strip())
        try:
            value = (document.path.parent / given.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise wrong(f"{field}: cannot read {given.file}: {getattr(error, 'strerror', None) or 'not UTF-8'}", field) from error
        if not value:
            raise wrong(f"{field}: {given.file} is empty", field)
        return Secret(value)

    if not _NAME.fullmatch(name):
        raise wrong("a name has small letters, digits, dots and dashes")
    if (spec.apprise is None) == (spec.webhook is None):
        raise wrong("give it either apprise or webhook")
    shared = {"minimum": spec.minimum, "rules": spec.rules, "allow_private": spec.allow_private, "timeout": spec.timeout}
    if spec.apprise is not None:
        if spec.secret is not None or spec.ca:
            raise wrong("secret and ca belong to a webhook; Apprise has its own")
        address = secret(spec.apprise, "apprise")
        if len(address.value.split()) != 1:
            raise wrong("apprise: one address, on one line; give each receiver a channel of its own")
        return Channel(name, "apprise", address, **shared)  # type: ignore[arg-type]
    if spec.secret is None:
        raise wrong("secret: missing; what a webhook gets is signed with it")
    address = Secret(spec.webhook) if isinstance(spec.webhook, str) else secret(spec.webhook, "webhook")
    _check_webhook(address.value, spec, wrong)
    signing = secret(spec.secret, "secret")
    if len(signing.value.encode()) < _WEAK:
        raise wrong(f"secret: at least {_WEAK} bytes, such as `openssl rand -hex 32` gives", "secret")
    return Channel(name, "webhook", address, signing, ca=spec.ca, **shared)  # type: ignore[arg-type]


def _check_webhook(address: str, spec: _Spec, wrong: Callable[[str, str], DataError]) -> None:
    try:
        parts = urlsplit(address)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise wrong("webhook: not an http(s) address", "webhook")
    if parts.username is not None:
        raise wrong("webhook: no user or password in the address; the receiver knows us by the signature", "webhook")
    if parts.scheme == "http" and not spec.allow_private:
        raise wrong("webhook: https, please; without encryption only inside a network of your own, with allow_private: true", "webhook")
