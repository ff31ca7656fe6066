"""Writing in bulk: operations as bytes, what each answer means, and patience with a cluster that has too much to do.

Every operation has an id that says what it is, and a version that grows: to write twice changes nothing, and to come late neither.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple, TypeVar

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from sinks.elasticsearch import client as door
from sinks.elasticsearch.client import ClusterError
from tocsin.settings import Settings

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder()
_ANSWER = ["errors", "items.*.status", "items.*.error.type", "items.*.error.reason", "items.*.error.caused_by.reason"]
REQUEST = 2_000_000
"""Most bytes of one bulk request: several of this size at a time are taken in faster than one that is large."""
AT_ONCE = 4
"""Bulk requests of one sink under way."""
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 20.0  # seconds
_TRIES = 4  # of a document that the server fails on (500): then it is the document
_LOCKED = "cluster_block_exception"


class Op(NamedTuple):
    """One operation: `head` is its action line, `body` its document (nothing for a deletion), `cause` the message it came of."""

    head: bytes
    body: bytes
    cause: int

    @property
    def size(self) -> int:
        """Bytes in a bulk request."""
        return len(self.head) + len(self.body) + 2


class Failed(NamedTuple):
    """A document that Elasticsearch will never take, and why."""

    op: Op
    reason: str


def put(index: str, name: str, document: dict[str, Any], cause: int, version: int) -> Op:
    """Write a document unless a later version is there; the same version again is written again."""
    head = {"index": {"_index": index, "_id": name, "version": version, "version_type": "external_gte"}}
    return Op(_ENCODER.encode(head), _ENCODER.encode(document), cause)


def create(index: str, name: str, document: dict[str, Any], cause: int) -> Op:
    """Write a document unless it is there."""
    return Op(_ENCODER.encode({"create": {"_index": index, "_id": name}}), _ENCODER.encode(document), cause)


def delete(index: str, name: str, cause: int, version: int) -> Op:
    """Delete a document unless a later version is there."""
    head = {"delete": {"_index": index, "_id": name, "version": version, "version_type": "external_gte"}}
    return Op(_ENCODER.encode(head), b"", cause)


def chunks(ops: Sequence[Op], most: int) -> Iterable[list[Op]]:
    """Cut into requests of at most `most` bytes; one operation is never cut."""
    found: list[Op] = []
    size = 0
    for op in ops:
        if found and size + op.size > most:
            yield found
            found, size = [], 0
        found.append(op)
        size += op.size
    if found:
        yield found


class Writer:
    """Sends operations until each is either written or refused for good.

    `waiting` is told why, whenever the cluster asks for patience (and "" when it is over); it and `sleep` may raise to give up: nothing
    is lost, because nothing is committed. `look_again` is called before anything is written after a lost connection.
    """

    def __init__(
        self,
        client: Elasticsearch,
        settings: Settings,
        waiting: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], object] = time.sleep,
        look_again: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._settings, self._waiting, self._sleep = client, settings, waiting, sleep
        self._look_again = look_again
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bulk")

    def write(self, ops: Sequence[Op]) -> list[Failed]:
        """Write, in no particular order; return what can never be written. Raises ClusterError when the cluster is not as it must be.

        Several requests are under way at once: where an id stands twice among the operations, its versions decide, not their order.
        """
        requests = [self._pool.submit(self._write, chunk) for chunk in chunks(ops, min(REQUEST, self._settings.sink_bytes))]
        wait(requests)
        return [failed for request in requests for failed in request.result()]

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def patiently(self, request: Callable[[], T]) -> T:
        """Ask until the cluster answers. Raises ClusterError when it refuses."""
        waits = 0
        while True:
            try:
                answer = request()
            except (ApiError, TransportError) as error:
                if not door.is_passing(error):
                    raise door.explained(self._settings, error) from error
                waits += 1
                self._wait(waits, str(door.explained(self._settings, error)))
            else:
                if waits:
                    self._waiting("")
                return answer

    def _write(self, ops: list[Op]) -> list[Failed]:
        failed: list[Failed] = []
        waits = 0
        lost = False
        errors: dict[Op, int] = {}
        while ops:
            try:
                if lost:
                    self._look_again()
                lost = False
                answer = self._send(ops)
            except (ApiError, TransportError) as error:
                if isinstance(error, ApiError) and error.status_code in (400, 413) and len(ops) > 1:
                    middle = len(ops) // 2  # one of them is to blame
                    return [*failed, *self._write(ops[:middle]), *self._write(ops[middle:])]
                if isinstance(error, ApiError) and error.status_code in (400, 413):
                    return [*failed, Failed(ops[0], door.reason_of(error))]
                if not door.is_passing(error):
                    raise door.explained(self._settings, error) from error
                lost = isinstance(error, TransportError)
                waits += 1
                self._wait(waits, str(door.explained(self._settings, error)))
                continue
            again = [op for op, item in zip(ops, answer["items"], strict=True) if self._is_due_again(op, item, errors, failed)]
            if again:
                waits = waits + 1 if len(again) == len(ops) else 1
                self._wait(waits, f"Elasticsearch is overloaded: {len(again)} of {len(ops)} documents have to wait")
            ops = again
        if waits:
            self._waiting("")
        return failed

    def _send(self, ops: list[Op]) -> dict[str, Any]:
        lines: list[bytes] = []
        for op in ops:
            lines.append(op.head)
            if op.body:
                lines.append(op.body)
        lines.append(b"")
        answer: dict[str, Any] = self._client.bulk(operations=[b"\n".join(lines)], filter_path=_ANSWER).body  # type: ignore[list-item]
        if "items" not in answer:
            raise ClusterError("what answers is not Elasticsearch: a bulk request got no items back")
        return answer

    def _is_due_again(self, op: Op, item: dict[str, Any], errors: dict[Op, int], failed: list[Failed]) -> bool:
        """Judge one item's answer: False when it is done with, one way or the other."""
        ((action, result),) = item.items()
        status = int(result.get("status", 200))
        if status < 300 or status == 409:  # 409: a later version is there, or the same was created before
            return False
        error = result.get("error") or {}
        kind, reason = str(error.get("type", "")), " ".join(str(error.get("reason", f"status {status}")).split())
        if status == 404 and action == "delete" and not kind:
            return False  # gone already
        if kind == _LOCKED:
            raise door.blocked(reason)
        if status == 404 and kind == "index_not_found_exception":
            raise door.missing(reason)
        if status in (401, 403):
            user = self._settings.elasticsearch_user or "nobody"
            raise ClusterError(f"Elasticsearch forbids user {user!r} to write ({status}): {reason}; {door.ROLES} lists what a sink needs")
        if status in door.OVERLOADED:
            return True
        if status >= 500:
            errors[op] = errors.get(op, 0) + 1
            if errors[op] < _TRIES:
                return True
        more = (error.get("caused_by") or {}).get("reason")
        failed.append(Failed(op, f"{kind}: {reason}" + (f": {more}" if more else "")))
        return False

    def _wait(self, times: int, why: str) -> None:
        self._waiting(why)
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(times, 10))
        self._sleep(random.uniform(longest / 2, longest))  # noqa: S311 - jitter, so that sinks do not come back all at once
