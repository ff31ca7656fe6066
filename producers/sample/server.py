"""A small web server for the sample site: two hosts on loopback, conditional requests, redirects, refusals."""

import errno
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from producers.sample.site import OTHER, Answer, answers, http_date, sources
from tocsin.errors import UsageError

__all__ = ["Site", "serve", "sources"]


class Site:
    """The running site. Set `edition` (1 or 2) at any time: the next request sees that edition's pages and feeds."""

    def __init__(self, base_url: str, other_url: str) -> None:
        self.base_url = base_url  # scheme, host and port, without a trailing slash
        self.other_url = other_url  # the second host: one redirect leads there
        self.requests: Counter[str] = Counter()  # path -> requests so far; a path of the second host starts with "other:"
        self._lock = threading.Lock()
        self._editions = {edition: answers(base_url, other_url, edition) for edition in (1, 2)}
        self._edition = 1

    @property
    def edition(self) -> int:
        """1: as first published; 2: after the edits and corrections."""
        return self._edition

    @edition.setter
    def edition(self, edition: int) -> None:
        if edition not in self._editions:
            raise UsageError(f"the sample site has editions 1 and 2, not {edition}")
        self._edition = edition

    def sources(self) -> str:
        """The outlets of this running site as a sources file (YAML text)."""
        return sources(self.base_url)

    def answer(self, path: str) -> Answer:
        """The answer to one request for `path`; counts it."""
        with self._lock:
            self.requests[path] += 1
            found = self._editions[self._edition].get(path)
            if found is None:
                return Answer(404, b"<html><title>404</title><body><h1>Not found</h1></body></html>")
            if self.requests[path] <= found.busy:
                return Answer(429, b"<html><title>429</title><body><h1>Too many requests</h1></body></html>")
            return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site
    prefix = ""  # of every path of this host, as `answers` names it


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def _reply(self, *, with_body: bool) -> None:
        answer = self.server.site.answer(self.server.prefix + unquote(urlsplit(self.path).path))
        if answer.status == 200 and self._still_fresh(answer):
            self.send_response(304)
            self._validators(answer)
            self.end_headers()
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        if answer.status == 429:
            self.send_header("Retry-After", "1")
        if answer.status == 200:
            self._validators(answer)
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def _validators(self, answer: Answer) -> None:
        self.send_header("ETag", answer.etag)
        if answer.modified:
            self.send_header("Last-Modified", http_date(answer.modified))

    def _still_fresh(self, answer: Answer) -> bool:
        """RFC 9110 13.1: If-None-Match decides where it is sent; If-Modified-Since only without it."""
        if (tags := self.headers.get("If-None-Match")) is not None:
            return answer.etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")] or tags.strip() == "*"
        since = self.headers.get("If-Modified-Since")
        if since is None or answer.modified is None:
            return False
        try:
            moment = parsedate_to_datetime(since)
        except ValueError:
            return False
        return answer.modified.replace(microsecond=0) <= _aware(moment)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Silent: the caller reports."""


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def serve(port: int = 0, host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve the sample site until the block ends.

    `port` 0 takes any two free ports; another number takes that port and, for the second host, the next one.
    Raises `UsageError` when a port is taken.
    """
    with ExitStack() as stack:
        main = stack.enter_context(_bound(host, port))
        other = stack.enter_context(_bound(host, port + 1 if port else 0))
        other.prefix = OTHER
        site = Site(f"http://{host}:{main.server_port}", f"http://{host}:{other.server_port}")
        for server in (main, other):
            server.site = site
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        yield site


def _bound(host: str, port: int) -> _Server:
    try:
        return _Server((host, port), _Handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} of {host} is taken: choose another one with --port, or stop what listens there") from error
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}): choose another address or port") from error
    except OverflowError as error:
        raise UsageError(f"port {port} is out of range: choose one between 1024 and 65534") from error
