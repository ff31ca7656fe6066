"""What people decide about alerts: what is silenced until when and why, what was seen, what was false. Beside the embedded store.

One file of JSON lines that is only ever added to, so that a person can decide while the pipeline runs. The pipeline looks at it when
something rings: what is silenced is kept, marked, and rings nowhere.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from tocsin.alerting import Alert, Reason, led_by, urgency
from tocsin.clock import parse
from tocsin.errors import DataError, UsageError
from tocsin.records import Record

FILE = "desk.jsonl"


class Decision(Record, frozen=True, kw_only=True):
    """One line."""

    at: str
    action: Literal["silence", "unsilence", "ack", "false"]
    rule: str = ""  # silence, unsilence; "": every rule
    subject: str = ""  # entity id; "": every subject
    until: str = ""
    alert_id: str = ""  # ack, false
    note: str = ""  # the reason


class Desk:
    """The decisions of one data folder."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the store."""
        self._path = folder / FILE
        self._size = -1
        self._known: tuple[Decision, ...] = ()

    def decisions(self) -> tuple[Decision, ...]:
        """Everything that was decided, oldest first. Raises DataError for a line that nobody can read."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return ()
        if size != self._size:
            lines = self._path.read_bytes().splitlines()
            try:
                self._known = tuple(msgspec.json.decode(line, type=Decision) for line in lines if line.strip())
            except msgspec.DecodeError as error:
                raise DataError(self._path, f"a line cannot be read ({error}): mend or remove it") from error
            self._size = size
        return self._known

    def decide(self, decision: Decision) -> None:
        """Add one, durably. Raises UsageError when it cannot be written."""
        line = msgspec.json.encode(decision) + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(file, line)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror or error}: choose the folder of the store with --data") from error

    def silences(self, at: str) -> tuple[Decision, ...]:
        """What is silenced at a time, the last word on each rule and subject."""
        last: dict[tuple[str, str], Decision] = {}
        for one in self.decisions():
            if one.action in ("silence", "unsilence") and parse(one.at) <= parse(at):
                last[one.rule, one.subject] = one
        return tuple(one for one in last.values() if one.action == "silence" and parse(at) < parse(one.until))

    def heard(self, alerts: Sequence[Alert], at: str) -> tuple[Alert, ...]:
        """The alerts, with what is silenced at a time marked."""
        silences = self.silences(at) if alerts else ()
        return tuple(_marked(alert, silences) for alert in alerts) if silences else tuple(alerts)

    def status(self) -> dict[str, Decision]:
        """Alert id -> whether it was seen or false: the last word."""
        return {one.alert_id: one for one in self.decisions() if one.alert_id}


def _marked(alert: Alert, silences: Sequence[Decision]) -> Alert:
    rules = tuple(sorted((_silenced(reason, silences) for reason in alert.rules), key=urgency))
    if rules == alert.rules or not rules:
        return alert
    return led_by(replace(alert, rules=rules, silenced=rules[0].silenced), rules[0])


def _silenced(reason: Reason, silences: Sequence[Decision]) -> Reason:
    for one in silences:
        if one.rule in ("", reason.rule_id) and one.subject in ("", reason.subject, *reason.subject.split("|")):
            return replace(reason, silenced=f"until {one.until}: {one.note}")
    return reason
