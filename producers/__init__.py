"""Producers: the world becomes Articles (schedule, fetch, archive, clean)."""
