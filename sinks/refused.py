"""What a sink could not keep."""

from typing import NamedTuple


class Refused(NamedTuple):
    """A record that can never be written: the number it was handed in with, and why."""

    cause: int
    error: Exception
