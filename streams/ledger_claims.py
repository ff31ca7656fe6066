"""Which claims of an article version enter the ledger, and in which block they are matched. Stateless and pure.

A block is coarse: country and type family, else main actor and family, else the claim stays out. In come what is said to have happened
and denials of it; what is feared, planned, asked or conditional, history, and what the tagger is unsure of stay out. History told
with its day may still join an incident that is open (a report on last year's massacre); it never opens one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from msgspec.structs import replace

from streams.ledger_corrections import NONE, Corrections, find_corrections, nobody_in
from streams.ledger_rules import LedgerRules, ledger_rules
from streams.lexicon import ActorLexicon
from streams.organs import adjective_slug
from streams.sightings import HAPPENED, is_class
from streams.totals import EXTENT
from tocsin.clock import iso, parse
from tocsin.fold import fold_key
from tocsin.incidents import IncidentActor, IncidentPlace, LedgerClaim, LedgerClaims, LedgerFigure, Stance
from tocsin.records import Attribution, Claim, ClaimPlace, Clustered, Quantity, Tagged

_ROLES = frozenset(("killed", "injured", "missing", "detained", "displaced", "returned", "in_camp"))
_TAKES_PART = ("perpetrator", "winner", "holder", "actor", "loser", "victim", "affected", "partner")  # main actor first
_PLACE_ROLES = ("where", "origin", "destination", "within")
_STATE_TYPES = frozenset(("state_military", "police", "intelligence", "government"))
_BRANCHES = frozenset(("army", "armed-forces", "air-force", "navy", "police", "government", "intelligence"))
_SURE_ACTOR, _SURE_PLACE = 0.6, 0.4
_SPEAKS_FOR = frozenset(("spokesman", "spokeswoman", "spokesperson", "their", "its"))
_TITLES = 30  # code points before a name in which its office stands
_EVENT_DAYS = 7  # a sum over fewer days is one event's
_SHORT_NAME = 4  # code points; a shorter name in a biography proves nothing
_EXTENT_STOP = frozenset(
    (*("in", "during", "the", "of", "a", "an", "this", "that", "on", "at", "over", "for"), *("de", "la", "le", "du", "el", "en", "pendant"))
)
_LONGEST_EXTENT = 48
Sides = Mapping[str, str]  # actor id -> the party it belongs to: organs of one state, media of a movement


def ledger_claims(
    tagged: Tagged, clustered: Clustered, sides: Sides | None = None, before: Collection[str] = ()
) -> tuple[LedgerClaims, ...]:
    """What this version says, by block, in order of blocks.

    `before`: blocks of the article's previous version (`blocks_of`); where nothing is said any more there is an entry without claims,
    so that the ledger forgets what was said.
    """
    rules = ledger_rules()
    found: dict[str, list[LedgerClaim]] = {block: [] for block in before}
    reader = _Reader(tagged, rules, sides or {}) if before or any(claim.type in rules.family for claim in _all(tagged)) else None
    if reader is None:
        return ()
    for claim in _all(tagged):
        entry = reader.read(claim)
        if entry is not None:
            found.setdefault(entry[0], []).append(entry[1])
    article = tagged.article
    return tuple(
        LedgerClaims(
            block=block,
            article_id=article.article_id,
            version_id=article.version_id,
            cluster_id=clustered.cluster_id,
            source_id=article.source_id,
            source_name=article.source_name,
            owner=article.owner,
            at=iso(parse(clustered.at or article.fetched_at)),
            published_at=iso(parse(article.published_at)) if article.published_at else None,
            backfill=article.backfill,
            claims=_summed(_kept(found[block], rules.limits.told)),
            left_out=max(0, len(found[block]) - rules.limits.told),
            **_correction(reader, found[block], clustered),
        )
        for block in sorted(found)
    )


def blocks_of(tagged: Tagged, sides: Sides | None = None) -> tuple[str, ...]:
    """Blocks in which a version has claims: `before` of the next one."""
    rules = ledger_rules()
    if not any(claim.type in rules.family for claim in _all(tagged)):
        return ()
    reader = _Reader(tagged, rules, sides or {})
    return tuple(sorted({entry[0] for claim in _all(tagged) if (entry := reader.read(claim)) is not None}))


def sides_of(lexicon: ActorLexicon) -> Sides:
    """Whose organ or mouthpiece each known actor is, so that an army and its government are no rivals and no two witnesses."""
    branches = {branch for _, branch in lexicon.branches} | _BRANCHES
    organs = ((code, f"org:{adjective_slug(lexicon, code)}-{branch}") for code in lexicon.states for branch in branches)
    found = {organ: f"gov:{code}" for code, organ in organs}  # ids made from adjectives: "org:malian-army"
    for actor in lexicon.actors.values():
        spoken_for = next((other for relation, other in actor.relations if relation in ("affiliated_with", "leads", "part_of")), None)
        if spoken_for is not None:
            found[actor.id] = spoken_for
        elif actor.type in _STATE_TYPES and len(actor.country) == 1:
            found[actor.id] = f"gov:{actor.country[0]}"
    return {actor: found.get(side, side) for actor, side in found.items()}


def side_of(entity_id: str, sides: Sides) -> str:
    """The party an actor belongs to: itself where nothing else is known."""
    if entity_id.startswith("cty:"):
        return f"gov:{entity_id[4:]}"
    return sides.get(entity_id, entity_id)


def _all(tagged: Tagged) -> Iterator[Claim]:
    yield from tagged.title_claims
    yield from tagged.claims


class _Voice(NamedTuple):
    origin: str
    source: str
    name: str
    side: str


class _Reader:
    """One version's claims, read into entries."""

    def __init__(self, tagged: Tagged, rules: LedgerRules, sides: Sides) -> None:
        self.tagged, self.rules, self.sides = tagged, rules, sides

    @cached_property
    def corrections(self) -> Corrections:
        """What the text takes back."""
        return find_corrections(self.tagged.article.text, self.tagged.sentences, self.rules)

    @cached_property
    def names(self) -> dict[str, str]:
        """Actor id -> name."""
        actors = [m for m in (*self.tagged.title_mentions, *self.tagged.mentions) if m.kind == "actor"]
        return {mention.entity_id: mention.name for mention in reversed(actors)}

    @cached_property
    def bio(self) -> str:
        """What the page says of its author, folded."""
        article = self.tagged.article
        return fold_key(" ".join([article.bio or "", *(article.text[s.start : s.end] for s in self.tagged.segments if s.kind == "bio")]))

    @cached_property
    def own(self) -> _Voice:
        """The article's own voice: its agency or owner; a group the author belongs to; the party whose outlet it is."""
        article = self.tagged.article
        if article.affiliated_with:
            side = side_of(article.affiliated_with, self.sides)
            return _Voice(side, article.source_id, article.source_name, side)
        cited = {c.attribution.source_id for c in _all(self.tagged) if c.attribution is not None} if self.bio else set()
        for entity_id in self.names if cited else ():
            if entity_id in cited and entity_id.startswith("org:") and self._in_bio(entity_id):
                return _Voice(entity_id, article.source_id, article.source_name, "")
        origin = next((c.origin_id for c in _all(self.tagged) if c.attribution is None and c.origin_id), article.owner)
        return _Voice(origin, article.source_id, article.source_name, "")

    def _in_bio(self, entity_id: str) -> bool:
        words = {self.names[entity_id], *(m.text for m in self.tagged.mentions if m.entity_id == entity_id)}
        return any(len(word) >= _SHORT_NAME and fold_key(word) in self.bio for word in words)

    def read(self, claim: Claim) -> tuple[str, LedgerClaim] | None:
        """The entry of a claim with its block, or nothing."""
        family = self.rules.family.get(claim.type)
        if family is None or claim.modality not in HAPPENED or claim.scope == "caption":
            return None
        least, suffices = self.rules.confidence[family], self.rules.suffices
        if claim.confidence < least * min(suffices.values()):
            return None
        in_body = claim.scope != "title"
        nobody = self._nobody(claim)
        stance: Stance = "says"
        if in_body and self._taken_back(claim):
            stance = "retracts"
        elif claim.polarity == "negative" and not nobody:
            stance = "denies"
        day_from, day_to, precision = _days(claim)
        total, extent = _covers(claim)
        figures = tuple(map(_nought, nobody)) if nobody and claim.type == "casualties" else _figures(claim, extent)
        why = "history" if claim.background else "denies" if nobody else "figure" if figures and stance == "says" else stance
        if claim.confidence < least * suffices[why] or (claim.background and precision != "day"):
            return None
        actors = self._actors(claim)
        places, guessed = self._places(claim)
        country = next((p.country for p in places if p.country), None)
        main = next((a.entity_id for role in _TAKES_PART[:4] for a in actors if a.role == role and not is_class(a.entity_id)), None)
        if country is None and main is None:
            return None
        voice = self.own if stance == "retracts" else self._voice(claim)
        return f"{country or main} {family}", LedgerClaim(
            claim_id=claim.claim_id,
            type=claim.type,
            subtype=claim.subtype,
            stance=stance,
            actors=actors,
            places=places,
            guessed_place=guessed,
            day_from=day_from,
            day_to=day_to,
            precision=precision,
            figures=figures,
            total=total,
            origin=voice.origin,
            source=voice.source,
            source_name=voice.name,
            side=voice.side,
            background=claim.background,
            confidence=claim.confidence,
            sentence=claim.sentence_index if in_body else -1,
            quote=self._quote(claim, in_body),
        )

    def _voice(self, claim: Claim) -> _Voice:
        """Who says so. A source that nobody can name ("residents") is the article's own witness."""
        said = claim.attribution
        if said is None:
            return self.own
        cited = next((one for one in reversed(said.chain) if ":" in one and not is_class(one)), said.source_id)
        side = side_of(said.affiliated_with, self.sides) if said.affiliated_with else ""
        if self.tagged.article.affiliated_with:
            return _Voice(self.own.origin, cited or self.own.source, said.source_text or self.own.name, side or self.own.side)
        if cited is None or is_class(cited):
            return _Voice(self.own.origin, self.own.source, said.source_text or self.own.name, side)
        name = self.names.get(cited) or said.source_text or cited
        side = side or self.sides.get(cited, "") or self._spoken_for(claim, cited, said)
        return _Voice(side or cited, cited, name, side)

    def _spoken_for(self, claim: Claim, cited: str, said: Attribution) -> str:
        """Whom an unknown person speaks for: "their spokesman" is of those who did it."""
        if not cited.startswith("per:") or said.start is None or claim.scope == "title":
            return ""
        words = self.tagged.article.text[max(0, said.start - _TITLES) : said.end]
        if not _SPEAKS_FOR & set(fold_key(words).split()):
            return ""
        did = {a.entity_id for a in claim.actors if a.role in _TAKES_PART[:4] and a.entity_id and not is_class(a.entity_id)} - {cited}
        return side_of(did.pop(), self.sides) if len(did) == 1 else ""

    def _taken_back(self, claim: Claim) -> bool:
        if self.corrections is NONE:
            return False
        spans = [(q.start, q.end) for q in claim.quantities] or [(claim.trigger.start, claim.trigger.end)]
        return any(self.corrections.takes_back(start, end) for start, end in spans)

    def _nobody(self, claim: Claim) -> tuple[str, ...]:
        """Roles of which a negative claim says: nobody. "Nobody died in the strike" denies no strike either."""
        if claim.polarity != "negative" or claim.quantities or self.rules.family[claim.type] != "violence":
            return ()
        text = self.tagged.article.text if claim.scope != "title" else self.tagged.article.title or ""
        return nobody_in(text, claim.start, claim.end, self.rules)

    def _actors(self, claim: Claim) -> tuple[IncidentActor, ...]:
        found: dict[tuple[str, str], IncidentActor] = {}
        for actor in claim.actors:
            if actor.role not in _TAKES_PART or not actor.entity_id or actor.confidence < _SURE_ACTOR:
                continue
            if is_class(actor.entity_id) and actor.role not in ("victim", "affected"):
                continue
            name = self.names.get(actor.entity_id) or actor.name or actor.entity_id
            shown = actor.text or name if is_class(actor.entity_id) else name
            found.setdefault(
                (actor.role, actor.entity_id),
                IncidentActor(role=actor.role, entity_id=actor.entity_id, name=shown, side=side_of(actor.entity_id, self.sides)),
            )
        return tuple(found.values())

    def _places(self, claim: Claim) -> tuple[tuple[IncidentPlace, ...], bool]:
        """Where it happened, and whether that was only guessed; a state that acts is no place, nor a country beside a place."""
        acting = {a.start for a in claim.actors if a.start is not None}
        known = [p for p in claim.places if p.confidence >= _SURE_PLACE and (p.parent_ids or p.start is None or p.start not in acting)]
        by_role = ([p for p in known if p.role == role] for role in _PLACE_ROLES)
        chosen = next((places for places in by_role if places), [])
        chosen = [p for p in chosen if p.parent_ids] or chosen
        return tuple({p.entity_id: _place(p) for p in chosen}.values()), bool(chosen) and all(p.implicit for p in chosen)

    def _quote(self, claim: Claim, in_body: bool) -> str:
        if not in_body:
            return (self.tagged.article.title or "")[: self.rules.limits.quote]
        text = self.tagged.article.text[claim.sentence_start : claim.sentence_end].strip()
        return text if len(text) <= self.rules.limits.quote else text[: self.rules.limits.quote - 1] + "…"


