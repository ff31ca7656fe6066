"""What every room agrees on: records, ids, topics, settings, errors; the embedded runner and the command line."""

__version__ = "0.1.0"
