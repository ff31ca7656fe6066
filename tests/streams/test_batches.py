"""What becomes of messages a stage cannot process: each alone a dead letter, whole; nothing of it is kept."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from streams import batches
from streams.batches import Taken, Work, changed_rows, messages
from streams.overlay import Overlay
from streams.stages import STAGES, Output, Stage
from tests.builders import article
from tocsin import topics, wire
from tocsin.errors import NewerSchema, UsageError
from tocsin.messages import DeadLetter
from tocsin.records import Article
from tocsin.settings import load

SETTINGS = load(environment={}, given={"partitions": 4})[0]
CLUSTER = STAGES[0]


def taken(body: bytes | None, offset: int = 7) -> Taken:
    return Taken("tocsin-incoming-1", 0, offset, b"key", body)


def work(stage: Stage = CLUSTER) -> Work:
    return Work(stage, None, {name: Overlay({}) for name in stage.tables})


def stage_that(does: Any) -> Stage:
    """The cluster stage, but for what it does with an article."""
    return CLUSTER._replace(open=lambda _, tables: lambda record: does(record, tables))


@pytest.mark.parametrize("body", [None, b"", b"not json", b"{}", b'{"article_id": 5}', b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_is_a_dead_letter_with_its_origin(body: bytes | None) -> None:
    letter = work().take(taken(body))
    assert isinstance(letter, DeadLetter)
    assert (letter.stage, letter.topic, letter.partition, letter.offset, letter.key, letter.body) == (
        "cluster",
        "tocsin-incoming-1",
        0,
        7,
        b"key",
        body,
    )
    assert letter.error
    assert letter.fingerprint


def test_a_newer_schema_stops_the_service() -> None:
    with pytest.raises(NewerSchema, match="upgrade"):
        work().take(taken(b'{"other": "shape", "schema_version": 99}'))


def test_a_record_that_makes_the_stage_raise_is_a_dead_letter_and_leaves_no_row() -> None:
    def falls(of: Article, tables: Any) -> list[Output]:
        tables["members"][of.url] = of
        if of.url == "u:bad":
            raise ZeroDivisionError("seven by nothing")
        return []

    at_work = work(stage_that(falls))
    results = [at_work.take(taken(wire.encode(article("Text.", url=url)))) for url in ("u:1", "u:bad", "u:2")]
    assert [isinstance(one, DeadLetter) for one in results] == [False, True, False]
    assert set(at_work.tables["members"].changes()) == {"u:1", "u:2"}


def test_a_record_whose_row_no_changelog_can_take_is_a_dead_letter() -> None:
    def grows(of: Article, tables: Any) -> list[Output]:
        tables["members"][of.url] = replace(of, text=of.text * (topics.MAX_BYTES if of.url == "u:bad" else 1))
        return []

    at_work = work(stage_that(grows))
    results = [at_work.take(taken(wire.encode(article("x", url=url)))) for url in ("u:1", "u:bad", "u:2")]
    assert [isinstance(one, DeadLetter) for one in results] == [False, True, False]
    assert set(at_work.tables["members"].changes()) == {"u:1", "u:2"}


def test_a_broken_world_is_no_dead_letter() -> None:
    def falls(_of: Article, _tables: Any) -> list[Output]:
        raise UsageError("the disk is full")

    with pytest.raises(UsageError, match="full"):
        work(stage_that(falls)).take(taken(wire.encode(article("Text."))))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(batches, "SLOW", 0.2)
    end = batches.watch()
    yield
    end()


@pytest.mark.usefixtures("impatient")
def test_a_record_that_takes_too_long_is_a_dead_letter() -> None:
    def hangs(_of: Article, _tables: Any) -> list[Output]:
        while True:
            time.sleep(0.01)

    started = time.monotonic()
    letter = work(stage_that(hangs)).take(taken(wire.encode(article("Text."))))
    assert isinstance(letter, DeadLetter)
    assert "took longer" in letter.error
    assert time.monotonic() - started < 5


def test_a_dead_letter_goes_whole_to_its_topic() -> None:
    letter = work().take(taken(b"not json"))
    assert isinstance(letter, DeadLetter)
    (message,) = messages(SETTINGS, [], [letter])
    assert message.topic == topics.full_name(SETTINGS, topics.DEAD_LETTERS)
    assert wire.decode(message.body or b"", DeadLetter) == letter


def test_a_dead_letter_too_large_for_a_message_names_where_its_bytes_are() -> None:
    letter = work().take(taken(b"x" * (topics.MAX_BYTES - 100)))
    assert isinstance(letter, DeadLetter)
    (message,) = messages(SETTINGS, [], [letter])
    sent = wire.decode(message.body or b"", DeadLetter)
    assert sent.body is None
    assert "7,999,900 bytes" in sent.error
    assert (sent.topic, sent.offset) == (letter.topic, letter.offset)


def test_messages_go_to_the_partition_of_their_key_and_to_their_lane() -> None:
    old, new = Output(topics.ARTICLES, "a_1", b"{}", backfill=True), Output(topics.ARTICLES, "a_2", b"{}")
    assert [(one.topic, one.partition, one.key) for one in messages(SETTINGS, [old, new], [])] == [
        ("tocsin-backfill-articles-1", topics.partition_of("a_1", 4), b"a_1"),
        ("tocsin-articles-1", topics.partition_of("a_2", 4), b"a_2"),
    ]


def test_a_deleted_row_is_deleted_in_the_changelog_too() -> None:
    table = next(table for table in topics.TABLES if table.name == "members")
    sent = list(changed_rows(SETTINGS, table, 0, {"a": b"row", "b": None}))
    assert [(one.topic, one.partition, one.key, one.body) for one in sent] == [
        ("tocsin-cluster-1-members-changelog", 0, b"a", b"row"),
        ("tocsin-cluster-1-members-changelog", 0, b"b", None),
    ]
