"""`tocsin notify`: alerts are told to channels, and what became of each notification is shown."""

import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tocsin.cli.options import config_option, data_option, settings_from
from tocsin.cli.screen import one_line, write_json
from tocsin.errors import TocsinError, UsageError
from tocsin.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinks.notify.ledger import Ledger
    from sinks.notify.watch import Watch

channels_option = click.option("--channels", default=None, metavar="FILE", help="YAML file that lists the channels (setting `channels`).")


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  tocsin notify --channels channels.yaml
  tocsin notify test desk
  tocsin notify list --pending
  tocsin notify retry n_1f0c""",
)
@click.option("--once", is_flag=True, help="Tell what there is, then stop; exit code 1 when something is still pending.")
@click.option(
    "--from",
    "origin",
    type=click.Choice(["store", "kafka"]),
    default=None,
    help="Read alerts from the embedded store or from Kafka; default: from Kafka when the setting store is elasticsearch.",
)
@click.option(
    "--backlog", type=click.Choice(["send", "skip"]), default=None, help="What to do with many old alerts at the very first start."
)
@channels_option
@data_option
@config_option
@click.pass_context
def notify(
    context: click.Context, once: bool, origin: str | None, backlog: str | None, channels: str | None, data: str | None, config: Path | None
) -> None:
    """Tell alerts to mail, chats, telephones and programs: each once, or visibly pending. One notifier at a time.

    Beside `tocsin run` it reads the alerts of the same --data folder; in the distributed run the topic of alerts. Stopped or killed it
    goes on where it was. The channels file and its secrets: docs/notifications.md.
    """
    if context.invoked_subcommand is not None:
        given = {name: value for name, value in (("channels", channels), ("data", data), ("config", config)) if value is not None}
        context.default_map = dict.fromkeys(("test", "list", "retry"), given)
        return
    settings = settings_from(config, channels=channels, data=data)
    where: Literal["store", "kafka"] = "kafka" if (origin or settings.store) in ("kafka", "elasticsearch") else "store"
    _serve(settings, where, once=once, backlog=backlog or "")


@notify.command("test")
@click.argument("channel")
@channels_option
@config_option
def test(channel: str, channels: str | None, config: Path | None) -> None:
    """Send a sample to one channel now. Exit code 1 when it does not get through."""
    from sinks.notify.channels import read_channels
    from sinks.notify.notifier import sender_of
    from sinks.notify.sample import sample

    settings = settings_from(config, channels=channels)
    listed = read_channels(Path(settings.channels))
    found = listed.named(channel)
    if found is None:
        raise UsageError(f"no channel {channel!r} in {settings.channels}; there are {', '.join(item.name for item in listed.all)}")
    key = f"test:{channel}:{os.urandom(6).hex()}"
    outcome = sender_of(found).send(sample(), key)
    if outcome.kind != "sent":
        click.echo(f"tocsin: {channel}: {one_line(outcome.why)}", err=True)
        sys.exit(1)
    click.echo(f"{channel}: sent")


@notify.command("list")
@click.option("--pending", "states", flag_value="pending", help="Only those that wait.")
@click.option("--given-up", "states", flag_value="given-up", help="Only those that were given up.")
@click.option("--sent", "states", flag_value="sent", help="Only those that were sent.")
@click.option("--channel", default="", help="Only those of this channel.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="At most so many, the newest; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs, one line each.")
@channels_option
@data_option
@config_option
def list_(
    states: "Literal['pending', 'sent', 'given-up'] | None",
    channel: str,
    limit: int,
    as_json: bool,
    channels: str | None,  # noqa: ARG001 - the group's option may be given to any of its commands
    data: str | None,
    config: Path | None,
) -> None:
    """What was told, what waits, what was given up, and why. Exit code 1 when there is nothing."""
    from sinks.notify.ledger import open_ledger

    with open_ledger(folder_of_notifier(settings_from(config, data=data)), mode="reader") as ledger:
        rows = ledger.rows(states=(states,) if states else (), channel=channel, limit=limit)
        if as_json:
            for row in rows:
                write_json(row)
        else:
            from tocsin.cli.render_notifications import notifications

            notifications(rows, ledger.failing(), ledger.pending())
    if not rows:
        sys.exit(1)


@notify.command("retry")
@click.argument("wanted", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that were given up.")
@channels_option
@data_option
@config_option
def retry(wanted: tuple[str, ...], everything: bool, channels: str | None, data: str | None, config: Path | None) -> None:  # noqa: ARG001
    """Try notifications again now: given up or waiting ones, by their id or their alert's; the beginning of an id is enough.

    A running notifier takes them up at once, another when it is started.
    """
    import time

    from sinks.notify.ledger import open_ledger

    if bool(wanted) == everything:
        raise UsageError("say which: ids, or --all that were given up")
    with open_ledger(folder_of_notifier(settings_from(config, data=data)), mode="operator") as ledger:
        found = _named(ledger, wanted) if wanted else [row.id for row in ledger.rows(states=("given-up",))]
        with ledger.transaction():
            count = ledger.try_again(found, time.time())
    click.echo(f"{count:,} to be tried again")
    if not count:
        sys.exit(1)


def _named(ledger: "Ledger", wanted: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for given in wanted:
        rows = ledger.rows(wanted=given)
        if not rows:
            raise UsageError(f"no notification {given!r}: `tocsin notify list` shows their ids")
        if len({row.id for row in rows}) > 1 and len({row.alert_id for row in rows}) > 1:
            raise UsageError(f"{given}: begins more than one id, such as {rows[0].id} and {rows[1].id}: give more digits")
        found += [row.id for row in rows if row.state != "sent"]
    return found


def folder_of_notifier(settings: Settings) -> Path:
    """The folder of the ledger. There is one notifier, so it has no node's name."""
    return Path(settings.data) / "notify"


