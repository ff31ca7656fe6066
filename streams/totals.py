"""Roundups: a figure that is the sum of the article's other figures is their total, not one more event.

"Attacks kill 14" over parts that report six, three and five dead: the title's claim is marked cumulative, with its extent; each part
keeps its own place and figure.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tocsin.records import Claim

EXTENT = "the whole report"
_FEWEST_PARTS = 2
_TYPES = frozenset(("casualties", "displacement"))


def mark_totals(title: Sequence[Claim], body: Sequence[Claim]) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """Return title and body claims with totals marked. Only a figure in the title or the body's first sentence can be one."""
    first = min((claim.sentence_index for claim in body), default=-1)
    parts = [claim for claim in body if claim.sentence_index > first]
    return (
        tuple(_marked(claim, body) for claim in title),
        tuple(_marked(claim, parts) if claim.sentence_index == first else claim for claim in body),
    )


def _marked(claim: Claim, parts: Sequence[Claim]) -> Claim:
    figures = _figures(claim)
    if claim.type not in _TYPES or claim.cumulative == "cumulative" or not figures:
        return claim
    for role, total in figures.items():
        # One event reported twice in the body has equal words, place and figure: it is one part.
        seen = {
            (role, value, tuple(place.entity_id for place in part.places)): value
            for part in parts
            if part.type == claim.type and not part.background
            for value in [_figures(part).get(role)]
            if value is not None and value < total
        }
        if len(seen) >= _FEWEST_PARTS and sum(seen.values()) == total:
            return replace(claim, cumulative="cumulative", extent=claim.extent or EXTENT)
    return claim


def _figures(claim: Claim) -> dict[str, float]:
    """Role -> exact figure; a bound ("over 40") adds up to nothing exact."""
    return {q.role: q.value for q in claim.quantities if q.value is not None and q.approx in (None, "about") and q.role != "other"}
