"""Speed of the distributed stages on a real Kafka, started here: `python -m benchmarks.distributed [--count N]`.

Prints, from one run, because machines are noisy:
- path: CPU seconds of the stages' functions called bare on decoded records (cluster, tag, sightings, alerts, ledger) over the CPU seconds
  of the worker processes for the same articles: what Kafka, Faust, JSON and state cost beside the work itself;
- messages: produced by the stages for each article, changelogs included, on the first half of the articles and on the second, when
  state knows what they are about;
- the cluster stage alone, articles a second, read from a topic that is full when it starts;
- a second worker: articles a second of two workers of the stage tag over those of one, broker and all on the same cores;
- workers over bare: the same for one and two processes that call the same functions on decoded records and do nothing else.
  All of these are up at once and work in turns, on the same articles.
Articles: those of the evaluation pages (or the sample site's), cleaned, repeated under new addresses, each with a line of its own.
"""

import argparse
import gc
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from msgspec import structs
from rich.console import Console
from rich.table import Table

from benchmarks.embedded import FOLDERS, MAX_HTML, pages
from deploy.servers import Kafka, free_port
from producers.clean import clean
from streams.stages import STAGES, Stage, Step, pack
from tests.live import stream
from tocsin import ids, topics, wire
from tocsin.broker import Publisher
from tocsin.records import Article
from tocsin.settings import Settings
from tocsin.sketch import sketch

WARM = 8  # articles that make every worker load and join before it is measured
PARTITIONS = 4
_tags: Step  # of a bare process


def articles(count: int) -> list[Article]:
    """`count` different articles."""
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    known = [one for one in (clean(page, MAX_HTML) for page in pages(folder, 60)) if isinstance(one, Article)]
    made: list[Article] = []
    for number in range(count):
        of = known[number % len(known)]
        url, text = f"https://bench.example/{number}", f"{of.text}\n\nFiled as number {number} from desk {number * 7919 % 1009}."
        article_id = ids.article_id(url)
        version = ids.version_id(article_id, of.title, text)
        made.append(
            structs.replace(
                of,
                article_id=article_id,
                version_id=version,
                url=url,
                canonical_url=url,
                text=text,
                sketch=sketch(of.title, text),
                raw=None,
            )
        )
    return made


