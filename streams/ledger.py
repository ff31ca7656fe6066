"""The ledger: claims of different articles that speak of one event meet in one incident. Pure; state is handed in.

State (`streams.ledger_state`; bounded, see `data/ledger.yaml`): a `blocks` row with an index of a block's open incidents, an
`incidents` row each. One article writes one row of each kind in a block where it says something, and none elsewhere.

- Redelivery is exact: a version that an incident has, or had before an edit, changes nothing; nor does one older than what it has.
  Where one of the two rows was kept and the other was not (a worker died between them), delivering again mends that.
- An edit replaces what its article contributed. Figures it no longer gives are kept as revised or retracted.
- Ids are those of the first claim that arrived: another order gives other ids, and on the same claims mostly the same incidents.
- No clock: an incident closes when its block hears of something more than `limits.days` later.
"""

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from streams.ledger_figures import line_of, number_of, written
from streams.ledger_match import ENOUGH, Said, fit, said_of
from streams.ledger_rules import Limits, ledger_rules
from streams.ledger_state import Block, Contribution, Entry, LedgerState, Open
from streams.ledger_tally import incident_of
from tocsin import ids
from tocsin.incidents import Correction, FigureSaid, Incident, IncidentQuote, LedgerClaim, LedgerClaims

__all__ = ["LedgerState", "settle"]

_REACH = 31  # days between a claim and an incident it could still match
_DEGREES = 0.7  # between places that could still be near each other
_TAG = slice(2, 10)  # digits of an article id that an index keeps
_PAST = 8  # earlier versions remembered


def settle(said: LedgerClaims, state: LedgerState) -> tuple[Incident, ...]:
    """Take in what one article version says in one block; return the incidents that changed, with their revision raised."""
    return _Settling(said, state).done()


