"""`tocsin worker`: one stage as a Faust app. The only file that knows Faust.

Faust reads, shares partitions out, keeps the tables' rows near (RocksDB) and rebuilds them from their changelogs. Around it:

- Messages are raw bytes and are decoded here, so that one that cannot be read is a dead letter and no crash.
- Acknowledging is ours (`noack`): `Stream.take_events` acknowledges a batch also when it is cancelled halfway, which loses it. The order
  is: outputs on the broker, then changed rows on the broker, then those rows in the local table, then the input is acknowledged.
- Rows belong to the partition of the message that changed them, named explicitly: what Faust takes for the partition of a table write
  is that of the last event read. Subjects, articles and rows share one hash, so a worker has what it needs.
- Local rows are written as if they had come back from the changelog, with its offset: after a crash Faust reads on from there.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import faust
import uvloop
from faust.types import TP

from streams.batches import Taken, Work, changed_rows, messages, watch
from streams.outbox import Outbox, ssl_context
from streams.overlay import Overlay
from streams.rows import Rows, StateError, changelog_event, encoded
from streams.stages import STAGES, Stage
from tocsin import topics
from tocsin.broker import BrokerError
from tocsin.dead_letters import redrives_of
from tocsin.errors import NewerSchema, TocsinError, UsageError
from tocsin.health import Health, serve
from tocsin.messages import DeadLetter
from tocsin.settings import Settings, folder_of
from tocsin.sqlite_file import lock

_LOG = logging.getLogger(__name__)
LINGER = 0.02
"""Seconds waited for more once one message has come: what comes together shares messages and commits."""
_FEW = 10  # with a tenth of a batch waiting, nothing is waited for
_SHARE = 20  # of a batch, old material has a twentieth for itself
_AHEAD = 10  # of old material a tenth of a batch is read ahead,
_ALONE = 5  # and a fifth is processed together: what is new and comes meanwhile stands behind no more
_BREATH = 0.005  # seconds of work between two looks at the network
_IDLE = 1.0  # seconds between two signs of life while nothing comes
_SESSION = 15  # seconds after which the partitions of one who is silent go to others
_HEARTBEAT = 3  # seconds
_SUSPICIOUS = 8.0  # seconds without a look at the clock: half a session
_STOP = 9.0  # seconds for stopping in good order


class Lost(TocsinError):
    """Others may have what this worker thinks it has: nothing is kept, and it begins anew as if it had been killed."""


class Worker:
    """One stage, from joining the group to leaving it."""

    def __init__(self, settings: Settings, stage: Stage, index: int = 0) -> None:
        """Load what the stage must know, take its folder. Raises UsageError or DataError."""
        self._settings, self._stage = settings, stage
        self._name = stage.name if not index else f"{stage.name}-{index}"
        self._folder = folder_of(settings, "worker") / self._name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held = lock(self._folder / "lock", self._folder)
        except OSError as error:
            raise UsageError(f"{self._folder}: {error.strerror or error}: choose another folder with --data") from error
        self._knowledge = stage.load(settings)
        self.health = Health(f"worker-{self._name}")
        self._outbox = Outbox(settings, f"worker-{self._name}")
        self._works: dict[int, tuple[Work, dict[str, int | None]]] = {}
        self._live: asyncio.Queue[Any] = asyncio.Queue(stage.batch)
        self._backfill: asyncio.Queue[Any] = asyncio.Queue(max(1, stage.batch // _AHEAD))
        self._arrived = asyncio.Event()
        self._awake = time.monotonic()  # when this process was last seen at work
        self._doubt = 0.0  # until then it may have lost what it has
        self.app = self._app()
        self._tables = {table.name: (table, self._table(table)) for table in topics.TABLES if table.stage == stage.name}
        for queue, name in zip((self._live, self._backfill), topics.lanes(settings, stage.reads), strict=False):
            ahead = None if queue is self._live else max(1, stage.batch // _AHEAD)
            self.app.agent(self._topic(name, ahead), name=name)(self._reader(queue))

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Raises TocsinError when the world is broken."""
        await self._outbox.start()
        try:
            await self._check_topics()
            await self.app.start()
            working = asyncio.create_task(self._work())
            stopping = asyncio.create_task(stop.wait())
            try:
                while not stopping.done() and not working.done():
                    await asyncio.wait((working, stopping), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
                    self._tell()
                    if self.app.crashed:
                        raise _explained(self.app.crash_reason)
                if working.done():
                    if isinstance(working.exception(), Lost):
                        _begin_anew(str(working.exception()))
                    working.result()
            finally:
                stopping.cancel()
                if working.done():  # nobody finishes what Faust would wait for
                    self.app.conf.stream_wait_empty = False
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.app.stop(), _STOP)
                working.cancel()
                with suppress(asyncio.CancelledError, TocsinError):
                    await working
        finally:
            await self._outbox.stop()

    def _tell(self) -> None:
        """Ready is who has its share of the partitions, and the state that goes with them."""
        self._look_at_clock()
        if self.app.rebalancing or self.app.in_recovery or not cast(Any, self.app.tables).recovery.completed.is_set():
            self.health.waits("partitions", "the workers share the partitions out, or the state is read")
        else:
            self.health.works("partitions")
            self.health.started()

    def _app(self) -> faust.App:
        settings = self._settings
        addresses = [f"kafka://{address.strip()}" for address in settings.kafka.split(",") if address.strip()]
        credentials: Any = None
        secure = ssl_context(settings) if settings.kafka_security.endswith("SSL") else None
        if settings.kafka_security.startswith("SASL"):
            credentials = faust.SASLCredentials(
                username=settings.kafka_user, password=settings.kafka_password, mechanism="SCRAM-SHA-512", ssl_context=secure
            )
        elif secure is not None:
            credentials = faust.SSLCredentials(secure)
        return faust.App(
            topics.group(settings, self._stage.name),
            broker=addresses,
            broker_credentials=credentials,
            broker_client_id=f"worker-{self._name}-{settings.node}",
            consumer_group_instance_id=f"{settings.node}-{self._name}",
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=topics.MAX_BYTES + 100_000,
            broker_session_timeout=_SESSION,
            broker_heartbeat_interval=_HEARTBEAT,
            broker_request_timeout=30,
            broker_commit_interval=0.5,
            broker_max_poll_records=self._stage.batch,
            producer_acks=-1,
            producer_linger=0.005,
            producer_max_request_size=topics.MAX_BYTES + 100_000,
            producer_compression_type="lz4",
            stream_buffer_maxsize=self._stage.batch,
            stream_wait_empty=True,
            store="rocksdb://",
            datadir=str(self._folder),
            table_standby_replicas=1 if self._stage.tables else 0,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
            web_bind="127.0.0.1",
            autodiscover=False,
        )

    def _topic(self, name: str, ahead: int | None) -> Any:
        return self.app.topic(
            name,
            maxsize=ahead,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
            partitions=topics.count_of(self._settings, self._stage.reads),
        )

    def _table(self, table: topics.Table) -> faust.Table[bytes, bytes]:
        # A partition's rows are a database of their own: small buffers, because there are many.
        made = self.app.Table(
            table.name,
            key_type=bytes,
            value_type=bytes,
            partitions=topics.count_of(self._settings, table),
            options={"driver": "rocksdict", "write_buffer_size": 8_000_000, "max_write_buffer_number": 2, "block_cache_size": 16_000_000},
        )
        return cast("faust.Table[bytes, bytes]", made)

    def _reader(self, queue: "asyncio.Queue[Any]") -> Any:
        async def read(stream: Any) -> None:
            async for event in stream.noack().events():
                await queue.put(event)
                self._arrived.set()

        return read

    async def _check_topics(self) -> None:
        """A missing topic would stall Faust without a word."""
        settings, stage = self._settings, self._stage
        wanted = {
            name: topics.count_of(settings, topic)
            for topic in (stage.reads, *stage.writes, topics.DEAD_LETTERS)
            for name in topics.lanes(settings, topic)
        }
        wanted |= {topics.changelog(settings, table): topics.count_of(settings, table) for table, _ in self._tables.values()}
        found = await self._outbox.partitions(wanted)
        missing = sorted(set(wanted) - set(found))
        if missing:
            raise UsageError(f"Kafka has no topic {', '.join(missing)}: run `tocsin topics create` first")
        for name, count in wanted.items():
            if found[name] != count:
                raise UsageError(
                    f"topic {name} has {found[name]} partitions, the setting partitions says {count}: all services must have the same; "
                    "a new topic_generation can have another number"
                )

    # --- batches -------------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            batch = await self._batch()
            self.health.beat()
            with self.health.timed(self._stage.name):
                await self._process(batch)

    async def _batch(self) -> list[Any]:
        """Wait for messages; new material before old, which has a small share however much is new."""
        while self._live.empty() and self._backfill.empty():
            self.health.beat()
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), _IDLE)
        most = self._stage.batch
        if self._live.qsize() + self._backfill.qsize() < most // _FEW:
            await asyncio.sleep(LINGER)
        old = min(most // _SHARE, self._backfill.qsize())
        batch = [self._live.get_nowait() for _ in range(min(most - old, self._live.qsize()))]
        old = min(most - len(batch), max(1, most // _ALONE), self._backfill.qsize())
        return batch + [self._backfill.get_nowait() for _ in range(old)]

    async def _process(self, batch: list[Any]) -> None:
        outputs, letters, done, newer = [], [], [], None
        by_partition: dict[int, list[Any]] = {}
        for event in batch:
            by_partition.setdefault(event.message.partition, []).append(event)
        moment = time.monotonic()
        for partition, events in by_partition.items():
            work = await self._opened(partition)
            for event in events:
                self.health.beat()  # here, where the work is done: a loop beside it would go on when this one hangs
                message = event.message
                try:
                    again = redrives_of(message.headers)
                    read = Taken(message.topic, partition, message.offset, message.key, message.value, again, message.timestamp)
                    made = work.take(read)
                except NewerSchema as error:
                    newer = TocsinError(f"{message.topic}: {error}")
                    break
                if isinstance(made, DeadLetter):
                    letters.append(made)
                    _LOG.warning("dead letter: %s %s/%d: %s", message.topic, partition, message.offset, made.error)
                else:
                    outputs += made
                done.append(event)
                if time.monotonic() - moment > _BREATH:
                    await asyncio.sleep(0)
                    moment = time.monotonic()
        await self._check_clock(done)
        await self._outbox.send(messages(self._settings, outputs, letters))
        await self._check_clock(done)
        await self._keep(by_partition)
        for event in done:
            event.ack()
        self.health.count(self._stage.name, "dead-letter", len(letters))
        self.health.count(self._stage.name, "processed", len(done) - len(letters))
        if newer is not None:
            raise newer

    async def _check_clock(self, events: list[Any]) -> None:
        """Raise `Lost` when others may have taken these messages over while this process was asleep (a paused machine).

        Who was asleep does not know what it has lost: it waits until it must.
        """
        self._look_at_clock()
        if (doubtful := self._doubt - time.monotonic()) > 0:
            await asyncio.sleep(doubtful)
            assigned = self.app.consumer.assignment()
            if self.app.rebalancing or not all(event.message.tp in assigned for event in events):
                raise Lost("this worker was asleep, and others have taken over: it joins them again")

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now - self._awake > _SUSPICIOUS:
            self._doubt = now + 2 * _HEARTBEAT
        self._awake = now

    async def _opened(self, partition: int) -> Work:
        """The stage with this partition's tables; made anew when another worker has had the partition and changed them."""
        offsets = self._offsets(partition)
        known = self._works.get(partition)
        if known is not None and known[1] == offsets:
            return known[0]
        tables = {name: Overlay(Rows(made, partition, self._stage.tables[name])) for name, (_, made) in self._tables.items()}
        work = await asyncio.to_thread(Work, self._stage, self._knowledge, tables)
        self._works[partition] = (work, offsets)
        return work

    def _offsets(self, partition: int) -> dict[str, int | None]:
        return {name: made.data.persisted_offset(self._changelog(table, partition)) for name, (table, made) in self._tables.items()}

    def _changelog(self, table: topics.Table, partition: int) -> TP:
        return TP(topics.changelog(self._settings, table), partition)

    async def _keep(self, partitions: Mapping[int, Any]) -> None:
        """Put changed rows on the broker, then into the local tables."""
        if not self._tables:
            return
        overlays = {(name, partition): self._works[partition][0].tables[name] for name in self._tables for partition in partitions}
        rows = {where: {key: encoded(row) for key, row in overlay.changes().items()} for where, overlay in overlays.items()}
        last = await self._outbox.send(
            message
            for (name, partition), changes in rows.items()
            for message in changed_rows(self._settings, self._tables[name][0], partition, changes)
        )
        for (name, partition), changes in rows.items():
            table, made = self._tables[name]
            where = self._changelog(table, partition)
            before = made.data.persisted_offset(where)
            expected = (-1 if before is None else before) + len(changes)
            offset = last.get((where.topic, partition), -1)
            if offset not in (expected, -1):  # -1: the broker had it already, and does not say where
                raise Lost(f"another worker has written the state of {where.topic}/{partition}: this one joins again, and reads it")
            events = [changelog_event(where, expected, key, row) for key, row in changes.items()]
            try:
                if events:
                    made.data.apply_changelog_batch(cast(Any, events), bytes, bytes)
            except Exception as error:
                raise StateError(f"{self._folder}: cannot write state ({error}): is the disk full? What is here can be deleted") from error
            overlays[name, partition].settle()
        for partition in partitions:
            self._works[partition] = (self._works[partition][0], self._offsets(partition))


def run_worker(settings: Settings, stage_name: str, index: int = 0) -> None:
    """Run one stage until SIGTERM or SIGINT; a second signal ends it at once. Raises TocsinError when the world is broken.

    `index`: tells workers of one stage on one machine apart; each keeps its state in a folder of its own.
    """
    stage = next(stage for stage in STAGES if stage.name == stage_name)
    for name in ("faust", "mode", "aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log every lost connection, again and again; we say it once
    worker = Worker(settings, stage, index)
    gc.freeze()  # what is loaded now stays
    end = watch()
    try:
        with serve(settings, worker.health), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(worker))
    except TocsinError as error:
        _leave_soon(error.exit_code)  # a thread of Faust's may wait for a broker that is gone
        raise
    finally:
        end()


async def _until_stopped(worker: Worker) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        loop.call_later(_STOP, os._exit, 1)  # killed now or by whoever waits: nothing is lost, the broker has what counts
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)
    await worker.run(stop)


def _begin_anew(why: str) -> None:
    """Replace this process by its like: as after a kill, nothing of what was under way is kept."""
    _LOG.warning("%s", why)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # the very command that runs


def _leave_soon(code: int) -> None:
    timer = threading.Timer(_STOP, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _explained(reason: BaseException | None) -> TocsinError:
    """Whatever ended Faust, in one line."""
    if isinstance(reason, TocsinError):
        return reason
    return BrokerError(f"the stream ended ({type(reason).__name__}: {reason}); is Kafka well? Started again, it goes on where it was")
