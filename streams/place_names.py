"""Names in a text that a gazetteer knows, and how much each looks like a place where it stands.

Word n-grams are looked up, not substrings: linear in the text, and never inside a word. What the words around say is added up
into `strength`; a person, a newspaper, a currency is `rejected` with its reason.
"""

import re

from msgspec import Struct

from streams import place_patterns as words
from streams.context import Context
from streams.gazetteer import ABBREVIATION, DEMONYM, MAIN, Gazetteer, Hit, cyrillic_stem, without_article
from tocsin.fold import fold

_TOKEN = re.compile(r"[^\W_]++(?:['’ʻʼ‘`´](?!s\b)[^\W_]++)*+")
_QUOTES = str.maketrans("", "", "'")
_APOSTROPHES = frozenset("'’ʼ‘`´")
_SIGNS = frozenset("$€£#@")
_BRANDS = frozenset(("airways", "airlines", "open", "telecom", "petroleum", "express"))
_ARTICLES = frozenset(("al", "el", "ar", "as", "ash", "ad", "an", "ez", "az", "at", "ath", "es"))
_MAY_BE_ARTICLE = frozenset(article[0] for article in _ARTICLES)  # first letters: one look spares most others
_JOINING = {" ": " ", "-": " ", "‑": " ", "–": " ", "- ": " ", " - ": " ", "\u00a0": " ", " & ": " "}
_ARABIC_CLITIC = re.compile("^(?:و|ف)?(?:ب|ل|ك)?(?:ال|لل)?(?=\\w{3})")
_REMEMBERED = 20_000
# Strength of a populated place by its inhabitants: a village needs more evidence around it than a capital.
_SIZES = ((1_000_000, 2.7), (300_000, 2.3), (100_000, 2.0), (50_000, 1.6), (15_000, 1.1), (5_000, 0.6), (1_000, 0.4), (-1, 0.2))


class PlaceName(Struct, eq=False):
    """A candidate: a known name where it stands."""

    first: int  # tokens [first, last)
    last: int
    start: int
    end: int
    key: str
    hits: tuple[Hit, ...]
    locative: bool = False
    rejected: str = ""
    strength: float = 0.0


class WordText:
    """A text cut into words, each with its key."""

    __slots__ = ("capitals", "ends", "heads", "keys", "starts", "text")

    def __init__(self, context: Context) -> None:
        self.text = context.text
        spans = [match.span() for match in _TOKEN.finditer(self.text)]
        self.starts = [span[0] for span in spans]
        self.ends = [span[1] for span in spans]
        folded = context.folded.text
        if len(folded) == len(self.text):
            self.keys = [folded[start:end] for start, end in spans]
        else:
            self.keys = [fold(self.text[start:end]).text for start, end in spans]
        if "'" in folded:
            for at, key in enumerate(self.keys):
                if "'" in key:
                    self.keys[at] = key.translate(_QUOTES)
        text = self.text
        # Words with a capital letter, and words a name may begin with: those, articles ("al-Hol"), and scripts without capitals.
        firsts = [text[start] for start in self.starts]
        kinds = set(firsts)  # each character is judged once
        upper = {char for char in kinds if char.isupper()}
        opening = upper if text.isascii() else {char for char in kinds if not (char.islower() or char.isdigit())}
        self.capitals = [at for at, char in enumerate(firsts) if char in upper]
        keys = self.keys
        self.heads = [
            at
            for at, char in enumerate(firsts)
            if char in opening or ((char in _MAY_BE_ARTICLE or char > "\x7f") and keys[at] in _ARTICLES)
        ]

    def gap(self, left: int, right: int) -> str:
        """The characters between two words."""
        return self.text[self.ends[left] : self.starts[right]]

    def capital(self, at: int) -> bool:
        """Whether a word starts with a capital letter."""
        return self.text[self.starts[at]].isupper()


