"""Actors and places together: one reading of the text, in which every span is settled as one, the other, or both.

A span is an actor where something is done or said by it ("Turkish troops", "the US-led coalition", "Iraq confirmed"), a place where
something happens in it. A country's name inside an organisation's ("Government of Iraq") stays part of that actor.
"""

from collections.abc import Sequence

from streams.actors import find_actors
from streams.context import Context
from streams.coref import resolve_references
from streams.lexicon import ActorLexicon
from streams.gazetteer import Gazetteer
from streams.places import find_places
from tocsin.records import Mention


def find_entities(context: Context, gazetteer: Gazetteer, lexicon: ActorLexicon) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """(actors, places) of one discourse, each in order of start; references resolved; only in title, body and quotes."""
    places = find_places(context, gazetteer)
    actors = resolve_references(context, find_actors(context, lexicon, places), lexicon)
    return settle(actors, places)


def settle(actors: Sequence[Mention], places: Sequence[Mention]) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """Decide overlaps between actors and places."""
    kept_actors = list(actors)
    kept_places: list[Mention] = []
    for place in places:
        rivals = [a for a in kept_actors if a.start < place.end and place.start < a.end and a.how != "pronoun"]
        if not rivals:
            kept_places.append(place)
            continue
        winners = [a for a in rivals if actor_wins(a, place)]
        if winners:
            continue
        kept_places.append(place)
        kept_actors = [a for a in kept_actors if a not in rivals or a.start < place.start or a.end > place.end]
    return tuple(kept_actors), tuple(kept_places)


def actor_wins(actor: Mention, place: Mention) -> bool:
    """Whether the actor takes the words it shares with the place."""
    if (actor.start, actor.end) == (place.start, place.end):
        return True
    return actor.end - actor.start > place.end - place.start
