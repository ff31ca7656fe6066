"""Commands that write: run and ingest."""

import sys
from pathlib import Path

import click

from tocsin.cli.options import config_option, data_option, rules_option, settings_from, workers_option
from tocsin.cli.progress import shown

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, no alerts on the terminal.")


@click.command(
    epilog="""\b
Examples:
  tocsin run --sources producers/sources.yaml
  tocsin run --once --data /srv/tocsin"""
)
@click.option("--sources", default=None, metavar="FILE", help="YAML file that lists the sources (setting `sources`).")
@click.option("--once", is_flag=True, help="One round over all sources, then stop.")
@data_option
@rules_option
@workers_option
@config_option
@quiet_option
def run(
    sources: str | None, once: bool, data: str | None, rules: str | None, workers: int | None, config: Path | None, quiet: bool
) -> None:
    """Poll the sources and ingest what is new, until stopped.

    Ctrl-C stops in good order and loses nothing; so does a kill: pages that were under way are fetched again at the next start.
    Alerts are printed as they ring, and kept for `tocsin alerts`.
    """
    from producers.sources import load_sources
    from tocsin.embedded.session import Session

    settings = settings_from(config, sources=sources, data=data, rules=rules, workers=workers)
    listed = load_sources(settings.sources)
    with shown("run", quiet=quiet) as progress, Session(settings, progress) as session:
        session.poll(listed, once=once)


@click.command(
    epilog="""\b
Examples:
  tocsin ingest page.html saved-pages/ crawl.warc.gz
  tocsin ingest urls.txt https://news.example/story
  jq -c '{url, title, text}' articles.json | tocsin ingest -"""
)
@click.argument("inputs", nargs=-1, required=True)
@data_option
@rules_option
@workers_option
@config_option
@quiet_option
def ingest(inputs: tuple[str, ...], data: str | None, rules: str | None, workers: int | None, config: Path | None, quiet: bool) -> None:
    """Ingest local pages, folders, WARC files, JSON lines, lists of URLs, or URLs.

    Every input is accounted for: indexed, or dropped with a reason (`tocsin report` counts them, `tocsin trace` explains one).
    Ingesting the same again changes nothing. `-` reads standard input.

    Exit code 1 when every single input was dropped.
    """
    from tocsin.embedded.session import Session

    settings = settings_from(config, data=data, rules=rules, workers=workers)
    with shown("ingest", quiet=quiet) as progress, Session(settings, progress) as session:
        session.ingest(inputs)
    kept = sum(progress.counts[name] for name in ("indexed", "new-version", "duplicate", "correction", "unchanged"))
    if not kept and progress.counts["dropped"]:
        click.echo("tocsin: every input was dropped; `tocsin report` says why", err=True)
        sys.exit(1)
