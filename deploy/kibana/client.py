"""Speaking to Kibana: wait until it is up, import, set what Discover opens with; every refusal one line that says what to do.

An import answers 200 also when half of it failed: `success` and `errors` are what counts.
"""

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from deploy.kibana.objects import Json, lines
from tocsin.errors import UsageError
from tocsin.settings import Settings

OLDEST = (8, 12)
"""Older Kibanas do not know some of the shapes."""
_PATIENCE = 60.0  # seconds for one request: an import of a few hundred kilobytes takes one or two
_PAUSE = 2.0  # seconds between two questions whether it is up
_BOUNDARY = "tocsin-saved-objects"
_SHOWN = 5  # errors of an import that are told one by one


class KibanaError(UsageError):
    """Kibana is not there, not ready, refuses us, or could not take everything."""


class Answer(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: Json
    text: str


class Imported(NamedTuple):
    """What an import did."""

    objects: int
    ids: dict[tuple[str, str], str]  # (type, id as sent) -> id as it is there: in another space Kibana may give new ones
    warnings: tuple[str, ...] = ()


class Kibana:
    """One space of one Kibana. Raises KibanaError for whatever goes wrong."""

    def __init__(self, settings: Settings, space: str = "") -> None:
        self._settings = settings
        self.address = settings.kibana.rstrip("/")
        try:
            parts = urlsplit(self.address)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or True)
        except ValueError:
            whole = False
        if not whole:
            raise UsageError(f"setting kibana: {settings.kibana!r} is not an address: write http://host:5601 or https://host:5601")
        if "@" in parts.netloc:
            raise UsageError("setting kibana: no user or password in the address: set kibana_user and kibana_password")
        if space and not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in space):
            raise UsageError(f"--space {space!r}: the id of a space is of letters, digits, _ and - (the last part of its address)")
        self._host, self._port, self._tls = parts.hostname or "", parts.port, self._trust(parts.scheme)
        self._path = parts.path
        self._space = f"/s/{quote(space)}" if space and space != "default" else ""
        self._headers = {"kbn-xsrf": "true", "Accept": "application/json"}
        if settings.kibana_user:
            whom = f"{settings.kibana_user}:{settings.kibana_password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(whom).decode('ascii')}"

    def _trust(self, scheme: str) -> ssl.SSLContext | None:
        if scheme == "http":
            return None
        try:
            return ssl.create_default_context(cafile=self._settings.kibana_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"setting kibana_ca: cannot read certificates from {self._settings.kibana_ca}: {error}") from error

    # --- what is asked ---

    def wait(
        self, seconds: float, *, told: Callable[[str], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep
    ) -> tuple[int, int]:
        """Wait until Kibana is up, at most so long; return its version. `told`: once, what is waited for."""
        until = time.monotonic() + seconds
        said = False
        while True:
            try:
                answer = self._ask("GET", "/api/status", space=False)
                reason = self._not_ready(answer)
            except _NotThereError as error:
                answer, reason = None, str(error)
            if answer is not None and not reason:
                return self._version(answer)
            if time.monotonic() >= until:
                raise KibanaError(f"{reason} (waited {seconds:.0f} s): is it started, and is the setting kibana right?")
            if not said:
                told(f"waiting for Kibana at {self.address}: {reason}")
                said = True
            sleep(min(_PAUSE, max(0.0, until - time.monotonic())))

    def load(self, objects: list[Json]) -> Imported:
        """Import objects over those that are there."""
        body = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="tocsin.ndjson"\r\n'
            f"Content-Type: application/ndjson\r\n\r\n{lines(objects)}\r\n--{_BOUNDARY}--\r\n"
        )
        path = "/api/saved_objects/_import?overwrite=true"
        answer = self._ask("POST", path, body.encode(), f"multipart/form-data; boundary={_BOUNDARY}")
        if answer.status != 200:
            raise self._refused(answer, "import saved objects")
        found = answer.body
        errors = found.get("errors") or []
        if found.get("success") is not True or errors:
            raise KibanaError(_told(found, errors, len(objects)))
        if found.get("successCount") != len(objects):
            raise KibanaError(f"Kibana imported {found.get('successCount')} of {len(objects)} objects and gave no error: run it again")
        ids = {(one["type"], one["id"]): one.get("destinationId") or one["id"] for one in found.get("successResults", ()) if "type" in one}
        return Imported(len(objects), ids, tuple(str(one.get("message", one)) for one in found.get("warnings", ())))

    def make_default(self, view: str, *, force: bool = False) -> str:
        """Let Discover open with a data view where none is chosen yet (`force`: whatever is chosen); return the id that it is then."""
        answer = self._ask_json("POST", "/api/data_views/default", {"data_view_id": view, "force": force})
        if answer.status != 200 or answer.body.get("acknowledged") is not True:
            raise self._refused(answer, "set the default data view")
        found = self._ask("GET", "/api/data_views/default")
        if found.status != 200:
            raise self._refused(found, "read the default data view")
        return str(found.body.get("data_view_id") or "")

    def put(self, what: str, path: str, body: Json, fixed: tuple[str, ...]) -> bool:
        """Make what a path names, or change it; True when it was made. `fixed`: fields that Kibana takes only when it makes it."""
        there = self._ask("GET", path)
        if there.status not in (200, 404):
            raise self._refused(there, f"read {what}")
        if there.status == 404:
            answer = self._ask_json("POST", path, body)
        else:
            answer = self._ask_json("PUT", path, {name: value for name, value in body.items() if name not in fixed})
        if answer.status != 200:
            raise self._refused(answer, f"write {what}")
        return there.status == 404

    # --- how it is asked ---

    def _ask_json(self, method: str, path: str, body: Json) -> Answer:
        return self._ask(method, path, json.dumps(body).encode(), "application/json")

    def _ask(self, method: str, path: str, body: bytes | None = None, content: str = "", *, space: bool = True) -> Answer:
        try:
            connection: http.client.HTTPConnection = (
                http.client.HTTPSConnection(self._host, self._port, timeout=_PATIENCE, context=self._tls)
                if self._tls
                else http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)
            )
            try:
                headers = self._headers | ({"Content-Type": content} if content else {})
                connection.request(method, f"{self._path}{self._space if space else ''}{path}", body, headers)
                answer = connection.getresponse()
                text = answer.read().decode("utf-8", "replace")
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as error:
            named = self._settings.kibana_ca or "the system's"
            advice = f"set kibana_ca to the authority that signed it (now: {named}), and use a name that it lists"
            raise KibanaError(f"the certificate of Kibana at {self.address} is not trusted ({error.verify_message}): {advice}") from error
        except ssl.SSLError as error:
            raise KibanaError(f"no TLS with Kibana at {self.address} ({error.reason}): does it speak http://?") from error
        except (OSError, http.client.HTTPException) as error:
            raise _NotThereError(f"no Kibana answers at {self.address} ({error or type(error).__name__})") from error
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        return Answer(answer.status, found if isinstance(found, dict) else {}, " ".join(text.split())[:300])

    def _not_ready(self, answer: Answer) -> str:
        """Why it is to be asked again; "" when it is up. Raises KibanaError when waiting would not help."""
        if answer.status in (401, 403):
            raise self._refused(answer, "tell its status")
        if answer.status in (502, 503, 504):
            return f"Kibana at {self.address} is not ready ({answer.status})"
        if answer.status != 200 or "status" not in answer.body:
            raise KibanaError(f"what answers at {self.address} is not Kibana ({answer.status}): check the setting kibana and its path")
        level = answer.body["status"].get("overall", {}).get("level")
        return "" if level in ("available", "degraded") else f"Kibana at {self.address} is {level or 'not ready'}"

    def _version(self, answer: Answer) -> tuple[int, int]:
        written = str((answer.body.get("version") or {}).get("number") or "")
        if not written:
            user = f"user {self._settings.kibana_user!r}" if self._settings.kibana_user else "nobody"
            advice = "set or check kibana_user and kibana_password (or TOCSIN_KIBANA_PASSWORD_FILE)"
            raise KibanaError(f"Kibana at {self.address} does not know {user} with this password (it tells no version): {advice}")
        try:
            major, minor = (int(part) for part in written.split(".")[:2])
        except ValueError:
            raise KibanaError(f"Kibana at {self.address} calls its version {written!r}: 8.12 or later is needed") from None
        if (major, minor) < OLDEST:
            raise KibanaError(f"Kibana at {self.address} is {written}, too old: 8.12 or later is needed")
        return major, minor

    def _refused(self, answer: Answer, what: str) -> KibanaError:
        user = self._settings.kibana_user or "nobody"
        said = " ".join(str(answer.body.get("message") or answer.text).split())[:300]
        if answer.status == 401:
            advice = "check kibana_user and kibana_password (or TOCSIN_KIBANA_PASSWORD_FILE)"
            return KibanaError(f"Kibana at {self.address} does not know user {user!r} with this password (401): {advice}")
        if answer.status == 403:
            return KibanaError(f"Kibana forbids user {user!r} to {what} (403): {said}; docs/kibana.md lists what the user needs")
        if answer.status == 404 and self._space:
            return KibanaError(f"Kibana cannot {what} (404): {said}; is there a space {self._space[3:]!r}?")
        return KibanaError(f"Kibana could not {what}: it answered {answer.status}: {said}")


class _NotThereError(KibanaError):
    """Nothing answers: it may later."""


def _told(found: Json, errors: list[Any], sent: int) -> str:
    """The errors of an import in one line."""
    told = [_error(one) for one in errors[:_SHOWN] if isinstance(one, dict)]
    if len(errors) > _SHOWN:
        told.append(f"and {len(errors) - _SHOWN} more")
    return f"Kibana imported {found.get('successCount', 0)} of {sent} objects: {'; '.join(told) or 'it says success: false and no error'}"


def _error(one: Json) -> str:
    error = one.get("error") or {}
    kind = str(error.get("type", "unknown"))
    if kind == "missing_references":
        detail = "points to " + ", ".join(f"{found.get('type')}/{found.get('id')}" for found in error.get("references", ())) + ", not there"
    else:
        detail = _KINDS.get(kind) or str(error.get("message") or error.get("reason") or kind)
    return f"{one.get('type')}/{one.get('id')} {detail}"


_KINDS = {
    "conflict": "is there already and was not overwritten",
    "ambiguous_conflict": "is there several times: delete the copies that carry our tag",
    "unsupported_type": "is of a type that this Kibana does not know",
}
"""Words for the kinds of errors that Kibana gives without any."""
