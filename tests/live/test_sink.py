"""The Elasticsearch sink on real servers: everything is kept once, in the right order, and no fault sets anything aside."""

import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from msgspec import structs

from sinks.elasticsearch import names
from sinks.elasticsearch.bulk import Writer
from sinks.elasticsearch.client import ClusterError
from sinks.elasticsearch.sink import ElasticsearchSink
from tests.live import stream
from tests.live.fault_proxy import FaultProxy
from tests.live.indices import drain, everything, left, of_kind, set_up, start, write
from tests.sinks import samples
from tocsin import topics
from tocsin.alerting import Alert
from tocsin.messages import Document
from tocsin.records import Dropped, Fetched, Request
from tocsin.settings import Settings

TEXT = "Fighters took Mosul. Officials said 12 people were killed in Raqqa."


@pytest.fixture
def client(settings: Settings, elasticsearch: str) -> Iterator[Elasticsearch]:
    """Indices of a test's own."""
    with set_up(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(elasticsearch: str) -> Iterator[tuple[Settings, Elasticsearch]]:
    """Indices that several tests share, each with articles of a source of its own."""
    settings = Settings(prefix=f"t{secrets.token_hex(5)}", elasticsearch=elasticsearch, node="test")
    with set_up(settings) as opened:
        yield settings, opened


class Place:
    """Where one test writes, and what it finds of its own."""

    def __init__(self, settings: Settings, client: Elasticsearch, source: str) -> None:
        self.settings, self._client, self.source = settings, client, source

    def document(self, number: int = 0, *more: Any) -> Document:
        return document(number, *more, source=self.source)

    def found(self, kind: str) -> dict[str, dict[str, Any]]:
        documents = of_kind(everything(self._client, self.settings), kind)
        return {name: body for name, body in documents.items() if body.get("source_id") == self.source}


@pytest.fixture
def place(shared: tuple[Settings, Elasticsearch]) -> Place:
    return Place(*shared, f"s{secrets.token_hex(4)}")


def document(
    number: int = 0,
    text: str = TEXT,
    fetched_at: str = "2017-01-10T08:00:00Z",
    claims: tuple[str, ...] = ("took Mosul",),
    source: str = "example",
) -> Document:
    batch = samples.batch(
        f"https://{source}.org/{number}",
        f"Title {number}",
        text,
        fetched_at=fetched_at,
        source=(source, source),
        places=[("Mosul", samples.MOSUL)] if "Mosul" in text else [],
        claims=[(words, "territorial_control/captured", {}) for words in claims],
    )
    assert batch.tagged is not None
    assert batch.clustered is not None
    return Document(tagged=batch.tagged, clustered=structs.replace(batch.clustered, at=fetched_at))


def alert_of(found: Document, **more: Any) -> Alert:
    batch = samples.batch(found.tagged.article.url, found.tagged.article.title, found.tagged.article.text)
    return samples.alert(batch, **more)


def fetched(number: int) -> Fetched:
    request = Request(url=f"https://example.org/{number}", host="example.org", source_id="example", kind="page")
    return Fetched(request=request, at="2017-01-10T08:00:00Z", outcome="fetched", status=200)


def send_all(settings: Settings, documents: list[Document]) -> None:
    stream.send(settings, topics.TAGGED, [(found.clustered.article_id, found) for found in documents[::2]])
    stream.send(settings, topics.TAGGED, [(found.clustered.article_id, found) for found in documents[1::2]], backfill=True)
    alerts = [alert_of(found, cause=str(number)) for number, found in enumerate(documents[:3])]
    stream.send(settings, topics.ALERTS, [(alert.alert_id, alert) for alert in alerts])
    stream.send(settings, topics.FETCHED, [("example", fetched(number)) for number in range(4)])
    dropped = Dropped(url="https://example.org/x", stage="clean", reason="empty", at="2017-01-10T08:00:00Z")
    stream.send(settings, topics.DROPPED, [(dropped.url, dropped)])


# --- through Kafka ---


def test_everything_on_the_topics_is_kept_once_and_poison_becomes_dead_letters(
    settings: Settings, kafka: str, client: Elasticsearch
) -> None:
    stream.create_topics(settings)
    documents = [document(number) for number in range(30)]
    send_all(settings, documents)
    stream.send_bytes(settings, topics.TAGGED, [b"not JSON", None, b'{"schema_version":1}'])
    assert drain(settings) >= 30 + 3 + 4 + 1 + 3
    found = everything(client, settings)
    counts = {kind: len(of_kind(found, kind)) for kind in ("articles", "versions", "claims", "alerts", "fates")}
    assert counts == {"articles": 30, "versions": 30, "claims": 30, "alerts": 3, "fates": 4 + 1 + 3}
    letters = stream.records(settings, topics.DEAD_LETTERS)
    assert sorted(letter.body or b"(none)" for letter in letters) == [b"(none)", b"not JSON", b'{"schema_version":1}']
    assert {letter.stage for letter in letters} == {"sink"}


def test_delivered_twice_nothing_changes(settings: Settings, kafka: str, client: Elasticsearch) -> None:
    stream.create_topics(settings)
    documents = [document(number) for number in range(20)] + [document(3, "Another text.", "2017-01-11T08:00:00Z", ())]
    send_all(settings, documents)
    drain(settings)
    before = everything(client, settings)
    send_all(settings, documents)
    drain(settings)
    assert everything(client, settings) == before


def test_a_killed_sink_loses_nothing_and_doubles_nothing(settings: Settings, kafka: str, client: Elasticsearch, elasticsearch: str) -> None:
    stream.create_topics(settings)
    first = [document(number) for number in range(40)]
    later = [document(number, TEXT + " Later more.", "2017-01-12T08:00:00Z", ("12 people were killed",)) for number in range(0, 40, 4)]
    send_all(settings, [*first, *later])
    with FaultProxy(elasticsearch) as proxy:
        proxy.slow(0.4)
        through = structs.replace(settings, elasticsearch=proxy.address, sink_batch=10)
        for _ in range(3):
            proxy.held.clear()
            process = start(through)
            assert proxy.held.wait(30)
            _, said = stream.stop(process, signal.SIGKILL)
            assert "dead letter" not in said
    drain(settings)
    disturbed = everything(client, settings)
    other = structs.replace(settings, prefix=settings.prefix + "u")
    with set_up(other) as again:
        write(other, *first, *later)
        undisturbed = everything(again, other)
    for kind in ("articles", "versions", "claims"):
        assert of_kind(disturbed, kind) == of_kind(undisturbed, kind)
    assert stream.records(settings, topics.DEAD_LETTERS) == []


def test_a_sink_asked_to_stop_leaves_in_good_order(settings: Settings, kafka: str, client: Elasticsearch) -> None:
    stream.create_topics(settings)
    send_all(settings, [document(number) for number in range(10)])
    process = start(settings)
    try:
        stream.wait_for(lambda: not left(settings))
    finally:
        code, said = stream.stop(process)
    assert (code, "Traceback" in said) == (0, False), said


@pytest.mark.parametrize("fault", ["429", "503", "cut", "items"])
def test_an_overloaded_cluster_is_waited_for_and_nothing_is_set_aside(fault: str, place: Place) -> None:
    documents = [place.document(number) for number in range(10)]
    with FaultProxy(place.settings.elasticsearch) as proxy:
        if fault == "cut":
            proxy.cut(2)
        elif fault == "items":
            proxy.refuse_items(429, 2)
        else:
            proxy.answer(int(fault), 2)
        assert write(structs.replace(place.settings, elasticsearch=proxy.address), *documents) == []
        assert sum(count for name, count in proxy.seen.items() if name not in ("bulk", "other")) == 2
    assert [len(place.found(kind)) for kind in ("articles", "versions", "claims")] == [10, 10, 10]


# --- what may be written over what ---


def test_a_newer_version_takes_the_claims_that_it_no_longer_makes(place: Place) -> None:
    old, new = place.document(), place.document(0, "Nothing happened.", "2017-02-01T08:00:00Z", ("Nothing happened",))
    assert write(place.settings, old) == []
    assert write(place.settings, new) == []
    assert set(place.found("claims")) == {claim.claim_id for claim in new.tagged.claims}
    assert len(place.found("versions")) == 2
    (article,) = place.found("articles").values()
    month = names.month("2017-02")
    assert (article["version_id"], article["claims_month"]) == (new.clustered.version_id, month)


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in several"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2, 0, 1)])
def test_whatever_the_order_the_latest_version_is_what_is_there(order: tuple[int, ...], together: bool, place: Place) -> None:
    texts = [("Fighters took Mosul.", "took Mosul"), ("Fighters left Mosul.", "left Mosul"), ("Quiet in Mosul.", "Quiet")]
    versions = [place.document(0, text, f"2017-01-1{number}T08:00:00Z", (words,)) for number, (text, words) in enumerate(texts)]
    for records in [[versions[number] for number in order]] if together else [[versions[number]] for number in order]:
        assert write(place.settings, *records) == []
    (article,) = place.found("articles").values()
    assert article["version_id"] == versions[2].clustered.version_id
    assert list(place.found("claims")) == [versions[2].tagged.claims[0].claim_id]
    assert len(place.found("versions")) == len(set(order))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "late"])
