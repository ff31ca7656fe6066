"""Rolling upgrades: records of the schema before are read as ever; one of a newer schema stops its reader, and waits for the upgrade."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live import corpus
from tests.live.compare import WHERE, check, distributed_outcome
from tests.live.indices import left
from tests.live.stack import GROUPS, SINK, STREAM, WORKERS, stack
from tests.live.stream import behind, messages, records, send_bytes
from tocsin import topics
from tocsin.records import SCHEMA_VERSION

pytestmark = pytest.mark.timeout(300)
INPUT = corpus.made(20)


def of_the_schema_before(body: bytes) -> bytes:
    """An article as a sender before this version wrote it: without what has a default now, and with its number."""
    record: dict[str, Any] = json.loads(body)
    later = ("extractor", "flags", "comments", "bio", "publisher", "source_lang", "source_country", "affiliated_with", "backfill")
    kept = {name: value for name, value in record.items() if name not in later or value not in (None, [], "", False, "trafilatura")}
    return json.dumps({**kept, "schema_version": SCHEMA_VERSION - 1}).encode()


def test_articles_of_the_schema_before_give_the_same_documents(kafka: str, elasticsearch: str, tmp_path: Path) -> None:
    with stack(kafka, elasticsearch, tmp_path / "now") as running:
        running.start(*STREAM)
        running.submit(INPUT)
        running.wait_until_done()
        bodies = [one.value for one in messages(running.settings, topics.full_name(running.settings, topics.INCOMING))]
        expected = distributed_outcome(running.settings)
    with stack(kafka, elasticsearch, tmp_path / "before") as running:
        running.start(*STREAM)
        send_bytes(running.settings, topics.INCOMING, [of_the_schema_before(body) for body in bodies])
        running.wait_until_done()
        found = distributed_outcome(running.settings)
        assert records(running.settings, topics.DEAD_LETTERS) == []
    check(expected.versions, found.versions, {*WHERE, "article.schema_version"})
    assert found.told == expected.told


@pytest.mark.parametrize("name", STREAM)
def test_a_newer_record_stops_its_reader_and_is_no_dead_letter(name: str, kafka: str, elasticsearch: str, tmp_path: Path) -> None:
    read = {SINK: topics.TAGGED, **{worker: of[1][0] for worker, of in zip(WORKERS, GROUPS, strict=False)}}[name]
    with stack(kafka, elasticsearch, tmp_path) as running:
        send_bytes(running.settings, read, [json.dumps({"schema_version": SCHEMA_VERSION + 1}).encode()])
        (service,) = running.start(name)
        service.expected_to_end = True
        running.wait(lambda: service.code is not None, 60, "it stops")
        assert service.code in (1, 2)
        assert service.said().splitlines()[-1].startswith("tocsin: ")
        assert "upgrade Tocsin" in service.said()
        assert "Traceback" not in service.said()
        waiting = left(running.settings) if name == SINK else behind(running.settings, GROUPS[WORKERS.index(name)][0], read)
        assert waiting == 1
        assert records(running.settings, topics.DEAD_LETTERS) == []
