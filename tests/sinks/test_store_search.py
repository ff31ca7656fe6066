"""Searching: words in any spelling, filters that know places inside places, near-copies folded, facets over everything found."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sinks.query import parse
from sinks.sqlite import SqliteStore, open_store
from sinks.words import Pattern, find, keys
from tests.sinks import samples
from tocsin.errors import UsageError
from tocsin.records import Comment
from tocsin.store import Query, Span


def put(store: SqliteStore, *texts: str) -> None:
    for number, text in enumerate(texts):
        store.write(samples.batch(f"https://example.org/{number}", f"Title{number}", text))


def found(store: SqliteStore, text: str) -> list[str]:
    return sorted(hit.url.rsplit("/", 1)[1] for hit in store.search(Query(text=text)).hits)


def total_or_refusal(store: SqliteStore, text: str) -> int:
    """How many were found; 0 when the query was refused for want of a word. Any other error is one."""
    try:
        return store.search(Query(text=text)).total
    except UsageError as error:
        if "no word to search for" in str(error):
            return 0
        raise


def marked(spans: tuple[Span, ...]) -> list[str]:
    return [span.text for span in spans if span.hit]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("mosul", ["0", "1"]),
        ("mosul raqqa", ["1"]),
        ("raqqa mosul", ["1"]),
        ("mosul OR raqqa", ["0", "1", "2"]),
        ("mosul | raqqa", ["0", "1", "2"]),
        ("fell mosul OR raqqa", ["0", "2"]),
        ("mosul -raqqa", ["0"]),
        ('-"mosul and"', ["0", "2"]),
        ("-mosul", ["2"]),
        ('"mosul fell"', ["0"]),
        ('"fell mosul"', []),
        ("“raqqa fell”", ["2"]),
        ('"mosul fell', ["0"]),
        ("mos*", ["0", "1"]),
        ('"mosul f*"', []),
        ('"mosul f"*', ["0"]),
        ("MOSUL", ["0", "1"]),
        ("móśul", ["0", "1"]),
        ("(mosul)", ["0", "1"]),
        ("OR", ["2"]),
        ("", ["0", "1", "2"]),
        ("title2", ["2"]),
    ],
)
def test_the_query_language(store: SqliteStore, query: str, expected: list[str]) -> None:
    put(store, "Mosul fell.", "Mosul and Raqqa.", "Raqqa fell, or did it?")
    if query == "OR":  # alone it joins nothing and is no word either
        with pytest.raises(UsageError, match="no word to search for"):
            found(store, query)
        return
    assert found(store, query) == expected


@pytest.mark.parametrize(
    ("text", "query", "highlight"),
    [
        ("Fighting near al-Intisar went on.", "al-intisar", ["al-Intisar"]),
        ("The town’s mayor", "town's", ["town’s"]),
        ("More than 8,000 people", "8000", ["8,000"]),
        ("More than 8000 people", "8,000", ["8000"]),
        ("Des réfugiés ont fui", "refugies", ["réfugiés"]),
        ("Straße nach İzmir", "izmir", ["İzmir"]),
        ("نزحوا من المَوْصِل أمس", "الموصل", ["المَوْصِل"]),
        ("وبالموصل قُتل", "الموصل", ["وبالموصل"]),
        ("اشتباكات في إدلب", "ادلب", ["إدلب"]),
        ("В Харькове прозвучали взрывы", "харькове", ["Харькове"]),
        ("哈尔科夫遭到袭击", "科夫", ["科夫"]),
        ("a\u00adshell hit", "ashell", ["a\u00adshell"]),
        ("\u202eMosul\u202c fell", "mosul", ["Mosul"]),
        ("in Mo\u0301sul and MOSUL", "mosul", ["Mo\u0301sul", "MOSUL"]),
        ("new york and york", '"new york"', ["new york"]),
    ],
)
def test_words_are_found_in_any_spelling_and_marked_in_the_original(
    store: SqliteStore, text: str, query: str, highlight: list[str]
) -> None:
    put(store, text)
    (hit,) = store.search(Query(text=query)).hits
    assert marked(hit.snippet) == highlight
    assert "".join(span.text for span in hit.snippet) == text


@pytest.mark.parametrize(
    "hostile",
    [
        '"',
        '"""',
        "NEAR(a b)",
        "title:x",
        "a AND",
        "^away",
        "*",
        "a*b*",
        "(",
        "{title}: x",
        "'; DROP TABLE words; --",
        "a\x00b",
        "\ud800",
        "-",
        '-"',
    ],
)
def test_hostile_queries_are_words_or_a_clear_refusal(store: SqliteStore, hostile: str) -> None:
    put(store, "Mosul fell.")
    assert total_or_refusal(store, hostile) == 0
    assert found(store, "mosul") == ["0"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(['"', "OR", "-", "*", "NOT", "NEAR", "(", ")", "mosul", "^"])), max_size=8))
