"""Messages that the stages produce for each article, changelogs included: `python -m benchmarks.messages [--count N]`. Needs no server.

The stages' functions are called as the worker calls them, batch by batch, and what would be sent is counted: of articles whose subjects
are new, and of those that come when state knows them. How many articles share a batch decides: few when articles trickle in, a hundred
when there is a backlog. Articles: those of `benchmarks.distributed` (60 pages, repeated) and the invented news of `benchmarks.material`
(each names towns that nobody has named before).
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import distributed, material
from streams.batches import Taken, Work
from streams.overlay import Overlay
from streams.stages import STAGES, Output, pack
from tocsin import topics, wire
from tocsin.messages import DeadLetter
from tocsin.records import Article
from tocsin.settings import Settings

BATCHES = (8, 25, 100)
_PRODUCERS = 3  # a request, an answer, an article
_START = 1_770_000_000.0


class Stream:
    """All stages over state in memory."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = {stage.name: stage.load(settings) for stage in STAGES}
        self.begin()

    def begin(self) -> None:
        """Forget everything."""
        self._kept: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
        self._works: dict[tuple[str, int], Work] = {}
        self.sent: Counter[str] = Counter()

    def take(self, given: Sequence[Article]) -> None:
        """One batch, through all stages."""
        messages = {topics.INCOMING.name: [(0, wire.encode(article)) for article in given]}
        for stage in STAGES:  # in the order of the stream
            messages |= self._stage(stage.name, messages.get(stage.reads.name, []))

    def _stage(self, name: str, given: list[tuple[int, bytes]]) -> dict[str, list[tuple[int, bytes]]]:
        outputs: list[Output] = []
        for partition, body in given:
            made = self._work(name, partition).take(Taken(name, partition, 0, None, body, written=time.time()))
            assert not isinstance(made, DeadLetter), made.error
            outputs += made
        for partition in {partition for partition, _ in given}:
            for table, overlay in self._work(name, partition).tables.items():
                rows, changes = self._kept[name, partition][table], overlay.changes()
                rows.update(changes)
                for key in [key for key, row in changes.items() if row is None]:
                    del rows[key]
                overlay.settle()
                self.sent[f"table {name} {table}"] += len(changes)
        messages: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for output in pack(outputs, self._settings.partitions):
            partition = topics.partition_of(output.key, topics.count_of(self._settings, output.topic))
            messages[output.topic.name].append((partition, output.body))
            self.sent[output.topic.name] += 1
        return messages

    def _work(self, name: str, partition: int) -> Work:
        if (name, partition) not in self._works:
            stage = next(stage for stage in STAGES if stage.name == name)
            rows: dict[str, dict[str, Any]] = {table: {} for table in stage.tables}
            self._kept[name, partition] = rows
            self._works[name, partition] = Work(stage, self._known[name], {table: Overlay(kept) for table, kept in rows.items()})
        return self._works[name, partition]


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="articles; the second half meets a state that knows the first")
    count = parser.parse_args().count
    stream = Stream(Settings(partitions=distributed.PARTITIONS))
    kinds = {"pages": distributed.articles(count), "news": [material.article(number, 1, _START + number) for number in range(count)]}
    table = Table("articles", "in batches of", "messages an article, first half", "second half", "of the second half, most")
    for kind, given in kinds.items():
        for size in BATCHES:
            stream.begin()
            halves: list[Counter[str]] = []
            for half in (given[: count // 2], given[count // 2 :]):
                before = stream.sent.copy()
                for start in range(0, len(half), size):
                    stream.take(half[start : start + size])
                halves.append(stream.sent - before)
            first, second = (f"{sum(half.values()) / (count // 2):.1f} + {_PRODUCERS}" for half in halves)
            most = ", ".join(f"{name} {2 * number / count:.1f}" for name, number in halves[1].most_common(8))
            table.add_row(kind, str(size), first, second, most)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
