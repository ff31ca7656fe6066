"""What a server's answer is: its kind, its delay, the name of its failure. Pure; `producers.fetch` does the asking."""

import asyncio
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy

from producers import guard

REASONS: dict[str, str] = {
    "address": "the host's address is not public",
    "bad-redirect": "a redirect without an address that can be asked",
    "bad-response": "not an answer HTTP allows, or headers beyond every measure",
    "bad-url": "not a web address",
    "body-unreadable": "compression that cannot be undone",
    "connect": "no connection",
    "connection-lost": "the connection broke",
    "dns": "the host name is not known",
    "empty": "an answer without a body",
    "gone": "404, 410",
    "http-4xx": "the server refuses (401, 403, 451, ...)",
    "http-5xx": "the server fails",
    "http-other": "a status that gives no page (1xx, 204, 206, ...)",
    "not-feed": "asked for a feed, got something else",
    "not-html": "asked for a page, got something else",
    "robots": "robots.txt forbids it",
    "robots-unknown": "robots.txt could not be read: forbidden for now",
    "slow-down": "429, or 503 with Retry-After",
    "timeout": "too slow",
    "tls": "no trustworthy TLS connection",
    "too-large": "more than the cap after decompression",
    "truncated": "the body ended early",
}
_HTML_TYPES = frozenset(("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"))
_VAGUE_TYPES = frozenset(("", "application/octet-stream", "text/plain", "application/xml", "text/xml", "unknown/unknown"))
_HTML_MARKS = (b"<!doctype html", b"<html", b"<head", b"<body")
_BINARY_TYPES = ("image/", "audio/", "video/", "font/", "application/pdf", "application/zip")


def is_binary(content_type: str | None) -> bool:
    """Whether the server names a type that is never text."""
    return (content_type or "").lower().startswith(_BINARY_TYPES)


def is_html(content_type: str | None, body: bytes) -> bool:
    """Is this a web page? The server's word is taken when it is clear, the first kilobytes decide when it is vague or missing."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in _HTML_TYPES and kind not in _VAGUE_TYPES:
        return False
    head = body[:4096].replace(b"\0", b"").lower()
    if kind in _HTML_TYPES:
        return b"<" in head and not head.lstrip().startswith((b"%pdf", b"\x89png", b"gif8", b"\xff\xd8\xff"))
    return any(mark in head for mark in _HTML_MARKS)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds a Retry-After header asks to wait (a number or an HTTP date; RFC 9110 section 10.2.3), at most a day. None: unreadable."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), 86400.0)
    try:
        moment: datetime = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment.timestamp() - now, 0.0), 86400.0)


def reason_of(error: BaseException) -> str:
    """Name an error of the web client by one of REASONS."""
    if guard.BLOCKED in str(error):
        return "address"
    table: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
        ((aiohttp.InvalidURL,), "bad-url"),
        ((TimeoutError,), "timeout"),
        ((aiohttp.ClientConnectorDNSError,), "dns"),
        ((aiohttp.ClientSSLError, ssl.SSLError, ssl.CertificateError), "tls"),
        ((aiohttp.ClientConnectorError,), "connect"),
        ((aiohttp.ClientPayloadError,), "truncated"),
        ((aiohttp.ClientResponseError, HttpProcessingError), "bad-response"),
        ((aiohttp.ClientError, OSError, asyncio.IncompleteReadError), "connection-lost"),
    )
    return next((name for kinds, name in table if isinstance(error, kinds)), "bad-response")


def header_of(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """Return a header as text that any record can hold; None when it is missing, or holds bytes that are not UTF-8.

    Such a value could not be sent back as it came, which is all that an ETag is for.
    """
    value = headers.get(name)
    return value if value is None or value.isprintable() else None


def line_of(error: BaseException) -> str:
    """Return an error as one line that any record can hold."""
    line = ": ".join(filter(None, (type(error).__name__, " ".join(str(error).split()))))
    return line.encode("utf-8", "replace").decode("utf-8")[:300]
