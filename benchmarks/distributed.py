"""Speed of the distributed stages on a real Kafka, started here: `python -m benchmarks.distributed [--count N]`.

Prints, from one run, because machines are noisy:
- path: CPU seconds of the stages' functions called bare on decoded records (cluster, tag, sightings, alerts, ledger) over the CPU seconds
  of the worker processes for the same articles: what Kafka, Faust, JSON and state cost beside the work itself;
- messages: produced by the stages for each article, changelogs included;
- the cluster stage alone, articles a second, read from a topic that is full when it starts;
- a second worker: articles a second of two workers of the stage tag over those of one, broker and all on the same cores;
- workers over bare: the same for one and two processes that call the same functions on decoded records and do nothing else.
Articles: those of the evaluation pages (or the sample site's), cleaned, repeated under new addresses, each with a line of its own.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import structs
from rich.console import Console
from rich.table import Table

from benchmarks.embedded import FOLDERS, MAX_HTML, pages
from deploy.servers import Kafka, free_port
from producers.clean import clean
from streams.stages import STAGES, Stage, Step, pack
from tests.live import stream
from tocsin import ids, topics, wire
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


def cpu_of(process: "subprocess.Popen[Any]") -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
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


def path(settings: Settings, given: Sequence[Article]) -> tuple[float, float, dict[str, float], dict[str, float]]:
    """(bare CPU seconds, the workers' CPU seconds, messages an article by topic and table, bare CPU seconds by stage)."""
    stream.create_topics(settings)
    names = [stage.name for stage in STAGES]
    with workers(settings, *names) as running:
        _send(settings, given[:WARM])
        stream.wait_for(lambda: all(stream.members(settings, name) for name in names), 120)
        stream.wait_until_read(settings, *names, seconds=120)
        before, cpu = produced(settings), sum(map(cpu_of, running))
        _send(settings, given[WARM:])
        stream.wait_until_read(settings, *names, seconds=600)
        spent, after = sum(map(cpu_of, running)) - cpu, produced(settings)
    bare = Bare(settings)
    bare.run(given[:WARM])
    alone = bare.run(given[WARM:])
    return alone, spent, {name: (after[name] - before[name]) / (len(given) - WARM) for name in after}, bare.cpu


def _send(settings: Settings, given: Sequence[Article]) -> None:
    stream.send(settings, topics.INCOMING, [("", of) for of in given])


def rate(settings: Settings, topic: topics.Topic) -> float:
    """Messages a second on a topic, by the times at which the broker got them."""
    times = sorted(message.timestamp for message in stream.messages(settings, topics.full_name(settings, topic)))
    return (len(times) - 1) / ((times[-1] - times[0]) / 1000)


def cluster_alone(settings: Settings, given: Sequence[Article]) -> float:
    """Articles a second of the cluster stage."""
    stream.create_topics(settings)
    _send(settings, given)
    with workers(settings, "cluster"):
        stream.wait_until_read(settings, "cluster", seconds=300)
    return rate(settings, topics.ARTICLES)


def tagging(settings: Settings, given: Sequence[Article], count: int) -> float:
    """Articles a second of `count` workers of the stage tag."""
    stream.create_topics(settings)
    _, step = Bare(settings).steps["cluster"]
    placed = [wire.decode(output.body, topics.ARTICLES.record) for article in given for output in step(article)]
    with workers(settings, *["tag"] * count):
        stream.wait_for(lambda: stream.members(settings, "tag") == count, 120)
        stream.send(settings, topics.ARTICLES, [(one.article.article_id, one) for one in placed])
        stream.wait_until_read(settings, "tag", seconds=600)
    return rate(settings, topics.TAGGED)


def bare_tagging(settings: Settings, given: Sequence[Article], count: int) -> float:
    """Articles a second of `count` processes that call the tag stage's functions."""
    _, step = Bare(settings).steps["cluster"]
    bodies = [output.body for article in given for output in step(article)]
    with ProcessPoolExecutor(count, get_context("spawn"), _load, (settings,)) as pool:
        list(pool.map(_warm, range(4 * count)))
        times = list(pool.map(_tag, [bodies[start::count] for start in range(count)]))
    return len(bodies) / (max(end for _, end in times) - min(start for start, _ in times))


def _load(settings: Settings) -> None:
    global _tags  # noqa: PLW0603 - one a process
    stage = next(stage for stage in STAGES if stage.name == "tag")
    _tags = stage.open(stage.load(settings), {name: {} for name in stage.tables})
    gc.freeze()  # as the worker does


def _warm(_: int) -> None:
    time.sleep(0.2)  # so that each process gets one


def _tag(bodies: Sequence[bytes]) -> tuple[float, float]:
    placed = [wire.decode(body, topics.ARTICLES.record) for body in bodies]
    for one in placed[:WARM]:
        _tags(one)
    start = time.time()
    for one in placed:
        _tags(one)
    return start, time.time()


def second(settings: Callable[[str], Settings], given: Sequence[Article], rounds: int) -> list[tuple[str, str, str]]:
    """Rows: one and two workers of the stage tag, and as many bare processes, in turns; medians of the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in ("worker 1", "worker 2", "bare 1", "bare 2")}
    for turn in range(rounds):
        for count in (1, 2):
            rates[f"worker {count}"].append(tagging(settings(f"tag{turn}x{count}"), given, count))
            rates[f"bare {count}"].append(bare_tagging(settings("bare"), given, count))
        print(", ".join(f"{name}: {values[-1]:.0f}/s" for name, values in rates.items()), flush=True)

    def ratio(of: str, to: str) -> str:
        return f"{median(one / other for one, other in zip(rates[of], rates[to], strict=True)):.2f}"

    return [
        ("tag, one worker, articles/s", f"{median(rates['worker 1']):.0f}", ""),
        ("tag, second worker", f"{ratio('worker 2', 'worker 1')} x", ">= 1.35"),
        ("  second bare process", f"{ratio('bare 2', 'bare 1')} x", ""),
        ("tag, one worker over one bare process", ratio("worker 1", "bare 1"), ">= 0.5"),
        ("tag, two workers over two bare processes", ratio("worker 2", "bare 2"), ">= 0.5"),
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--count", type=int, default=600, help="articles for the whole path and for tagging; ten times as many for cluster alone"
    )
    parser.add_argument("--only", choices=("path", "cluster", "second"), help="one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="turns of one and two workers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Kafka(free_port(), Path(folder) / "kafka", tied=True) as kafka:

        def settings(prefix: str) -> Settings:
            return Settings(prefix=prefix, data=f"{folder}/{prefix}", partitions=PARTITIONS, kafka=kafka.address)

        table = Table("measure", "value", "goal")
        if arguments.only in (None, "path"):
            alone, spent, messages, stages = path(settings("path"), articles(arguments.count + WARM))
            table.add_row("path: bare CPU over the workers' CPU", f"{alone / spent:.2f}", ">= 0.5")
            table.add_row("  CPU ms an article, workers", f"{1000 * spent / arguments.count:.2f}", "")
            for name, seconds in stages.items():
                table.add_row(f"  CPU ms an article, {name} bare", f"{1000 * seconds / arguments.count:.2f}", "")
            table.add_row("messages produced an article by the stages", f"{sum(messages.values()):.2f}", "<= 8 with the producers' 3")
            for name, count in messages.items():
                table.add_row(f"  {name}", f"{count:.2f}", "")
        if arguments.only in (None, "cluster"):
            table.add_row(
                "cluster alone, articles/s", f"{cluster_alone(settings('alone'), articles(10 * arguments.count)):,.0f}", ">= 1,000"
            )
        if arguments.only in (None, "second"):
            for row in second(settings, articles(2 * arguments.count), arguments.rounds):
                table.add_row(*row)
        Console(width=100).print(table)


if __name__ == "__main__":
    sys.exit(main())
