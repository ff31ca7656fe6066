"""The whole distributed run on this machine, real servers and all services: `python -m benchmarks.distributed_run [--seconds N]`.

Pages of a local site are asked for at an even pace (the benchmark writes the requests that the scheduler would; the scheduler runs and
learns from the answers), fetched, archived, cleaned and go all the way. Measured from one run:
- from the last byte of a page to the moment a search finds its article, and to the moment its alert can be read: p50 and p95;
- the same by hops (median and p95 of each), and the CPU that each process took meanwhile;
- messages the whole run produces for an article at that rate, counted at the broker (changelogs included);
- the highest rate at which what waits does not grow, by steps;
- seconds from the SIGKILL of a service, started again at once, to its first committed work;
- seconds from the SIGKILL of a worker that is not started again until the other one of its stage has taken over.
Rules ring at the first sight of every place and actor, so that there are alerts enough to time.
"""

import argparse
import os
import shutil
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch as Client
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks import hops, material
from deploy.servers import Elasticsearch, Kafka, free_port, programs
from producers.urls import host_of
from tests.live.stack import CRAWL, STREAM, Service, Stack
from tocsin import ids, topics, wire
from tocsin.alerting import Alert
from tocsin.broker import Publisher
from tocsin.records import Request
from tocsin.settings import Settings

GOAL = 5.0  # seconds
STEPS = (12, 15, 18, 22, 26, 30, 36)  # articles a second
_PARTS = ("latency", "back", "over", "steps")
_LOOK = 0.2  # seconds between two searches for what is not there yet
_RULES = """rules:
  - {id: bench-place, kind: new_mention, of: [place], days: 0}
  - {id: bench-actor, kind: new_mention, of: [actor], days: 0}
  - {id: bench-casualties, kind: threshold, of: [place_claim], claim_types: [casualties], count: clusters, at_least: 3, hours: 24}
"""


class Watcher:
    """Notes when articles can be found and alerts can be read, by URL. Two threads."""

    def __init__(self, settings: Settings, served: dict[str, float]) -> None:
        self._settings, self.served = settings, served
        self._stop = threading.Event()
        self.asked: dict[str, float] = {}  # URL -> when its request was written
        self.kept: dict[str, float] = {}  # URL -> when Elasticsearch had its document, findable or not
        self.found: dict[str, float] = {}
        self.rang: list[tuple[str, float]] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._search, self._listen)]

    def __enter__(self) -> "Watcher":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def waiting(self) -> int:
        """Articles asked for and not found."""
        return len(self.asked) - len(self.found)

    def to_search(self, urls: Sequence[str]) -> list[float]:
        """Seconds from served to found."""
        return [self.found[url] - self.served[url] for url in urls if url in self.found and url in self.served]

    def to_alert(self, urls: Sequence[str]) -> list[float]:
        """Seconds from served to rung."""
        wanted = set(urls)
        return [at - self.served[url] for url, at in self.rang if url in wanted and url in self.served]

    def _search(self) -> None:
        index = f"{self._settings.prefix}-articles"
        with Client(self._settings.elasticsearch, request_timeout=60) as client:
            while not self._stop.wait(_LOOK):
                wanted = [url for url in list(self.asked) if url not in self.found and url in self.served][:1000]
                if wanted:
                    self._look(client, index, [url for url in wanted if url not in self.kept])
                    hits = client.search(
                        index=index, query={"terms": {"canonical_url": wanted}}, size=len(wanted), source_includes="canonical_url"
                    )
                    now = time.time()
                    self.found.update({hit["_source"]["canonical_url"]: now for hit in hits["hits"]["hits"]})

    def _look(self, client: Client, index: str, urls: list[str]) -> None:
        """Note which documents are there, findable or not."""
        names = {ids.article_id(url): url for url in urls}
        if names:
            answer = client.mget(index=index, ids=list(names), source=False)
            now = time.time()
            self.kept.update({names[item["_id"]]: now for item in answer["docs"] if item.get("found")})

    def _listen(self) -> None:
        name = topics.full_name(self._settings, topics.ALERTS)
        reader = KafkaConsumer(bootstrap_servers=self._settings.kafka, enable_auto_commit=False, fetch_max_wait_ms=50)
        parts = [TopicPartition(name, number) for number in range(self._settings.partitions)]
        reader.assign(parts)
        reader.seek_to_beginning(*parts)
        while not self._stop.is_set():
            for some in reader.poll(timeout_ms=200).values():
                now = time.time()
                self.rang += [(wire.decode(message.value, Alert).url, now) for message in some]
        reader.close()


