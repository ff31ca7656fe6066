"""Reading whole indices back, and running the Elasticsearch sink, for live tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError
from msgspec import structs

from sinks.elasticsearch import mapping, setup
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.refused import Refused
from sinks.service import SinkService, Stop
from tests.live import stream
from tocsin import topics
from tocsin.health import Health
from tocsin.records import Record
from tocsin.settings import Settings


@contextmanager
def set_up(settings: Settings) -> Iterator[Elasticsearch]:
    """Indices ready to be written; templates and indices are gone afterwards."""
    with Elasticsearch(settings.elasticsearch, request_timeout=30) as client:
        setup.setup(client, settings)
        try:
            yield client
        finally:
            remove(client, settings.prefix)


def remove(client: Elasticsearch, prefix: str) -> None:
    """Everything under a prefix."""
    with suppress(ApiError, TransportError):
        for name in client.indices.get(index=f"{prefix}-*", expand_wildcards="all").body:
            client.indices.delete(index=name)
        for template in client.indices.get_index_template(name=f"{prefix}-*").body["index_templates"]:
            client.indices.delete_index_template(name=template["name"])


def everything(client: Elasticsearch, settings: Settings) -> dict[str, dict[str, Any]]:
    """Every document by "index/id", with its version."""
    client.indices.refresh(index=f"{settings.prefix}-*")
    found: dict[str, dict[str, Any]] = {}
    for kind in mapping.indices().kinds:
        answer = client.search(index=f"{settings.prefix}-{kind}-v*", size=10_000, version=True)
        for hit in answer.body["hits"]["hits"]:
            found[f"{hit['_index']}/{hit['_id']}"] = {**hit["_source"], "_version": hit["_version"]}
    return found


def of_kind(all_of_it: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The documents of one kind, by id."""
    return {name.rsplit("/", 1)[1]: body for name, body in all_of_it.items() if f"-{kind}-v" in name.rsplit("/", 1)[0]}


def write(settings: Settings, *records: Record) -> list[Refused]:
    """Write one batch, without Kafka."""
    sink = ElasticsearchSink(settings)
    try:
        return sink.write(sink.prepare(enumerate(records)))
    finally:
        sink.close()


def drain(settings: Settings, seconds: float = 60.0) -> int:
    """Run the sink in this process until everything is committed; return how many messages it kept."""
    stop = Stop(Health("sink"))
    service = SinkService(settings, "sink-elasticsearch", ElasticsearchSink(settings, waiting=stop.waiting, sleep=stop.sleep), stop)
    try:
        stream.wait_for(lambda: service.step() is None and not left(settings), seconds)  # type: ignore[func-returns-value]
        return service.written
    finally:
        service.close()


def left(settings: Settings, service: str = "sink-elasticsearch") -> int:
    """Messages that the sink has not committed."""
    return sum(stream.behind(settings, service, topic) for topic in topics.ALL if "sink" in topic.readers)


def start(settings: Settings, kind: str = "elasticsearch") -> "subprocess.Popen[str]":
    """`tocsin sink` with these settings, as a process; `stream.stop` ends it."""
    given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
    return subprocess.Popen([sys.executable, "-m", "tocsin", "sink", kind], env={**os.environ, **given}, stderr=subprocess.PIPE, text=True)
