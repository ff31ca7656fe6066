"""The records of the ledger: what an article version says in a block, and the incidents in which claims of many articles meet.

Order: Tagged -> LedgerClaims -> Incident. Times are ISO 8601 in UTC, days ISO dates; figures are counts of people unless `unit` says
otherwise. Every list is capped (streams/data/ledger.yaml); `saturated` says that there was more.
"""

from typing import Literal

from tocsin.records import SCHEMA_VERSION, Geo, Record

Dispute = Literal["perpetrator", "holder", "figure", "polarity", "date"]
Stance = Literal["says", "denies", "retracts"]


class IncidentPlace(Record, frozen=True, kw_only=True):
    """A place of an incident, the most often named first."""

    entity_id: str
    name: str
    country: str | None = None
    parent_ids: tuple[str, ...] = ()
    geo: Geo | None = None
    precision_km: float | None = None


class IncidentActor(Record, frozen=True, kw_only=True):
    """An actor in its role, as the claims name it."""

    role: str
    entity_id: str
    name: str
    side: str = ""  # whose organ or mouthpiece it is: organs of one state are no rivals


class LedgerFigure(Record, frozen=True, kw_only=True):
    """One figure of one claim."""

    role: str  # killed injured missing detained displaced returned in_camp
    unit: str
    extent: str = ""  # what it covers: "first stage"; "": the event
    value: float | None = None
    low: float | None = None
    high: float | None = None


class LedgerClaim(Record, frozen=True, kw_only=True):
    """What the ledger needs of one claim."""

    claim_id: str
    type: str
    subtype: str = ""
    stance: Stance = "says"
    actors: tuple[IncidentActor, ...] = ()  # named ones; classes only as victims
    places: tuple[IncidentPlace, ...] = ()
    guessed_place: bool = False  # taken from an earlier sentence
    day_from: str | None = None
    day_to: str | None = None
    precision: str = "unknown"
    figures: tuple[LedgerFigure, ...] = ()
    total: str = ""  # "": an event; else what the total covers: a roundup, a period
    origin: str  # independence is counted by it
    source: str  # who says so: entity id, or the owner of the article's source
    source_name: str
    side: str = ""  # the party to the conflict that speaks
    background: bool = False
    confidence: float = 0.5
    sentence: int = -1  # index; -1: the title
    quote: str = ""  # the sentence, cut


class ClaimNote(Record, frozen=True, kw_only=True):
    """What alert rules need of one claim; it is not kept in the ledger."""

    claim_id: str
    modality: str
    met: tuple[str, ...] = ()  # rules whose condition it meets
    start: int = 0  # of its trigger in the sentence
    end: int = 0


class LedgerClaims(Record, frozen=True, kw_only=True):
    """All that one article version says in one block; without claims: what its earlier version said there is gone."""

    block: str  # "SD violence", "org:rsf control": country, else main actor; then the type family
    article_id: str
    version_id: str
    cluster_id: str
    source_id: str
    source_name: str = ""
    owner: str
    at: str  # when this version was first seen
    published_at: str | None = None
    backfill: bool = False
    claims: tuple[LedgerClaim, ...] = ()
    left_out: int = 0  # claims beyond the limit
    nobody: tuple[str, ...] = ()  # roles (killed, injured) of which a correction in this version says: nobody
    note: str = ""  # that correction's words, cut
    notes: tuple[ClaimNote, ...] = ()  # of claims in sentences that are new in this version
    url: str = ""
    title: str | None = None
    episode: str = ""  # as in a sighting
    archived: str | None = None
    versions: str = ""
    schema_version: int = SCHEMA_VERSION


class LedgerBatch(Record, frozen=True, kw_only=True):
    """What one or several article versions say in blocks that share a partition, in order: one message instead of many."""

    found: tuple[LedgerClaims, ...]
    schema_version: int = SCHEMA_VERSION


class FigureSaid(Record, frozen=True, kw_only=True):
    """Who gave which figure, and what became of it."""

    value: float | None
    low: float | None
    high: float | None
    source: str
    source_name: str
    claim_id: str
    article_id: str
    at: str
    status: Literal["stands", "revised", "retracted"]  # revised: its source gave a newer one


class IncidentFigure(Record, frozen=True, kw_only=True):
    """One line of a toll: low, best and high of what stands, and by whom."""

    role: str
    unit: str
    extent: str
    low: float | None
    best: float | None  # of the most independent origins, then the latest; null: nothing stands
    high: float | None  # null: open ("at least 27")
    by: tuple[str, ...]  # names of who gives the best one
    origins: int  # independent ones of the best
    said: tuple[FigureSaid, ...]  # latest first


class Voice(Record, frozen=True, kw_only=True):
    """Somebody who says or denies it."""

    entity_id: str
    name: str
    side: str = ""


class Contradiction(Record, frozen=True, kw_only=True):
    """Two claims that cannot both hold."""

    kind: Dispute
    first: str  # claim ids
    second: str
    what: str = ""  # one line: "203 against at least 500 killed"


class Correction(Record, frozen=True, kw_only=True):
    """An article took back or changed what it had said."""

    kind: Literal["retracted", "revised", "withdrawn"]  # said to be wrong; replaced by another figure; no longer said
    role: str
    before: str  # "9"
    after: str  # "0", "" when nothing replaces it
    claim_id: str  # of the earlier version
    article_id: str
    version_id: str
    at: str


class IncidentQuote(Record, frozen=True, kw_only=True):
    """A sentence, and where it stands."""

    text: str
    article_id: str
    claim_id: str


class Incident(Record, frozen=True, kw_only=True):
    """One event as all articles tell it. The id is that of the first claim's arrival and stays."""

    incident_id: str
    block: str
    family: str  # violence control posture displacement coercion unrest
    types: tuple[str, ...]  # claim types, the most often said first
    total: str = ""  # not an event but a sum (a roundup, "since January"): never added to incidents
    headline: str  # one line for a person
    status: Literal["said", "denied", "withdrawn"]  # denied: only denials; withdrawn: nothing stands any more
    places: tuple[IncidentPlace, ...]
    actors: tuple[IncidentActor, ...]
    event_from: str  # ISO day
    event_to: str
    date_precision: str  # day week month; "said": no claim dates it, the day it was first said
    figures: tuple[IncidentFigure, ...]
    claims: tuple[Voice, ...]  # who says so
    denies: tuple[Voice, ...]
    origins: tuple[str, ...]  # all that say so
    owners: tuple[str, ...]
    independent: int  # origins told by different owners
    confirmed: bool  # at least two independent
    disputed: tuple[Dispute, ...]
    contradictions: tuple[Contradiction, ...]
    corrections: tuple[Correction, ...]
    clusters: tuple[str, ...]
    articles: tuple[str, ...]
    claim_ids: tuple[str, ...]
    first_said: str  # published, else first seen
    last_said: str
    first_seen: str
    first_quote: IncidentQuote
    best_quote: IncidentQuote  # of the surest claim that names most
    saturated: bool = False
    revision: int = 1  # raised with every change
    schema_version: int = SCHEMA_VERSION
