"""The first and last lines of an extracted body: what is no article leaves it.

Titles, bylines, dates, credits, contacts and lists of links: found in lines of text, because pages that name nothing in
their markup still write these lines alike. The words are data: `rules/edges.yaml`.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tocsin.yaml_file import read_yaml

_RULES: dict[str, Any] = read_yaml(Path(__file__).parent / "rules" / "edges.yaml").value
_BYLINE_WORDS = frozenset(str(word) for words in _RULES["byline_words"] for word in words)
_BYLINE = re.compile(_RULES["byline"])
_CLOSING = re.compile("|".join(f"(?:{rule})" for rule in _RULES["closing_headings"]), re.IGNORECASE)
_CREDIT = re.compile("|".join(f"(?:{rule})" for rule in _RULES["credits"]), re.IGNORECASE)
_CONTACT = re.compile("|".join(f"(?:{rule})" for rule in _RULES["contacts"]), re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")

_FIRST = 4  # lines looked at from the top
_LAST = 4  # lines looked at from the end for credits and contacts
_TAIL = 12  # lines that may follow a closing heading
_SHORT = 120  # characters of a byline, a title line, or a line of a list of links
_CREDIT_LIMIT = 300  # characters


def without_head(lines: list[str], titles: Collection[str], author: str | None) -> list[str]:
    """Leave out titles, bylines and dates among the first lines; `titles` are the page's titles and main headings."""
    keys = {_key(title) for title in titles} - {""}
    head = [line for line in lines[:_FIRST] if not (_key(line) in keys or is_byline(line, author))]
    return [*head, *lines[_FIRST:]] or lines


def is_byline(line: str, author: str | None) -> bool:
    """True for a line that only says who wrote and when."""
    if len(line) > _SHORT:
        return False
    if len(line) <= 80 and _BYLINE.fullmatch(line.strip()):
        return True
    rest = line.replace(author, " ") if author else line
    words = _WORD.findall(rest.lower())
    # A time of day alone is an entry of a live ticker.
    dated = _YEAR.search(rest) is not None or rest != line
    return dated and all(word in _BYLINE_WORDS for word in words)


def without_tail(lines: list[str]) -> tuple[list[str], list[str]]:
    """Leave out closing lists of links, credits and contacts: (body lines, contact lines)."""
    for index in range(max(1, len(lines) - _TAIL - 1), len(lines)):
        if _CLOSING.fullmatch(lines[index].strip(" :.…#-–—|»>")) and all(
            len(line) <= _SHORT and not line.endswith((".”", '."')) for line in lines[index:]
        ):
            lines = lines[:index]
            break
    contacts: list[str] = []
    kept: list[str] = []
    for back, line in enumerate(reversed(lines)):
        last = back < _LAST and len(line) <= _CREDIT_LIMIT and len(lines) - back > 1
        if last and _CONTACT.match(line):
            contacts.append(line)
        elif not (last and is_credit(line)):
            kept.append(line)
    return kept[::-1], contacts[::-1]


def is_credit(line: str) -> bool:
    """True for a line that names who reported, edited or contributed, or the source of a copy."""
    return len(line) <= _CREDIT_LIMIT and _CREDIT.match(line) is not None


def _key(text: str) -> str:
    """A title as compared: letters and digits only, case aside."""
    return "".join(char for char in text.casefold() if char.isalnum())
