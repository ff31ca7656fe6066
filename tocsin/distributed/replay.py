"""`tocsin replay`: a new generation of indices, filled from the topics or from the archive while the old one serves and grows.

1. Places are noted: where the topic of tagged documents ends. What comes later is read from there.
2. The chosen source is read, and tagged anew unless it is the tagged documents themselves. Versions keep the clusters they were given.
3. Alerts, incidents and what happened to addresses are read from their topics. Nothing rings: no rule is asked.
4. What no topic keeps any more is carried over from the generation that readers see, tagged anew likewise.
5. What came meanwhile is read, up to ends noted last. Then all aliases move at once.
6. Sinks that still write the old generation are followed until they are started with the new one (setting index_generation): what they
   read, this reads too. So readers never miss an article, whenever the sinks move.

Every write has the id and the version of what it is: interrupted anywhere, it is run again. The old generation is not touched.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from elasticsearch import Elasticsearch
from msgspec.structs import replace

from sinks.elasticsearch import client as door
from sinks.elasticsearch import setup
from sinks.elasticsearch.generations import Generation, alert_of, fates_batch, incident_of
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.refused import Refused
from tocsin import topics, wire
from tocsin.distributed import handover
from tocsin.distributed.decisions import Decisions
from tocsin.distributed.log import Log, Offsets, opened
from tocsin.distributed.material import Given, archive_files, from_archive, from_generation, from_topic, some, tagged_anew
from tocsin.embedded.prepare import Workers
from tocsin.errors import NewerSchema, Quarantine, TocsinError, UsageError
from tocsin.messages import Document
from tocsin.records import Record
from tocsin.settings import Settings
from tocsin.sqlite_file import lock

Source = Literal["tagged", "articles", "incoming", "archive", "index"]
SOURCES: tuple[Source, ...] = get_args(Source)
_EVENTS = (topics.ALERTS, topics.INCIDENTS, topics.FETCHED, topics.DROPPED, topics.DEAD_LETTERS)
_NEARLY = 1000  # messages: with fewer left, the rest is read at once before the aliases move
_LOOK = 2.0  # seconds between two looks whether the sinks have moved


class Refusals(TocsinError):
    """Elasticsearch refused documents: readers are not sent to a generation that lacks them."""


class Plan(Record, frozen=True, kw_only=True):
    """What a replay would do."""

    source: Source
    generation: int  # to be filled
    live: int | None  # what readers see now; None: nothing yet
    to_read: dict[str, int]  # messages by topic, or archive files
    archive_bytes: int
    older: dict[str, int]  # documents of the live generation by kind: what no topic has is carried over
    filled: int  # articles that the generation has already, of a replay that was interrupted or of its own
    swaps: bool
    sinks: tuple[str, ...]  # at work on the old generation


def generation_for(settings: Settings, live: int | None, into: int | None) -> int:
    """The generation to fill: as asked; else the next one (or that of the settings, when it is later). Raises UsageError."""
    if into is not None:
        if live is not None and into < live:
            raise UsageError(f"readers see generation {live}: a replay fills that or a later one, such as --into v{live + 1}")
        return into
    if live is None:
        return settings.index_generation
    return max(live + 1, settings.index_generation)


class Replay:
    """One replay. Use it as a context manager."""

    def __init__(self, settings: Settings, source: Source, into: int | None = None) -> None:
        """Connect. Raises UsageError when Kafka, Elasticsearch or what they must hold is not there, or another replay runs here."""
        with ExitStack() as undo:
            self._client: Elasticsearch = undo.enter_context(door.connect(settings))
            with door.explaining(settings):
                self.live = setup.live_generation(self._client, settings, "articles")
            self.generation = generation_for(settings, self.live, into)
            self.settings = replace(settings, index_generation=self.generation)
            self.source = source
            self._log: Log = undo.enter_context(opened(settings, "replay"))
            self._older = Generation(self._client, settings, self.live) if self.live not in (None, self.generation) else None
            self._newer = Generation(self._client, settings, self.generation)
            self.counts: Counter[str] = Counter()
            self.refused: list[Refused] = []
            self._told: Callable[[str], None] = lambda _: None
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._undo.__exit__(kind, error, trace)

    def plan(self) -> Plan:
        """What `run` would do; nothing is changed."""
        names = [name for topic in (*_EVENTS, topics.TAGGED) for name in topics.lanes(self.settings, topic)]
        names += [name for topic in self._read_first() for name in topics.lanes(self.settings, topic)]
        tail = set(topics.lanes(self.settings, topics.TAGGED)) if self.source != "tagged" else set[str]()
        files = [path for paths in archive_files(self._archive).values() for path in paths] if self.source == "archive" else []
        return Plan(
            source=self.source,
            generation=self.generation,
            live=self.live,
            to_read={name: self._log.count([name]) for name in names if name not in tail} | {str(path): 1 for path in files},
            archive_bytes=sum(path.stat().st_size for path in files),
            older={kind: self._older.count(kind) for kind in ("versions", "alerts", "incidents", "fates")} if self._older else {},
            filled=self._newer.count("articles"),
            swaps=self._older is not None,
            sinks=tuple(handover.old_sinks(self.settings)),
        )

    def run(self, told: Callable[[str], None] = lambda _: None, *, follow: bool = True) -> None:
        """Fill, swap, and follow the sinks until they have moved. `told` hears what is done now, many times a second.

        Raises Refusals before the aliases move when Elasticsearch refused documents; whatever else must be seen to at once.
        """
        self._told = told
        if self.source == "archive" and not archive_files(self._archive):
            raise UsageError(f"no WARC file below {self._archive}: --data names the folder whose archive is read")
        if self.source == "index" and self._older is None:
            raise UsageError("there is no older generation of indices to read: choose another source")
        # First the ends of what is tagged, then the source: what is not there yet comes behind those ends.
        tagged = topics.lanes(self.settings, topics.TAGGED)
        places = self._log.end(tagged) if self.source != "tagged" else self._log.beginning(tagged)
        places |= self._log.beginning([name for topic in _EVENTS for name in topics.lanes(self.settings, topic)])
        folder = Path(self.settings.data) / "replay"
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / "lock", folder), _Target(self.settings, self.refused, self.counts, self._tell) as target:
            setup.setup(self._client, self.settings)
            self._begin_from_source(target, folder)
            places = self._catch_up(target, places)
            self._carry_over(target)
            places = self._catch_up(target, places)
            target.flush()
            if self.refused:
                first = self.refused[0].error
                raise Refusals(
                    f"Elasticsearch refused {len(self.refused)} documents, so readers stay where they are; the first: {first}; "
                    "mend that and run this again"
                )
            if self._older is not None:
                setup.swap(self._client, self.settings)
                self.counts["swapped"] = 1
            if follow:
                self._follow(target, places)

    @property
    def _archive(self) -> Path:
        return Path(self.settings.data) / "archive"

    def _read_first(self) -> tuple[topics.Topic, ...]:
        """Topics that are read whole before all else."""
        if self.source == "articles":
            return (topics.ARTICLES,)
        if self.source == "incoming":
            return (topics.INCOMING, topics.ARTICLES)
        return (topics.ARTICLES,) if self.source == "archive" else ()

    def _begin_from_source(self, target: "_Target", folder: Path) -> None:
        if self.source in ("tagged", "index"):
            return
        if self.source == "articles":
            self._retag(target, from_topic(self.settings, self._log, topics.ARTICLES, self.counts), None)
            return
        with Decisions(folder, self._older) as decisions:
            self._tell("reading which cluster each version is in")
            self.counts["decided"] = decisions.learn(self.settings, self._log)
            given = (
                from_archive(self.settings, self.counts)
                if self.source == "archive"
                else from_topic(self.settings, self._log, topics.INCOMING, self.counts)
            )
            self._retag(target, given, decisions)
            self.counts["clustered anew"] = decisions.anew

    def _retag(self, target: "_Target", given: Iterable[Given], decisions: Decisions | None) -> None:
        workers = Workers(self.settings)
        try:
            for made in some(tagged_anew(given, workers, decisions, self.counts)):
                target.write([one for one in made if isinstance(one, Document) or one.stage == "clean"])
                self.counts["tagged anew"] += sum(isinstance(one, Document) for one in made)
                self._tell(f"{self.source}: {self.counts['tagged anew']:,} tagged anew")
        finally:
            workers.close(at_once=True)

    def _catch_up(self, target: "_Target", places: Offsets) -> Offsets:
        """Read on from `places` to the end, again until little came meanwhile; return the new places."""
        while True:
            ends = self._log.end({part.topic for part in places})
            total = sum(max(0, ends[part] - place) for part, place in places.items())
            done = 0
            for messages in self._log.read(places, ends):
                done += len(messages)
                target.write(list(self._decoded(messages)))
                self._tell(f"topics: {done:,} of {total:,} messages")
            target.flush()
            places = ends
            if total < _NEARLY:
                return places

    def _decoded(self, messages: Iterable[Any]) -> Iterator[Record]:
        kinds = {name: topic.record for topic in (*_EVENTS, topics.TAGGED) for name in topics.lanes(self.settings, topic)}
        for message in messages:
            try:
                yield wire.decode(message.body or b"", kinds[message.topic])
            except NewerSchema:
                raise
            except Quarantine:
                self.counts["unreadable"] += 1  # it is a dead letter already
            else:
                self.counts["messages"] += 1

    def _carry_over(self, target: "_Target") -> None:
        """What the older generation has and this one lacks."""
        if self._older is None:
            return
        before = self.counts["written"]
        missing = from_generation(self._older, self._newer)
        if self.source == "tagged":
            for together in some(missing):
                target.write(together)
                self._tell(f"carried over: {self.counts['written'] - before:,}")
        else:
            self._retag(target, ((document, document.tagged.article) for document in missing), None)
        for kind, record_of in (("alerts", alert_of), ("incidents", incident_of)):
            for page in self._older.pages(kind):
                lacking = self._newer.lacking(kind, [found.name for found in page])
                target.write([record_of(found.source) for found in page if found.name in lacking])
        for page in self._older.pages("fates"):
            target.put(fates_batch(self.settings, page))
        target.flush()
        self.counts["carried over"] = self.counts["written"] - before

    def _follow(self, target: "_Target", places: Offsets) -> None:
        """Until no sink writes the old generation any more: first they must have moved, then the ends are noted."""
        while self._older is not None and (left := handover.old_sinks(self.settings)):
            self._tell(f"following {', '.join(left)}: start it with index_generation={self.generation}")
            places = self._catch_up(target, places)
            time.sleep(_LOOK)
        self._catch_up(target, places)
        if self.refused:
            raise Refusals(f"Elasticsearch refused {len(self.refused)} documents; the first: {self.refused[0].error}")

    def _tell(self, what: str) -> None:
        self._told(what)


class _Target:
    """The sink of the new generation: one batch is written while the next is made ready."""

    def __init__(self, settings: Settings, refused: list[Refused], counts: Counter[str], told: Callable[[str], None]) -> None:
        self._end = threading.Event()
        self._sink = ElasticsearchSink(settings, waiting=lambda why: told(f"waiting: {why}" if why else "going on"), sleep=self._sleep)
        self._refused, self._counts = refused, counts
        self._thread = ThreadPoolExecutor(1, "replay")
        self._under_way: Future[list[Refused]] | None = None

    def write(self, records: list[Any]) -> None:
        """Write records; the last of them are kept when `flush` returns."""
        if records:
            self._counts["written"] += len(records)
            self.put(self._sink.prepare(enumerate(records)))

    def put(self, batch: Any) -> None:
        """Write a batch made ready."""
        self.flush()
        self._under_way = self._thread.submit(self._sink.write, batch)

    def flush(self) -> None:
        """Wait until all is kept. Raises ClusterError."""
        if self._under_way is not None:
            self._refused += self._under_way.result()
            self._under_way = None

    def _sleep(self, seconds: float) -> None:
        if self._end.wait(seconds):
            raise TocsinError("given up")  # nobody asks any more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        self._end.set()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._sink.close()
