"""What a person sees while a long command works: one living line on a terminal, a line now and then elsewhere. On stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from tocsin.alerting import Alert
from tocsin.cli import render_events
from tocsin.cli.style import THEME
from tocsin.embedded.crawl import Progress

_ORDER = ("indexed", "new-version", "duplicate", "correction", "unchanged", "dropped", "failed", "redirected", "not-modified", "alerts")
# one, many; an outcome that is no noun is told the same way for both
_WORDS = {
    "new-version": ("edited", "edited"),
    "duplicate": ("copy", "copies"),
    "correction": ("correction", "corrections"),
    "failed": ("failed (tried again later)", "failed (tried again later)"),
    "not-modified": ("not modified", "not modified"),
    "alerts": ("alert", "alerts"),
}
_EVERY = 10.0  # seconds between lines where there is no terminal


def summary(progress: Progress) -> str:
    """The counts in one line."""
    counted = [(name, progress.counts[name]) for name in _ORDER if progress.counts[name]]
    known = [f"{count:,} {_WORDS.get(name, (name, name))[count != 1]}" for name, count in counted]
    return ", ".join(known) or "starting"


@contextmanager
def shown(what: str, *, ring: bool = True, quiet: bool = False) -> Iterator[Progress]:
    """Show the progress of `what` until the block ends; alerts are printed as they ring. Prints the final counts."""
    screen = Console(stderr=True, theme=THEME, highlight=False, markup=False, emoji=False)
    progress = Progress()
    started = last = time.monotonic()

    def ring_it(alert: Alert) -> None:
        render_events.one(screen, alert)
        screen.print()

    if ring and not quiet:
        progress.on_alert = ring_it
    if quiet:
        yield progress
        return
    if not sys.stderr.isatty():

        def tell() -> None:
            nonlocal last
            if time.monotonic() - last >= _EVERY:
                last = time.monotonic()
                screen.print(f"{what}: {summary(progress)}", soft_wrap=True)

        progress.on_change = tell
        yield progress
    else:
        line = Spinner("dots", Text(f" {what}: loading names and places ..."))
        with Live(line, console=screen, refresh_per_second=8, transient=True):
            progress.on_change = lambda: line.update(text=Text(f" {what}: {summary(progress)}"))
            yield progress
    seconds = time.monotonic() - started
    screen.print(f"{what}: {summary(progress) if progress.counts else 'nothing new'} ({seconds:.1f} s)", soft_wrap=True)
