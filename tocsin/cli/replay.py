"""`tocsin replay`: an index built anew from what is kept, beside the one that serves."""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.options import config_option, data_option, settings_from, workers_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin.distributed.replay import Plan, Replay
    from tocsin.settings import Settings

SOURCES = ("tagged", "articles", "incoming", "archive", "index")
_EVERY = 10.0  # seconds between two lines where there is no terminal
_QUICK = 0.2  # seconds between two changes of the line on a terminal


@click.command(
    epilog="""\b
Examples:
  tocsin replay --from tagged --dry-run
  tocsin replay --from articles              # with the present tagger, into the next generation
  tocsin replay --from archive --data /srv/tocsin --into v3
  TOCSIN_TOPIC_GENERATION=2 TOCSIN_PARTITIONS=48 tocsin replay --from articles --topics 1
Then start the sinks with TOCSIN_INDEX_GENERATION=3; the replay waits for that."""
)
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    required=True,
    help="tagged: as it was tagged. articles, incoming (topics), archive (WARC files), index (the present one): tagged anew.",
)
@click.option("--into", default=None, metavar="vN", help="Generation of indices to fill; default: the next one.")
@click.option(
    "--topics",
    "older",
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="Fill no index: send what generation N of the topics keeps into that of the setting topic_generation, as old material.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan, and do nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the sinks to move: run this again once they have.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan or the counts as one JSON object.")
@data_option
@workers_option
@config_option
def replay(
    source: str,
    into: str | None,
    older: int | None,
    dry_run: bool,
    no_wait: bool,
    as_json: bool,
    data: str | None,
    workers: int | None,
    config: Path | None,
) -> int:
    """Fill a new generation of indices, let readers see it at once when it is whole, and wait until the sinks write it too.

    The old generation serves and grows meanwhile, and stays. Nothing rings: alerts and incidents are carried over as they are. Versions
    that no source has any more are carried over as well. The same versions give the same documents, byte for byte.

    It can be interrupted anywhere, and is then simply run again. Into the generation that readers see it repairs what is missing there.
    """
    import json

    from tocsin.cli.screen import write_json
    from tocsin.distributed.replay import SOURCES as KNOWN
    from tocsin.distributed.replay import Replay

    number = _generation(into)
    settings = settings_from(config, data=data, workers=workers)
    if older is not None:
        if into is not None or dry_run or source not in ("articles", "incoming"):
            raise click.UsageError("--topics goes with --from articles or --from incoming, and without --into and --dry-run")
        return _refill(settings, source, older, as_json=as_json)
    chosen = next(name for name in KNOWN if name == source)
    with Replay(settings, chosen, number) as work:
        if dry_run:
            plan = work.plan()
            if as_json:
                write_json(plan)
            else:
                _show_plan(plan)
            return 0
        started = time.monotonic()
        work.run(_line(), follow=not no_wait)
        if as_json:
            click.echo(json.dumps({"generation": work.generation, "live_before": work.live, **work.counts}))
        else:
            _show_end(work, time.monotonic() - started, waited=not no_wait)
    return 0


def _refill(settings: "Settings", source: str, older: int, *, as_json: bool) -> int:
    import json

    from tocsin import topics
    from tocsin.distributed.log import opened
    from tocsin.distributed.refill import refill

    with opened(settings, "replay") as log:
        counts = refill(settings, log, topics.ARTICLES if source == "articles" else topics.INCOMING, older, _line())
    if as_json:
        click.echo(json.dumps(counts))
    else:
        name = topics.full_name(settings, topics.INCOMING, "backfill")
        click.echo(f"sent {counts['sent']:,} article versions to {name}" + _left_out(counts), err=True)
    return 0 if counts["sent"] else 1


def _left_out(counts: "Mapping[str, int]") -> str:
    left = [f"{counts[name]:,} {name}" for name in ("too large", "unreadable") if counts[name]]
    return f"; left out: {', '.join(left)}" if left else ""


def _generation(into: str | None) -> int | None:
    if into is None:
        return None
    found = re.fullmatch(r"v?([1-9]\d{0,5})", into)
    if not found:
        raise click.UsageError(f"--into {into}: write v2 for the second generation")
    return int(found[1])


def _show_plan(plan: "Plan") -> None:
    from tocsin.cli.screen import one_line

    seen = "nothing yet" if plan.live is None else f"generation {plan.live}"
    click.echo(f"readers see {seen}; generation {plan.generation} will be filled ({plan.filled:,} articles are in it)")
    for name, count in plan.to_read.items():
        click.echo(f"  read      {one_line(name)}" + (f"  {count:,} messages" if not plan.archive_bytes or "warc" not in name else ""))
    if plan.archive_bytes:
        click.echo(f"            {plan.archive_bytes:,} bytes of archive")
    if plan.source != "tagged":
        click.echo("  tag       every version with the present tagger; its cluster stays as it was decided")
    for kind, count in plan.older.items():
        click.echo(f"  carry     what is missing of {count:,} {kind} of generation {plan.live}")
    if plan.swaps:
        click.echo(f"  swap      all aliases from generation {plan.live} to {plan.generation}, at once")
        names = ", ".join(one_line(name) for name in plan.sinks)
        click.echo(f"  wait      until sinks write generation {plan.generation}" + (f"; at work on an older one: {names}" if names else ""))


def _show_end(work: "Replay", seconds: float, *, waited: bool) -> None:
    counts = ", ".join(f"{count:,} {what}" for what, count in sorted(work.counts.items()) if what != "swapped" and count)
    click.echo(f"generation {work.generation}: {counts or 'nothing to do'} ({seconds:.1f} s)", err=True)
    if work.counts["swapped"]:
        click.echo(
            f"readers see generation {work.generation}; start every sink with TOCSIN_INDEX_GENERATION={work.generation}"
            + ("" if waited else ", and run this again after that: what an older sink writes meanwhile is not seen"),
            err=True,
        )
        click.echo(f"when you are content, delete the indices and templates of generation {work.live}", err=True)


def _line() -> Callable[[str], None]:
    """Say what is done now: one line that changes on a terminal, a line now and then elsewhere."""
    from tocsin.cli.screen import one_line

    terminal = sys.stderr.isatty()
    last: tuple[float, str] = (0.0, "")

    def tell(what: str) -> None:
        nonlocal last
        now = time.monotonic()
        kind = what.partition(":")[0]
        if kind == last[1] and now - last[0] < (_QUICK if terminal else _EVERY):
            return
        last = (now, kind)
        text = one_line(what)
        click.echo(f"\r\x1b[K{text[:110]}" if terminal else f"replay: {text}", err=True, nl=not terminal)

    return tell
