"""The records: frozen nouns that travel between stages. Later knowledge is a new record, never a changed one.

Order: Request -> Page -> Article -> Clustered -> Tagged -> Sighting -> Alert (`tocsin.alerting`); refused: Dropped; what happened: Fate.
Every offset counts Unicode code points, half-open, in the field named: `text` for `mentions` and `claims`,
`title` for `title_mentions` and `title_claims`. Times are ISO 8601 strings in UTC ("2018-01-06T10:00:00Z").
"""

from typing import Literal

import msgspec

SCHEMA_VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all records: immutable, compared by value, encoded as a JSON object.

    A record never refers to itself, so the garbage collector need not follow it: decoding an article costs a third.
    """


# --- producers: the world becomes Articles ---------------------------------------------------------------------------


class FeedItem(Record, frozen=True, kw_only=True):
    """What a feed or sitemap says about one page, before it is fetched."""

    url: str
    title: str | None = None
    published_at: str | None = None
    updated_at: str | None = None  # Atom updated, sitemap lastmod: says that the page changed, never when it was published
    author: str | None = None
    summary: str | None = None  # plain text
    guid: str | None = None
    lang: str | None = None
    publisher: str | None = None  # RSS <source>, news:publication: who really wrote it


class Request(Record, frozen=True, kw_only=True):
    """One URL to fetch; the key on its topic is `host`."""

    url: str
    host: str
    source_id: str
    kind: Literal["feed", "sitemap", "page", "robots"]
    item: FeedItem | None = None
    etag: str | None = None
    last_modified: str | None = None
    redirected_from: tuple[str, ...] = ()  # every hop so far, first first
    attempt: int = 0
    backfill: bool = False  # the backfill lane updates state and never rings
    schema_version: int = SCHEMA_VERSION


class RawRef(Record, frozen=True, kw_only=True):
    """Where the untouched bytes lie: a WARC record."""

    sha256: str
    uri: str  # "warc:<file>#<offset>" or "file:<path>"
    length: int  # bytes of the body
    content_type: str | None = None


class Fetched(Record, frozen=True, kw_only=True):
    """What came of one Request: goes back to the scheduler, keyed by source. The body itself travels as a Page."""

    request: Request
    at: str
    outcome: Literal["fetched", "not-modified", "redirected", "gone", "slow-down", "refused", "failed"]
    reason: str = ""  # one of producers.answers.REASONS; empty when all went well
    detail: str = ""  # one line for a person
    status: int | None = None  # HTTP status; None when no answer came
    etag: str | None = None
    last_modified: str | None = None
    retry_after: float | None = None  # seconds the server asks to wait
    redirect_to: str | None = None  # absolute
    permanent: bool = False  # the redirect is (301, 308)
    listing: Literal["", "feed", "sitemap", "sitemap-index"] = ""  # what was read, whatever it was asked as
    links: tuple[FeedItem, ...] = ()  # pages a feed or sitemap lists
    sitemaps: tuple[str, ...] = ()  # further sitemaps a sitemap index lists
    raw: RawRef | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def source_id(self) -> str:
        """Key on its topic: the source of its request."""
        return self.request.source_id


class Page(Record, frozen=True, kw_only=True):
    """A fetched page (or local file): bytes as they came, and how they came."""

    url: str  # as asked
    final_url: str  # after redirects
    source_id: str
    source_name: str
    owner: str  # who answers for the source: independence is counted by owner
    status: int  # HTTP status; 200 for local files
    content_type: str | None  # as the server said it, charset included
    body: bytes  # decompressed
    fetched_at: str
    item: FeedItem | None = None
    source_lang: str | None = None
    source_country: str | None = None  # ISO 3166 alpha-2 focus of the source
    affiliated_with: str | None = None  # entity id, for a belligerent's media
    raw: RawRef | None = None
    backfill: bool = False
    schema_version: int = SCHEMA_VERSION


class Comment(Record, frozen=True, kw_only=True):
    """A reader's comment: kept beside the article, never part of its body, never a source of claims."""

    text: str
    name: str | None = None
    time: str | None = None  # as written on the page


