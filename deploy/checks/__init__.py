"""Checks of what is deployed that need no Docker: the composition as data, and the image built and run without an engine."""
