"""What two runs have made of the same input, side by side: read from whatever store, compared field by field."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from elasticsearch import Elasticsearch

from sinks.elasticsearch.search import document_of
from sinks.elasticsearch.store import ElasticsearchStore
from tests.live import indices, stream
from tocsin import topics, wire
from tocsin.alerting import Alert
from tocsin.errors import Quarantine
from tocsin.incidents import Incident
from tocsin.messages import Document
from tocsin.records import Claim
from tocsin.settings import Settings
from tocsin.store import Query, Reader, Report

WHERE = frozenset({"raw.uri", "archived"})
"""Fields that name a place of this run alone: the file in the archive, whose name holds the time and the node."""
WALL_TIME = frozenset(
    {
        "fetched_at",  # of an article and its versions: when this run read the page
        "at",  # of a placed version, an alert, a figure said, a correction: when this run first saw it
        "observed_at",  # of a claim: the same
        "first_seen",  # of an incident: the same
        "first_said",  # of an incident: published, else first seen; likewise:
        "last_said",
    }
)
"""Fields that hold when a run saw something: two runs that each fetch for themselves differ in these."""
ARRIVAL = frozenset(
    {
        "clustered",  # who leads, and which version was before: groups are compared as who is with whom
        "cluster_id",  # of a claim: the name of its group
        "article.fetched_at",  # of a page read twice with the same text: the first of the two readings is kept
        "raw.sha256",
    }
)
"""Fields that hold which of several came first: runs that read in different orders differ in these."""


class Outcome(NamedTuple):
    """All that a run has kept."""

    versions: dict[str, Document]  # every version of every article, by its id
    current: dict[str, str]  # article id -> its version of now
    alerts: dict[str, Alert]
    incidents: dict[str, Incident]
    report: Report

    @property
    def claims(self) -> dict[str, Claim]:
        """Of all versions, of titles too."""
        return {claim.claim_id: claim for one in self.versions.values() for claim in (*one.tagged.title_claims, *one.tagged.claims)}

    @property
    def told(self) -> set[str]:
        """Claims of which incidents tell."""
        return {claim for incident in self.incidents.values() for claim in incident.claim_ids}

    @property
    def rang(self) -> set[tuple[str, str]]:
        """Rules and the subjects for which they rang; of incidents the rules only, since what names one is a matter of order."""
        found = (why for alert in self.alerts.values() for why in alert.rules)
        return {(why.rule_id, "" if why.incident_id else why.subject) for why in found}

    @property
    def clusters(self) -> set[frozenset[str]]:
        """Versions that are together."""
        return partition((version, one.clustered.cluster_id) for version, one in self.versions.items())


def embedded_outcome(store: Reader) -> Outcome:
    """Everything in the embedded store."""
    found = [store.article(hit.article_id) for hit in store.search(Query(limit=10_000, all_copies=True)).hits]
    current = [one for one in found if one is not None]
    kept = [store.article(version.version_id) for one in current for version in one.versions]
    return Outcome(
        {one.clustered.version_id: Document(tagged=one.tagged, clustered=one.clustered) for one in kept if one is not None},
        {one.clustered.article_id: one.clustered.version_id for one in current},
        *_rest(store),
    )


def distributed_outcome(settings: Settings) -> Outcome:
    """Everything in the indices. Raises AssertionError when the flat documents do not say what the whole ones do."""
    with Elasticsearch(settings.elasticsearch, request_timeout=60) as client, ElasticsearchStore(settings) as store:
        found = indices.everything(client, settings)
        versions = {name: document_of(body) for name, body in indices.of_kind(found, "versions").items()}
        current = {name: body["version_id"] for name, body in indices.of_kind(found, "articles").items()}
        wanted = {claim_id for version in current.values() for claim_id in claim_ids(versions[version])}
        assert set(indices.of_kind(found, "claims")) == wanted, "the claims that can be found are not those of the current versions"
        return Outcome(versions, current, *_rest(store))


def documents(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every document of a run as it is kept, by kind and id, with its version."""
    with Elasticsearch(settings.elasticsearch, request_timeout=60) as client:
        found = indices.everything(client, settings)
    return {name.removeprefix(f"{settings.prefix}-"): body for name, body in found.items()}


def completed_by_districts(settings: Settings) -> set[str]:
    """Subjects that were also seen as a place within them: such a sighting counts, and rings only rules that name the subject.

    Whether a threshold on them rings depends on what comes last, so runs that read in different orders may differ there.
    """
    subjects: set[str] = set()
    for message in stream.messages(settings, topics.full_name(settings, topics.SIGHTINGS)):
        with suppress(Quarantine, TypeError):  # poison of a drill
            subjects.update(found.subject for found in wire.decode(message.value, topics.SIGHTINGS.record).found if found.via)
    return subjects


def told_otherwise(expected: Outcome, found: Outcome) -> set[str]:
    """Claims that incidents of one run tell of and the other's do not, where that is no matter of what came first.

    An incident lists a bounded number of claims; which ones, the order decides. So blocks with a full incident are left out.
    """
    both = (*expected.incidents.values(), *found.incidents.values())
    full = {incident.block for incident in both if incident.saturated}
    block_of = {claim: incident.block for incident in both for claim in incident.claim_ids}
    return {claim for claim in expected.told ^ found.told if block_of[claim] not in full}


def claim_ids(document: Document) -> list[str]:
    """Of a version's title and body."""
    return [claim.claim_id for claim in (*document.tagged.title_claims, *document.tagged.claims)]


def _rest(store: Reader) -> tuple[dict[str, Alert], dict[str, Incident], Report]:
    alerts = {alert.alert_id: alert for alert in store.alerts(limit=10_000)}
    incidents = {incident.incident_id: incident for incident in store.incidents(limit=10_000)}
    return alerts, incidents, store.report(top=1000)


def partition(members: Iterable[tuple[str, str]]) -> set[frozenset[str]]:
    """Who is with whom, whatever the groups are called. `members`: (member, group)."""
    groups: dict[str, set[str]] = {}
    for member, group in members:
        groups.setdefault(group, set()).add(member)
    return {frozenset(some) for some in groups.values()}


def differences(expected: Any, found: Any, leave_out: Collection[str] = WHERE) -> list[str]:
    """One line for each field that differs: its path and both values. `leave_out`: last parts of paths ("at", "raw.uri")."""
    return list(_differences(_plain(expected), _plain(found), "", tuple(leave_out)))


def check(expected: Any, found: Any, leave_out: Collection[str] = WHERE, what: str = "") -> None:
    """Raise AssertionError with the first differences, if there are any."""
    lines = differences(expected, found, leave_out)
    assert not lines, "\n".join([f"{len(lines)} differences {what}", *lines[:30]])


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _differences(expected: Any, found: Any, path: str, leave_out: tuple[str, ...]) -> Iterator[str]:
    if any(path == name or path.endswith(f".{name}") for name in leave_out):
        return
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in sorted({*expected, *found}):
            if name in expected and name in found:
                yield from _differences(expected[name], found[name], f"{path}.{name}" if path else name, leave_out)
            else:
                yield f"{path}.{name}: {'missing' if name in expected else 'not expected'}"
    elif isinstance(expected, (list, tuple)) and isinstance(found, (list, tuple)) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found, strict=True)):
            yield from _differences(*pair, f"{path}[{number}]", leave_out)
    elif expected != found:
        yield f"{path}: {expected!r:.200} is {found!r:.200}"
