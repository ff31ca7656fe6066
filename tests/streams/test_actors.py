"""Who is found in a text, and who is not: golden pairs beside the lexicon, and what must hold for any text."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.actors import find_actors, load_actors
from streams.context import Context, plain_context
from streams.coref import resolve_references
from streams.lexicon import DATA
from tests.timing import cpu_seconds
from tocsin.fold import fold
from tocsin.records import Mention, Segment

LEXICON = load_actors()
EXAMPLES = [
    pytest.param(example, id=f"{path.stem.removesuffix('_examples')}: {example['text'][:50]}")
    for path in sorted(DATA.glob("*_examples.yaml"))
    for example in yaml.safe_load(path.read_text(encoding="utf-8"))
]
PIECES = [word + " " for example in EXAMPLES for word in example.values[0]["text"].split()]


def place(text: str, name: str, country: str) -> Mention:
    start = text.index(name)
    return Mention(
        mention_id="p",
        kind="place",
        entity_id=f"loc:{name.lower()}",
        name=name,
        type="city",
        text=name,
        start=start,
        end=start + len(name),
        country=country,
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_beside_the_lexicon_hold(example: dict[str, Any]) -> None:
    text = example["text"]
    found = {(m.text, m.entity_id) for m in find_actors(plain_context(text), LEXICON)}
    for words, entity in example.get("actors", []):
        assert any(
            w.removeprefix("the ").removeprefix("The ") == words.removeprefix("the ").removeprefix("The ") and e == entity for w, e in found
        ), (
            words,
            entity,
            found,
        )
    for words in example.get("none", []):
        assert words not in {w for w, _ in found}, found


def test_every_lexicon_file_has_examples() -> None:
    files = {p.stem for p in DATA.glob("*.yaml")} - {"countries", "words", "people_words"}
    assert {f for f in files if not f.endswith("_examples")} == {f.removesuffix("_examples") for f in files if f.endswith("_examples")}


def test_the_police_are_those_of_the_country_spoken_of() -> None:
    text = "Fighting went on in Mosul. The Iraqi Army, the police and volunteers took part."
    found = {m.text: m for m in find_actors(plain_context(text), LEXICON, [place(text, "Mosul", "IQ")])}
    assert found["the police"].entity_id == "org:iraqi-police"
    assert not found["the police"].sure


@pytest.mark.parametrize(("city", "country", "who"), [("Raqqa", "SY", "org:ypg"), ("Erbil", "IQ", "org:peshmerga")])
def test_kurdish_troops_are_those_of_the_country_around(city: str, country: str, who: str) -> None:
    text = f"The US relies on the Kurdish troops near {city}."
    found = {m.text: m.entity_id for m in find_actors(plain_context(text), LEXICON, [place(text, city, country)])}
    assert found["the Kurdish troops"] == who


def test_mentions_stand_only_in_title_body_and_quotes() -> None:
    text = "Hamas agreed.\n\nWritten by a fan of Hezbollah"
    segments = (Segment(kind="body", start=0, end=13), Segment(kind="bio", start=15, end=len(text)))
    context = Context(text=text, folded=fold(text), lang="en", segments=segments)
    assert [m.entity_id for m in find_actors(context, LEXICON)] == ["org:hamas"]


def test_mentions_are_in_order_disjoint_and_quote_the_text() -> None:
    text = " ".join(e.values[0]["text"] for e in EXAMPLES)
    found = find_actors(plain_context(text), LEXICON)
    assert len(found) > 100
    for before, after in pairwise(found):
        assert before.end <= after.start
    assert all(text[m.start : m.end] == m.text and m.mention_id == f"m{m.start}-{m.end}" for m in found)


def test_class_nouns_are_typed_as_classes_and_named_armies_are_sure() -> None:
    found = {m.text: m for m in find_actors(plain_context("Civilians fled from Russian troops."), LEXICON)}
    assert (found["Civilians"].type, found["Civilians"].how) == ("class", "class")
    assert found["Russian troops"].sure


@pytest.mark.parametrize(
    "unit", ["Al-", "A. B. ", "Mr ", "the ", "Ministry of ", "five thousand ", "and ", "(ABC) ", "IS ", "é́", "«Azov» ", "a-b-C'"]
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    def seconds(size: int) -> float:
        context = plain_context((unit * size)[:size])
        return cpu_seconds(lambda: find_actors(context, LEXICON))

    assert seconds(60_000) < 40 * seconds(6_000) + 0.5


def test_loading_takes_less_than_a_second() -> None:
    assert cpu_seconds(load_actors) < 2.0  # a second on an idle core


def test_no_lexicon_entry_lacks_names_and_every_relation_points_somewhere() -> None:
    targets = {target for actor in LEXICON.actors.values() for _, target in actor.relations}
    assert targets <= set(LEXICON.actors)
    assert Path(DATA, "iraq_syria.yaml").exists()


def test_the_government_of_a_region_is_not_the_states() -> None:
    text = "The Punjab government agreed; the government of India did not."
    spots = [msgspec.structs.replace(place(text, "Punjab", "IN"), type="admin1")]
    found = {m.text: m.entity_id for m in find_actors(plain_context(text), LEXICON, spots)}
    assert found["The Punjab government"] == "grp:government"
    assert found["the government of India"] == "gov:IN"


def test_folding_that_drops_characters_does_not_shift_guards() -> None:
    text = "وَقَالَ " * 200 + "The RSF attacked El Fasher in Darfur."
    assert "org:rsf" in {m.entity_id for m in find_actors(plain_context(text), LEXICON)}


def test_english_nouns_and_pronouns_are_not_read_in_other_languages() -> None:
    text = "La police a dit que me voici, he visto a Hamas con las forces."
    assert [m.entity_id for m in find_actors(plain_context(text, lang="es"), LEXICON)] == ["org:hamas"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "\u0640", "İ", "\ud800", "’s ", " (", "\n\n", "-", "."]) | st.text(max_size=4), max_size=40).map(
        "".join
    )
)
def test_any_text_gives_mentions_that_quote_it(text: str) -> None:
    context = plain_context(text)
    for found in resolve_references(context, find_actors(context, LEXICON), LEXICON):
        assert 0 <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == found.text