def _serve(settings: Settings, where: Literal["store", "kafka"], *, once: bool, backlog: str) -> None:
    from sinks.notify.arrivals import Source, StoreAlerts
    from sinks.notify.channels import read_channels
    from sinks.notify.ledger import open_ledger
    from sinks.notify.notifier import Notifier

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stop = _listen()
    code = 0
    try:
        channels = read_channels(Path(settings.channels))
        with _watched(settings, where) as watch, open_ledger(folder_of_notifier(settings)) as ledger:
            if where == "kafka":
                from sinks.notify.kafka_alerts import KafkaAlerts

                source: Source = KafkaAlerts(settings, watch, stop)
            else:
                source = StoreAlerts(Path(settings.data), stop, patient=not once)
            Notifier(settings, channels, ledger, source, watch, stop).run(once=once, backlog=backlog)
            left = sum(ledger.pending().values())
            if once and left:
                click.echo(f"tocsin: {left:,} notifications are pending; `tocsin notify list --pending` shows them", err=True)
                code = 1
    except TocsinError as error:
        click.echo(f"tocsin: {one_line(str(error))}", err=True)
        code = error.exit_code
    # Threads of channels may hang on a server that never answers; all that counts is in the ledger.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def _watched(settings: Settings, where: str) -> "Iterator[Watch]":
    from sinks.notify.watch import Watch

    if where == "store" and not settings.health_port:
        yield Watch()  # the embedded run needs no package for metrics
        return
    try:
        from tocsin.health import Health, serve
    except ImportError as error:
        raise UsageError(f"health_port needs {error.name}: run `make notify`, or set health_port to 0") from error
    health = Health("notify")
    with serve(settings, health, kafka=where == "kafka"):
        yield Watch(health)


def _listen() -> threading.Event:
    """SIGTERM and Ctrl-C in good order, a second one at once."""
    stop = threading.Event()

    def hear(*_: object) -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    return stop
