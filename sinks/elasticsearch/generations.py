"""What a generation of indices holds, read whole: for carrying into another what no topic has any more."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from elasticsearch import Elasticsearch, NotFoundError

from sinks.elasticsearch import bulk, events, mapping, names
from sinks.elasticsearch.batch import Batch
from sinks.elasticsearch.client import explaining
from sinks.elasticsearch.documents import unpack
from tocsin import wire
from tocsin.alerting import Alert
from tocsin.incidents import Incident
from tocsin.messages import Document
from tocsin.settings import Settings

_KEEP = "10m"  # how long the cluster keeps a reading open between two pages
_PAGE = 200


class Found(NamedTuple):
    """One document of an index."""

    name: str  # its id
    source: dict[str, Any]


class Generation:
    """One generation of our indices, to be read."""

    def __init__(self, client: Elasticsearch, settings: Settings, generation: int) -> None:
        self._client, self._settings, self.number = client, settings, generation

    def count(self, kind: str) -> int:
        """How many documents of a kind there are, as of the last refresh."""
        with explaining(self._settings):
            answer = self._client.count(index=self._pattern(kind), ignore_unavailable=True, allow_no_indices=True)
            return int(answer.body["count"])

    def refresh(self) -> None:
        """Let what was written be found."""
        with explaining(self._settings):
            for kind in mapping.indices().kinds:
                self._client.indices.refresh(index=self._pattern(kind), ignore_unavailable=True, allow_no_indices=True)

    def pages(self, kind: str) -> Iterator[list[Found]]:
        """Everything of a kind as it is when this begins, some at once."""
        with explaining(self._settings):
            pattern = self._pattern(kind)
            answer = self._client.search(
                index=pattern, size=_PAGE, scroll=_KEEP, sort="_doc", ignore_unavailable=True, allow_no_indices=True
            ).body
            try:
                while answer["hits"]["hits"]:
                    yield [Found(hit["_id"], hit["_source"]) for hit in answer["hits"]["hits"]]
                    answer = self._client.scroll(scroll_id=answer["_scroll_id"], scroll=_KEEP).body
            finally:
                if "_scroll_id" in answer:
                    self._close(answer["_scroll_id"])

    def lacking(self, kind: str, ids: Sequence[str]) -> set[str]:
        """Which of these ids no document of a kind has, as of the last refresh."""
        with explaining(self._settings):
            answer = self._client.search(
                index=self._pattern(kind),
                query={"ids": {"values": list(ids)}},
                size=len(ids),
                source=False,
                ignore_unavailable=True,
                allow_no_indices=True,
            )
            return set(ids) - {hit["_id"] for hit in answer.body["hits"]["hits"]}

    def documents(self, versions: Sequence[str]) -> dict[str, Document]:
        """Versions by their ids, those that are there."""
        with explaining(self._settings):
            answer = self._client.search(
                index=self._pattern("versions"),
                query={"ids": {"values": list(versions)}},
                size=len(versions),
                source_includes=["document"],
                ignore_unavailable=True,
                allow_no_indices=True,
            )
            return {hit["_id"]: document_of(hit["_source"]) for hit in answer.body["hits"]["hits"]}

    def _pattern(self, kind: str) -> str:
        return names.base(self._settings, kind, self.number) + ("-*" if mapping.indices().kinds[kind].monthly else "")

    def _close(self, scroll: str) -> None:
        try:
            self._client.clear_scroll(scroll_id=scroll)
        except NotFoundError:  # it took longer than it was kept open
            return


def document_of(source: dict[str, Any]) -> Document:
    """The record from a version's document."""
    return wire.decode(unpack(source["document"]), Document)


def alert_of(source: dict[str, Any]) -> Alert:
    """The record from an alert's document."""
    return events.alert_of(source)


def incident_of(source: dict[str, Any]) -> Incident:
    """The record from an incident's document."""
    return events.incident_of(source)


def fates_batch(settings: Settings, found: Sequence[Found]) -> Batch:
    """Fates as they are, for the indices of another generation: a batch for its sink. One that is there already stays."""
    ops, indices = [], set[tuple[str, str]]()
    for cause, fate in enumerate(found):
        index = names.monthly(settings, "fates", fate.source.get("@timestamp"))
        indices.add((index, "fates"))
        ops.append(bulk.create(index, fate.name, fate.source, cause))
    return Batch([], [], ops, frozenset(indices), [])
