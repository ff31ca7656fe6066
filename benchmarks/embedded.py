"""Speed of the embedded run: `make bench`.

    python -m benchmarks.embedded [--pages FOLDER] [--count N]

Prints articles a second by stage and end to end, memory, and two ratios taken within this one run, because machines are noisy:
- speed-up: end to end on all cores against end to end pinned to one core;
- overhead: CPU time of the whole run against the CPU time of cleaning and tagging the same pages and nothing else, taken in turns of
  `TURN` pages, so that what else the machine does falls on both; the median turn.
Pages: every *.html and *.html.gz of FOLDER (default: the evaluation pages where they are, else the sample site's), repeated under new
addresses, each with a line of its own, until there are N.
"""

import argparse
import gzip
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from streams.cluster import Clusters
from streams.resources import resources_for
from streams.sightings import sightings
from streams.tag import Resources
from tocsin.embedded.prepare import prepare
from tocsin.embedded.session import Session
from tocsin.records import Page, Tagged
from tocsin.settings import load

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT.parent / "shared" / "eval" / "dev" / "html_aeb", ROOT / "producers" / "sample" / "pages")
MAX_HTML = 2_000_000
WARM_UP = 16  # pages; starts the workers
TURN = 24  # pages


def pages(folder: Path, count: int) -> list[Page]:
    """`count` different pages made of those in `folder`."""
    files = sorted((*folder.rglob("*.html"), *folder.rglob("*.html.gz")))
    bodies = [gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files]
    made: list[Page] = []
    for number in range(count):
        mark = f"<p>Copy number {number} of this page, filed from position {number * 7919 % 1009}, for measurement only.</p></body>"
        body = bodies[number % len(bodies)].replace(b"</body>", mark.encode(), 1)
        url = f"https://bench.example/{number}"
        made.append(
            Page(
                url=url,
                final_url=url,
                source_id="bench",
                source_name="bench",
                owner="bench",
                status=200,
                content_type="text/html; charset=utf-8",
                body=body,
                fetched_at="2024-01-01T00:00:00Z",
            )
        )
    return made


def cpu_of_family() -> float:
    """CPU seconds of this process and all its living descendants (Linux)."""
    ticks = os.sysconf("SC_CLK_TCK")
    total, todo = 0.0, [os.getpid()]
    while todo:
        process = todo.pop()
        try:
            fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / ticks
            for task in Path(f"/proc/{process}/task").iterdir():
                todo += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return total


def memory_of_family() -> int:
    """Resident bytes of this process and all its living descendants; shared pages count in each."""
    total, todo = 0, [os.getpid()]
    while todo:
        process = todo.pop()
        try:
            total += int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
            for task in Path(f"/proc/{process}/task").iterdir():
                todo += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return total


class EndToEnd(msgspec.Struct):
    """What one end-to-end run measured."""

    wall: float  # seconds
    cpu: float  # seconds, all processes
    turns: list[tuple[float, float]]  # CPU seconds of the run, and of cleaning and tagging the same pages in one process, where asked
    memory: int  # bytes, all processes, at the end
    counts: dict[str, int]


def end_to_end(given: list[Page], workers: int, *, bare: bool) -> EndToEnd:
    """Prepare, accept, archive and index all pages in a fresh data folder; the start of the workers is not counted.

    `bare`: also clean and tag the pages here, in turns with the run.
    """
    resources = resources_for(load(environment={})[0]) if bare else None
    with tempfile.TemporaryDirectory() as folder:
        settings, _ = load(environment={}, given={"data": folder, "workers": workers})
        with Session(settings) as session:
            for page, prepared in session.workers.in_order((p, p) for p in given[:WARM_UP]):
                assert prepared is not None
                session.pipeline.accept(prepared, page)
            wall, cpu, turns = 0.0, 0.0, list[tuple[float, float]]()
            for turn in batched(given[WARM_UP:], TURN if bare else len(given)):
                started, before = time.perf_counter(), cpu_of_family()
                for page, prepared in session.workers.in_order((p, p) for p in turn):
                    assert prepared is not None
                    session.progress.accepted(session.pipeline.accept(prepared, page))
                wall, spent = wall + time.perf_counter() - started, cpu_of_family() - before
                cpu += spent
                if resources is not None:
                    turns.append((spent, prepare_cpu(turn, resources)))
            return EndToEnd(wall, cpu, turns, memory_of_family(), dict(session.progress.counts))


