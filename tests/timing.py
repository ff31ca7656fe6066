"""CPU seconds of a piece of work, for tests that compare how time grows with length."""

import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object], tries: int = 3) -> float:
    """The best of some tries: the garbage collector may walk all lexicons in the middle of one."""
    best = float("inf")
    for _ in range(tries):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best
