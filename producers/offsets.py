"""Which offsets of a partition may be committed when messages are finished in any order: everything before the first unfinished one.

Pure; the caller guards it when several threads share it.
"""

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Window:
    """The offsets of one partition from the first unfinished one to the last one begun."""

    def __init__(self) -> None:
        self._begun: deque[int] = deque()
        self._finished: set[int] = set()
        self.next: int | None = None  # offset to read next, were the process to end now; None: nothing was begun yet

    def __len__(self) -> int:
        return len(self._begun)

    @property
    def unfinished(self) -> int:
        """How many offsets are begun and not finished."""
        return len(self._begun) - len(self._finished)

    def begin(self, offset: int) -> bool:
        """Note that the message at `offset` was read; call it in rising order. False when it was read before: leave it alone then."""
        if self._begun and offset <= self._begun[-1]:
            return False
        if not self._begun:
            if self.next is not None and offset < self.next:
                return False
            self.next = offset
        self._begun.append(offset)
        return True

    def finish(self, offset: int) -> None:
        """Note that what the message asked for is done and safe. Raises KeyError for one that was not begun, or is finished already."""
        if not self._begun or not self._begun[0] <= offset <= self._begun[-1] or offset in self._finished:
            raise KeyError(offset)
        self._finished.add(offset)
        while self._begun and self._begun[0] in self._finished:
            self._finished.remove(last := self._begun.popleft())
            self.next = self._begun[0] if self._begun else last + 1


class Offsets(Generic[P]):
    """The windows of all partitions at hand."""

    def __init__(self) -> None:
        self._windows: dict[P, Window] = {}
        self._committed: dict[P, int] = {}

    def window(self, partition: P) -> Window:
        """The partition's window, a new one at first sight. A message belongs to the window it was begun in: see `holds`."""
        return self._windows.setdefault(partition, Window())

    def __contains__(self, partition: object) -> bool:
        return partition in self._windows

    def ahead(self, partition: P) -> int:
        """How many messages are read since the first unfinished one, itself included."""
        return len(self._windows[partition]) if partition in self._windows else 0

    def holds(self, partition: P, window: Window) -> bool:
        """Whether the partition is still at hand, and was all the time since `window` was begun."""
        return self._windows.get(partition) is window

    def keep(self, partitions: Iterable[P]) -> None:
        """Forget all other partitions: they are somebody else's now."""
        kept = set(partitions)
        for partition in [p for p in self._windows if p not in kept]:
            del self._windows[partition]
            self._committed.pop(partition, None)

    def committable(self) -> dict[P, int]:
        """The next offset to read of each partition where it has moved since `committed` was told."""
        return {
            partition: window.next
            for partition, window in self._windows.items()
            if window.next is not None and self._committed.get(partition) != window.next
        }

    def committed(self, offsets: dict[P, int]) -> None:
        """Note what was committed."""
        self._committed.update({partition: offset for partition, offset in offsets.items() if partition in self._windows})

    def unfinished(self, partitions: Iterable[P] | None = None) -> int:
        """How many messages are begun and not finished, of all partitions or of some."""
        wanted = self._windows if partitions is None else [p for p in partitions if p in self._windows]
        return sum(self._windows[partition].unfinished for partition in wanted)