class Sketch(Record, frozen=True, kw_only=True):
    """What the clusterer compares instead of the text (see tocsin.sketch)."""

    body: tuple[int, ...]  # MinHash of the body's 5-word shingles
    lead: tuple[int, ...]  # MinHash of the lead's shingles (truncated wire copy)
    numbers: tuple[str, ...]  # figures and dates of title and lead, in order: same boilerplate, other figures = other news
    later: tuple[str, ...] = ()  # those of the next stretch of the body: a figure that an inserted note pushed down is not gone
    words: int  # words in the body
    sentences: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """Hashes of the sentences, the last of them; unset in records of before, and in what the clusterer keeps of leaders."""


class Article(Record, frozen=True, kw_only=True):
    """A cleaned article version."""

    article_id: str
    version_id: str
    url: str
    canonical_url: str
    source_id: str
    source_name: str
    owner: str
    title: str | None
    text: str  # body only: no title, comments, bios, captions or related-story boxes
    author: str | None
    published_at: str | None
    published_source: str  # feed | json-ld | meta | url | htmldate | given | none
    published_precision: Literal["second", "minute", "day", "month", "year", "unknown"]
    fetched_at: str
    lang: str | None = None  # as the page or feed says it; the tagger decides
    comments: tuple[Comment, ...] = ()
    bio: str | None = None  # author bio found on the page: metadata, never claims
    publisher: str | None = None  # wire agency or original publisher, when the page or feed names one
    source_lang: str | None = None
    source_country: str | None = None
    affiliated_with: str | None = None
    text_sha256: str
    raw: RawRef | None = None
    sketch: Sketch | None = None
    extractor: str = "trafilatura"  # trafilatura | resiliparse | feed-summary | given
    flags: tuple[str, ...] = ()  # e.g. paywall, fallback, capped-html, long-text, charset-guessed, date-guessed
    backfill: bool = False
    schema_version: int = SCHEMA_VERSION


class Dropped(Record, frozen=True, kw_only=True):
    """A refusal is a value: which stage refused what, and why."""

    url: str
    stage: str  # sources | robots | fetch | clean | cluster | tag
    reason: str  # one of a closed list per stage, for counting: e.g. not-html, empty, too-large, robots
    detail: str = ""  # one line for a person
    source_id: str | None = None
    at: str = ""
    schema_version: int = SCHEMA_VERSION


class Fate(Record, frozen=True, kw_only=True):
    """One thing that happened to a URL: `tocsin trace` reads these in order."""

    url: str
    at: str
    stage: str  # schedule | fetch | archive | clean | cluster | tag | index | alert
    outcome: str  # e.g. found, fetched, redirected, not-modified, dropped, indexed, unchanged, new-version, duplicate, rang
    detail: str = ""
    article_id: str | None = None
    version_id: str | None = None
    source_id: str | None = None
    schema_version: int = SCHEMA_VERSION


# --- streams: Articles become Claims and Alerts ----------------------------------------------------------------------


class Clustered(Record, frozen=True, kw_only=True):
    """What the clustering stage decided about one article version."""

    article_id: str
    version_id: str
    cluster_id: str
    leader_id: str  # article id of the cluster's leader
    similarity: float  # to the leader, 0..1; 1.0 for the leader itself
    correction: bool = False  # a copy whose figures changed
    previous_version: str | None = None  # of the same article
    known_sentences: tuple[str, ...] = ()  # hashes of the previous version's sentences: what an edit did not add
    at: str = ""  # when this version was first seen: seen again, it is the same event
    schema_version: int = SCHEMA_VERSION


class Segment(Record, frozen=True, kw_only=True):
    """A stretch of the text with one voice."""

    kind: Literal["title", "body", "quote", "bio", "comment", "comment_author", "caption", "boilerplate"]
    start: int
    end: int


class Sentence(Record, frozen=True, kw_only=True):
    """One sentence; `scope` is its segment's kind."""

    start: int
    end: int
    scope: str = "body"


class Candidate(Record, frozen=True, kw_only=True):
    """One reading of an ambiguous name."""

    entity_id: str
    score: float


