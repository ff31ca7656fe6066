"""One run, hurt in every way that a machine, an operator or a sender can hurt it; after each drill all input is accounted for.

The drills are pieces of one run, in this order; what it keeps is compared with a run of the same input that nothing hurt.
"""

import signal
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.builders import article, clustered, tagged
from tests.ledger_messages import claim, message
from tests.live.compare import WHERE, check, completed_by_districts, distributed_outcome, documents, told_otherwise
from tests.live.drills import TAG, Drills, drills
from tests.live.stack import SINK, WORKERS
from tests.live.stream import send, send_bytes
from tests.live.test_worker import sighting
from tocsin import topics
from tocsin.incidents import LedgerBatch
from tocsin.messages import Document, Placed, Sightings

pytestmark = pytest.mark.timeout(400)
PIECE = 40
DRILLS = 9


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drills]:
    with drills(tmp_path_factory.mktemp("drills"), DRILLS * PIECE) as hurt:
        yield hurt


def test_one_of_two_workers_is_killed_under_load(run: Drills) -> None:
    with run.drill("SIGKILL of one of two workers that tag", PIECE):
        run.feed(PIECE)
        run.until_at_work("tag", topics.ARTICLES)
        run.service(TAG, "two").end(signal.SIGKILL)


def test_one_of_two_workers_is_stopped_under_load(run: Drills) -> None:
    with run.drill("SIGTERM of one of two workers that tag", PIECE):
        run.feed(PIECE)
        run.until_at_work("tag", topics.ARTICLES)
        asked = time.monotonic()
        assert run.service(TAG).end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 10


def test_every_worker_with_state_is_killed_under_load(run: Drills) -> None:
    with run.drill("SIGKILL of cluster, alerts and ledger at once", PIECE):
        run.feed(PIECE)
        run.until_at_work("alerts", topics.SIGHTINGS)
        for stage in (0, 2, 3):
            run.service(WORKERS[stage]).end(signal.SIGKILL)
        run.heal()


def test_the_sink_is_killed_in_the_middle_of_a_bulk_request(run: Drills) -> None:
    with run.drill("SIGKILL of the sink in mid-bulk, three times", PIECE):
        run.proxy.slow(0.5)
        for piece in (PIECE // 2, PIECE - PIECE // 2, 0):
            run.proxy.held.clear()
            run.feed(piece)
            run.stack.wait(run.proxy.held.is_set, 60, "a bulk request is under way")
            run.service(SINK).end(signal.SIGKILL)
            run.heal()
        run.proxy.slow(0)


def test_the_broker_is_killed_and_comes_back_after_20_seconds(run: Drills) -> None:
    with run.drill("SIGKILL of Kafka, back after 20 s", PIECE):
        run.feed(PIECE)
        run.until_at_work("tag", topics.ARTICLES)
        run.kafka.kill()
        time.sleep(20)
        run.kafka.start()


def test_elasticsearch_is_away_for_30_seconds(run: Drills) -> None:
    with run.drill("Elasticsearch stopped for 30 s", PIECE):
        run.feed(PIECE // 2)
        run.until_at_work("sink-elasticsearch", topics.TAGGED)
        run.elasticsearch.stop()
        run.feed(PIECE - PIECE // 2)
        time.sleep(30)
        run.elasticsearch.start()


def test_the_cluster_is_overloaded_slow_and_loses_answers(run: Drills) -> None:
    with run.drill("429, 503, refused items, lost answers, slow answers", PIECE):
        run.proxy.answer(429, 3)
        run.proxy.answer(503, 3)
        run.proxy.cut(2)
        run.proxy.refuse_items(429, 3)
        run.proxy.slow(0.3)
        run.feed(PIECE)
        run.stack.wait(lambda: run.proxy.seen["items 429"] >= 3, 90, "all faults have happened")
        run.proxy.slow(0)


POISONED = (
    topics.INCOMING,
    topics.ARTICLES,
    topics.TAGGED,
    topics.SIGHTINGS,
    topics.CLAIMS,
    topics.ALERTS,
    topics.INCIDENTS,
    topics.DROPPED,
    topics.FETCHED,
    topics.DEAD_LETTERS,
)
POISON = (b"not JSON", b"[1, 2]", None, b"x" * (topics.MAX_BYTES - 10_000))


def test_poison_on_every_topic_is_set_aside(run: Drills) -> None:
    with run.drill("poison on ten topics: no JSON, another shape, empty, too large", PIECE, poison=len(POISONED) * len(POISON)):
        run.feed(PIECE // 2)
        for topic in POISONED:
            send_bytes(run.stack.settings, topic, POISON)
        run.feed(PIECE - PIECE // 2)


def test_a_record_that_makes_a_stage_raise_is_set_aside(run: Drills) -> None:
    good = article("Shells fell on Mosul.", url="https://example.org/raises")
    undated = replace(good, published_at="soon")
    said = replace(message(1, 1, [claim("c", 3, 1, "o", 5)]), at="soon", published_at=None)
    unwritable = Document(tagged=replace(tagged(good), lang="x" * 40_000), clustered=clustered(good))
    with run.drill("a record that makes each stage raise", PIECE, poison=5):
        run.feed(PIECE // 2)
        send(run.stack.settings, topics.INCOMING, [("", replace(good, fetched_at="soon"))])
        send(run.stack.settings, topics.ARTICLES, [(good.article_id, Placed(article=undated, clustered=clustered(undated)))])
        send(run.stack.settings, topics.SIGHTINGS, [("loc:mosul", Sightings(found=(sighting("loc:mosul", 1, at="soon"),)))])
        send(run.stack.settings, topics.CLAIMS, [(said.block, LedgerBatch(found=(said,)))])
        send(run.stack.settings, topics.TAGGED, [(good.article_id, unwritable)])
        run.feed(PIECE - PIECE // 2)


def test_after_all_of_it_the_run_has_kept_what_the_undisturbed_one_has_and_nothing_else(run: Drills) -> None:
    run.feed(len(run.expected.inputs) - run.fed)  # of drills that were left out
    run.stack.wait_until_done()
    found, expected = distributed_outcome(run.stack.settings), run.expected.found
    check(expected.versions, found.versions, WHERE)
    kinds = ("articles", "versions", "claims")
    mine, theirs = (
        {name: body for name, body in kept.items() if name.split("-")[0] in kinds}
        for kept in (documents(run.stack.settings), run.expected.documents)
    )
    check(theirs, mine, ())
    open_ended = completed_by_districts(run.stack.settings)
    assert {pair for pair in found.rang ^ expected.rang if pair[1] not in open_ended} == set()
    assert told_otherwise(expected, found) == set()
