"""Actors and places together: one reading of the text, in which every span is settled as one, the other, or both.

A span is an actor where something is done or said by it ("Turkish troops", "the US-led coalition", "Iraq confirmed"), a place where
something happens in it. A country's name inside an organisation's ("Government of Iraq") stays part of that actor.
"""

import re
from collections.abc import Sequence

import msgspec

from streams.actors import find_actors
from streams.context import Context
from streams.coref import resolve_references
from streams.gazetteer import Gazetteer
from streams.lexicon import ActorLexicon
from streams.places import find_places
from streams.scan import body_spans
from tocsin.records import Mention

_WHERE = re.compile(
    r"\b(?:in|inside|into|from|across|throughout|within|to|towards?|near|outside|around|leave|left|leaving|enter(?:ed|ing)?|reach(?:ed)?|visit(?:ed)?|over|via"
    r"|(?:north|south|east|west|north-?east|north-?west|south-?east|south-?west)ern|central) (?:the )?$",
    re.IGNORECASE,
)


_WHERE_WORDS_LIST = (
    "in inside into from across throughout within to toward towards near outside around leave left leaving enter entered entering reach "
    "reached visit visited over via northern southern eastern western northeastern northwestern southeastern southwestern central"
)
_WHERE_WORDS = frozenset(_WHERE_WORDS_LIST.split())
_OVERLAPPING = 8  # actors that may begin before one place ends


def find_entities(context: Context, gazetteer: Gazetteer, lexicon: ActorLexicon) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """(actors, places) of one discourse, each in order of start; references resolved; only in title, body and quotes."""
    spans = body_spans(context.segments, len(context.text))
    places = find_places(context, gazetteer)
    if spans != [(0, len(context.text))]:
        places = [p for p in places if any(a <= p.start and p.end <= b for a, b in spans)]
    actors = resolve_references(context, find_actors(context, lexicon, places), lexicon)
    return settle(context.text, actors, places)


def settle(text: str, actors: Sequence[Mention], places: Sequence[Mention]) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """Decide overlaps between actors and places.

    A demonym ("Turkish") within an actor belongs to it; any other names its country as a place, never surely.
    """
    lost: set[str] = set()  # ids of actor mentions whose words went to a place
    kept_places: list[Mention] = []
    at = 0
    for place in places:
        while at < len(actors) and actors[at].end <= place.start:
            at += 1
        if place.how == "demonym":
            if not any(actor.start < place.end and place.start < actor.end for actor in actors[at : at + _OVERLAPPING]):
                kept_places.append(msgspec.structs.replace(place, sure=False, reason="an adjective of a country"))
            continue
        rivals = []
        for actor in actors[at:]:
            if actor.start >= place.end:
                break
            if actor.end > place.start and actor.how != "pronoun":
                rivals.append(actor)
        verdicts = [_verdict(actor, place) for actor in rivals] if rivals else []
        if "actor" not in verdicts:
            reason = "names part of an actor" if "both" in verdicts else ""
            if not reason and not _located(place, text):
                reason = "a country, not said to be where"
            kept_places.append(msgspec.structs.replace(place, sure=False, reason=reason) if reason and place.sure else place)
            if "place" in verdicts:
                lost.update(actor.mention_id for actor, verdict in zip(rivals, verdicts, strict=True) if verdict == "place")
    return tuple(a for a in actors if a.mention_id not in lost), tuple(kept_places)


def _located(place: Mention, text: str) -> bool:
    """Whether a country is said to be where something is: "in Iraq"; other places always are.

    Not in "peace between Sudan and others", where it is a party, nor in "Mosul, Iraq", where it only tells which Mosul.
    """
    if place.type != "country":
        return True
    before = text[max(0, place.start - 24) : place.start].lower()
    if before[-1:] == " ":  # a word of ASCII letters and a space, as nearly always, says it all: the pattern is dear
        word = before.removesuffix("the ") if before.endswith(" the ") else before
        word = word[:-1].rpartition(" ")[2]
        if word != "the" and word.isascii() and word.isalpha():
            return word in _WHERE_WORDS
    head = before.split()
    if not head or (head[-1] == "the" and not head[:-1]):
        return False
    last = head[-2] if head[-1] == "the" else head[-1]
    # A look at the last word spares the pattern nearly always; what is glued to it may still end in one.
    return (last in _WHERE_WORDS or not last.isalpha()) and _WHERE.search(text, max(0, place.start - 24), place.start) is not None


def _verdict(actor: Mention, place: Mention) -> str:
    """Who keeps the words an actor and a place share: "actor", "place", or "both"."""
    rule = actor.rule_id.split(":")[0]
    if (actor.start, actor.end) == (place.start, place.end) or actor.text.lower() == f"the {place.text.lower()}":
        if rule in ("phrase", "organisation", "skeleton"):
            return "place"
        if rule == "person":
            return "place" if place.sure and place.type != "city" else "actor"
        return "actor"
    if actor.start > place.start or actor.end < place.end:  # the place reaches further: "northeast Nigeria", "town of Karak"
        return "place" if place.end - place.start > actor.end - actor.start else "actor"
    if rule == "phrase":  # "Russia's ambassador", "Vancouver police", "residents of Edmonton"; "Government of Iraq" is one name
        return "actor" if actor.text[:1].isupper() and " of " in actor.text and place.type == "country" else "both"
    if rule == "office":
        return "both"
    if rule == "person":  # "U.S. Secretary of State X" and "Aleppo Mayor Y" name a place, "Franklin Roosevelt" does not
        return "both" if actor.start == place.start else "actor"
    return "actor"
