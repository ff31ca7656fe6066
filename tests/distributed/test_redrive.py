"""What is never sent again."""

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from tocsin.dead_letters import dead_letter
from tocsin.distributed.log import Log
from tocsin.distributed.redrive import why_not
from tocsin.settings import Settings

SETTINGS = Settings(node="test", prefix="news", topic_generation=2)
LOG = Log(SETTINGS, SimpleNamespace(partitions_for_topic=lambda _: {0, 1}))
LETTER = dead_letter("tag", KeyError("x"), topic="news-articles-2", partition=1, offset=7, key=b"k", body=b"{}")


@pytest.mark.parametrize("topic", ["news-articles-2", "news-backfill-incoming-2", "news-articles-1"])
def test_a_letter_goes_back_to_the_topic_it_came_from(topic: str) -> None:
    assert why_not(SETTINGS, LOG, replace(LETTER, topic=topic)) == ""


@pytest.mark.parametrize(
    "topic",
    ["news-cluster-2-members-changelog", "other-articles-2", "news-articles", "news-backfill-alerts-2", "__consumer_offsets", "", "news-2"],
)
def test_a_letter_that_names_a_topic_no_service_reads_is_not_sent(topic: str) -> None:
    assert "is none that services" in why_not(SETTINGS, LOG, replace(LETTER, topic=topic))


def test_a_letter_whose_partition_or_message_is_gone_is_not_sent() -> None:
    assert "does not exist any more" in why_not(SETTINGS, LOG, replace(LETTER, partition=2))
    assert "no message" in why_not(SETTINGS, LOG, replace(LETTER, body=None))
