"""Further drills, longer or rarer than those of every change: TOCSIN_DRILLS=1 runs them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from msgspec.structs import replace

from producers.sample.server import serve
from sinks.elasticsearch import setup
from sinks.sqlite import open_store
from tests.live.compare import ARRIVAL, WALL_TIME, WHERE, differences, distributed_outcome, embedded_outcome
from tests.live.crawling import for_site
from tests.live.drills import ROWS, TAG, Drills, Row, drills
from tests.live.stack import CRAWL, SINK, STREAM, WORKERS, stack
from tests.live.stream import records
from tests.sample_run import poll, settings_for
from tocsin import topics

pytestmark = [
    pytest.mark.timeout(500),
    pytest.mark.skipif(os.environ.get("TOCSIN_DRILLS") != "1", reason="long drills: set TOCSIN_DRILLS=1"),
]
PIECE = 40
DRILLS = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drills]:
    with drills(tmp_path_factory.mktemp("drills"), DRILLS * PIECE) as hurt:
        yield hurt


def test_workers_that_come_and_go_all_the_time_lose_nothing(run: Drills) -> None:
    with run.drill("rebalance storm: five workers that tag come and go", PIECE, seconds=240):
        run.feed(PIECE)
        for number in range(5):
            (guest,) = run.stack.start(TAG, node=f"guest-{number}")
            run.stack.wait_until_ready(guest)
            guest.end(signal.SIGKILL if number % 2 else signal.SIGTERM)
            run.stack.services.remove(guest)


@pytest.mark.parametrize("status", [401, 403])
def test_a_cluster_that_forbids_stops_the_sink_and_nothing_is_set_aside(run: Drills, status: int) -> None:
    def forbid() -> Callable[[], None]:
        run.proxy.answer(status, 1)
        return lambda: None

    stops_red(run, f"Elasticsearch answers {status}", forbid)


def test_an_index_that_is_gone_stops_the_sink_and_nothing_is_set_aside(run: Drills) -> None:
    settings = replace(run.stack.settings, elasticsearch=run.elasticsearch.address)

    def take_away() -> Callable[[], None]:
        with Elasticsearch(settings.elasticsearch) as client:
            client.indices.delete(index=f"{settings.prefix}-alerts-v1")
            client.indices.put_settings(index=f"{settings.prefix}-articles-v1", settings={"index.blocks.write": True})

        def give_back() -> None:
            with Elasticsearch(settings.elasticsearch) as client:
                setup.setup(client, settings)
                client.indices.put_settings(index=f"{settings.prefix}-articles-v1", settings={"index.blocks.write": None})

        return give_back

    stops_red(run, "an index is gone, another one blocked", take_away)


def stops_red(run: Drills, name: str, hurt: Callable[[], Callable[[], None]]) -> None:
    with run.drill(name, PIECE):
        sink = run.service(SINK)
        sink.expected_to_end = True
        mend = hurt()
        run.feed(PIECE)
        run.stack.wait(lambda: sink.code is not None, 60, "the sink stops")
        assert sink.code not in (0, None)
        assert "Traceback" not in sink.said()
        assert sink.said().splitlines()[-1].startswith("tocsin: ")
        mend()
        run.heal()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own; skips where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_stops_a_worker_and_costs_nothing(run: Drills) -> None:
    with run.drill("the disk of the worker that clusters is full", PIECE, seconds=240):
        cluster = run.service(WORKERS[0])
        cluster.end()
        folder = Path(run.stack.settings.data).parent / "small"
        with small_disk(folder, "2m"):
            (folder / "filler").write_bytes(b"x" * 1_500_000)
            (small,) = run.stack.start(WORKERS[0], node="small", data=str(folder))
            small.expected_to_end = True
            run.feed(PIECE)
            run.stack.wait(lambda: small.code is not None or run.stack.lag("cluster", topics.INCOMING) == 0, 90, "it stops, or copes")
            small.end(signal.SIGKILL)
            assert "Traceback" not in small.said(), small.said()[-2000:]
        run.stack.services.remove(small)
        run.heal()


def test_scheduler_and_fetcher_are_killed_under_a_whole_run(kafka: str, elasticsearch: str, tmp_path: Path) -> None:
    with serve() as site:
        poll(site, settings_for(site, tmp_path / "embedded"))
        with open_store(tmp_path / "embedded", read_only=True) as store:
            embedded = embedded_outcome(store)
        site.requests.clear()
        with stack(kafka, elasticsearch, tmp_path / "distributed") as running:
            running.settings = for_site(running.settings, site, pause=0.15)
            began = time.monotonic()
            services = {name: running.start(name)[0] for name in (*CRAWL, *STREAM)}
            for victim, goal in zip(("fetch", "schedule", "fetch", "schedule"), (6, 14, 22, 30), strict=True):
                running.wait(lambda goal=goal: sum(site.requests.values()) >= goal, 90, "the crawl goes on")  # type: ignore[misc]
                services[victim].end(signal.SIGKILL)
                services[victim] = running.again(services[victim])
            wanted = set(embedded.versions)
            running.wait(
                lambda: not wanted - {article.version_id for article in records(running.settings, topics.INCOMING)}, 120, "all is fetched"
            )
            running.wait_until_done()
            took = time.monotonic() - began
            found = distributed_outcome(running.settings)
            letters = records(running.settings, topics.DEAD_LETTERS)
    lost, doubled = wanted - set(found.versions), set(found.versions) - wanted
    unequal = differences(embedded.versions, found.versions, {*WHERE, *WALL_TIME, *ARRIVAL})
    ROWS.append(Row("SIGKILL of scheduler and fetcher, twice each", len(wanted), len(lost), len(doubled), len(letters), not unequal, took))
    assert (lost, doubled, unequal[:10], letters) == (set(), set(), [], [])
