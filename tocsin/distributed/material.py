"""What an index is built from: article versions out of a topic, the archive or an older generation, each tagged anew."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from producers.read import read_inputs
from sinks.elasticsearch.generations import Generation, document_of
from streams.cluster import in_cluster
from streams.stages import in_time
from tocsin import topics, wire
from tocsin.distributed.decisions import Decisions
from tocsin.distributed.log import Log
from tocsin.embedded.prepare import Prepared, Workers
from tocsin.errors import NewerSchema, Quarantine
from tocsin.messages import Document, Placed
from tocsin.records import Article, Clustered, Dropped, Page
from tocsin.settings import Settings

T = TypeVar("T")
Known = Clustered | Document | None
"""What is known of an article version before it is tagged: its cluster, or all that was found in it before."""
Given = tuple[Known, Page | Article]
_SOME = 100


def some(items: Iterable[T], count: int = _SOME) -> Iterator[list[T]]:
    """Yield the items in lists of `count`."""
    rest = iter(items)
    while together := list(islice(rest, count)):
        yield together


def from_topic(settings: Settings, log: Log, topic: topics.Topic, counts: Counter[str]) -> Iterator[Given]:
    """Every article version that the topic of articles, or that of incoming articles, keeps; old material too."""
    names = topics.lanes(settings, topic)
    for messages in log.read(log.beginning(names), log.end(names)):
        for message in messages:
            try:
                record = in_time(wire.decode(message.body or b"", topic.record), message.written)
            except NewerSchema:
                raise
            except Quarantine:
                counts["unreadable"] += 1  # it is a dead letter already
                continue
            if isinstance(record, Placed):
                yield record.clustered, record.article
            elif isinstance(record, Article):
                yield None, record


def archive_files(folder: Path) -> dict[Path, list[Path]]:
    """The archive's files by the folder of the replica that wrote them, in the order they were written."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*.warc.gz")):
        found.setdefault(path.parent, []).append(path)
    return found


def from_archive(settings: Settings, counts: Counter[str]) -> Iterator[Given]:
    """Every page of the archive, in about the order they were fetched."""
    folder = Path(settings.data) / "archive"
    replicas = (_dated(settings, files, folder) for files in archive_files(folder).values())
    for _, _, given in heapq.merge(*replicas, key=lambda item: item[:2]):
        if isinstance(given, Page):
            yield None, given
        else:
            counts["unreadable"] += 1  # at the end of a file: what its fetcher was just writing


def _dated(settings: Settings, files: list[Path], folder: Path) -> Iterator[tuple[str, str, Page | Dropped]]:
    last = ""
    for given in read_inputs(files, max_body=settings.max_body, archive=folder):
        if isinstance(given, Page):
            last = max(last, given.fetched_at)  # what was submitted is older than it was archived
            yield last, given.final_url, given
        elif isinstance(given, Dropped):
            yield last, given.url, given


def from_generation(older: Generation, newer: Generation) -> Iterator[Document]:
    """Every version in an older generation that the newer one lacks."""
    newer.refresh()
    for page in older.pages("versions"):
        lacking = newer.lacking("versions", [found.name for found in page])
        yield from (document_of(found.source) for found in page if found.name in lacking)


def tagged_anew(
    given: Iterable[Given], workers: Workers, decisions: Decisions | None, counts: Counter[str]
) -> Iterator[Document | Dropped]:
    """Tag all of it, in order. What breaks the tagger stays as it was found before, where that is known; else it is left out, counted."""
    done = workers.in_order(((known, article), article) for known, article in given)
    for together in some(done):
        yield from _documents([(known, article, made) for (known, article), made in together if made is not None], decisions, counts)


def _documents(
    done: list[tuple[Known, Page | Article, Prepared]], decisions: Decisions | None, counts: Counter[str]
) -> Iterator[Document | Dropped]:
    undecided = [made.tagged.article for known, _, made in done if known is None and made.tagged is not None]
    decided = iter(decisions.of(undecided)) if decisions is not None and undecided else iter(())
    for known, given, made in done:
        if made.tagged is None:
            if isinstance(known, Document):
                yield known
            elif isinstance(given, Page) and made.dropped is not None:
                counts["dropped"] += 1
                yield made.dropped
            else:
                counts["broke"] += 1
            continue
        clustered = known.clustered if isinstance(known, Document) else known if known is not None else next(decided)
        article = replace(made.tagged.article, sketch=None)  # as the stages hand it on
        yield Document(tagged=in_cluster(replace(made.tagged, article=article), clustered), clustered=clustered)
