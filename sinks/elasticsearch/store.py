"""The reading side of the distributed run: the same questions and answers as the embedded store."""

from sinks.elasticsearch import client as door
from sinks.elasticsearch import lookup, naming, search, trace
from sinks.elasticsearch.client import explaining
from sinks.elasticsearch.naming import Reading
from tocsin.alerting import Alert
from tocsin.incidents import Incident
from tocsin.records import Fate, Tagged
from tocsin.settings import Settings
from tocsin.store import Query, Report, Results, Stored


class ElasticsearchStore:
    """A `tocsin.store.Reader`. It can be asked from several threads; every failure is one line that says what to do."""

    def __init__(self, settings: Settings) -> None:
        """Connect; nothing is asked yet."""
        self._settings = settings
        self._reading = Reading(door.connect(settings, timeout=30.0), settings)

    def __enter__(self) -> "ElasticsearchStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._reading.client.close()

    def search(self, query: Query) -> Results:
        """Find articles, near-copies folded to the best one. Raises UsageError for a query that cannot be read."""
        with explaining(self._settings):
            return search.search(self._reading, query)

    def closest(self, kind: str, wanted: str) -> list[str]:
        """Names of known actors, places or sources like `wanted` (kind: actor, place, source), for a hint; at most three."""
        with explaining(self._settings):
            return naming.closest(self._reading, kind, wanted)

    def article(self, wanted: str) -> Stored | None:
        """Find by article id, version id, claim id, or URL; a unique prefix of an id is enough. Raises UsageError when it is not."""
        with explaining(self._settings):
            return lookup.article(self._reading, wanted)

    def version(self, version_id: str) -> Tagged | None:
        """One version of an article as it was tagged, current or not."""
        with explaining(self._settings):
            return lookup.version(self._reading, version_id)

    def alerts(self, *, subject: str | None = None, rule: str | None = None, since: str | None = None, limit: int = 50) -> list[Alert]:
        """Return alerts, newest first; `subject`: id or name, of a pair either part; `since`: ISO date or time."""
        with explaining(self._settings):
            return lookup.alerts(self._reading, subject, rule, since, limit)

    def incidents(
        self,
        *,
        place: str | None = None,
        actor: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of the query
        since: str | None = None,
        limit: int = 50,
    ) -> list[Incident]:
        """Return incidents, the one last spoken of first."""
        with explaining(self._settings):
            return lookup.incidents(self._reading, place, actor, type, since, limit)

    def trace(self, url: str) -> list[Fate]:
        """Everything that happened to a URL (as given or canonical, redirects followed), oldest first."""
        with explaining(self._settings):
            return trace.trace(self._reading, url)

    def report(self, top: int = 10) -> Report:
        """Count what is here."""
        with explaining(self._settings):
            return lookup.report(self._reading, top)
