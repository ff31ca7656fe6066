"""The only web client: a Request in, what came of it out. Nothing a server does raises; every refusal has one of `answers.REASONS`.

One request at a time for each host, a pause between their starts, a cap on all together; a slow host keeps only itself waiting.
Redirects are not followed: each hop goes back to the scheduler as a new Request under its own host, so robots.txt, pauses and the address
guard hold for every hop. No cookies, no credentials, no proxies from the environment; TLS certificates are verified.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from msgspec.structs import replace

from producers import guard
from producers.answers import header_of, is_binary, is_html, line_of, reason_of, retry_after
from producers.decode import unpack
from producers.feeds import looks_like_feed, read_listing
from producers.robots import MAX_ROBOTS, Answer, Robots, Verdict
from producers.sources import Source
from producers.urls import fetchable, host_of
from tocsin import clock
from tocsin.errors import Quarantine
from tocsin.records import Fetched, Page, Request
from tocsin.settings import Settings

_ACCEPT = {
    "page": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
    "feed": "application/atom+xml,application/rss+xml,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5",
}
_PATIENCE = 2  # tries until a compressed stream that ends early is taken as the server's way, and read as far as it goes, as browsers do
_OLD = "(backfill)"  # no source id: those have no brackets
_MAX_HOSTS = 20_000  # hosts remembered for their pauses
_MAX_HEADER = 64 * 1024  # bytes of one header; some news sites send 10 KB of security policy


class Fetch(NamedTuple):
    """All that came of one request: the note for the scheduler (`schedule.learn` turns it into retries and drops), and the page."""

    fetched: Fetched
    page: Page | None = None  # kind `page` only
    headers: tuple[tuple[str, str], ...] = ()  # as the server sent them, for the archive


class _Turn:
    """One host's queue of one."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.last = float("-inf")  # when the last request started
        self.delay = 0.0  # what robots.txt asked for
        self.waiting = 0


