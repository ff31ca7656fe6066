"""A batch of messages as operations: what to write, what to delete, and in which order: redelivery repairs what a kill cut off.

The article document is written last: as long as it does not say that a version is there, redelivery writes all of it again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sinks.elasticsearch import bulk, documents, events, names
from sinks.elasticsearch.bulk import Op
from sinks.terms import Found, keys_of, terms_of
from sinks.words import keys
from tocsin import ids
from tocsin.alerting import Alert
from tocsin.errors import Quarantine
from tocsin.incidents import Incident
from tocsin.messages import DeadLetter, Document
from tocsin.records import Dropped, Fetched, Record
from tocsin.settings import Settings

NAMED = frozenset({"actor", "class", "place", "claim_type", "source", "lang"})
"""Kinds of terms that are asked for by name; class shares its names with actor."""
_REMEMBERED = 200_000


class Kept(NamedTuple):
    """What the articles index says of an article: which version is there, and which claims it wrote."""

    version_id: str
    revision: int
    taggers: tuple[str, str]
    claim_ids: tuple[str, ...]
    claims_month: str


KEPT_FIELDS = ["version_id", "revision", "tagger_version", "lexicon_version", "claim_ids", "claims_month"]


def kept(source: Mapping[str, Any]) -> Kept:
    """From the article document."""
    taggers = (source.get("tagger_version", ""), source.get("lexicon_version", ""))
    return Kept(source["version_id"], source["revision"], taggers, tuple(source.get("claim_ids", ())), source.get("claims_month", ""))


class Version(NamedTuple):
    """One document made ready."""

    article_id: str
    kept: Kept  # what the articles index says once it is written
    whole: Op  # into versions
    claims: list[Op]
    article: Op
    cause: int
    revision: int  # external version of all of it
    claims_base: str  # name of the claims indices, less the month


class Batch(NamedTuple):
    """Messages made ready: nothing here depends on what the cluster holds."""

    versions: list[Version]
    alerts: list[tuple[int, Alert]]
    events: list[Op]  # fates, names, incidents: nothing there needs to be looked at first
    indices: frozenset[tuple[str, str]]  # (index, kind) of everything that may be written
    failed: list[tuple[int, Exception]]  # what could not even be made ready

    @property
    def subjects(self) -> frozenset[str]:
        """Ids whose stored state this batch depends on: two batches that share one are written one after the other."""
        return frozenset((*(version.article_id for version in self.versions), *(alert.alert_id for _, alert in self.alerts)))


class Preparer:
    """Makes batches ready. It remembers which names and listed pages it has told the cluster already, so as not to tell again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told: set[str] = set()

    def prepare(self, records: Iterable[tuple[int, Record]]) -> Batch:
        """`records`: each with the number by which failures are reported (several of one number are one message)."""
        batch = Batch([], [], [], frozenset(), [])
        indices: set[tuple[str, str]] = set()
        for cause, record in records:
            try:
                self._add(batch, indices, cause, record)
            except (ValueError, TypeError, OverflowError, Quarantine) as error:  # e.g. half a character in a text
                batch.failed.append((cause, error))
        return batch._replace(indices=frozenset(indices))

    def _add(self, batch: Batch, indices: set[tuple[str, str]], cause: int, record: Record) -> None:
        if isinstance(record, Document):
            version, terms = self._version(cause, record, indices)
            batch.versions.append(version)
            batch.events.extend(self._names(cause, terms, indices))
        elif isinstance(record, Alert):
            indices.add((names.base(self._settings, "alerts"), "alerts"))
            batch.alerts.append((cause, record))
        elif isinstance(record, Incident):
            index = names.base(self._settings, "incidents")
            indices.add((index, "incidents"))
            revision = events.incident_revision(self._settings.index_generation, record)
            batch.events.append(bulk.put(index, record.incident_id, events.incident_document(record), cause, revision))
        else:
            batch.events.extend(self._fates(cause, record, indices))

    def _version(self, cause: int, document: Document, indices: set[tuple[str, str]]) -> tuple[Version, Found]:
        settings, tagged, article = self._settings, document.tagged, document.tagged.article
        revision = documents.revision(settings.index_generation, article.fetched_at)
        seen = documents.first_seen(document)
        into = {kind: names.monthly(settings, kind, seen) for kind in ("versions", "claims")} | {
            "articles": names.base(settings, "articles")
        }
        terms = terms_of(tagged)
        words = (" ".join(keys(article.title or "")), " ".join(keys(article.text)))
        whole = bulk.put(into["versions"], article.version_id, documents.version_document(document), cause, revision)
        claims = [bulk.put(into["claims"], name, fields, cause, revision) for name, fields in documents.claim_documents(document)]
        flat = documents.article_document(document, terms, words, names.month(seen), revision)
        article_op = bulk.put(into["articles"], article.article_id, flat, cause, revision)
        indices.update((index, kind) for kind, index in into.items())
        return Version(article.article_id, kept(flat), whole, claims, article_op, cause, revision, names.base(settings, "claims")), terms

    def _names(self, cause: int, found: Found, indices: set[tuple[str, str]]) -> Iterable[Op]:
        index = names.base(self._settings, "names")
        indices.add((index, "names"))
        for term, aliases, _ in found:
            if term.kind not in NAMED:
                continue
            if term.name and self._is_new(main := ids.digest("main", term.kind, term.value)):
                fields = {"kind": term.kind, "value": term.value, "name": term.name, "main": True}
                yield bulk.create(index, main, fields, cause)
            if not self._is_new("\x1f".join((term.kind, term.value, term.name or "", *sorted(aliases)))):
                continue
            for key in sorted(keys_of(term, aliases)):
                name = ids.digest("key", term.kind, term.value, key)
                if self._is_new(name):
                    yield bulk.create(index, name, {"kind": term.kind, "value": term.value, "key": key}, cause)

    def _fates(self, cause: int, record: Record, indices: set[tuple[str, str]]) -> Iterable[Op]:
        if isinstance(record, Fetched):
            found = list(events.fetched_fates(record))
        elif isinstance(record, Dropped):
            found = [events.dropped_fate(record)]
        elif isinstance(record, DeadLetter):
            found = [events.dead_letter_fate(record)]
        else:
            raise TypeError(f"no index for a {type(record).__name__}")
        for name, fields in found:
            if fields.get("outcome") == "found" and not self._is_new(name):
                continue
            index = names.monthly(self._settings, "fates", fields["@timestamp"])
            indices.add((index, "fates"))
            yield bulk.create(index, name, fields, cause)

    def _is_new(self, name: str) -> bool:
        if name in self._told:
            return False
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        self._told.add(name)
        return True