class Mention(Record, frozen=True, kw_only=True):
    """An actor or a place, where it stands in the text."""

    mention_id: str  # "m<start>-<end>", unique within field and kind
    kind: Literal["actor", "place"]
    entity_id: str  # org: per: cty: gov: grp: src: coref: loc:
    name: str  # canonical, readable
    type: str  # actor: nonstate_armed, militia, state_military, police, intelligence, government, party, igo, ngo, media,
    # coalition, person, class, organisation; place: country, admin1, admin2, city, town, district, camp, river, region, ...
    text: str
    start: int
    end: int
    sentence_index: int = -1
    scope: str = "body"
    how: str = "exact"  # exact alias variant fuzzy pattern demonym derived curated coref pronoun context event_name class vague
    confidence: float = 1.0  # 0..1, calibrated where docs say so
    sure: bool = True  # false: searchable, but pages nobody unless a rule opts in
    reason: str = ""  # why unsure, or what decided
    rule_id: str = ""
    candidates: tuple[Candidate, ...] = ()
    country: str | None = None  # ISO 3166 alpha-2
    admin1: str | None = None
    lat: float | None = None
    lon: float | None = None
    geonames_id: int | None = None
    precision: str | None = None  # district city town city_part region_part admin2 admin1 country vague
    precision_km: float | None = None
    parent_ids: tuple[str, ...] = ()  # nearest first: loc:mosul/sumar -> loc:mosul, loc:iq-nineveh, loc:iraq


class Trigger(Record, frozen=True, kw_only=True):
    """The words that made a rule look."""

    text: str
    start: int
    end: int


class ClaimActor(Record, frozen=True, kw_only=True):
    """An actor in its role."""

    role: str  # actor perpetrator victim affected winner loser holder speaker addressee partner about
    entity_id: str | None
    name: str = ""
    actor_type: str = ""
    mention_id: str | None = None
    text: str | None = None
    start: int | None = None
    end: int | None = None
    implicit: bool = False
    confidence: float = 1.0


class Geo(Record, frozen=True, kw_only=True):
    """Degrees, WGS 84."""

    lat: float
    lon: float


class ClaimPlace(Record, frozen=True, kw_only=True):
    """A place in its role."""

    role: str  # where within origin destination about
    entity_id: str
    name: str = ""
    country: str | None = None
    admin1: str | None = None
    geonames_id: int | None = None
    geo: Geo | None = None
    precision: str | None = None
    precision_km: float | None = None
    parent_ids: tuple[str, ...] = ()
    mention_id: str | None = None
    text: str | None = None
    start: int | None = None
    end: int | None = None
    implicit: bool = False
    confidence: float = 1.0


class Quantity(Record, frozen=True, kw_only=True):
    """A count with its uncertainty: "over 8,000" is value 8000, min 8000, max null; "several" is min 3."""

    text: str
    start: int
    end: int
    unit: str  # person household fighter building camp vehicle party defence_line destruction weapon other
    value: float | None = None
    min: float | None = None
    max: float | None = None
    approx: str | None = None  # over under at_least at_most about range order_of_magnitude vague
    role: str = "other"  # killed injured missing detained displaced returned in_camp present other


class EventTime(Record, frozen=True, kw_only=True):
    """When it happened and when it was said. Open period: `event_to` null."""

    text: str | None = None
    start: int | None = None
    end: int | None = None
    event_from: str | None = None  # ISO date, day or month or year
    event_to: str | None = None
    said_at: str | None = None
    precision: str = "unknown"  # day week month year unknown
    duration: str | None = None  # ISO 8601, "P2Y"
    inferred_year: bool = False


class Attribution(Record, frozen=True, kw_only=True):
    """Who says so."""

    kind: str  # author organisation government media media_generic belligerent_media group individual unnamed
    source_id: str | None = None
    source_text: str | None = None
    verb: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None
    anonymous: bool = False
    affiliated_with: str | None = None  # the party to the conflict it speaks for
    chain: tuple[str, ...] = ()  # entity ids or words, the origin last: "X told Y that Z said" -> (Y, X, Z)


class Codes(Record, frozen=True, kw_only=True):
    """The claim in other people's codebooks (names verbatim)."""

    acled_event: str = ""
    acled_sub_event: str = ""
    plover_event: str = ""
    plover_mode: str = ""
    plover_context: tuple[str, ...] = ()
    idmc_term: str = ""


