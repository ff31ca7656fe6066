"""`tocsin notify` as a process, beside an embedded store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from sinks.notify.ledger import Row, open_ledger
from sinks.sqlite import open_store
from tocsin.alerting import Alert
from tocsin.errors import UsageError
from tocsin.store import Batch


class Notifier:
    """Runs of `tocsin notify` over one data folder. Use it as a context manager: what it started ends with it."""

    def __init__(self, folder: Path, channels: Path, **settings: object) -> None:
        self.data, self.channels = folder / "data", channels
        self.log = folder / "notify.log"
        given = {"notify_retry_most": 0.5, **settings, "data": self.data, "channels": channels}
        self.environment = {**os.environ, **{f"TOCSIN_{name.upper()}": str(value) for name, value in given.items()}}
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait()

    def rings(self, *alerts: Alert) -> None:
        """Alerts come into the store, as the embedded run writes them."""
        with open_store(self.data) as store:
            store.write(Batch(alerts=alerts))

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "tocsin", "notify", *arguments], env=self.environment, stdout=log, stderr=log)
        self._running.append(process)
        return process

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tocsin", "notify", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    def once(self) -> "subprocess.CompletedProcess[str]":
        return self.command("--once")

    def rows(self) -> list[Row]:
        """The ledger, as a command sees it."""
        done = self.command("list", "--json", "--limit", "0")
        return [msgspec.json.decode(line, type=Row) for line in done.stdout.splitlines()]

    def states(self) -> dict[str, str]:
        """State by key; read from the file, beside a running notifier."""
        try:
            with open_ledger(self.data / "notify", mode="reader") as ledger:
                return {row.key: row.state for row in ledger.rows()}
        except UsageError:
            return {}

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
        process.send_signal(number)
        return process.wait(15)