class Bench:
    """A running stack, fed at a pace."""

    def __init__(self, stack: Stack, site: material.Site, watcher: Watcher, servers: Mapping[str, int]) -> None:
        self.stack, self.settings, self._site, self.watcher = stack, stack.settings, site, watcher
        self._servers = servers
        self._publisher = Publisher(stack.settings, "bench")
        self._admin = KafkaAdminClient(bootstrap_servers=stack.settings.kafka)
        self._number = 0

    @property
    def processes(self) -> dict[str, int]:
        """Process ids by name: servers, and services as they run now."""
        return {**self._servers, **{service.name: service.process.pid for service in self.stack.services}}

    def close(self) -> None:
        """Disconnect."""
        self._publisher.close()
        self._admin.close()

    def pace(self, rate: float, seconds: float, until: Callable[[], bool] = lambda: False) -> list[str]:
        """Ask for pages, `rate` a second; the URLs."""
        urls: list[str] = []
        start = time.monotonic()
        while time.monotonic() - start < seconds and not until():
            url = self._site.url(self._number, 1)
            self._number += 1
            self._publisher.send(topics.REQUESTS, host_of(url), Request(url=url, host=host_of(url), source_id="bench", kind="page"))
            self.watcher.asked[url] = time.time()
            urls.append(url)
            time.sleep(max(0.0, start + len(urls) / rate - time.monotonic()))
        return urls

    def drain(self, seconds: float = 120.0) -> bool:
        """Wait until everything asked for is found. False: not all was, and what is missing waits no longer."""
        end = time.monotonic() + seconds
        while self.watcher.waiting() and time.monotonic() < end:
            time.sleep(0.2)
        for url in [url for url in self.watcher.asked if url not in self.watcher.found]:
            del self.watcher.asked[url]
        return time.monotonic() < end

    def produced(self) -> dict[str, int]:
        """Messages ever written, by topic."""
        reader = KafkaConsumer(bootstrap_servers=self.settings.kafka)
        names = [name for name, _, _ in topics.planned(self.settings)]
        counts = {}
        for name in names:
            ends = reader.end_offsets([TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()])
            counts[name.removeprefix(f"{self.settings.prefix}-")] = sum(ends.values())
        reader.close()
        return counts

    def keeps(self, rate: float, seconds: float) -> tuple[bool, float, float]:
        """Whether a rate can be kept; articles a second found in the second half of it, and p95 of served to found."""
        marks: list[tuple[float, int]] = []

        def mark() -> bool:
            if not marks and time.monotonic() - start > seconds / 2:
                marks.append((time.monotonic(), len(self.watcher.found)))
            return False

        start = time.monotonic()
        urls = self.pace(rate, seconds, mark)
        found = (len(self.watcher.found) - marks[0][1]) / (time.monotonic() - marks[0][0])
        self.drain()
        p95 = percentile(self.watcher.to_search(urls), 95)
        return found >= 0.95 * rate, found, p95

    def back(self, service: Service, group: str) -> float:
        """Seconds from a service's kill to the first commit of the one started at once, at ten articles a second; inf: above 50."""
        stop = threading.Event()
        feeding = threading.Thread(target=lambda: self.pace(10, 60, stop.is_set))
        feeding.start()
        try:
            time.sleep(4)
            service.end(signal.SIGKILL)
            start, before = time.monotonic(), self._committed(group)
            self.stack.again(service)
            while self._committed(group) <= before:
                if time.monotonic() - start > 50:
                    return float("inf")
                time.sleep(0.05)
            return time.monotonic() - start
        finally:
            stop.set()
            feeding.join()
            self.drain()

    def over(self, service: Service, group: str) -> float:
        """Seconds from a worker's kill, not started again, until every partition is at work with the other one; inf: above 50."""
        (other,) = self.stack.start(service.name, node="two")
        self.stack.wait_until_ready(other)
        stop = threading.Event()
        feeding = threading.Thread(target=lambda: self.pace(10, 90, stop.is_set))
        feeding.start()
        try:
            time.sleep(15)  # with nobody's session about to end
            service.end(signal.SIGKILL)
            start, before = time.monotonic(), self._offsets(group)
            while any(self._offsets(group).get(part, 0) <= offset for part, offset in before.items()):
                if time.monotonic() - start > 50:
                    return float("inf")
                time.sleep(0.05)
            return time.monotonic() - start
        finally:
            stop.set()
            feeding.join()
            self.stack.again(service)
            self.drain()

    def _committed(self, group: str) -> int:
        return sum(self._offsets(group).values())

    def _offsets(self, group: str) -> dict[TopicPartition, int]:
        """What a group has committed of live topics."""
        name = topics.group(self.settings, group)
        found = self._admin.list_group_offsets([name])[name]
        return {part: max(0, one.offset) for part, one in found.items() if "backfill" not in part.topic}


