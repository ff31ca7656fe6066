"""What reaches the terminal. Everything from the web is hostile: no text of a page may steer the terminal."""

import re
import sys
from typing import IO

import click
import msgspec

from tocsin.records import Record

_SEQUENCE = re.compile(
    # Text is taken out only where the sequence has an end: one that has none must not hide the rest of the page.
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC: window title, hyperlink, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]{0,4096}(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, clearing
    r"|\x1b[ -/]*[0-~]?"  # the rest
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
"""Control characters, and those that reorder the text around them."""
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """Text without terminal control; newlines and tabs stay."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """Safe text on one line, spaces squeezed."""
    return " ".join(safe(text).split())


def write_json(record: Record, *, pretty: bool = False) -> None:
    """Write a record to standard output as one JSON value and a newline; control characters are escaped."""
    data = msgspec.json.encode(record)
    if pretty:
        data = msgspec.json.format(data, indent=2)
    text = _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", data.decode())
    click.echo(text.encode("utf-8"))


def is_terminal(stream: IO[str] | None = None) -> bool:
    """True when a person is looking."""
    return (stream or sys.stdout).isatty()