@example(["OR", "OR"])
@example(['"', "OR", '"'])
def test_no_query_breaks_the_search(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    with open_store(tmp_path_factory.getbasetemp() / "hostile") as store:
        assert total_or_refusal(store, " ".join(parts)) == 0


def test_a_query_of_too_many_words_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 100 words"):
        parse("word " * 101)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_every_word_indexed_is_found_again_where_it_stands(text: str) -> None:
    for key in set(keys(text)):
        places = find((Pattern((key,)),), text)
        assert places
        assert all(key in keys(text[start:end]) or len(key) == 64 for start, end, _ in places)


def test_comments_are_not_searched(store: SqliteStore) -> None:
    batch = samples.batch(text="Quiet day.")
    assert batch.tagged is not None
    article = replace(batch.tagged.article, comments=(Comment(text="900 killed in Mosul"),))
    store.write(replace(batch, tagged=replace(batch.tagged, article=article)))
    assert store.search(Query(text="900")).total == 0
    assert store.search(Query(text="quiet")).total == 1


@pytest.mark.parametrize("name", ["Mosul", "loc:mosul", "mosul", "IRAQ", "loc:iraq", "Nineveh", "iq-nineveh", "Sumar"])
def test_a_place_finds_what_lies_inside_it(store: SqliteStore, name: str) -> None:
    store.write(samples.batch(text="In Sumar.", places=[("Sumar", samples.SUMAR)]))
    store.write(samples.batch("https://example.org/r", text="In Raqqa.", places=[("Raqqa", samples.RAQQA)]))
    (hit,) = store.search(Query(places=(name,))).hits
    assert hit.places == ("Sumar",)
    assert marked(hit.snippet) == ["Sumar"]


def test_a_surface_name_finds_its_entity_in_other_languages(store: SqliteStore) -> None:
    store.write(samples.batch("https://example.org/ar", text="في الموصل", lang="ar", places=[("الموصل", samples.MOSUL)]))
    store.write(samples.batch("https://example.org/en", text="In Mosul", places=[("Mosul", samples.MOSUL)]))
    assert store.search(Query(places=("الموصل",))).total == 2


def test_an_unsure_surface_names_nothing_but_the_mention_can_be_found(store: SqliteStore) -> None:
    mention = samples.place("HTS advanced", "HTS", samples.RAQQA, sure=False)
    batch = samples.batch(text="HTS advanced")
    assert batch.tagged is not None
    store.write(replace(batch, tagged=replace(batch.tagged, mentions=(mention,))))
    assert store.search(Query(places=("HTS",))).total == 0
    results = store.search(Query(places=("Raqqa",)))
    assert results.total == 1
    assert results.facets["places"] == store.report().places == ()
    assert results.hits[0].places == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(actors=("islamic state",)), 1),
        (Query(actors=("ISLAMIC-STATE",)), 1),
        (Query(actors=("org:islamic-state", "org:nobody")), 1),
        (Query(actors=("org:nobody",)), 0),
        (Query(claim_types=("casualties",)), 1),
        (Query(claim_types=("territorial_control/captured",)), 1),
        (Query(claim_types=("territorial control/captured",)), 1),
        (Query(claim_types=("territorial_control/lost",)), 0),
        (Query(claim_types=("casualties",), modalities=("claimed",)), 1),
        (Query(claim_types=("casualties",), modalities=("asserted",)), 0),
        (Query(modalities=("reported",)), 1),
        (Query(sources=("Example News",)), 1),
        (Query(sources=("example",)), 1),
        (Query(sources=("other",)), 0),
        (Query(langs=("en",)), 1),
        (Query(langs=("EN", "ar")), 1),
        (Query(langs=("ar",)), 0),
        (Query(since="2017-01-10"), 1),
        (Query(since="2017-01-10T07:00:00Z"), 1),
        (Query(since="2017-01-10T07:00:01Z"), 0),
        (Query(since="2017-01-11"), 0),
        (Query(until="2017-01-10"), 1),
        (Query(until="2017-01-09"), 0),
        (Query(until="2017-01"), 1),
        (Query(until="2016"), 0),
        (Query(since="2017"), 1),
        (Query(text="iraqi", places=("Iraq",), actors=("un",), claim_types=("displacement",), since="2017", until="2017"), 1),
        (Query(text="syria", places=("Iraq",)), 0),
    ],
)
def test_filters(store: SqliteStore, query: Query, expected: int) -> None:
    store.write(samples.mosul())
    assert store.search(query).total == expected


