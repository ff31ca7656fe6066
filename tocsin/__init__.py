"""What all packages share: records, ids, topics, settings, errors; above them the embedded runner and the command line."""

__version__ = "0.1.0"
