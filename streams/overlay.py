"""Changes of a batch, held above the table they belong to until the batch's messages are on the broker."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Generic, TypeVar

from streams.rows import encoded

T = TypeVar("T")
CACHED = 1_000_000
"""Bytes of rows, as they are stored, that are kept decoded, which takes about five times as many; all are let go when there are more."""
_GONE: Any = object()


class Overlay(MutableMapping[str, T], Generic[T]):
    """A mapping whose changes can be taken back for one record, and handed on for a batch. Values must be immutable."""

    def __init__(self, kept: Mapping[str, T]) -> None:
        """`kept`: the rows as they are stored; nothing is ever written to it here."""
        self._kept = kept
        self._changed: dict[str, Any] = {}
        self._undo: dict[str, Any] = {}
        self._read: dict[str, Any] = {}
        self._held = 0  # bytes, stored, of what was read at most: a row that is stored again counts again

    def __getitem__(self, key: str) -> T:
        value = self._changed.get(key)
        if value is None:
            value = self._read.get(key)
            if value is None:
                value = self._kept.get(key, _GONE)
                self._keep({key: value})
        if value is _GONE:
            raise KeyError(key)
        found: T = value
        return found

    def __setitem__(self, key: str, value: T) -> None:
        self._undo.setdefault(key, self._changed.get(key))
        self._changed[key] = value

    def __delitem__(self, key: str) -> None:
        self[key]  # raises KeyError
        self._undo.setdefault(key, self._changed.get(key))
        self._changed[key] = _GONE

    def __iter__(self) -> Iterator[str]:
        for key in self._kept:
            if self._changed.get(key) is not _GONE:
                yield key
        for key, value in list(self._changed.items()):
            if value is not _GONE and key not in self._kept:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def begin(self) -> None:
        """Start a record: `roll_back` returns here."""
        self._undo = {}

    def touched(self) -> Iterator[T]:
        """The rows that were set since `begin`."""
        for key in self._undo:
            if (value := self._changed.get(key)) is not None and value is not _GONE:
                yield value

    def roll_back(self) -> None:
        """Take back everything since `begin`."""
        for key, value in self._undo.items():
            if value is None:
                self._changed.pop(key, None)
            else:
                self._changed[key] = value
        self._undo = {}

    def changes(self) -> dict[str, T | None]:
        """What was set (None: deleted) and is not stored yet. A row that is as it was is no change."""
        return {key: None if value is _GONE else value for key, value in self._changed.items() if not self._same(key, value)}

    def _same(self, key: str, value: Any) -> bool:
        before = self._read.get(key)
        return before is not None and (value is before or (value is not _GONE and before is not _GONE and bool(value == before)))

    def settle(self) -> None:
        """The changes are stored now."""
        self._keep(self._changed)
        self._changed.clear()
        self._undo = {}

    def _keep(self, rows: Mapping[str, Any]) -> None:
        size = sum(len(key) + (0 if row is _GONE else len(encoded(row) or b"")) for key, row in rows.items())
        if self._held + size > CACHED:
            self._read.clear()
            self._held = 0
        if size <= CACHED:
            self._held += size
            self._read.update(rows)