class Fetcher:
    """Asks hosts politely. Make one with `open_fetcher`; it belongs to the event loop it was made in."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings, sources: Mapping[str, Source]) -> None:
        self._session = session
        self._settings = settings
        self._sources = sources
        self._slots = asyncio.Semaphore(settings.fetch_concurrency)
        # One source's links may lead to a thousand hosts that never answer: they may not take all slots from the other sources.
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._turns: OrderedDict[str, _Turn] = OrderedDict()
        agent = settings.user_agent.partition("/")[0].strip() or "Tocsin"
        self._robots = Robots(self._ask_robots, agent, time.monotonic)

    async def fetch(self, request: Request) -> Fetch:
        """Wait for the host's turn, then ask. Never raises for anything the network does."""
        async with self.turn(request):
            return await self.get(request)

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[None]:
        """Hold the host's turn and one of the slots, of which one source has half at most, and so has all old material together.

        The slot is taken last: nobody waits for a host, or for its source's share, while holding one.
        """
        group = _OLD if request.backfill else request.source_id
        share = self._shares.get(group)
        if share is None:
            share = self._shares[group] = asyncio.Semaphore(max(1, self._settings.fetch_concurrency // 2))
        turn = self._turns.setdefault(request.host, _Turn())
        self._turns.move_to_end(request.host)
        self._forget_hosts()
        source = self._sources.get(request.source_id)
        delay = self._settings.host_delay if source is None or source.host_delay is None else source.host_delay
        turn.waiting += 1
        try:
            async with turn.lock:
                pause = turn.last + max(delay, turn.delay) - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                async with share, self._slots:
                    turn.last = time.monotonic()
                    yield
        finally:
            turn.waiting -= 1

    async def get(self, request: Request) -> Fetch:
        """Ask now; the caller holds the host's turn."""
        try:
            url = fetchable(request.url)
            host = host_of(url)
        except Quarantine as error:
            return self._refused(request, "bad-url", str(error))
        verdict = await self._robots.verdict(url)
        if (turn := self._turns.get(request.host)) is not None:
            turn.last = time.monotonic()  # the pause counts from the page, not from robots.txt before it
            turn.delay = turn.delay if verdict.delay is None else verdict.delay
        if not verdict.allowed:
            return self._forbidden(request, host, verdict)
        try:
            return await self._get(request, url)
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, LookupError, asyncio.IncompleteReadError) as error:
            return self._broken(request, error)

    async def _get(self, request: Request, url: str) -> Fetch:
        headers = {"Accept": _ACCEPT["page" if request.kind == "page" else "feed"]}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                early = self._by_status(request, url, response)
                if early is not None:
                    return early
                cap = self._settings.max_body
                packed = await _read(response, cap + 1)
                try:
                    body, whole = unpack(packed, response.headers.get("Content-Encoding", ""), cap + 1)
                except Quarantine as error:
                    return self._failed(request, "body-unreadable", str(error), response.status)
                if max(len(packed), len(body)) > cap:
                    return self._refused(request, "too-large", f"more than {cap} bytes", response.status)
                if not whole and request.attempt < _PATIENCE:
                    return self._failed(request, "truncated", "the compressed body ends early", response.status)
                return await self._by_body(request, url, response, body)
        except TypeError as error:  # aiohttp's parser trips over some header bytes this way
            return self._failed(request, "bad-response", line_of(error))

    def _by_status(self, request: Request, url: str, response: aiohttp.ClientResponse) -> Fetch | None:
        """What the status alone decides; None: read the body."""
        status = response.status
        if status == 304:
            return Fetch(self._note(request, "not-modified", response=response))
        if status in (301, 302, 303, 307, 308):
            location = response.headers.get("Location", "").strip()
            if not location:
                return self._refused(request, "bad-redirect", f"HTTP {status} without an address", status)
            try:
                target = fetchable(location, url)
            except Quarantine as error:
                return self._refused(request, "bad-redirect", str(error), status)
            note = self._note(request, "redirected", response=response)
            return Fetch(replace(note, redirect_to=target, permanent=status in (301, 308)))
        if status in (404, 410):
            return self._refused(request, "gone", f"HTTP {status}", status, outcome="gone")
        wait = retry_after(response.headers.get("Retry-After"), time.time())
        if status == 429 or (status == 503 and wait is not None):
            return Fetch(replace(self._note(request, "slow-down", "slow-down", f"HTTP {status}", response=response), retry_after=wait))
        if status >= 500 or status == 408:
            return self._failed(request, "http-5xx", f"HTTP {status}", status)
        if status >= 400:
            return self._summary_only(request, url, response)
        if status not in (200, 203):
            return self._refused(request, "http-other", f"HTTP {status}", status)
        return None

    def _summary_only(self, request: Request, url: str, response: aiohttp.ClientResponse) -> Fetch:
        """A server that refuses the page (403, a paywall's 402) leaves what its feed said; `clean` makes a flagged article of that."""
        detail = f"HTTP {response.status}"
        if request.kind != "page" or request.item is None or not request.item.summary:
            return self._refused(request, "http-4xx", detail, response.status)
        note = self._note(request, "fetched", "http-4xx", f"{detail}; the feed's summary stands in", response.status)
        content_type = header_of(response.headers, "Content-Type")
        return Fetch(note, make_page(request, self._sources.get(request.source_id), url, response.status, content_type, b"", note.at))

    async def _by_body(self, request: Request, url: str, response: aiohttp.ClientResponse, body: bytes) -> Fetch:
        content_type = header_of(response.headers, "Content-Type")
        if not body.strip():
            return self._refused(request, "empty", "", response.status)
        headers = tuple((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in response.raw_headers)
        if request.kind != "page":
            return await self._by_listing(request, url, response, body)
        if not is_html(content_type, body):
            detail = (content_type or "no content type")[:200]
            if looks_like_feed(body):
                detail += ": a feed; list its address in the sources file"
            return self._refused(request, "not-html", detail, response.status)
        note = self._note(request, "fetched", response=response)
        source = self._sources.get(request.source_id)
        return Fetch(note, make_page(request, source, url, response.status, content_type, body, note.at), headers)

    async def _by_listing(self, request: Request, url: str, response: aiohttp.ClientResponse, body: bytes) -> Fetch:
        content_type = header_of(response.headers, "Content-Type")
        if is_binary(content_type):
            return self._failed(request, "not-feed", f"{content_type}"[:200], response.status)
        listing = await asyncio.to_thread(read_listing, body, url, content_type)
        if listing.kind == "unreadable":
            return self._failed(request, "not-feed", listing.problem, response.status)
        note = self._note(request, "fetched", detail=listing.problem, response=response)
        return Fetch(replace(note, listing=listing.kind, links=listing.items, sitemaps=listing.sitemaps))

    async def _ask_robots(self, url: str) -> Answer:
        """Fetch a robots.txt, following at most five redirects (RFC 9309 section 2.3.1.2), each through the address guard."""
        try:
            for _ in range(6):
                async with self._session.get(url, headers={"Accept": "text/plain,*/*;q=0.1"}, allow_redirects=False) as response:
                    if response.status in (301, 302, 303, 307, 308):
                        url = fetchable(response.headers.get("Location", ""), url)
                        continue
                    packed = await _read(response, MAX_ROBOTS + 1)
                    return Answer(response.status, unpack(packed, response.headers.get("Content-Encoding", ""), MAX_ROBOTS + 1)[0])
        except Quarantine:
            return Answer(404)  # a redirect to nowhere is an unavailable file
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError, LookupError, TypeError) as error:
            return Answer(None, reason=reason_of(error))
        return Answer(404)

    def _note(
        self,
        request: Request,
        outcome: str,
        reason: str = "",
        detail: str = "",
        status: int | None = None,
        response: aiohttp.ClientResponse | None = None,
    ) -> Fetched:
        return Fetched(
            request=request,
            at=clock.now(),
            outcome=outcome,  # type: ignore[arg-type]  # the callers below pass literals only
            reason=reason,
            detail=detail,
            status=response.status if response is not None else status,
            etag=header_of(response.headers, "ETag") if response is not None else None,
            last_modified=header_of(response.headers, "Last-Modified") if response is not None else None,
        )

    def _refused(self, request: Request, reason: str, detail: str, status: int | None = None, outcome: str = "refused") -> Fetch:
        return Fetch(self._note(request, outcome, reason, detail, status))

    def _failed(self, request: Request, reason: str, detail: str, status: int | None = None) -> Fetch:
        return Fetch(self._note(request, "failed", reason, detail, status))

    def _forbidden(self, request: Request, host: str, verdict: Verdict) -> Fetch:
        if verdict.reason == "robots":
            return self._refused(request, "robots", f"robots.txt of {host} forbids this address")
        if verdict.reason in ("address", "bad-url"):
            return self._refused(request, verdict.reason, f"{guard.BLOCKED}: {host}" if verdict.reason == "address" else host)
        return self._failed(request, verdict.reason, f"asking {host} for robots.txt")

    def _broken(self, request: Request, error: Exception) -> Fetch:
        reason = reason_of(error)
        if reason in ("address", "bad-url"):
            return self._refused(request, reason, line_of(error))
        slow = f"no whole answer within {self._settings.fetch_timeout:g} s (setting fetch_timeout)"
        return self._failed(request, reason, slow if reason == "timeout" else line_of(error))

    def _forget_hosts(self) -> None:
        while len(self._turns) > _MAX_HOSTS:
            host, turn = next(iter(self._turns.items()))
            if turn.waiting or turn.last + max(self._settings.host_delay, turn.delay) > time.monotonic():
                return  # the oldest is still needed: forget later
            del self._turns[host]


@asynccontextmanager
async def open_fetcher(settings: Settings, sources: Iterable[Source] = (), context: ssl.SSLContext | None = None) -> AsyncIterator[Fetcher]:
    """Open the web client; closes its connections when the block ends.

    `context` adds trusted certificates (an organisation's own authority); verification cannot be switched off.
    Raises UsageError when the setting `allow_private` cannot be read.
    """
    # Name look-ups run in threads, six of them by default on two cores: slow name servers must not hold up all others.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(settings.fetch_concurrency, "look-up"))
    connector = aiohttp.TCPConnector(
        limit=settings.fetch_concurrency * 2,
        socket_factory=guard.socket_factory(guard.parse_allowed(settings.allow_private)),
        ttl_dns_cache=60,
        ssl=context if context is not None else True,
    )
    timeout = aiohttp.ClientTimeout(
        total=settings.fetch_timeout, sock_connect=min(10.0, settings.fetch_timeout), sock_read=min(15.0, settings.fetch_timeout)
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "gzip, deflate, br, zstd"},
        auto_decompress=False,  # `unpack` stops at a cap and knows whether the stream was whole
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )
    async with session:
        yield Fetcher(session, settings, {source.id: source for source in sources})


