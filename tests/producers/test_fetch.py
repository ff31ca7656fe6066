"""The web client against real servers on loopback, friendly and hostile."""

import asyncio
import gzip
import shutil
import ssl
import subprocess
import time
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path

import brotli
import pytest

from producers.answers import REASONS, is_html, retry_after
from producers.fetch import Fetch, crawl, open_fetcher
from producers.sources import Source
from tocsin.records import FeedItem, Request
from tocsin.settings import Settings
from tocsin.wire import encode

HTML = b"<!DOCTYPE html><html><body><p>News.</p></body></html>"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
POST = Source(id="post", name="The Post", owner="Post Group", lang="en", country="IQ", affiliated_with="q1")

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str, dict[str, str]], Awaitable[None]]


class World:
    """Raw servers on loopback and a fetcher that may reach them."""

    def __init__(self, **settings) -> None:
        self.given = {"host_delay": 0.0, "fetch_timeout": 30.0, **settings}
        self.robots = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        self.ports: list[int] = []
        self.stack = AsyncExitStack()

    async def serve(self, answer: bytes | Handler, tls: ssl.SSLContext | None = None) -> str:
        """Start a server that gives this answer to everything but robots.txt; returns its address, to be used by name only."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *rest = head.split("\r\n")
                path = first.split()[1]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
                self.asked.append((time.monotonic(), path, headers))
                if path == "/robots.txt":
                    writer.write(self.robots)
                elif isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(reader, writer, path, headers)
                await writer.drain()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        self.stack.push_async_callback(self._stop, server)
        port = server.sockets[0].getsockname()[1]
        self.ports.append(port)
        return f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    @staticmethod
    async def _stop(server: asyncio.Server) -> None:
        server.close()

    async def fetcher(self):
        allowed = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        settings = Settings(**{"allow_private": allowed, **self.given})
        return await self.stack.enter_async_context(open_fetcher(settings, [POST]))

    def pages(self) -> list[str]:
        return [path for _, path, _ in self.asked if path != "/robots.txt"]


def request(url: str, **more) -> Request:
    return Request(**{"url": url, "host": url.split("/")[2], "source_id": "post", "kind": "page", **more})


def body(data: bytes, head: bytes = OK, extra: bytes = b"") -> bytes:
    return head + extra + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(data) + data


def fetch_one(
    answer: bytes | Handler, path: str = "/1", robots: bytes | None = None, kind: str = "page", settings=None, **more
) -> tuple[Fetch, World]:
    """Serve one answer, ask for it once."""

    async def run() -> tuple[Fetch, World]:
        world = World(**(settings or {}))
        async with world.stack:
            base = await world.serve(answer)
            if robots is not None:
                world.robots = robots
            fetcher = await world.fetcher()
            return await fetcher.fetch(request(base + path, kind=kind, **more)), world

    return asyncio.run(run())


def test_a_page_comes_with_all_that_is_known_of_it():
    item = FeedItem(url="http://x.example/1", title="T")
    got, world = fetch_one(body(HTML, extra=b'ETag: "e"\r\nLast-Modified: Sat, 06 Jan 2018 10:00:00 GMT\r\n'), item=item, backfill=True)
    assert got.page is not None
    assert (got.page.body, got.page.status, got.page.content_type) == (HTML, 200, "text/html; charset=utf-8")
    assert (got.page.source_name, got.page.owner, got.page.source_lang, got.page.source_country, got.page.affiliated_with) == (
        "The Post", "Post Group", "en", "IQ", "q1",
    )  # fmt: skip
    assert (got.page.item, got.page.backfill) == (item, True)
    assert (got.fetched.outcome, got.fetched.etag, got.fetched.last_modified) == ("fetched", '"e"', "Sat, 06 Jan 2018 10:00:00 GMT")
    assert ("ETag", '"e"') in got.headers
    assert world.pages() == ["/1"]


def test_the_fetcher_says_who_it_is_and_brings_no_cookies_back():
    async def run() -> World:
        world = World(user_agent="Tocsin/9 (+mailto:desk@example.org)")
        async with world.stack:
            base = await world.serve(body(HTML, extra=b"Set-Cookie: id=1; Path=/\r\n"))
            fetcher = await world.fetcher()
            for n in range(2):
                await fetcher.fetch(request(f"{base}/{n}"))
        return world

    headers = [headers for _, path, headers in asyncio.run(run()).asked if path != "/robots.txt"]
    assert len(headers) == 2
    assert all(given["user-agent"] == "Tocsin/9 (+mailto:desk@example.org)" for given in headers)
    assert not any("cookie" in given or "authorization" in given for given in headers)


def test_what_is_known_is_asked_conditionally_and_304_has_no_page():
    got, world = fetch_one(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", etag='"e"', last_modified="yesterday")
    assert (got.fetched.outcome, got.page) == ("not-modified", None)
    headers = world.asked[-1][2]
    assert (headers["if-none-match"], headers["if-modified-since"]) == ('"e"', "yesterday")


def status(code: int, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n%s\r\n" % (code, extra)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (status(404), "gone", "gone"),
        (status(410), "gone", "gone"),
        (status(403), "refused", "http-4xx"),
        (status(451), "refused", "http-4xx"),
        (status(408), "failed", "http-5xx"),
        (status(500), "failed", "http-5xx"),
        (status(503), "failed", "http-5xx"),
        (status(503, b"Retry-After: 30\r\n"), "slow-down", "slow-down"),
        (status(429, b"Retry-After: 30\r\n"), "slow-down", "slow-down"),
        (status(429), "slow-down", "slow-down"),
        (status(204), "refused", "http-other"),
        (status(302), "refused", "bad-redirect"),
        (status(302, b"Location: ftp://x/\r\n"), "refused", "bad-redirect"),
        (status(302, b"Location: javascript:alert(1)\r\n"), "refused", "bad-redirect"),
        (body(b""), "refused", "empty"),
        (body(b" \n"), "refused", "empty"),
        (body(b"%PDF-1.7", b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n"), "refused", "not-html"),
        (body(b"%PDF-1.7 <html>"), "refused", "not-html"),
        (body(b'{"a": 1}', b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "refused", "not-html"),
        (body(b"just text", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"), "refused", "not-html"),
        (body(HTML, b"HTTP/1.1 200 OK\r\n"), "fetched", ""),
        (body(HTML, b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"), "fetched", ""),
        (body(HTML, b"HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n"), "fetched", ""),
        (body(HTML, b"HTTP/1.1 200 OK\r\nContent-Type: ;;;\r\n"), "fetched", ""),
        (OK + b"Content-Length: 9999\r\n\r\n" + HTML, "failed", "truncated"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<html\r\nzz\r\n", "failed", "bad-response"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n", "failed", "truncated"),
        (body(b"\x1f\x8bnot gzip", extra=b"Content-Encoding: gzip\r\n"), "failed", "body-unreadable"),
        (body(HTML, extra=b"Content-Encoding: rot13\r\n"), "failed", "body-unreadable"),
        (body(HTML, extra=b"Content-Encoding: gzip\r\n"), "fetched", ""),
        (b"I am no web server\r\n\r\n", "failed", "bad-response"),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000 + b"\r\n\r\n", "failed", "bad-response"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 5000 + b"\r\n", "failed", "bad-response"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \xff\xfe\r\nContent-Length: 6\r\n\r\n<html>", "fetched", ""),
        (status(302, b"Location: /\xff\r\n"), "redirected", ""),
        (body(b"x", b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe\r\n"), "refused", "not-html"),
        (b"", "failed", "connection-lost"),
    ],
)  # fmt: skip
def test_every_answer_has_an_outcome_and_a_reason(answer, outcome, reason):
    got, _ = fetch_one(answer)
    assert (got.fetched.outcome, got.fetched.reason) == (outcome, reason)
    assert reason in REASONS or not reason
    assert (got.page is not None) == (outcome == "fetched")
    assert "\n" not in got.fetched.detail
    assert encode(got.fetched)


def test_a_packed_page_that_ends_early_is_tried_again_before_it_is_read_as_far_as_it_goes():
    answer = body(gzip.compress(HTML)[:-6], extra=b"Content-Encoding: gzip\r\n")
    first, _ = fetch_one(answer)
    assert (first.fetched.outcome, first.fetched.reason) == ("failed", "truncated")
    third, _ = fetch_one(answer, attempt=2)
    assert third.page is not None
    assert third.page.body == HTML


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress(HTML, mtime=0)), ("deflate", zlib.compress(HTML)), ("br", brotli.compress(HTML))]
)
def test_compressed_pages_are_unpacked(encoding, packed):
    got, _ = fetch_one(body(packed, extra=b"Content-Encoding: %s\r\n" % encoding.encode()))
    assert got.page is not None
    assert got.page.body == HTML


def zstd(data: bytes) -> bytes:
    zstd = pytest.importorskip("backports.zstd")
    return zstd.compress(data)


def test_zstd_pages_are_unpacked():
    got, _ = fetch_one(body(zstd(HTML), extra=b"Content-Encoding: zstd\r\n"))
    assert got.page is not None
    assert got.page.body == HTML


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", lambda data: gzip.compress(data, 6)),
        ("br", lambda data: brotli.compress(data, quality=5)),
        ("zstd", zstd),
        ("deflate", zlib.compress),
    ],
)
def test_a_compression_bomb_stops_at_the_cap(encoding, pack):
    bomb = pack(b"<html>" + b"\0" * 200_000_000)
    tracemalloc.start()
    got, _ = fetch_one(
        body(bomb, extra=b"Content-Encoding: %s\r\n" % encoding.encode()), settings={"max_body": 1_000_000, "fetch_timeout": 20}
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (got.fetched.outcome, got.fetched.reason) == ("refused", "too-large")
    assert peak < 30_000_000


def test_an_endless_page_stops_at_the_cap():
    async def endless(_reader, writer, _path, _headers) -> None:
        writer.write(OK + b"\r\n<html>")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    got, _ = fetch_one(endless, settings={"max_body": 500_000})
    assert got.fetched.reason == "too-large"


def test_a_dripping_server_costs_no_more_than_the_timeout():
    async def drip(_reader, writer, _path, _headers) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"<")
            await writer.drain()
            await asyncio.sleep(0.05)

    start = time.monotonic()
    got, _ = fetch_one(drip, settings={"fetch_timeout": 0.6})
    assert got.fetched.reason == "timeout"
    assert time.monotonic() - start < 20  # it would drip for ever; no machine is so loaded that this tells nothing


def test_a_redirect_is_reported_and_not_followed():
    got, world = fetch_one(status(301, b"Location: ../other?a=1#x\r\n"), path="/a/b/c")
    assert (got.fetched.outcome, got.fetched.permanent, got.page) == ("redirected", True, None)
    assert got.fetched.redirect_to == f"http://127.0.0.1:{world.ports[0]}/a/other?a=1"
    assert world.pages() == ["/a/b/c"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001", "[::1]"])
def test_no_way_of_writing_it_reaches_a_private_address(host):
    async def run() -> tuple[Fetch, World]:
        world = World(allow_private="")
        async with world.stack:
            await world.serve(body(HTML))
            fetcher = await world.fetcher()
            return await fetcher.fetch(request(f"http://{host}:{world.ports[0]}/")), world

    got, world = asyncio.run(run())
    assert (got.fetched.outcome, got.fetched.reason) == ("refused", "address")
    assert world.asked == [], "nothing was sent"


def test_a_robots_txt_that_redirects_to_a_private_address_does_not_reach_it():
    async def run() -> tuple[Fetch, list[str]]:
        world, inner = World(), World()
        async with world.stack, inner.stack:
            target = await inner.serve(body(b"User-agent: *\nAllow: /"))
            base = await world.serve(body(HTML))
            world.robots = status(302, b"Location: %s/secret\r\n" % target.encode())
            fetcher = await world.fetcher()
            return await fetcher.fetch(request(f"{base}/1")), inner.pages()

    got, reached = asyncio.run(run())
    assert reached == []
    assert got.fetched.reason == "address"


@pytest.mark.parametrize(
    ("robots", "outcome", "reason"),
    [
        (body(b"User-agent: *\nDisallow: /", b"HTTP/1.1 200 OK\r\n"), "refused", "robots"),
        (body(b"User-agent: tocsin\nDisallow: /1", b"HTTP/1.1 200 OK\r\n"), "refused", "robots"),
        (body(b"User-agent: *\nDisallow: /2", b"HTTP/1.1 200 OK\r\n"), "fetched", ""),
        (status(500), "failed", "robots-unknown"),
        (status(403), "fetched", ""),
        (b"", "failed", "connection-lost"),
        (body(b"User-agent: *\nDisallow: /\n#" + b"x" * 5_000_000, b"HTTP/1.1 200 OK\r\n"), "refused", "robots"),
        (status(302, b"Location: /robots.txt\r\n"), "fetched", ""),
    ],
)
def test_robots_txt_is_obeyed(robots, outcome, reason):
    got, world = fetch_one(body(HTML), robots=robots)
    assert (got.fetched.outcome, got.fetched.reason) == (outcome, reason)
    assert world.pages() == (["/1"] if outcome == "fetched" else [])


def test_a_refused_page_leaves_what_its_feed_said():
    item = FeedItem(url="http://x.example/1", title="T", summary="The first paragraph.")
    got, _ = fetch_one(status(403), item=item)
    assert got.page is not None
    assert (got.page.status, got.page.body, got.page.item) == (403, b"", item)
    assert (got.fetched.outcome, got.fetched.reason) == ("fetched", "http-4xx")


FEED = b"<rss version='2.0'><channel><title>x</title><item><link>/a</link><title>A</title></item></channel></rss>"


def test_a_feed_gives_its_links_whatever_type_the_server_gives_it():
    for kind in (b"application/rss+xml", b"text/html", b"text/plain", b"application/octet-stream"):
        got, world = fetch_one(body(FEED, b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n" % kind), kind="feed")
        assert [item.url for item in got.fetched.links] == [f"http://127.0.0.1:{world.ports[0]}/a"]
        assert (got.fetched.listing, got.page) == ("feed", None)


@pytest.mark.parametrize("answer", [body(HTML), body(b"\x89PNG", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"), body(b"not a feed")])
def test_a_feed_that_is_none_is_a_failure_to_try_again(answer):
    got, _ = fetch_one(answer, kind="feed")
    assert (got.fetched.outcome, got.fetched.reason) == ("failed", "not-feed")
    assert got.fetched.detail


def test_a_feed_asked_for_as_a_page_says_what_it_is():
    got, _ = fetch_one(body(FEED, b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"))
    assert got.fetched.reason == "not-html"
    assert got.fetched.detail == "application/rss+xml: a feed; list its address in the sources file"


def self_signed(folder: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the test's certificate, is not installed")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_nobody_vouches_for_is_not_trusted(tmp_path):
    tls = self_signed(tmp_path)

    async def run() -> tuple[Fetch, Fetch]:
        world = World()
        async with world.stack:
            base = await world.serve(body(HTML), tls)
            untrusting = await (await world.fetcher()).fetch(request(f"{base}/1"))
            trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            settings = Settings(allow_private=f"127.0.0.1:{world.ports[0]}", host_delay=0)
            async with open_fetcher(settings, [POST], trust) as fetcher:
                return untrusting, await fetcher.fetch(request(f"{base}/1"))

    untrusting, trusting = asyncio.run(run())
    assert (untrusting.fetched.outcome, untrusting.fetched.reason) == ("failed", "tls")
    assert trusting.fetched.outcome == "fetched"


@pytest.mark.parametrize(
    ("url", "outcome", "reason"),
    [
        ("ftp://post.example/1", "refused", "bad-url"),
        ("http:///1", "refused", "bad-url"),
        ("http://no-such-host.invalid/", "failed", "dns"),
        ("http://127.0.0.1:1/", "failed", "connect"),
    ],
)
def test_an_address_that_cannot_be_asked_is_an_answer_too(url, outcome, reason):
    async def run() -> Fetch:
        async with open_fetcher(Settings(allow_private="127.0.0.1:1", host_delay=0)) as fetcher:
            return await fetcher.fetch(request(url))

    got = asyncio.run(run())
    assert (got.fetched.outcome, got.fetched.reason) == (outcome, reason)


def test_one_host_is_asked_one_at_a_time_with_a_pause_between():
    busy = [0, 0]
    begun = time.monotonic()

    async def slow(_reader, writer, _path, _headers) -> None:
        busy[0] += 1
        busy[1] = max(busy)
        await asyncio.sleep(0.02)
        busy[0] -= 1
        writer.write(body(HTML))

    async def run() -> World:
        world = World(host_delay=0.1)
        async with world.stack:
            base = await world.serve(slow)
            fetcher = await world.fetcher()
            assert len([got async for got in crawl([request(f"{base}/{n}") for n in range(5)], fetcher)]) == 5
        return world

    world = asyncio.run(run())
    starts = [moment for moment, path, _ in world.asked if path != "/robots.txt"]
    assert busy[1] == 1
    assert paused(begun, starts, 0.1)
    assert [path for _, path, _ in world.asked].count("/robots.txt") == 1


def paused(begun: float, starts: list[float], pause: float) -> bool:
    """Whether each of these moments came its share of pauses after the first could have. A loaded machine is late, never early."""
    return all(moment - begun >= number * pause - 0.005 for number, moment in enumerate(starts))


def test_a_hosts_own_crawl_delay_is_kept():
    begun = time.monotonic()

    async def run() -> World:
        world = World()
        async with world.stack:
            base = await world.serve(body(HTML))
            world.robots = body(b"User-agent: *\nCrawl-delay: 0.2", b"HTTP/1.1 200 OK\r\n")
            fetcher = await world.fetcher()
            for n in range(3):
                await fetcher.fetch(request(f"{base}/{n}"))
        return world

    starts = [moment for moment, path, _ in asyncio.run(run()).asked if path != "/robots.txt"]
    assert len(starts) == 3
    assert paused(begun, starts, 0.2)


def test_a_slow_host_never_holds_up_the_others():
    async def run() -> list[str]:
        world = World(fetch_timeout=30, fetch_concurrency=4)
        others_are_done = asyncio.Event()

        async def tarpit(_reader, writer, _path, _headers) -> None:
            await others_are_done.wait()
            writer.write(body(HTML))

        async with world.stack:
            slow = await world.serve(tarpit)
            good = [await world.serve(body(HTML)) for _ in range(6)]
            fetcher = await world.fetcher()
            requests = [request(f"{slow}/{n}") for n in range(10)] + [request(f"{base}/{n}") for base in good for n in range(5)]
            order = []
            async for got in crawl(requests, fetcher):
                order.append(got.fetched.request.host)
                if len(order) == 30:
                    others_are_done.set()
            assert slow.partition("//")[2] not in order[:30]
            return order

    assert len(asyncio.run(run())) == 40


def test_one_sources_links_to_many_silent_hosts_leave_room_for_the_other_sources():
    async def run() -> list[str]:
        world = World(fetch_timeout=30, fetch_concurrency=4)
        others_are_done = asyncio.Event()

        async def tarpit(_reader, writer, _path, _headers) -> None:
            await others_are_done.wait()
            writer.write(body(HTML))

        async with world.stack:
            silent = [await world.serve(tarpit) for _ in range(8)]
            good = await world.serve(body(HTML))
            fetcher = await world.fetcher()
            requests = [request(f"{base}/1", source_id="hostile") for base in silent] + [request(f"{good}/{n}") for n in range(5)]
            order = []
            async for got in crawl(requests, fetcher):
                order.append(got.fetched.request.source_id)
                if len(order) == 5:
                    others_are_done.set()
            return order

    assert asyncio.run(run()) == ["post"] * 5 + ["hostile"] * 8


def test_a_consumer_that_falls_behind_holds_the_fetching_back():
    async def run() -> tuple[int, int]:
        world = World(fetch_concurrency=4)
        async with world.stack:
            bases = [await world.serve(body(HTML)) for _ in range(30)]
            fetcher = await world.fetcher()
            answers = crawl([request(f"{base}/1", source_id=base) for base in bases], fetcher, buffer=2)
            await anext(answers)
            await asyncio.sleep(0.5)
            asked = len(world.pages())
            return asked, 1 + len([got async for got in answers])

    asked, total = asyncio.run(run())
    assert asked <= 1 + 2 + 4 + 1
    assert total == 30


def test_requests_may_come_while_others_are_under_way():
    async def run() -> int:
        world = World()
        async with world.stack:
            base = await world.serve(body(HTML))
            fetcher = await world.fetcher()

            async def requests():
                for n in range(3):
                    yield request(f"{base}/{n}")
                    await asyncio.sleep(0.01)

            return len([got async for got in crawl(requests(), fetcher)])

    assert asyncio.run(run()) == 3


def test_a_fault_in_the_list_of_requests_reaches_the_caller():
    def requests():
        yield from ()
        raise LookupError("the list broke")

    async def run() -> None:
        async with open_fetcher(Settings()) as fetcher:
            async for _ in crawl(requests(), fetcher):
                pass

    with pytest.raises(ExceptionGroup):
        asyncio.run(asyncio.wait_for(run(), 5))


def test_leaving_a_crawl_early_leaves_nothing_running():
    async def run() -> int:
        world = World()
        async with world.stack:
            base = await world.serve(body(HTML))
            fetcher = await world.fetcher()
            answers = crawl([request(f"{base}/{n}") for n in range(50)], fetcher)
            await anext(answers)
            await answers.aclose()
            return len([task for task in asyncio.all_tasks() if task.get_coro().cr_code.co_filename.endswith("producers/fetch.py")])

    assert asyncio.run(run()) == 0


NOW = 1_515_240_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999999", 86400.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Sat, 06 Jan 2018 25:61:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("١٢", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("text/html", b"<p>x", True),
        ("text/html; charset=x", b"no markup", False),
        (None, b"<!DOCTYPE html>", True),
        (None, "<html>".encode("utf-16"), True),
        ("text/plain", b"<!doctype HTML>", True),
        ("text/xml", b"<?xml version='1.0'?><html xmlns='x'>", True),
        ("application/rss+xml", b"<rss>", False),
        ("image/png", b"<html>", False),
    ],
)
def test_a_page_is_told_by_its_type_or_its_beginning(kind, data, expected):
    assert is_html(kind, data) is expected
