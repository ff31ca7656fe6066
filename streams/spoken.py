"""Which blocks of the ledger each article spoke in, so that a version that falls silent in one is heard there too. Pure.

State: a `blocks` row an article that spoke in any, of its latest version; forgotten `MEMORY` after it was last set, when the records'
time enters another day: so replay forgets alike.
"""

from collections.abc import MutableMapping

from streams.cluster import MEMORY
from streams.ledger_claims import Sides, ledger_claims
from tocsin.clock import iso, parse
from tocsin.incidents import LedgerClaims
from tocsin.records import Clustered, Record, Tagged


class Spoken(Record, frozen=True, kw_only=True):
    """Where an article's latest version spoke."""

    version_id: str
    at: str  # when that version was first seen
    blocks: tuple[str, ...]


class Speakers:
    """The table, and when it was last looked through."""

    def __init__(self, table: MutableMapping[str, Spoken]) -> None:
        """`table`: article id -> Spoken, durable."""
        self._table = table
        self._day = ""

    def said(self, tagged: Tagged, clustered: Clustered, sides: Sides) -> tuple[LedgerClaims, ...]:
        """What a version says by block, and where its article said something before: nothing."""
        article_id, at = clustered.article_id, clustered.at or tagged.article.fetched_at
        self._forget(at)
        before = self._table.get(article_id)
        found = ledger_claims(tagged, clustered, sides, before.blocks if before is not None else ())
        blocks = tuple(said.block for said in found if said.claims)
        if before is None or (before.at <= at and before.version_id != clustered.version_id):
            self._keep(article_id, Spoken(version_id=clustered.version_id, at=at, blocks=blocks) if blocks else None, before)
        return found

    def _keep(self, article_id: str, spoken: Spoken | None, before: Spoken | None) -> None:
        if spoken is not None:
            self._table[article_id] = spoken
        elif before is not None:
            del self._table[article_id]

    def _forget(self, at: str) -> None:
        """Once a day of the records' time, look at all rows: a second or two for a million."""
        day = at[:10]
        if day <= self._day:
            return
        oldest = iso(parse(at) - MEMORY)
        self._day = day
        for article_id in [article_id for article_id, spoken in self._table.items() if spoken.at < oldest]:
            del self._table[article_id]
