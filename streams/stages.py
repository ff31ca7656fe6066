"""The stages of the distributed stream as plain functions: a decoded record and state in, messages out. No Kafka, no Faust.

    incoming -> cluster -> articles -> tag -> tagged, sightings -> alerts -> alerts
                                              claims    -> ledger -> incidents, alerts

A `Stage` says what a stage reads and writes, which tables it keeps, and how to open it. An open stage is one function, called for one
record at a time; it either returns all messages of the record or raises, and then nothing of that record may be kept. `pack` puts
together what may travel together over a whole batch. The worker (streams.worker) does the rest; tests and benchmarks call these bare.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from streams.alerts import Hour, Rung, Seen, State, judge
from streams.alerts_incidents import Told, judge_incidents, noted
from streams.cluster import Clusters, Member, in_cluster
from streams.ledger import LedgerState, settle
from streams.ledger_claims import Sides, sides_of
from streams.ledger_state import Block, Open
from streams.resources import resources_for, rules_for
from streams.rules import Rules
from streams.sightings import sightings
from streams.spoken import Speakers, Spoken
from streams.tag import Resources, tag
from tocsin import topics, wire
from tocsin.alerting import Alert
from tocsin.clock import iso_of, parse
from tocsin.errors import Quarantine
from tocsin.incidents import Incident, LedgerBatch
from tocsin.messages import Document, Placed, Sightings
from tocsin.records import SCHEMA_VERSION, Article, Record, Sighting
from tocsin.settings import Settings
from tocsin.topics import ALERTS, ARTICLES, CLAIMS, INCIDENTS, INCOMING, SIGHTINGS, TAGGED, Topic

R = TypeVar("R", bound=Record)
Tables = Mapping[str, MutableMapping[str, Any]]
PACKED = 1_000_000
"""Bytes after which a message of several records is closed and the next begun."""

AHEAD = 86_400.0
"""Seconds by which an article may have been fetched after the broker got it: clocks differ."""
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # there were no web pages before

_MOST = topics.MAX_BYTES - 1000  # room for the key, and for what `pack` puts around it


class Output(NamedTuple):
    """One message to send, or one part of a message that `pack` puts together."""

    topic: Topic
    key: str
    body: bytes
    backfill: bool = False


Step = Callable[[Any], list[Output]]


class Stage(NamedTuple):
    """What the worker must know of a stage."""

    name: str
    reads: Topic
    writes: tuple[Topic, ...]
    load: Callable[[Settings], Any]  # what it knows; once a process
    open: Callable[[Any, Tables], Step]  # with the tables of one partition
    tables: Mapping[str, type[Record]] = {}
    batch: int = 500  # messages processed together at most: fewer when fewer wait; a stage that is asked to stop finishes what it took


def in_time(record: R, written: float | None) -> R:
    """An article that claims to be fetched much later than the broker got it was fetched then at the latest.

    `written`: Unix seconds; None, or less than 0 as Kafka says it: not known.

    All state forgets by the records' time, so one fetcher whose clock is wrong would make it forget everything. The broker's time lies
    beside the message: whoever reads it again gets the same article.
    """
    if not isinstance(record, Article) or written is None or written <= 0 or _seconds(record.fetched_at) <= written + AHEAD:
        return record
    return replace(record, fetched_at=iso_of(written))


def _seconds(moment: str) -> float:
    try:
        return parse(moment).timestamp()
    except ValueError:
        return 0.0  # no time at all: refused below


def cluster(article: Article, clusters: Clusters) -> Placed:
    """Place one article version. Its sketch stays here: it has served. Raises Quarantine when nobody can tell when it was fetched."""
    # What cannot be dated must not get into the order of forgetting.
    try:
        early = parse(article.fetched_at) < _EARLIEST
    except ValueError as error:
        raise Quarantine(f"fetched_at {article.fetched_at!r} is no time") from error
    if early:
        raise Quarantine(f"fetched_at {article.fetched_at!r} lies before the web: is the clock of its fetcher set?")
    return Placed(article=replace(article, sketch=None), clustered=clusters.assign(article))


def _open_cluster(_: Any, tables: Tables) -> Step:
    clusters = Clusters(tables["members"])

    def step(article: Article) -> list[Output]:
        return [output(ARTICLES, article.article_id, cluster(article, clusters), backfill=article.backfill)]

    return step


class Tagging(NamedTuple):
    """What the tag stage knows."""

    resources: Resources
    sides: Sides
    rules: Rules = Rules(())


def _load_tag(settings: Settings) -> Tagging:
    resources = resources_for(settings)
    return Tagging(resources, sides_of(resources.lexicon), rules_for(settings, resources))


def _open_tag(knows: Tagging, tables: Tables) -> Step:
    speakers = Speakers(tables["blocks"])

    def step(placed: Placed) -> list[Output]:
        article, clustered = placed.article, placed.clustered
        tagged = in_cluster(tag(article, knows.resources), clustered)
        document = Document(tagged=tagged, clustered=clustered)
        matches = knows.rules.conditions.matches(tagged, clustered)
        seen = sightings(tagged, clustered, knows.rules, matches)
        said = noted(speakers.said(tagged, clustered, knows.sides), tagged, clustered, matches)
        return [
            output(TAGGED, article.article_id, document, backfill=article.backfill),
            *(output(SIGHTINGS, found.subject, found, backfill=article.backfill) for found in seen),
            *(output(CLAIMS, part.block, part, backfill=article.backfill) for part in said),
        ]

    return step


def _open_alerts(rules: Any, tables: Tables) -> Step:
    state = State(tables["seen"], tables["hours"], tables["rung"])

    def step(message: Sightings) -> list[Output]:
        rang: list[Alert] = []
        for _, found in groupby(message.found, key=_version):  # one version at a time, as it was seen
            rang += judge(found, rules, state)
        return [output(ALERTS, alert.alert_id, alert) for alert in rang]

    return step


def _open_ledger(rules: Any, tables: Tables) -> Step:
    state = LedgerState(tables["blocks"], tables["incidents"])

    def step(message: LedgerBatch) -> list[Output]:
        last: dict[str, Incident] = {}  # the last revision says it all
        rang: list[Alert] = []
        for said in message.found:
            changed = settle(said, state)
            last.update((incident.incident_id, incident) for incident in changed)
            rang += judge_incidents(said, changed, rules or Rules(()), tables["told"])
        told = [output(ALERTS, alert.alert_id, alert) for alert in rang]
        return [*(output(INCIDENTS, incident.incident_id, incident) for incident in last.values()), *told]

    return step


def _version(found: Sighting) -> str:
    return found.version_id


def _nothing(_: Settings) -> None:
    return None


STAGES = (
    Stage("cluster", INCOMING, (ARTICLES,), _nothing, _open_cluster, {"members": Member}),
    Stage("tag", ARTICLES, (TAGGED, SIGHTINGS, CLAIMS), _load_tag, _open_tag, {"blocks": Spoken}, batch=100),
    Stage("alerts", SIGHTINGS, (ALERTS,), rules_for, _open_alerts, {"seen": Seen, "hours": Hour, "rung": Rung}),
    Stage("ledger", CLAIMS, (INCIDENTS, ALERTS), rules_for, _open_ledger, {"blocks": Block, "incidents": Open, "told": Told}),
)
"""In the order of the stream."""


def output(topic: Topic, key: str, record: Record, *, backfill: bool = False) -> Output:
    """Return a record as a message. Raises Quarantine when it is larger than a message may be."""
    body = wire.encode(record)
    if len(body) > _MOST:
        raise Quarantine(f"its {type(record).__name__} is too large for a message ({len(body):,} bytes; at most {_MOST:,})")
    return Output(topic, key, body, backfill and topic.twin)


def pack(outputs: Iterable[Output], partitions: int) -> list[Output]:
    """Put sightings, and claims, of one partition together, in order, into messages of about `PACKED` bytes; the rest stays as it is.

    Each message costs as much as a dozen sightings, and an article has sixty.
    """
    whole: list[Output] = []
    parts: dict[tuple[str, int, bool], list[Output]] = {}
    for one in outputs:
        if one.topic in (SIGHTINGS, CLAIMS):
            parts.setdefault((one.topic.name, topics.partition_of(one.key, partitions), one.backfill), []).append(one)
        else:
            whole.append(one)
    for together in parts.values():
        size, start = 0, 0
        for at, one in enumerate(together):
            if size and size + len(one.body) > PACKED:
                whole.append(_joined(together[start:at]))
                size, start = 0, at
            size += len(one.body)
        whole.append(_joined(together[start:]))
    return whole


def _joined(parts: Sequence[Output]) -> Output:
    found = msgspec.json.encode({"found": [msgspec.Raw(part.body) for part in parts], "schema_version": SCHEMA_VERSION})
    return parts[0]._replace(body=found)
