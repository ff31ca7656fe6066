"""The stages as Faust apps on a real Kafka: equal to the embedded run, whatever is killed or broken."""

import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from streams.cluster import Clusters
from streams.stages import cluster
from tests.builders import article, clustered
from tests.live.conftest import Servers
from tests.live.stream import (
    behind,
    create_topics,
    members,
    messages,
    records,
    send,
    send_bytes,
    start,
    stop,
    wait_for,
    wait_until_read,
    worker,
)
from tests.sample_run import poll, sample_site, settings_for
from tocsin import topics, wire
from tocsin.alerting import Alert, rules_of
from tocsin.incidents import Incident
from tocsin.messages import Document, Placed, Sightings
from tocsin.records import Article, Sighting, Tagged
from tocsin.settings import Settings
from tocsin.sketch import sketch
from tocsin.store import Query, Stored

pytestmark = pytest.mark.timeout(300)


def with_rules(settings: Settings, folder: Path, text: str) -> Settings:
    folder.mkdir()
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return replace(settings, rules=str(folder))


def captured(folder: Path) -> tuple[list[Stored], list[Alert], list[Incident]]:
    """Every article version of the sample site as the embedded run keeps it, oldest first; what rang; the incidents."""
    from sinks.sqlite import open_store

    with sample_site() as site:
        settings = settings_for(site, folder)
        poll(site, settings)
        poll(site, settings, later=3 * 86_400)
    with open_store(folder) as store:
        current = [store.article(hit.article_id) for hit in store.search(Query(limit=10_000, all_copies=True)).hits]
        kept = [store.article(version.version_id) for one in current if one is not None for version in one.versions]
        whole = [one for one in kept if one is not None]
        return (
            sorted(whole, key=lambda one: (one.tagged.article.fetched_at, one.clustered.at)),
            store.alerts(limit=10_000),
            store.incidents(limit=10_000),
        )


def test_the_stages_give_what_the_embedded_run_gives(settings: Settings, kafka: str, tmp_path: Path) -> None:
    kept, rang, incidents = captured(tmp_path / "embedded")
    assert len(kept) > 20
    assert rang
    assert incidents
    create_topics(settings)
    given = [replace(one.tagged.article, sketch=sketch(one.tagged.article.title, one.tagged.article.text)) for one in kept]
    send(settings, topics.INCOMING, [("", of) for of in given])
    with worker(settings) as running:
        wait_until_read(settings, *topics.STAGES)
        assert stop(running) == (0, "")
    documents: dict[str, Document] = {one.clustered.version_id: one for one in records(settings, topics.TAGGED)}
    assert {version: unclustered(one.tagged) for version, one in documents.items()} == {
        one.clustered.version_id: unclustered(one.tagged) for one in kept
    }
    assert same_clusters(one.clustered for one in documents.values()) == same_clusters(one.clustered for one in kept)
    alerts: list[Alert] = records(settings, topics.ALERTS)
    assert {told for alert in alerts for told in rules_of(alert)} == {told for alert in rang for told in rules_of(alert)}
    told = [(alert.alert_id, why.rule_id, why.rule_kind, why.subject, why.incident_id) for alert in alerts for why in alert.rules]
    assert len(set(told)) == len(told), "each reason comes once, in parts of an alert"
    latest: dict[str, Incident] = {}
    for incident in records(settings, topics.INCIDENTS):
        if incident.revision > (latest[incident.incident_id].revision if incident.incident_id in latest else 0):
            latest[incident.incident_id] = incident
    assert {told_by(incident) for incident in latest.values()} == {told_by(incident) for incident in incidents}
    assert records(settings, topics.DEAD_LETTERS) == []


def unclustered(tagged: Tagged) -> Tagged:
    """Without the name of the cluster, which is that of whoever came first; `same_clusters` sees to who is together."""
    return replace(
        tagged,
        claims=tuple(replace(claim, cluster_id=None) for claim in tagged.claims),
        title_claims=tuple(replace(claim, cluster_id=None) for claim in tagged.title_claims),
    )


def told_by(incident: Incident) -> tuple[Any, ...]:
    """What of an incident does not depend on the order in which articles came."""
    return incident.block, incident.total, frozenset(incident.articles), frozenset(incident.claim_ids), incident.event_from, incident.status


def same_clusters(decided: Iterable[Any]) -> set[frozenset[str]]:
    together: dict[str, set[str]] = {}
    for one in decided:
        together.setdefault(one.cluster_id, set()).add(one.version_id)
    return {frozenset(some) for some in together.values()}


def sighting(subject: str, number: int, *, at: str = "2018-01-06T10:00:00Z") -> Sighting:
    return Sighting(
        subject=subject,
        kind="place",
        name=subject,
        article_id=f"a_{number}",
        version_id=f"v_{number}",
        cluster_id=f"k_{number}",
        source_id="wire",
        owner="wire",
        origin_id=f"origin-{number}",
        at=at,
        published_at=at,
        sure=True,
        fresh=True,
        backfill=False,
        quote=f"Mentioned {subject}.",
        start=10,
        end=10 + len(subject),
        url=f"u:{number}",
        title=None,
    )


