"""Roundups: a figure that is the sum of the article's other figures is their total, not one more event.

"Attacks kill 14" over parts that report six, three and five dead: the title's claim is marked cumulative, with its extent; each part
keeps its own place and figure.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from tocsin.records import Claim

_HOUSING = "housing"  # subtype of displacement told by counted homes
_LESSER = "Partially Destroyed Housing"  # IDMC term: whose home is only damaged may have stayed
_BESIDE = 1  # sentences either way
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


def without_doubles(claims: Sequence[Claim]) -> list[Claim]:
    """The claims without homes that stand for people counted already.

    Lost homes are a proxy for those who lived in them: beside a count of the displaced themselves they would count everybody twice, and
    beside homes destroyed the damaged ones say little. The damage itself stays a claim of destruction.
    """
    if not any(claim.subtype == _HOUSING for claim in claims):
        return list(claims)
    counted = {claim.sentence_index for claim in claims if claim.type == "displacement" and claim.subtype != _HOUSING and claim.quantities}
    destroyed = {claim.sentence_index for claim in claims if claim.subtype == _HOUSING and claim.codes.idmc_term != _LESSER}
    return [
        claim
        for claim in claims
        if claim.subtype != _HOUSING
        or not (
            counted.intersection(range(claim.sentence_index - _BESIDE, claim.sentence_index + _BESIDE + 1))
            or (claim.codes.idmc_term == _LESSER and claim.sentence_index in destroyed)
        )
    ]
