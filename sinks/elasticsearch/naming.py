"""Names and ids: what a person types finds the ids it may mean, and an id has the name it is shown by."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from elasticsearch import Elasticsearch

from sinks import ranking
from sinks.elasticsearch import names
from sinks.ranking import ALSO, asked
from sinks.terms import facet_name
from tocsin import ids
from tocsin.settings import Settings

PAGE = 10_000
"""Most documents of one answer (index.max_result_window)."""


class Reading(NamedTuple):
    """What every question needs."""

    client: Elasticsearch
    settings: Settings

    def alias(self, kind: str) -> str:
        """Index to ask."""
        return names.alias(self.settings, kind)

    def ask(self, kind: str, **body: Any) -> dict[str, Any]:
        """One search; the answer's body."""
        found: dict[str, Any] = self.client.search(index=self.alias(kind), **body).body
        return found

    def sources(self, kind: str, **body: Any) -> list[dict[str, Any]]:
        """The documents of one search."""
        return [hit["_source"] for hit in self.ask(kind, **body)["hits"]["hits"]]

    def all(self, kind: str, query: dict[str, Any], sort: list[dict[str, str]], **body: Any) -> Iterable[dict[str, Any]]:
        """Every document of a search, page by page. `sort` must order them wholly."""
        after: dict[str, Any] = {}
        while True:
            hits = self.ask(kind, query=query, sort=sort, size=PAGE, **body, **after)["hits"]["hits"]
            yield from (hit["_source"] for hit in hits)
            if len(hits) < PAGE:
                return
            after = {"search_after": hits[-1]["sort"]}


def resolve(reading: Reading, kind: str, wanted: Iterable[str]) -> frozenset[str] | None:
    """Ids meant by ids or names; None when nothing was asked. An empty set finds nothing."""
    keys = sorted({asked(name) for name in wanted})
    if not keys:
        return None
    query = {"bool": {"filter": [{"terms": {"kind": [kind, ALSO.get(kind, kind)]}}, {"terms": {"key": keys}}]}}
    return frozenset(source["value"] for source in reading.sources("names", query=query, size=PAGE, source_includes=["value"]))


def closest(reading: Reading, kind: str, wanted: str) -> list[str]:
    """Known names like `wanted`; none when it is known itself."""
    if resolve(reading, kind, (wanted,)):
        return []
    query = {"bool": {"filter": [{"term": {"kind": kind}}, {"exists": {"field": "key"}}]}}
    rows = list(reading.all("names", query, [{"key": "asc"}, {"value": "asc"}], source_includes=["key", "value"]))
    near = ranking.like(wanted, {row["key"]: row["key"] for row in rows})
    values = {row["key"]: row["value"] for row in rows}
    shown = readable(reading, [(kind, values[name]) for name in near])
    return list(dict.fromkeys(shown.get((kind, values[name])) or name for name in near))


def readable(reading: Reading, terms: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The name by which each (kind, value) is shown."""
    wanted = list(dict.fromkeys(terms))
    found = {term: facet_name(*term) for term in wanted}
    main = {ids.digest("main", kind, value): (kind, value) for kind, value in wanted}
    if main:
        sources = reading.ask("names", query={"ids": {"values": list(main)}}, size=len(main), source_includes=["name"])["hits"]["hits"]
        found |= {main[hit["_id"]]: hit["_source"]["name"] for hit in sources if hit["_id"] in main}
    return found
