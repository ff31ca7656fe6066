"""Dead letters, read from their topic and sent again. Nothing but Kafka is needed for that.

Sent again means: the original bytes, with their key, to the partition they came from, as the last message there. Then a mark joins the
topic of dead letters: the same letter without its message, with the time. Interrupted between the two a message is sent twice, which
changes nothing (ids). A header counts how often a message was sent again, and its next dead letter says so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from kafka import TopicPartition
from msgspec.structs import replace

from tocsin import topics, wire
from tocsin.broker import Publisher
from tocsin.clock import now
from tocsin.dead_letters import redrive_headers
from tocsin.distributed.letters import Letter, gather, mark_of
from tocsin.distributed.log import Log
from tocsin.errors import NewerSchema, Quarantine
from tocsin.messages import DeadLetter
from tocsin.settings import Settings

_BATCH = 100  # letters between two acknowledgements, at most


class Kept(NamedTuple):
    """All dead letters that are kept."""

    letters: dict[str, Letter]  # by letter id, oldest first
    unreadable: int  # messages on the topic that are no dead letters


class Result(NamedTuple):
    """What came of one letter that was to be sent again."""

    letter: Letter
    refused: str = ""  # why it was not sent; "" when it was


def kept(settings: Settings, log: Log) -> Kept:
    """Read the topic of dead letters. Raises UsageError, BrokerError; NewerSchema when a newer Tocsin wrote one."""
    unreadable: list[Quarantine] = []
    return Kept(gather(_all(settings, log, unreadable)), len(unreadable))


def _all(settings: Settings, log: Log, unreadable: list[Quarantine]) -> Iterator[tuple[DeadLetter, int, int]]:
    names = [topics.full_name(settings, topics.DEAD_LETTERS)]
    for messages in log.read(log.beginning(names), log.end(names)):
        for message in messages:
            try:
                yield wire.decode(message.body or b"", DeadLetter), message.partition, message.offset
            except NewerSchema:
                raise
            except Quarantine as error:
                unreadable.append(error)


def whole(settings: Settings, log: Log, letter: Letter) -> DeadLetter:
    """A letter with its message. One that was too large for a letter is read at its origin, while that keeps it. Raises Quarantine."""
    partition, offset = letter.place
    found = log.message(topics.full_name(settings, topics.DEAD_LETTERS), partition, offset)
    if found is None or found.body is None:
        raise Quarantine("its dead letter is no longer kept")
    record = wire.decode(found.body, DeadLetter)
    return record if record.body is not None else _from_origin(log, record)


def _from_origin(log: Log, record: DeadLetter) -> DeadLetter:
    origin = log.message(record.topic, record.partition, record.offset)
    return replace(record, key=origin.key, body=origin.body) if origin is not None else record


def send_again(settings: Settings, log: Log, wanted: Sequence[Letter], told: Callable[[Result], object] = lambda _: None) -> list[Result]:
    """Send letters again, and mark them. Every one has a result; `told` hears each. Raises BrokerError when the broker stops taking."""
    publisher = Publisher(settings, "dead-letters")
    left = {letter.place: letter for letter in wanted}
    results: list[Result] = []

    def deliver(records: list[tuple[Letter, DeadLetter | None]]) -> None:
        for result in _delivered(settings, log, publisher, records):
            results.append(result)
            told(result)

    bare: list[tuple[Letter, DeadLetter]] = []  # without message: their origins are read when this is through
    try:
        for messages in log.read(*_reach(settings, left), _BATCH):
            found = [(left.pop(place), message) for message in messages if (place := (message.partition, message.offset)) in left]
            records = [(letter, wire.decode(message.body or b"", DeadLetter)) for letter, message in found]
            bare += [(letter, record) for letter, record in records if record.body is None]
            deliver([(letter, record) for letter, record in records if record.body is not None])
        for letter, record in bare:
            deliver([(letter, _from_origin(log, record))])
        deliver([(letter, None) for letter in left.values()])
    finally:
        publisher.close()
    return results


def _reach(settings: Settings, places: Iterable[tuple[int, int]]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """From the first to behind the last of the places on the topic of dead letters, by partition."""
    name = topics.full_name(settings, topics.DEAD_LETTERS)
    starts: dict[TopicPartition, int] = {}
    ends: dict[TopicPartition, int] = {}
    for number, offset in places:
        part = TopicPartition(name, number)
        starts[part] = min(offset, starts.get(part, offset))
        ends[part] = max(offset + 1, ends.get(part, 0))
    return starts, ends


def _delivered(settings: Settings, log: Log, publisher: Publisher, records: list[tuple[Letter, DeadLetter | None]]) -> list[Result]:
    """Send some, wait for the acknowledgement, mark them."""
    results: list[Result] = []
    sent: list[tuple[Letter, DeadLetter]] = []
    for letter, record in records:
        refused = why_not(settings, log, record)
        if not refused and record is not None:
            try:
                headers = redrive_headers(record.redrives + letter.sent_again + 1)
                publisher.put(record.topic, record.partition, record.key, record.body, headers)
                sent.append((letter, record))
            except Quarantine as error:
                refused = str(error)
        results.append(Result(letter, refused))
    publisher.flush()
    moment = now()
    for letter, record in sent:
        mark = mark_of(record, letter.sent_again + 1, moment)
        publisher.send(topics.DEAD_LETTERS, f"{mark.topic}/{mark.partition}/{mark.offset}", mark)
    publisher.flush()
    return results


def why_not(settings: Settings, log: Log, record: DeadLetter | None) -> str:
    """Why a letter cannot be sent again; "" when it can."""
    if record is None:
        return "its dead letter is no longer kept"
    if not _is_ours(settings, record.topic):
        return f"its topic {record.topic} is none that services of prefix {settings.prefix!r} read"
    if record.partition >= log.partitions(record.topic):
        return f"its origin {record.topic}/{record.partition} does not exist any more"
    if record.body is None:
        return "it has no message: there is nothing to send (or it was too large for a letter, and its origin keeps it no more)"
    return ""


def _is_ours(settings: Settings, name: str) -> bool:
    """Whether a topic is one of ours, of whatever generation: never a changelog, where a message would be taken for state."""
    stem, _, generation = name.rpartition("-")
    return generation.isdecimal() and any(f"{stem}-{settings.topic_generation}" in topics.lanes(settings, topic) for topic in topics.ALL)


def origin_of(letter: Letter) -> str:
    """Where the message lay: "topic/partition/offset"."""
    return f"{letter.topic}/{letter.partition}/{letter.offset}"