def decide(versions: list[Version], stored: dict[str, Kept]) -> tuple[list[Op], list[Op]]:
    """(first, last): what to write before the article documents, and those. `stored` by article id; it is not changed.

    Versions are taken in their order. An older one than what is there is history only; the very same changes nothing; what a newer one
    no longer claims is deleted.
    """
    now = dict(stored)
    first: list[Op] = []
    latest: dict[str, Version] = {}
    for version in versions:
        before = now.get(version.article_id)
        if before is not None and (before.version_id, before.taggers) == (version.kept.version_id, version.kept.taggers):
            continue  # redelivered, or the page was read again and says the same: all of it is there, because its article document is
        first.append(version.whole)
        if before is None or version.kept.revision >= before.revision:
            now[version.article_id] = version.kept
            latest[version.article_id] = version
    last: list[Op] = []
    gone: dict[tuple[str, str], Op] = {}
    for article_id, version in latest.items():
        first += version.claims
        last.append(version.article)
        before = stored.get(article_id)
        if before is not None:
            gone |= _deletions(version, before, version.kept)
    for version in versions:
        if latest.get(version.article_id) is not version:
            gone |= _deletions(version, version.kept, now[version.article_id])
    return [*first, *gone.values()], last


def _deletions(cause: Version, old: Kept, new: Kept) -> dict[tuple[str, str], Op]:
    """Delete the claims of an old version that the new one does not make, under the new one's external version.

    Also where they were never written, as far as we know: a request of a sink that was killed may still be on its way, and the deletion,
    being later, keeps it out (index.gc_deletes says for how long).
    """
    still = set(new.claim_ids) if old.claims_month == new.claims_month else set()
    index = f"{cause.claims_base}-{old.claims_month}"
    external = cause.revision - cause.kept.revision + new.revision
    return {(index, name): bulk.delete(index, name, cause.cause, external) for name in old.claim_ids if name not in still}