def _kept(claims: list[LedgerClaim], most: int) -> list[LedgerClaim]:
    """At most so many claims, in their order: those with figures rather than others, of each the surest."""
    if len(claims) <= most:
        return claims
    ranked = sorted(range(len(claims)), key=lambda i: (not claims[i].figures, -claims[i].confidence, i))
    return [claims[i] for i in sorted(ranked[:most])]


def _correction(reader: "_Reader", claims: Sequence[LedgerClaim], clustered: Clustered) -> dict[str, Any]:
    """What a correction says besides the claims: of an edit, or of figures taken back here."""
    if not clustered.previous_version and not any(claim.stance == "retracts" for claim in claims):
        return {}
    start, end = reader.corrections.note
    text = reader.tagged.article.text[start:end]
    return {"nobody": reader.corrections.nobody, "note": text[: reader.rules.limits.quote]}


def _summed(claims: Sequence[LedgerClaim]) -> tuple[LedgerClaim, ...]:
    """The claims; what stands in one sentence with a total and has no figure of its own belongs to the total."""
    totals = {claim.sentence: claim.total for claim in claims if claim.total}
    return tuple(
        claim if claim.figures or claim.sentence not in totals else replace(claim, total=totals[claim.sentence]) for claim in claims
    )


def _figures(claim: Claim, extent: str) -> tuple[LedgerFigure, ...]:
    return tuple(
        LedgerFigure(role=role, unit=q.unit, extent=extent, value=q.value, low=q.min, high=q.max)
        for q in claim.quantities
        if (role := _role(claim, q)) in _ROLES and (q.value, q.min, q.max) != (None, None, None)
    )


