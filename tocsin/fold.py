"""Fold text for matching, without ever losing an offset.

Case, diacritics, Arabic letter variants, quote and dash families, full-width forms and other scripts' digits fold to one form.
Every kept character stays ONE character (`"İ".lower()` is two: offsets after it would shift), and characters that carry no
letter (harakat, tatweel, zero-width, soft hyphen, bidi marks) are removed, with a map back to the original offsets.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

_APOSTROPHES = "'’‘ʼʻ`´′ʿʾ＇"
_DASHES = "-‐‑‒–—―−﹣－"
_ARABIC = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ک": "ك", "گ": "ك", "ھ": "ه", "ە": "ه"}
_CYRILLIC = {"ё": "е", "Ё": "е", "й": "й", "Й": "й", "ї": "ї", "Ї": "ї"}
_LATIN = {"ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "İ": "i", "ð": "d", "ħ": "h", "Ħ": "h", "ə": "e", "Ə": "e"}
_FIXED = {
    **_ARABIC,
    **_CYRILLIC,
    **_LATIN,
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys("“”„‟«»″＂", '"'),
}
_NO_LETTERS = "[\u0640\u064b-\u065f\u0670\u0610-\u061a\u06d6-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\u0300-\u036f]"
_DROPPED = re.compile(f"{_NO_LETTERS}{_NO_LETTERS}*")  # a class in front is sought faster than a repeated one


_MOST_STEPS = 8
_LONG = 500  # characters from which a text is a body, not a name


def _fold_char(char: str) -> str:
    """Fold one character to exactly one character."""
    fixed = _FIXED.get(char)
    if fixed is not None:
        return fixed
    if char.isspace():
        return "\n" if char in "\n\r\x0b\x0c\u2028\u2029" else " "
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    base = next((c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c)), char)
    lowered = base.lower()
    return lowered if len(lowered) == 1 else base


def _fold_fully(char: str) -> str:
    for _ in range(_MOST_STEPS):  # a folded character may fold on: "Ð" to "ð" to "d"
        before, char = char, _fold_char(char)
        if char == before:
            break
    return char


_MOST_WIDE = 24  # kinds of characters outside Latin-1 from which one pass by str.translate is quicker
_SHORT = 60  # characters up to which one pass by str.translate is quicker whatever they are: words of lexicons, by the hundred thousand
_FIRST_STAND_IN, _LAST_STAND_IN = "\x86", "\x9d"  # as many control characters, which texts hardly ever have
_STAND_INS = [chr(code) for code in range(ord(_FIRST_STAND_IN), ord(_LAST_STAND_IN) + 1)]


class CharTable(dict[int, str]):
    """A map of one character to one, learnt when a character is first met; what it gives it must map to itself."""

    def __init__(self, learn: Callable[[str], str]) -> None:
        """`learn`: the character a character becomes."""
        super().__init__()
        self._learn = learn
        low = [learn(chr(code)) for code in range(256)]
        self._bytes = bytes(ord(char) if ord(char) < 256 else code for code, char in enumerate(low))
        leaving = "".join(chr(code) for code, char in enumerate(low) if ord(char) >= 256)
        # One class, for that is sought fast: what lies outside Latin-1, what leaves it, and the stand-ins below.
        self._wide = re.compile(f"[{re.escape(leaving)}{_FIRST_STAND_IN}-{_LAST_STAND_IN}\u0100-\U0010ffff]")

    def __missing__(self, code: int) -> str:
        # Half a character (a lone surrogate) has no bytes, which the automata need.
        self[code] = char = "\ufffd" if 0xD800 <= code <= 0xDFFF else self._learn(chr(code))
        return char

    def translate(self, text: str) -> str:
        """`text` with every character mapped; of the same length, linear.

        A text in Latin letters has few kinds of characters outside Latin-1 (curly quotes, dashes). Those are replaced one kind at a
        time, and the rest is mapped as bytes by a table of 256: 30 us instead of 90 for 4,000 characters, where str.translate looks
        each one up.
        """
        if text.isascii():
            return text.encode("ascii").translate(self._bytes).decode("latin-1")
        if len(text) <= _SHORT:
            return text.translate(self)
        wide = set(self._wide.findall(text))
        if len(wide) > _MOST_WIDE or any(_FIRST_STAND_IN <= char <= _LAST_STAND_IN for char in wide):
            return text.translate(self)
        staying: list[tuple[str, str]] = []  # what stays wide is replaced by a control character meanwhile
        for char, stand_in in zip(wide, _STAND_INS, strict=False):
            mapped = self[ord(char)]
            if mapped > "\xff":
                staying.append((stand_in, mapped))
                mapped = stand_in
            text = text.replace(char, mapped)
        text = text.encode("latin-1").translate(self._bytes).decode("latin-1")
        for stand_in, mapped in staying:
            text = text.replace(stand_in, mapped)
        return text


_TABLE = CharTable(_fold_fully)


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text with the way back: `start(i)` and `end(i)` are offsets in the original."""

    text: str
    # Where characters were removed: folded positions, and the total removed up to and including each.
    _cuts: list[int] = field(default_factory=list)
    _removed: list[int] = field(default_factory=list)

    @property
    def is_shifted(self) -> bool:
        """Whether any offset differs from that in the original."""
        return bool(self._cuts)

    def start(self, index: int) -> int:
        """Original offset of the folded character at `index`."""
        if not self._cuts:
            return index
        at = bisect_right(self._cuts, index)
        return index + (self._removed[at - 1] if at else 0)

    def end(self, index: int) -> int:
        """Original offset just after the folded character before `index`."""
        return self.start(index - 1) + 1 if index else 0


def fold(text: str) -> Folded:
    """Fold `text` for matching; linear in its length. The last few long texts are remembered: stages fold the same body in turn."""
    return _remembered(text) if len(text) > _LONG else _fold(text)


@lru_cache(maxsize=4)
def _remembered(text: str) -> Folded:
    return _fold(text)


def _fold(text: str) -> Folded:
    cuts: list[int] = []
    removed: list[int] = []
    if not text.isascii() and _DROPPED.search(text):
        pieces: list[str] = []
        last = total = kept = 0
        for gap in _DROPPED.finditer(text):
            pieces.append(text[last : gap.start()])
            kept += gap.start() - last
            total += gap.end() - gap.start()
            cuts.append(kept)
            removed.append(total)
            last = gap.end()
        pieces.append(text[last:])
        text = "".join(pieces)
    return Folded(_TABLE.translate(text), cuts, removed)


def fold_key(text: str) -> str:
    """Fold a short name for comparison: folded, spaces squeezed, ends trimmed."""
    return " ".join(fold(text).text.split())
