"""A worker as a process: signals, signs of life, and an end in good time."""

import asyncio
import gc
import logging
import os
import signal
import threading

import uvloop

from streams.batches import watch
from streams.stages import STAGES
from streams.worker import STOP, Worker
from tocsin.errors import TocsinError
from tocsin.health import serve
from tocsin.settings import Settings


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
    except Exception as error:
        _leave_soon(error.exit_code if isinstance(error, TocsinError) else 1)  # a thread of Faust's may wait for a broker that is gone
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
        loop.call_later(STOP, os._exit, 1)  # killed now or by whoever waits: nothing is lost, the broker has what counts
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)
    await worker.run(stop)


def _leave_soon(code: int) -> None:
    timer = threading.Timer(STOP, os._exit, (code,))
    timer.daemon = True
    timer.start()
