"""`tocsin notify`: reads alerts, decides what is to be told, tells it. All that it knows lies in the ledger.

One thread reads, decides and writes the ledger; each channel has a thread that does nothing but send, one notification at a time, so a
channel that is slow or dead delays no other. What is decided is on the disk before it is sent, and a try is noted before it begins.
"""

import logging
import queue
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from sinks.notify import decide
from sinks.notify.arrivals import Arrival, Source
from sinks.notify.channels import Channel, Channels
from sinks.notify.ledger import Failing, Ledger, Row, row_id
from sinks.notify.notice import Notice
from sinks.notify.outcome import TRIES, Outcome, back_off
from sinks.notify.watch import Watch
from tocsin import clock
from tocsin.errors import TocsinError, UsageError
from tocsin.settings import Settings

LOG = logging.getLogger("tocsin.notify")
FLOOD = 100
"""Alerts waiting at the very first start above which a person is asked whether to tell them."""
_PATIENCE = 8.0  # seconds for what is being sent when asked to stop
_IDLE = 0.5  # seconds
_BUSY = 0.02
_KEPT = timedelta(days=365)  # of what was sent
_HOUSEKEEPING = 3600.0
_TURNS = 5  # tries in a row of one notification before others have a turn
_POISON = 10  # tries of one that does not get through while others do, before it can be given up
_BURIED = 500  # notifications given up at once


class Sender(Protocol):
    """Tells one channel."""

    def send(self, notice: Notice, key: str) -> Outcome:
        """One try."""


class Done(NamedTuple):
    """One try is over."""

    channel: str
    row: Row
    outcome: Outcome


def sender_of(channel: Channel) -> Sender:
    """What sends to a channel. Raises UsageError when it cannot be."""
    if channel.kind == "webhook":
        from sinks.notify.webhook import Webhook

        return Webhook(channel)
    from sinks.notify.apprise_service import AppriseService

    return AppriseService(channel)


