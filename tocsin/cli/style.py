"""Colours, widths and small pieces that all readable output shares."""

import errno
import shutil
import sys
import unicodedata
from collections.abc import Iterable
from datetime import UTC

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

from tocsin import clock
from tocsin.cli.screen import one_line, safe
from tocsin.store import Span

_LEFT_TO_RIGHT = "\u200e"

WIDEST = 120
"""Columns: longer lines are hard to read."""

THEME = Theme(
    {
        "title": "bold",
        "hit": "bold yellow",
        "meta": "dim",
        "link": "cyan",
        "id": "dim cyan",
        "claim": "underline",
        "number": "bold green",
        "label": "bold blue",
        "actor": "blue",
        "place": "magenta",
        "badge.info": "black on cyan",
        "badge.notice": "bold black on cyan",
        "badge.warning": "bold black on yellow",
        "badge.critical": "bold white on red",
        "good": "green",
        "doubt": "yellow",
        "bad": "bold red",
        "info": "cyan",
        "notice": "bold cyan",
        "warning": "bold yellow",
        "critical": "bold white on red",
    }
)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """The reader (head, less) has had enough. Rich would leave with 1, which here means that nothing was found."""
        raise BrokenPipeError(errno.EPIPE, "the reader has gone")


def console() -> Console:
    """Standard output for people: colours only on a terminal, at most 120 columns, nothing in the text is taken as markup."""
    width = min(WIDEST, shutil.get_terminal_size((100, 24)).columns)
    return _Screen(file=sys.stdout, theme=THEME, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def spans(parts: Iterable[Span]) -> Text:
    """Highlighted text; line breaks become spaces."""
    text = Text()
    for part in parts:
        words = safe(part.text).replace("\n", " ").replace("\t", " ")
        text.append(words, "hit" if part.hit else "")
    return text


def day(moment: str | None) -> str:
    """A date for people: 6 Jan 2018; as written when it is no date, "no date" when there is none."""
    if not moment:
        return "no date"
    try:
        at = clock.parse(moment).astimezone(UTC)
    except ValueError:
        return one_line(moment)
    return f"{at.day} {at:%b %Y}"


def minute(moment: str) -> str:
    """A moment for people: 6 Jan 2018 10:00."""
    try:
        return f"{day(moment)} {clock.parse(moment).astimezone(UTC):%H:%M}"
    except ValueError:
        return one_line(moment)


def second(moment: str) -> str:
    """A moment for people, to the second: 6 Jan 2018 10:00:05."""
    try:
        return f"{day(moment)} {clock.parse(moment).astimezone(UTC):%H:%M:%S}"
    except ValueError:
        return one_line(moment)


def raised(number: int) -> str:
    """A number as a superscript."""
    return str(number).translate(_SUPERSCRIPTS)


def plural(count: int, noun: str, many: str | None = None) -> str:
    """1 article, 2 articles, 1,200 articles."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def short(identifier: str) -> str:
    """As much of an id as a person needs to copy: a prefix finds it."""
    return identifier[:14]


def joined(parts: Iterable[Text | str], separator: str = " · ") -> Text:
    """Pieces with a dim dot between them; empty ones left out.

    A piece that ends in a right-to-left script gets an invisible left-to-right mark, or a terminal that reorders text would move
    the numbers after it to its other side.
    """
    line = Text()
    for part in parts:
        piece = part if isinstance(part, Text) else Text(part)
        if piece.plain:
            line.append(separator if line.plain else "", "meta").append_text(piece)
            line.append(_LEFT_TO_RIGHT if unicodedata.bidirectional(piece.plain[-1]) in ("R", "AL") else "")
    return line
