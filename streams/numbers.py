"""Counts in running text: digits, words, ranges and vague amounts, with what they count.

Three passes over the folded text: the figures (`streams.figure_syntax` reads digits and number words into expressions), the words
before each (approximators, and references such as "Route 66" that are no counts), the words after it (the counted noun, or a unit
of time, money or distance that makes it no count). Years, dates, clock times, ages, scores, list markers, page numbers, calibres
and names with a figure in them are never counts.
"""

import re
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from streams.context import Context
from streams.figure_syntax import Expression, read_expressions
from streams.number_guards import After, Before, is_reference
from streams.number_words import ROMANCE, Vocabulary, vocabulary
from tocsin.records import Quantity


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One count. Offsets are code points in `Context.text`; `text` is that slice, approximator included ("Over 8,000").

    `min` and `max` bound what the words say: "12" and "about 12" are value, min and max 12; "over 8,000" is value 8000, min 8000,
    max null; "up to 60" is value 60, min null, max 60; "12-15" is value null, min 12, max 15; "dozens" is value null, min 24, max 99.
    """

    start: int
    end: int
    text: str
    value: float | None = None
    min: float | None = None
    max: float | None = None
    approx: str | None = None  # over under at_least at_most about range order_of_magnitude vague
    unit: str = "other"  # as in tocsin.records.Quantity
    noun: str = ""  # head noun of what is counted, folded ("civilians"); "" when the figure stands alone
    noun_start: int = -1
    noun_end: int = -1  # end of the noun phrase "8,000 Iraqi civilians"; -1 without noun
    modifiers: tuple[str, ...] = ()  # folded words between figure and noun ("iraqi", "displaced")


_TOKEN = re.compile(r"[^\W_]+(?:['.][^\W_]+)*|[^\w\s]")
_WORD = r"(?:[^\W\d_]++|\ufffd(?=[^\W\d_])|(?<=[^\W\d_])\ufffd)+"  # U+FFFD stands for a letter that an encoding lost
_NEXT = re.compile(rf"(?: |\n|-| -)?({_WORD}(?:['-]{_WORD})*)")
_NEXT_PLAIN = re.compile(r"[ \n]?([a-z]++)(?=[ ,.;:)\n])")  # most words, in a third of the time
_CLOCK = re.compile(r" ?[ap]\.? ?m\b|h\d\d\b| ?o'clock|\.\d\d ?[ap]\.?m")
# "40+ people", "30-odd soldiers", "500 plus families".
_SUFFIX = re.compile(r" ?(?:(\+)(?![\d])|-odd\b|(-plus)\b| (plus)(?= [a-z]))")
_SUFFIX_STARTS = ("+", "-", " +", " -", " p", "  p")
_CLOCK_STARTS = ("a", "p", "h", "o", ".", " a", " p", " o")
_LOOK_BACK = 48  # code points: the longest approximator with fillers is shorter
_WORDS_READ = 3  # of those before a figure, by who asks what they are
_LONGEST_WORD = 48  # code points; what was found for longer ones is not remembered
_NEAREST = 32  # code points: some five words
_LONGEST_PHRASE = 7  # words from figure to counted noun
_DETERMINERS = frozenset(("the", "these", "those", "its", "their", "our", "his", "her", "all"))  # between "of" and the noun
_MOST_FILLERS = 3
_LONGEST_APPROXIMATOR = 4  # words
# Words that PDF text glues to others ("displacedpeople", "peoplecould").
_GLUED = re.compile(r"\w*?(people|persons|civilians|famili(?!ar)|households|refugees|villagers)\w*")
_MISSPELT_PEOPLE = re.compile(r"p(?:eo?|oe|o)p?p?(?:le|el|l)")
# "12 of the state's 20 districts", "300 of the 900 prisoners": the noun stands after the whole.
_PARTITIVE = re.compile(r"(?: out)? of (?:[^\W\d]+(?:'s)? ){0,3}[\d.,]+(?: thousand| million)?(?= )")


def find_numbers(context: Context) -> list[Number]:
    """Every count of `context`, in order of start, none overlapping."""
    words = vocabulary()
    found: list[Number] = []
    for expression in read_expressions(context, words):
        number = _read(context, expression, words, found[-1] if found else None)
        if number is not None:
            while found and number.start < found[-1].end:
                found.pop()  # "some" was the approximator of this figure, not a count of its own
            found.append(number)
    return found


def as_quantity(number: Number, role: str = "other") -> Quantity:
    """The record of a number that plays `role` in a claim."""
    return Quantity(
        text=number.text,
        start=number.start,
        end=number.end,
        unit=number.unit,
        value=number.value,
        min=number.min,
        max=number.max,
        approx=number.approx,
        role=role,
    )


def _read(context: Context, found: Expression, words: Vocabulary, previous: Number | None) -> Number | None:
    text = context.folded.text
    if found.noun is not None:
        return _one(context, found, found.noun, words)
    before = _look_back(text, found, words)
    suffix = _SUFFIX.match(text, found.end) if text.startswith(_SUFFIX_STARTS, found.end) else None
    if suffix is not None:
        found = replace(found, end=suffix.end())
        before = replace(before, approx=before.approx or ("at_least" if any(suffix.groups()) else "about"))
    after = _look_ahead(context, found, words)
    if after.refused or is_reference(text, found, before, after, words):
        return None
    unit = after.unit
    if unit == "building" and after.noun in ("site", "sites"):
        unit = "camp"
    if (
        after.noun in ("others", "other")
        and previous is not None
        and previous.unit != "person"
        and _verb_before(before, words, building=True)
    ):
        unit = previous.unit
    if not unit:
        unit = _unit_from_verbs(before, after, words)
    if found.vague and not unit:
        return None
    start, end = context.folded.start(before.start), context.folded.end(found.end)
    value, least, most, approx = _bounds(found, before.approx)
    return Number(
        start=start,
        end=end,
        text=context.text[start:end],
        value=value,
        min=least,
        max=most,
        approx=approx,
        unit=unit or "other",
        noun=after.noun,
        noun_start=context.folded.start(after.noun_start) if after.noun else -1,
        noun_end=context.folded.end(after.noun_end) if after.noun else -1,
        modifiers=after.modifiers,
    )


def _one(context: Context, found: Expression, noun: tuple[int, int], words: Vocabulary) -> Number:
    """The count of "a soldier"."""
    folded = context.folded
    start, end = folded.start(found.start), folded.end(found.end)
    word = folded.text[noun[0] : noun[1]]
    return Number(
        start=start,
        end=end,
        text=context.text[start:end],
        value=1.0,
        min=1.0,
        max=1.0,
        unit=words.units.get(word, "person"),
        noun=word,
        noun_start=folded.start(noun[0]),
        noun_end=folded.end(noun[1]),
        modifiers=tuple(folded.text[found.end : noun[0]].split()),
    )


def _bounds(found: Expression, approx: str | None) -> tuple[float | None, float | None, float | None, str | None]:
    """Value, min, max and approx of an expression under an approximator."""
    if found.value is None:
        most = None if approx in ("over", "at_least") else found.most
        return None, found.least, most, found.approx
    if approx in ("over", "at_least"):
        return found.value, found.value, None, approx
    if approx in ("under", "at_most"):
        return found.value, None, found.value, approx
    return found.value, found.value, found.value, approx


def _look_back(text: str, found: Expression, words: Vocabulary) -> Before:
    near = found.start - _NEAREST
    if near > 0:  # the nearest words are mostly enough; the first two of them may be one that is cut
        words_before = text[near : found.start]
        plain = words_before.replace(" ", "").isalnum()
        tokens: list[str] = (words_before.split() if plain else _TOKEN.findall(words_before))[2:]
        last = tokens[-1] if tokens else ""
        if len(tokens) >= _WORDS_READ and last not in words.approximator_ends and last not in words.fillers:
            return Before(found.start, None, tokens)
    head = max(0, found.start - _LOOK_BACK)
    tokens = _TOKEN.findall(text, head, found.start)
    approx: str | None = None
    kept = keep = len(tokens)
    fillers = 0
    while keep and fillers <= _MOST_FILLERS:
        word = tokens[keep - 1]
        hit = _approximator(tokens[max(0, keep - _LONGEST_APPROXIMATOR) : keep], words) if word in words.approximator_ends else None
        if hit is not None:
            approx = hit[0] if approx in (None, "about") else approx
            keep -= hit[1]
            kept = keep
            fillers = 0
        elif word in words.fillers:
            keep -= 1
            fillers += 1
        else:
            break
    # Fillers that led to no approximator stay words before the figure.
    start = found.start
    if kept < len(tokens):
        start = [match.start() for match in _TOKEN.finditer(text, head, found.start)][kept]
    return Before(start, approx, tokens[:kept])


def _approximator(tokens: list[str], words: Vocabulary) -> tuple[str, int] | None:
    """The longest approximator that ends `tokens`: its name and its length in tokens."""
    for first in range(len(tokens)):
        name = words.approximators.get(" ".join(tokens[first:]))
        if name is not None:
            return name, len(tokens) - first
    return None


def _look_ahead(context: Context, found: Expression, words: Vocabulary) -> After:
    """The noun phrase after a figure; refused when it measures time, money, distance, or a share."""
    text = context.folded.text
    romance = context.lang in ROMANCE
    stops = words.stop_in.get(context.lang, ())
    at = found.end
    rest = text[at : at + 2]
    if found.digits and text.startswith(_CLOCK_STARTS, at) and _CLOCK.match(text, at):
        return After(refused=True)
    if rest[:1] and (rest[0] in "%$€£°" or rest[:2] in (" %", " $", " €", " £", " °")):
        return After(refused=True)
    if text.startswith((" of ", " out of "), at) and (partitive := _PARTITIVE.match(text, at)) is not None:
        at = partitive.end()
    modifiers: list[str] = []
    unit = noun = ""
    noun_start = noun_end = -1
    read: list[str] = []
    capital: tuple[str, int, int] | None = None
    ended = False
    for index in range(_LONGEST_PHRASE):
        following = _NEXT_PLAIN.match(text, at) or _NEXT.match(text, at)
        if following is None:
            break
        word = following.group(1)
        start, at = following.span(1)
        adjective = index == 0 and text[start - 1] == "-" and text[start - 2] != " "
        read.append(word)
        measured = word in words.not_after or (index == 0 and word.split("-")[0] in words.not_after)
        if measured and not unit and not ended and (index == 0 or len(word) > 1):
            return After(refused=True)
        if romance and word[:2] == "d'":
            word = word[2:]
        known = words.units.get(word) or (words.units.get(word[2:]) if word.startswith("ال") else None)
        if known is None and not unit:
            known = _repaired(word) if len(word) <= _LONGEST_WORD else _repaired.__wrapped__(word)
        if known is not None and not ended:
            if unit and (word in words.person_participles or (noun in words.person_participles and known != "person")):
                break
            unit, noun, noun_start, noun_end = known, word, start, at
            continue
        if unit:
            if noun in words.person_participles and words.units.get(_word_after(text, at)) == "other":
                return After(False, "other", _word_after(text, at), start, at, tuple(modifiers), tuple(read))  # "4,000 dead wild birds"
            break
        if adjective:
            return After(refused=True)
        if word in ("of", "من") or (romance and word in ("de", "des")) or (word in _DETERMINERS and read[-2:-1] == ["of"]):
            continue
        if word in words.stop or word in stops:
            ended = True
        if ended:
            continue
        modifiers.append(word)
        original = context.folded.start(start)
        if context.text[original].isupper() and word.endswith(words.demonym_endings):
            capital = (word, start, at)
        elif (
            not word.endswith(("ing", "ed"))
            and word not in words.light
            and word not in words.person_participles
            and word not in words.building_participles
        ):
            noun, noun_start, noun_end = word, start, at
    if not unit and capital is not None:
        unit, (noun, noun_start, noun_end) = "person", capital
    kept = tuple(modifiers[: modifiers.index(noun)]) if noun in modifiers else tuple(modifiers)
    return After(False, unit, noun, noun_start, noun_end, kept, tuple(read))


def _word_after(text: str, at: int) -> str:
    following = _NEXT.match(text, at)
    return following.group(1) if following is not None else ""


@lru_cache(maxsize=1 << 14)
def _repaired(word: str) -> str | None:
    """Unit of a noun that PDF text broke at a line end ("fami-lies") or glued to another ("displacedpeople")."""
    words = vocabulary()
    if "-" in word:
        return words.units.get(word.replace("-", "")) or words.units.get(word.rsplit("-", 1)[1])
    if _MISSPELT_PEOPLE.fullmatch(word):
        return "person"
    glued = _GLUED.fullmatch(word)
    return words.units[glued.group(1)] if glued is not None else None


def _unit_from_verbs(before: Before, after: After, words: Vocabulary) -> str:
    """Unit of a figure without a countable noun, from what happened: "12 were injured", "killing 12", "destroyed 20"."""
    for word in after.words[:5]:
        if word in words.person_participles:
            return "person"
        if word in words.building_participles:
            return "building"
        if word not in words.light:
            break
    if after.noun:
        return ""
    if before.tokens[-1:] == ["of"] and before.tokens[-2:-1] in (["family"], ["crew"], ["group"], ["families"]):
        return "person"
    if _verb_before(before, words, building=True):
        return "building"
    return "person" if _verb_before(before, words, building=False) else ""


def _verb_before(before: Before, words: Vocabulary, *, building: bool) -> bool:
    verbs = words.building_participles if building else words.person_verbs_before
    return any(token in verbs for token in before.tokens[-1:])
