"""Sinks: results become findable (embedded SQLite store, JSON lines)."""
