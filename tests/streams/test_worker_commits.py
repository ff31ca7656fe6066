"""What a worker commits: what it has processed, whatever Faust makes of the offsets that it hands out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("faust", reason="the services' packages are not installed")

from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP, ConsumerMessage

from streams.stages import STAGES
from streams.worker import Lost, Worker
from tocsin.settings import load

PART = TP("incoming", 0)


def at_work(folder: Path) -> Worker:
    worker = Worker(load(environment={}, given={"data": str(folder)})[0], STAGES[0])
    worker._consumer.committable = worker._committable
    cast(Any, worker.app.topics)._acking_topics.add(PART.topic)
    return worker


def event(worker: Worker, offset: int, generation: int | None = None) -> Any:
    generation = worker.app.consumer_generation_id if generation is None else generation
    return SimpleNamespace(message=ConsumerMessage(PART.topic, 0, offset, 0.0, 0, [], b"", b"", None, tp=PART, generation_id=generation))


def test_a_jump_in_what_faust_hands_out_is_not_committed(tmp_path: Path) -> None:
    """After state was read Faust hands messages out and then seeks; what it hands out next looks like a jump, which it counts as done."""

    async def run() -> None:
        worker = at_work(tmp_path)
        consumer: Any = worker._consumer
        consumer._committed_offset[PART] = consumer._read_offset[PART] = 3000  # it has sought; 3000 to 3299 were handed out before that

        async def one_more(**_: object) -> AsyncIterator[Any]:
            yield PART, event(worker, 3300).message
            worker.app._fetcher._stopped.set()

        async def handed_out(_: object) -> None:
            pass

        consumer.getmany, consumer.callback = one_more, handed_out
        await consumer._drain_messages(worker.app._fetcher)
        processed = [event(worker, offset) for offset in range(3000, 3100)]
        for done in processed:
            consumer.ack(done.message)
        last = 0
        for _ in range(300):
            last = max(last, *Consumer._filter_committable_offsets(consumer, [PART]).values(), 0)
            consumer._committed_offset[PART] = max(3000, last)
        assert last == 3301, "Faust has mended this: what follows is no longer needed"
        consumer._committed_offset[PART] = 3000
        worker._committable()  # begins the generation
        worker._settle(processed, processed)
        assert consumer._filter_committable_offsets([PART]) == {PART: 3100}

    asyncio.run(run())


def test_a_message_that_was_passed_over_is_read_and_not_committed_past(tmp_path: Path) -> None:
    async def run() -> None:
        worker = at_work(tmp_path)
        consumer: Any = worker._consumer
        first = 10

        async def first_from(_topic: str, _partition: int, offset: int) -> int:
            return max(first, offset)

        cast(Any, worker._outbox).first_from = first_from  # there is no broker to ask
        consumer._committed_offset[PART] = 7
        await worker._check_order([event(worker, offset) for offset in (10, 11)])  # 7 to 9 are no more: too old
        first = 9
        with pytest.raises(Lost, match="offset 9 was passed over"):
            await worker._check_order([event(worker, offset) for offset in (10, 11)])
        consumer._committed_offset[PART] = 10
        await worker._check_order([event(worker, offset) for offset in (10, 11, 10, 11, 12)])  # Faust has sought back meanwhile
        with pytest.raises(Lost, match="offset 12 was passed over"):
            await worker._check_order([event(worker, offset) for offset in (10, 11, 13)])

    asyncio.run(run())


def test_what_was_read_before_partitions_were_shared_out_anew_counts_for_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        worker = at_work(tmp_path)
        worker.app.consumer_generation_id = 3
        worker._committable()
        old, new = event(worker, 5, generation=2), event(worker, 8, generation=3)
        assert [worker._is_over(one) for one in (old, new)] == [True, False]
        worker._settle([old, new], [old, new])
        assert worker._committable() == {PART: 9}
        worker._consumer.flow_active = False  # a rebalance begins: others will read it
        assert worker._is_over(new)

    asyncio.run(run())
