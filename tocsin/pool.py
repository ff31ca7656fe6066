"""Worker processes for extraction, which holds the interpreter lock (two threads: 0.95 of one; two processes: 1.85).

Workers are spawned, prepared once by an initializer, and killed when a task takes too long. A task that hangs, crashes its worker or
raises costs only itself: its result is a `Failure`, and the next task gets a fresh worker.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Generic, NamedTuple, TypeVar

from pebble import CONSTS, ProcessExpired, ProcessPool

from tocsin.errors import TocsinError, UsageError

T = TypeVar("T")
# Seconds a worker is given to leave before it is killed: it holds nothing that could be lost, and cannot hear the request
# (`_interrupts_held`).
_POLITE = 0.05


class Failure(NamedTuple):
    """Why a task has no result."""

    reason: str  # too-slow | crashed | broke
    detail: str  # one line; of a `broke` the error
    bug: bool = False  # the task raised: an error of ours, and maybe every task's


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Whatever is started inside never sees Ctrl-C or a polite kill, which terminals and service managers send to all processes at once.

    They are for the process that has the store; it stops its workers. A worker that left on its own would take its page with it.
    """
    resource_tracker.ensure_running()  # starting it lets go of these signals, so before they are held
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Pool(Generic[T]):
    """Processes that run one function each time they are asked."""

    def __init__(
        self,
        task: Callable[..., T],
        *,
        workers: int,
        timeout: float,
        prepare: Callable[..., None] | None = None,
        given: tuple[Any, ...] = (),
    ) -> None:
        """Start lazily: processes come with the first task.

        `task`: of a module's top level, so that a spawned process can import it. `timeout`: seconds of one task (setting clean_timeout).
        `prepare`, `given`: called once in each new process.
        """
        self._task, self._timeout, self._workers = task, timeout, workers
        self._started = False
        CONSTS.term_timeout = _POLITE
        self._pool = ProcessPool(max_workers=workers, initializer=prepare, initargs=given, context=multiprocessing.get_context("spawn"))

    @property
    def window(self) -> int:
        """How many tasks to keep under way: enough to feed every worker, few enough to bound memory and what a kill undoes."""
        return 4 * self._workers

    def submit(self, *arguments: Any) -> "Future[T]":
        """Hand one task to the pool."""
        if self._started:
            return self._schedule(arguments)
        with _interrupts_held():  # the first task starts the pool; its threads, and the processes they start, inherit what is held
            future = self._schedule(arguments)
        self._started = True
        return future

    def _schedule(self, arguments: tuple[Any, ...]) -> "Future[T]":
        future: Future[T] = self._pool.schedule(self._task, args=arguments, timeout=self._timeout)
        return future

    def result(self, future: "Future[T]") -> T | Failure:
        """Wait for one task.

        Raises UsageError when it is no task's fault: the workers cannot start. Other errors of ours that the task raised come as they are.
        """
        try:
            return future.result()
        except FutureTimeout:
            return Failure("too-slow", f"cleaning took longer than {self._timeout:g} s (setting clean_timeout)")
        except ProcessExpired as error:
            return Failure("crashed", f"the worker died (exit code {error.exitcode})")
        except TocsinError:
            raise
        except BrokenProcessPool as error:
            raise UsageError(f"no worker process can start ({error}): is there memory left? Try fewer with --workers") from error
        except Exception as error:  # noqa: BLE001  # whatever one page breaks must not take the next one with it
            return Failure("broke", f"{type(error).__name__}: {error}"[:300], bug=True)

    def close(self, *, at_once: bool = False) -> None:
        """Stop the processes; `at_once` gives up what is under way."""
        if at_once:
            self._pool.stop()  # type: ignore[no-untyped-call]  # Pebble has annotations, not on these
        else:
            self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()
