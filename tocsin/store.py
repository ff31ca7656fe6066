"""The small interface behind which results are kept and found: embedded SQLite today, Elasticsearch in the distributed run.

Writing is idempotent: the same batch twice changes nothing. Reading never sees half an article.
"""

from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from tocsin.alerting import Alert
from tocsin.incidents import Incident
from tocsin.records import Clustered, Dropped, Fate, Record, Tagged

T = TypeVar("T", bound=Record)


class Batch(Record, frozen=True, kw_only=True):
    """Everything one article (or one refusal) caused: written whole or not at all."""

    tagged: Tagged | None = None
    clustered: Clustered | None = None
    alerts: tuple[Alert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    fates: tuple[Fate, ...] = ()


class Query(Record, frozen=True, kw_only=True):
    """A search. Lists are OR within, AND between. Names or ids both work for actors, places and sources."""

    text: str = ""  # words AND, "phrases", -excluded, OR
    actors: tuple[str, ...] = ()
    places: tuple[str, ...] = ()  # a place finds its districts too
    claim_types: tuple[str, ...] = ()  # type or type/subtype
    modalities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    since: str | None = None  # published (else fetched) at or after; ISO date or time
    until: str | None = None  # before; a bare date means the whole day
    limit: int = 10
    offset: int = 0
    all_copies: bool = False  # true: every near-copy is a hit of its own


class Span(Record, frozen=True, kw_only=True):
    """A stretch of display text, highlighted or not."""

    text: str
    hit: bool = False


class Hit(Record, frozen=True, kw_only=True):
    """One article found."""

    article_id: str
    version_id: str
    cluster_id: str
    copies: int  # articles in its cluster, itself included
    url: str
    title: str | None
    title_spans: tuple[Span, ...]
    source_id: str
    source_name: str
    lang: str
    published_at: str | None
    fetched_at: str
    snippet: tuple[Span, ...]
    actors: tuple[str, ...]  # names
    places: tuple[str, ...]
    claims: tuple[str, ...]  # the exact words of the claims that met the query, at most three
    score: float


class FacetValue(Record, frozen=True, kw_only=True):
    """One line of a facet."""

    id: str
    name: str
    count: int  # articles


class Results(Record, frozen=True, kw_only=True):
    """Answer to a query."""

    total: int  # articles
    stories: int = 0  # clusters among them: near-copies are one story
    hits: tuple[Hit, ...]
    facets: dict[str, tuple[FacetValue, ...]]  # actors, places, claim_types, sources, langs


class Version(Record, frozen=True, kw_only=True):
    """One version in an article's history."""

    version_id: str
    fetched_at: str
    title: str | None
    claims: int
    current: bool


class Stored(Record, frozen=True, kw_only=True):
    """One article as kept, with its surroundings."""

    tagged: Tagged
    clustered: Clustered
    versions: tuple[Version, ...]
    copies: tuple[str, ...]  # article ids of the same cluster, itself excluded
    alerts: tuple[Alert, ...]
    incidents: tuple[Incident, ...] = ()  # that it speaks of, oldest first


class Report(Record, frozen=True, kw_only=True):
    """What is in the store, counted."""

    articles: int  # current versions
    versions: int
    clusters: int
    claims: int  # of current versions
    alerts: int
    incidents: int = 0
    dropped: dict[str, int]  # "stage: reason" -> count of URLs
    sources: tuple[FacetValue, ...]
    actors: tuple[FacetValue, ...]
    places: tuple[FacetValue, ...]
    claim_types: tuple[FacetValue, ...]
    langs: tuple[FacetValue, ...]


class Reader(Protocol):
    """What every store can be asked, embedded or not."""

    def search(self, query: Query) -> Results:
        """Find articles. Raises UsageError for a query that cannot be read."""

    def article(self, wanted: str) -> Stored | None:
        """Find by article id, version id, claim id, or URL; a unique prefix of an id is enough."""

    def version(self, version_id: str) -> Tagged | None:
        """One version of an article as it was tagged, current or not."""

    def closest(self, kind: str, wanted: str) -> list[str]:
        """Names of known actors, places, sources or claim types like `wanted`, for a hint; at most three, none when it is known."""

    def alerts(self, *, subject: str | None = None, rule: str | None = None, since: str | None = None, limit: int = 50) -> list[Alert]:
        """Return alerts, newest first."""

    def incidents(
        self,
        *,
        place: str | None = None,
        actor: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of the query, as in claim types
        since: str | None = None,
        limit: int = 50,
    ) -> list[Incident]:
        """Return incidents, the one last spoken of first.

        A place finds what lies in it, an actor also what it says or denies; names or ids. `type`: claim type or family.
        """

    def trace(self, url: str) -> list[Fate]:
        """Everything that happened to a URL (as given or canonical, redirects followed), oldest first."""

    def report(self, top: int = 10) -> Report:
        """Count what is here."""

    def close(self) -> None:
        """Release files and locks."""


class Store(Reader, Protocol):
    """A store that results are written to, article by article (embedded run)."""

    def write(self, batch: Batch) -> None:
        """Keep a batch; idempotent."""


class StateStore(Store, Protocol):
    """A store that also keeps the stages' state, in the same transaction as the results (embedded run)."""

    def table(self, name: str, kind: type[T]) -> MutableMapping[str, T]:
        """A durable mapping for one stage's state; changes are part of the open transaction."""

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is kept whole, durably, when the block ends; nothing of it if it raises."""