def _nought(role: str) -> LedgerFigure:
    return LedgerFigure(role=role, unit="person", value=0.0, low=0.0, high=0.0)


def _place(place: ClaimPlace) -> IncidentPlace:
    return IncidentPlace(
        entity_id=place.entity_id,
        name=place.name or place.entity_id,
        country=place.country,
        parent_ids=place.parent_ids,
        geo=place.geo,
        precision_km=place.precision_km,
    )


def _role(claim: Claim, quantity: Quantity) -> str:
    """The role of a counted group: who was "neutralised" in combat was killed."""
    if quantity.role == "other" and claim.subtype.startswith("killed") and quantity.unit in ("person", "fighter"):
        return "killed"
    return quantity.role


def _covers(claim: Claim) -> tuple[str, str]:
    """What a sum covers, and what a figure covers that is no sum: (total, extent). "The toll rose to 31" covers the event.

    "Since Monday" is the event of these days; "since October" is a sum.
    """
    if claim.extent == EXTENT:
        return EXTENT, ""
    extent = _extent(claim.extent)
    if not extent or not claim.quantities or claim.cumulative != "cumulative":
        return "", extent
    time = claim.time
    if time is not None and time.precision == "day" and time.event_from and claim.published_at:
        said, began = parse(claim.published_at).date().isoformat(), time.event_from
        if 0 <= _ordinal(said) - _ordinal(began) <= _EVENT_DAYS:
            return "", ""
    return extent, ""


def _ordinal(day: str) -> int:
    try:
        return date.fromisoformat(day).toordinal()
    except ValueError:
        return 0


def _extent(words: str | None) -> str:
    """An extent without its small words: "during the first stage" and "in the first stage" are one."""
    return "" if not words else " ".join(w for w in fold_key(words).split() if w not in _EXTENT_STOP)[:_LONGEST_EXTENT]


def _days(claim: Claim) -> tuple[str | None, str | None, str]:
    """First and last day and the precision; an open or unreadable time is no time."""
    time = claim.time
    if time is None or not time.event_from or time.precision in ("unknown", "year") or len(time.event_from) < len("2018-01"):
        return None, None, "unknown"
    return time.event_from, time.event_to or time.event_from, time.precision