class Bare:
    """All stages in this process, as plain functions over dicts: what the work itself costs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cpu: dict[str, float] = {}
        self.steps = {stage.name: (stage, stage.open(stage.load(settings), {name: {} for name in stage.tables})) for stage in STAGES}

    def run(self, given: Sequence[Article]) -> float:
        """CPU seconds of the steps; decoding between them is not counted, encoding what they give is."""
        self.cpu = {}
        placed = self._stage("cluster", list(given))
        tagged = self._stage("tag", placed[topics.ARTICLES.name])
        self._stage("alerts", tagged.get(topics.SIGHTINGS.name, []))
        self._stage("ledger", tagged.get(topics.CLAIMS.name, []))
        return sum(self.cpu.values())

    def _stage(self, name: str, records: list[Any]) -> dict[str, list[Any]]:
        stage, step = self.steps[name]
        started = time.process_time()
        outputs = [output for record in records for output in step(record)]
        self.cpu[name] = time.process_time() - started
        return _read(stage, pack(outputs, PARTITIONS))


def _read(stage: Stage, outputs: list[Any]) -> dict[str, list[Any]]:
    kinds = {topic.name: topic.record for topic in stage.writes}
    in_order = sorted(outputs, key=lambda output: output.topic.name)
    return {name: [wire.decode(one.body, kinds[name]) for one in some] for name, some in groupby(in_order, key=lambda one: one.topic.name)}


def cpu_of(process: "subprocess.Popen[Any] | Kafka") -> float:
    """CPU seconds of a process so far (Linux)."""
    pid = process.pid() if isinstance(process, Kafka) else process.pid
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def produced(settings: Settings) -> dict[str, int]:
    """Messages on everything the stages write: topics (both lanes), tables (their changelogs)."""
    written = dict.fromkeys([*(topic for stage in STAGES for topic in stage.writes), topics.DEAD_LETTERS])
    counts = {topic.name: sum(stream.size(settings, name) for name in topics.lanes(settings, topic)) for topic in written}
    return counts | {
        f"table {table.stage} {table.name}": stream.size(settings, topics.changelog(settings, table)) for table in topics.TABLES
    }


@contextmanager
def workers(settings: Settings, *stages: str) -> Iterator[list["subprocess.Popen[str]"]]:
    """One worker of each stage named, on a machine of its own."""
    running = [stream.start(structs.replace(settings, node=f"bench{number}"), "--stage", stage) for number, stage in enumerate(stages)]
    try:
        yield running
    finally:
        for process in running:
            stream.stop(process)


class WholePath(NamedTuple):
    """What the whole path cost."""

    bare: float  # CPU seconds
    spent: float  # CPU seconds of the workers
    messages: list[dict[str, float]]  # an article, by topic and table: of the first half of the articles, and of the second
    stages: dict[str, float]  # bare CPU seconds by stage


def path(settings: Settings, given: Sequence[Article]) -> WholePath:
    """All stages on these articles, first half and then second: the state of the second knows what the first was about."""
    stream.create_topics(settings)
    names = [stage.name for stage in STAGES]
    with workers(settings, *names) as running:
        _send(settings, given[:WARM])
        stream.wait_for(lambda: all(stream.members(settings, name) for name in names), 120)
        stream.wait_until_read(settings, *names, seconds=120)
        cpu, messages, middle = sum(map(cpu_of, running)), [], (len(given) + WARM) // 2
        for half in (given[WARM:middle], given[middle:]):
            before = produced(settings)
            _send(settings, half)
            stream.wait_until_read(settings, *names, seconds=600)
            messages.append({name: (count - before[name]) / len(half) for name, count in produced(settings).items()})
        spent = sum(map(cpu_of, running)) - cpu
    bare = Bare(settings)
    bare.run(given[:WARM])
    return WholePath(bare.run(given[WARM:]), spent, messages, bare.cpu)


def _send(settings: Settings, given: Sequence[Article]) -> None:
    stream.send(settings, topics.INCOMING, [("", of) for of in given])


def rate(settings: Settings, topic: topics.Topic) -> float:
    """Messages a second on a topic, by the times at which the broker got them."""
    times: list[int] = sorted(message.timestamp for message in stream.messages(settings, topics.full_name(settings, topic)))
    return (len(times) - 1) / ((times[-1] - times[0]) / 1000)


def cluster_alone(settings: Settings, given: Sequence[Article]) -> tuple[float, float]:
    """(articles a second of the cluster stage, CPU ms an article of its worker, its start included)."""
    stream.create_topics(settings)
    _send(settings, given)
    with workers(settings, "cluster") as (running,):
        stream.wait_until_read(settings, "cluster", seconds=300)
        spent = 1000 * cpu_of(running) / len(given)
    return rate(settings, topics.ARTICLES), spent


class Turns:
    """As many workers of the stage tag, up and warm, that are given the same articles again and again."""

    def __init__(self, settings: Settings, count: int, running: "Sequence[subprocess.Popen[str]]") -> None:
        self.settings, self.count, self.running = settings, count, running
        self._names = [TopicPartition(topics.full_name(settings, topics.TAGGED), number) for number in range(PARTITIONS)]
        self._reader = KafkaConsumer(bootstrap_servers=settings.kafka)
        self._publisher = Publisher(settings, "bench")

    def take(self, placed: Sequence[tuple[int, bytes]]) -> float:
        """Articles a second from the first one sent to the last one tagged. `placed`: partition and message."""
        name, until = topics.full_name(self.settings, topics.ARTICLES), self._tagged() + len(placed)
        started = time.perf_counter()
        for partition, body in placed:
            self._publisher.put(name, partition, b"", body)
        self._publisher.flush()
        while self._tagged() < until:
            assert time.perf_counter() < started + 300, "the workers do not get on"
            time.sleep(0.03)
        return len(placed) / (time.perf_counter() - started)

    def cpu(self) -> float:
        """CPU seconds of the workers so far."""
        return sum(map(cpu_of, self.running))

    def _tagged(self) -> int:
        return int(sum(self._reader.end_offsets(self._names).values()))


def evenly(settings: Settings, count: int) -> list[tuple[int, bytes]]:
    """`count` placed articles, with their partitions, of which each has as many as any other."""
    _, step = Bare(settings).steps["cluster"]
    shares: list[list[tuple[int, bytes]]] = [[] for _ in range(PARTITIONS)]
    for article in articles(2 * count):
        for output in step(article):
            partition = topics.partition_of(output.key, PARTITIONS)
            shares[partition].append((partition, output.body))
    return [one for together in zip(*(share[: count // PARTITIONS] for share in shares), strict=True) for one in together]


def bare_tagging(pool: ProcessPoolExecutor, count: int, bodies: Sequence[bytes]) -> float:
    """Articles a second of `count` processes that call the tag stage's functions."""
    times = list(pool.map(_tag, [bodies[start::count] for start in range(count)]))
    return len(bodies) / (max(end for _, end in times) - min(start for start, _ in times))


def _load(settings: Settings) -> None:
    global _tags  # noqa: PLW0603 - one a process
    stage = next(stage for stage in STAGES if stage.name == "tag")
    _tags = stage.open(stage.load(settings), {name: {} for name in stage.tables})
    gc.freeze()  # as the worker does


def _tag(bodies: Sequence[bytes]) -> tuple[float, float]:
    placed = [wire.decode(body, topics.ARTICLES.record) for body in bodies]
    start = time.time()
    for one in placed:
        _tags(one)
    return start, time.time()