def candidates(text: WordText, gazetteer: Gazetteer) -> list[PlaceName]:
    """The longest known name at each capitalised word, left to right."""
    names: list[PlaceName] = []
    known, longest, reaches = gazetteer.names, gazetteer.longest, gazetteer.reaches
    raw, starts, ends, keys = text.text, text.starts, text.ends, text.keys
    count = len(starts)
    taken = 0
    for at in text.heads:
        if at < taken:
            continue
        char = raw[starts[at]]
        if char.islower() and not (at + 1 < count and raw[ends[at] : starts[at + 1]] in ("-", " ") and raw[starts[at + 1]].isupper()):
            continue
        key = keys[at]
        reach = reaches.get(key) or gazetteer.reach(key)
        best: tuple[int, str] | None = (at + 1, key) if reach & 1 else None
        reach >>= 1
        if at + 1 < count and keys[at + 1] == "s" and raw[ends[at] : starts[at + 1]] in _APOSTROPHES:
            reach = max(reach, longest.get(key + "s", 0) + 1)
        elif reach == 1 and best is None and char <= "\u0370":
            continue
        if reach > 1:
            longer = key
            for stop in range(at + 1, min(at + reach, count)):
                gap = raw[ends[stop - 1] : starts[stop]]
                if gap in _APOSTROPHES and keys[stop] == "s":
                    longer += "s"
                    if longer in known:
                        best = (stop + 1, longer)
                    continue
                joint = _JOINING.get(gap)
                if joint is None:
                    if not (gap in (".", ". ") and ends[stop - 1] - starts[stop - 1] <= 3):
                        break
                    joint = " "
                longer += joint + keys[stop]
                if longer in known:
                    best = (stop + 1, longer)
        if best is None and char > "\u0370":
            best = _other_script(text, at, gazetteer)
        if best is None:
            continue
        last, found = best
        start, end = starts[at], ends[last - 1]
        if (
            last - at > 1
            and not any(raw[starts[k]].isupper() or raw[starts[k]] > "\u0590" for k in range(at + 1, last))
            and keys[at] in words.FUNCTION
        ):
            continue
        if found.startswith("the ") and found != "the hague":
            start = starts[at + 1]
        names.append(PlaceName(at, last, start, end, found, gazetteer.lookup(found)))
        taken = last
    return names


def _other_script(text: WordText, at: int, gazetteer: Gazetteer) -> tuple[int, str] | None:
    """A Cyrillic name in another case, or an Arabic one behind a clitic."""
    key = text.keys[at]
    if not key:
        return None  # a lone stretching mark, which folding removes
    if "\u0400" <= key[0] <= "\u04ff" and len(key) >= 4:
        for count in (2, 1):
            if at + count > len(text.keys) or (count == 2 and text.gap(at, at + 1) not in (" ", "-")):
                continue
            parts = [cyrillic_stem(k) for k in text.keys[at : at + count]]
            stem = " ".join(parts)
            for cut in (0, 1, 2):
                if cut and (len(stem) - cut < 4 or count == 2):
                    break
                if stem[: len(stem) - cut] in gazetteer.names:
                    return at + count, stem[: len(stem) - cut]
        return None
    if "\u0600" <= key[0] <= "\u06ff":
        bare = _ARABIC_CLITIC.sub("", key)
        for form in (without_article(key), bare, "ال" + bare):
            if len(form) >= 3 and form != key and form in gazetteer.names:
                return at + 1, form
    return None


def surnames(text: WordText) -> dict[str, int]:
    """Words that stand after a first name or a title somewhere: persons, wherever they stand alone."""
    found: dict[str, int] = {}
    keys = text.keys
    for after in text.capitals:
        at = after - 1
        if at < 0:
            continue
        key = keys[at]
        if (key in words.FIRST_NAMES and text.capital(at)) or (
            key in words.TITLES and key not in ("chief", "major", "general", "father", "sister", "m", "saint")
        ):
            gap = text.gap(at, at + 1)
            if gap in (" ", ". "):
                if keys[at + 1] in words.FIRST_NAMES and at + 2 < len(keys) and text.gap(at + 1, at + 2) == " " and text.capital(at + 2):
                    continue
                found.setdefault(keys[at + 1], at + 1)
                if key in words.FIRST_NAMES and text.capital(at):
                    found.setdefault(key, at)
    return found


def lower_words(text: WordText, names: list[PlaceName]) -> frozenset[str]:
    """Keys of one-word names that also stand in lower case in this text: ordinary words here."""
    wanted = {name.key for name in names if name.last - name.first == 1}
    raw = text.text
    return frozenset([key for key, start in zip(text.keys, text.starts, strict=True) if key in wanted and raw[start].islower()])


def _size(gazetteer: Gazetteer, hits: tuple[Hit, ...]) -> float:
    """Strength of the most prominent reading."""
    known = gazetteer.strengths.get(hits)
    if known is None:
        if len(gazetteer.strengths) >= _REMEMBERED:
            gazetteer.strengths.clear()
        known = gazetteer.strengths[hits] = _measure(gazetteer, hits)
    return known


