"""All rules over one tagged article version after the other: what the embedded run does live, and what tests and previews of rules do.

The distributed stages call the same functions, each with its part of the state (`streams.stages`).
"""

from collections.abc import Collection, MutableMapping
from typing import NamedTuple

from streams.alerts import State, judge
from streams.alerts_incidents import Told, judge_incidents, noted
from streams.alerts_reasons import Heard
from streams.ledger import LedgerState, settle
from streams.ledger_claims import Sides, ledger_claims
from streams.rules import Rules
from streams.sightings import sightings
from tocsin.alerting import Alert, together
from tocsin.incidents import Incident
from tocsin.records import Clustered, Tagged


class Made(NamedTuple):
    """What one version made of the state."""

    alerts: tuple[Alert, ...]
    incidents: tuple[Incident, ...]


class Engine:
    """Rules and everything they remember."""

    def __init__(
        self,
        rules: Rules,
        state: State | None = None,
        ledger: LedgerState | None = None,
        told: MutableMapping[str, Told] | None = None,
        sides: Sides | None = None,
    ) -> None:
        """`sides`: whose organ or mouthpiece each known actor is. The tables are durable, or forgotten with the engine."""
        self.rules, self._sides = rules, sides
        self._state = state if state is not None else State({}, {}, {})
        self._ledger = ledger if ledger is not None else LedgerState({}, {})
        self._told = told if told is not None else {}

    def take(
        self, tagged: Tagged, clustered: Clustered, blocks: Collection[str] = (), *, known: bool = False, heard: Heard | None = None
    ) -> Made:
        """Take in one version. `blocks`: where its former version spoke (`streams.ledger_claims.blocks_of`).

        `known`: this very version passed before, and what it says is in the ledger. `heard` is told why rules did not ring.
        """
        matches = self.rules.conditions.matches(tagged, clustered)
        alerts = [*judge(sightings(tagged, clustered, self.rules, matches), self.rules, self._state, heard)]
        incidents: list[Incident] = []
        said = () if known else ledger_claims(tagged, clustered, self._sides, blocks)
        for part in noted(said, tagged, clustered, matches):
            changed = settle(part, self._ledger)
            incidents += changed
            alerts += judge_incidents(part, changed, self.rules, self._told, heard)
        return Made(together(alerts), tuple(incidents))