def second(settings: Callable[[str], Settings], kafka: Kafka, count: int, rounds: int) -> list[tuple[str, str, str]]:
    """Rows: one and two workers of the stage tag, and as many bare processes, all up at once and at work in turns: medians over the rounds.

    Each round gives the same articles to each, so that what else the machine does falls on all alike.
    """
    rates: dict[str, list[float]] = {name: [] for name in ("worker 1", "bare 1", "worker 2", "bare 2")}
    cpu: dict[str, list[float]] = {"workers": [], "broker": [], "wall": []}
    given = evenly(settings("bare"), count)
    bodies = [body for _, body in given]
    with ExitStack() as undo:
        turns = []
        for number in (1, 2):
            stream.create_topics(settings(f"tag{number}"))
            running = undo.enter_context(workers(settings(f"tag{number}"), *["tag"] * number))
            turns.append(Turns(settings(f"tag{number}"), number, running))
        for turn in turns:
            stream.wait_for(lambda turn=turn: stream.members(turn.settings, "tag") == turn.count, 180)  # type: ignore[misc]
        pools = [undo.enter_context(ProcessPoolExecutor(number, get_context("spawn"), _load, (settings("bare"),))) for number in (1, 2)]
        for number in range(-1, rounds):  # the first round warms up
            for turn, pool in zip(turns, pools, strict=True):
                before, broker, started = turn.cpu(), cpu_of(kafka), time.perf_counter()
                rate = turn.take(given)
                used = (turn.cpu() - before, cpu_of(kafka) - broker, time.perf_counter() - started)
                bare = bare_tagging(pool, turn.count, bodies)
                if number < 0:
                    continue
                rates[f"worker {turn.count}"].append(rate)
                rates[f"bare {turn.count}"].append(bare)
                if turn.count == 2:
                    for name, value in zip(cpu, used, strict=True):
                        cpu[name].append(value)
            print(", ".join(f"{name}: {values[-1]:.0f}/s" for name, values in rates.items() if values), flush=True)

    def ratio(of: str, to: str) -> str:
        return f"{median(one / other for one, other in zip(rates[of], rates[to], strict=True)):.2f}"

    share = {name: f"{100 * sum(values) / sum(cpu['wall']):.0f} %" for name, values in cpu.items()}
    return [
        ("tag, one worker, articles/s", f"{median(rates['worker 1']):.0f}", ""),
        ("tag, second worker", f"{ratio('worker 2', 'worker 1')} x", ">= 1.35"),
        ("  second bare process", f"{ratio('bare 2', 'bare 1')} x", ""),
        ("  of a core, the two workers used", share["workers"], ""),
        ("  of a core, the broker used", share["broker"], ""),
        ("tag, one worker over one bare process", ratio("worker 1", "bare 1"), ">= 0.5"),
        ("tag, two workers over two bare processes", ratio("worker 2", "bare 2"), ">= 0.5"),
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--count", type=int, default=600, help="articles for tagging; twice as many for the whole path, ten times for cluster alone"
    )
    parser.add_argument("--only", choices=("path", "cluster", "second"), help="one measurement")
    parser.add_argument("--rounds", type=int, default=7, help="turns of one and two workers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Kafka(free_port(), Path(folder) / "kafka", tied=True) as kafka:

        def settings(prefix: str) -> Settings:
            return Settings(prefix=prefix, data=f"{folder}/{prefix}", partitions=PARTITIONS, kafka=kafka.address)

        table = Table("measure", "value", "goal")
        if arguments.only in (None, "path"):
            whole = path(settings("path"), articles(2 * arguments.count + WARM))
            table.add_row("path: bare CPU over the workers' CPU", f"{whole.bare / whole.spent:.2f}", ">= 0.5")
            table.add_row("  CPU ms an article, workers", f"{500 * whole.spent / arguments.count:.2f}", "")
            for name, seconds in whole.stages.items():
                table.add_row(f"  CPU ms an article, {name} bare", f"{500 * seconds / arguments.count:.2f}", "")
            cold, warm = whole.messages
            produced_ = f"{sum(cold.values()):.2f}, then {sum(warm.values()):.2f}"
            table.add_row("messages produced an article by the stages", produced_, "<= 8 with the producers' 3")
            for name in cold:
                table.add_row(f"  {name}", f"{cold[name]:.2f}, then {warm[name]:.2f}", "")
        if arguments.only in (None, "cluster"):
            found, spent_ms = cluster_alone(settings("alone"), articles(10 * arguments.count))
            table.add_row("cluster alone, articles/s", f"{found:,.0f}", ">= 1,000")
            table.add_row("  CPU ms an article, its start included", f"{spent_ms:.2f}", "")
        if arguments.only in (None, "second"):
            for row in second(settings, kafka, arguments.count, arguments.rounds):
                table.add_row(*row)
        Console(width=100).print(table)


if __name__ == "__main__":
    main()
