"""How far a worker has got in the partitions it reads: what may be committed, and whether something was passed over.

Offsets of a partition come in order, from the committed one on; after partitions were shared out anew (a new generation) they begin again.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Progress(Generic[P]):
    """The next offset to process of each partition, for one generation of the group."""

    def __init__(self) -> None:
        self._generation = -1
        self._next: dict[P, int] = {}

    def begin(self, generation: int) -> None:
        """What was processed for an earlier generation tells nothing of this one."""
        if generation != self._generation:
            self._generation = generation
            self._next.clear()

    def expected(self, partition: P, committed: int | None) -> int | None:
        """The offset that must come next; None: any. `committed`: where the group was when this generation began, if it is known."""
        return self._next.get(partition, committed)

    def done(self, partition: P, offset: int) -> None:
        """One message is processed, its results kept. One that came again (because Faust has sought back) takes nothing back."""
        self._next[partition] = max(offset + 1, self._next.get(partition, 0))

    def committable(self) -> dict[P, int]:
        """The next offset to read of each partition of which something was processed."""
        return dict(self._next)
