"""`tocsin topics`: what must exist on Kafka before any service starts, and how far each service is behind."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from tocsin.cli.options import config_option, settings_from

if TYPE_CHECKING:
    from tocsin.topic_plan import Backlog, Step

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")

_SAID = {"create": "created", "keep": "fine", "differs": "differs", "update": "updated", "refused": "refused"}
_WOULD = {"create": "would create", "keep": "fine", "differs": "differs", "update": "would update", "refused": "refused"}


@click.group()
def topics() -> None:
    """The topics of the distributed run on Kafka."""


@topics.command(
    epilog="""\b
Examples:
  tocsin topics create --dry-run
  tocsin topics create
  TOCSIN_TOPIC_GENERATION=2 TOCSIN_PARTITIONS=48 tocsin topics create"""
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--update", is_flag=True, help="Also set retention, limits and policies of existing topics that differ.")
@json_option
@config_option
def create(dry_run: bool, update: bool, as_json: bool, config: Path | None) -> None:
    """Create every topic and every changelog of the workers' state that is missing; safe on every deploy.

    Run it before any service starts. The count of partitions of an existing topic is never changed.
    """
    from tocsin.broker_admin import administration
    from tocsin.cli.screen import write_json
    from tocsin.errors import UsageError
    from tocsin.topic_plan import plan, refusal

    settings = settings_from(config)
    with administration(settings) as admin:
        steps = plan(settings, admin.found(), update=update)
        refused = refusal(settings, steps)
        if not refused and not dry_run:
            admin.apply(steps)
    # Of a plan with a refusal nothing is done.
    if as_json:
        for step in steps:
            write_json(step)
    else:
        _show_steps(steps, _WOULD if dry_run or refused else _SAID)
    if refused:
        raise UsageError(refused)


def _show_steps(steps: "list[Step]", words: dict[str, str]) -> None:
    from tocsin.cli.style import console

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="label")
    for name in ("topic", "partitions", "copies", "kept", ""):
        table.add_column(name, justify="right" if name in ("partitions", "copies") else "left", no_wrap=name == "topic")
    for step in steps:
        table.add_row(
            step.topic,
            str(step.partitions),
            str(step.replication),
            "last of each key" if step.retention_ms is None else f"{step.retention_ms / 86_400_000:g} days",
            words[step.action] + (f": {step.detail}" if step.detail else ""),
        )
    console().print(table)


@topics.command(
    "list",
    epilog="""\b
Examples:
  tocsin topics list
  tocsin topics list --check || echo "something is far behind"
  tocsin topics list --json | jq -r 'select(.messages > 0) | [.group, .topic, .messages] | @tsv'""",
)
@click.option(
    "--check", is_flag=True, help="Leave with 1 when messages were lost or waited for half of a topic's retention, or a topic is missing."
)
@json_option
@config_option
def list_(check: bool, as_json: bool, config: Path | None) -> int:
    """How far each group of services is behind on each topic it reads, and how long its oldest message has waited."""
    from tocsin.broker_admin import administration, backlogs, sizes
    from tocsin.cli.screen import write_json
    from tocsin.topic_plan import alarm
    from tocsin.topics import planned

    settings = settings_from(config)
    with administration(settings) as admin:
        found = backlogs(settings, admin)
        existing = sorted(admin.found())
    if as_json:
        for backlog in found:
            write_json(backlog)
    else:
        _show_backlogs(found, sizes(settings, existing))
    alarms = [line for backlog in found if (line := alarm(backlog))]
    missing = [name for name, _, _ in planned(settings) if name not in existing]
    if missing:
        alarms.append(f"{len(missing)} topics are missing, {missing[0]} for one: run `tocsin topics create`")
    for line in alarms:
        click.echo(f"tocsin: {line}", err=True)
    return 1 if check and alarms else 0


def _show_backlogs(found: "list[Backlog]", counted: dict[str, int]) -> None:
    from tocsin.cli.style import console

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="label")
    for name in ("topic", "messages", "group", "behind", "oldest", "of retention"):
        table.add_column(name, justify="left" if name in ("topic", "group") else "right", no_wrap=name == "topic")
    for topic, messages in counted.items():
        groups = [backlog for backlog in found if backlog.topic == topic]
        for index, backlog in enumerate(groups):
            waits = backlog.messages > 0
            table.add_row(
                topic if index == 0 else "",
                f"{messages:,}" if index == 0 else "",
                backlog.group,
                f"{backlog.messages:,}",
                _duration(backlog.oldest_seconds) if waits else "",
                f"{backlog.retention_used:.0%}" if waits else "",
            )
        if not groups:
            table.add_row(topic, f"{messages:,}", "", "", "", "")
    console().print(table)


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


@topics.command(
    epilog="""\b
Example:
  TOCSIN_HEALTH_PORT=9465 tocsin topics watch"""
)
@click.option("--every", default=30.0, show_default=True, type=click.FloatRange(1), help="Seconds between two looks.")
@config_option
def watch(every: float, config: Path | None) -> None:
    """Service: keep looking how far the groups are behind, for /metrics; /ready is red while a backlog is alarming.

    Set health_port (and health_bind) to say where it is asked.
    """
    from tocsin.broker_admin import administration, backlogs
    from tocsin.errors import TocsinError, UsageError
    from tocsin.health import Health, serve
    from tocsin.topic_plan import alarm

    settings = settings_from(config)
    if settings.health_port == 0:
        raise UsageError("set health_port: `tocsin topics watch` does nothing but answer there")
    stop = threading.Event()

    def stopping(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopping)
    health = Health("topics")
    with serve(settings, health):
        while not stop.is_set():
            health.beat()
            try:
                with administration(settings) as admin:
                    found = backlogs(settings, admin)
            except TocsinError as error:
                health.waits("groups", str(error))
            else:
                health.works("groups")
                health.started()
                for backlog in found:
                    for partition, messages in backlog.behind.items():
                        health.lag(backlog.group, backlog.topic, partition, messages)
                    health.retention_used(backlog.group, backlog.topic, backlog.retention_used)
                alarms = [line for backlog in found if (line := alarm(backlog))]
                if alarms:
                    health.waits("backlog", "; ".join(alarms))
                else:
                    health.works("backlog")
            stop.wait(every)
