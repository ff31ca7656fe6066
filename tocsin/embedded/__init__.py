"""The embedded run: every stage in one process family, over SQLite, one transaction an article. For one machine; no stream engine."""
