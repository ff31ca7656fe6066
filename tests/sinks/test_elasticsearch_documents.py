"""Documents for Elasticsearch: flat, readable, the same for the same record, and nothing in them that a strict mapping refuses."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from sinks.elasticsearch import documents, events, mapping, names
from sinks.elasticsearch.batch import Preparer, Version, decide
from tests.sinks import samples
from tocsin import wire
from tocsin.messages import DeadLetter, Document
from tocsin.quoting import LONGEST
from tocsin.records import Claim, Dropped, EventTime, FeedItem, Fetched, Quantity, RawRef, Request
from tocsin.settings import Settings

SETTINGS = Settings(node="test")


def mosul() -> Document:
    batch = samples.mosul()
    assert batch.tagged is not None
    assert batch.clustered is not None
    return Document(tagged=batch.tagged, clustered=replace(batch.clustered, at="2017-01-10T08:00:00Z"))


def version_of(document: Document) -> Version:
    batch = Preparer(SETTINGS).prepare([(0, document)])
    assert batch.failed == []
    return batch.versions[0]


def bodies(document: Document) -> dict[str, list[dict[str, Any]]]:
    version = version_of(document)
    return {
        "versions": [json.loads(version.whole.body)],
        "claims": [json.loads(op.body) for op in version.claims],
        "articles": [json.loads(version.article.body)],
    }


def with_claim(**fields: Any) -> Document:
    document = mosul()
    claims = (replace(document.tagged.claims[0], **fields), *document.tagged.claims[1:])
    return replace(document, tagged=replace(document.tagged, claims=claims))


# --- what is in them ---


def test_an_article_has_ids_names_and_words() -> None:
    (article,) = bodies(mosul())["articles"]
    assert article["url"] == "https://example.org/mosul"
    assert {"loc:mosul", "loc:iraq"} <= set(article["place_ids"])
    assert "Mosul" in article["place_names"]
    assert "Islamic State" in article["actor_names"]
    assert article["title_words"] == "iraqi forces take district in east mosul"
    assert article["@timestamp"] == "2017-01-10T07:00:00Z"


def test_a_claim_is_flat_and_says_what_its_sentence_says() -> None:
    claims = bodies(mosul())["claims"]
    assert len(claims) == 3
    assert all(claim["text"] in claim["sentence"] or claim["scope"] == "title" for claim in claims)
    assert {claim["article_id"] for claim in claims} == {mosul().clustered.article_id}


def test_the_whole_record_comes_back_from_its_version() -> None:
    (version,) = bodies(mosul())["versions"]
    assert wire.decode(documents.unpack(version["document"]), Document) == mosul()


@pytest.mark.parametrize(
    ("quantities", "field", "expected"),
    [
        ([("killed", 12.0, None)], "killed_min", 12),
        ([("killed", 8000.0, 8000.0), ("killed", 3.0, 3.0)], "killed_min", 8000),
        ([("displaced", None, 24.0)], "displaced_min", 24),
        ([("killed", None, None)], "killed_min", None),
        ([("killed", 1e300, None)], "killed_min", None),
        ([("killed", -1.0, None)], "killed_min", None),
        ([("injured", 5.0, None)], "killed_min", None),
    ],
)
def test_people_are_counted_by_the_least_said(
    quantities: list[tuple[str, float | None, float | None]], field: str, expected: int | None
) -> None:
    found = tuple(Quantity(text="n", start=0, end=1, unit="person", role=role, value=value, min=least) for role, value, least in quantities)
    assert bodies(with_claim(quantities=found))["claims"][0].get(field) == expected


def test_households_are_not_counted_as_people() -> None:
    families = Quantity(text="500 families", start=0, end=3, unit="household", role="displaced", value=500.0)
    claim = bodies(with_claim(quantities=(families,)))["claims"][0]
    assert "displaced_min" not in claim
    assert claim["quantities"][0]["value"] == 500.0


@pytest.mark.parametrize(
    ("said", "kept"), [("2017-01", "2017-01"), ("2017-01-10", "2017-01-10"), ("last spring", None), ("2017-02-31", None)]
)
def test_a_date_that_is_none_costs_no_document(said: str, kept: str | None) -> None:
    claim = bodies(with_claim(time=EventTime(event_from=said)))["claims"][0]
    assert claim["time"].get("event_from") == kept


# --- the strict mapping ---


def _unknown(value: Any, properties: dict[str, Any], path: str = "") -> list[str]:
    """Paths in a document that a mapping does not know."""
    found: list[str] = []
    for name, inner in value.items():
        known = properties.get(name)
        if known is None:
            found.append(f"{path}{name}")
        elif known.get("enabled", True) and "properties" in known:
            found += _unknown(inner, known["properties"], f"{path}{name}.")
    return found


def every_document() -> dict[str, list[dict[str, Any]]]:
    request = Request(url="https://example.org/feed", host="example.org", source_id="example", kind="feed")
    raw = RawRef(sha256="0", uri="warc:x#1", length=9)
    answer = Fetched(
        request=request, at="2017-01-10T08:00:00Z", outcome="fetched", listing="feed", links=(FeedItem(url="u"),), raw=raw, status=200
    )
    letter = DeadLetter(
        stage="tag", error="KeyError: x", at="2017-01-10T08:00:00Z", topic="t", partition=1, offset=2, key=b"a_1", body=b"{}"
    )
    dropped = Dropped(
        url="https://example.org/x", stage="clean", reason="empty", detail="no text", at="2017-01-10T08:00:00Z", source_id="s"
    )
    fates = [*events.fetched_fates(answer), events.dropped_fate(dropped), events.dead_letter_fate(letter)]
    alert = events.alert_document(samples.alert(samples.mosul()), 7)
    time = EventTime(text="in 2014", start=0, end=7, event_from="2014", event_to="2014", said_at="2017-01-10", duration="P2Y")
    batch = Preparer(SETTINGS).prepare([(0, mosul())])
    told = [json.loads(op.body) for op in batch.events]
    return {**bodies(with_claim(time=time)), "alerts": [alert], "fates": [fate for _, fate in fates], "names": told}


@pytest.mark.parametrize("kind", ["articles", "versions", "claims", "alerts", "fates", "names"])
def test_every_field_is_in_the_mapping(kind: str) -> None:
    properties = mapping.mapping_of(kind, mapping.Features(), 1)["properties"]
    for document in every_document()[kind]:
        assert _unknown(document, properties) == []


def test_every_field_of_a_claim_record_is_kept() -> None:
    """A field that the record gains must be thought about here."""
    left_out = {"article_id", "version_id", "source_id", "lang", "published_at", "tagger_version", "lexicon_version", "cluster_id"}
    properties = mapping.indices().kinds["claims"].properties
    assert {field for field in Claim.__struct_fields__ if field not in properties} - left_out == set()


def test_where_the_cluster_has_them_languages_and_lifecycle_join_the_template() -> None:
    rich = mapping.template(SETTINGS, "claims", mapping.Features(languages=True, lifecycle=True), live=True)
    poor = mapping.template(SETTINGS, "claims", mapping.Features(), live=False)
    text = rich["template"]["mappings"]["properties"]["text"]
    assert text["fields"]["en"] == {"type": "text", "analyzer": "english"}
    assert text["fields"]["ar"]["analyzer"] == "arabic"
    assert rich["template"]["settings"]["index"]["lifecycle"] == {"name": "tocsin-indices"}
    assert rich["template"]["aliases"] == {"tocsin-claims": {}}
    assert "fields" not in poor["template"]["mappings"]["properties"]["text"]
    assert "lifecycle" not in poor["template"]["settings"]["index"]
    assert "aliases" not in poor["template"]
    assert rich["index_patterns"] == poor["index_patterns"] == ["tocsin-claims-v1-*"]
    assert (rich["allow_auto_create"], rich["template"]["mappings"]["dynamic"]) == (False, "strict")


# --- equal in, equal out ---


def test_the_same_record_gives_the_same_bytes() -> None:
    first, again = (Preparer(SETTINGS).prepare([(0, mosul())]) for _ in range(2))
    assert first == again


def test_a_later_reading_or_generation_has_a_higher_version() -> None:
    revisions = [
        documents.revision(1, "2017-01-10T08:00:00Z"),
        documents.revision(1, "2030-01-01T00:00:00Z"),
        documents.revision(1, "9999-12-31T00:00:00Z"),
        documents.revision(2, "2001-01-01T00:00:00Z"),
    ]
    assert revisions == sorted(revisions)
    assert max(revisions) < 2**62


def test_the_month_of_an_index_is_when_a_version_was_first_seen() -> None:
    seen_again = replace(
        mosul(), tagged=replace(mosul().tagged, article=replace(mosul().tagged.article, fetched_at="2017-03-01T00:00:00Z"))
    )
    assert b"tocsin-claims-v1-2017.01" in version_of(seen_again).claims[0].head
    assert names.month(None) == names.UNDATED


def test_half_a_character_fails_alone() -> None:
    broken = replace(mosul(), tagged=replace(mosul().tagged, article=replace(mosul().tagged.article, text="half \ud83d of it")))
    batch = Preparer(SETTINGS).prepare([(0, broken), (1, mosul())])
    assert [cause for cause, _ in batch.failed] == [0]
    assert [version.cause for version in batch.versions] == [1]


# --- what to write over what ---


def heads(ops: list[Any]) -> list[str]:
    return [f"{action} {head['_id']}" for op in ops for action, head in json.loads(op.head).items()]


def test_the_article_is_written_after_everything_it_points_to() -> None:
    version = version_of(mosul())
    first, last = decide([version], {})
    assert heads(first) == [f"index {version.kept.version_id}", *(f"index {name}" for name in version.kept.claim_ids)]
    assert heads(last) == [f"index {version.article_id}"]


def test_what_is_there_already_is_not_written_again() -> None:
    version = version_of(mosul())
    assert decide([version], {version.article_id: version.kept}) == ([], [])


def test_a_page_read_again_that_says_the_same_stays_as_it_was_first_read() -> None:
    version = version_of(mosul())
    later = version._replace(kept=version.kept._replace(revision=version.kept.revision + 3_600_000))
    assert decide([later], {version.article_id: version.kept}) == ([], [])
    assert decide([version, later], {}) == decide([version], {})


def test_an_older_version_is_history_only_and_a_late_request_of_a_killed_sink_cannot_bring_its_claims_back() -> None:
    version = version_of(mosul())
    newer = version.kept._replace(version_id="v_later", revision=version.kept.revision + 1000, claim_ids=("c_later",))
    first, last = decide([version], {version.article_id: newer})
    assert last == []
    assert heads(first) == [f"index {version.kept.version_id}", *(f"delete {name}" for name in version.kept.claim_ids)]
    assert {json.loads(op.head)["delete"]["version"] for op in first[1:]} == {version.revision + 1000}


def test_a_version_that_another_of_its_batch_replaces_leaves_no_claims() -> None:
    old = version_of(mosul())
    document = mosul()
    article = replace(document.tagged.article, version_id="v_new", fetched_at="2017-02-01T00:00:00Z")
    new = version_of(replace(document, tagged=replace(document.tagged, article=article, claims=(), title_claims=())))
    first, last = decide([old, new], {})
    assert heads(first) == [
        f"index {old.kept.version_id}",
        "index v_new",
        *(f"delete {name}" for name in old.kept.claim_ids),
    ]
    assert heads(last) == [f"index {old.article_id}"]
    assert decide([new, old], {})[1] == last


def test_claims_that_are_gone_are_deleted_from_where_they_were() -> None:
    version = version_of(mosul())
    before = version.kept._replace(
        version_id="v_before", revision=1, claim_ids=("c_old", version.kept.claim_ids[0]), claims_month="2016.12"
    )
    first, _ = decide([version], {version.article_id: before})
    assert [head for head in heads(first) if head.startswith("delete")] == ["delete c_old", f"delete {version.kept.claim_ids[0]}"]
    assert all(b"2016.12" in op.head for op in first if b"delete" in op.head[:12])


def test_another_taggers_findings_replace_the_first() -> None:
    version = version_of(mosul())
    before = version.kept._replace(taggers=("0", "0"), claim_ids=("c_old",))
    first, last = decide([version], {version.article_id: before})
    assert "delete c_old" in heads(first)
    assert heads(last) == [f"index {version.article_id}"]


def test_names_and_listed_pages_are_told_once() -> None:
    preparer = Preparer(SETTINGS)
    assert preparer.prepare([(0, mosul())]).events
    assert preparer.prepare([(0, mosul())]).events == []


@pytest.mark.parametrize(
    ("key", "body", "url"),
    [
        (b"https://example.org/a", b"not json", "https://example.org/a"),
        (
            b"example.org",
            wire.encode(Request(url="https://example.org/a", host="example.org", source_id="s", kind="page")),
            "https://example.org/a",
        ),
        (None, b'{"url": "https://example.org/a", "text": 7}', "https://example.org/a"),
        (b"a_1", b'{"article": {"url": "https://example.org/a"}, "clustered": {}}', "https://example.org/a"),
        (b"a_1", wire.encode(mosul()), mosul().tagged.article.url),
        (b"s", b'{"request": {"url": "https://example.org/a"}}', "https://example.org/a"),
        (b"a_1", b'{"article": ' * 100_000, None),
        (None, b'{"url": "\xff"}', None),
        (None, b'{"url": 7}', None),
        (None, b"[]", None),
        (None, None, None),
    ],
)
def test_a_trace_finds_a_dead_letter_by_the_address_it_is_about(key: bytes | None, body: bytes | None, url: str | None) -> None:
    letter = DeadLetter(stage="tag", error="KeyError: x", at="2017-01-10T08:00:00Z", topic="t", partition=1, offset=2, key=key, body=body)
    assert events.dead_letter_fate(letter)[1].get("url") == url


def test_a_page_without_a_full_stop_is_not_there_as_many_times_as_it_has_claims() -> None:
    given = mosul()
    article = given.tagged.article
    endless = replace(article, text=article.text + " and so on" * 10_000, title="On and on " * 1000)
    claims = tuple(replace(claim, sentence_start=0, sentence_end=len(endless.text)) for claim in given.tagged.claims)
    found = bodies(replace(given, tagged=replace(given.tagged, article=endless, claims=claims)))["claims"]
    assert found
    assert all(len(claim["sentence"]) <= LONGEST + 2 and len(claim["title"]) <= LONGEST + 1 for claim in found)
    assert all(endless.text[claim["start"] : claim["end"]] in claim["sentence"] for claim in found)
