"""Messages as every earlier schema wrote them are read by this one; those of the next are refused.

tests/golden/schema_N.jsonl holds one message of each topic as schema N wrote it: {"topic", "body"} a line. A new schema adds a file and
leaves the others as they are.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.batches import Taken, Work
from streams.overlay import Overlay
from streams.stages import STAGES, Stage, Tagging
from tests.streams.ledger_of import resources, sides
from tocsin import topics, wire
from tocsin.errors import NewerSchema
from tocsin.records import SCHEMA_VERSION
from tocsin.settings import load

GOLDEN = Path(__file__).parents[1] / "golden"
TOPICS = {topic.name: topic for topic in topics.ALL}
KEPT = [
    (schema, *json.loads(line).values())
    for schema in range(1, SCHEMA_VERSION + 1)
    for line in (GOLDEN / f"schema_{schema}.jsonl").read_text(encoding="utf-8").splitlines()
]


def message(body: Any) -> bytes:
    return json.dumps(body).encode()


def lost(before: Any, after: Any) -> list[str]:
    """Paths of what a record said and says no more."""
    if isinstance(before, dict):
        return [f".{key}{path}" for key, value in before.items() for path in lost(value, (after or {}).get(key))]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [f"[{at}]{path}" for at, (one, other) in enumerate(zip(before, after, strict=True)) for path in lost(one, other)]
    return [] if before == after else [f": {before!r} became {after!r}"]


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION + 1))
def test_there_is_a_message_of_every_topic(schema: int) -> None:
    assert {topic for of, topic, _ in KEPT if of == schema} == set(TOPICS)


@pytest.mark.parametrize(("topic", "body"), [one[1:] for one in KEPT], ids=lambda value: str(value)[:12])
def test_a_message_of_an_earlier_schema_is_read_and_loses_nothing(topic: str, body: Any) -> None:
    assert lost(body, json.loads(wire.encode(wire.decode(message(body), TOPICS[topic].record)))) == []


@pytest.mark.parametrize(("topic", "body"), [one[1:] for one in KEPT if one[0] == SCHEMA_VERSION], ids=lambda value: str(value)[:12])
def test_a_message_of_the_next_schema_is_refused(topic: str, body: Any) -> None:
    with pytest.raises(NewerSchema, match="upgrade"):
        wire.decode(message({**body, "schema_version": SCHEMA_VERSION + 1}), TOPICS[topic].record)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_works_on_messages_of_an_earlier_schema(stage: Stage) -> None:
    knowledge = Tagging(resources(), sides()) if stage.name == "tag" else stage.load(load(environment={})[0])
    work = Work(stage, knowledge, {name: Overlay({}) for name in stage.tables})
    for offset, (_, _, body) in enumerate(one for one in KEPT if one[1] == stage.reads.name):
        made = work.take(Taken(stage.reads.name, 0, offset, None, message(body)))
        assert isinstance(made, list), made.error
        assert {output.topic for output in made} <= {*stage.writes}
        assert any(table.changes() for table in work.tables.values())
