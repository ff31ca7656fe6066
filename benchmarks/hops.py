"""Where the time of an article goes on its way through the distributed run, and whose CPU it takes."""

import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tocsin import topics, wire
from tocsin.settings import Settings

_URL: Sequence[tuple[topics.Topic, Callable[[Any], str]]] = (
    (topics.INCOMING, lambda record: record.canonical_url),
    (topics.ARTICLES, lambda record: record.article.canonical_url),
    (topics.TAGGED, lambda record: record.tagged.article.canonical_url),
    (topics.ALERTS, lambda record: record.url),
)
_TICKS = os.sysconf("SC_CLK_TCK")


def ends(settings: Settings) -> dict[TopicPartition, int]:
    """Where the topics of the stream end now."""
    reader = KafkaConsumer(bootstrap_servers=settings.kafka)
    names = [topics.full_name(settings, topic) for topic, _ in _URL]
    found: dict[TopicPartition, int] = reader.end_offsets(
        [TopicPartition(name, number) for name in names for number in reader.partitions_for_topic(name) or ()]
    )
    reader.close()
    return found


def appended(settings: Settings, since: Mapping[TopicPartition, int]) -> dict[str, dict[str, float]]:
    """Topic -> URL -> Unix seconds when the broker got the first message about it (its own clock), from the offsets `since` on."""
    until = ends(settings)
    reader = KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False, max_partition_fetch_bytes=topics.MAX_BYTES)
    reader.assign(list(until))
    for part in until:
        reader.seek(part, since.get(part, 0))
    url_of = {topics.full_name(settings, topic): (topic, url) for topic, url in _URL}
    found: dict[str, dict[str, float]] = {topic.name: {} for topic, _ in _URL}
    while any(reader.position(part) < end for part, end in until.items()):
        for part, some in reader.poll(timeout_ms=500).items():
            topic, url = url_of[part.topic]
            for message in some:
                found[topic.name].setdefault(url(wire.decode(message.value, topic.record)), message.timestamp / 1000)
    reader.close()
    return found


def medians(steps: Sequence[tuple[str, Mapping[str, float]]], urls: Iterable[str]) -> list[tuple[str, float, float]]:
    """Of each hop from one step to the next: its name, and the median and the 95th percentile of its seconds."""
    wanted = list(urls)
    rows = []
    for (before, started), (after, ended) in pairwise(steps):
        took = [ended[url] - started[url] for url in wanted if url in started and url in ended]
        if len(took) > 1:
            rows.append((f"{before} -> {after}", statistics.median(took), statistics.quantiles(took, n=20, method="inclusive")[-1]))
    return rows


def cpu(roots: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far by name (name -> process id): of processes and those of their descendants that have no name themselves.

    All 0 where there is no /proc.
    """
    used: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        number = int(stat.parent.name)
        used[number] = (int(fields[11]) + int(fields[12])) / _TICKS
        children.setdefault(int(fields[1]), []).append(number)

    named = set(roots.values())

    def whole(number: int) -> float:
        return used.get(number, 0.0) + sum(whole(child) for child in children.get(number, ()) if child not in named)

    return {name: whole(number) for name, number in roots.items()}
