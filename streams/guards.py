"""Guards: the conditions under which a weak name may stand for its actor.

"IS" is an armed group only where the text also says "Islamic State"; "Telegraph" is a newspaper only with a capital; a
coalition is the one against Daesh only where Iraq or Syria is spoken of. The dated entries follow the idea of the
TABARI and PETRARCH dictionaries, whose codes carry the dates between which they hold.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.fold import fold_key

WINDOW = 120  # code points either side that `context_any` and `context_none` look at: about twenty words
_WORD = re.compile(r"[\w'-]+")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


class Guard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold around a name. Words are compared folded; countries are ISO 3166 alpha-2."""

    case_exact: bool = False
    anchor: bool = False  # an unguarded name of the same actor stands in the same document
    context_any: tuple[str, ...] = ()
    context_none: tuple[str, ...] = ()
    not_prev: frozenset[str] = frozenset()
    not_next: frozenset[str] = frozenset()
    lang: tuple[str, ...] = ()
    country_context: tuple[str, ...] = ()  # one of them is spoken of in the document
    valid_from: str = ""  # ISO date, month or year; compared with the day of publication
    valid_to: str = ""

    @property
    def weak(self) -> bool:
        """True where the name needs support from the rest of the document, not from itself."""
        return self.anchor or bool(self.context_any) or bool(self.country_context)


OPEN = Guard()


def _folded(values: Any) -> tuple[str, ...]:
    return tuple(fold_key(str(value)) for value in (values if isinstance(values, list) else [values]))


def read_guard(fields: Mapping[str, Any], inherited: Mapping[str, Any]) -> Guard:
    """Guard of one name from its YAML fields; `inherited` are those of its actor. Raises ValueError with what is wrong."""
    merged = {
        **inherited,
        **(fields.get("guard") or {}),
        **{k: v for k, v in fields.items() if k not in ("text", "lang", "kind", "guard", "name")},
    }
    known: dict[str, Any] = {}
    for key, value in merged.items():
        if key == "case":
            if value not in ("exact", "any"):
                raise ValueError(f"case: {value!r} is neither exact nor any")
            known["case_exact"] = value == "exact"
        elif key == "anchor":
            known["anchor"] = bool(value)
        elif key in ("context_any", "context_none"):
            known[key] = _folded(value)
        elif key in ("not_prev", "not_next"):
            known[key] = frozenset(_folded(value))
        elif key in ("lang", "country_context"):
            known[key] = tuple(str(v) for v in (value if isinstance(value, list) else [value]))
        elif key == "valid":
            for end in ("from", "to"):
                day = str(value.get(end) or "")
                if day and not _DATE.fullmatch(day):
                    raise ValueError(f"valid {end}: {day!r} is not a date such as 2014-06")
                known[f"valid_{end}"] = day
        else:
            raise ValueError(f"unknown guard {key!r}")
    return Guard(**known)


def dates_hold(guard: Guard, day: str) -> bool:
    """Whether `day` (ISO, possibly empty: unknown, which never excludes) lies within the guard's dates."""
    if not day:
        return True
    start, end = guard.valid_from, guard.valid_to
    return not (start and day[: len(start)] < start) and not (end and day[: len(end)] > end)


def words_hold(guard: Guard, folded: str, start: int, end: int) -> bool:
    """Whether the words around `folded[start:end]` allow the name."""
    if guard.not_next and (match := _WORD.match(folded, end + 1)) and match.group() in guard.not_next:
        return False
    if guard.not_prev and (before := folded[max(0, start - 40) : start].split()) and before[-1].strip("\"'(,.") in guard.not_prev:
        return False
    if guard.context_any or guard.context_none:
        around = (
            f" {' '.join(_WORD.findall(folded[max(0, start - WINDOW) : start]))} | {' '.join(_WORD.findall(folded[end : end + WINDOW]))} "
        )
        if any(f" {word} " in around for word in guard.context_none):
            return False
        if guard.context_any and not any(f" {word} " in around for word in guard.context_any):
            return False
    return True
