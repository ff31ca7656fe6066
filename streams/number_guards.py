"""What only looks like a count: years, dates, ages, scores, list markers, page and phone numbers, references and measures."""

import re

from msgspec import Struct

from streams.figure_syntax import Expression
from streams.number_words import Vocabulary

_SCORE = re.compile(r"(?:-\d{1,3}\b)?,? (?:win|victory|draw|defeat|lead|loss|to nil)\b")
_SCORE_TAIL = re.compile(r"-\d{1,3}\b(?! [a-z]+s\b)")
_DAY_LIST_AFTER = re.compile(
    r"(?:, ?\d{1,2})*(?: ?- ?|,? and | to | or |, ?| and| to| y | e | et | al? | au )(?:le |el )?"
    r"\d{1,2}(?:st|nd|rd|th)? ?(?:of |de )?([^\W\d_]+)"
)
_DAY_LIST_BEFORE = re.compile(r"([^\W\d_]+)\.? \d{1,2}(?:, ?\d{1,2})*(?: ?- ?|,? and | to |, ?)$")
_DIGIT = re.compile("[0-9]")
_JOINER = 12  # characters from a day to the next in a list
_LONGEST_MONTH = 31
_PHONE = re.compile(r"\+\d[\d ()-]*$")
_PHONE_TAIL = re.compile(r"-\d{3}")
_THREE_DECIMALS = re.compile(r"\d{1,3}\.\d{3}")
_LEAST_DECIMALS = 4  # characters: figure, point and two more
_DECADE = re.compile(r"'?s\b")
_FRACTION = re.compile(r"[ -](?:thirds?|quarters?|fifths?|sixths?|eighths?|tenths?|halves)\b")
# "One in five people", "nine out of ten families": a share, told with small round numbers.
_SMALL = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_SMALL |= {"a hundred": 100, "a thousand": 1000}
_SHARE = r"(?:in|out of) (?:every |each )?"
_SHARE_AFTER = re.compile(rf" {_SHARE}({'|'.join(_SMALL)}|\d{{1,4}})(?: ([^\W\d_]+)|(?= ?[.,;:)\n]|$))")
_SHARE_BEFORE = re.compile(rf"\b({'|'.join(_SMALL)}|\d) {_SHARE}$")
_SHARE_ENDS = ("in ", "of ", "every ", "each ")
_FRACTION_STARTS = tuple(space + letter for space in " -" for letter in "tqfseh")
_WORD_AFTER = re.compile(r" ([^\W\d_]+)")
_WHOLES = frozenset((2, 3, 4, 5, 6, 10, 100, 1000))
_DIFFERENCE = re.compile(r" (?:more|fewer|less|higher|lower) than (?!\d)")  # "300 more than last week"
_OF_AGE = re.compile(
    r"\b(?:ages?|aged|age of|ages of|died at|between the ages of)(?: (?:over|under|about|around|from|between|of|above|below))?$"
    r"|\b(?:child|children|infants?|babies|boys|girls|kids|minors|youths?|those|people|women|men|adults|anyone|everyone|persons) "
    r"(?:under|over|above|below|aged)(?: (?:about|around))?$"
)
# The last words of what the pattern above accepts: a cheap look first. Those behind are what three dearer ones begin with.
_AGE_ENDS = tuple("age ages aged of at over under about around from between above below".split())  # noqa: SIM905
_DIFFERENCE_STARTS = (" more", " fewer", " less", " higher", " lower")
_SCORE_STARTS = ("-", ",", " win", " vic", " draw", " def", " lea", " los", " to nil")
_LINE_START = re.compile(r"(?:^|\n)[ \t]*[(\[]?$")
_OLDEST_YEAR = 1300  # before this four digits are a count
_LABEL_AGE = 110
_LOOK_BACK = 48  # code points: the longest approximator with fillers is shorter


class After(Struct, frozen=True, gc=False):
    """What follows a figure."""

    refused: bool = False
    unit: str = ""
    noun: str = ""
    noun_start: int = -1
    noun_end: int = -1
    modifiers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # the words read, for bare figures


class Before(Struct, frozen=True, gc=False):
    """What stands before a figure."""

    start: int  # of the approximator, or of the figure
    approx: str | None
    tokens: list[str]  # folded, nearest last, without the approximator


def is_reference(text: str, found: Expression, before: Before, after: After, words: Vocabulary) -> bool:
    """Whether the figure names, dates or marks something instead of counting it."""
    last = before.tokens[-1] if before.tokens else ""
    if last in ("$", "€", "£", "¥", "₽", "₴", "₪", "#", "№", "+", "[") or (last in words.not_before and not after.unit):
        return True
    different = text.startswith(_DIFFERENCE_STARTS, found.end) and _DIFFERENCE.match(text, found.end)
    if last in ("every", "each") or different or _is_share(text, found, words) or _is_age(text, found, after):
        return True
    if found.value is not None and found.value % 1 and not after.unit:
        return True  # a measure: nothing is counted in fractions
    if (
        found.digits
        and not after.unit
        and found.end - found.start > _LEAST_DECIMALS
        and _THREE_DECIMALS.fullmatch(text, found.start, found.end)
    ):
        return True
    if last in ("usd", "eur", "gbp", "us$", "no", "nos", "resolution", "page", "pp") and found.digits:
        return True
    if not found.digits:
        return _is_pronoun(found, last, after, words)
    return _is_date(text, found, before, after, words) or _is_marker(text, found, before, after)


