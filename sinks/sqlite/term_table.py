"""The table of terms: what an article can be filtered by and counted under, each with a number and the names it goes by."""

import sqlite3
from collections.abc import Iterable

from sinks.terms import Term, keys_of

_CACHED = 50_000


class Terms:
    """The term table, with the numbers and names already met kept in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], tuple[int, bool]] = {}  # number, and whether it has a name
        self._named: set[tuple[str, str, str | None]] = set()  # names and aliases learned, as they are written: folding takes longer

    def forget(self) -> None:
        """Called after a rollback: numbers given out in it do not hold."""
        self._known.clear()
        self._named.clear()

    def numbers(self, found: Iterable[tuple[Term, set[str], bool]]) -> list[tuple[int, bool]]:
        """(row id, sure?) of each of a document's terms, in order of row id; new ones are made, and new names learned."""
        if len(self._named) > _CACHED:
            self.forget()
        numbers: list[tuple[int, bool]] = []
        names: set[tuple[str, str, int]] = set()
        for term, aliases, sure in found:
            number = self._number(term)
            numbers.append((number, sure))
            spelled = {(term.kind, term.value, name) for name in (term.name, *aliases)}
            if not spelled <= self._named:
                names.update((term.kind, folded, number) for folded in keys_of(term, aliases))
                self._named |= spelled
        self._connection.executemany("INSERT OR IGNORE INTO name VALUES (?,?,?)", sorted(names))
        return sorted(numbers)

    def _number(self, term: Term) -> int:
        number, named = self._known.get((term.kind, term.value), (0, False))
        if not number or (term.name and not named):
            (number,) = self._connection.execute(
                # The first name given stays: a term met as a nameless parent gets its name when somebody mentions it.
                "INSERT INTO term (kind, value, name) VALUES (?,?,?)"
                " ON CONFLICT (kind, value) DO UPDATE SET name=coalesce(name, excluded.name) RETURNING id",
                term,
            ).fetchone()
            self._known[term.kind, term.value] = number, bool(term.name)
        return int(number)
