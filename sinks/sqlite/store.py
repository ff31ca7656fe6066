"""The embedded store: results and stage state in one SQLite file, changed in one transaction per article.

Rules of writing (all idempotent):
- a version is named by its text; seen again it only widens [first_seen, last_seen];
- the version of an article with the latest `last_seen` is current (on a tie, the one that arrived last), the others are history;
- found again by another tagger or lexicon, a version gets the new findings;
- an incident is replaced by a later revision, never by an earlier one;
- an alert, once stored, only learns further clusters, origins and claims;
- a fate or a refusal that repeats keeps its first moment, its latest, and a count of the distinct moments in between.
"""

import sqlite3
import zlib
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from isal import isal_zlib

from sinks.moments import seconds
from sinks.sqlite import connect, history, incidents, search
from sinks.sqlite.term_table import Terms
from sinks.terms import key, terms_of
from sinks.words import keys
from tocsin import ids, wire
from tocsin.alerting import Alert, grown, rules_of
from tocsin.errors import Quarantine, UsageError
from tocsin.incidents import Incident
from tocsin.records import Clustered, Dropped, Fate, Record, Tagged
from tocsin.sqlite_file import explained, lock, opening
from tocsin.state_table import StateTables
from tocsin.store import Batch, Query, Report, Results, Stored

T = TypeVar("T", bound=Record)


def open_store(folder: Path, *, read_only: bool = False) -> "SqliteStore":
    """Open the store in `folder`: one writer at a time, any number of readers, also while the writer works.

    A writer makes the folder if needed. Raises UsageError (one line, what to do) when the folder is missing, read-only, full or
    taken, or when the file is damaged, foreign or of a newer Tocsin.
    """
    path = folder / connect.FILE
    with opening(path), ExitStack() as undo:
        if read_only:
            if not path.exists():
                raise UsageError(f"no data in {folder}: run `tocsin run` or `make demo` first")
            return SqliteStore(path, connect.connect_reader(path), None)
        folder.mkdir(parents=True, exist_ok=True)
        held = undo.enter_context(lock(folder / connect.LOCK, folder))
        store = SqliteStore(path, connect.connect_writer(path), held)
        undo.pop_all()
        return store