class Claim(Record, frozen=True, kw_only=True):
    """Who says who did what to whom, where, how many, and how sure."""

    claim_id: str
    article_id: str
    version_id: str
    type: str  # the 16 types of docs/claims.md
    subtype: str = ""
    text: str  # the exact words
    start: int
    end: int
    sentence_index: int
    sentence_start: int
    sentence_end: int
    trigger: Trigger
    actors: tuple[ClaimActor, ...] = ()
    places: tuple[ClaimPlace, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    time: EventTime | None = None
    attribution: Attribution | None = None  # null: the author's own words
    modality: Literal["asserted", "reported", "claimed", "expected", "possible", "conditional", "question", "call"] = "asserted"
    polarity: Literal["affirmative", "negative"] = "affirmative"
    check_worthy: bool = True
    background: bool = False  # history or anniversary, not news
    cumulative: Literal["incremental", "cumulative", "unknown"] = "unknown"
    extent: str | None = None  # what a figure covers: "first stage", "since January"
    scope: Literal["title", "body", "quote", "caption"] = "body"
    codes: Codes = Codes()
    confidence: float = 0.5
    rule_id: str = ""
    rule_trace: tuple[str, ...] = ()
    origin_id: str | None = None  # who the statement finally comes from: cited source, else the article's owner
    claim_key: str = ""  # a hint for matching inside a ledger block, never an identity
    cluster_id: str | None = None
    source_id: str = ""
    lang: str = ""
    published_at: str | None = None
    observed_at: str = ""
    tagger_version: str = ""
    lexicon_version: str = ""
    schema_version: int = SCHEMA_VERSION


class Tagged(Record, frozen=True, kw_only=True):
    """A tagged document: an article version with everything found in it."""

    article: Article
    lang: str  # ISO 639-1, "und" when undecided
    lang_confidence: float
    claims_attempted: bool  # false: this language has no claim rules yet, and says so
    segments: tuple[Segment, ...]
    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]
    claims: tuple[Claim, ...]
    title_mentions: tuple[Mention, ...] = ()
    title_claims: tuple[Claim, ...] = ()
    tagger_version: str
    lexicon_version: str
    schema_version: int = SCHEMA_VERSION


class Named(Record, frozen=True, kw_only=True):
    """Words of a quote that stand for an actor, a place or a rule's condition."""

    start: int
    end: int
    name: str  # canonical; of the words that made a claim: its type
    entity_id: str = ""


class Sighting(Record, frozen=True, kw_only=True):
    """A subject (place, group or pair) seen in one article version: what the rules watch. Key = `subject`."""

    subject: str  # "loc:mosul", "org:islamic-state", "org:islamic-state|loc:mosul", "rule:id" of what meets a rule's condition
    kind: Literal["actor", "place", "actor_place", "actor_claim", "place_claim", "rule"]
    name: str
    article_id: str
    version_id: str
    cluster_id: str
    source_id: str
    owner: str
    origin_id: str  # origin cited, else owner
    at: str  # observed: fetched_at
    published_at: str | None
    sure: bool
    fresh: bool  # false: an edit left this sentence as it was
    backfill: bool
    quote: str  # the sentence
    start: int  # of the mention in the quote
    end: int
    url: str
    title: str | None
    claim_type: str | None = None
    claim_id: str | None = None
    modality: str | None = None
    polarity: str | None = None
    via: str | None = None  # the mentioned descendant, when a district stands for its city
    parents: tuple[str, ...] = ()  # of a place: what it lies in, nearest first
    actor_type: str | None = None
    episode: str = ""  # version id where an edit or a corrected copy brought it up: it rings apart from what its cluster rang before
    met: tuple[str, ...] = ()  # rules with a condition that the claim or mention behind it meets
    clause: str = ""  # kind "rule": the rule's condition as it was met
    named: tuple[Named, ...] = ()  # in the quote: who and what the words stand for
    said_by: str = ""  # who says so, as written; "": the author
    archived: str | None = None  # where the page's bytes lie
    versions: str = ""  # of tagger and lexicon
    schema_version: int = SCHEMA_VERSION