class Notifier:
    """One run."""

    def __init__(self, settings: Settings, channels: Channels, ledger: Ledger, source: Source, watch: Watch, stop: threading.Event) -> None:
        """Raises UsageError when a channel cannot be sent to at all."""
        self._settings, self._channels, self._ledger, self._source, self._watch, self._stop = (
            settings,
            channels,
            ledger,
            source,
            watch,
            stop,
        )
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._busy: dict[str, float] = {}  # channel -> when its try began
        self._work: dict[str, queue.SimpleQueue[Row]] = {}
        senders: Mapping[str, Sender] = {channel.name: sender_of(channel) for channel in channels.all}
        for name, sender in senders.items():
            self._work[name] = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(name, sender, self._work[name]), name=f"channel {name}", daemon=True).start()
        self._failing = ledger.failing()
        self._shown = self._housekept = 0.0
        self._once = False
        self.sent = 0

    def _serve(self, name: str, sender: Sender, work: "queue.SimpleQueue[Row]") -> None:
        while True:
            row = work.get()
            try:
                outcome = sender.send(row.notice, row.key)
            except Exception as error:
                LOG.exception("channel %s", name)
                outcome = Outcome("failed", f"bug: {type(error).__name__}")
            self._done.put(Done(name, row, outcome))

    def run(self, *, once: bool = False, backlog: str = "") -> None:
        """Work until asked to stop; `once`: until all that is there has been read and all that is due has been tried.

        `backlog`: "send" or "skip" what waits at the very first start. Raises TocsinError when the world is not as it must be.
        """
        self._once = once
        try:
            self._begin(backlog)
            while not self._stop.is_set():
                self._watch.beat()
                arrivals = self._source.read(0.0 if self._busy else _IDLE)
                self._take(arrivals)
                self._launch()
                self._collect(_BUSY if self._busy else 0.0)
                self._launch()
                self._show()
                if once and not arrivals and not self._busy and self._source.caught_up():
                    break
            self._finish()
        except TocsinError as error:
            self._watch.waits("notify", str(error))
            raise
        finally:
            self._source.close()

    def _begin(self, backlog: str) -> None:
        positions = self._kept = self._ledger.positions()
        self._source.open(positions)
        if not positions and (waiting := self._waiting_at_first()):
            if backlog == "skip":
                with self._ledger.transaction():
                    self._keep(self._source.skip())
                LOG.info("%d alerts from before are not told", waiting)
            elif waiting > FLOOD and backlog != "send":
                raise UsageError(f"{waiting:,} alerts wait at this first start: add --backlog send to tell them all, or --backlog skip")
        known = {channel.name for channel in self._channels.all}
        for name, number in self._ledger.pending().items():
            if name not in known:
                LOG.warning("%d notifications wait for the channel %s, which the channels file does not name", number, name)
                self._watch.waits(f"channel {name}", f"{number} notifications wait for it, and the channels file does not name it")
        for name, failing in self._failing.items():
            if name in known:
                self._watch.waits(f"channel {name}", failing.why)
        self._watch.started()
        LOG.info("channels: %s", ", ".join(sorted(known)))

    def _waiting_at_first(self) -> int:
        try:
            return self._source.waiting()
        except UsageError:  # no store yet: reading says so
            return 0

    def _keep(self, positions: Mapping[str, int]) -> None:
        for name, following in positions.items():
            self._ledger.put_position(name, following)
        self._kept = dict(positions)

    # --- deciding ---

    def _take(self, arrivals: list[Arrival]) -> None:
        """Decide, and keep the decisions together with how far was read."""
        if arrivals or self._source.positions() != self._kept:
            self._write(arrivals)
        self._source.decided()

    def _write(self, arrivals: list[Arrival]) -> None:
        new = 0
        with self._ledger.transaction():
            for arrival in arrivals:
                new += self._decide(arrival)
            self._keep(self._source.positions())
        self._watch.count("decided", new)

    def _decide(self, arrival: Arrival) -> int:
        now = clock.now()
        known = self._ledger.rows_of(arrival.alert.alert_id)
        alert = decide.whole(arrival.alert, known)
        if arrival.redriven:
            self._ledger.try_again([row.id for row in known if row.state == "given-up"], time.time())
        told = self._ledger.told(decide.corrected_threads(alert)) if decide.is_correction(alert) else set()
        new, gather = 0, 0.0 if self._once or alert.severity == "critical" else self._source.gather
        for made in decide.decide(alert, self._channels.all, known, told):
            archive = self._channels.archive_link(alert)
            notice = Notice(kind=made.kind, alert=alert, claim=arrival.claim, before=made.before, archive=archive)
            if made.renews is not None:
                self._ledger.renew(made.renews, notice, alert.severity)
                continue
            row = Row(
                id=row_id(made.key),
                key=made.key,
                alert_id=alert.alert_id,
                channel=made.channel,
                kind=made.kind,
                severity=alert.severity,
                state="pending",
                notice=notice,
                origin=arrival.origin,
                created_at=now,
                due=time.time() + gather,
            )
            new += self._ledger.add(row)
        if known or new:
            self._ledger.belongs(alert.alert_id, decide.threads_of(alert))
        return new

    # --- telling ---

    def _launch(self) -> None:
        """Give every idle channel its next notification."""
        now = time.time()
        for name, work in self._work.items():
            failing = self._failing.get(name)
            if name in self._busy or (failing is not None and failing.not_before > now):
                continue
            row = self._ledger.next_due(name, now)
            if row is None:
                continue
            with self._ledger.transaction():
                self._ledger.begin(row, clock.now())
            self._busy[name] = now
            work.put(row)

    def _collect(self, seconds: float) -> None:
        """Take in what is over."""
        while True:
            try:
                done = self._done.get(timeout=seconds) if seconds else self._done.get_nowait()
            except queue.Empty:
                return
            seconds = 0.0
            self._busy.pop(done.channel, None)
            self._land(done)

    def _land(self, done: Done) -> None:
        name, row, outcome = done
        LOG.log(
            logging.INFO if outcome.kind == "sent" else logging.WARNING,
            "%s: %s %s%s%s",
            name,
            row.kind,
            row.alert_id,
            f" {outcome.kind}",
            f": {outcome.why}" if outcome.why else "",
        )
        self._watch.count(outcome.kind)
        if outcome.kind == "failed":
            self._note_failure(name, row, outcome)
            return
        given_up = False
        if outcome.kind == "refused" and row.attempts + 1 >= TRIES:
            given_up = self._bury([replace(row, why=f"refused {row.attempts + 1} times: {outcome.why}")])
        with self._ledger.transaction():
            if outcome.kind == "sent":
                self._ledger.sent(row, clock.now())
                self.sent += 1
            elif not given_up:
                self._ledger.failed(
                    row, outcome.why, time.time() + back_off(row.attempts + 1, self._settings.notify_retry_most, outcome.after)
                )
            self._ledger.works(name)
            before = self._failing.pop(name, None)
            if before is not None and before.failures >= _TURNS:
                self._ledger.all_due(name, time.time())
        if before is not None:
            LOG.info("%s works again", name)
        self._watch.works(f"channel {name}")

    def _note_failure(self, name: str, row: Row, outcome: Outcome) -> None:
        now, most = time.time(), self._settings.notify_retry_most
        before = self._failing.get(name)
        failures = before.failures + 1 if before else 1
        wait = back_off(failures, most, outcome.after)
        # Only time in which a notifier was there to try counts towards giving up.
        lasted = min(now - before.last, max(2 * most, before.not_before - before.last + self._timeout(name))) if before else 0.0
        failing = Failing(
            name=name,
            since=before.since if before else clock.now(),
            failures=failures,
            seconds=(before.seconds if before else 0.0) + max(0.0, lasted),
            last=now,
            not_before=now + wait,
            why=outcome.why,
            dead=before.dead if before else False,
        )
        with self._ledger.transaction():
            # The oldest goes first, but one that fails again and again lets others have a turn: it may be the message and not the channel.
            turn = row.attempts + 1 >= _TURNS and self._ledger.pending()[name] > 1
            self._ledger.failed(row, outcome.why, failing.not_before + max(most, 4 * _IDLE) if turn else now)
            self._ledger.put_failing(failing)
        self._failing[name] = failing
        self._watch.waits(f"channel {name}", f"fails since {failing.since} ({failures} tries): {outcome.why}")
        if failing.seconds >= self._settings.notify_give_up:
            self._give_up(failing, now)
        elif row.attempts + 1 >= _POISON and row.created_at <= clock.iso_of(now - self._settings.notify_give_up):
            self._bury([replace(row, why=f"tried {row.attempts + 1} times since {row.created_at}: {outcome.why}")])

    def _timeout(self, name: str) -> float:
        channel = self._channels.named(name)
        return channel.timeout if channel else 0.0

    def _give_up(self, failing: Failing, now: float) -> None:
        """Set aside what has waited too long for a dead channel, and raise the alarm once."""
        before = clock.iso_of(now - self._settings.notify_give_up)
        while rows := self._ledger.waiting_since(failing.name, before, _BURIED):
            why = f"channel failing since {failing.since}: {failing.why}"
            if not self._bury([replace(row, why=why) for row in rows]):
                return
        if failing.dead:
            return
        LOG.error("channel %s is dead: %s", failing.name, failing.why)
        self._failing[failing.name] = dead = replace(failing, dead=True)
        with self._ledger.transaction():
            self._ledger.put_failing(dead)
            for channel in self._channels.all:
                if channel.name != failing.name:
                    self._ledger.add(_alarm(failing, channel.name))

    def _bury(self, rows: list[Row]) -> bool:
        """Give up, after what is given up has been set aside. Returns False when that was not possible now."""
        try:
            self._source.bury(rows)
        except TocsinError as error:
            LOG.warning("cannot set aside now: %s", error)
            return False
        with self._ledger.transaction():
            for row in rows:
                self._ledger.give_up(row, row.why)
        for row in rows:
            LOG.error("given up: %s for %s: %s", row.id, row.channel, row.why)
        self._watch.count("given-up", len(rows))
        return True

    def _show(self) -> None:
        """Figures, now and then; what was sent long ago is forgotten."""
        now = time.monotonic()
        if now - self._shown < 1.0:
            return
        self._shown = now
        self._failing = self._ledger.failing()  # an operator's `retry` changes it
        pending = self._ledger.pending()
        for name in {*self._work, *pending}:
            failing = self._failing.get(name)
            self._watch.channel(name, pending.get(name, 0), time.time() - clock.parse(failing.since).timestamp() if failing else 0.0)
        for name, began in self._busy.items():
            if time.time() - began > 60 + 4 * self._timeout(name):
                self._watch.waits(f"channel {name}", "a try does not end; restart the notifier if it stays so")
        if now - self._housekept > _HOUSEKEEPING:
            self._housekept = now
            with self._ledger.transaction():
                self._ledger.forget(clock.iso(clock.parse(clock.now()) - _KEPT))

    def _finish(self) -> None:
        """Wait for what is being sent; what does not end is tried again by the next notifier."""
        until = time.monotonic() + _PATIENCE
        while self._busy and time.monotonic() < until:
            self._collect(0.1)
        if self._busy:
            LOG.warning("not waiting for %s: tried again at the next start, and may be told twice", ", ".join(self._busy))
        LOG.info("stopped, %d notifications sent", self.sent)


def _alarm(failing: Failing, channel: str) -> Row:
    """The notification that tells one channel that another is dead."""
    about = f"alarm:{failing.name}:{failing.since}"
    key = f"{about}:{channel}"
    body = (
        f"The channel {failing.name} has failed since {failing.since}.\n{failing.why}\n"
        "Notifications that waited too long for it are given up. See: tocsin notify list --given-up"
    )
    notice = Notice(kind="alarm", headline=f"Notifications to {failing.name} do not get through", body=body)
    return Row(
        id=row_id(key),
        key=key,
        alert_id=about,
        channel=channel,
        kind="alarm",
        severity="critical",
        state="pending",
        notice=notice,
        created_at=clock.now(),
    )