def _is_share(text: str, found: Expression, words: Vocabulary) -> bool:
    """Whether the figure is part of a fraction or a share: "two thirds of", "three out of four children"."""
    if text.startswith(_FRACTION_STARTS, found.end) and _FRACTION.match(text, found.end):
        return True
    part: float | None
    whole: float | None
    before = None
    if text.endswith(_SHARE_ENDS, 0, found.start):
        before = _SHARE_BEFORE.search(text, max(0, found.start - _LOOK_BACK), found.start)
    if before is not None:
        part, whole, at = _small(before[1]), found.value, found.end
        noun = _WORD_AFTER.match(text, at)
        following = noun[1] if noun is not None else ""
    else:
        after = _SHARE_AFTER.match(text, found.end) if text.startswith((" in ", " out of "), found.end) else None
        if after is None:
            return False
        part, whole, following = found.value, _small(after[1]), after[2] or ""
    if part is None or whole not in _WHOLES or not 1 <= part < whole:
        return False
    return not following or words.units.get(following, "person") in ("person", "household")


def _small(text: str) -> float:
    return float(_SMALL.get(text) or text)


def _is_age(text: str, found: Expression, after: After) -> bool:
    """Whether the figure is an age: "aged 34", "children under five", "died at 40"."""
    value = found.value if found.value is not None else (found.most or 0)
    if after.unit or value > _LABEL_AGE:
        return False
    if not text.endswith(_AGE_ENDS, 0, found.start - 1):
        return False
    return _OF_AGE.search(text, max(0, found.start - _LOOK_BACK), found.start - 1) is not None


def _is_pronoun(found: Expression, last: str, after: After, words: Vocabulary) -> bool:
    """A "one" is mostly a pronoun: it counts only before a known noun or what happened to a person."""
    if found.value != 1 or found.end - found.start > len("одного"):
        return False
    if last in ("no", "any", "every", "each", "this", "that", "the", "which", "another", "single", "not", "-"):
        return True
    if after.unit:
        return bool(after.words) and after.words[0] in ("of", "another", "side", "party", "group", "country", "state")
    first = [word for word in after.words[:3] if word not in words.light]
    return not (first and first[0] in words.person_participles)


def _is_date(text: str, found: Expression, before: Before, after: After, words: Vocabulary) -> bool:
    tokens = before.tokens
    last = tokens[-1] if tokens else ""
    if last == "." and len(tokens) > 1:
        last = tokens[-2]  # "Nov. 24"
    first = after.words[0] if after.words else ""
    if last in words.months and before.start == found.start and (found.value or 0) < 2101 and not (after.unit and last == "may"):
        return True
    if (found.value or found.most or 0) <= _LONGEST_MONTH:
        if first in words.months or (first == "de" and after.words[1:2] and after.words[1] in words.months):
            return True
        # A digit is near in few texts: a cheap look first.
        later = _DAY_LIST_AFTER.match(text, found.end) if _DIGIT.search(text, found.end, found.end + _JOINER) else None
        listed = any(token.isdigit() for token in tokens[-3:])
        earlier = _DAY_LIST_BEFORE.search(text, max(0, found.start - _LOOK_BACK), found.start) if listed else None
        if (later and later[1] in words.months) or (earlier and earlier[1] in words.months):
            return True
    if not found.plain or found.value is None or found.end - found.start != 4 or not 1000 <= found.value <= 2100:
        return False
    if _DECADE.match(text, found.end):
        return True
    if before.start != found.start:
        return not after.noun and found.value >= 1900
    if found.value < _OLDEST_YEAR and after.unit:
        return False
    if last in words.year_before:
        return not (after.unit and last in ("of", "to", "and", "by", "between", "the") and found.value % 50 == 0)
    return not after.unit and found.value >= _OLDEST_YEAR


def _is_marker(text: str, found: Expression, before: Before, after: After) -> bool:
    """List markers, page numbers, ages in apposition, scores, phone numbers."""
    start, end = found.start, found.end
    following = text[end : end + 2]
    value = found.value if found.value is not None else (found.most or 0)
    if value < 1000 and following[:1] in ("\n", "", ")", ".", "]") and _LINE_START.search(text, max(0, start - 8), start):
        return True
    if after.unit:
        return False
    if (following[:1] == "-" and _PHONE_TAIL.match(text, end)) or (
        "+" in text[max(0, start - 20) : start] and _PHONE.search(text, max(0, start - 20), start)
    ):
        return True
    previous = text[max(0, start - 2) : start]
    if value <= _LABEL_AGE and before.start == start:
        if previous == ", " and following[:1] in (",", ".") and start > 2 and not text[start - 3].isdigit():
            return not after.words
        if previous[-1:] == "(" and following[:1] == ")":
            return True
    if following[:1] == ")" and previous[-1:] in (" ", "\n", "") and value < 30:
        return True
    if (
        value < 200
        and text.startswith(_SCORE_STARTS, end)
        and _SCORE.match(text, end)
        and not (found.approx and found.most and found.most > 200)
    ):
        return True
    if (previous[-1:] == "-" and text[start - 2 : start - 1].isdigit()) or (following[:1] == "-" and _SCORE_TAIL.match(text, end)):
        return True
    return text[start] == "0" and found.plain and end - start > 1
