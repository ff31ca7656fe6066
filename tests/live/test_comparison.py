"""The same input through the embedded run and through the distributed one: everything that both keep, field by field.

With one partition a topic everything passes in one order, so that all is equal to the letter. With several, stages read in parallel: what
depends on the order (who came first of two that ring together) is compared as what it says.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.sample.server import serve
from sinks.sqlite import open_store
from tests.live import corpus
from tests.live.compare import (
    ARRIVAL,
    WALL_TIME,
    WHERE,
    Outcome,
    check,
    completed_by_districts,
    distributed_outcome,
    documents,
    embedded_outcome,
)
from tests.live.crawling import for_site
from tests.live.stack import CRAWL, STREAM, Stack, stack
from tests.live.stream import records
from tests.sample_run import poll, settings_for
from tocsin import topics
from tocsin.embedded.session import Session
from tocsin.settings import Settings

pytestmark = pytest.mark.timeout(300)
INPUT = [*corpus.captured(), *corpus.made(80)]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("embedded")
    path = corpus.write_lines(folder / "input.jsonl", INPUT)
    with Session(Settings(data=str(folder / "data"), workers=2)) as session:
        session.ingest([str(path)])
        return embedded_outcome(session.store)


@pytest.fixture(scope="module")
def in_order(kafka: str, elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A run with one partition a topic that has read all input."""
    with stack(kafka, elasticsearch, tmp_path_factory.mktemp("in-order"), partitions=1) as running:
        running.start(*STREAM)
        running.submit(INPUT)
        running.wait_until_done()
        yield running


def test_in_one_order_the_two_runs_keep_the_same_to_the_letter(embedded: Outcome, in_order: Stack) -> None:
    found = distributed_outcome(in_order.settings)
    assert len(found.versions) > 100
    assert found.alerts
    assert found.incidents
    for name, expected in embedded._asdict().items():
        check(expected, getattr(found, name), WHERE, name)
    assert records(in_order.settings, topics.DEAD_LETTERS) == []


def test_everything_delivered_twice_changes_no_document(in_order: Stack) -> None:
    before = documents(in_order.settings)
    in_order.submit(INPUT)
    in_order.wait_until_done()
    check(before, documents(in_order.settings), ())


@pytest.mark.parametrize("order", ["as given", "shuffled"])
def test_with_parallel_readers_articles_and_claims_are_equal_and_alerts_by_rule_and_subject(
    order: str, embedded: Outcome, kafka: str, elasticsearch: str, tmp_path: Path
) -> None:
    lines = INPUT if order == "as given" else random.Random(7).sample(INPUT, len(INPUT))  # noqa: S311 - the same order every time
    with stack(kafka, elasticsearch, tmp_path) as running:
        running.start(*STREAM)
        running.start("worker --stage tag", node="two")
        running.submit(lines)
        running.wait_until_done()
        found, open_ended = distributed_outcome(running.settings), completed_by_districts(running.settings)
    left_out = WHERE if order == "as given" else {*WHERE, *ARRIVAL}
    check(embedded.versions, found.versions, left_out)
    assert found.current == embedded.current
    assert found.clusters == embedded.clusters
    assert {pair for pair in found.rang ^ embedded.rang if pair[1] not in open_ended} == set()
    assert found.told == embedded.told
    assert len(found.told) == sum(len(incident.claim_ids) for incident in found.incidents.values()), "a claim is told in two incidents"


def test_schedule_and_fetch_bring_what_the_embedded_crawl_brings(kafka: str, elasticsearch: str, tmp_path: Path) -> None:
    with serve() as site:
        poll(site, settings_for(site, tmp_path / "embedded"))
        with open_store(tmp_path / "embedded", read_only=True) as store:
            embedded = embedded_outcome(store)
        site.requests.clear()  # pages that ask for patience first do so again
        with stack(kafka, elasticsearch, tmp_path / "distributed") as running:
            running.settings = for_site(running.settings, site)
            running.start(*CRAWL, *STREAM)
            running.wait(lambda: len(records(running.settings, topics.INCOMING)) >= len(embedded.versions), 90, "all pages are fetched")
            running.wait_until_done()
            found = distributed_outcome(running.settings)
    left_out = {*WHERE, *WALL_TIME, *ARRIVAL}
    check(embedded.versions, found.versions, left_out)
    assert found.clusters == embedded.clusters
    assert found.rang == embedded.rang
    assert found.told == embedded.told
    assert {name: count for name, count in found.report.dropped.items() if count} == embedded.report.dropped
