"""`tocsin worker`: one stage as a Faust app. The only file that knows Faust.

Faust reads, shares partitions out, keeps the tables' rows near (RocksDB) and rebuilds them from their changelogs. Around it:

- Messages are raw bytes and are decoded here, so that one that cannot be read is a dead letter and no crash.
- Acknowledging is ours (`noack`): `Stream.take_events` acknowledges a batch also when it is cancelled halfway, which loses it. The order
  is: outputs on the broker, then changed rows on the broker, then those rows in the local table, then the input is acknowledged.
- What may be committed is ours too (streams.progress): Faust takes a jump in the offsets it hands out for messages that never were, and it
  jumps when it seeks while it hands out. What it had not yet given us at the next rebalance was lost then.
- While partitions are shared out nobody waits for what is queued here: it is let go, and read again by whoever has it next.
- Rows belong to the partition of the message that changed them, named explicitly: what Faust takes for the partition of a table write
  is that of the last event read. Subjects, articles and rows share one hash, so a worker has what it needs.
- Local rows are written as if they had come back from the changelog, with its offset: after a crash Faust reads on from there.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import faust
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import notify

from streams.batches import Taken, Work, changed_rows, messages
from streams.outbox import Outbox, ssl_context
from streams.overlay import Overlay
from streams.progress import Progress
from streams.rows import Rows, StateError, changelog_event, encoded
from streams.stages import Stage
from tocsin import topics
from tocsin.broker import BrokerError
from tocsin.dead_letters import redrives_of
from tocsin.errors import NewerSchema, TocsinError, UsageError
from tocsin.health import Health
from tocsin.messages import DeadLetter
from tocsin.settings import Settings, folder_of
from tocsin.sqlite_file import lock

_LOG = logging.getLogger(__name__)
LINGER = 0.02
"""Seconds waited for more once one message has come: what comes together shares messages and commits."""
_FEW = 10  # with a tenth of a batch waiting, nothing is waited for
_ENOUGH = 0.5  # seconds of work that make a batch, full or not: what is at its head is sent and committed at its end
_FIRST = 10  # messages of the first batch, when nobody knows how long one takes; and of the smallest
_SHARE = 20  # of a batch, old material has a twentieth for itself
_AHEAD = 10  # of old material a tenth of a batch is read ahead,
_ALONE = 5  # and a fifth is processed together: what is new and comes meanwhile stands behind no more
_BREATH = 0.005  # seconds of work between two looks at the network
_IDLE = 1.0  # seconds between two signs of life while nothing comes
_SESSION = 10  # seconds after which the partitions of one who is silent go to others
_HEARTBEAT = 1  # seconds: how soon a member learns that partitions are shared out anew
_SUSPICIOUS = 6.0  # seconds without a look at the clock, after which others may have acted: less than a session and a heartbeat
_DOUBT = 6.0  # seconds within which who was asleep hears of that
STOP = 9.0  # seconds for stopping in good order
_REPLACED, _LATELY = 5, 15.0  # times within so many seconds that a worker's place in the group was taken: it has a double
_FETCH = 100
"""Milliseconds that a fetch waits for data. There is one at a time for each broker, of the partitions whose messages are all handed on:
one of empty partitions keeps the next of a full one waiting for so long. Faust's 1.5 s halved the speed, and delayed what was new."""


class Lost(TocsinError):
    """Others may have what this worker thinks it has: nothing is kept, and it begins anew as if it had been killed."""


