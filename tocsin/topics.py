"""The topics between the distributed services: what travels on each, keyed by what, kept how long. The embedded run needs none.

Every message is one record as JSON (tocsin.wire), written to the partition that `partition_of` names, never to one a client library
picks: all services agree, whatever they are written with. Old material travels on twins of its own ("backfill-..."), through the same
code: it never delays what is new, and rings nothing.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple
from zlib import crc32

from tocsin import alerting, incidents
from tocsin import messages as m
from tocsin import records as r
from tocsin.settings import Settings

DAY = 86_400_000
"""Milliseconds."""
MAX_BYTES = 8_000_000
"""Of one message, for topics, producers and consumers alike; what is larger travels as a pointer into the archive, or is a dead letter."""
STAGES = ("cluster", "tag", "alerts", "ledger")
"""Of `tocsin worker`, in the order of the stream."""


class Topic(NamedTuple):
    """One kind of topic."""

    name: str
    record: type[r.Record]
    key: str  # what decides the partition, in words
    serial: bool = False  # one partition: all of it passes one consumer
    twin: bool = False  # old material has a topic of its own
    retention: int = 7 * DAY  # milliseconds
    owner: str = ""  # the service that writes it
    readers: tuple[str, ...] = ()


REQUESTS = Topic("requests", r.Request, "host", twin=True, owner="schedule", readers=("fetch",))
FETCHED = Topic("fetched", r.Fetched, "source id", owner="fetch", readers=("schedule", "sink"))
INCOMING = Topic("incoming", r.Article, "none", serial=True, twin=True, owner="fetch", readers=("cluster",))
ARTICLES = Topic("articles", m.Placed, "article id", twin=True, retention=30 * DAY, owner="cluster", readers=("tag", "replay"))
TAGGED = Topic("tagged", m.Document, "article id", twin=True, retention=30 * DAY, owner="tag", readers=("sink", "replay"))
SIGHTINGS = Topic("sightings", m.Sightings, "subject", twin=True, owner="tag", readers=("alerts",))
ALERTS = Topic("alerts", alerting.Alert, "alert id", retention=90 * DAY, owner="alerts, ledger", readers=("sink", "notify"))
CLAIMS = Topic("claims", incidents.LedgerBatch, "block", twin=True, owner="tag", readers=("ledger",))
INCIDENTS = Topic("incidents", incidents.Incident, "incident id", retention=90 * DAY, owner="ledger", readers=("sink",))
DROPPED = Topic("dropped", r.Dropped, "URL", retention=30 * DAY, owner="every service", readers=("sink",))
DEAD_LETTERS = Topic("dead-letters", m.DeadLetter, "origin", retention=90 * DAY, owner="every service", readers=("sink", "dead-letters"))

ALL = (REQUESTS, FETCHED, INCOMING, ARTICLES, TAGGED, SIGHTINGS, ALERTS, CLAIMS, INCIDENTS, DROPPED, DEAD_LETTERS)


class Table(NamedTuple):
    """State of a stage, kept in a compacted topic that Faust calls changelog."""

    stage: str
    name: str
    serial: bool = False


TABLES = (
    Table("cluster", "members", serial=True),
    Table("tag", "blocks"),
    Table("alerts", "seen"),
    Table("alerts", "hours"),
    Table("alerts", "rung"),
    Table("ledger", "blocks"),
    Table("ledger", "incidents"),
    Table("ledger", "told"),
)

Lane = Literal["live", "backfill"]


def full_name(settings: Settings, topic: Topic, lane: Lane = "live") -> str:
    """Return the name on the broker: "tocsin-backfill-requests-1". Raises KeyError for a topic without twin."""
    if lane == "backfill" and not topic.twin:
        raise KeyError(f"{topic.name} has no backfill twin")
    middle = f"backfill-{topic.name}" if lane == "backfill" else topic.name
    return f"{settings.prefix}-{middle}-{settings.topic_generation}"


def lane_of(topic: Topic, *, backfill: bool) -> Lane:
    """Where a record of this topic travels."""
    return "backfill" if backfill and topic.twin else "live"


def lanes(settings: Settings, topic: Topic) -> tuple[str, ...]:
    """Full names of a topic and its twin, the live one first."""
    return tuple(full_name(settings, topic, lane) for lane in (("live", "backfill") if topic.twin else ("live",)))


def group(settings: Settings, service: str) -> str:
    """Consumer group of a service, and the id of a stage's Faust app: "tocsin-cluster-1"."""
    return f"{settings.prefix}-{service}-{settings.topic_generation}"


def changelog(settings: Settings, table: Table) -> str:
    """Full name of a table's changelog, as Faust forms it: app id, table, "changelog"."""
    return f"{group(settings, table.stage)}-{table.name}-changelog"


def count_of(settings: Settings, kind: Topic | Table) -> int:
    """Partitions."""
    return 1 if kind.serial else settings.partitions


def partition_of(key: str, count: int) -> int:
    """Return the partition of a key among `count`: CRC-32 of its UTF-8 bytes, the same on every machine and in every release."""
    return crc32(key.encode("utf-8", "surrogatepass")) % count


def planned(settings: Settings) -> Iterator[tuple[str, int, int | None]]:
    """Yield (full name, partitions, retention in ms) of everything that must exist on the broker; no retention: compacted."""
    for topic in ALL:
        for name in lanes(settings, topic):
            yield name, count_of(settings, topic), topic.retention
    for table in TABLES:
        yield changelog(settings, table), count_of(settings, table), None
