"""A tagged article: offsets slice to the words in every field, the text is never altered, title and body are kept apart."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.resources import resources_for
from streams.tag import Resources, origin_of, tag, tag_line
from tests.builders import article
from tocsin.errors import Quarantine
from tocsin.settings import load
from tocsin.wire import plain

AT = "2018-01-06T10:00:00Z"
TITLE = "Shelling kills 14 in Aleppo"
BODY = (
    "Shells hit a market in the east of the city on Friday, killing 14 people, a hospital director told Reuters.\n"
    "The army denied that it had fired on the market. “We will hold Aleppo,” a rebel commander said.\n"
    "If the road to Castello is cut, 250,000 civilians could be displaced, the United Nations warned."
)


@pytest.fixture(scope="module")
def resources() -> Resources:
    return resources_for(load(environment={})[0])


def spans(value: Any) -> list[tuple[str, int, int]]:
    """Every (text, start, end) anywhere in a record as plain data."""
    found: list[tuple[str, int, int]] = []
    if isinstance(value, dict):
        if isinstance(value.get("text"), str) and isinstance(value.get("start"), int) and isinstance(value.get("end"), int):
            found.append((value["text"], value["start"], value["end"]))
        found += [span for item in value.values() for span in spans(item)]
    elif isinstance(value, list | tuple):
        found += [span for item in value for span in spans(item)]
    return found


def assert_sliced(text: str, findings: Any) -> None:
    for words, start, end in spans(plain_all(findings)):
        assert text[start:end] == words


def plain_all(findings: Any) -> list[Any]:
    return [plain(item) for item in findings]


def test_every_offset_of_title_and_body_slices_to_its_words(resources: Resources) -> None:
    of = article(BODY, title=TITLE)
    tagged = tag(of, resources)
    assert tagged.claims
    assert tagged.title_claims
    assert_sliced(BODY, (*tagged.mentions, *tagged.claims))
    assert_sliced(TITLE, (*tagged.title_mentions, *tagged.title_claims))
    for claim in tagged.claims:
        assert BODY[claim.sentence_start : claim.sentence_end].strip()
        assert claim.sentence_start <= claim.start < claim.end
        sentence = tagged.sentences[claim.sentence_index]
        assert sentence.start <= claim.start < sentence.end


def test_a_claim_points_to_mentions_that_are_there(resources: Resources) -> None:
    tagged = tag(article(BODY, title=TITLE), resources)
    known = {mention.mention_id for mention in tagged.mentions}
    pointed = {item.mention_id for claim in tagged.claims for item in (*claim.actors, *claim.places) if item.mention_id}
    assert pointed
    assert pointed <= known


def test_title_and_body_share_senses(resources: Resources) -> None:
    tagged = tag(article("Shells fell on the city again. Three people died.", title="Aleppo bombarded"), resources)
    places = {place.entity_id for claim in tagged.claims for place in claim.places}
    assert "loc:aleppo" in places


def test_the_same_article_gives_the_same_document_and_unique_claim_ids(resources: Resources) -> None:
    of = article(BODY, title=TITLE)
    tagged = tag(of, resources)
    assert tag(of, resources) == tagged
    ids = [claim.claim_id for claim in (*tagged.title_claims, *tagged.claims)]
    assert len(ids) == len(set(ids))


def test_the_filter_returns_id_and_text_unaltered(resources: Resources) -> None:
    text = "  Rebels took the tow\u200bn of Azaz.\r\n"
    answer = tag_line({"id": 7, "text": text}, resources, AT)
    assert (answer["id"], answer["text"]) == (7, text)


@pytest.mark.parametrize("line", [{}, {"id": 1}, {"text": "x"}, {"id": 1, "text": 5}, {"id": 1, "text": "x", "title": 3}])
def test_the_filter_refuses_lines_of_another_shape(resources: Resources, line: dict[str, Any]) -> None:
    with pytest.raises(Quarantine, match=r"needs|must"):
        tag_line(line, resources, AT)


def test_an_unknown_name_in_latin_letters_stops_no_other_language(resources: Resources) -> None:
    text = "Армия сообщила, что 12 мирных жителей погибли в Мосуле в результате обстрела, Qwertz подтвердила."
    assert tag(article(text), resources).claims


def test_a_language_without_claim_rules_is_tagged_and_says_so(resources: Resources) -> None:
    tagged = tag(article("Die Armee hat am Montag die Stadt Aleppo zurückerobert, wie ein Sprecher der Regierung mitteilte."), resources)
    assert tagged.lang == "de"
    assert not tagged.claims_attempted
    assert tagged.claims == ()
    assert "loc:aleppo" in {mention.entity_id for mention in tagged.mentions}


@pytest.mark.parametrize(
    ("publisher", "origin"),
    [(None, "wire-group"), ("Sample Wire", "wire-group"), ("Reuters", "org:reuters"), ("Some Agency", "publisher:some agency")],
)
def test_a_dispatch_counts_for_the_agency_it_came_from(resources: Resources, publisher: str | None, origin: str) -> None:
    assert origin_of(article("x", publisher=publisher), resources.lexicon) == origin


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400), title=st.none() | st.text(max_size=60))
def test_any_text_is_tagged_without_an_error(resources: Resources, text: str, title: str | None) -> None:
    tagged = tag(article(text, title=title), resources)
    assert_sliced(text, (*tagged.mentions, *tagged.claims))


SENTENCE = "the 12 dozens killed Aleppo said ISIS forces not if “ ” , . people 2016 ’s army took 3,000 قتل في داعش أكثر من убиты в"
WORDS = [*SENTENCE.split(), "\u200e", "\n"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=80))
def test_any_mixture_of_news_words_slices_right(resources: Resources, words: list[str]) -> None:
    text = " ".join(words)
    tagged = tag(article(text), resources)
    assert_sliced(text, (*tagged.mentions, *tagged.claims))
