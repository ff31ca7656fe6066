"""The writing half: batches of records into the indices, idempotent and in the right order. What feeds it is not its business."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from elastic_transport import TransportError
from elasticsearch import BadRequestError, Elasticsearch

from sinks.elasticsearch import bulk, events, mapping, names
from sinks.elasticsearch import client as door
from sinks.elasticsearch.batch import KEPT_FIELDS, Batch, Kept, Preparer, decide, kept
from sinks.elasticsearch.bulk import Failed, Op, Writer
from sinks.elasticsearch.client import ClusterError
from sinks.elasticsearch.setup import live_generation, missing_fields
from sinks.refused import Refused
from tocsin.alerting import Alert, grown
from tocsin.errors import Quarantine
from tocsin.records import Record
from tocsin.settings import Settings


class ElasticsearchSink:
    """Writes batches. `prepare` is pure work for the caller's thread; `write` speaks to the cluster and may run in another."""

    def __init__(
        self,
        settings: Settings,
        *,
        waiting: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Connect; nothing is asked yet. `waiting` is told why the cluster must be waited for ("": no more); both may raise to give up."""
        self._settings = settings
        self.client: Elasticsearch = door.connect(settings)
        self._writer = Writer(self.client, settings, waiting, sleep, self._look_again)
        self._preparer = Preparer(settings)
        self._good: dict[str, str] = {}  # indices that were looked at, with their kind

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        self.client.close()

    def check(self) -> None:
        """Raise ClusterError unless everything is set up for this version: run it before the first batch."""
        with door.explaining(self._settings):
            for kind in mapping.indices().kinds:
                alias = names.alias(self._settings, kind)
                if not self.client.indices.exists_alias(name=alias):
                    raise door.missing(f"no alias {alias} at {self._settings.elasticsearch}")
                live = live_generation(self.client, self._settings, kind) or 0
                if live > self._settings.index_generation:
                    raise ClusterError(f"readers see generation {live} of {alias}: set index_generation to {live}, and start this again")
                if not mapping.indices().kinds[kind].monthly:
                    self._look(names.base(self._settings, kind), kind)

    def prepare(self, records: Iterable[tuple[int, Record]], origins: Sequence[tuple[str, int]] = ()) -> Batch:  # noqa: ARG002 - a target's
        """Make records ready; each with the number by which a failure is reported."""
        return self._preparer.prepare(records)

    def write(self, batch: Batch) -> list[Refused]:
        """Write a batch; when this returns, all of it is kept. Returns what can never be. Raises ClusterError to stop."""
        refused = [Refused(failure.op.cause, Quarantine(failure.reason)) for failure in self._write(batch)]
        return [*(Refused(cause, error) for cause, error in batch.failed), *refused]

    def _write(self, batch: Batch) -> list[Failed]:
        for index, kind in sorted(batch.indices):
            if index not in self._good:
                self._writer.patiently(partial(self._ready, index, kind))
        stored = self._stored(batch)
        first, last = decide(batch.versions, stored)
        first += batch.events
        alerts = self._alerts(batch)
        failed = self._writer.write([*first, *alerts])
        lost = {failure.op for failure in failed if failure.op in {version.whole for version in batch.versions}}
        if lost:  # an article must not point to a version that is not there
            causes = {op.cause for op in lost}
            last = [op for op in last if op.cause not in causes]
        return failed + self._writer.write(last)

    def _stored(self, batch: Batch) -> dict[str, Kept]:
        """What the articles index says of the articles in a batch."""
        wanted = list(dict.fromkeys(version.article_id for version in batch.versions))
        found = self._get(names.base(self._settings, "articles"), wanted, KEPT_FIELDS)
        return {name: kept(source) for name, source in found.items()}

    def _alerts(self, batch: Batch) -> list[Op]:
        """Alerts that are new, or have learned something."""
        index = names.base(self._settings, "alerts")
        found = self._get(index, list(dict.fromkeys(alert.alert_id for _, alert in batch.alerts)), None)
        known: dict[str, Alert] = {name: events.alert_of(source) for name, source in found.items()}
        changed: dict[str, Op] = {}
        for cause, alert in batch.alerts:
            before = known.get(alert.alert_id)
            after = alert if before is None else grown(before, alert)
            if after != before:
                known[alert.alert_id] = after
                version = events.alert_revision(self._settings.index_generation, after)
                changed[alert.alert_id] = bulk.put(index, alert.alert_id, events.alert_document(after, version), cause, version)
        return list(changed.values())

    def _get(self, index: str, wanted: list[str], fields: list[str] | None) -> dict[str, dict[str, Any]]:
        """Sources by id, as they are this moment (not as of the last refresh)."""
        if not wanted:
            return {}

        def ask() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = self.client.mget(index=index, ids=wanted, source_includes=fields).body["docs"]
            for error in (item["error"] for item in items if "error" in item):
                reason = str(error.get("reason", f"no index {index}"))
                if "shard" in error.get("type", ""):  # a node that has just come back answers before its shards do
                    raise TransportError(reason)
                raise door.missing(reason)
            return items

        return {item["_id"]: item["_source"] for item in self._writer.patiently(ask) if item.get("found")}

    def _ready(self, index: str, kind: str) -> None:
        """Make the index of a month that begins, and see that it has our mapping, before anything is written into it."""
        if not self.client.indices.exists(index=index):
            if not mapping.indices().kinds[kind].monthly:
                raise door.missing(f"no index {index}")
            try:
                self.client.indices.create(index=index)
            except BadRequestError as error:
                if "resource_already_exists_exception" not in str(error):  # another sink was quicker
                    raise
        self._look(index, kind)
        self._good[index] = kind

    def _look_again(self) -> None:
        """After a lost connection: what answers now may be another cluster, or an empty one."""
        for index, kind in list(self._good.items()):
            self._look(index, kind)

    def _look(self, index: str, kind: str) -> None:
        """Raise ClusterError unless an index has the mapping of this version."""
        there = next(iter(self.client.indices.get_mapping(index=index).body.values()))["mappings"]
        mark = there.get("_meta", {}).get("tocsin", {})
        wanted = mapping.indices().mapping
        if mark.get("kind") != kind:
            raise ClusterError(f"index {index} has no mapping of ours (its template is gone): delete it, run `tocsin setup elasticsearch`")
        if mark["mapping"] > wanted:
            raise ClusterError(f"index {index} was made by a newer Tocsin (mapping {mark['mapping']}): upgrade this one")
        if mark["mapping"] < wanted or missing_fields(there, kind):
            raise ClusterError(f"index {index} has an older mapping than this Tocsin writes: run `tocsin setup elasticsearch`")
