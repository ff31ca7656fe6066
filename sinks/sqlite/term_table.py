"""The table of terms: what an article can be filtered by and counted under, each with a number and the names it goes by."""

import sqlite3

from sinks.terms import Term, keys_of

_CACHED = 50_000


class Terms:
    """The term table, with the numbers already met kept in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], tuple[int, bool]] = {}  # number, and whether it has a name
        self._named: set[tuple[int, str]] = set()

    def forget(self) -> None:
        """Called after a rollback: numbers given out in it do not hold."""
        self._known.clear()
        self._named.clear()

    def number(self, term: Term, aliases: set[str]) -> int:
        """Row id of a term, making it when new, and learning its names."""
        if len(self._named) > _CACHED:
            self.forget()
        number, named = self._known.get((term.kind, term.value), (0, False))
        if not number or (term.name and not named):
            (number,) = self._connection.execute(
                # The first name given stays: a term met as a nameless parent gets its name when somebody mentions it.
                "INSERT INTO term (kind, value, name) VALUES (?,?,?)"
                " ON CONFLICT (kind, value) DO UPDATE SET name=coalesce(name, excluded.name) RETURNING id",
                term,
            ).fetchone()
            self._known[term.kind, term.value] = number, bool(term.name)
        for folded in keys_of(term, aliases):
            if (number, folded) not in self._named:
                self._connection.execute("INSERT OR IGNORE INTO name VALUES (?,?,?)", (term.kind, folded, number))
                self._named.add((number, folded))
        return int(number)
