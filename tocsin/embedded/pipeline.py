"""The serial half of the pipeline: cluster, sightings, alerts, ledger, index. One transaction an article; all state lies in the store."""

from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from producers.archive import Archive
from streams.alerts import Hour, Rung, Seen, State
from streams.alerts_engine import Engine
from streams.alerts_incidents import Told
from streams.cluster import Clusters, Member, in_cluster
from streams.ledger import LedgerState
from streams.ledger_claims import Sides, blocks_of
from streams.ledger_state import Block, Open
from streams.rules import Rules
from tocsin import ids
from tocsin.alerting import Alert
from tocsin.clock import now
from tocsin.desk import Desk
from tocsin.embedded.prepare import Prepared
from tocsin.fates import article_fates, outcome_of
from tocsin.records import Clustered, Dropped, Fate, Page, RawRef, Record, Tagged
from tocsin.sketch import sentence_hashes
from tocsin.store import Batch, StateStore, Stored


class Delivered(Record, frozen=True, kw_only=True):
    """That an alert is delivered, so that it rings once.

    In the embedded run the store is where alerts are delivered: with the commit an alert is in `tocsin alerts`, together with its
    article. The terminal is a view of that, drawn after the commit, so that nothing is shown that is not kept. A process killed between
    the two has shown one alert less, not lost one; to mark alerts only once they are printed would cost a second commit an article, and
    print some twice.
    """

    at: str


class Position(Record, frozen=True, kw_only=True):
    """Where the committed part of the archive ends."""

    file: str
    end: int


class Accepted(NamedTuple):
    """What became of one page, and what to ring once the transaction is on the disk."""

    outcome: str  # indexed, new-version, duplicate, correction, unchanged, dropped
    alerts: tuple[Alert, ...] = ()


class Pipeline:
    """Takes prepared articles and refusals in; keeps results, state, archive position and fates together."""

    def __init__(self, store: StateStore, rules: Rules, archive_folder: Path, sides: Sides | None = None) -> None:
        """Open the archive at the position the store remembers. Raises UsageError when another process has it.

        `sides`: whose organ or mouthpiece each known actor is (`streams.ledger_claims.sides_of`).
        """
        self._store, self._sides = store, sides
        self._positions = store.table("archive", Position)
        self._raws = store.table("raws", RawRef)
        self._members = store.table("members", Member)
        self._clusters = Clusters(self._members)
        state = State(store.table("seen", Seen), store.table("hours", Hour), store.table("rung", Rung))
        ledger = LedgerState(store.table("blocks", Block), store.table("incidents", Open))
        self._engine = Engine(rules, state, ledger, store.table("told", Told), sides)
        self._delivered = store.table("delivered", Delivered)
        self._desk = Desk(archive_folder.parent)
        committed = self._positions.get("warc")
        self._archive = Archive(archive_folder, (committed.file, committed.end) if committed else None)
        if committed is None:
            with store.transaction():
                self._keep_position()

    def accept(
        self,
        prepared: Prepared,
        page: Page | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        fates: tuple[Fate, ...] = (),
    ) -> Accepted:
        """Keep one prepared article or refusal whole, with the page's bytes and what happened to it before.

        Call it inside the store's transaction to add to it, or outside to make one. Ring the alerts after the commit.
        """
        with self._store.transaction():
            raw = self._kept(page, headers) if page is not None else None
            if prepared.tagged is None:
                dropped = prepared.dropped
                assert dropped is not None  # noqa: S101  # Prepared holds one or the other
                self._store.write(Batch(dropped=(dropped,), fates=(*fates, fate_of(dropped))))
                return Accepted("dropped")
            tagged = prepared.tagged
            if raw is not None:
                tagged = replace(tagged, article=replace(tagged.article, raw=raw))
            return self._accept_tagged(tagged, fates)

    def close(self) -> None:
        """Close the archive; the store is the caller's."""
        self._archive.close()

    def _accept_tagged(self, tagged: Tagged, fates: tuple[Fate, ...]) -> Accepted:
        clustered, unchanged = self._placed(tagged)
        tagged = in_cluster(tagged, clustered)
        alerts, incidents = self._engine.take(tagged, clustered, self._blocks_before(clustered, unchanged=unchanged), known=unchanged)
        alerts = self._desk.heard(alerts, now())
        rang = tuple(alert for alert in alerts if alert.alert_id not in self._delivered and not alert.silenced)
        for alert in rang:
            self._delivered[alert.alert_id] = Delivered(at=now())
        outcome = "unchanged" if unchanged else outcome_of(clustered)
        events = (*fates, *article_fates(tagged, clustered, now(), rang, unchanged=unchanged))
        self._store.write(Batch(tagged=tagged, clustered=clustered, alerts=alerts, incidents=incidents, fates=events))
        return Accepted(outcome, rang)

    def _blocks_before(self, clustered: Clustered, *, unchanged: bool) -> tuple[str, ...]:
        """The ledger's blocks in which an article's former version spoke: where it is silent now, that is taken back."""
        before = self._store.article(clustered.previous_version) if clustered.previous_version and not unchanged else None
        return blocks_of(before.tagged, self._sides) if before is not None else ()

    def _placed(self, tagged: Tagged) -> tuple[Clustered, bool]:
        """Where a version belongs, and whether this very version passed before.

        The cluster stage remembers an article for a month, and of its versions the latest only; the store remembers all. So an old
        file ingested once more is no news, and an edit is one however late it comes.
        """
        article = tagged.article
        if self._clusters.knows(article):
            return self._clusters.assign(article), True
        passed = self._store.article(article.version_id)
        if passed is not None:
            return passed.clustered, True
        if article.article_id not in self._members:
            before = self._store.article(article.article_id)
            if before is not None:
                self._members[article.article_id] = remembered(before)
        return self._clusters.assign(article), False

    def _kept(self, page: Page, headers: tuple[tuple[str, str], ...]) -> RawRef:
        """Archive the bytes, once an address: a page that did not change is not kept again, a copy elsewhere is."""
        if page.raw is not None:
            return page.raw
        digest = ids.sha256(page.body)
        key = ids.digest(page.final_url, digest)
        known = self._raws.get(key)
        if known is not None:
            return known
        raw = self._archive.append(page, headers, digest)
        self._raws[key] = raw
        self._keep_position()
        return raw

    def _keep_position(self) -> None:
        file, end = self._archive.position()
        self._positions["warc"] = Position(file=file, end=end)


def remembered(kept: Stored) -> Member:
    """What the cluster stage had remembered of a stored article before it forgot; no sketch: nothing joins so old a leader any more."""
    article, clustered = kept.tagged.article, kept.clustered
    return Member(
        article_id=article.article_id,
        version_id=article.version_id,
        cluster_id=clustered.cluster_id,
        leader_id=clustered.leader_id,
        similarity=clustered.similarity,
        correction=clustered.correction,
        previous_version=clustered.previous_version,
        known=clustered.known_sentences,
        current=sentence_hashes(article.title, article.text, kept.tagged.sentences),
        at=clustered.at or article.fetched_at,
        published=article.published_at or article.fetched_at,
        sketch=None,
    )


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
