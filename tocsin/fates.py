"""What happened to an article on its way, in words: the embedded run writes these fates, the distributed one derives them on reading."""

from collections.abc import Iterable

from tocsin.alerting import Alert
from tocsin.records import Clustered, Fate, Tagged


def outcome_of(clustered: Clustered) -> str:
    """What the clustering stage made of a version: new-version, indexed (a text of its own), correction or duplicate."""
    if clustered.previous_version:
        return "new-version"
    if clustered.leader_id == clustered.article_id:
        return "indexed"
    return "correction" if clustered.correction else "duplicate"


def article_fates(
    tagged: Tagged, clustered: Clustered, at: str, rang: Iterable[Alert] = (), *, unchanged: bool = False
) -> tuple[Fate, ...]:
    """Fates of one version from cleaning to alerts. `unchanged`: this very text was here before, and nothing else happened."""
    article = tagged.article

    def fate(stage: str, what: str, detail: str) -> Fate:
        return Fate(
            url=article.url,
            at=at,
            stage=stage,
            outcome=what,
            detail=detail,
            article_id=article.article_id,
            version_id=article.version_id,
            source_id=article.source_id,
        )

    if unchanged:
        return (fate("cluster", "unchanged", "this very text was here before"),)
    outcome = outcome_of(clustered)
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
