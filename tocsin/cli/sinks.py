"""`tocsin setup` and `tocsin sink`: where the results of the distributed run go."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tocsin.cli.kibana import setup_kibana
from tocsin.cli.options import config_option, data_option, settings_from
from tocsin.cli.screen import one_line
from tocsin.errors import TocsinError


@click.group()
def setup() -> None:
    """Make a server ready for the distributed run; safe on every deploy."""


@setup.command(
    "elasticsearch",
    epilog="""\b
Examples:
  tocsin setup elasticsearch --dry-run
  tocsin setup elasticsearch
  TOCSIN_INDEX_GENERATION=2 tocsin setup elasticsearch --swap""",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--swap", "swapping", is_flag=True, help="Let readers see this index generation (after a replay has filled it).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@config_option
def setup_elasticsearch(dry_run: bool, swapping: bool, as_json: bool, config: Path | None) -> None:
    """Index templates, first indices, read aliases; lifecycle and language analyzers where the cluster has them.

    Run it before the first sink and after every upgrade. It changes nothing that is right already, and never goes back to an older
    generation or mapping.
    """
    from sinks.elasticsearch import client, setup
    from tocsin.cli.screen import write_json
    from tocsin.errors import UsageError

    if dry_run and swapping:
        raise UsageError("--swap has no --dry-run: without --swap, setup shows what readers see")
    settings = settings_from(config)
    speaking = client.connect(settings)
    steps = setup.swap(speaking, settings) if swapping else setup.setup(speaking, settings, dry_run=dry_run)
    for step in steps:
        if as_json:
            write_json(step)
        else:
            done = {"made": "would make", "changed": "would change"}.get(step.done, step.done) if dry_run else step.done
            click.echo(one_line(f"{done:12} {step.what:9} {step.name}  {step.detail}".rstrip()))


setup.add_command(setup_kibana)


@click.group()
def sink() -> None:
    """Services: write what the stream has found (distributed run)."""


@sink.command("elasticsearch")
@config_option
def sink_elasticsearch(config: Path | None) -> None:
    """Write articles, claims, alerts and fates into Elasticsearch, until stopped.

    Run `tocsin setup elasticsearch` first. Start as many as you like: they share the work. Ctrl-C stops in good order; nothing is lost
    by a kill either.
    """
    settings = settings_from(config)
    from sinks.elasticsearch.sink import ElasticsearchSink

    _serve(settings, "sink-elasticsearch", lambda stop: ElasticsearchSink(settings, waiting=stop.waiting, sleep=stop.sleep))


@sink.command("jsonl")
@data_option
@config_option
def sink_jsonl(data: str | None, config: Path | None) -> None:
    """Write all results as files of JSON lines under data/jsonl/<node>, one an index and day, until stopped."""
    settings = settings_from(config, data=data)
    from sinks.jsonl import JsonLines

    _serve(settings, "sink-jsonl", lambda _: JsonLines(settings))


def _serve(settings: Any, name: str, target: Callable[[Any], Any]) -> None:
    from sinks.service import SinkService, Stop
    from tocsin.health import Health, serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stop = Stop(Health(name))
    stop.listen()
    code = 0
    try:
        with serve(settings, stop.health):
            SinkService(settings, name, target(stop), stop).run()
    except TocsinError as error:
        click.echo(f"tocsin: {one_line(str(error))}", err=True)
        code = error.exit_code
    if code or threading.active_count() > 1:
        # A thread may hang on a server that never answers; all that counts is kept or will be read again.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
