"""The stages chained bare: decoded records and dicts in, messages out."""

from collections.abc import Iterable
from typing import Any

import pytest

from streams.batches import Taken, Work
from streams.overlay import Overlay
from streams.stages import PACKED, STAGES, Output, Stage, Tagging, in_time, output, pack
from tests.builders import article
from tocsin import topics, wire
from tocsin.alerting import Alert
from tocsin.clock import parse
from tocsin.errors import Quarantine
from tocsin.incidents import Incident
from tocsin.messages import Document, Placed, Sightings
from tocsin.records import Article
from tocsin.settings import Settings, load

CLUSTER, TAG, ALERT, LEDGER = STAGES
PARTITIONS = 4
MOSUL = "Shelling hit a market in Mosul on Tuesday, killing 14 people, a hospital director said."


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    rules = tmp_path_factory.mktemp("rules")
    (rules / "all.yaml").write_text("watch: [Mosul, Tikrit]\n", encoding="utf-8")
    return load(environment={}, given={"rules": str(rules), "partitions": PARTITIONS})[0]


@pytest.fixture(scope="module")
def tagging(settings: Settings) -> Tagging:
    return TAG.load(settings)


def opened(stage: Stage, knowledge: Any) -> Any:
    step = stage.open(knowledge, {name: {} for name in stage.tables})
    return lambda records: [made for record in records for made in step(record)]


def read(outputs: Iterable[Output], topic: topics.Topic) -> list[Any]:
    return [wire.decode(one.body, topic.record) for one in outputs if one.topic is topic]


def test_the_stages_follow_the_order_of_the_stream_and_of_their_tables() -> None:
    assert tuple(stage.name for stage in STAGES) == topics.STAGES
    for stage in STAGES:
        assert set(stage.tables) == {table.name for table in topics.TABLES if table.stage == stage.name}


def test_an_article_becomes_a_document_sightings_and_alerts(settings: Settings, tagging: Tagging) -> None:
    placed = opened(CLUSTER, None)([article(MOSUL, url="u:1"), article(MOSUL, url="u:2")])
    assert [one.clustered.leader_id for one in read(placed, topics.ARTICLES)] == [article(MOSUL, url="u:1").article_id] * 2
    assert all(one.article.sketch is None for one in read(placed, topics.ARTICLES))
    tagged = pack(opened(TAG, tagging)(read(placed, topics.ARTICLES)), PARTITIONS)
    documents: list[Document] = read(tagged, topics.TAGGED)
    assert [{claim.cluster_id for claim in one.tagged.claims} for one in documents] == [{one.clustered.cluster_id} for one in documents]
    alerts: list[Alert] = read(opened(ALERT, ALERT.load(settings))(read(tagged, topics.SIGHTINGS)), topics.ALERTS)
    assert [(alert.subject, alert.article_id) for alert in alerts] == [("loc:mosul", documents[0].clustered.article_id)]


def test_old_material_travels_on_its_own_lane_and_rings_nothing(settings: Settings, tagging: Tagging) -> None:
    old = article(MOSUL, backfill=True)
    placed = opened(CLUSTER, None)([old])
    tagged = pack(opened(TAG, tagging)(read(placed, topics.ARTICLES)), PARTITIONS)
    assert all(one.backfill for one in (*placed, *tagged))
    assert opened(ALERT, ALERT.load(settings))(read(tagged, topics.SIGHTINGS)) == []


def test_claims_of_several_articles_meet_in_an_incident_and_an_edit_that_falls_silent_leaves_it(tagging: Tagging) -> None:
    cluster, tag, ledger = (opened(stage, knows) for stage, knows in ((CLUSTER, None), (TAG, tagging), (LEDGER, None)))

    def incidents(*articles: Article) -> list[Incident]:
        tagged = pack(tag(read(cluster(articles), topics.ARTICLES)), PARTITIONS)
        return read(ledger(read(tagged, topics.CLAIMS)), topics.INCIDENTS)

    first, second = article(MOSUL, url="u:1"), article(f"Iraq: {MOSUL}", url="u:2", owner="other", source_id="other", source_name="Other")
    (told,) = incidents(first, second)
    assert (told.articles, told.revision) == ((first.article_id, second.article_id), 2)
    edited = article("A market in Mosul was busy on Tuesday.", url="u:1", at="2018-01-06T11:00:00Z")
    (left,) = incidents(edited)
    assert (left.incident_id, left.revision) == (told.incident_id, 3)
    assert [correction.kind for correction in left.corrections] == ["withdrawn", "withdrawn"][: len(left.corrections)]
    assert left.corrections
    for again in ((first,), (second,), (edited,), (first, edited)):
        assert incidents(*again) == [], "delivered again it changes nothing"


