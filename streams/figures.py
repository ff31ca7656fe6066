"""What happened to the counted: each figure of a sentence takes its role from the term it stands nearest to.

No parser: distance in words, with a price for every clause break, conjunction and other figure in between, orders the candidates.
A figure without a term of its own takes that of the figure before it in a list ("213 families from X, 40 from Y"); a figure in
parentheses restates the one before ("45 families (some 200 people)").
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
from msgspec import Struct
from msgspec.structs import replace

from streams.context import Context
from streams.number_words import vocabulary, written
from streams.numbers import Number
from streams.trigger_names import in_name
from tocsin.errors import DataError
from tocsin.fold import fold_key
from tocsin.yaml_file import read_yaml

PATH = Path(__file__).parent / "data" / "figures.yaml"


class Term(NamedTuple):
    """One term of data/figures.yaml."""

    role: str
    code: str
    side: str
    unit: str  # "" for people
    weight: float
    embed: bool
    lang: str = ""  # "": English, and every text whose language has no terms of its own


class Figure(Struct, frozen=True, gc=False):
    """A figure with its role. Offsets are code points of the text; `term_start` is -1 for an inherited role."""

    number: Number
    role: str  # as in tocsin.records.Quantity, or destroyed, damaged, abducted
    code: str  # key of codes.yaml
    unit: str
    term_start: int
    term_end: int
    cost: float
    subset: bool = False  # part of another figure: "including 64 children"
    restates: int = -1  # index of the figure it says again in other units, -1
    main: int = -1  # index of the figure whose term it inherited, -1


class _Hit(Struct, frozen=True, gc=False):
    start: int  # folded
    end: int
    terms: tuple[Term, ...]


class _View(Struct, frozen=True, gc=False):
    """One sentence: folded text, where it begins, its numbers with their places (begin, end, end of noun phrase), its terms."""

    text: str
    low: int
    numbers: Sequence[Number]
    places: list[tuple[int, int, int]]
    begins: list[int]
    hits: list[_Hit]
    hit_starts: list[int]
    has_asides: bool


_WORDS = re.compile(r"[^\W_]+|[^\w\s]")
_PRICES = {
    ",": 1.5,
    ";": 6.0,
    ":": 1.0,
    "(": 2.0,
    ")": 2.0,
    "-": 0.2,
    '"': 0.5,
    ".": 9.0,
    "and": 2.0,
    "but": 5.0,
    "while": 5.0,
    "or": 1.0,
    "including": 4.0,
    "with": 1.5,
    "'": 0.1,
    "who": 1.0,
    "which": 2.0,
}
_FREE = frozenset(
    re.findall(
        r"\w+",
        "were was are is be been being have has had to the a an of about some more than over at least up nearly also reportedly newly "
        "internally forcibly remain remained still estimated as many",
    )
)
_BODILY = frozenset(("killed", "injured", "missing", "hurt"))  # what happens to people rather than to things
_NEXT_TO = 1.2
_OBJECT = re.compile(
    r" (?:(?:about|around|at least|more than|over|up to|nearly|some|as many as|an estimated) )?"
    r"(?:\d|a |an |his |her |their |several |dozens|scores|hundreds|thousands|two |three |four |five |six |seven |eight |nine |ten |"
    r"civilians|people|residents|villagers|the (?!same|previous|following|next|day|night|week))"
)
_PASSIVE = re.compile(r"\b(?:were|was|are|is|been|be|being|got|have)\b")
_OTHER_FIGURE = 5.0
_MOST_BETWEEN = 3  # other figures between a figure and its term: one less can be paid for
_LONGEST_TERM = 64  # characters
_INSIDE = 0.5  # price of a term within the noun phrase
_REACH = 320  # characters from figure to term
_MOST = 14.0  # a term further away than this says nothing about the figure
_WEAK_RIVAL = 3.0  # price of a term without a role where the noun itself has one ("aid to 1,500 IDPs")
_DISPLACED_NOUNS = frozenset(("idp", "idps", "evacuees", "returnees"))
# "The number of evacuees from the valley between May and June is now 61,000."
_NUMBER_OF = re.compile(r"\b(?:number|total|figure|toll|count)\b")
_REACHED = re.compile(
    r"\b(?:is|was|are|were|reached|reaching|at|now|to|hit|passed|totall?ed|exceeded|exceeds|by)(?: now| nearly| about| around|"
    r" over| more than| at least| some)* ?$"
)
# The last words of what the pattern accepts, with and without a space behind: a cheap look first.
_REACHED_WORDS = (
    "is was are were reached reaching at now to hit passed totaled totalled exceeded exceeds by nearly about around over than least some"
)
_REACHED_ENDS = tuple(word + space for word in _REACHED_WORDS.split() for space in ("", " "))
_REACHED_SHARE = 0.25
_STATUS_NOUNS = frozenset(
    ("refugees", "asylum-seekers", "seekers", "idp", "deaths", "fatalities", "casualties")
)  # say it all by themselves
_HOUSEHOLD = re.compile(r"\b(?:families|households)\b")
_BEFORE_MOST = 9.0  # for a term before the figure
_BARE_MOST = 6.0  # for figures without a noun
_VAGUE_MOST = 2.0  # for "some", "many", and the one of "a soldier"
_NUMBER_OF_REACH = 60  # characters from "number of" to its term
_LEFT_PRICE = 0.6  # a term before the figure, all else equal, yields to one after it
_SUBSET = re.compile(
    r"(?:including|of whom|of them|among them|of which|among whom|comprising|included)(?: (?:about|around|at least|some|over|"
    r"more than|an estimated|up to))? ?$"
)
# What may stand between a figure and its term without parting them.
_ASIDE = re.compile(
    r"\([^()]*\)|, (?:including|among them|mostly|most of them|many of them|some of them|mainly)\b[^,;.]*,|"
    r", the [^,;.]{3,80}?(?:\([^()]*\))?,"
)
_OF_THE = re.compile(r"\b(?:[Oo]f|out of) (?:the|some|those|these|an estimated) $")
_NONE_OF = re.compile(
    r"\b(?:none|nobody|no one|not one|not a single one|neither|not any) (?:out )?of (?:the|these|those|his|her|their|its)(?: \w+)? $"
)
_SHARE_OF = re.compile(  # "a third of the 90,000 inhabitants": the figure is the whole
    r"(?:\b(?:half|thirds?|quarters?|fifths?|per ?cent|most|majority|many|part|portion)|%) of (?:the|its|their|our|this|that)"
    r"(?: \w+'s?)?(?: \w+)? (?:about |around |some |estimated |nearly |roughly )?$"
)
_OF_WHOM = re.compile(r" of (?:whom|which|them|these|those)\b")
_AMONG = re.compile(r" (?:were|was|are|is) among (?:the |at least |more than )?")
_RESTATES = re.compile(
    r"\s*(?:[(/\[]|or\b|soit\b)\s*(?:(?:or|about|approximately|roughly|some|an|estimated|equivalent|to|around|nearly|i\.e\.),? )*"
)
_SUBSET_REACH = 40
_MOST_LIST_GAP = 110  # characters
_MOVED = frozenset(("displaced", "in_camp", "returned"))
_ARTICLES = frozenset(("a", "an", "another"))
_ARTICLE_GAP = 12  # characters between the items of a list: " as well as "
_SAYS = re.compile(r"[^.;\d]{0,40}\b(?:said|says|told|confirmed|reported|reports|added|announced)\b")
_WINGS = frozenset(("-left", "left-"))  # "centre-left", "left-wing": nobody left
# "The blast left 12 dead", but not "the duvet left a man breathless".
_LEFT = ("left", "leaving")
_LEFT_WITH = re.compile(
    r"[^.;]{0,60}?\b(?:dead|killed|injur\w+|wound\w+|missing|hurt|dying|lifeless|maimed|casualties|martyred)\b|\s*[.,;]|\s*$"
)
# What a figure has a predicate of its own: "200 are dead and 2,600 are ill", "killed nine, and over sixty remain in hospital".
_OWN_PREDICATE = re.compile(
    r" (?:are|were|remain|remains|remained|have|has|had|fell|became|suffered|tested|is|was) "
    r"(?!(?:\w+ )?from|in (?!critical|hospital|intensive|serious|stable)|at |also|reported|said|among|of )"
)
_FAMILY = {"displaced": 1, "in_camp": 1, "returned": 1, "killed": 2, "injured": 3, "missing": 4}
_SENTENCE_END = re.compile(r"[.!?]\s")
_LIST_GAP = re.compile(r".{0,80}?(?:,|;|\band\b|\bwhile\b|\bwith\b|/|&|\+).{0,30}$", re.DOTALL)


class _Vocabulary(NamedTuple):
    automaton: AhoCorasick
    terms: tuple[tuple[Term, ...], ...]  # by index of pattern
    nouns: dict[str, frozenset[str]]
    languages: frozenset[str]


@lru_cache(maxsize=1)
def _vocabulary() -> _Vocabulary:
    try:
        data = read_yaml(PATH).value
        entries, nouns = data["terms"], {name: frozenset(map(fold_key, words)) for name, words in data["nouns"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(PATH, f"needs terms and nouns: {' '.join(str(error).split())[:160]}") from error
    found: dict[str, list[Term]] = {}
    for entry in entries:
        term = Term(
            entry["role"],
            entry["code"],
            entry["side"],
            entry.get("unit", ""),
            entry.get("weight", 0.0),
            entry.get("embed", False),
            entry.get("lang", ""),
        )
        if term.side not in ("both", "left", "right", "in"):
            raise DataError(PATH, f"side is {term.side!r}; use both, left, right or in")
        for word in entry["words"]:
            for form in written(word):
                found.setdefault(form, []).append(term)
    languages = frozenset(term.lang for entries in found.values() for term in entries)
    automaton = AhoCorasick(list(found), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA)
    return _Vocabulary(automaton, tuple(map(tuple, found.values())), nouns, languages)


def figure_nouns(kind: str) -> frozenset[str]:
    """The counted nouns of one `kind` (dwellings, not_displaced, envoys), folded."""
    return _vocabulary().nouns[kind]


def tells_displacement(context: Context, start: int, end: int) -> bool:
    """Whether a term of displacement stands in [start, end)."""
    hits = _hits(context.folded.text, _to_folded(context, start), _to_folded(context, end), context.lang)
    return any(term.role in _MOVED and not term.unit for hit in hits for term in hit.terms)


def has_terms(context: Context, start: int, end: int) -> bool:
    """Whether [start, end) holds a term that could say anything of a figure."""
    return bool(_terms_in(context.folded.text[_to_folded(context, start) : _to_folded(context, end)], context.lang))


def find_figures(context: Context, start: int, end: int, numbers: Sequence[Number]) -> list[Figure]:
    """The figures of the sentence [start, end) with their roles, in order. `numbers`: of the sentence.

    A figure that nothing is said about is left out.
    """
    if not numbers:
        return []
    folded = context.folded
    text = folded.text
    low = _to_folded(context, start)
    high = _to_folded(context, end)
    hits = _hits(text, low, high, context.lang)
    hits = [hit for hit in hits if not in_name(context.text, folded.start(hit.start), start, end)]
    if not hits:
        return []  # most sentences with a figure say nothing of it that counts here
    places = [
        (
            _to_folded(context, n.start),
            _to_folded(context, n.end),
            _to_folded(context, n.noun_end) if n.noun else _to_folded(context, n.end),
        )
        for n in numbers
    ]
    has_asides = _ASIDE.search(text, low, high) is not None
    view = _View(text, low, numbers, places, [place[0] for place in places], hits, [hit.start for hit in hits], has_asides)
    found: list[Figure] = []
    last = -1
    for at in range(len(numbers)):
        if at and places[at][0] < places[at - 1][2]:
            continue  # the whole of a partitive: "300 of the 900 prisoners"
        begin = places[at][0]
        near = max(low, begin - _SUBSET_REACH)
        partly = text.find(" of ", near, begin) >= 0  # a cheap look first
        if partly and _NONE_OF.search(text, near, begin):
            continue
        figure = _nearest(context, view, at)
        inherited = _inherited(view, at, found, last)
        if inherited is not None and (figure is None or inherited.cost < figure.cost):
            figure = inherited
        if figure is None:
            continue
        if partly and not _says_whole(context.text, figure) and _SHARE_OF.search(text, near, begin):
            continue
        if found and _FAMILY.get(figure.role) == _FAMILY.get(found[-1].role) and _is_part(text, places[at], found[-1], figure):
            figure = replace(figure, subset=True)
        elif found and figure.role == found[0].role and _OF_THE.search(text, low, places[0][0]):
            figure = replace(figure, subset=True)  # "Of the 256,000 displaced, 192,000 are still away"
        last = len(found)
        found.append(figure)
    for at in range(len(found) - 1):
        if _AMONG.fullmatch(context.text, max(found[at].number.noun_end, found[at].number.end), found[at + 1].number.start):
            found[at] = replace(found[at], subset=True)
    return found


def _says_whole(text: str, figure: Figure) -> bool:
    """Whether the counted suffered it by their own noun phrase: "half of the 9,000 IDPs", "of the 9,000 people displaced"."""
    end = max(figure.number.noun_end, figure.number.end)
    if figure.number.start <= figure.term_start < end:
        return True
    term = text[figure.term_start : figure.term_end]
    return figure.term_start == end + 1 and term.endswith("ed") and term != "fled"


def _is_part(text: str, place: tuple[int, int, int], before: Figure, figure: Figure) -> bool:
    """Whether a figure counts some of those before it: "including 64 children", "151 of whom", or the next item after such a one."""
    if _SUBSET.search(text, max(0, place[0] - _SUBSET_REACH), place[0]) or _OF_WHOM.match(text, place[1]):
        return True
    return (
        before.subset
        and figure.restates < 0
        and place[0] - before.number.end < _MOST_LIST_GAP
        and not re.search(r"[;.]", text[before.number.end : place[0]])
    )


def _to_folded(context: Context, offset: int) -> int:
    """Folded position of an original offset."""
    folded = context.folded
    if not folded._cuts:
        return offset
    guess = max(0, offset - folded._removed[-1])
    return bisect_left(range(len(folded.text) + 1), offset, lo=min(guess, len(folded.text)), key=folded.start)


def _hits(text: str, low: int, high: int, lang: str) -> list[_Hit]:
    return [_Hit(low + start, low + end, terms) for start, end, terms in _terms_in(text[low:high], lang)]


@lru_cache(maxsize=4)  # asked twice of a sentence: whether it has any, and which
def _terms_in(sentence: str, lang: str) -> list[tuple[int, int, tuple[Term, ...]]]:
    automaton, terms, _, languages = _vocabulary()
    spoken = lang if lang in languages else ""
    size = len(sentence)
    found = []
    for index, start, end in automaton.find_matches_as_indexes(sentence):
        whole = not (end < size and sentence[end].isalnum()) and not (start and sentence[start - 1].isalnum())
        usable = tuple([t for t in terms[index] if t.lang == spoken and (whole or t.embed)])
        if usable and sentence[max(0, start - 1) : end + 1].strip(" ,.") not in _WINGS:
            found.append((start, end, usable))
    return found


def _nearest(context: Context, view: _View, at: int) -> Figure | None:
    """The figure at place `at` with its cheapest term within reach, if any."""
    number = view.numbers[at]
    begin, stop, phrase_end = view.places[at]
    best: Figure | None = None
    reached = view.text.endswith(_REACHED_ENDS, 0, begin) and _REACHED.search(view.text, max(0, begin - 40), begin) is not None
    vague = (number.value is None and number.min is None) or number.text.lower() in ("a", "an", "another")
    most = _VAGUE_MOST if vague else _MOST if number.noun else _BARE_MOST
    countable = number.unit in ("person", "household", "fighter", "other")
    apart = not number.noun and _OWN_PREDICATE.match(view.text, stop) is not None
    first, last = begin - _REACH, phrase_end + _REACH
    if not view.has_asides and len(view.begins) > _MOST_BETWEEN:  # a term beyond so many figures is out of reach
        if at >= _MOST_BETWEEN:
            first = max(first, view.begins[at - _MOST_BETWEEN] - _LONGEST_TERM)
        if at + _MOST_BETWEEN < len(view.begins):
            last = min(last, view.begins[at + _MOST_BETWEEN])
    for hit in view.hits[bisect_left(view.hit_starts, first) : bisect_left(view.hit_starts, last)]:
        price = -1.0
        inside = stop <= hit.start < phrase_end
        for term in hit.terms:
            if (number.unit not in (term.unit, "other")) if term.unit else not countable:
                continue
            if term.role == "killed" and view.text[hit.start : hit.end] in _LEFT and _LEFT_WITH.match(view.text, phrase_end) is None:
                continue
            if inside and (term.code or hit.end <= phrase_end):  # "65 000 déplacés internes" may reach beyond
                cost = _INSIDE if term.side in ("in", "both") else 3 * _INSIDE
            elif hit.start >= phrase_end and term.side in ("both", "left"):
                if term.side == "both" and not term.lang and _is_agent(view.text, phrase_end, hit):
                    continue
                cost = price = price if price >= 0 else _price(view, phrase_end, hit.start)
            elif hit.end <= begin and not apart and (term.side in ("both", "right") or (term.side == "in" and reached)):
                price = price if price >= 0 else _price(view, hit.end, begin)
                cost = price + (0.0 if term.lang and term.side == "both" else _LEFT_PRICE)  # Spanish and its kin put the verb first as well
                if reached and _NUMBER_OF.search(view.text, max(view.low, hit.start - _NUMBER_OF_REACH), begin):
                    cost *= _REACHED_SHARE
            else:
                continue
            cost += term.weight
            if not term.code and number.noun in _DISPLACED_NOUNS:
                cost += _WEAK_RIVAL
            if cost > (most if hit.start >= begin or reached else min(most, _BEFORE_MOST)) or (best is not None and cost >= best.cost):
                continue
            unit = number.unit
            if unit == "other":
                if number.noun in vocabulary().units:
                    continue  # "thousands of birds flee", "12 attacks killed"
                if cost > 0 and not _is_bare(number) and not (cost - term.weight < _NEXT_TO and _is_unknown(number, context, term)):
                    continue
                unit = term.unit or ("household" if hit.end <= begin and _HOUSEHOLD.search(view.text, hit.end, begin) else "person")
            best = Figure(number, term.role, term.code, unit, context.folded.start(hit.start), context.folded.end(hit.end), cost)
    return best


def _is_agent(text: str, phrase_end: int, hit: _Hit) -> bool:
    """Whether the counted do what the term says: "two bombers killed 10 people"."""
    return _OBJECT.match(text, hit.end) is not None and not _PASSIVE.search(text, phrase_end, hit.start)


def _is_unknown(number: Number, context: Context, term: Term) -> bool:
    """Whether an unknown noun must mean people: whoever is killed (a misspelling, a rare trade), a people's name that flees."""
    if not number.noun or term.unit or (term.lang and term.weight) or number.noun in vocabulary().units:
        return False
    return term.role in _BODILY or (bool(term.code) and context.text[number.noun_start].isupper())