def test_a_request_of_a_killed_sink_that_arrives_late_brings_no_old_claim_back(order: tuple[int, int], place: Place) -> None:
    versions = place.document(), place.document(0, "Nothing happened.", "2017-01-11T08:00:00Z", ("Nothing happened",))
    assert write(place.settings, *(versions[number] for number in order)) == []
    sink = ElasticsearchSink(place.settings)
    (old,) = sink.prepare([(0, versions[0])]).versions
    assert Writer(sink.client, place.settings).write(old.claims) == []  # as if it had hung somewhere on its way
    sink.close()
    assert set(place.found("claims")) == {claim.claim_id for claim in versions[1].tagged.claims}


def test_an_alert_that_rings_on_only_learns(place: Place) -> None:
    cause = {"cause": place.source, "source_id": place.source}
    first = alert_of(place.document(), clusters=("k_1",), **cause)
    more = alert_of(place.document(), clusters=("k_2",), origins=("un",), **cause)
    for alert in (first, more, first):
        assert write(place.settings, alert) == []
    (kept,) = place.found("alerts").values()
    assert (kept["clusters"], kept["origins"]) == (["k_1", "k_2"], ["un"])


def test_what_elasticsearch_refuses_for_good_is_refused_alone_with_its_reason(place: Place) -> None:
    bad = place.document(1)
    bad = structs.replace(bad, tagged=structs.replace(bad.tagged, lang="x" * 40_000))
    refused = write(place.settings, place.document(0), bad, place.document(2))
    assert {item.cause for item in refused} == {1}
    assert "immense term" in str(refused[0].error)
    assert len(place.found("articles")) == 2


