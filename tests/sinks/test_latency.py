"""Latencies are told for what is new and known to the minute, and for nothing else."""

from typing import Any

import pytest
from msgspec import structs

from sinks.latency import Span, spans
from tests.sinks.samples import alert, mosul
from tocsin.clock import parse
from tocsin.messages import Document

FETCHED = "2026-11-21T10:00:30Z"
AT = parse(FETCHED).timestamp()


def _document(**changed: Any) -> Document:
    given = mosul()
    assert given.tagged is not None
    assert given.clustered is not None
    new = {"fetched_at": FETCHED, "published_at": "2026-11-21T09:58:30Z", "published_precision": "second", "backfill": False}
    article = structs.replace(given.tagged.article, **{**new, **changed})
    return Document(tagged=structs.replace(given.tagged, article=article), clustered=given.clustered)


def test_an_article_tells_from_publication_to_fetching_and_from_there_to_now() -> None:
    assert list(spans(_document())) == [Span("fetch-index", AT), Span("publish-fetch", AT - 120, AT)]


@pytest.mark.parametrize(
    "changed",
    [
        {"published_precision": "day"},
        {"published_at": None},
        {"published_at": "2026-11-19T09:58:30Z"},
        {"published_at": "no time at all"},
    ],
)
def test_a_publication_that_is_not_known_to_the_minute_or_is_long_ago_tells_nothing(changed: dict[str, Any]) -> None:
    assert [span.way for span in spans(_document(**changed))] == ["fetch-index"]


def test_old_material_tells_nothing() -> None:
    assert list(spans(_document(backfill=True))) == []
    assert list(spans(_document(fetched_at=""))) == []


def test_an_alert_tells_since_its_article_was_fetched() -> None:
    assert list(spans(alert(mosul(), at=FETCHED))) == [Span("fetch-alert", AT)]


def test_a_clock_that_runs_fast_makes_no_negative_latency() -> None:
    assert Span("fetch-index", 100.0).seconds(90.0) == 0.0
    assert Span("publish-fetch", 100.0, 160.0).seconds(9_999.0) == 60.0
