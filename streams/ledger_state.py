"""What the ledger remembers: an index row a block, and one row an open incident. Both bounded (see `data/ledger.yaml`, limits)."""

from collections.abc import MutableMapping

from tocsin.incidents import Correction, FigureSaid, IncidentQuote, LedgerClaim
from tocsin.records import Record


class Entry(Record, frozen=True, kw_only=True, array_like=True):
    """One open incident in its block's index: enough to leave out most of those that cannot match."""

    incident_id: str
    first_day: int  # ordinals
    last_day: int
    touched: int  # day on which something was last said
    total: str
    places: tuple[str, ...]  # below the country, and what they lie in
    near: tuple[float, float] | None  # latitude, longitude of the first place that has them
    articles: tuple[str, ...]  # the first digits of their ids


class Block(Record, frozen=True, kw_only=True):
    """The open incidents of a block, the one touched last at the end."""

    entries: tuple[Entry, ...] = ()


class Contribution(Record, frozen=True, kw_only=True, array_like=True):
    """What one article says of an incident, in its latest version."""

    article_id: str
    version_id: str
    past: tuple[str, ...]  # earlier versions
    cluster_id: str
    source_id: str
    owner: str
    at: str  # when the article was first seen
    version_at: str  # and this version
    said_at: str  # published, else first seen
    claims: tuple[LedgerClaim, ...]
    taken_back: tuple[tuple[tuple[str, str, str], FigureSaid], ...] = ()  # (role, unit, extent): a figure it no longer gives


class Open(Record, frozen=True, kw_only=True):
    """One open incident. All that is shown of it is computed from this (`streams.ledger_tally`)."""

    incident_id: str
    block: str
    first: IncidentQuote
    contributions: tuple[Contribution, ...]  # in order of arrival
    corrections: tuple[Correction, ...] = ()
    saturated: bool = False
    revision: int = 1


class LedgerState:
    """The two tables."""

    def __init__(self, blocks: MutableMapping[str, Block], incidents: MutableMapping[str, Open]) -> None:
        """`blocks`: block -> Block; `incidents`: incident id -> Open. Durable mappings, or dicts."""
        self.blocks, self.incidents = blocks, incidents