# --- a world that is not as it must be ---


def test_without_set_up_the_sink_says_what_to_run(settings: Settings, elasticsearch: str) -> None:
    with pytest.raises(ClusterError, match="run `tocsin setup elasticsearch`"):
        ElasticsearchSink(settings).check()


def test_an_index_that_is_gone_stops_the_sink_and_is_not_made_up(settings: Settings, client: Elasticsearch) -> None:
    sink = ElasticsearchSink(settings)
    assert sink.write(sink.prepare([(0, document(0))])) == []
    client.indices.delete(index=names.base(settings, "articles"))
    with pytest.raises(ClusterError, match="run `tocsin setup elasticsearch`"):
        sink.write(sink.prepare([(0, document(1))]))
    assert not client.indices.exists(index=names.base(settings, "articles"))


def test_a_month_without_its_template_is_not_written_into(settings: Settings, client: Elasticsearch) -> None:
    client.indices.delete_index_template(name=names.base(settings, "claims"))
    with pytest.raises(ClusterError, match="no mapping of ours"):
        write(settings, document(0))


def test_a_block_stops_the_sink(settings: Settings, client: Elasticsearch) -> None:
    client.indices.put_settings(index=names.base(settings, "articles"), settings={"index.blocks.write": True})
    with pytest.raises(ClusterError, match="blocked for writing"):
        write(settings, document(0))


def test_a_stopped_service_says_one_line_and_sets_nothing_aside(settings: Settings, kafka: str, client: Elasticsearch) -> None:
    stream.create_topics(settings)
    send_all(settings, [document(number) for number in range(5)])
    client.indices.put_settings(index=names.base(settings, "articles"), settings={"index.blocks.write": True})
    process = start(settings)
    code = process.wait(60)
    _, said = stream.stop(process)
    assert code == 2
    assert said.splitlines()[-1].startswith("tocsin: Elasticsearch is blocked for writing")
    assert "Traceback" not in said
    assert stream.records(settings, topics.DEAD_LETTERS) == []
    client.indices.put_settings(index=names.base(settings, "articles"), settings={"index.blocks.write": None})
    drain(settings)
    assert len(of_kind(everything(client, settings), "articles")) == 5
