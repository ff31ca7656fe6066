"""Commands of the producing services: schedule, fetch, submit."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tocsin.cli.options import config_option, data_option, settings_from, workers_option

sources_option = click.option("--sources", default=None, metavar="FILE", help="YAML file that lists the sources (setting `sources`).")


@click.command(
    epilog="""\b
Example:
  tocsin schedule --sources producers/sources.yaml --data /srv/tocsin"""
)
@sources_option
@data_option
@config_option
def schedule(sources: str | None, data: str | None, config: Path | None) -> None:
    """Decide what is asked when, and release it to the fetchers (distributed run). One at a time.

    What is known of every feed and page lies in data/schedule/NODE/. Stopped or killed it goes on where it was.
    """
    from producers.schedule_service import ScheduleService
    from producers.sources import load_sources
    from tocsin.health import serve

    settings = settings_from(config, sources=sources, data=data)
    service = ScheduleService(settings, load_sources(settings.sources))
    with serve(settings, service.health), _until_told(service.stop):
        service.run()


@click.command(
    epilog="""\b
Example:
  tocsin fetch --sources producers/sources.yaml --data /srv/tocsin"""
)
@sources_option
@data_option
@workers_option
@config_option
def fetch(sources: str | None, data: str | None, workers: int | None, config: Path | None) -> None:
    """Ask hosts for what is due, archive and clean what they answer (distributed run). Start as many as you like, each with its node.

    The archive lies in data/archive/NODE/. Stopped or killed it asks again for what was under way, and loses nothing.
    """
    import asyncio

    from producers.fetch_service import FetchService
    from producers.sources import load_sources
    from tocsin.health import serve

    settings = settings_from(config, sources=sources, data=data, workers=workers)
    listed = load_sources(settings.sources)

    async def main() -> None:
        service = FetchService(settings, listed)
        loop = asyncio.get_running_loop()
        with serve(settings, service.health), _until_told(lambda: loop.call_soon_threadsafe(service.stop)):
            await service.run()

    asyncio.run(main())


@click.command(
    epilog="""\b
Examples:
  tocsin submit https://news.example/story urls.txt
  tocsin submit --backfill crawl.warc.gz saved-pages/
  jq -c '{url, title, text}' articles.json | tocsin submit -"""
)
@click.argument("inputs", nargs=-1, required=True)
@click.option("--backfill", is_flag=True, help="Old material: it goes behind everything new, and rings no alerts.")
@data_option
@workers_option
@config_option
def submit(inputs: tuple[str, ...], backfill: bool, data: str | None, workers: int | None, config: Path | None) -> None:
    """Send local pages, folders, WARC files, JSON lines, lists of URLs, or URLs into the distributed stream.

    Takes what `tocsin ingest` takes. URLs are asked for by the fetchers; all else is archived and cleaned here. Every input is accounted
    for: sent, or dropped with a reason. Submitting the same again changes nothing.

    Exit code 1 when every single input was dropped.
    """
    from producers.read import read_inputs
    from producers.submit import Submission
    from tocsin.embedded.session import as_article

    settings = settings_from(config, data=data, workers=workers)
    given = read_inputs(inputs, max_body=settings.max_body, archive=Path(settings.data) / "archive")
    with Submission(settings, as_article, backfill=backfill) as submission:
        submission.send(given)
    counts = submission.counts
    click.echo(f"submitted: {counts['requests']:,} requests, {counts['articles']:,} articles, {counts['dropped']:,} dropped", err=True)
    if counts["dropped"] == counts.total() and counts["dropped"]:
        sys.exit(1)


@contextmanager
def _until_told(stop: Callable[[], object]) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops in good order, a second one at once."""
    handled = (signal.SIGINT, signal.SIGTERM)

    def first(*_: Any) -> None:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
        stop()

    before = {number: signal.signal(number, first) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