def test_a_date_that_cannot_be_read_is_refused(store: SqliteStore) -> None:
    with pytest.raises(UsageError, match="not a date: write 2018-01-06"):
        store.search(Query(since="last week"))


def test_without_a_date_of_publication_the_first_fetch_counts(store: SqliteStore) -> None:
    store.write(samples.batch(published_at=None, fetched_at="2017-03-01T00:00:00Z"))
    store.write(samples.batch("https://example.org/b", published_at="sometime", fetched_at="2017-03-01T00:00:00Z"))
    assert store.search(Query(since="2017-03-01", until="2017-03-01")).total == 2


def test_claims_that_met_the_query_come_with_the_hit(store: SqliteStore) -> None:
    store.write(samples.mosul())
    (hit,) = store.search(Query(claim_types=("displacement",))).hits
    assert hit.claims == ("More than 135,000 people have fled",)
    assert marked(hit.snippet) == ["More than 135,000 people have fled"]
    (hit,) = store.search(Query(text="killed")).hits
    assert hit.claims == ("killed 30 fighters of the Islamic State",)


def test_near_copies_are_one_hit_with_their_number_unless_all_are_wanted(store: SqliteStore) -> None:
    for number in range(3):
        store.write(samples.batch(f"https://example.org/{number}", text=f"Mosul fell {number}.", cluster="k_1"))
    store.write(samples.batch("https://example.org/other", text="Mosul stood.", cluster="k_2"))
    results = store.search(Query(text="mosul"))
    assert (results.total, results.stories) == (4, 2)
    assert sorted(hit.copies for hit in results.hits) == [1, 3]
    assert len(store.search(Query(text="mosul", all_copies=True)).hits) == 4
    found_copies = store.article("https://example.org/0")
    assert found_copies is not None
    assert len(found_copies.copies) == 2


def test_facets_count_the_whole_result_with_parents(store: SqliteStore) -> None:
    store.write(samples.mosul())
    for number in range(12):
        store.write(samples.batch(f"https://example.org/{number}", text=f"In Raqqa, day {number}.", places=[("Raqqa", samples.RAQQA)]))
    results = store.search(Query(limit=1))
    places = {value.id: (value.name, value.count) for value in results.facets["places"]}
    assert places["loc:raqqa"] == ("Raqqa", 12)
    assert places["loc:syria"] == ("Syria", 12)
    assert places["loc:iq-nineveh"] == ("Nineveh (IQ)", 1)
    assert [(value.id, value.count) for value in results.facets["sources"]] == [("example", 13)]
    assert [(value.id, value.count) for value in results.facets["langs"]] == [("en", 13)]
    assert {value.id for value in results.facets["claim_types"]} == {"casualties", "displacement", "territorial_control"}