def percentile(values: Sequence[float], share: int) -> float:
    """Of a few hundred values."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else float("nan")


class _Rows(list[tuple[str, str, str]]):
    def append(self, row: tuple[str, str, str]) -> None:
        print(*row, sep="   ", flush=True)
        super().append(row)


def measure(bench: Bench, seconds: float, parts: Sequence[str]) -> list[tuple[str, str, str]]:
    """Rows of the table; they are printed as they come, too: a long run that is ended has measured something."""
    rows = _Rows()
    bench.pace(3, 15)
    bench.drain()
    if "latency" in parts:
        before, since, used = bench.produced(), hops.ends(bench.settings), hops.cpu(bench.processes)
        urls = bench.pace(10, seconds)
        spent = {name: now - used[name] for name, now in hops.cpu(bench.processes).items()}
        bench.drain()
        bench.stack.wait_until_done()
        for what, values in (("searchable", bench.watcher.to_search(urls)), ("alert", bench.watcher.to_alert(urls))):
            p50, p95 = percentile(values, 50), percentile(values, 95)
            rows.append((f"10/s, fetched -> {what}, p50", f"{p50:.2f} s", ""))
            rows.append((f"10/s, fetched -> {what}, p95 of {len(values):,}", f"{p95:.2f} s", f"< {GOAL:.0f} s"))
        rows += by_hops(bench, urls, since)
        rows += [(f"  CPU of {name}", f"{100 * share / seconds:.0f} %", "") for name, share in spent.items()]
        rows.append(("  load of the machine", " ".join(f"{load:.1f}" for load in os.getloadavg()), ""))
        after = bench.produced()
        rows.append(("10/s, messages produced an article", f"{(sum(after.values()) - sum(before.values())) / len(urls):.1f}", ""))
        rows += [(f"  {name}", f"{(after[name] - before[name]) / len(urls):.2f}", "") for name in after if after[name] > before[name]]
    if "back" in parts:
        groups = {f"worker --stage {stage}": stage for stage in topics.STAGES} | {
            "fetch": "fetch",
            "sink elasticsearch": "sink-elasticsearch",
        }
        for service in [one for one in bench.stack.services if one.name in groups]:
            rows.append((f"killed and back at work: {service.name}", f"{bench.back(service, groups[service.name]):.1f} s", "< 10 s"))
    if "over" in parts:
        tag = next(one for one in reversed(bench.stack.services) if one.name == "worker --stage tag" and one.code is None)
        rows.append(("killed and not started again, the other at work: tag", f"{bench.over(tag, 'tag'):.1f} s", ""))
    if "steps" in parts:
        best = 10.0
        for rate in STEPS:
            kept, found, p95 = bench.keeps(rate, 40)
            print(f"{rate}/s: found {found:.1f}/s, p95 {p95:.1f} s{'' if kept else ', not kept'}", flush=True)
            if not kept:
                rows.append(("  and at the next step asked, found", f"{rate}/s, {found:.1f}/s", ""))
                break
            best = rate
        rows.append(("highest steady rate, of the steps tried", f"{best:.0f} articles/s", ""))
    return rows


def by_hops(bench: Bench, urls: Sequence[str], since: Mapping[TopicPartition, int]) -> list[tuple[str, str, str]]:
    """Rows: median and p95 of every hop, of what has passed since the offsets `since`."""
    at, watcher = hops.appended(bench.settings, since), bench.watcher
    way = [("served", watcher.served), *((name, at[name]) for name in ("incoming", "articles", "tagged"))]
    read = dict(reversed(watcher.rang))  # the first one wins
    ways = ([*way, ("kept", watcher.kept), ("found", watcher.found)], [way[-1], ("alerts", at["alerts"]), ("read", read)])
    return [(f"  {hop}, median and p95", f"{p50:.2f} s, {p95:.2f} s", "") for steps in ways for hop, p50, p95 in hops.medians(steps, urls)]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of the run at ten articles a second")
    parser.add_argument("--only", nargs="*", default=_PARTS, choices=_PARTS)
    given = parser.parse_args()
    base = programs.base() / f"bench-{free_port()}"
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, base, ignore_errors=True)
        servers: list[Any] = [Kafka(free_port(), base / "kafka", tied=True), Elasticsearch(free_port(), base / "elasticsearch", tied=True)]
        for server in servers:
            undo.enter_context(server)
        site = undo.enter_context(material.serve())
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        (folder / "rules").mkdir()
        (folder / "rules" / "bench.yaml").write_text(_RULES, encoding="utf-8")
        sources = folder / "sources.yaml"
        sources.write_text(
            f"sources: [{{id: bench, name: Bench, owner: Bench, feeds: ['http://127.0.0.1:{site.port}/feed']}}]", encoding="utf-8"
        )
        settings = Settings(
            prefix="bench", data=str(folder / "data"), node="one", partitions=4, workers=1, kafka=servers[0].address,
            elasticsearch=servers[1].address, sources=str(sources), rules=str(folder / "rules"), allow_private=site.allowed, host_delay=0.0,
        )  # fmt: skip
        stack = undo.enter_context(Stack(settings, folder / "logs")).prepare()
        stack.start(*CRAWL, *STREAM)
        stack.wait_until_ready(seconds=300)
        watcher = undo.enter_context(Watcher(settings, site.served))
        bench = Bench(stack, site, watcher, {server.kind: server.pid() or 0 for server in servers} | {"this benchmark": os.getpid()})
        undo.callback(bench.close)
        table = Table("measure", "value", "goal")
        for row in measure(bench, given.seconds, given.only):
            table.add_row(*row)
        Console(width=100).print(table)


if __name__ == "__main__":
    main()
