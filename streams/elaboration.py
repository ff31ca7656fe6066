"""Places told in the sentence after a figure, where that goes on about the displacement.

"6,000 people were displaced in January. Residents of Damboa fled on foot." The second sentence has no figure of its own, so it tells
more about the first. Its places count for the claim where the claim has none of its own, or only a country; they are marked implicit
and weigh less.
"""

from bisect import bisect_left
from collections.abc import Sequence

from msgspec.structs import replace

from streams.claim_parts import place_of
from streams.context import Context
from streams.figures import tells_displacement
from streams.named_places import named_places
from streams.numbers import Number
from tocsin.records import Claim, ClaimPlace, Mention

_PEOPLE = frozenset(("person", "household"))
_WEIGHT = 0.6
_MOST = 3  # places: a longer list is no longer about the figure


def with_following(claim: Claim, context: Context, places: Sequence[Mention], numbers: Sequence[Number]) -> Claim:
    """The claim with the places of the sentence after it, where that elaborates its figure. `places`, `numbers`: sorted by start."""
    following = claim.sentence_index + 1
    if claim.type != "displacement" or not claim.quantities or following >= len(context.sentences) or _is_placed(claim.places):
        return claim
    sentence = context.sentences[following]
    if sentence.scope != claim.scope or "\n" in context.text[claim.sentence_end : sentence.start]:
        return claim
    first = bisect_left(numbers, sentence.start, key=lambda number: number.start)
    if any(number.unit in _PEOPLE for number in numbers[first : bisect_left(numbers, sentence.end, key=lambda number: number.start)]):
        return claim
    if not tells_displacement(context, sentence.start, sentence.end):
        return claim
    at = bisect_left(places, sentence.start, key=lambda place: place.start)
    known = places[at : bisect_left(places, sentence.end, key=lambda place: place.start)]
    named = named_places(context.text, sentence.start, sentence.end, [(place.start, place.end) for place in known])
    told = {place.entity_id for place in claim.places}
    added = [
        place_of(place, "where", True, _WEIGHT) for place in (*known, *named) if place.type != "country" and place.entity_id not in told
    ]
    return replace(claim, places=(*claim.places, *added[:_MOST])) if added else claim


def _is_placed(places: Sequence[ClaimPlace]) -> bool:
    """Whether a place below a country is known already."""
    return any(place.precision != "country" and place.role != "about" for place in places)
