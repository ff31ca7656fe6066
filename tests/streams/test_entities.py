"""Words that an actor and a place share: who keeps them."""

import pytest

from streams.actors import find_actors, load_actors
from streams.context import Context, plain_context
from streams.entities import find_entities, settle
from streams.gazetteer import Gazetteer, load_gazetteer
from tocsin.fold import fold
from tocsin.records import Mention, Segment

LEXICON = load_actors()


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return load_gazetteer(("IQ", "SY"), cache=tmp_path_factory.mktemp("gazetteer"))


def place(text: str, name: str, kind: str, how: str = "exact") -> Mention:
    start = text.index(name)
    return Mention(
        mention_id="p", kind="place", entity_id="loc:x", name=name, type=kind, text=name, start=start, end=start + len(name), how=how
    )


def shared(text: str, name: str, kind: str, how: str = "exact") -> tuple[set[str], list[Mention]]:
    spot = place(text, name, kind, how)
    actors, places = settle(text, find_actors(plain_context(text), LEXICON, [spot]), [spot])
    return {a.text for a in actors}, list(places)


@pytest.mark.parametrize(
    ("text", "name", "kind", "actor", "stays"),
    [
        ("Turkish troops crossed the river.", "Turkish", "country", "Turkish troops", False),
        ("The Government of Iraq agreed.", "Iraq", "country", "The Government of Iraq", False),
        ("Residents of Homs fled.", "Homs", "city", "Residents of Homs", True),
        ("Russia's ambassador left.", "Russia", "country", "Russia's ambassador", True),
        ("Students of the University of Leeds met.", "Leeds", "city", "University of Leeds", False),
        ("Fighting raged in Syria.", "Syria", "country", None, True),
        ("Iraq confirmed the deal.", "Iraq", "country", "Iraq", False),
    ],
)
def test_who_keeps_the_words(text: str, name: str, kind: str, actor: str | None, stays: bool) -> None:
    actors, places = shared(text, name, kind, "demonym" if name == "Turkish" else "exact")
    assert (actor in actors) if actor else not actors
    assert bool(places) is stays


def test_a_place_inside_an_actor_is_never_sure() -> None:
    _, places = shared("Russia's ambassador left.", "Russia", "country")
    assert [p.sure for p in places] == [False]


@pytest.mark.parametrize(
    ("text", "sure"), [("Bombs fell in Sudan.", True), ("Peace between Sudan and others.", False), ("They left Sudan.", True)]
)
def test_a_country_is_surely_a_place_only_where_something_is_said_to_be_in_it(text: str, sure: bool) -> None:
    _, places = shared(text, "Sudan", "country")
    assert [p.sure for p in places] == [sure]


def test_a_longer_place_takes_the_state_inside_it() -> None:
    text = "Northeast Nigeria said nothing."
    actors, places = shared(text, "Northeast Nigeria", "region_part")
    assert not actors
    assert len(places) == 1


def test_actors_and_places_of_an_article_come_together(gazetteer: Gazetteer) -> None:
    text = "Turkish troops and the US-led coalition entered Mosul, the Iraqi Army and the police said. Comment: Hamas in Gaza."
    body = Segment(kind="body", start=0, end=text.index("Comment"))
    actors, places = find_entities(Context(text=text, folded=fold(text), lang="en", segments=(body,)), gazetteer, LEXICON)
    assert {a.entity_id for a in actors} == {
        "org:turkish-armed-forces",
        "org:global-coalition-against-daesh",
        "org:iraqi-army",
        "org:iraqi-police",
    }
    assert [p.entity_id for p in places] == ["loc:mosul"]
