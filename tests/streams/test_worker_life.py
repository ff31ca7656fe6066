"""/live of a worker follows the task that does the work."""

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("faust", reason="the services' packages are not installed")

from faust.types import TP

from streams import worker
from streams.stages import STAGES, Stage
from streams.worker import Worker
from tests.builders import article
from tocsin import health, wire
from tocsin.settings import load


def test_a_worker_is_live_while_nothing_comes_and_not_when_its_work_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_IDLE", 0.02)
    monkeypatch.setattr(health, "_STUCK", 0.5)
    free = threading.Event()

    def hangs(_knowledge: Any, _tables: Any) -> Any:
        free.wait()

    stage: Stage = STAGES[1]._replace(name="alerts", tables={}, load=lambda _: None, open=hangs)
    settings = load(environment={}, given={"data": str(tmp_path)})[0]

    async def live() -> tuple[bool, bool]:
        at_work = Worker(settings, stage)
        at_work._tables = {}
        working = asyncio.create_task(at_work._work())
        await asyncio.sleep(0.8)
        looks = []
        for _ in range(10):  # a busy machine may make one of them late
            looks.append(at_work.health.is_live())
            await asyncio.sleep(0.02)
        idle = any(looks)
        message = SimpleNamespace(
            partition=0, topic="t", offset=0, key=b"", value=wire.encode(article("Text.")), headers=[], timestamp=0.0,
            tp=TP("t", 0), generation_id=at_work.app.consumer_generation_id,
        )  # fmt: skip
        at_work._live.put_nowait(SimpleNamespace(message=message))
        at_work._arrived.set()
        await asyncio.sleep(0.8)
        hanging = at_work.health.is_live()
        free.set()
        working.cancel()
        return idle, hanging

    assert asyncio.run(live()) == (True, False)
