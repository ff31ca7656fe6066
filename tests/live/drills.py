"""A whole run that is hurt on purpose, piece by piece, beside an undisturbed one of the same input: what was lost, what doubled."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from deploy.servers import Elasticsearch, Kafka
from tests.live import corpus
from tests.live.compare import Outcome, differences, distributed_outcome, documents
from tests.live.conftest import Servers
from tests.live.fault_proxy import FaultProxy
from tests.live.stack import SINK, STREAM, WORKERS, Service, Stack, stack
from tests.live.stream import messages, records
from tocsin import topics, wire
from tocsin.broker import Publisher
from tocsin.errors import Quarantine
from tocsin.messages import DeadLetter
from tocsin.records import Article

TAG = WORKERS[1]


class Row(NamedTuple):
    """What a drill did."""

    drill: str
    inputs: int
    lost: int
    duplicated: int
    dead_letters: int
    equal: bool
    seconds: float  # from the first input until all was kept again


ROWS: list[Row] = []
"""Of this session, in order."""


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    head = "| drill | inputs | lost | duplicated | set aside | equal to the undisturbed run | seconds |\n|---|--:|--:|--:|--:|---|--:|"
    lines = [
        f"| {row.drill} | {row.inputs} | {row.lost} | {row.duplicated} | {row.dead_letters} | {'yes' if row.equal else '**no**'} "
        f"| {row.seconds:.0f} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


class Undisturbed(NamedTuple):
    """The run to compare with."""

    inputs: list[bytes]  # clean articles, as they travel
    versions: list[str]  # what each input is
    found: Outcome
    documents: dict[str, dict[str, object]]


def undisturbed(kafka: str, elasticsearch: str, folder: Path, count: int) -> Undisturbed:
    """Let `count` articles through a run that nothing hurts."""
    with stack(kafka, elasticsearch, folder) as running:
        running.start(*STREAM)
        running.submit(corpus.made(count))
        running.wait_until_done()
        bodies = [message.value for message in messages(running.settings, topics.full_name(running.settings, topics.INCOMING))]
        assert records(running.settings, topics.DEAD_LETTERS) == []
        found, kept = distributed_outcome(running.settings), documents(running.settings)
    assert len(bodies) == count
    return Undisturbed(bodies, [wire.decode(body, Article).version_id for body in bodies], found, kept)


class Drills:
    """One run, hurt again and again: each drill takes the next piece of the input."""

    def __init__(self, running: Stack, proxy: FaultProxy, kafka: Kafka, elasticsearch: Elasticsearch, expected: Undisturbed) -> None:
        self.stack, self.proxy, self.kafka, self.elasticsearch, self.expected = running, proxy, kafka, elasticsearch, expected
        self.fed = 0
        self.set_aside = 0  # dead letters so far

    def service(self, name: str, node: str = "one") -> Service:
        """The process of that name which runs now."""
        return next(service for service in reversed(self.stack.services) if (service.name, service.node) == (name, node))

    def heal(self) -> None:
        """Start again whatever has ended, as a supervisor would."""
        for key in dict.fromkeys((service.name, service.node) for service in self.stack.services):
            service = self.service(*key)
            if service.code is not None:
                self.stack.again(service)

    def feed(self, count: int) -> None:
        """The next piece of the input, straight onto the topic."""
        name = topics.full_name(self.stack.settings, topics.INCOMING)
        publisher = Publisher(replace(self.stack.settings, kafka=self.kafka.address), "drill")
        for body in self.expected.inputs[self.fed : self.fed + count]:
            publisher.put(name, 0, None, body)
        publisher.flush()
        publisher.close()
        self.fed += count

    def until_at_work(self, service: str, read: topics.Topic) -> None:
        """Until a group has something in hand."""
        self.stack.wait(lambda: self.stack.lag(service, read), 60, f"{service} is at work")

    def letters(self) -> list[DeadLetter]:
        """Dead letters so far, each origin once; what is no dead letter on their topic is left out."""
        found = {}
        for message in messages(self.stack.settings, topics.full_name(self.stack.settings, topics.DEAD_LETTERS)):
            with suppress(Quarantine, TypeError):
                letter = wire.decode(message.value, DeadLetter)
                found[letter.topic, letter.partition, letter.offset, letter.stage] = letter
        return list(found.values())

    @contextmanager
    def drill(self, name: str, count: int, *, poison: int = 0, seconds: float = 120.0) -> Iterator[None]:
        """Hurt the run inside the block; afterwards everything is accounted for. `poison`: messages that must be set aside."""
        self.heal()
        self.stack.wait_until_ready(*{(s.name, s.node): s for s in self.stack.services}.values())
        began, before = time.monotonic(), self.fed
        yield
        self.stack.wait_until_done(seconds)
        took = time.monotonic() - began
        self.judge(name, self.fed - before + poison, poison, took)

    def judge(self, name: str, inputs: int, poison: int, took: float) -> None:
        """Compare all that is kept with what the undisturbed run had kept of the same input."""
        found = distributed_outcome(self.stack.settings)
        wanted = {version: self.expected.found.versions[version] for version in self.expected.versions[: self.fed]}
        lost = set(wanted) - set(found.versions)
        doubled = set(found.versions) - set(wanted)
        unequal = differences({k: v for k, v in wanted.items() if k not in lost}, {k: v for k, v in found.versions.items() if k in wanted})
        letters = self.letters()
        aside = len(letters) - self.set_aside
        self.set_aside += aside
        row = Row(name, inputs, len(lost), len(doubled), aside, not unequal, took)
        ROWS.append(row)
        assert (lost, doubled, unequal[:10], aside) == (set(), set(), [], poison), f"{row}: {[letter.error for letter in letters][-5:]}"


@contextmanager
def drills(folder: Path, count: int) -> Iterator[Drills]:
    """A run to be hurt, on servers of its own, beside an undisturbed one of the same `count` inputs.

    Two workers that tag, one of each other stage, a sink behind a proxy that misbehaves on demand.
    """
    own = Servers()
    try:
        kafka, elasticsearch = own.kafka(), own.elasticsearch()
        expected = undisturbed(kafka.address, elasticsearch.address, folder / "undisturbed", count)
        with (
            FaultProxy(elasticsearch.address) as proxy,
            stack(kafka.address, elasticsearch.address, folder / "hurt", sink_batch=40) as running,
        ):
            running.start(*WORKERS)
            running.start(TAG, node="two")
            running.start(SINK, elasticsearch=proxy.address)
            yield Drills(running, proxy, kafka, elasticsearch, expected)
    finally:
        own.wipe()
