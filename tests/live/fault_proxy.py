"""A small HTTP proxy that misbehaves on demand: between a service and Elasticsearch, for drills.

with FaultProxy(elasticsearch) as proxy:
    settings = structs.replace(settings, elasticsearch=proxy.address)
    proxy.answer(503, times=3)      # instead of asking the server
    proxy.cut(times=1)              # the server does it, but the answer is lost
    proxy.slow(0.5)                 # seconds before every answer, until slow(0)
    proxy.refuse_items(429, times=2)  # single items of bulk answers; the server has written them
"""

import asyncio
import json
import threading
from collections import Counter, deque
from types import TracebackType
from typing import Any

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web

_OWN = {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "host"}


class FaultProxy:
    """Runs in a thread of its own while it is open."""

    def __init__(self, target: str, *, only: str = "_bulk") -> None:
        """`target`: the server's URL; `only`: faults happen to requests whose path holds this."""
        self._target, self._only = target.rstrip("/"), only
        self._faults: deque[tuple[str, int]] = deque()
        self._delay = 0.0
        self._stopped = threading.Event()
        self.seen: Counter[str] = Counter()  # "bulk", "other", and each fault that happened
        self.held = threading.Event()  # set while a slow request waits
        self.address = ""

    def answer(self, status: int, times: int = 1) -> None:
        """Answer with an error of our own."""
        self._faults.extend([("answer", status)] * times)

    def cut(self, times: int = 1) -> None:
        """Let the server work and lose its answer."""
        self._faults.extend([("cut", 0)] * times)

    def refuse_items(self, status: int, times: int = 1) -> None:
        """Say of the first item of a bulk request that it has to wait."""
        self._faults.extend([("items", status)] * times)

    def slow(self, seconds: float) -> None:
        """Wait before every request that faults are for."""
        self._delay = seconds

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        concerned = self._only in request.path
        self.seen["bulk" if concerned else "other"] += 1
        if concerned and self._delay:
            self.held.set()
            await asyncio.sleep(self._delay)
        kind, status = self._faults.popleft() if concerned and self._faults else ("", 0)
        if kind:
            self.seen[f"{kind} {status}" if status else kind] += 1
        if kind == "answer":
            error = {"error": {"type": "es_rejected_execution_exception", "reason": "made up"}, "status": status}
            return web.json_response(error, status=status, headers={"X-elastic-product": "Elasticsearch"})
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
        try:
            answer = await self._session.request(request.method, self._target + request.path_qs, data=body, headers=headers)
        except ClientConnectionError:  # the server is down: so is what stands for it
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        async with answer:
            data = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
            if kind == "cut":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if kind == "items" and answer.status == 200:
                data = _refused(data, status)
            return web.Response(status=answer.status, body=data, headers=kept)

    async def _serve(self, ready: threading.Event) -> None:
        async with ClientSession(timeout=ClientTimeout(total=60)) as self._session:
            app = web.Application(client_max_size=200_000_000)
            app.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await asyncio.to_thread(self._stopped.wait)
            await runner.cleanup()

    def __enter__(self) -> "FaultProxy":
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join(10)


def _refused(data: bytes, status: int) -> bytes:
    answer: dict[str, Any] = json.loads(data)
    for result in list(answer["items"])[:1]:
        for item in result.values():
            item["status"] = status
            item["error"] = {"type": "es_rejected_execution_exception", "reason": "made up"}
    return json.dumps(answer | {"errors": True}).encode()
