"""The syntax of figures: digits and number words read into expressions with a value or bounds."""

import re
from operator import attrgetter

from msgspec import Struct

from streams.context import Context
from streams.number_words import Vocabulary, vocabulary


class Expression(Struct, frozen=True, gc=False):
    """One figure; offsets in the folded text. Either `value`, or `least` and `most` (None: no bound)."""

    start: int
    end: int
    value: float | None
    least: float | None
    most: float | None
    approx: str | None  # range, order_of_magnitude, vague, or None
    digits: bool  # begins with a digit
    plain: bool  # nothing but digits: it might be a year
    vague: bool  # "several", "many": counts only with a noun
    noun: tuple[int, int] | None = None  # of "a soldier": the counted noun


class _Atom(Struct, frozen=True, gc=False):
    start: int
    end: int
    kind: str  # digits word scale magnitude vague one
    value: float
    most: float


_START = attrgetter("start")
_DIGITS = re.compile(r"\d{1,3}(?:[ ,.']\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d+(?:[.,]\d+)?")
_RUN = re.compile("[0-9][0-9]*")  # a class in front is sought faster than a repeated one
_GROUPS = re.compile(r"\d{1,3}(?:[ ,.']\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")  # "1,20,000" is Indian for 120,000
_LETTERS_BEFORE = re.compile(r"[^\W\d_]+$")
_LETTERS_AFTER = re.compile(r"[^\W\d_]+")
_ARC = re.compile(r"['\"″] ?[nsew]\b")  # minutes of arc
_ARTICLE = re.compile(r"(?:^|[^\w])(an?|another)(?: [^\W\d_]+){0,3} $")
_ARTICLES, _ARTICLE_WORDS = ("a", "an", "another"), 5  # a cheap look first: the article, three words, and nothing behind the last
# Letters that PDF text glues before a figure ("at least140,000"); any other letter makes it a name ("T72").
_GLUABLE = frozenset(
    (
        "displaced",
        "evacuated",
        "killed",
        "injured",
        "least",
        "around",
        "about",
        "over",
        "than",
        "with",
        "and",
        "of",
        "to",
        "nearly",
        "some",
        "in",
        "by",
        "from",
        "the",
        "were",
        "between",
        "was",
        "are",
        "almost",
        "forced",
        "only",
        "another",
        "additional",
        "approximately",
        "و",
        "ب",
        "ل",
        "ال",
        "بال",
        "لل",
    )
)
_SCALE_LETTERS = {
    "k": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "bn": 1e9,
    "b": 1e9,
    "thousand": 1e3,
    "lakh": 1e5,
    "million": 1e6,
    "billion": 1e9,
}
_CLITICS = frozenset(("و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "لل", "ولل", "وب", "ول"))
_JOINERS = frozenset((" ", "-", " and ", " و", "\n", " -", " y ", " e ", " et "))
_SCALE_JOINERS = frozenset((" ", "-", "", "\n", " of ", " من ", " de "))
_RANGE_JOINERS = frozenset(
    ("-", " - ", " to ", " or ", " до ", " الي ", " a ", " и ", " and ", " و", " to some ", " to about ", " and about ")
)
_RANGE_JOINERS |= {f" to {word} " for word in ("more than", "at least", "over", "nearly", "almost", "around", "an estimated")}
_RISE = re.compile(
    r"\b(?:ros|ris|increas|jump|climb|grew|grow|revis|rais|up|fell|fall|drop|decreas|declin|went|go|doubl|surg)\w*[^.]{0,40}\bfrom $"
    r"|\b(?:вырос|возрос|увелич|поднял)\w*[^.]{0,40}\bсо? $|(?:ارتفع|ارتفاع|زاد)[^.]{0,40} من $"
)
_BETWEEN = re.compile(r"(?:between|from|entre|между|от|بين|من)(?: about| around| some| an estimated)? ?$")
_HALF = re.compile(r"(half|quarter|third|medio|meio|demi)[ -](?:a |of a |an )?$")
_THOUSAND = ("mil", "mille")  # stands without a figure: "mil familias"
_FRACTIONS = {"half": 0.5, "medio": 0.5, "meio": 0.5, "demi": 0.5, "quarter": 0.25, "third": 1 / 3}
_AND_A_FRACTION = re.compile(r" and an? (half|quarter|third) ")
_A_BEFORE = re.compile(r"(?:^|[^\w])an? $")


def read_expressions(context: Context, words: Vocabulary) -> list[Expression]:
    """Every figure of the text in order, names and references with figures in them still included."""
    text = context.folded.text
    atoms = _atoms(context, text, words)
    found: list[Expression] = []
    index = 0
    while index < len(atoms):
        expression, following = _single(text, atoms, index)
        if expression is None:
            index = max(following, index + 1)
            continue
        if following < len(atoms) and expression.value is not None:
            joined = _range(text, atoms, expression, following)
            if joined is not None:
                expression, following = joined
        found.append(expression)
        index = following
    return found


def _atoms(context: Context, text: str, words: Vocabulary) -> list[_Atom]:
    atoms: list[_Atom] = []
    last = 0
    for run in _RUN.finditer(text):  # a plain run is sought much faster than the whole pattern
        if run.start() >= last and (match := _DIGITS.match(text, run.start())) is not None:
            last = match.end()
            _add_digits(context, text, match, words, atoms)
    digits = len(atoms)
    lang = context.lang
    size = len(text)
    for index, start, end in words.automaton.find_matches_as_indexes(text):
        if end < size and text[end].isalnum():
            continue
        if start and text[start - 1].isalnum() and not _is_clitic(text, start):
            continue
        if start > 1 and text[start - 1] == "-" and text[start - 2].isalpha() and not _ends_with_number(text, start - 1, words):
            continue  # the second half of a name: "Nock-Ten"
        for word in words.words[index]:
            if not word.lang or word.lang == lang or (lang == "und" and word.kind == "scale"):
                atoms.append(_Atom(start, end, word.kind, word.value, word.most))
                break
    if digits and len(atoms) > digits:
        atoms.sort(key=_START)
    return atoms


def _is_clitic(text: str, start: int) -> bool:
    """Whether the letters glued before an Arabic word are a conjunction, preposition or article."""
    begin = start
    while begin and text[begin - 1].isalpha() and start - begin < 4:
        begin -= 1
    return text[begin:start] in _CLITICS and not (begin and text[begin - 1].isalnum())


def _ends_with_number(text: str, stop: int, words: Vocabulary) -> bool:
    """Whether the word before `stop` is a number word ("twenty-five")."""
    word = _LETTERS_BEFORE.search(text, max(0, stop - 16), stop)
    return word is not None and word.group() in words.known


def _add_digits(context: Context, text: str, match: re.Match[str], words: Vocabulary, atoms: list[_Atom]) -> None:
    start, end = match.span()
    before = text[start - 1] if start else " "
    if before.isalpha():
        glued = _LETTERS_BEFORE.search(text, max(0, start - 12), start)
        if glued is None or glued.group() not in _GLUABLE or end - start < 2:
            return
    elif before == "°":
        return
    elif before in "-/:.,_&@'" and start > 1:
        older = text[start - 2]
        if older.isalpha() and before in "-/_&@'":
            return
        if older.isdigit() and before in "/:.":
            return
    raw = match.group()
    value = _value(raw)
    after = text[end] if end < len(text) else " "
    kind = "digits"
    if after.isalpha():
        tail = _LETTERS_AFTER.match(text, end)
        letters = tail.group() if tail else ""
        scale = _SCALE_LETTERS.get(letters)
        if scale is not None and text[end + len(letters) : end + len(letters) + 1].isdigit():
            return  # "2K20" is a name
        if scale is not None and (letters not in ("m", "b") or _followed_by_unit(text, end + len(letters), words)):
            value *= scale
            end += len(letters)
        elif (
            letters not in words.units
            and letters not in ("people", "displaced", "internally", "civilians")
            and not letters.startswith(("people", "person", "famil", "household"))
        ):
            return
    elif (after in "/:" and end + 1 < len(text) and text[end + 1].isdigit()) or after == "°" or _ARC.match(text, end):
        return
    if not context.text.isascii():
        slice_ = context.text[context.folded.start(start) : context.folded.end(end)]
        if not slice_.isascii() and any(c in "¼½¾²³¹⅓⅔" for c in slice_):
            return
    atoms.append(_Atom(start, end, kind, value, value))


def _followed_by_unit(text: str, at: int, words: Vocabulary) -> bool:
    """Whether a countable noun comes next: "5m people", not "5m wide"."""
    following = _LETTERS_AFTER.match(text, at + 1)
    return following is not None and following.group() in words.units


def _value(raw: str) -> float:
    if raw.isdigit():
        return float(raw[:18])
    if raw[0] != "0" and _GROUPS.fullmatch(raw):
        return float(re.sub(r"\D", "", raw))
    if len(raw) > 18:
        return float(re.sub(r"\D", "", raw)[:18])
    grouped = _GROUPS.match(raw)
    if grouped is not None:
        return float(re.sub(r"\D", "", grouped.group()))
    return float(raw.replace(",", "."))


def _single(text: str, atoms: list[_Atom], index: int) -> tuple[Expression | None, int]:
    """Read one expression that begins at atom `index`; also the index after it."""
    first = atoms[index]
    if first.kind == "one":
        low = max(0, first.start - 48)
        near = [word for word in text[low : first.start].split(" ")[-_ARTICLE_WORDS:] if word.endswith(_ARTICLES)]
        article = _ARTICLE.search(text, low, first.start) if near else None
        if article is None:
            return None, index + 1
        return Expression(article.start(1), article.end(1), 1, None, None, None, False, False, False, (first.start, first.end)), index + 1
    if first.kind == "vague":
        return _vague(text, atoms, index)
    if first.kind == "magnitude":
        return _magnitude(text, atoms, index, first.start)
    start = first.start
    current = 1.0
    if first.kind == "scale":
        half = _HALF.search(text, max(0, start - 20), start)
        article = _A_BEFORE.search(text, max(0, start - 4), start)
        if half is not None:
            current, start = _FRACTIONS[half.group(1)], half.start()
        elif article is not None:
            start = article.end() - len(article.group().lstrip())
            start = article.start() + (0 if text[article.start()].isalnum() else 1)
        elif text[start].isascii() and text[start : first.end] not in _THOUSAND:
            return None, index + 1
        at = index
    else:
        current = first.value
        at = index + 1
    total, end, plain = 0.0, first.end, first.kind == "digits" and text[first.start : first.end].isdigit()
    if first.kind == "scale":
        end = first.start
    while at < len(atoms):
        atom = atoms[at]
        gap = text[end : atom.start] if atom.start >= end else "?"
        if atom.kind == "scale" and (gap in _SCALE_JOINERS or (at == index)):
            if atom.value < 1000 and current < 1000:
                current *= atom.value
            else:
                total += current * atom.value
                current = 0.0
            plain = False
        elif atom.kind == "scale" and (part := _AND_A_FRACTION.fullmatch(gap)) is not None:  # "one and a half million"
            total += (current + _FRACTIONS[part[1]]) * atom.value
            current, plain = 0.0, False
        elif atom.kind == "word" and gap in _JOINERS and _adds(text, first, atoms[at - 1], atom, current):
            current += atom.value
        else:
            break
        end = atom.end
        at += 1
    if first.kind == "scale" and at == index + 1 and start == first.start and text[first.start : first.end] in vocabulary().plural_scales:
        return Expression(start, end, None, 2 * first.value, 10 * first.value - 1, "order_of_magnitude", False, False, False), at
    return Expression(start, end, _whole(total + current), None, None, None, first.kind == "digits", plain, False), at


def _adds(text: str, first: _Atom, last: _Atom, atom: _Atom, current: float) -> bool:
    """Whether a number word continues the sum: hundreds, then tens, then units; or Arabic units before tens."""
    if first.kind == "digits" and last.kind == "digits":
        return False
    if current == 0 or (current % 100 == 0 and atom.value < 100) or (current % 10 == 0 and current % 100 >= 20 and atom.value < 10):
        joined = text[last.end : atom.start]
        # "two thousand and three others" is a sum, "twenty and three" two figures.
        return current == 0 or current >= 100 or joined in ("-", " ", " y ", " e ", " et ")
    return 0 < current % 100 < 10 and atom.value in (20, 30, 40, 50, 60, 70, 80, 90) and text[last.end : atom.start] == " و"


def _vague(text: str, atoms: list[_Atom], index: int) -> tuple[Expression | None, int]:
    first = atoms[index]
    if index + 1 < len(atoms):
        following = atoms[index + 1]
        gap = text[first.end : following.start]
        if gap == " " and following.kind in ("digits", "word"):
            return None, index + 1  # "some 300": the vague word is an approximator
        if gap in (" ", " of ") and following.kind in ("scale", "magnitude"):
            least = max(first.value, 2) * (following.value if following.kind == "scale" else following.value / 2)
            most = following.value * 9.99 if following.kind == "scale" else following.most
            if following.kind == "scale" and following.value < 100:
                most = 99
            end, at = following.end, index + 2
            if at < len(atoms) and atoms[at].kind == "scale" and text[end : atoms[at].start] in _SCALE_JOINERS:
                least, most, end, at = least * atoms[at].value, most * atoms[at].value, atoms[at].end, at + 1
            return Expression(first.start, end, None, _whole(least), _whole(int(most)), "order_of_magnitude", False, False, False), at
    return Expression(first.start, first.end, None, first.value or None, None, "vague", False, False, True), index + 1


def _magnitude(text: str, atoms: list[_Atom], index: int, start: int) -> tuple[Expression, int]:
    first = atoms[index]
    least, most, end, at = first.value, first.most, first.end, index + 1
    if at < len(atoms) and text[end : atoms[at].start] in _SCALE_JOINERS:
        following = atoms[at]
        if following.kind == "magnitude" and following.value >= 1000:
            scale = following.value / 2
            least, most, end, at = least * scale, (most + 1) * scale - 1, following.end, at + 1
        elif following.kind == "scale" and following.value >= 1000:
            least, most, end, at = least * following.value, (most + 1) * following.value - 1, following.end, at + 1
    return Expression(start, end, None, _whole(least), _whole(most), "order_of_magnitude", False, False, False), at


def _range(text: str, atoms: list[_Atom], left: Expression, at: int) -> tuple[Expression, int] | None:
    gap = text[left.end : atoms[at].start]
    if gap not in _RANGE_JOINERS:
        return None
    between = _BETWEEN.search(text, max(0, left.start - 24), left.start)
    if gap.strip() in ("and", "و", "и", "and about", "a") and between is None:
        return None
    right, following = _single(text, atoms, at)
    if right is None or right.value is None or left.value is None or right.noun is not None:
        return None
    if _RISE.search(text, max(0, left.start - 70), left.start):
        return right, following
    low, high = left.value, right.value
    if low < 1000 <= high:
        low = _scaled(text, low, right)
    if low >= high:
        return None
    return Expression(left.start, right.end, None, _whole(low), _whole(high), "range", left.digits, False, False), following


def _scaled(text: str, low: float, right: Expression) -> float:
    """In "12-15 thousand" the scale of the right figure holds for the left one too."""
    words = text[right.start : right.end]
    for scale in (1e9, 1e6, 1e3):
        if right.value is not None and right.value >= scale and any(c.isalpha() for c in words) and low * scale < right.value:
            return low * scale
    return low


def _whole(value: float) -> float:
    return float(value) if value % 1 == 0 else round(value, 3)
