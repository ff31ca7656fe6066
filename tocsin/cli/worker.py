"""`tocsin worker`: the stages of the distributed stream, one process each."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from tocsin.cli.options import config_option, data_option, rules_option, settings_from
from tocsin.topics import STAGES

_PATIENCE = 10.0  # seconds for stopping in good order


@click.command(
    epilog="""\b
Examples:
  tocsin worker
  tocsin worker --stage tag
  tocsin worker --stage tag --index 1"""
)
@click.option("--stage", type=click.Choice(STAGES), default=None, help="Run this stage alone; default: all, one process each.")
@click.option("--index", type=click.IntRange(0, 999), default=0, help="Number of this worker among those of one stage on this machine.")
@data_option
@rules_option
@config_option
def worker(stage: str | None, index: int, data: str | None, rules: str | None, config: Path | None) -> None:
    """Process the stream: cluster, tag, alerts, ledger. Needs Kafka, and its topics (`tocsin topics create`).

    Ctrl-C stops in good order; nothing is lost by a kill either. Start as many workers of a stage as you like, on any machine: they
    share the work (the stage cluster has one worker at a time, others stand by). All stages in one go have the health ports from
    health_port on: cluster the first.
    """
    settings = settings_from(config, data=data, rules=rules)
    if stage is None:
        sys.exit(_all(sys.argv[1:], settings.health_port))
    from streams.worker_process import run_worker

    run_worker(settings, stage, index)


def _all(arguments: list[str], port: int) -> int:
    """Run every stage in a process of its own, with ports for health from `port` on; when one ends, all do. Returns the exit code."""
    command = [sys.executable, "-m", "tocsin", *arguments, "--stage"]
    children = {
        stage: subprocess.Popen([*command, stage], env={**os.environ, "TOCSIN_HEALTH_PORT": str(port + number if port else 0)})  # noqa: S603
        for number, stage in enumerate(STAGES)
    }
    stopping: list[int] = []
    before = {number: signal.signal(number, lambda number, _: stopping.append(number)) for number in (signal.SIGINT, signal.SIGTERM)}
    ended: tuple[str, int] | None = None
    try:
        while not stopping and ended is None:
            time.sleep(0.1)
            ended = next(((name, child.returncode) for name, child in children.items() if child.poll() is not None), None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _stop(list(children.values()))
    if ended is None:
        return 0
    name, code = ended
    click.echo(f"tocsin: the stage {name} ended (exit code {code}); all stages are stopped", err=True)
    return code if code > 0 else 1


def _stop(children: "list[subprocess.Popen[bytes]]") -> None:
    """End the processes in good order, and after a while at once."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