async def crawl(requests: Iterable[Request] | AsyncIterable[Request], fetcher: Fetcher, buffer: int = 16) -> AsyncIterator[Fetch]:
    """Fetch all requests and yield each answer as it comes, in no promised order; exactly one for each request.

    A host waits only for itself. A consumer that falls behind holds the fetching back: `buffer` answers, and one for each slot, wait.
    """
    answers: asyncio.Queue[Fetch | BaseException | None] = asyncio.Queue(maxsize=buffer)

    async def one(request: Request) -> None:
        async with fetcher.turn(request):
            await answers.put(await fetcher.get(request))

    async def all_of_them() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                if isinstance(requests, AsyncIterable):
                    async for request in requests:
                        group.create_task(one(request))
                else:
                    for request in requests:
                        group.create_task(one(request))
            await answers.put(None)
        except Exception as error:  # noqa: BLE001 - a fault of ours: it must reach the consumer, who would wait for ever
            await answers.put(error)

    work = asyncio.create_task(all_of_them())
    try:
        while (answer := await answers.get()) is not None:
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def make_page(request: Request, source: Source | None, final_url: str, status: int, content_type: str | None, body: bytes, at: str) -> Page:
    """Join what was asked, what came and what is known of the source."""
    return Page(
        url=request.redirected_from[0] if request.redirected_from else request.url,
        final_url=final_url,
        source_id=request.source_id,
        source_name=source.name if source else request.source_id,
        owner=source.owner if source else request.source_id,
        status=status,
        content_type=content_type,
        body=body,
        fetched_at=at,
        item=request.item,
        source_lang=source.lang if source else None,
        source_country=source.country if source else None,
        affiliated_with=source.affiliated_with if source else None,
        backfill=request.backfill or (source.backfill if source else False),
    )


async def _read(response: aiohttp.ClientResponse, cap: int) -> bytes:
    """Read the body as it was sent, at most `cap` bytes of it."""
    pieces: list[bytes] = []
    length = 0
    while length < cap and (piece := await response.content.read(min(65536, cap - length))):
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)