def _measure(gazetteer: Gazetteer, hits: tuple[Hit, ...]) -> float:
    best = 0.0
    for hit in hits:
        if gazetteer.is_curated(hit.index):
            place = gazetteer.place(hit.index)
            value = {"country": 3.4, "admin2": 2.8, "district": 0.3, "town": 1.6}.get(place.type, 2.5)
            if hit.kind == DEMONYM:
                value = 3.0
        else:
            people = gazetteer.population(hit.index)
            value = next(v for floor, v in _SIZES if people >= floor)
            if hit.kind != MAIN:
                value -= 0.9
        best = max(best, value)
    return best


def judge(
    name: PlaceName,
    position: int,
    names: list[PlaceName],
    text: WordText,
    gazetteer: Gazetteer,
    persons: dict[str, int],
    lower: frozenset[str],
) -> None:
    """Fill `strength`, `locative` and `rejected` from the words around one name."""
    raw, keys = text.text, text.keys
    first, last = name.first, name.last
    single = last - first == 1
    surface = raw[name.start : name.end]
    kinds = [hit.kind for hit in name.hits]
    demonym = kinds.count(DEMONYM) == len(kinds)
    before = keys[first - 1] if first else ""
    gap_before = text.gap(first - 1, first) if first else "\n"
    after = keys[last] if last < len(keys) else ""
    gap_after = text.gap(last - 1, last) if last < len(keys) else "\n"
    joined_before = gap_before == " " and first > 0
    joined_after = gap_after == " " and last < len(keys)
    capital_before = joined_before and text.capital(first - 1) and before not in words.FUNCTION
    capital_after = joined_after and text.capital(last)
    if demonym and gazetteer.level(name.hits[0].index) != "country":
        name.rejected = "an adjective of no one country"
        return
    if raw[name.start - 1 : name.start] in _SIGNS or raw[name.end : name.end + 1] == "$" or (demonym and surface[-1] == "s"):
        name.rejected = "a currency or a people"
        return
    abbreviated = False
    if ABBREVIATION in kinds:
        if not _abbreviation_ok(name, text, position, names):
            name.rejected = "abbreviation"
            return
        abbreviated = all(hit.kind == ABBREVIATION for hit in name.hits)
    if name.key.partition(" ")[0] in words.CALENDAR or (gap_after == " " and after in words.DISEASES and not _is_country(gazetteer, name)):
        name.rejected = "a date or a disease"
        return
    score = _size(gazetteer, name.hits)
    if single and len(name.key) <= 3 and not abbreviated and name.key.isascii() and not demonym:
        score -= 1.2
    if single and not abbreviated and 2 < len(surface) <= 5 and surface.isupper() and _is_acronym(text, name, gap_after):
        score -= 2.5
    if name.key in words.AMBIGUOUS and not abbreviated:
        score -= 2.6
    if single and name.key in lower and not demonym and not abbreviated:
        score -= 2.0
    if not single and not demonym:
        score += 0.6
    name.locative = (joined_before and before in words.LOCATIVE) or (before == "the" and first > 1 and keys[first - 2] in words.LOCATIVE)
    person = single and name.key in words.GIVEN
    if name.locative:
        score += 1.0
    elif before == "of" and joined_before:
        score += 0.4
    # persons
    if (
        joined_before
        and before in words.FIRST_NAMES
        and text.capital(first - 1)
        and not abbreviated
        and not demonym
        and not _prominent(gazetteer, before)
    ):
        name.rejected = "surname"
    elif gap_before in (" ", ". ") and before in words.TITLES and text.capital(first - 1) and not demonym and not abbreviated and single:
        name.rejected = "after a title" if not _is_country(gazetteer, name) else ""
    elif person and capital_after and after not in words.PLACE_NOUNS and not _prominent(gazetteer, after):
        name.rejected = "given name"
    elif single and name.key in persons and not name.locative and not _is_country(gazetteer, name):
        name.rejected = "a person of this text"
    elif person and not name.locative:
        score -= 1.2 if not _is_country(gazetteer, name) else 0.4
    # organisations
    brand = capital_after and (after in _BRANDS if demonym else after in words.NEVER_BEFORE)
    if brand or (before == "of" and first > 1 and keys[first - 2] in words.ORG_OF and text.capital(first - 2)):
        name.rejected = "part of a name"
    if capital_before and before in words.ORG_BEFORE and not demonym:
        name.rejected = "branch of an organisation"
    if (
        capital_before
        and not name.rejected
        and before not in words.DIRECTIONS
        and before not in words.AFTER
        and not _place_before(names, position, first)
    ):
        score -= 0.9 if score > 2.4 else 1.6
    if capital_after and not name.rejected:
        score -= 0.0 if after in words.PLACE_NOUNS or demonym else 0.5 if score > 1.9 else 1.4
    if joined_after and after in words.AFTER and not demonym:
        score += 1.5
    if gap_after.startswith("-") and last < len(keys) and text.capital(last) and single:
        score -= 1.0
    if gap_before.endswith("-") and first and text.capital(first - 1) and single:
        score -= 1.0
    name.strength = score


