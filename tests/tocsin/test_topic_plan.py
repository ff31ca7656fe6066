"""What is to be done so that a broker has the topics it should have."""

import pytest
from msgspec import structs

from tocsin import topics
from tocsin.settings import Settings
from tocsin.topic_plan import Backlog, Found, alarm, configs_of, plan, refusal

SETTINGS = Settings(partitions=4)


def _complete(settings: Settings = SETTINGS) -> dict[str, Found]:
    return {
        name: Found(partitions, settings.replication, configs_of(settings, retention))
        for name, partitions, retention in topics.planned(settings)
    }


def test_an_empty_broker_gets_every_topic_and_every_changelog() -> None:
    steps = plan(SETTINGS, {})
    assert {step.action for step in steps} == {"create"}
    assert {step.topic for step in steps} == {name for name, _, _ in topics.planned(SETTINGS)}


def test_nothing_is_done_twice() -> None:
    assert {step.action for step in plan(SETTINGS, _complete())} == {"keep"}
    assert {step.action for step in plan(SETTINGS, _complete(), update=True)} == {"keep"}


def test_state_is_compacted_and_everything_else_is_kept_for_its_time() -> None:
    by_name = {step.topic: step.configs for step in plan(SETTINGS, {})}
    changelog = topics.changelog(SETTINGS, topics.TABLES[0])
    assert by_name[changelog]["cleanup.policy"] == "compact"
    assert "retention.ms" not in by_name[changelog]
    alerts = by_name[topics.full_name(SETTINGS, topics.ALERTS)]
    assert (alerts["cleanup.policy"], alerts["retention.ms"]) == ("delete", str(90 * topics.DAY))


def test_a_message_of_the_largest_size_fits_every_topic() -> None:
    assert all(int(step.configs["max.message.bytes"]) > topics.MAX_BYTES for step in plan(SETTINGS, {}))


@pytest.mark.parametrize(("copies", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_broker_may_be_away_and_no_acknowledged_message_is_on_fewer_than_the_others(copies: int, in_sync: str) -> None:
    assert configs_of(Settings(replication=copies), topics.DAY)["min.insync.replicas"] == in_sync


def test_what_differs_is_reported_and_set_only_when_asked() -> None:
    found = _complete()
    name = topics.full_name(SETTINGS, topics.REQUESTS)
    found[name] = Found(4, 1, {**found[name].configs, "retention.ms": "60000"})
    reported = next(step for step in plan(SETTINGS, found) if step.topic == name)
    assert (reported.action, reported.detail) == ("differs", f"retention.ms is 60000, not {7 * topics.DAY}")
    assert next(step for step in plan(SETTINGS, found, update=True) if step.topic == name).action == "update"


def test_too_few_copies_are_reported_but_cannot_be_set() -> None:
    found = _complete()
    steps = plan(Settings(partitions=4, replication=3), {name: one._replace(configs=dict(one.configs)) for name, one in found.items()})
    assert all("1 copies, not 3" in step.detail for step in steps)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_another_count_of_partitions_is_refused_even_when_updating_and_the_way_to_grow_is_named(count: int) -> None:
    found = _complete()
    name = topics.full_name(SETTINGS, topics.TAGGED)
    found[name] = found[name]._replace(partitions=count)
    steps = plan(SETTINGS, found, update=True)
    assert [step.topic for step in steps if step.action == "refused"] == [name]
    told = refusal(SETTINGS, steps)
    assert f"{name} has {count} partitions, settings say 4" in told
    assert "topic_generation=2" in told
    assert "tocsin replay" in told


def test_a_serial_topic_stays_on_one_partition() -> None:
    found = _complete()
    name = topics.full_name(SETTINGS, topics.INCOMING)
    found[name] = found[name]._replace(partitions=4)
    assert name in refusal(SETTINGS, plan(SETTINGS, found))


def test_a_new_generation_starts_beside_the_old_one() -> None:
    steps = plan(Settings(partitions=8, topic_generation=2), _complete())
    assert {step.action for step in steps} == {"create"}


HOUR = 3600.0
WAITING = Backlog(
    group="tocsin-sink-elasticsearch-1",
    topic="tocsin-tagged-1",
    messages=12,
    behind={0: 12},
    oldest_seconds=40 * HOUR,
    retention_used=40 / 168,
)


@pytest.mark.parametrize(
    ("used", "lost", "told"),
    [
        (0.0, 0, ""),
        (0.49, 0, ""),
        (0.5, 0, "is 40.0 h behind on tocsin-tagged-1, 50% of what the topic keeps"),
        (1.2, 0, "is 40.0 h behind on tocsin-tagged-1, 120% of what the topic keeps"),
        (0.0, 7, "has lost 7 messages of tocsin-tagged-1"),
    ],
)
def test_a_backlog_is_alarming_at_half_of_the_retention_and_when_messages_are_gone(used: float, lost: int, told: str) -> None:
    line = alarm(structs.replace(WAITING, retention_used=used, lost=lost))
    assert told in line
    assert bool(line) == bool(told)
