"""The lane of old material on a real Kafka: it updates state and rings nothing, and never keeps what is new waiting."""

import json
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from producers.read import read_inputs
from producers.submit import Submission
from tests.builders import article
from tests.live.stream import create_topics, messages, records, send, size, stop, wait_for, wait_until_read, worker
from tocsin import topics
from tocsin.alerting import Alert
from tocsin.embedded.session import as_article
from tocsin.records import Article
from tocsin.settings import Settings

pytestmark = pytest.mark.timeout(300)
RULES = "rules: [{id: first, kind: new_mention, subjects: [Mosul, Tikrit, Aleppo, Homs], of: [place]}]"
OLD = 1500


def told(place: str, number: int, at: str = "2026-03-02T10:00:00Z", sentences: int = 1) -> Article:
    """Texts that are no copies of each other."""
    lines = [
        f"Shelling in {place} killed {step + 2} people near " + " ".join(f"w{number}x{step}y{word}" for word in range(12)) + "."
        for step in range(sentences)
    ]
    return article(" ".join(lines), url=f"https://outlet.example/{place}/{number}", at=at)


def put(settings: Settings, *given: Article, backfill: bool = False) -> None:
    sent = [("", replace(one, backfill=backfill)) for one in given]
    send(settings, topics.INCOMING, sent, backfill=backfill)


def test_old_material_is_state_and_no_news_and_what_was_published_long_ago_still_rings(
    settings: Settings, kafka: str, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(RULES, encoding="utf-8")
    settings = replace(settings, rules=str(rules))
    create_topics(settings)
    with worker(settings) as running:
        # As a person submits it: the whole way through the twins.
        lines = tmp_path / "old.jsonl"
        given = [told("Mosul", 1), told("Tikrit", 2)]
        lines.write_text(
            "".join(json.dumps({"url": one.url, "text": one.text, "fetched_at": one.fetched_at}) + "\n" for one in given), encoding="utf-8"
        )
        with Submission(settings, as_article, backfill=True) as submission:
            submission.send(read_inputs([lines]))
        wait_until_read(settings, "cluster", "tag", "alerts", "ledger")
        assert records(settings, topics.ALERTS) == []
        for topic in (topics.INCOMING, topics.ARTICLES, topics.TAGGED, topics.SIGHTINGS, topics.CLAIMS):
            live, old = topics.lanes(settings, topic)
            assert messages(settings, live) == []
            assert messages(settings, old), topic.name
        # Mosul is known from the old material; of Aleppo nothing was known. Published long ago is no reason for silence.
        put(settings, told("Mosul", 3), replace(told("Aleppo", 4), published_at="2001-01-01T00:00:00Z"))
        wait_until_read(settings, "cluster", "tag", "alerts")
        assert stop(running)[0] == 0
    alerts: list[Alert] = records(settings, topics.ALERTS)
    assert [(alert.subject_name, alert.published_at) for alert in alerts] == [("Aleppo", "2001-01-01T00:00:00Z")]
    assert records(settings, topics.DEAD_LETTERS) == []


def test_a_backlog_of_old_material_does_not_keep_new_articles_waiting(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    put(settings, *(told("Homs", number, sentences=20) for number in range(OLD)), backfill=True)
    live, old = topics.lanes(settings, topics.TAGGED)
    with worker(settings, "--stage", "cluster") as first, worker(settings, "--stage", "tag") as second:
        wait_for(lambda: size(settings, old) > 0)
        done, started = size(settings, old), time.monotonic()
        put(settings, *(told("Mosul", number) for number in range(20)))
        wait_for(lambda: size(settings, live) == 20)
        waited, overtaken = time.monotonic() - started, size(settings, old)
        assert overtaken - done < OLD / 2, f"{overtaken - done} old articles went before 20 new ones, in {waited:.1f} s"
        # The old is not forgotten for that either.
        wait_for(lambda: size(settings, old) > overtaken)
        assert [stop(process)[0] for process in (first, second)] == [0, 0]
    print(f"20 new articles were tagged {waited:.1f} s after they came, {overtaken - done} old ones meanwhile")  # noqa: T201 - pytest -s