def _place_before(names: list[PlaceName], position: int, first: int) -> bool:
    return position > 0 and names[position - 1].last == first and not names[position - 1].rejected


def _prominent(gazetteer: Gazetteer, key: str) -> bool:
    """Whether a word is first of all a place: a country, a region, a great city."""
    return any(
        hit.kind in (MAIN, DEMONYM) and (gazetteer.level(hit.index) in ("country", "admin1") or gazetteer.population(hit.index) >= 300_000)
        for hit in gazetteer.lookup(key)
    )


def _is_country(gazetteer: Gazetteer, name: PlaceName) -> bool:
    """Whether a name may be that of a country or of a first-level region."""
    return any(gazetteer.level(hit.index) in ("country", "admin1") for hit in name.hits)


def _abbreviation_ok(name: PlaceName, text: WordText, position: int, names: list[PlaceName]) -> bool:
    """Abbreviations must be written as such: "US" never "us", "Ky." with its period or after a town and a comma."""
    raw = text.text
    if name.key == "b c" and name.first and text.keys[name.first - 1].isdigit():
        return False  # 575 B.C.
    surface = raw[name.start : name.end]
    period = name.end < len(raw) and raw[name.end] == "."
    dotted = "." in surface
    rest = tuple(hit for hit in name.hits if hit.kind != ABBREVIATION)
    state = all(_state_like(name, hit) for hit in name.hits if hit.kind == ABBREVIATION) and len(name.key.replace(" ", "")) <= 5
    if dotted and surface.upper() == surface:
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        if period:
            name.end += 1
        return True
    after_comma = position > 0 and names[position - 1].end <= name.start and raw[names[position - 1].end : name.start] in (", ", ",")
    whole = name.key in _WHOLE_ABBREVIATIONS
    if surface.isupper() and whole:
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        return not (name.key in ("us", "car") and _shouting(text, name))
    if state and (after_comma and (period or (surface.isupper() and len(surface) == 2))):
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        if period:
            name.end += 1
        return True
    name.hits = rest
    return bool(rest)


def _state_like(name: PlaceName, hit: Hit) -> bool:
    return hit.kind == ABBREVIATION and name.key not in _WHOLE_ABBREVIATIONS


# Abbreviations that stand for a place wherever they stand in capitals; those of states need a town and a comma before them.
_WHOLE_ABBREVIATIONS = frozenset(
    "us uk usa uae drc rdc car prc ksa dprk ussr nsw kri opt qld ny nyc act kpk сша рф оаэ кндр юар цар".split()  # noqa: SIM905
)


def _is_acronym(text: WordText, name: PlaceName, gap_after: str) -> bool:
    """Whether capitals mean an acronym: not in a headline of capitals, and not at the head of a report ("ROME (AP)")."""
    if gap_after[:2] in (" (", ", ") or gap_after.strip() in ("—", "-", "–", ":"):
        return False
    near = [text.text[text.starts[k] : text.ends[k]] for k in (name.first - 1, name.last) if 0 <= k < len(text.keys)]
    return not any(len(word) > 1 and word.isupper() for word in near)


def _shouting(text: WordText, name: PlaceName) -> bool:
    """Whether the words beside are in capitals too, so that "US" may be "us"."""
    near = [k for k in (name.first - 1, name.last) if 0 <= k < len(text.keys) and len(text.keys[k]) > 1]
    return bool(near) and all(text.text[text.starts[k] : text.ends[k]].isupper() and len(text.keys[k]) > 4 for k in near)
