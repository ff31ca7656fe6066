"""What is delivered again, out of order, or after a worker died between two writes rings what it rang, and nothing else."""

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest

from streams.alerts_engine import Engine
from streams.cluster import Clusters, in_cluster
from streams.ledger_claims import blocks_of
from streams.stages import STAGES, Output, Tagging
from streams.tag import tag
from tests.builders import article
from tests.streams.alerts_of import rules_of
from tests.streams.ledger_of import resources, sides
from tocsin import topics, wire
from tocsin.alerting import Alert, together
from tocsin.alerting import rules_of as told_by
from tocsin.records import Article, Tagged

CLUSTER, TAG, ALERT, LEDGER = STAGES
RULES = """
watch: [Nyala, Zamzam]
rules:
  - {id: killed, kind: quantity, at_least: 1}
  - {id: confirmed, kind: first_confirmation}
  - {id: contradicted, kind: contradiction}
  - {id: strikes, kind: any, when: {claim: [remote_strike, casualties]}}
"""
NEWS = (
    ("x", "An air strike killed 14 people in El Fasher on Monday, the Red Crescent said.", 0),
    ("y", "Médecins Sans Frontières said 14 people were killed in El Fasher on Monday by the air strike.", 1),
    ("x", "An air strike killed 31 people in El Fasher on Monday, the Red Crescent said.", 2),
    ("z", "The Rapid Support Forces captured Zamzam camp on Monday.", 3),
    ("w", "The air strike on El Fasher on Monday killed 90 people, officials said.", 4),
)


def articles() -> list[Article]:
    """One is a later version of the first."""
    return [
        article(
            text, url=f"https://{owner}.example/1", at=f"2024-05-10T{10 + hour}:00:00Z", owner=owner, source_id=owner, source_name=owner
        )
        for owner, text, hour in NEWS
    ]


class Stream:
    """The stages in a row, each with its tables."""

    def __init__(self, folder: Path) -> None:
        self.rules = rules_of(folder, RULES)
        knows = {"tag": Tagging(resources(), sides(), self.rules), "alerts": self.rules, "ledger": self.rules}
        self.tables: dict[str, dict[str, dict[str, Any]]] = {stage.name: {name: {} for name in stage.tables} for stage in STAGES}
        self.steps = {stage.name: stage.open(knows.get(stage.name), self.tables[stage.name]) for stage in STAGES}

    def read(self, page: Article) -> tuple[Alert, ...]:
        """What one article rings."""
        tagged = [made for placed in self._out("cluster", page, topics.ARTICLES) for made in self.steps["tag"](placed)]
        return together((*self.alerts("alerts", tagged, topics.SIGHTINGS), *self.alerts("ledger", tagged, topics.CLAIMS)))

    def alerts(self, stage: str, outputs: list[Output], topic: topics.Topic) -> list[Alert]:
        found = [wire.decode(b'{"found": [' + one.body + b"]}", topic.record) for one in outputs if one.topic is topic]
        return [alert for message in found for alert in self._out(stage, message, topics.ALERTS)]

    def _out(self, stage: str, record: Any, topic: topics.Topic) -> list[Any]:
        return [wire.decode(one.body, topic.record) for one in self.steps[stage](record) if one.topic is topic]


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path / "rules")


def test_everything_delivered_again_rings_nothing_new_and_changes_nothing(stream: Stream) -> None:
    rang = [stream.read(page) for page in articles()]
    assert {rule for alerts in rang for alert in alerts for rule, _ in told_by(alert)} == {
        "watch-rules", "killed", "confirmed", "contradicted", "strikes",
    }  # fmt: skip
    known = {(alert.alert_id, told) for alerts in rang for alert in alerts for told in told_by(alert)}
    before = copy.deepcopy(stream.tables)
    for page in articles():
        again = {(alert.alert_id, told) for alert in stream.read(page) for told in told_by(alert)}
        assert again <= known
    assert stream.tables == before


@pytest.mark.parametrize("lost", ["told", "blocks", "incidents", "seen", "rung", "hours"])
@pytest.mark.parametrize("number", range(len(NEWS)))
def test_a_worker_that_dies_before_one_of_its_tables_is_kept_rings_the_same_again(stream: Stream, number: int, lost: str) -> None:
    pages = articles()
    for page in pages[:number]:
        stream.read(page)
    stage = "ledger" if lost in stream.tables["ledger"] else "alerts"
    before = copy.deepcopy(stream.tables[stage][lost])
    rang = stream.read(pages[number])
    stream.tables[stage][lost].clear()
    stream.tables[stage][lost].update(before)
    again = stream.read(pages[number])
    known = {(alert.alert_id, told) for alert in rang for told in told_by(alert)}
    assert {(alert.alert_id, told) for alert in again for told in told_by(alert)} <= known


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 4)))[:6])
def test_reports_in_another_order_ring_the_toll_and_the_confirmation_all_the_same(stream: Stream, order: tuple[int, ...]) -> None:
    pages = articles()
    rang = [alert for number in order for alert in stream.read(pages[number])]
    assert {"killed", "confirmed", "contradicted", "strikes"} <= {rule for alert in rang for rule, _ in told_by(alert)}
    assert sum(rule == "confirmed" for alert in rang for rule, _ in told_by(alert)) == 1


def test_the_stages_ring_what_the_engine_of_the_embedded_run_rings(stream: Stream) -> None:
    engine, clusters, latest = Engine(stream.rules, sides=sides()), Clusters({}), dict[str, Tagged]()
    for page in articles():
        clustered = clusters.assign(page)
        tagged = in_cluster(tag(page, resources()), clustered)
        before = latest.get(page.article_id)
        latest[page.article_id] = tagged
        made = engine.take(tagged, clustered, blocks_of(before, sides()) if before is not None else ())
        assert sorted(stream.read(page), key=str) == sorted(made.alerts, key=str)
