"""The errors of Tocsin, named for the reaction they ask of the caller.

TocsinError
├── UsageError      the person must change something (a path, a setting, a file); exit code 2
│   └── DataError   an input file is not what it should be; names the file and the line
└── Quarantine      this one record can never succeed: set it aside with its reason, go on with the next
    └── NewerSchema it was written by a newer Tocsin: a service stops, because setting aside a whole stream helps nobody

A page that is refused is none of these: a drop is a value, `tocsin.records.Dropped`.
"""

from pathlib import Path


class TocsinError(Exception):
    """Base of all errors Tocsin raises on purpose. The message is one line and says what to do next."""

    exit_code = 1


class UsageError(TocsinError):
    """The person must change something; the message says what."""

    exit_code = 2


class DataError(UsageError):
    """An input file is not what it should be."""

    def __init__(self, path: Path | str, problem: str, line: int | None = None) -> None:
        where = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {problem}")


class Quarantine(TocsinError):
    """This record can never succeed: set it aside with the reason and go on."""


class NewerSchema(Quarantine):
    """The record was written by a newer Tocsin: whoever reads files sets it aside; a service stops and waits to be upgraded."""


def stops_service(error: BaseException) -> bool:
    """Whether it is the world that is broken (no broker, a full disk, a newer schema): then a service stops and sets nothing aside.

    Everything else, bugs of ours included, is one message's fault: it is set aside, and must not take the next one with it.
    """
    return isinstance(error, TocsinError) and (isinstance(error, NewerSchema) or not isinstance(error, Quarantine))
