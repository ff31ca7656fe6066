"""The news agency a text really comes from, as its dateline, byline or credit names it (`rules/agencies.yaml`).

Two papers that print one agency's report are one source, so whoever counts independent sources needs the agency.
"""

import re
from pathlib import Path
from typing import Any

from tocsin.yaml_file import read_yaml

_RULES: dict[str, Any] = read_yaml(Path(__file__).parent / "rules" / "agencies.yaml").value
_AGENCY: dict[str, str] = {name: agency for agency, names in _RULES["agencies"].items() for name in names}
_NAMES = "|".join(map(re.escape, sorted(_AGENCY, key=len, reverse=True)))
_DATELINE = re.compile(rf"^(?:[^\n().!?]{{2,60}}?\s*[,:]?\s*)?\((?P<name>{_NAMES})\)\s*[-–—:]")
_CREDIT = re.compile(rf"^\W*(?:(?:source|quelle|fuente|fonte|источник|المصدر)\s*:|©|\(c\))\s*(?P<name>{_NAMES})\W*$", re.IGNORECASE)
_UNMISTAKABLE = re.compile(
    "(?<!\\w)(?P<name>" + "|".join(map(re.escape, sorted(_RULES["unmistakable"], key=len, reverse=True))) + ")(?!\\w)"
)
_ROLE = re.compile(rf"^(?P<name>{_NAMES})\s.*(?:writer|reporter|correspondent|staff|editor)s?$", re.IGNORECASE)
_FOLDED = {name.casefold(): agency for name, agency in _AGENCY.items()}
_FIRST = 1000  # characters at the top where a dateline may stand, in one of so many lines: title and byline may come first
_LINES = 4
_LAST = 4  # lines at the end where a credit may stand


def agency_of_text(text: str) -> str | None:
    """The agency in a dateline ("BAGHDAD (Reuters) - ...") or in a credit among the last lines ("Source: AFP"), else none."""
    for line in text[:_FIRST].split("\n")[:_LINES]:
        if match := _DATELINE.match(line[:120]):
            return _AGENCY[match["name"]]
    for line in text.rsplit("\n", _LAST)[-_LAST:]:
        if len(line) <= 60 and (match := _CREDIT.match(line)):
            return _FOLDED[match["name"].casefold()]
    return None


def agency_of_byline(author: str | None) -> str | None:
    """The agency a byline is or names ("AFP", "Ann Example; AP Military Writer"), else none."""
    for part in (author or "").split(";"):
        name = part.strip()
        if name in _AGENCY:
            return _AGENCY[name]
        if match := (_UNMISTAKABLE.search(name) or _ROLE.match(name)):
            return _FOLDED[match["name"].casefold()]
    return None
