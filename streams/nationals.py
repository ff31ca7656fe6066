"""Whose nationals a figure counts: "52,000 Afghans crossed from Pakistan" is about Afghanistan too, wherever it happened.

The country is added to the claim in the role "about": it says who, never where, so it carries no point.
"""

import re
from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from streams.gazetteer import DEMONYM, Hit, Place, place_key
from streams.numbers import Number
from tocsin.records import Claim, ClaimPlace

_TYPES = frozenset(("displacement", "casualties"))
_CAPITALS = re.compile(r"(?<![\w'’-])[A-Z][\w-]{3,}(?: [A-Z][\w-]{3,}){0,2}")
_CONFIDENCE = 0.5


class Demonyms(Protocol):
    """The part of `streams.gazetteer.Gazetteer` that knows demonyms."""

    def lookup(self, key: str) -> tuple[Hit, ...]: ...  # noqa: D102
    def place(self, index: int) -> Place: ...  # noqa: D102


def with_nationality(claim: Claim, numbers: Mapping[int, Number], text: str, gazetteer: Demonyms) -> Claim:
    """The claim with the country of the people its figures count. `numbers`: by start, offsets in `text` as in `claim`."""
    if claim.type not in _TYPES:
        return claim
    known = {place.entity_id for place in claim.places}
    added: list[ClaimPlace] = []
    for quantity in claim.quantities:
        number = numbers.get(quantity.start)
        if number is None or number.noun_end < 0:
            continue
        for words in _CAPITALS.finditer(text, number.end, number.noun_end):
            place = _country(words.group(), gazetteer)
            if place is not None and place.id not in known:
                known.add(place.id)
                added.append(
                    ClaimPlace(
                        role="about",
                        entity_id=place.id,
                        name=place.name,
                        country=place.country,
                        precision="country",
                        text=words.group(),
                        start=words.start(),
                        end=words.end(),
                        confidence=_CONFIDENCE,
                    )
                )
    return replace(claim, places=(*claim.places, *added)) if added else claim


def _country(words: str, gazetteer: Demonyms) -> Place | None:
    """The country whose people are called so ("Afghans", "Central Africans")."""
    key = place_key(words)
    for form in (key, key.removesuffix("s")):
        for hit in gazetteer.lookup(form):
            if hit.kind == DEMONYM:
                place = gazetteer.place(hit.index)
                return place if place.type == "country" else None
    return None
