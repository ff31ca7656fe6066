"""What articles say in one block of the ledger, made by hand."""

from collections.abc import Sequence

from tocsin.incidents import IncidentActor, IncidentPlace, LedgerClaim, LedgerClaims, LedgerFigure

PLACES = [IncidentPlace(entity_id=f"loc:town-{n}", name=f"Town {n}", country="SD", parent_ids=("loc:sudan",)) for n in range(300)]
RSF = IncidentActor(role="perpetrator", entity_id="org:rsf", name="Rapid Support Forces", side="org:rsf")


def claim(name: str, killed: float, place: int, origin: str, day: int, **more: object) -> LedgerClaim:
    """`origin` says that on `day` of May 2024 `killed` people were killed at `PLACES[place]`."""
    values: dict[str, object] = {
        "claim_id": name,
        "type": "casualties",
        "subtype": "killed",
        "places": (PLACES[place],),
        "day_from": f"2024-05-{day:02}",
        "day_to": f"2024-05-{day:02}",
        "precision": "day",
        "figures": (LedgerFigure(role="killed", unit="person", value=killed, low=killed, high=killed),),
        "origin": origin,
        "source": origin,
        "source_name": origin,
        "quote": "Words of it.",
    }
    return LedgerClaim(**{**values, **more})  # type: ignore[arg-type]


def message(article: int, version: int, claims: Sequence[LedgerClaim], at: str = "2024-05-10T10:00:00Z") -> LedgerClaims:
    """Version `version` of article `article`, which is its own source, owner and cluster."""
    return LedgerClaims(
        block="SD violence",
        article_id=f"a_{article:08x}{article:016x}",
        version_id=f"v_{article}_{version}",
        cluster_id=f"k_{article}",
        source_id=f"s{article}",
        owner=f"o{article}",
        at=at,
        published_at=at,
        claims=tuple(claims),
    )
