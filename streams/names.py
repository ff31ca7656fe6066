"""Names to entity ids: what alert rules are written with."""

from collections.abc import Callable
from typing import Protocol

from streams.gazetteer import Gazetteer, place_key
from streams.lexicon import ActorLexicon
from tocsin.fold import fold


class Known(Protocol):
    """Who has the names."""

    @property
    def gazetteer(self) -> Gazetteer:
        """Places."""

    @property
    def lexicon(self) -> ActorLexicon:
        """Actors."""


def resolver(resources: Known) -> Callable[[str], tuple[str, ...]]:
    """Return a function from a name, alias or entity id to entity ids; empty when nobody knows it.

    An actor's name or alias gives that actor. A place name gives its curated places, else the most populous place of that name: who
    means another one writes its id.
    """
    lexicon = resources.lexicon
    gazetteer = resources.gazetteer

    def resolve(name: str) -> tuple[str, ...]:
        if name in lexicon.actors or name in gazetteer.by_id or name.startswith("loc:gn-"):
            return (name,)
        return (*actors(name), *places(name))

    def actors(name: str) -> tuple[str, ...]:
        whole = (match.payload for match in lexicon.matcher.find_all(fold(name)) if (match.start, match.end) == (0, len(name)))
        return tuple(dict.fromkeys(term.id for term in whole if term.kind == "name"))

    def places(name: str) -> tuple[str, ...]:
        found = [hit.index for hit in gazetteer.lookup(place_key(name))]
        curated = [index for index in found if gazetteer.is_curated(index)]
        chosen = curated or sorted(found, key=gazetteer.population)[-1:]
        return tuple(dict.fromkeys(gazetteer.place(index).id for index in chosen))

    return resolve