class _Reading(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        reader = super()._create_worker_consumer(transport)
        reader._fetch_max_wait_ms = _FETCH  # Faust has no setting for it
        return reader

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Read on from what is committed; where nothing is, from the beginning. aiokafka would go on where it was: after what we let go."""
        found = await super().seek_to_committed()
        if fresh := [tp for tp, offset in found.items() if not offset]:
            await self.seek_to_beginning(*fresh)
        return found


class _Consumer(driver.Consumer):
    committable: Callable[[], dict[TP, int]]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:  # noqa: ARG002 - Faust's signature
        return {tp: offset for tp, offset in self.committable().items() if self._should_commit(tp, offset)}

    def member(self) -> str:
        """What the broker calls this member of the group; "": nothing yet, or no more."""
        reader = cast(Any, self._thread)._consumer
        return str(getattr(getattr(reader, "_coordinator", None), "member_id", ""))

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Reading(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Tables(TableManager):
    async def on_start(self) -> None:
        """As Faust's, without its second of waiting for tables that others may still define: ours are all there."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class _App(faust.App):
    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


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
        self._progress: Progress[TP] = Progress()
        self._pace = _ENOUGH / _FIRST  # seconds that a message takes, as of late
        self._member = ""
        self._replaced: list[float] = []  # when
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
            self._consumer.committable = self._committable
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
                    await asyncio.wait_for(self.app.stop(), STOP)
                working.cancel()
                with suppress(asyncio.CancelledError, TocsinError):
                    await working
        finally:
            await self._outbox.stop()

    @property
    def _consumer(self) -> _Consumer:
        return cast(_Consumer, self.app.consumer)  # bound to the loop that runs when it is first asked for

    def _tell(self) -> None:
        """Ready is who has its share of the partitions, and the state that goes with them."""
        self._look_at_clock()
        self._look_for_double()
        if self.app.rebalancing or self.app.in_recovery or not cast(Any, self.app.tables).recovery.completed.is_set():
            self.health.waits("partitions", "the workers share the partitions out, or the state is read")
        else:
            self.health.works("partitions")
            self.health.started()

    def _look_for_double(self) -> None:
        """Raise UsageError when another worker has this one's name: each takes the other's place in the group, for ever."""
        member, now = self._consumer.member(), time.monotonic()
        if member and self._member and member != self._member:
            self._replaced = [*(at for at in self._replaced if at > now - _LATELY), now]
            if len(self._replaced) >= _REPLACED:
                raise UsageError(
                    f"another worker --stage {self._stage.name} seems to run as node {self._settings.node!r}: its place in the group was "
                    f"taken {_REPLACED} times within {_LATELY:.0f} s; give each a TOCSIN_NODE of its own (or an --index)"
                )
        self._member = member or self._member

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
        return _App(
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
            TableManager=_Tables,
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
        # A partition's rows are a database of their own: small buffers, because there are many (8 MB each at most, 72 of them in alerts).
        made = self.app.Table(
            table.name,
            key_type=bytes,
            value_type=bytes,
            partitions=topics.count_of(self._settings, table),
            options={"driver": "rocksdict", "write_buffer_size": 2_000_000, "max_write_buffer_number": 2, "block_cache_size": 4_000_000},
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
        most = min(self._stage.batch, max(_FIRST, int(_ENOUGH / self._pace)))
        if self._live.qsize() + self._backfill.qsize() < most // _FEW:
            await asyncio.sleep(LINGER)
        old = min(max(1, most // _SHARE), self._backfill.qsize())
        batch = [self._live.get_nowait() for _ in range(min(most - old, self._live.qsize()))]
        old = min(most - len(batch), max(1, most // _ALONE), self._backfill.qsize())
        return batch + [self._backfill.get_nowait() for _ in range(old)]

    async def _process(self, batch: list[Any]) -> None:
        outputs, letters, done, newer = [], [], [], None
        fresh = [event for event in batch if not self._is_over(event)]
        await self._check_order(fresh)
        by_partition: dict[int, list[Any]] = {}
        for event in fresh:
            by_partition.setdefault(event.message.partition, []).append(event)
        began = moment = time.monotonic()
        for partition, events in by_partition.items():
            work = await self._opened(partition)
            for event in events:
                self.health.beat()  # here, where the work is done: a loop beside it would go on when this one hangs
                message = event.message
                if self._is_over(event):
                    break  # nor is what comes after it ours now, even if the flow goes on at once
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
        if done:
            self._pace = (self._pace + (time.monotonic() - began) / len(done)) / 2
        await self._check_clock(done)
        await self._outbox.send(messages(self._settings, outputs, letters))
        await self._check_clock(done)
        await self._keep(by_partition)
        self._settle(done, batch)
        self.health.count(self._stage.name, "dead-letter", len(letters))
        self.health.count(self._stage.name, "processed", len(done) - len(letters))
        if newer is not None:
            raise newer

    def _is_over(self, event: Any) -> bool:
        """Whether partitions were, or are being, shared out anew since a message was read: whoever has it now reads it again."""
        return not self._consumer.flow_active or event.message.generation_id != self.app.consumer_generation_id

    async def _check_order(self, batch: list[Any]) -> None:
        """Raise `Lost` when Faust has passed over a message that nobody has processed: committing what comes after it would lose it."""
        consumer = self._consumer
        self._progress.begin(self.app.consumer_generation_id)
        expected: dict[TP, int] = {}
        for message in (event.message for event in batch):
            tp = message.tp
            next_one = expected.get(tp, self._progress.expected(tp, consumer._committed_offset.get(tp) or 0))
            if next_one is not None and message.offset > next_one:
                there = await self._outbox.first_from(tp.topic, tp.partition, next_one)
                if there < message.offset:  # else it was deleted, as too old, or never was one
                    raise Lost(f"{tp.topic}/{tp.partition}: offset {there} was passed over: this worker begins anew, and reads it")
            expected[tp] = max(message.offset + 1, next_one or 0)

    def _settle(self, done: list[Any], batch: list[Any]) -> None:
        """Note what may be committed, and that nobody need wait for any of the batch."""
        for event in done:
            if event.message.generation_id == self.app.consumer_generation_id:
                self._progress.done(event.message.tp, event.message.offset)
        self._consumer._unacked_messages -= {event.message for event in batch}
        notify(self._consumer._waiting_for_ack)

    def _committable(self) -> dict[TP, int]:
        self._progress.begin(self.app.consumer_generation_id)
        return self._progress.committable()

    async def _check_clock(self, events: list[Any]) -> None:
        """Raise `Lost` when others may have taken these messages over while this process was asleep (a paused machine).

        Who was asleep does not know what it has lost: it waits until it must.
        """
        self._look_at_clock()
        if (doubtful := self._doubt - time.monotonic()) > 0:
            await asyncio.sleep(doubtful)
            assigned = self.app.consumer.assignment()
            if self.app.rebalancing or not all(event.message.tp in assigned and not self._is_over(event) for event in events):
                raise Lost("this worker was asleep, and others have taken over: it joins them again")

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now - self._awake > _SUSPICIOUS:
            self._doubt = now + _DOUBT
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


def _begin_anew(why: str) -> None:
    """Replace this process by its like: as after a kill, nothing of what was under way is kept."""
    _LOG.warning("%s", why)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # the very command that runs


def _explained(reason: BaseException | None) -> TocsinError:
    """Whatever ended Faust, in one line."""
    if isinstance(reason, TocsinError):
        return reason
    return BrokerError(f"the stream ended ({type(reason).__name__}: {reason}); is Kafka well? Started again, it goes on where it was")