class SqliteStore:
    """A `tocsin.store.StateStore`. Use it from the thread that opened it; open another (read-only) elsewhere."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: IO[str] | None) -> None:
        self.path = path
        self.connection = connection
        self._lock = lock
        self._terms = Terms(connection)
        self._states = StateTables(path, connection, on_rollback=self._terms.forget)

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release files and locks; what is not committed is given up."""
        self.connection.close()
        if self._lock:
            self._lock.close()

    # --- transactions ---

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside is kept whole, on the disk when the block ends; nothing of it if it raises. An inner one joins the outer."""
        return self._states.transaction()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Undo what the block wrote when it raises, and leave the rest of the transaction to the caller."""
        self.connection.execute("SAVEPOINT batch")
        try:
            yield
        except Exception:
            if self.connection.in_transaction:  # a full disk has rolled back everything already
                self.connection.execute("ROLLBACK TO batch")
                self.connection.execute("RELEASE batch")
            self._terms.forget()
            raise
        self.connection.execute("RELEASE batch")

    def table(self, name: str, kind: type[T]) -> MutableMapping[str, T]:
        """A durable mapping for one stage's state; changes are part of the open transaction, or their own when none is open."""
        return self._states.table(name, kind)

    # --- writing ---

    def write(self, batch: Batch) -> None:
        """Keep a batch whole; idempotent. Raises Quarantine, and keeps nothing of it, when its text cannot be stored as UTF-8."""
        try:
            with self.transaction(), self._whole():
                if batch.tagged is not None:
                    self._put_version(batch.tagged, batch.clustered)
                for alert in batch.alerts:
                    self._put_alert(alert)
                for incident in batch.incidents:
                    incidents.put(self.connection, incident)
                for dropped in batch.dropped:
                    self._put_dropped(dropped)
                for fate in batch.fates:
                    self._put_fate(fate)
        except UnicodeEncodeError as error:
            raise Quarantine(f"half a character (lone surrogate) at {error.start}: repair the page's text") from error

    def _put_version(self, tagged: Tagged, clustered: Clustered | None) -> None:
        article = tagged.article
        row = self.connection.execute("SELECT id, first_seen, last_seen FROM version WHERE version_id=?", (article.version_id,)).fetchone()
        if row is None:
            number = self._insert_version(tagged, clustered or _alone(tagged))
        else:
            number, first, last = row
            older, newer = article.fetched_at < first, article.fetched_at > last
            if older or self._tagged_otherwise(number, tagged):
                self._update_version(number, tagged)
            if older or newer:
                self.connection.execute(
                    "UPDATE version SET first_seen=min(first_seen, ?), last_seen=max(last_seen, ?) WHERE id=?",
                    (article.fetched_at, article.fetched_at, number),
                )
        if row is None or newer:
            # What was just written need not be read and unpacked again.
            self._make_current(article.article_id, number, tagged if row is None else None)

    def _insert_version(self, tagged: Tagged, clustered: Clustered) -> int:
        article = tagged.article
        (number,) = self.connection.execute(
            "INSERT INTO version (version_id, article_id, cluster_id, source_id, lang, at, first_seen, last_seen, claims, current)"
            " VALUES (?,?,?,?,?,?,?,?,?,0) RETURNING id",
            (
                article.version_id,
                article.article_id,
                clustered.cluster_id,
                article.source_id,
                tagged.lang,
                _at(tagged),
                article.fetched_at,
                article.fetched_at,
                len(tagged.claims) + len(tagged.title_claims),
            ),
        ).fetchone()
        self.connection.execute(
            "INSERT INTO document VALUES (?,?,?,?,?,?)",
            (number, article.url, article.canonical_url, article.title, _pack(tagged), wire.encode(clustered)),
        )
        self.connection.execute(
            "INSERT INTO words (rowid, title, body) VALUES (?,?,?)",
            (number, " ".join(keys(article.title or "")), " ".join(keys(article.text))),
        )
        self._put_claims(number, tagged)
        return int(number)

    def _update_version(self, number: int, tagged: Tagged) -> None:
        article = tagged.article
        (current,) = self.connection.execute("SELECT current FROM version WHERE id=?", (number,)).fetchone()
        if current:
            self._take_tags(number)
        self.connection.execute(
            "UPDATE version SET source_id=?, lang=?, at=?, claims=? WHERE id=?",
            (article.source_id, tagged.lang, _at(tagged), len(tagged.claims) + len(tagged.title_claims), number),
        )
        self.connection.execute(
            "UPDATE document SET url=?, canonical_url=?, title=?, tagged=? WHERE id=?",
            (article.url, article.canonical_url, article.title, _pack(tagged), number),
        )
        self.connection.execute("DELETE FROM claim WHERE doc=?", (number,))
        self._put_claims(number, tagged)
        if current:
            self._put_tags(number, tagged)

    def _tagged_otherwise(self, number: int, tagged: Tagged) -> bool:
        (data,) = self.connection.execute("SELECT tagged FROM document WHERE id=?", (number,)).fetchone()
        before = msgspec.json.decode(zlib.decompress(data), type=_Taggers)
        return (before.tagger_version, before.lexicon_version) != (tagged.tagger_version, tagged.lexicon_version)

    def _put_claims(self, number: int, tagged: Tagged) -> None:
        self.connection.executemany(
            "INSERT OR IGNORE INTO claim VALUES (?,?,?,?,?)",
            [(c.claim_id, number, c.type, c.subtype, c.modality) for c in (*tagged.title_claims, *tagged.claims)],
        )

    def _make_current(self, article_id: str, number: int, tagged: Tagged | None) -> None:
        before = self.connection.execute("SELECT id, last_seen FROM version WHERE article_id=? AND current", (article_id,)).fetchone()
        if before is not None:
            (last_seen,) = self.connection.execute("SELECT last_seen FROM version WHERE id=?", (number,)).fetchone()
            if before[0] == number or last_seen < before[1]:
                return
            self._take_tags(before[0])
            self.connection.execute("UPDATE version SET current=0 WHERE id=?", (before[0],))
        self.connection.execute("UPDATE version SET current=1 WHERE id=?", (number,))
        if tagged is None:
            (data,) = self.connection.execute("SELECT tagged FROM document WHERE id=?", (number,)).fetchone()
            tagged = history.unpack(data)
        self._put_tags(number, tagged)

    def _put_tags(self, number: int, tagged: Tagged) -> None:
        found = self._terms.numbers(terms_of(tagged))
        self.connection.executemany("INSERT INTO tag (term, doc, sure) VALUES (?,?,?)", [(term, number, sure) for term, sure in found])
        packed = search.pack([term if sure else -term for term, sure in found])
        self.connection.execute("UPDATE version SET terms=? WHERE id=?", (packed, number))

    def _take_tags(self, number: int) -> None:
        """Take a version that is current out of all filters and facets."""
        (data,) = self.connection.execute("SELECT terms FROM version WHERE id=?", (number,)).fetchone()
        self.connection.executemany("DELETE FROM tag WHERE term=? AND doc=?", [(abs(term), number) for term in search.unpack(data)])
        self.connection.execute("UPDATE version SET terms='' WHERE id=?", (number,))

    def _put_alert(self, alert: Alert) -> None:
        row = self.connection.execute("SELECT record FROM alert WHERE alert_id=?", (alert.alert_id,)).fetchone()
        if row is None:
            self.connection.execute(
                "INSERT INTO alert VALUES (?,?,?,?,?)", (alert.alert_id, alert.rule_id, alert.at, alert.article_id, wire.encode(alert))
            )
            self._put_alert_keys(alert)
            return
        before = wire.decode(row[0], Alert)
        after = grown(before, alert)
        if after != before:
            self.connection.execute(
                "UPDATE alert SET record=?, rule_id=? WHERE alert_id=?", (wire.encode(after), after.rule_id, alert.alert_id)
            )
            self._put_alert_keys(after)

    def _put_alert_keys(self, alert: Alert) -> None:
        """What an alert is asked for by: its subjects, the parts of pairs, their folded names, and the rules."""
        told = [(alert.subject, alert.subject_name), *((reason.subject, reason.subject_name) for reason in alert.rules)]
        names = {name for subject, called in told for name in (subject, *subject.split("|"), key(called))}
        names |= {f"rule:{rule}" for rule, _ in rules_of(alert)}
        self.connection.executemany("INSERT OR IGNORE INTO alert_subject VALUES (?,?)", [(name, alert.alert_id) for name in sorted(names)])

    def _put_dropped(self, dropped: Dropped) -> None:
        self.connection.execute(
            "INSERT INTO dropped VALUES (?,?,?,?,?,?,?,1) ON CONFLICT (url, stage, reason) DO UPDATE SET"
            " times=times + (excluded.last_at > last_at), at=min(at, excluded.at), last_at=max(last_at, excluded.last_at)",
            (dropped.url, dropped.stage, dropped.reason, dropped.detail, dropped.source_id, dropped.at, dropped.at),
        )

    def _put_fate(self, fate: Fate) -> None:
        self.connection.execute(
            "INSERT INTO fate (url, stage, outcome, version_id, article_id, source_id, detail, at, last_at, times, about)"
            " VALUES (?,?,?,?,?,?,?,?,?,1,?) ON CONFLICT (url, stage, outcome, version_id, about) DO UPDATE SET"
            " times=times + (excluded.last_at > last_at), at=min(at, excluded.at), last_at=max(last_at, excluded.last_at)",
            (
                fate.url,
                fate.stage,
                fate.outcome,
                fate.version_id or "",
                fate.article_id,
                fate.source_id,
                fate.detail,
                fate.at,
                fate.at,
                _about(fate),
            ),
        )

    # --- reading ---

    def search(self, query: Query) -> Results:
        """Find articles, near-copies folded to the best one. Raises UsageError for a query that cannot be read."""
        with explained(self.path):
            return search.search(self.connection, query)

    def closest(self, kind: str, wanted: str) -> list[str]:
        """Names of known actors, places or sources like `wanted` (kind: actor, place, source), for a hint; at most three."""
        with explained(self.path):
            return search.closest(self.connection, kind, wanted)

    def article(self, wanted: str) -> Stored | None:
        """Find by article id, version id, claim id, or URL; a unique prefix of an id is enough. Raises UsageError when it is not."""
        with explained(self.path):
            return history.article(self.connection, wanted)

    def version(self, version_id: str) -> Tagged | None:
        """One version of an article as it was tagged, current or not."""
        with explained(self.path):
            return history.version(self.connection, version_id)

    def alerts(self, *, subject: str | None = None, rule: str | None = None, since: str | None = None, limit: int = 50) -> list[Alert]:
        """Return alerts, newest first; `subject`: id or name, of a pair either part; `since`: ISO date or time."""
        with explained(self.path):
            return history.alerts(self.connection, subject, rule, since, limit)

    def alert_changes(self, after: int, limit: int = 500) -> list[tuple[int, Alert]]:
        """Alerts that are new or have grown since change `after`, in the order of commits, each with the number of its last change."""
        with explained(self.path):
            return history.alert_changes(self.connection, after, limit)

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
        with explained(self.path):
            return incidents.find(self.connection, place, actor, type, since, limit)

    def trace(self, url: str) -> list[Fate]:
        """Everything that happened to a URL (as given or canonical, redirects followed), oldest first."""
        with explained(self.path):
            return history.trace(self.connection, url)

    def report(self, top: int = 10) -> Report:
        """Count what is here."""
        with explained(self.path):
            return history.report(self.connection, top)


class _Taggers(msgspec.Struct):
    """What of a tagged document decides whether it was tagged anew."""

    tagger_version: str
    lexicon_version: str


def _pack(tagged: Tagged) -> bytes:
    return isal_zlib.compress(wire.encode(tagged), 1)


def _alone(tagged: Tagged) -> Clustered:
    article = tagged.article
    return Clustered(
        article_id=article.article_id,
        version_id=article.version_id,
        cluster_id=ids.cluster_id(article.version_id),
        leader_id=article.article_id,
        similarity=1.0,
    )


def _about(fate: Fate) -> str:
    """What tells two fates of one outcome apart; other details (sizes, times taken) may differ from one poll to the next."""
    if fate.outcome in ("rang", "redirected"):
        return fate.detail
    return fate.detail.partition(":")[0] if fate.outcome == "dropped" else ""


def _at(tagged: Tagged) -> int:
    article = tagged.article
    published = seconds(article.published_at)
    return published if published is not None else seconds(article.fetched_at) or 0