def _is_bare(number: Number) -> bool:
    """Whether nothing but what happened follows the figure ("12 killed", "20 others")."""
    if number.noun:
        return number.noun in ("others", "other")
    words = vocabulary()
    return all(w in words.light or w in words.person_participles or w in words.building_participles for w in number.modifiers)


def _price(view: _View, start: int, end: int) -> float:
    """The price of the words between a figure and a term; asides are free."""
    total = 0.0
    at = start
    pieces = []
    if view.has_asides:
        for aside in _ASIDE.finditer(view.text, start, end):
            pieces.append((at, aside.start()))
            at = aside.end()
    pieces.append((at, end))
    for begin, stop in pieces:
        total += _OTHER_FIGURE * max(0, bisect_left(view.begins, stop) - bisect_left(view.begins, begin))
        if total > _MOST:
            return total / _REACHED_SHARE
        for word in _WORDS.findall(view.text, begin, stop):
            total += _PRICES.get(word, 0.1 if word in _FREE else 1.0)
            if total > _MOST:
                return total / _REACHED_SHARE
    return total


def _inherited(view: _View, at: int, found: list[Figure], last: int) -> Figure | None:
    """The role of the figure before, for a restatement in parentheses or the next item of a list."""
    if last < 0 or at == 0:
        return None
    text, numbers, places = view.text, view.numbers, view.places
    before, number = found[last], numbers[at]
    if before.number.start >= number.start:
        return None
    gap = text[places[at - 1][2] : places[at][0]]
    if number.unit in ("person", "household") and before.number is numbers[at - 1] and _RESTATES.fullmatch(gap):
        return replace(before, number=number, unit=number.unit, cost=0.3, restates=last)
    by_noun = before.number.noun in _DISPLACED_NOUNS or before.number.noun in _STATUS_NOUNS
    if number.text.lower() in _ARTICLES and not (len(gap) <= _ARTICLE_GAP and not _SAYS.match(text, places[at][2])):
        return None  # "..., a health official said"
    same = _is_bare(number) or (number.unit == before.unit and not by_noun)
    if not number.noun and _OWN_PREDICATE.match(text, places[at][1]):
        return None
    if same and len(gap) <= _MOST_LIST_GAP and _LIST_GAP.fullmatch(gap) and not _SENTENCE_END.search(gap):
        cost = 2.5 if before.main < 0 else before.cost
        return replace(
            before,
            number=number,
            unit=before.unit,
            cost=cost,
            term_start=-1,
            term_end=-1,
            main=before.main if before.main >= 0 else last,
            restates=-1,
            subset=False,
        )
    return None
