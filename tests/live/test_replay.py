"""An index built anew on real servers: from every source the same documents, whatever is written meanwhile, and nothing rings."""

import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from elasticsearch import Elasticsearch
from msgspec import structs

from producers.read import read_inputs
from producers.submit import Submission
from sinks.elasticsearch import mapping
from streams.batches import Taken, Work
from streams.batches import messages as outgoing
from streams.overlay import Overlay
from streams.stages import STAGES
from tests.live import corpus, indices, stream
from tocsin import topics
from tocsin.broker import Publisher
from tocsin.distributed.handover import old_sinks
from tocsin.distributed.replay import Refusals, Replay
from tocsin.embedded.session import as_article
from tocsin.messages import DeadLetter
from tocsin.settings import Settings

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("replay")]
KINDS = tuple(mapping.indices().kinds)


class Processed(NamedTuple):
    """Pages that went all the way, and what the sink made of them in generation 1."""

    settings: Settings
    client: Elasticsearch
    kept: dict[str, dict[str, str]]  # kind -> id -> the document as it is stored


def submitted(settings: Settings, lines: list[dict[str, Any]], folder: Path, *, backfill: bool = False) -> None:
    path = folder / f"{secrets.token_hex(4)}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with Submission(settings, as_article, backfill=backfill) as submission:
        submission.send(read_inputs([path], archive=Path(settings.data) / "archive"))
        assert submission.counts["dropped"] < submission.counts["articles"]


