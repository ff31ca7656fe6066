"""The serial half of the pipeline: cluster, sightings, alerts, index. One transaction an article; all state lies in the store."""

from collections.abc import Callable

from msgspec.structs import replace

from streams.alerts import Hour, Rung, Seen, State, judge
from streams.cluster import Clusters, Member
from streams.rules import Rules
from streams.sightings import sightings
from streams.tag import Resources
from tocsin.clock import now
from tocsin.embedded.prepare import Prepared
from tocsin.fold import fold_key
from tocsin.records import Alert, Clustered, Dropped, Fate, Record, Tagged
from tocsin.store import Batch, StateStore


class Delivered(Record, frozen=True, kw_only=True):
    """That an alert was handed to a person, so that it rings once."""

    at: str


class Pipeline:
    """Takes prepared articles and drops in; keeps results, state and fates together."""

    def __init__(self, store: StateStore, rules: Rules, on_alert: Callable[[Alert], None] | None = None) -> None:
        """`on_alert` is called once for each alert, after it is on the disk."""
        self._store, self._rules, self._on_alert = store, rules, on_alert
        self._clusters = Clusters(store.table("members", Member))
        self._state = State(store.table("seen", Seen), store.table("hours", Hour), store.table("rung", Rung))
        self._delivered = store.table("delivered", Delivered)

    def accept(self, prepared: Prepared, fates: tuple[Fate, ...] = (), commit_with: Callable[[], None] | None = None) -> str:
        """Keep one prepared article or refusal with its earlier fates. Returns what became of it.

        indexed, new-version, duplicate, correction, unchanged or dropped. `commit_with` runs inside the transaction.
        """
        with self._store.transaction():
            if commit_with:
                commit_with()
            if prepared.tagged is None:
                dropped = prepared.dropped
                assert dropped is not None  # noqa: S101  # Prepared holds one or the other
                self._store.write(Batch(dropped=(dropped,), fates=(*fates, fate_of(dropped))))
                return "dropped"
            outcome, rang = self._accept_tagged(prepared.tagged, fates)
        for alert in rang:
            if self._on_alert:
                self._on_alert(alert)
        return outcome

    def _accept_tagged(self, tagged: Tagged, fates: tuple[Fate, ...]) -> tuple[str, list[Alert]]:
        article = tagged.article
        unchanged = self._clusters.knows(article)
        clustered = self._clusters.assign(article)
        tagged = in_cluster(tagged, clustered)
        alerts = judge(sightings(tagged, clustered), self._rules, self._state)
        rang = [alert for alert in alerts if alert.alert_id not in self._delivered]
        for alert in rang:
            self._delivered[alert.alert_id] = Delivered(at=now())
        outcome = "unchanged" if unchanged else _outcome(clustered)
        self._store.write(
            Batch(tagged=tagged, clustered=clustered, alerts=alerts, fates=(*fates, *_fates(tagged, clustered, outcome, rang)))
        )
        return outcome, rang


def in_cluster(tagged: Tagged, clustered: Clustered) -> Tagged:
    """The tagged document with its cluster on every claim."""
    return replace(
        tagged,
        claims=tuple(replace(claim, cluster_id=clustered.cluster_id) for claim in tagged.claims),
        title_claims=tuple(replace(claim, cluster_id=clustered.cluster_id) for claim in tagged.title_claims),
    )


def resolver(resources: Resources) -> Callable[[str], tuple[str, ...]]:
    """Names, aliases and ids to entity ids: what alert rules are written with."""

    def resolve(name: str) -> tuple[str, ...]:
        key = fold_key(name)
        return (*resources.lexicon.ids_of(key), *resources.gazetteer.ids_of(key))

    return resolve


def fate_of(dropped: Dropped) -> Fate:
    """The refusal as an event in the URL's life."""
    return Fate(
        url=dropped.url,
        at=dropped.at or now(),
        stage=dropped.stage,
        outcome="dropped",
        detail=f"{dropped.reason}: {dropped.detail}" if dropped.detail else dropped.reason,
        source_id=dropped.source_id,
    )


def _outcome(clustered: Clustered) -> str:
    if clustered.previous_version:
        return "new-version"
    if clustered.leader_id == clustered.article_id:
        return "indexed"
    return "correction" if clustered.correction else "duplicate"


def _fates(tagged: Tagged, clustered: Clustered, outcome: str, rang: list[Alert]) -> tuple[Fate, ...]:
    article = tagged.article

    def fate(stage: str, what: str, detail: str) -> Fate:
        return Fate(
            url=article.url,
            at=now(),
            stage=stage,
            outcome=what,
            detail=detail,
            article_id=article.article_id,
            version_id=article.version_id,
            source_id=article.source_id,
        )

    if outcome == "unchanged":
        return (fate("cluster", "unchanged", "this very text is here already"),)
    flags = f"; flags: {', '.join(article.flags)}" if article.flags else ""
    cluster = {
        "indexed": "a text of its own",
        "new-version": f"a new version of {clustered.previous_version}",
        "duplicate": f"a copy of {clustered.leader_id} (similarity {clustered.similarity:.2f})",
        "correction": f"a copy of {clustered.leader_id} with another figure (similarity {clustered.similarity:.2f})",
    }[outcome]
    claims = len(tagged.claims) + len(tagged.title_claims)
    found = f"{len(tagged.mentions) + len(tagged.title_mentions)} mentions, {claims} claims, language {tagged.lang}"
    if not tagged.claims_attempted:
        found += "; no claims attempted: this language has no claim rules yet"
    return (
        fate("clean", "cleaned", f"{len(article.text):,} characters by {article.extractor}{flags}"),
        fate("cluster", outcome, cluster),
        fate("tag", "tagged", found),
        fate("index", "indexed", "searchable"),
        *(fate("alert", "rang", f"{alert.rule_id}: {alert.headline}") for alert in rang),
    )