def test_a_word_in_the_title_and_a_recent_article_rank_higher(store: SqliteStore) -> None:
    store.write(samples.batch("https://example.org/title", "Mosul", "Something else happened.", published_at="2017-01-01"))
    store.write(samples.batch("https://example.org/body", "News", "Something happened in Mosul.", published_at="2017-01-01"))
    store.write(samples.batch("https://example.org/late", "News", "Something happened in Mosul, too.", published_at="2017-06-01"))
    for number in range(9):
        store.write(samples.batch(f"https://example.org/{number}", "Other", f"Nothing {number}."))
    assert [hit.url.rsplit("/", 1)[1] for hit in store.search(Query(text="mosul")).hits] == ["title", "late", "body"]


def test_pages_of_results_never_overlap(store: SqliteStore) -> None:
    put(store, *(["The same words."] * 11))
    seen = [hit.url for offset in range(0, 12, 3) for hit in store.search(Query(text="words", limit=3, offset=offset)).hits]
    assert len(seen) == len(set(seen)) == 11


def test_a_long_text_gives_a_short_snippet_around_the_rarest_gathering_of_words(store: SqliteStore) -> None:
    put(store, "Mosul. " + "Filler words go on here. " * 200 + "In Mosul the bridge fell. " + "More filler words. " * 200)
    (hit,) = store.search(Query(text="mosul bridge")).hits
    shown = "".join(span.text for span in hit.snippet)
    assert marked(hit.snippet) == ["Mosul", "bridge"]
    assert shown.startswith("… In Mosul")
    assert shown.endswith(" …")
    assert len(shown) < 320


@pytest.mark.parametrize(
    ("kind", "wanted", "expected"), [("place", "Mossul", ["Mosul"]), ("actor", "Islamik State", ["Islamic State"]), ("place", "Mosul", [])]
)
def test_a_misspelt_name_is_answered_with_the_closest(store: SqliteStore, kind: str, wanted: str, expected: list[str]) -> None:
    store.write(samples.mosul())
    assert store.closest(kind, wanted) == expected


def test_an_article_is_found_by_any_of_its_names(store: SqliteStore) -> None:
    batch = samples.mosul()
    store.write(batch)
    assert batch.tagged is not None
    article, claim = batch.tagged.article, batch.tagged.claims[1]
    names = [article.article_id, article.article_id[:8], article.version_id, article.version_id[:9], claim.claim_id, claim.claim_id[:10]]
    urls = ["https://example.org/mosul", "http://example.org/mosul/", "https://example.org/mosul#comments"]
    for name in (*names, *urls):
        stored = store.article(name)
        assert stored is not None, name
        assert stored.tagged == batch.tagged
    assert store.article("https://example.org/other") is None
    assert store.article("a_") is not None  # the only one
    store.write(samples.batch())
    with pytest.raises(UsageError, match="more than one id"):
        store.article("a_")


def test_alerts_are_found_by_either_part_of_a_pair_by_name_or_id_by_rule_and_by_time(store: SqliteStore) -> None:
    batch = samples.mosul()
    pair = samples.alert(batch, "org:islamic-state|loc:mosul", "Islamic State in Mosul", at="2017-01-12T00:00:00Z")
    other = samples.alert(batch, "loc:raqqa", "Raqqa", rule_id="other", at="2017-01-11T00:00:00Z")
    store.write(replace(batch, alerts=(other, pair)))
    assert store.alerts() == [pair, other]
    assert store.alerts(limit=1) == [pair]
    for subject in ("Mosul", "loc:mosul", "islamic state", "Islamic State in Mosul", pair.subject):
        assert store.alerts(subject=subject) == [pair], subject
    assert store.alerts(subject="raqqa") == [other]
    assert store.alerts(rule="other") == [other]
    assert store.alerts(since="2017-01-12") == [pair]
    assert store.alerts(subject="nowhere") == []
    stored = store.article("https://example.org/mosul")
    assert stored is not None
    assert set(stored.alerts) == {pair, other}