class Stages:
    """The stages at work on real topics, without Faust: whatever is new on what they read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._works = {stage.name: Work(stage, stage.load(settings), {name: Overlay({}) for name in stage.tables}) for stage in STAGES}
        self._read: Counter[tuple[str, int]] = Counter()

    def run(self) -> None:
        publisher = Publisher(self._settings, "test")
        for stage in STAGES:
            for name in topics.lanes(self._settings, stage.reads):
                for message in stream.messages(self._settings, name):
                    if message.offset < self._read[name, message.partition]:
                        continue
                    self._read[name, message.partition] = message.offset + 1
                    made = self._works[stage.name].take(Taken(name, message.partition, message.offset, message.key, message.value))
                    assert not isinstance(made, DeadLetter), made.error
                    for one in outgoing(self._settings, made, []):
                        publisher.put(one.topic, one.partition, one.key, one.body)
            publisher.flush()
        publisher.close()


@pytest.fixture(scope="module")
def processed(kafka: str, elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processed]:
    folder = tmp_path_factory.mktemp("replay")
    settings = Settings(
        prefix=f"t{secrets.token_hex(5)}",
        data=str(folder / "data"),
        node="test",
        partitions=4,
        workers=1,
        kafka=kafka,
        elasticsearch=elasticsearch,
    )
    stream.create_topics(settings)
    with indices.set_up(settings) as client:
        pages = corpus.captured()
        submitted(settings, pages[4:], folder)
        submitted(settings, pages[:4], folder, backfill=True)
        Stages(settings).run()
        indices.drain(settings)
        kept = stored(client, settings, 1)
        assert all(kept[kind] for kind in KINDS if kind != "fates")
        yield Processed(settings, client, kept)


def stored(client: Elasticsearch, settings: Settings, generation: int) -> dict[str, dict[str, str]]:
    """Every document of a generation as it is stored, its fields in their order."""
    client.indices.refresh(index=f"{settings.prefix}-*")
    found: dict[str, dict[str, str]] = {}
    for kind in KINDS:
        hits = client.search(index=f"{settings.prefix}-{kind}-v{generation}*", size=10_000).body["hits"]["hits"]
        found[kind] = {hit["_id"]: json.dumps(hit["_source"]) for hit in hits}
    return found


def seen(client: Elasticsearch, settings: Settings) -> set[str]:
    """Generations that readers see, of all kinds."""
    aliased = client.indices.get_alias(name=f"{settings.prefix}-*").body
    return {name.removeprefix(f"{settings.prefix}-").split("-")[1] for name in aliased}


def run(settings: Settings, source: Any, into: int) -> Counter[str]:
    with Replay(settings, source, into) as work:
        work.run(follow=False)
        return work.counts


def test_every_source_gives_the_same_documents_and_nothing_rings(processed: Processed) -> None:
    settings, client, kept = processed
    alerts = stream.size(settings, topics.full_name(settings, topics.ALERTS))
    versions = len(kept["versions"])
    for number, source in enumerate(("tagged", "articles", "archive", "incoming", "index"), 2):
        counts = run(settings, source, number)
        made = stored(client, settings, number)
        for kind in KINDS:
            assert made[kind] == kept[kind], f"{source}: {kind}"
        assert seen(client, settings) == {f"v{number}"}
        # What is the same was not just carried over from the generation before.
        assert counts["carried over"] == (versions if source == "index" else 0), source
        assert counts["tagged anew"] >= (0 if source == "tagged" else versions)
        assert counts["clustered anew"] == counts["broke"] == counts["unreadable"] == 0
    assert stream.size(settings, topics.full_name(settings, topics.ALERTS)) == alerts


def test_when_everything_in_elasticsearch_is_lost_the_same_generation_comes_again(processed: Processed) -> None:
    settings, client, kept = processed
    settings = structs.replace(settings, index_generation=1)
    indices.remove(client, settings.prefix)
    with Replay(settings, "tagged") as work:
        plan = work.plan()
        assert (plan.live, plan.generation, plan.swaps) == (None, 1, False)
        work.run()
    assert stored(client, settings, 1) == kept
    assert seen(client, settings) == {"v1"}


def test_what_no_topic_keeps_is_carried_over_from_the_older_generation(settings: Settings, processed: Processed) -> None:
    # The same index under other topics, which are empty: as if all had passed their retention.
    first, client, _ = processed
    stream.create_topics(structs.replace(first, topic_generation=9))
    empty = structs.replace(first, topic_generation=9, data=settings.data)
    live = max(int(name.removeprefix("v")) for name in seen(client, first))
    before = stored(client, first, live)
    counts = run(empty, "tagged", live + 1)
    assert stored(client, first, live + 1) == before
    assert counts["carried over"] >= len(before["versions"])


def test_articles_that_come_meanwhile_are_seen_whenever_the_sink_moves(
    settings: Settings, kafka: str, elasticsearch: str, tmp_path: Path
) -> None:
    stream.create_topics(settings)
    stages = Stages(settings)
    parts = [corpus.captured()[start : start + 5] for start in (0, 5, 10, 15)]
    with indices.set_up(settings) as client:
        submitted(settings, parts[0], tmp_path)
        stages.run()
        sink = indices.start(settings)
        try:
            stream.wait_for(lambda: indices.left(settings) == 0)
            submitted(settings, parts[1], tmp_path)
            stages.run()
            given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
            work = subprocess.Popen(
                [sys.executable, "-m", "tocsin", "replay", "--from", "tagged", "--json"],
                env={**os.environ, **given},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stream.wait_for(lambda: seen(client, settings) == {"v2"})
            # Readers see generation 2, and the sink writes generation 1: what comes now is there all the same.
            submitted(settings, parts[2], tmp_path)
            stages.run()
            stream.wait_for(lambda: _same(client, settings))
            assert work.poll() is None
            newer = structs.replace(settings, index_generation=2)
            assert old_sinks(newer) == ["sink-elasticsearch-test-v1"]
            stream.stop(sink)
            sink = indices.start(newer)
            out, said = work.communicate(timeout=60)
            assert (work.returncode, json.loads(out)["generation"]) == (0, 2), said
            submitted(settings, parts[3], tmp_path)
            stages.run()
            stream.wait_for(lambda: indices.left(settings) == 0)
        finally:
            stream.stop(sink)
        assert len(stored(client, settings, 2)["versions"]) == len(stream.records(settings, topics.TAGGED))
        # An old sink that is started by mistake is told.
        again = indices.start(settings)
        _, told = again.communicate(timeout=60)
        assert again.returncode == 2
        assert "set index_generation to 2" in told


def _same(client: Elasticsearch, settings: Settings) -> bool:
    versions = {one.clustered.version_id for one in stream.records(settings, topics.TAGGED)}
    return set(stored(client, settings, 2)["versions"]) == versions


def test_refused_documents_keep_readers_where_they_are(processed: Processed, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, client, _ = processed
    before = seen(client, settings)
    into = max(int(name.removeprefix("v")) for name in before) + 1
    monkeypatch.setattr("sinks.elasticsearch.documents._at", lambda _: "not a date")
    with Replay(settings, "tagged", into) as work, pytest.raises(Refusals, match=r"readers stay where they are; the first: .*date"):
        work.run(follow=False)
    assert seen(client, settings) == before


@pytest.mark.parametrize("source", ["tagged", "articles"])
def test_interrupted_at_its_first_batch_it_is_run_again(processed: Processed, source: Any) -> None:
    settings, client, kept = processed
    before = seen(client, settings)
    into = max(int(name.removeprefix("v")) for name in before) + 1

    def told(what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Replay(settings, source, into) as work:
        work.run(told, follow=False)
    assert seen(client, settings) == before
    run(settings, source, into)
    assert stored(client, settings, into) == kept


def test_a_new_generation_of_topics_gets_its_state_and_rings_nothing(processed: Processed) -> None:
    first, _, kept = processed
    settings = structs.replace(first, topic_generation=2, partitions=6)
    missing = tocsin(settings, "replay", "--from", "articles", "--topics", "1")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "tocsin topics create" in missing.stderr
    stream.create_topics(settings)
    done = tocsin(settings, "replay", "--from", "articles", "--topics", "1", "--json")
    assert json.loads(done.stdout)["sent"] == len(stream.records(first, topics.ARTICLES)), done.stderr
    Stages(settings).run()
    live, old = topics.lanes(settings, topics.TAGGED)
    assert stream.messages(settings, live) == []
    assert {one.clustered.version_id for one in stream.records(settings, topics.TAGGED)} == set(kept["versions"])
    assert {message.partition for message in stream.messages(settings, old)} == set(range(6))
    assert stream.records(settings, topics.ALERTS) == []


def tocsin(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments], env={**os.environ, **given}, capture_output=True, text=True, timeout=100
    )


def test_a_plan_changes_nothing_and_says_what_would_be_done(processed: Processed) -> None:
    settings, client, _ = processed
    before = set(client.indices.get(index=f"{settings.prefix}-*").body)
    done = tocsin(settings, "replay", "--from", "archive", "--into", "v77", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert all(words in done.stdout for words in ("generation 77 will be filled", "warc.gz", "swap", "carry"))
    assert set(client.indices.get(index=f"{settings.prefix}-*").body) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kafka": "127.0.0.1:1"}, "no Kafka answers at 127.0.0.1:1"),
        ({"elasticsearch": "http://127.0.0.1:1"}, "no Elasticsearch answers at http://127.0.0.1:1"),
        ({}, "run `tocsin topics create`"),
    ],
    ids=["no Kafka", "no Elasticsearch", "no topics"],
)
def test_without_its_servers_and_topics_a_replay_changes_nothing_and_says_what_to_do(
    settings: Settings, processed: Processed, changed: dict[str, str], said: str
) -> None:
    servers = {"kafka": processed.settings.kafka, "elasticsearch": processed.settings.elasticsearch}
    given = structs.replace(settings, **(servers | changed))
    done = tocsin(given, "replay", "--from", "tagged")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert dict(processed.client.indices.get(index=f"{settings.prefix}-*").body) == {}


def test_a_replay_never_goes_back(processed: Processed) -> None:
    from tocsin.errors import UsageError

    settings, client, _ = processed
    live = max(int(name.removeprefix("v")) for name in seen(client, settings))
    with pytest.raises(UsageError, match=f"readers see generation {live}"), Replay(settings, "tagged", live - 1):
        pass
