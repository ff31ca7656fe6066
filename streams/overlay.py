"""Write-behind over a durable mapping: in a batch each key is read once and written once.

A stage takes its state as mappings and may touch one key many times in a batch. Where every write of the mapping is a message (a table
with a changelog), hand the stage overlays instead, and flush them when the batch is done, before its input is acknowledged. A batch
that fails is forgotten: nothing of it was written.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_GONE: Any = object()


class Overlay(MutableMapping[str, T], Generic[T]):
    """What a batch reads and changes of `base`. Values must be immutable: one that was read is handed out again."""

    def __init__(self, base: MutableMapping[str, T]) -> None:
        """`base` must not be changed by others until `flush` or `forget`."""
        self._base = base
        self._before: dict[str, Any] = {}  # as read
        self._now: dict[str, Any] = {}  # as read or set

    def _find(self, key: str) -> Any:
        if key not in self._now:
            # With `get`, never with `[]` or `in`: tables with defaults make what they are asked for, and each question may cost a read.
            self._before[key] = self._now[key] = self._base.get(key, _GONE)
        return self._now[key]

    def __getitem__(self, key: str) -> T:
        value = self._find(key)
        if value is _GONE:
            raise KeyError(key)
        found: T = value
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not _GONE

    def __setitem__(self, key: str, value: T) -> None:
        self._now[key] = value

    def __delitem__(self, key: str) -> None:
        if self._find(key) is _GONE:
            raise KeyError(key)
        self._now[key] = _GONE

    def __iter__(self) -> Iterator[str]:
        """Keys of the base as it stands, without those deleted, then those that are new."""
        for key in list(self._base):
            if self._now.get(key) is not _GONE:
                yield key
        for key, value in list(self._now.items()):
            if value is not _GONE and key not in self._base:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def flush(self) -> int:
        """Write to the base what is not as it was read, in order of key; then start afresh. Returns how many keys were written."""
        changed = sorted(key for key, value in self._now.items() if key not in self._before or self._differs(key, value))
        for key in changed:
            if self._now[key] is _GONE:
                self._base.pop(key, None)
            else:
                self._base[key] = self._now[key]
        self.forget()
        return len(changed)

    def _differs(self, key: str, value: Any) -> bool:
        before = self._before[key]
        return value is not before and (value is _GONE or before is _GONE or value != before)

    def forget(self) -> None:
        """Give up what was set since the last flush, and what was read."""
        self._before.clear()
        self._now.clear()
