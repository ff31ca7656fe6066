"""The trace of a URL: what came of its requests, refusals and dead letters, and what its article's own documents tell."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from sinks.elasticsearch.events import alert_of
from sinks.elasticsearch.naming import Reading
from sinks.elasticsearch.search import document_of
from sinks.spellings import spellings
from tocsin.fates import article_fates
from tocsin.records import Fate

Json = dict[str, Any]
_URL = re.compile(r"https?://[^\s<>\"']+")
_MOST = 160  # addresses that one trace follows
_ORDER = {
    stage: place for place, stage in enumerate(("schedule", "robots", "fetch", "archive", "clean", "cluster", "tag", "index", "alert"))
}


def trace(reading: Reading, url: str) -> list[Fate]:
    """See `tocsin.store.Store.trace`. What repeats is told once, with how often and when last."""
    todo, urls, articles = spellings(url), set[str](), set[str]()
    found: list[Fate] = []
    while todo and len(urls) < _MOST:
        here = [one for one in dict.fromkeys(todo) if one not in urls]
        todo = []
        if not here:
            break
        urls.update(here)
        for source in reading.all(
            "fates", {"terms": {"url": here}}, [{"@timestamp": "asc"}, {"url": "asc"}, {"stage": "asc"}, {"outcome": "asc"}]
        ):
            found.append(_fate(source))
            if source["outcome"] == "redirected":
                todo += [source["redirect_to"]] if source.get("redirect_to") else _URL.findall(source.get("detail", ""))
        for article_id in _articles(reading, here) - articles:
            articles.add(article_id)
            for fate, addresses in _told(reading, article_id):
                found.append(fate)
                todo += addresses
    return _folded(found)


def _articles(reading: Reading, urls: list[str]) -> set[str]:
    query = {"bool": {"should": [{"terms": {name: urls}} for name in ("url", "canonical_url")]}}
    return {source["article_id"] for source in reading.sources("versions", query=query, size=1000, source_includes=["article_id"])}


def _told(reading: Reading, article_id: str) -> Iterable[tuple[Fate, tuple[str, ...]]]:
    """Fates of an article's versions, with the addresses of each."""
    where = {"term": {"article_id": article_id}}
    alerts: dict[str, list[Any]] = {}
    for source in reading.all("alerts", where, [{"@timestamp": "asc"}, {"alert_id": "asc"}]):
        alert = alert_of(source)
        alerts.setdefault(alert.version_id, []).append(alert)
    for source in reading.all("versions", where, [{"first_seen": "asc"}, {"version_id": "asc"}]):
        document = document_of(source)
        tagged, clustered = document.tagged, document.clustered
        addresses = (tagged.article.url, tagged.article.canonical_url)
        first = clustered.at or tagged.article.fetched_at
        for fate in article_fates(tagged, clustered, first, alerts.pop(tagged.article.version_id, ())):
            yield fate, addresses
        if tagged.article.fetched_at > first:
            for fate in article_fates(tagged, clustered, tagged.article.fetched_at, unchanged=True):
                yield fate, addresses


def _fate(source: Json) -> Fate:
    return Fate(
        url=source.get("url", ""),
        at=source["@timestamp"],
        stage=source.get("stage", ""),
        outcome=source.get("outcome", ""),
        detail=source.get("detail", ""),
        article_id=source.get("article_id"),
        version_id=source.get("version_id"),
        source_id=source.get("source_id"),
    )


def about(fate: Fate) -> str:
    """What tells two fates of one outcome apart; other details (sizes, times taken) may differ from one poll to the next."""
    if fate.outcome in ("rang", "redirected"):
        return fate.detail
    return fate.detail.partition(":")[0] if fate.outcome == "dropped" else ""


def _folded(found: list[Fate]) -> list[Fate]:
    groups: dict[tuple[str, ...], list[Fate]] = {}
    for fate in sorted(found, key=lambda fate: (fate.at, _ORDER.get(fate.stage, len(_ORDER)))):
        groups.setdefault((fate.url, fate.stage, fate.outcome, fate.version_id or "", about(fate)), []).append(fate)
    told = []
    for fates in groups.values():
        first, times = fates[0], len({fate.at for fate in fates})
        again = f"{first.detail}{' ' if first.detail else ''}({times} times, last {fates[-1].at})"
        told.append(replace(first, detail=again) if times > 1 and first.outcome != "found" else first)
    return sorted(told, key=lambda fate: (fate.at, _ORDER.get(fate.stage, len(_ORDER))))