def test_poison_is_set_aside_and_what_is_good_goes_on(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    bad: list[bytes | None] = [None, b"not json", b'{"schema_version": 1}', b"x" * (topics.MAX_BYTES - 10_000)]
    send_bytes(settings, topics.INCOMING, bad)
    send(
        settings,
        topics.INCOMING,
        [("", article("Shells fell on Mosul.", url="u:1")), ("", article("Raises.", url="u:bad", fetched_at="soon"))],
    )
    send_bytes(settings, topics.INCOMING, bad)
    send(settings, topics.INCOMING, [("", article("Shells fell on Tikrit.", url="u:2"))])
    with worker(settings, "--stage", "cluster") as running:
        wait_until_read(settings, "cluster")
        assert stop(running)[0] == 0
    assert {one.article.url for one in records(settings, topics.ARTICLES)} == {"u:1", "u:2"}
    letters = records(settings, topics.DEAD_LETTERS)
    assert sorted(letter.offset for letter in letters) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert {letter.offset: letter.body for letter in letters if letter.offset < 4} == dict(enumerate([*bad[:3], None]))
    (raised,) = (letter for letter in letters if letter.offset == 5)
    assert wire.decode(raised.body, Article).url == "u:bad"
    assert "too large" in next(letter.error for letter in letters if letter.offset == 3)


def test_a_message_of_a_newer_schema_stops_the_stage_and_is_not_passed(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    send(settings, topics.INCOMING, [("", article("Shells fell on Mosul.", url="u:1"))])
    send_bytes(settings, topics.INCOMING, [b'{"schema_version": 2}'])
    with worker(settings, "--stage", "cluster") as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said.count("\n") == 1
    assert "upgrade Tocsin" in said
    assert behind(settings, "cluster", topics.INCOMING) == 1
    assert [one.article.url for one in records(settings, topics.ARTICLES)] == ["u:1"]
    assert records(settings, topics.DEAD_LETTERS) == []


@pytest.mark.parametrize("lacking", ["incoming", "articles", "members-changelog", "dead-letters"])
def test_a_missing_topic_is_said_at_once(settings: Settings, kafka: str, lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(topics.planned(settings))
    monkeypatch.setattr(topics, "planned", lambda _: [plan for plan in whole if lacking not in plan[0]])
    create_topics(settings)
    process = start(settings, "--stage", "cluster")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert lacking in said
    assert "tocsin topics create" in said


def test_no_broker_is_said_at_once(settings: Settings) -> None:
    process = start(replace(settings, kafka="127.0.0.1:1"), "--stage", "cluster")
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.count("\n")) == (2, 1)
    assert "no Kafka answers at 127.0.0.1:1" in said


def wire_copies(count: int) -> list[Article]:
    """Every third a copy of one before, every fifth an edit of one before."""
    made: list[Article] = []
    for number in range(count):
        text = " ".join(f"word{(number * 7 + at * at) % 997}" for at in range(80)) + f". Event {number}."
        if number % 3 == 2:
            made.append(article(made[number - 2].text.replace("Event", "An event"), url=f"u:{number}"))
        elif number % 5 == 4:
            made.append(article(f"{text} More.", url=made[number - 3].url, at="2018-01-06T11:00:00Z"))
        else:
            made.append(article(text, url=f"u:{number}"))
    return made


def test_a_killed_worker_goes_on_with_exact_state_here_and_on_another_machine(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    given = wire_copies(6000)
    bare = Clusters({})
    expected = {of.version_id: cluster(of, bare).clustered for of in given}
    send(settings, topics.INCOMING, [("", of) for of in given[:5000]])
    killed = start(settings, "--stage", "cluster")
    wait_for(lambda: behind(settings, "cluster", topics.INCOMING) < 4900)
    stop(killed, signal.SIGKILL)
    assert behind(settings, "cluster", topics.INCOMING) > 0, "too fast to be killed at work"
    with worker(settings, "--stage", "cluster") as again:
        wait_until_read(settings, "cluster", seconds=60)
        stop(again, signal.SIGKILL)
    # Another machine has nothing but the changelog. It takes over when the session of the killed one has run out.
    send(settings, topics.INCOMING, [("", of) for of in given[5000:]] + [("", of) for of in given[:500]])
    with worker(replace(settings, node="elsewhere"), "--stage", "cluster") as elsewhere:
        wait_until_read(settings, "cluster", seconds=120)
        assert stop(elsewhere) == (0, "")
    placed: list[Placed] = records(settings, topics.ARTICLES)
    assert {one.clustered.version_id for one in placed} == set(expected)
    assert [one.clustered for one in placed] == [expected[one.clustered.version_id] for one in placed]
    assert records(settings, topics.DEAD_LETTERS) == []


def test_two_workers_share_the_partitions_and_one_takes_over_all(settings: Settings, kafka: str, tmp_path: Path) -> None:
    settings = with_rules(
        settings,
        tmp_path / "rules",
        "rules: [{id: many, kind: threshold, subjects: [Mosul, Tikrit, Aleppo, Paris], of: [place], at_least: 5}]",
    )
    create_topics(settings)
    subjects = ["loc:mosul", "loc:tikrit", "loc:aleppo", *(f"loc:place-{n}" for n in range(200))]

    def batch(numbers: range) -> list[tuple[str, Sightings]]:
        return [(subject, Sightings(found=(sighting(subject, number),))) for number in numbers for subject in subjects]

    first, second = (start(replace(settings, node=node), "--stage", "alerts") for node in ("one", "two"))
    try:
        wait_for(lambda: members(settings, "alerts") == 2)
        send(settings, topics.SIGHTINGS, batch(range(4)))
        wait_until_read(settings, "alerts")
        assert records(settings, topics.ALERTS) == []
        stop(first, signal.SIGKILL)
        send(settings, topics.SIGHTINGS, batch(range(3, 6)))
        wait_until_read(settings, "alerts", seconds=120)
        assert stop(second)[0] == 0
    finally:
        for process in (first, second):
            if process.poll() is None:
                stop(process, signal.SIGKILL)
    rang: list[Alert] = records(settings, topics.ALERTS)
    assert {(alert.subject, len(alert.clusters)) for alert in rang} == {(subject, 5) for subject in subjects[:3]}
    rows = {
        (message.partition, message.key): message.value
        for table in topics.TABLES
        if table.stage == "alerts"
        for message in messages(settings, topics.changelog(settings, table))
    }
    assert all(partition == topics.partition_of(subject_of(key), 4) for partition, key in rows)


def subject_of(key: bytes) -> str:
    """Of a row of seen ("loc:x"), hours ("loc:x@421000") or rung ("rule loc:x")."""
    return key.decode().rpartition(" ")[2].partition("@")[0]


def test_a_worker_that_is_stopped_under_load_leaves_nothing_half_done(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    given = [Placed(article=of, clustered=clustered(of)) for of in wire_copies(1200)]
    one, two = replace(settings, node="one"), replace(settings, node="two")
    with worker(one, "--stage", "tag") as first, worker(two, "--stage", "tag"):
        wait_for(lambda: members(settings, "tag") == 2)
        send(settings, topics.ARTICLES, [(of.article.article_id, of) for of in given])
        wait_for(lambda: behind(settings, "tag", topics.ARTICLES) < 1000)
        asked = time.monotonic()
        assert stop(first) == (0, "")
        assert time.monotonic() - asked < 10
        assert behind(settings, "tag", topics.ARTICLES) > 0, "too fast to be stopped at work"
        wait_until_read(settings, "tag", seconds=120)
    written = [one.clustered.version_id for one in records(settings, topics.TAGGED)]
    assert sorted(written) == sorted(of.clustered.version_id for of in given), "a stop in good order repeats nothing either"


def test_a_broker_that_is_killed_and_comes_back_costs_nothing(settings: Settings, servers: Servers) -> None:
    broker = servers.kafka()
    settings = replace(settings, kafka=broker.address)
    create_topics(settings)
    given = wire_copies(3000)
    send(settings, topics.INCOMING, [("", of) for of in given[:1500]])
    with worker(settings, "--stage", "cluster") as running:
        wait_for(lambda: behind(settings, "cluster", topics.INCOMING) < 1500)
        broker.kill()
        time.sleep(20)
        broker.start()
        send(settings, topics.INCOMING, [("", of) for of in given[1500:]])
        wait_until_read(settings, "cluster", seconds=120)
        assert stop(running) == (0, "")
    bare = Clusters({})
    expected = {of.version_id: cluster(of, bare).clustered for of in given}
    placed: list[Placed] = records(settings, topics.ARTICLES)
    assert {one.clustered.version_id: one.clustered for one in placed} == expected


@pytest.mark.slow
def test_a_worker_that_was_asleep_has_no_say_and_learns_what_it_missed(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    given = wire_copies(4000)
    bare = Clusters({})
    expected = {of.version_id: cluster(of, bare).clustered for of in given}
    send(settings, topics.INCOMING, [("", of) for of in given[:2000]])
    with worker(replace(settings, node="sleeper"), "--stage", "cluster") as sleeper:
        wait_for(lambda: behind(settings, "cluster", topics.INCOMING) < 1900)
        sleeper.send_signal(signal.SIGSTOP)
        with worker(replace(settings, node="other"), "--stage", "cluster") as other:
            wait_until_read(settings, "cluster", seconds=120)
            send(settings, topics.INCOMING, [("", of) for of in given[2000:3000]])
            wait_until_read(settings, "cluster", seconds=60)
            sleeper.send_signal(signal.SIGCONT)
            wait_for(lambda: members(settings, "cluster") == 2)
            stop(other)
        send(settings, topics.INCOMING, [("", of) for of in given[3000:]])
        wait_until_read(settings, "cluster", seconds=120)
        assert stop(sleeper)[0] == 0
    placed: list[Placed] = records(settings, topics.ARTICLES)
    assert {one.clustered.version_id for one in placed} == set(expected)
    assert [one.clustered for one in placed] == [expected[one.clustered.version_id] for one in placed]
