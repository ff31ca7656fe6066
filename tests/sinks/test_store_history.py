"""The trace of a URL, and the report."""

from msgspec.structs import replace

from sinks.sqlite import SqliteStore
from tests.sinks import samples
from tocsin.records import Dropped, Fate
from tocsin.store import Batch


def fate(url: str, at: int, stage: str, outcome: str, detail: str = "", article: str | None = None) -> Fate:
    return Fate(url=url, at=f"2017-01-01T00:00:{at:02}Z", stage=stage, outcome=outcome, detail=detail, article_id=article)


def test_a_trace_follows_redirects_and_the_canonical_url(store: SqliteStore) -> None:
    batch = samples.batch("https://example.org/final")
    assert batch.tagged is not None
    article = replace(batch.tagged.article, canonical_url="https://example.org/canonical")
    fates = (
        fate("https://short.example/x", 0, "schedule", "found", "in feed f"),
        fate("https://short.example/x", 1, "fetch", "redirected", "301 to https://example.org/final"),
        fate("https://example.org/final", 2, "fetch", "fetched", "200"),
        fate("https://example.org/final", 2, "index", "indexed", "", article.article_id),
    )
    store.write(replace(batch, tagged=replace(batch.tagged, article=article), fates=fates))
    store.write(Batch(fates=(fate("https://other.example/y", 3, "fetch", "fetched"),)))
    assert tuple(store.trace("https://short.example/x")) == fates
    assert tuple(store.trace("http://short.example/x/")) == fates
    assert tuple(store.trace("https://example.org/canonical")) == fates[2:]
    assert store.trace("https://nowhere.example/") == []


def test_a_redirect_loop_ends(store: SqliteStore) -> None:
    one, two = "https://a.example/1", "https://a.example/2"
    store.write(Batch(fates=(fate(one, 0, "fetch", "redirected", f"302 to {two}"), fate(two, 1, "fetch", "redirected", f"302 to {one}"))))
    assert [item.url for item in store.trace(one)] == [one, two]


def test_a_refusal_without_a_fate_is_traced_and_with_one_is_not_told_twice(store: SqliteStore) -> None:
    dropped = Dropped(url="https://a.example/1", stage="clean", reason="empty", detail="no text", at="2017-01-01T00:00:00Z")
    store.write(Batch(dropped=(dropped,)))
    (only,) = store.trace("https://a.example/1")
    assert (only.outcome, only.detail) == ("dropped", "empty: no text")
    store.write(Batch(dropped=(dropped,), fates=(fate("https://a.example/1", 0, "clean", "dropped", "empty: no text"),)))
    assert len(store.trace("https://a.example/1")) == 1


def test_the_report_counts_current_articles_only(store: SqliteStore) -> None:
    batch = samples.mosul()
    store.write(replace(batch, alerts=(samples.alert(batch),)))
    store.write(samples.batch("https://example.org/mosul", "Corrected", "Nothing.", fetched_at="2017-01-11T00:00:00Z"))
    store.write(samples.batch("https://example.org/r", text="In Raqqa.", places=[("Raqqa", samples.RAQQA)], cluster="k_1"))
    report = store.report()
    assert (report.articles, report.versions, report.clusters, report.claims, report.alerts) == (2, 3, 2, 0, 1)
    assert [(value.id, value.count) for value in report.places] == [("loc:raqqa", 1), ("loc:sy-raqqa", 1), ("loc:syria", 1)]
    assert report.actors == ()
    assert store.report(top=1).places[0].id == "loc:raqqa"
