"""`tocsin demo`: the whole pipeline on the bundled sample site, served on loopback."""

import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console

from tocsin.cli.options import workers_option
from tocsin.cli.progress import shown
from tocsin.cli.style import console
from tocsin.errors import UsageError
from tocsin.settings import Settings, load
from tocsin.store import Store

_MARK = "made-by-tocsin-demo"
_HOUR = 3600.0


@click.command(
    epilog="""\b
Example:
  tocsin demo && tocsin search --place Mosul --data .demo"""
)
@click.option("--data", default=".demo", metavar="DIR", show_default=True, help="Folder for the demo's data; made anew each time.")
@click.option("--port", default=0, help="Port of the sample site; default: any free one.")
@workers_option
def demo(data: str, port: int, workers: int | None) -> None:
    """Serve the sample site on loopback, run the real pipeline on it twice (the second time after its pages were edited), and report.

    Nothing leaves this machine. The folder's data stay, so that search, show, alerts and trace can be tried on them.
    """
    from producers.sample.server import serve
    from producers.sources import load_sources
    from tocsin.embedded.session import Session

    folder = Path(data)
    _make_anew(folder)
    screen = console()
    with serve(port) as site:
        allowed = ",".join(urlsplit(url).netloc for url in (site.base_url, site.other_url))
        settings, _ = load(
            given={"data": data, "workers": workers, "allow_private": allowed, "host_delay": 0.0, "rules": "", "lexicon": ""}
        )
        sources = folder / "sources.yaml"
        sources.write_text(site.sources(), encoding="utf-8")
        listed = load_sources(sources)
        screen.print(f"A small news site is now served at {site.base_url} ({len(listed)} outlets).")
        with shown("first round", ring=False) as progress, Session(settings, progress) as session:
            _whole(session.poll(listed, once=True))
        site.edition = 2
        screen.print("Some of its pages were edited meanwhile; an hour later by the schedule's clock:")
        with shown("second round", ring=False) as progress, Session(settings, progress) as session:
            _whole(session.poll(listed, once=True, clock=lambda: time.time() + _HOUR))
        _report(screen, settings)


def _whole(round_ended: bool) -> None:
    """A run that is stopped has done its work so far; a demo that is stopped has nothing to show."""
    if not round_ended:
        raise KeyboardInterrupt


def _make_anew(folder: Path) -> None:
    """Remove an earlier demo's data; never anything else."""
    try:
        if folder.exists():
            if any(folder.iterdir()) and not (folder / _MARK).exists():
                raise UsageError(f"{folder} holds something that is not a demo's data: choose another folder with --data")
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise UsageError(f"{folder}: cannot make the demo's folder: {error.strerror}; choose another one with --data") from error


def _report(screen: Console, settings: Settings) -> None:
    from sinks.sqlite import open_store
    from tocsin.cli import render_events, render_search

    with open_store(Path(settings.data), read_only=True) as store:
        render_search.report(screen, store.report())
        rang = store.alerts(limit=1000)
        screen.print()
        screen.print(f"{len(rang)} alerts rang. Five of them:" if len(rang) > 5 else f"{len(rang)} alerts rang:", style="label")
        screen.print()
        render_events.alerts(screen, sorted(rang, key=lambda alert: -_WEIGHT[alert.severity])[:5])
        _incidents(screen, store)
        _next(screen, settings.data, store)


def _incidents(screen: Console, store: Store) -> None:
    from tocsin.cli import render_incidents

    found = [incident for incident in store.incidents(limit=1000) if not incident.total]
    told = sorted(found, key=lambda incident: (-len(incident.articles), -incident.independent))[:3]
    screen.print()
    screen.print(f"{len(found)} incidents are told of. Those in most articles:" if found else "No incident is told of.", style="label")
    screen.print()
    render_incidents.incidents(screen, told)


_WEIGHT = {"critical": 3, "warning": 2, "notice": 1, "info": 0}


def _next(screen: Console, data: str, store: Store) -> None:
    alerts = store.alerts(limit=1)
    screen.print()
    screen.print("Try next:", style="label")
    screen.print(f"  .venv/bin/tocsin search --place Mosul --claim casualties --data {data}")
    screen.print(f"  .venv/bin/tocsin show {alerts[0].article_id[:14] if alerts else 'ID'} --data {data}")
    screen.print(f"  .venv/bin/tocsin incidents --place Mosul --data {data}")
    screen.print(f"  .venv/bin/tocsin trace {alerts[0].url if alerts else 'URL'} --data {data}")
