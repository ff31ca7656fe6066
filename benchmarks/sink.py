"""The Elasticsearch sink against the client's own `helpers.parallel_bulk` with the same documents from a file, in documents a second.

    python -m benchmarks.sink --elasticsearch http://127.0.0.1:9200 [--documents FILE] [--articles 1500] [--rounds 5]

Both write the same operations into indices made by the same templates; the sink starts from the records' JSON as Kafka hands them over,
and does all it does in service: decoding, flattening, asking what is there, two steps. Runs alternate, so that a slow minute hits both.
"""

import argparse
import json
import os
import secrets
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers
from msgspec.structs import replace

from sinks.elasticsearch import setup
from sinks.elasticsearch.batch import Preparer, decide
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.sqlite import open_store
from tocsin import ids, wire
from tocsin.messages import Document
from tocsin.settings import Settings
from tocsin.store import Query

IN_FLIGHT = 3


def sample(folder: Path, articles: int) -> list[bytes]:
    """Documents of a store, repeated under other addresses until there are enough, as Kafka carries them."""
    with open_store(folder, read_only=True) as store:
        found = [store.article(hit.article_id) for hit in store.search(Query(limit=1000, all_copies=True)).hits]
    documents = [Document(tagged=one.tagged, clustered=one.clustered) for one in found if one is not None]
    return [wire.encode(_copy(documents[number % len(documents)], number)) for number in range(articles)]


def _copy(document: Document, number: int) -> Document:
    """The same article at another address, with ids of its own."""
    article = document.tagged.article
    url = f"{article.canonical_url}?copy={number}"
    article_id = ids.article_id(url)
    version_id = ids.version_id(article_id, article.title, article.text)
    same = {"article_id": article_id, "version_id": version_id}

    def moved(claims: Any, field: str) -> Any:
        return tuple(
            replace(claim, claim_id=ids.claim_id(version_id, field, claim.start, claim.end, claim.type), **same) for claim in claims
        )

    tagged = replace(
        document.tagged,
        article=replace(article, url=url, canonical_url=url, **same),
        claims=moved(document.tagged.claims, "text"),
        title_claims=moved(document.tagged.title_claims, "title"),
    )
    return Document(
        tagged=tagged, clustered=replace(document.clustered, leader_id=article_id, cluster_id=ids.cluster_id(version_id), **same)
    )


def operations(settings: Settings, bodies: list[bytes], file: Path) -> int:
    """Write every operation of the sink to a file, as parallel_bulk takes them. Returns how many."""
    preparer = Preparer(settings)
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for start in range(0, len(bodies), settings.sink_batch):
            part = bodies[start : start + settings.sink_batch]
            batch = preparer.prepare([(number, wire.decode(body, Document)) for number, body in enumerate(part)])
            first, last = decide(batch.versions, {})
            for op in [*first, *batch.events, *last]:
                ((action, head),) = json.loads(op.head).items()
                out.write(json.dumps({"_op_type": action, **head, "_source": json.loads(op.body)}) + "\n")
                count += 1
    return count


def batches(settings: Settings, bodies: list[bytes]) -> Iterator[list[bytes]]:
    """As the service cuts them: by count and by bytes."""
    part: list[bytes] = []
    size = 0
    for body in bodies:
        part.append(body)
        size += len(body)
        if len(part) >= settings.sink_batch or size >= settings.sink_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part


def by_client(client: Elasticsearch, file: Path, prefix: str) -> float:
    """Seconds for parallel_bulk, with its defaults."""

    def actions() -> Iterator[dict[str, Any]]:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                action = json.loads(line)
                action["_index"] = action["_index"].replace("PREFIX", prefix, 1)
                yield action

    start = time.perf_counter()
    for ok, item in helpers.parallel_bulk(client, actions()):
        assert ok, item
    return time.perf_counter() - start


def by_sink(settings: Settings, bodies: list[bytes]) -> float:
    """Seconds for the sink, three batches in flight as in service."""
    sink = ElasticsearchSink(settings)
    start = time.perf_counter()
    flights: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for part in batches(settings, bodies):
            batch = sink.prepare([(number, wire.decode(body, Document)) for number, body in enumerate(part)])
            if len(flights) == IN_FLIGHT:
                assert flights.popleft().result() == []
            flights.append(pool.submit(sink.write, batch))
        for flight in flights:
            assert flight.result() == []
    taken = time.perf_counter() - start
    sink.close()
    return taken


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elasticsearch", default=os.environ.get("TOCSIN_ELASTICSEARCH", "http://127.0.0.1:9200"))
    parser.add_argument("--data", default="data", help="folder of an embedded store whose articles are used (`tocsin demo` makes one)")
    parser.add_argument("--articles", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bodies = sample(Path(given.data), given.articles)
    ratios, ours, theirs = [], [], []
    with tempfile.TemporaryDirectory() as folder, Elasticsearch(given.elasticsearch, request_timeout=120) as client:
        file = Path(folder) / "operations.jsonl"
        count = operations(Settings(prefix="prefix"), bodies, file)
        file.write_text(file.read_text(encoding="utf-8").replace('"_index": "prefix-', '"_index": "PREFIX-'), encoding="utf-8")
        for number in range(given.rounds):
            taken = {}
            for name in ("sink", "client") if number % 2 else ("client", "sink"):
                settings = Settings(prefix=f"bench{secrets.token_hex(4)}", elasticsearch=given.elasticsearch)
                setup.setup(client, settings)
                taken[name] = by_sink(settings, bodies) if name == "sink" else by_client(client, file, settings.prefix)
                for index in client.indices.get(index=f"{settings.prefix}-*").body:
                    client.indices.delete(index=index)
                for template in client.indices.get_index_template(name=f"{settings.prefix}-*").body["index_templates"]:
                    client.indices.delete_index_template(name=template["name"])
            ours.append(count / taken["sink"])
            theirs.append(count / taken["client"])
            ratios.append(taken["client"] / taken["sink"])
            print(f"round {number + 1}: sink {ours[-1]:,.0f} documents/s, parallel_bulk {theirs[-1]:,.0f}, ratio {ratios[-1]:.2f}")
    print(f"{given.articles:,} articles, {count:,} documents ({given.articles / (count / statistics.median(ours)):,.0f} articles/s)")
    print(f"median: sink {statistics.median(ours):,.0f} documents/s, parallel_bulk {statistics.median(theirs):,.0f}")
    print(f"ratio, median of {given.rounds}: {statistics.median(ratios):.2f} (goal 0.75)")


if __name__ == "__main__":
    main()
