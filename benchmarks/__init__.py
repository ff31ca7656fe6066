"""Measurements that a person runs: scores against gold data, and speed. None of them is a timed test."""
