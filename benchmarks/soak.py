"""Memory of each service over a long run: `python -m benchmarks.soak [--minutes N] [--svg FILE]`.

Articles come at an even pace, but each an hour after the one before by its own time: windows of 7, 8, 30 and 90 days are over after 168,
192, 720 and 2,160 articles, and the state of every stage is steady from then on. All windows run on the records' time, so nothing is
changed for this. Scheduler and fetcher, whose time is the wall's, read pages of a local site under a prefix of their own meanwhile.
Printed: resident memory of each service (with its child processes) by time, and its slope over the steady part with the uncertainty of a
straight line through means of half a minute. The plot is an SVG.
"""

import argparse
import math
import resource
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path

from msgspec import structs
from rich.console import Console
from rich.table import Table

from benchmarks import material
from deploy.servers import Elasticsearch, Kafka, free_port, programs
from producers.urls import host_of
from tests.live.stack import CRAWL, STREAM, Service, Stack
from tocsin import topics
from tocsin.broker import Publisher
from tocsin.clock import parse
from tocsin.records import Request
from tocsin.settings import Settings

HOUR = 3600.0
WINDOW = 2160  # articles an hour apart: the longest window, of the ledger
_START = parse("2026-01-05T00:00:00Z").timestamp()
_SAMPLE = 2.0  # seconds
_BLOCK = 30.0  # seconds of samples that make one point of the line
_PAGES = 5.0  # a second, for the fetcher: what it and the scheduler keep in memory is full after six minutes
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#d19a00", "#444444", "#00a5a5")

Samples = dict[str, list[tuple[float, float]]]
"""Service -> (seconds, MiB)."""


def memory(pid: int) -> float:
    """Resident MiB of a process and its children (Linux); 0 when it is gone."""
    total, todo = 0.0, [pid]
    while todo:
        process = todo.pop()
        try:
            total += int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
            for task in Path(f"/proc/{process}/task").iterdir():
                todo += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return total * resource.getpagesize() / 2**20