class _Settling:
    """One version meets one block."""

    def __init__(self, said: LedgerClaims, state: LedgerState) -> None:
        self.said, self.state, self.rules = said, state, ledger_rules()
        self.limits: Limits = self.rules.limits
        self.said_at = said.published_at or said.at
        self.today = date.fromisoformat(said.at[:10]).toordinal()
        self.block = state.blocks.get(said.block) or Block()
        self.opens: dict[str, Open] = {}
        self.given: dict[str, list[LedgerClaim]] = {}  # incident id -> this version's claims
        self.references: dict[str, list[Said]] = {}
        self.known: dict[int, Said] = {}  # by the identity of the claim: each is needed for matching and for the index

    def done(self) -> tuple[Incident, ...]:
        """Match, keep and return what changed."""
        mine = self._mine()
        before = [self._own(held) for held in mine]
        if any(
            own is not None and (own.version_at > self.said.at or self.said.version_id in (own.version_id, *own.past)) for own in before
        ):
            return ()
        if not mine and not self.said.claims:
            return ()
        for claim in sorted(self.said.claims, key=_order):
            self._place(self._known(claim, self.said.article_id, self.said.version_id, self.said_at), mine)
        touched = dict.fromkeys((*(held.incident_id for held in mine), *self.given))
        changed = [held for incident_id in touched if (held := self._renewed(self.opens[incident_id])) is not None]
        if changed:
            self._keep(changed)
        return tuple(incident_of(held, self.rules) for held in changed)

    # --- matching ---

    def _mine(self) -> list[Open]:
        """Incidents to which this article contributes already, in another version."""
        tag = self.said.article_id[_TAG]
        held = [self._open(entry.incident_id) for entry in self.block.entries if tag in entry.articles]
        return [one for one in held if one is not None and self._own(one) is not None]

    def _own(self, held: Open) -> Contribution | None:
        return next((c for c in held.contributions if c.article_id == self.said.article_id), None)

    def _open(self, incident_id: str) -> Open | None:
        if incident_id not in self.opens:
            held = self.state.incidents.get(incident_id)
            if held is None:
                return None
            self.opens[incident_id] = held
        return self.opens[incident_id]

    def _place(self, new: Said, mine: Sequence[Open]) -> None:
        """Put a claim into the incident it fits best, or let it open one."""
        best: tuple[float, str] | None = None
        for incident_id in self._candidates(new):
            references = self._references(incident_id)
            score = fit(new, references, self.rules) if references else None
            if score is None:
                continue
            if any(held.incident_id == incident_id for held in mine):
                score += 1.5
            if score >= ENOUGH and (best is None or score > best[0]):
                best = (score, incident_id)
        if best is not None:
            incident_id = best[1]
        elif new.claim.stance == "retracts" or new.claim.background:
            return
        else:
            incident_id = ids.incident_id(self.said.block, new.claim.claim_id)
            first = IncidentQuote(text=new.claim.quote, article_id=self.said.article_id, claim_id=new.claim.claim_id)
            self.opens[incident_id] = Open(incident_id=incident_id, block=self.said.block, first=first, contributions=(), revision=0)
            self.references[incident_id] = []
        self.given.setdefault(incident_id, []).append(new.claim)
        if new.claim.stance != "retracts":
            self.references[incident_id].append(new)

    def _candidates(self, new: Said) -> list[str]:
        """Ids of open incidents that could match: those of this version first, then the nearest in place, then the latest."""
        here, tag = new.ids | new.above, self.said.article_id[_TAG]
        ranked: list[tuple[bool, int, str]] = []
        for index, entry in enumerate(self.block.entries):
            far = new.days.first - entry.last_day > _REACH or entry.first_day - new.days.last > _REACH
            if entry.total != new.claim.total or (far and not entry.total and tag not in entry.articles):
                continue
            shared = not here.isdisjoint(entry.places)
            if new.ids and entry.places and not shared and not _close(new, entry):
                continue
            ranked.append((shared, index, entry.incident_id))
        ranked.sort(reverse=True)
        opened = [incident_id for incident_id in self.given if not any(incident_id == entry[2] for entry in ranked)]
        return opened[-self.limits.candidates :] + [incident_id for _, _, incident_id in ranked[: self.limits.candidates]]

    def _references(self, incident_id: str) -> list[Said]:
        if incident_id not in self.references:
            held = self._open(incident_id)
            self.references[incident_id] = self._standing(held.contributions) if held is not None else []
        return self.references[incident_id]

    def _standing(self, contributions: Sequence[Contribution]) -> list[Said]:
        standing = ((claim, by) for by in contributions for claim in by.claims if claim.stance != "retracts")
        return [self._known(claim, by.article_id, by.version_id, by.said_at) for claim, by in standing]

    def _known(self, claim: LedgerClaim, article_id: str, version_id: str, at: str) -> Said:
        said = self.known.get(id(claim))
        if said is None:
            said = self.known[id(claim)] = said_of(claim, article_id, version_id, at)
        return said

    # --- keeping ---

    def _renewed(self, held: Open) -> Open | None:
        """The incident with this version in the place of the article's earlier one; None when nothing changed."""
        said, own = self.said, self._own(held)
        if own is not None and own.version_id == said.version_id:
            return held  # kept already, but not in the index: it is found again by what it says
        claims = self.given.get(held.incident_id, [])
        claims = [*claims, *self._nobody(own.claims if own is not None else (), claims)]
        if not claims and (own is None or not own.claims):
            return None
        kept = tuple(sorted(claims, key=lambda claim: (claim.stance == "says", not claim.figures))[: self.limits.claims])
        taken, corrections = self._taken_back(own, kept) if own is not None else ((), self._of_others(kept))
        new = Contribution(
            article_id=said.article_id,
            version_id=said.version_id,
            past=(*own.past, own.version_id)[-_PAST:] if own is not None else (),
            cluster_id=said.cluster_id,
            source_id=said.source_id,
            owner=said.owner,
            at=own.at if own is not None else said.at,
            version_at=said.at,
            said_at=self.said_at,
            claims=kept,
            taken_back=(*(own.taken_back if own is not None else ()), *taken)[-self.limits.listed :],
        )
        others = [c for c in held.contributions if c.article_id != said.article_id]
        at = held.contributions.index(own) if own is not None else len(others)
        contributions = [*others[:at], new, *others[at:]]
        saturated = held.saturated or len(claims) > len(kept) or said.left_out > 0
        while len(contributions) > self.limits.articles:
            del contributions[_spare(contributions)]
            saturated = True
        return replace(
            held,
            contributions=tuple(contributions),
            corrections=(*held.corrections, *corrections)[-self.limits.listed :],
            saturated=saturated,
            revision=held.revision + 1,
        )

    def _nobody(self, earlier: Sequence[LedgerClaim], claims: Sequence[LedgerClaim]) -> list[LedgerClaim]:
        """A correction that says nobody died takes a figure that its article or owner gave down to nought."""
        found = []
        for role in self.said.nobody:
            if any(c.stance == "says" and f.role == role for c in claims for f in c.figures):
                continue
            back = [c for c in claims if c.stance == "retracts"]
            before = next((c for c in (*back, *earlier) if c.stance != "denies" and any(f.role == role for f in c.figures)), None)
            if before is not None:
                figures = [f for f in before.figures if f.role == role]
                nought = tuple(replace(f, value=0.0, low=0.0, high=0.0) for f in figures)
                said = {"origin": self.said.owner, "source": self.said.source_id, "source_name": self.said.source_name, "side": ""}
                found.append(replace(before, stance="says", figures=nought, quote=self.said.note or before.quote, **said))
        return found

    def _taken_back(
        self, own: Contribution, kept: Sequence[LedgerClaim]
    ) -> tuple[tuple[tuple[tuple[str, str, str], FigureSaid], ...], tuple[Correction, ...]]:
        """Figures of the article's earlier version that this one does not give, each with what became of it."""
        everywhere = (*self.said.claims, *kept)
        given = {(line_of(f), number_of(f)) for c in everywhere if c.stance == "says" for f in c.figures}
        back = {(line_of(f), number_of(f)) for c in everywhere if c.stance == "retracts" for f in c.figures}
        taken: dict[tuple[tuple[str, str, str], float | None], FigureSaid] = {}
        corrections: list[Correction] = []
        for claim in own.claims:
            for figure in claim.figures if claim.stance == "says" else ():
                line, number = line_of(figure), number_of(figure)
                if (line, number) in given or (line, number) in taken:
                    continue
                instead = next((f for c in kept if c.stance == "says" for f in c.figures if line_of(f) == line), None)
                wrong = (line, number) in back or line[0] in self.said.nobody
                taken[line, number] = FigureSaid(
                    value=figure.value,
                    low=figure.low,
                    high=figure.high,
                    source=claim.source,
                    source_name=claim.source_name,
                    claim_id=claim.claim_id,
                    article_id=own.article_id,
                    at=own.said_at,
                    status="retracted" if wrong or instead is None else "revised",
                )
                corrections.append(
                    Correction(
                        kind="retracted" if wrong else "revised" if instead is not None else "withdrawn",
                        role=line[0],
                        before=written(figure),
                        after=written(instead) if instead is not None else "",
                        claim_id=claim.claim_id,
                        article_id=own.article_id,
                        version_id=self.said.version_id,
                        at=self.said.at,
                    )
                )
        return tuple((line, said) for (line, _), said in taken.items()), tuple(corrections)

    def _of_others(self, kept: Sequence[LedgerClaim]) -> tuple[Correction, ...]:
        """What an article takes back that another one of its owner had said."""
        return tuple(
            Correction(
                kind="retracted",
                role=figure.role,
                before=written(figure),
                after=next((written(f) for c in kept if c.stance == "says" for f in c.figures if line_of(f) == line_of(figure)), ""),
                claim_id=claim.claim_id,
                article_id=self.said.article_id,
                version_id=self.said.version_id,
                at=self.said.at,
            )
            for claim in kept
            if claim.stance == "retracts"
            for figure in claim.figures
        )

    def _keep(self, changed: Sequence[Open]) -> None:
        """Write the changed incidents and the index, the touched ones at its end; close what nobody speaks of any more."""
        renewed = {held.incident_id for held in changed}
        entries = [entry for entry in self.block.entries if entry.incident_id not in renewed]
        entries += [self._entry(held) for held in changed]
        stale = {entry.incident_id for entry in entries if self.today - entry.touched > self.limits.days}
        open_ = [entry for entry in entries if entry.incident_id not in stale]
        closed = [*stale, *(entry.incident_id for entry in open_[: -self.limits.entries])]
        for incident_id in sorted(closed):
            self.state.incidents.pop(incident_id, None)
        for held in changed:
            if held.incident_id not in closed:
                self.state.incidents[held.incident_id] = held
        self.state.blocks[self.said.block] = Block(entries=tuple(open_[-self.limits.entries :]))

    def _entry(self, held: Open) -> Entry:
        before = next((entry for entry in self.block.entries if entry.incident_id == held.incident_id), None)
        references = self._standing(held.contributions)
        if not references and before is not None:  # withdrawn: it is found again where it was
            return replace(before, touched=max(self.today, before.touched))
        geo = next((p.geo for said in references for p in said.specific if p.geo is not None), None)
        return Entry(
            incident_id=held.incident_id,
            first_day=min(said.days.first for said in references),
            last_day=max(said.days.last for said in references),
            touched=max(self.today, before.touched if before else self.today),
            total=references[0].claim.total,
            places=tuple(sorted({place for said in references for place in said.ids | said.above if said.ids})),
            near=(geo.lat, geo.lon) if geo is not None else None,
            articles=tuple(by.article_id[_TAG] for by in held.contributions),
        )


def _order(claim: LedgerClaim) -> tuple[bool, bool, bool, bool, int, bool]:
    """What is said before what is denied before what is taken back; news before history; dated claims, the title, figures first."""
    undated = claim.day_from is None
    return claim.stance == "retracts", claim.background, claim.stance == "denies", undated, claim.sentence, not claim.figures


def _close(new: Said, entry: Entry) -> bool:
    if entry.near is None:
        return False
    lat, lon = entry.near
    return any(p.geo is not None and abs(p.geo.lat - lat) < _DEGREES and abs(p.geo.lon - lon) < 2 * _DEGREES for p in new.specific)


def _spare(contributions: Sequence[Contribution]) -> int:
    """Which article to give up: the oldest, but for the first, of which every origin speaks again later."""
    for index in range(1, len(contributions) - 1):
        later = {claim.origin for by in contributions[index + 1 :] for claim in by.claims}
        if all(claim.origin in later for claim in contributions[index].claims):
            return index
    return 1