@pytest.mark.parametrize("when", ["soon", "", "0001-01-02T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"])
def test_an_article_that_cannot_be_dated_never_gets_into_the_state(when: str) -> None:
    tables: dict[str, Any] = {"members": {}}
    step = CLUSTER.open(None, tables)
    with pytest.raises(Quarantine, match="fetched_at"):
        step(article(MOSUL, fetched_at=when))
    assert tables["members"] == {}


def test_a_fetcher_whose_clock_is_wrong_does_not_make_the_state_forget() -> None:
    written = parse("2018-01-06T10:00:05Z").timestamp()
    members: dict[str, Any] = {}
    work = Work(CLUSTER, None, {"members": Overlay(members)})

    def take(of: Article, offset: int) -> Placed:
        made = work.take(Taken("tocsin-incoming-1", 0, offset, None, wire.encode(of), 0, written + offset))
        assert isinstance(made, list)
        return wire.decode(made[0].body, Placed)

    first = take(article(MOSUL, url="u:1"), 0)
    bogus = article("Another text about something else entirely.", url="u:2", at="2061-01-01T00:00:00Z")
    assert take(bogus, 1).article.fetched_at == "2018-01-06T10:00:06Z"
    assert take(bogus, 1).article.fetched_at == "2018-01-06T10:00:06Z", "delivered again it is the same"
    assert take(article(MOSUL, url="u:3"), 2).clustered.leader_id == first.article.article_id
    assert set(work.tables["members"].changes()) == {article("", url=url).article_id for url in ("u:1", "u:2", "u:3")}


def test_clocks_may_differ_a_little() -> None:
    of = article(MOSUL, at="2018-01-06T10:00:00Z")
    assert in_time(of, parse("2018-01-06T09:00:00Z").timestamp()) is of
    assert in_time(of, None) is of
    assert in_time(of, -0.001) is of, "Kafka's sign for no time"


def sighted(tagging: Tagging, articles: Iterable[Article]) -> list[Output]:
    placed = opened(CLUSTER, None)(articles)
    return [one for one in opened(TAG, tagging)(read(placed, topics.ARTICLES)) if one.topic is topics.SIGHTINGS]


def test_sightings_of_a_batch_share_messages_by_partition_in_order(tagging: Tagging) -> None:
    parts = sighted(tagging, [article(f"{MOSUL} Part {n}.", url=f"u:{n}") for n in range(5)])
    packed = pack(parts, PARTITIONS)
    assert len(packed) <= PARTITIONS < len(parts)
    for message in packed:
        found = wire.decode(message.body, Sightings).found
        assert {topics.partition_of(one.subject, PARTITIONS) for one in found} == {topics.partition_of(message.key, PARTITIONS)}
        assert [wire.encode(one) for one in found] == [
            part.body for part in parts if topics.partition_of(part.key, PARTITIONS) == topics.partition_of(message.key, PARTITIONS)
        ]


def test_packed_messages_stay_small_and_lose_nothing() -> None:
    parts = [Output(topics.SIGHTINGS, "loc:mosul", b"1" * size) for size in (10, PACKED, 10, 400_000, 400_000, 400_000)]
    packed = pack(parts, PARTITIONS)
    assert sum(one.body.count(b"1") for one in packed) >= sum(len(part.body) for part in parts)
    assert all(len(one.body) < PACKED + 1000 for one in packed)


def test_a_record_too_large_for_a_message_is_refused() -> None:
    with pytest.raises(Quarantine, match="too large"):
        output(topics.INCOMING, "", article("x" * topics.MAX_BYTES, sketch=None))


def test_placing_keeps_every_other_field() -> None:
    of = article(MOSUL, comments=(), flags=("paywall",), bio="A bio.")
    (placed,) = read(opened(CLUSTER, None)([of]), topics.ARTICLES)
    assert isinstance(placed, Placed)
    assert wire.plain(placed.article) == {**wire.plain(of), "sketch": None}