def slope(points: Sequence[tuple[float, float]], since: float) -> tuple[float, float]:
    """(MiB an hour, twice its standard error) of a line through the means of blocks from `since` on."""
    blocks: dict[int, list[float]] = {}
    for at, value in points:
        if at >= since:
            blocks.setdefault(int(at // _BLOCK), []).append(value)
    xs = [(number + 0.5) * _BLOCK / HOUR for number in blocks]
    ys = [statistics.fmean(values) for values in blocks.values()]
    if len(xs) < 4:
        return float("nan"), float("nan")
    line = statistics.linear_regression(xs, ys)
    left = [y - line.slope * x - line.intercept for x, y in zip(xs, ys, strict=True)]
    spread = sum((x - statistics.fmean(xs)) ** 2 for x in xs)
    return line.slope, 2 * math.sqrt(sum(one * one for one in left) / (len(xs) - 2) / spread)


def drawn(samples: Samples, steady: float) -> str:
    """The plot as SVG."""
    wide, high, left, right, top, bottom = 860, 420, 50, 190, 20, 40
    last = max(at for points in samples.values() for at, _ in points)
    most = max(value for points in samples.values() for _, value in points) * 1.05

    def x(at: float) -> float:
        return left + at / last * (wide - left - right)

    def y(value: float) -> float:
        return high - bottom - value / most * (high - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="white"/>',
        f'<line x1="{x(steady):.0f}" x2="{x(steady):.0f}" y1="{top}" y2="{high - bottom}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<text x="{x(steady) + 4:.0f}" y="{top + 10}" fill="#666">all windows are over</text>',
    ]
    for value in range(0, int(most) + 1, 100):
        parts.append(f'<line x1="{left}" x2="{wide - right}" y1="{y(value):.0f}" y2="{y(value):.0f}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 6}" y="{y(value) + 4:.0f}" text-anchor="end">{value}</text>')
    parts += [
        f'<text x="{x(60 * minute):.0f}" y="{high - bottom + 16}" text-anchor="middle">{minute}</text>'
        for minute in range(0, int(last / 60) + 1, 2)
    ]
    parts.append(f'<text x="{left}" y="{high - 6}">minutes; resident memory of each service in MiB</text>')
    used: list[float] = []
    for number, (name, points) in enumerate(sorted(samples.items(), key=lambda item: -item[1][-1][1])):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points[:: max(1, len(points) // 400)])
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{line}"/>')
        place = max(y(points[-1][1]) + 4, used[-1] + 14 if used else 0)
        used.append(place)
        parts.append(f'<text x="{wide - right + 6}" y="{place:.0f}" fill="{colour}">{escape(name)} {points[-1][1]:.0f}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def feed(settings: Settings, rate: float, seconds: float) -> int:
    """Put articles on `incoming`, an hour apart each, `rate` a second; returns how many."""
    publisher = Publisher(settings, "soak")
    start, number = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        publisher.send(topics.INCOMING, "", material.article(number, 1, _START + HOUR * number))
        number += 1
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
    publisher.close()
    return number


def crawl(settings: Settings, site: material.Site, stop: threading.Event) -> None:
    """Ask for pages until told to stop."""
    publisher = Publisher(settings, "soak")
    number = 0
    while not stop.wait(1 / _PAGES):
        url = site.url(number, 2)
        publisher.send(topics.REQUESTS, host_of(url), Request(url=url, host=host_of(url), source_id="soak", kind="page"))
        number += 1
    publisher.close()


def watch(services: Sequence[Service], samples: Samples, stop: threading.Event) -> None:
    """Take samples until told to stop."""
    start = time.monotonic()
    while not stop.wait(_SAMPLE):
        for service in services:
            name = service.name.removeprefix("worker --stage ")
            samples.setdefault(name, []).append((time.monotonic() - start, memory(service.process.pid)))


def main() -> None:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--rate", type=float, default=8, help="articles a second")
    parser.add_argument("--svg", type=Path, help="where to draw")
    given = parser.parse_args()
    base = programs.base() / f"soak-{free_port()}"
    samples: Samples = {}
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, base, ignore_errors=True)
        kafka = undo.enter_context(Kafka(free_port(), base / "kafka", tied=True))
        elasticsearch = undo.enter_context(Elasticsearch(free_port(), base / "elasticsearch", tied=True))
        site = undo.enter_context(material.serve())
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        sources = folder / "sources.yaml"
        sources.write_text(
            f"sources: [{{id: soak, name: Soak, owner: Soak, feeds: ['http://127.0.0.1:{site.port}/feed']}}]", encoding="utf-8"
        )
        settings = Settings(
            prefix="soak", data=str(folder / "stream"), node="one", partitions=4, workers=1, kafka=kafka.address,
            elasticsearch=elasticsearch.address, sources=str(sources), allow_private=site.allowed, host_delay=0.0,
        )  # fmt: skip
        crawling = structs.replace(settings, prefix="soakcrawl", data=str(folder / "crawl"))
        stream = undo.enter_context(Stack(settings, folder / "logs")).prepare()
        producers = undo.enter_context(Stack(crawling, folder / "crawl-logs")).prepare()
        services = [*stream.start(*STREAM), *producers.start(*CRAWL)]
        stream.wait_until_ready(seconds=300)
        producers.wait_until_ready(seconds=300)
        stop = threading.Event()
        threads = [
            threading.Thread(target=crawl, args=(crawling, site, stop)),
            threading.Thread(target=watch, args=(services, samples, stop)),
        ]
        for thread in threads:
            thread.start()
        try:
            count = feed(settings, given.rate, 60 * given.minutes)
            print(f"{count:,} articles, {count / 24:.0f} days of their time; behind: {stream.lags()}", flush=True)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        ended = [service.name for service in services if service.code is not None]
        assert not ended, ended
    over = WINDOW / given.rate  # seconds
    steady = max(over, 30 * given.minutes) if over < 50 * given.minutes else 30 * given.minutes
    if steady < over:
        print("too short: not all windows were over; the slope is of the second half")
    if given.svg:
        given.svg.write_text(drawn(samples, steady), encoding="utf-8")
    table = Table("service", "MiB at the start", "when steady", "at the end", "slope, MiB an hour", "share of itself an hour")
    for name, points in samples.items():
        rise, doubt = slope(points, steady)
        settled = statistics.fmean(value for at, value in points if at >= steady)
        share = f"{100 * rise / settled:+.1f} %"
        table.add_row(name, f"{points[0][1]:.0f}", f"{settled:.0f}", f"{points[-1][1]:.0f}", f"{rise:+.1f} ± {doubt:.1f}", share)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
