"""Elasticsearch answers as the embedded store does: the sample site's articles in both, and the same questions to each."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import asdict, replace

from sinks.elasticsearch.store import ElasticsearchStore
from sinks.sqlite import SqliteStore, open_store
from tests.live.indices import set_up, write
from tests.sample_run import poll, sample_site, settings_for
from tests.sinks import samples
from tocsin.errors import UsageError
from tocsin.messages import Document
from tocsin.settings import Settings
from tocsin.store import Batch, Hit, Query, Results

TWICE = "Fighters took Mosul.", "Fighters left Mosul again and went to Raqqa."


class Both(NamedTuple):
    """The same documents in both stores."""

    embedded: SqliteStore
    distributed: ElasticsearchStore
    documents: list[Document]


@pytest.fixture(scope="module")
def both(elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with sample_site() as site:
        poll(site, settings_for(site, folder / "sample", workers=1))
    settings = Settings(prefix=f"t{secrets.token_hex(5)}", elasticsearch=elasticsearch, data=str(folder))
    with open_store(folder / "sample", read_only=True) as sample:
        documents = [*_documents(sample), *_edited()]
        alerts = sample.alerts(limit=0)
        incidents = sample.incidents(limit=0)
    with set_up(settings) as client, open_store(folder / "embedded") as embedded, ElasticsearchStore(settings) as distributed:
        assert write(settings, *documents, *alerts, *incidents) == []
        for document in documents:
            embedded.write(Batch(tagged=document.tagged, clustered=document.clustered))
        embedded.write(Batch(alerts=tuple(alerts), incidents=tuple(incidents)))
        client.indices.refresh(index=f"{settings.prefix}-*")
        yield Both(embedded, distributed, documents)


def _documents(store: SqliteStore) -> list[Document]:
    hits = store.search(Query(limit=1000, all_copies=True)).hits
    found = [store.article(hit.article_id) for hit in hits]
    return [Document(tagged=one.tagged, clustered=one.clustered) for one in found if one is not None]


def _edited() -> list[Document]:
    """Two versions of one article."""
    documents = []
    for number, text in enumerate(TWICE):
        batch = samples.batch("https://example.org/edited", "Edited", text, fetched_at=f"2017-01-1{number}T08:00:00Z")
        assert batch.tagged is not None
        assert batch.clustered is not None
        documents.append(Document(tagged=batch.tagged, clustered=replace(batch.clustered, at=batch.tagged.article.fetched_at)))
    return documents


QUERIES = [
    Query(),
    Query(limit=3, offset=2),
    Query(text="mosul"),
    Query(text="MÓSUL raqqa"),
    Query(text="mosul OR raqqa"),
    Query(text="mosul -football"),
    Query(text="-mosul"),
    Query(text='"islamic state"'),
    Query(text='"state islamic"'),
    Query(text='-"islamic state" killed'),
    Query(text="mos*"),
    Query(text='"islamic st"*'),
    Query(text="الموصل"),
    Query(text="said", all_copies=True, limit=1000),
    Query(text="left"),
    Query(text="took mosul"),
    Query(places=("Mosul",)),
    Query(places=("loc:iraq",)),
    Query(places=("Mosul", "Raqqa"), actors=("Islamic State",)),
    Query(places=("الموصل",)),
    Query(actors=("ISIS",)),
    Query(actors=("nobody at all",)),
    Query(claim_types=("casualties",)),
    Query(claim_types=("Territorial control/captured", "displacement")),
    Query(claim_types=("casualties",), modalities=("reported",)),
    Query(modalities=("claimed", "expected")),
    Query(langs=("AR",)),
    Query(sources=("example news",)),
    Query(since="2017", until="2017-06"),
    Query(since="2017-01-10T08:00Z", text="mosul"),
    Query(text="nothing-like-this-anywhere"),
]


def _name(query: Query) -> str:
    return " ".join(f"{name}={value}" for name, value in asdict(query).items() if value not in ("", (), None, False, 10, 0)) or "all"


@pytest.mark.parametrize("query", QUERIES, ids=_name)
def test_the_same_query_finds_the_same(query: Query, both: Both) -> None:
    here, there = both.embedded.search(query), both.distributed.search(query)
    assert (there.total, there.stories) == (here.total, here.stories)
    assert there.facets == here.facets
    every = replace(query, all_copies=True, limit=1000, offset=0)
    here, there = both.embedded.search(every), both.distributed.search(every)
    assert _shown(there) == _shown(here)
    if not query.text:
        assert [hit.published_at or hit.fetched_at for hit in there.hits] == [hit.published_at or hit.fetched_at for hit in here.hits]


def _shown(results: Results) -> dict[str, dict[str, Any]]:
    """Hits by article, without their scores: those can differ in the decimals."""
    return {hit.article_id: {name: value for name, value in asdict(hit).items() if name != "score"} for hit in results.hits}


@pytest.mark.parametrize("text", ["mosul", "killed", "mosul OR raqqa", "people said"])
def test_ranks_follow_the_same_formula(text: str, both: Both) -> None:
    query = Query(text=text, all_copies=True, limit=1000)
    here, there = (_order(store.search(query).hits) for store in (both.embedded, both.distributed))
    pairs = [(first, second) for first in here for second in here if here[first] < here[second]]
    agreed = sum(there[first] < there[second] for first, second in pairs)
    assert agreed >= 0.8 * len(pairs)


def _order(hits: tuple[Hit, ...]) -> dict[str, int]:
    return {hit.article_id: place for place, hit in enumerate(hits)}


def test_every_article_is_found_by_its_ids_and_addresses(both: Both) -> None:
    for document in both.documents:
        article = document.tagged.article
        claims = [claim.claim_id for claim in document.tagged.claims[:1]]
        for wanted in (article.article_id, article.version_id, article.article_id[:16], article.url + "#part", *claims):
            here, there = both.embedded.article(wanted), both.distributed.article(wanted)
            assert here is not None, wanted
            assert there is not None, wanted
            assert replace(there, incidents=()) == replace(here, incidents=())
            assert {one.incident_id for one in there.incidents} == {one.incident_id for one in here.incidents}


def test_what_is_not_there_is_not_found(both: Both) -> None:
    for wanted in ("a_ffffffffffffffffffffffff", "https://example.org/none", "nonsense", ""):
        assert both.distributed.article(wanted) is None
    with pytest.raises(UsageError, match="begins more than one id"):
        both.distributed.article("a_")
    with pytest.raises(UsageError, match="no word to search for"):
        both.distributed.search(Query(text="!!"))
    with pytest.raises(UsageError, match="not a date"):
        both.distributed.search(Query(since="yesterday"))
    with pytest.raises(UsageError, match="narrow the query"):
        both.distributed.search(Query(offset=20_000))


@pytest.mark.parametrize(
    "asked", [{}, {"subject": "Mosul"}, {"subject": "loc:iraq"}, {"rule": "none"}, {"since": "2017"}, {"limit": 2}], ids=str
)
def test_alerts_are_the_same(asked: dict[str, Any], both: Both) -> None:
    here, there = both.embedded.alerts(**asked), both.distributed.alerts(**asked)
    assert there == here


@pytest.mark.parametrize("asked", [{}, {"place": "Iraq"}, {"actor": "Islamic State"}, {"type": "casualties"}, {"since": "2017"}], ids=str)
def test_incidents_are_the_same(asked: dict[str, Any], both: Both) -> None:
    here, there = both.embedded.incidents(**asked, limit=0), both.distributed.incidents(**asked, limit=0)
    assert [one.last_said for one in there] == [one.last_said for one in here]
    assert {one.incident_id: one for one in there} == {one.incident_id: one for one in here}


def test_the_report_counts_the_same(both: Both) -> None:
    assert both.distributed.report(5) == both.embedded.report(5)


@pytest.mark.parametrize(("kind", "wanted"), [("place", "Mosull"), ("actor", "Islamc State"), ("place", "Mosul"), ("source", "zzzz")])
def test_a_misspelt_name_is_answered_with_the_same_hint(kind: str, wanted: str, both: Both) -> None:
    assert both.distributed.closest(kind, wanted) == both.embedded.closest(kind, wanted)


def test_the_trace_tells_the_way_of_both_versions(both: Both) -> None:
    told = both.distributed.trace("https://example.org/edited")
    assert [(fate.stage, fate.outcome) for fate in told] == [
        ("clean", "cleaned"),
        ("cluster", "indexed"),
        ("tag", "tagged"),
        ("index", "indexed"),
    ] * 2


def test_the_removed_claims_of_an_edit_are_still_shown_by_their_version(both: Both, tmp_path: Path) -> None:
    first = both.documents[-2].tagged.article.version_id
    assert both.distributed.version(first) == both.embedded.version(first)