def batched(given: list[Page], size: int) -> Iterator[list[Page]]:
    """The pages in lists of at most `size`."""
    for start in range(0, len(given), size):
        yield given[start : start + size]


def prepare_cpu(given: list[Page], resources: Resources) -> float:
    """CPU seconds of cleaning and tagging in this process."""
    started = time.process_time()
    for page in given:
        prepare(page, resources, MAX_HTML)
    return time.process_time() - started


def stages(given: list[Page]) -> Iterator[tuple[str, int, float]]:
    """(stage, articles, CPU seconds) of each stage alone, in one process."""
    resources = resources_for(load(environment={})[0])
    prepare(given[0], resources, MAX_HTML)
    done = [prepare(page, resources, MAX_HTML) for page in given]
    yield "clean", len(done), sum(p.clean_seconds for p in done)
    tagged: list[Tagged] = [p.tagged for p in done if p.tagged is not None]
    yield "tag", len(tagged), sum(p.tag_seconds for p in done)
    door, started = Clusters({}), time.process_time()
    clustered = [door.assign(t.article) for t in tagged]
    yield "cluster", len(tagged), time.process_time() - started
    started = time.process_time()
    for one, where in zip(tagged, clustered, strict=True):
        sightings(one, where)
    yield "sightings", len(tagged), time.process_time() - started


def in_child(arguments: list[str], cores: int, *more: str) -> EndToEnd:
    """Run `end_to_end` in a process of its own, pinned to so many cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-m", "benchmarks.embedded", "--child", str(cores), *arguments, *more]
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    return msgspec.json.decode(done.stdout, type=EndToEnd)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=Path, default=next(folder for folder in FOLDERS if folder.is_dir()))
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--bare", action="store_true", help="only the overhead, on one core")
    options = parser.parse_args()
    given = pages(options.pages, options.count)
    if options.child:
        sys.stdout.write(msgspec.json.encode(end_to_end(given, options.child, bare=options.bare)).decode())
        return
    arguments = ["--pages", str(options.pages), "--count", str(options.count)]
    console = Console()
    if options.bare:
        print_overhead(console, arguments, len(given) - WARM_UP)
        return
    cores = len(os.sched_getaffinity(0))
    console.print(f"{platform.machine()}, {cores} cores, Python {platform.python_version()}; {len(given)} pages of {options.pages.name}")
    table = Table("stage", "articles", "CPU ms each", "a second a core")
    for name, count, seconds in stages([replace(page) for page in given]):
        table.add_row(name, str(count), f"{1000 * seconds / count:.2f}", f"{count / seconds:,.0f}")
    console.print(table)
    one, all_ = in_child(arguments, 1), in_child(arguments, cores)
    measured = len(given) - WARM_UP
    table = Table("end to end", "articles a second", "CPU ms each", "memory MiB")
    for name, run in (("one core", one), (f"{cores} cores", all_)):
        table.add_row(name, f"{measured / run.wall:.1f}", f"{1000 * run.cpu / measured:.2f}", f"{run.memory / 2**20:.0f}")
    console.print(table)
    console.print(f"speed-up of {cores} cores over one: {one.wall / all_.wall:.2f}")
    print_overhead(console, arguments, measured)


def print_overhead(console: Console, arguments: list[str], measured: int) -> None:
    """Measure and print what the run costs over cleaning and tagging alone."""
    run = in_child(arguments, 1, "--bare")
    bare, whole = 1000 * sum(b for _, b in run.turns) / measured, 1000 * run.cpu / measured
    overhead = 100 * (statistics.median(w / b for w, b in run.turns) - 1)
    console.print(f"overhead over cleaning and tagging alone: {overhead:.1f} % (CPU ms each, on average: {whole:.1f} over {bare:.1f})")


if __name__ == "__main__":
    main()
