"""What the topics should be, and what must be done to a broker so that they are: pure, nothing here speaks to Kafka."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from tocsin import topics
from tocsin.records import Record
from tocsin.settings import Settings

_SEGMENT = 64 * 1024 * 1024  # bytes: a changelog is compacted segment by segment, and read whole when a worker takes it over
_OVERHEAD = 100_000  # bytes: of the batch around one message of the largest size

Action = Literal["create", "keep", "differs", "update", "refused"]


class Found(NamedTuple):
    """A topic as the broker has it."""

    partitions: int
    replication: int
    configs: Mapping[str, str]  # all of those that `configs_of` names, at least


class Step(Record, frozen=True, kw_only=True):
    """What is to be done about one topic."""

    topic: str
    """Full name."""
    action: Action
    partitions: int
    replication: int
    retention_ms: int | None
    """None: compacted, the last value of each key is kept."""
    configs: dict[str, str]
    """All that we set."""
    detail: str = ""
    """What differs, and what to do about it."""


def configs_of(settings: Settings, retention: int | None) -> dict[str, str]:
    """Return the broker's settings of one topic. `retention`: milliseconds; None: compacted."""
    shared = {
        "max.message.bytes": str(topics.MAX_BYTES + _OVERHEAD),
        # All copies but one must have what is acknowledged, so that one broker may be away.
        "min.insync.replicas": str(max(1, settings.replication - 1)),
        "segment.ms": str(min(topics.DAY, retention or topics.DAY)),
    }
    if retention is None:
        return shared | {"cleanup.policy": "compact", "segment.bytes": str(_SEGMENT), "min.cleanable.dirty.ratio": "0.2"}
    # Kept since it came to the broker, whatever time its producer thought it was.
    return shared | {"cleanup.policy": "delete", "retention.ms": str(retention), "message.timestamp.type": "LogAppendTime"}


def plan(settings: Settings, found: Mapping[str, Found], *, update: bool = False) -> list[Step]:
    """Compare what should be with what is (`found`, by full name; what is not named does not exist).

    `update`: settings of a topic that differ are set, else only reported. A count of partitions is never changed: a step for it is
    "refused", and nothing should be done at all then.
    """
    return [
        _step(settings, name, partitions, retention, found.get(name), update=update)
        for name, partitions, retention in topics.planned(settings)
    ]


def _step(settings: Settings, name: str, partitions: int, retention: int | None, found: Found | None, *, update: bool) -> Step:
    wanted = configs_of(settings, retention)
    step = Step(
        topic=name, action="create", partitions=partitions, replication=settings.replication, retention_ms=retention, configs=wanted
    )
    if found is None:
        return step
    is_here = {"replication": found.replication}
    if found.partitions != partitions:
        return _changed(step, "refused", f"has {found.partitions} partitions", is_here)
    differing = [f"{key} is {found.configs.get(key, '?')}, not {value}" for key, value in wanted.items() if found.configs.get(key) != value]
    fewer = f"{found.replication} copies, not {settings.replication}: kafka-reassign-partitions changes that"
    copies = [fewer] if found.replication != settings.replication else []
    action: Action = ("update" if update else "differs") if differing else "differs" if copies else "keep"
    return _changed(step, action, "; ".join(differing + copies), is_here)


def _changed(step: Step, action: Action, detail: str, is_here: Mapping[str, int]) -> Step:
    return Step(
        topic=step.topic,
        action=action,
        partitions=step.partitions,
        replication=is_here["replication"],
        retention_ms=step.retention_ms,
        configs=step.configs,
        detail=detail,
    )


def refusal(settings: Settings, steps: Iterable[Step]) -> str:
    """Return one line for steps that are refused and how to grow instead; "" when none is."""
    refused = [step for step in steps if step.action == "refused"]
    if not refused:
        return ""
    first = refused[0]
    others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return (
        f"{first.topic} {first.detail}, settings say {first.partitions}{others}: a topic's partitions cannot be changed, its keys would "
        f"leave their state; set partitions back, or grow into a new generation: topic_generation={settings.topic_generation + 1}, "
        "`tocsin topics create`, then `tocsin replay`"
    )


class Backlog(Record, frozen=True, kw_only=True):
    """How far one group is behind on one topic."""

    group: str
    topic: str
    messages: int
    """Not yet committed, all partitions."""
    behind: dict[int, int]
    """The same by partition."""
    oldest_seconds: float
    """Age of the oldest message that is not committed; 0: there is none."""
    retention_used: float
    """That age over the topic's retention; at 1 the message is deleted unread."""
    lost: int = 0
    """Messages that the broker deleted before the group had committed them."""


LIMIT = 0.5
"""Share of the retention at which a backlog is alarming: as long again is left to mend it."""


def alarm(backlog: Backlog) -> str:
    """Return one line when messages of a backlog were lost or will be soon; "" when all is well."""
    if backlog.lost:
        return (
            f"{backlog.group} has lost {backlog.lost} messages of {backlog.topic}: they were deleted before it read them; "
            "`tocsin replay` brings back what the archive has"
        )
    if backlog.retention_used >= LIMIT:
        return (
            f"{backlog.group} is {backlog.oldest_seconds / 3600:.1f} h behind on {backlog.topic}, {backlog.retention_used:.0%} of what the "
            "topic keeps: mend the service, keep more meanwhile (`kafka-configs --alter --add-config retention.ms=...`), or delete the "
            "group if nobody uses it"
        )
    return ""
