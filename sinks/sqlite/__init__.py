"""The embedded store: one SQLite file with FTS5, for one machine."""

from sinks.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
