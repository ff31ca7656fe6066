"""Noun phrases that stand for actors: "three Kurdish fighters", "the Syrian government", "ISIS cells", "residents of Mosul".

A head noun from the lexicon is found by the automaton; the phrase is then read leftwards word by word (modifiers, numbers,
determiners, names) and, for some heads, over "of <name>". Nothing is parsed: each step looks at one word.
"""

import re

from msgspec import Struct

from streams.capitals import opens_sentence
from streams.lexicon import ActorLexicon, Head, Words

_NUMBER = re.compile(r"\d[\d,.]*(?:st|nd|rd|th|k|m)?")
_OF = re.compile(r" of (?:the |our |its |their )?")
_LISTED = re.compile(r"[a-z](?:al|ive|ous|ic|ful|less|ern|ish),$")  # the first of two adjectives: "local, legitimate forces"
_ADJECTIVE = re.compile(r"[a-z]{3}(?:ive|ous|ful|less|tial|onal|ical|istic|ary)$")
_BEFORE_COUNT = frozenset(("other", "additional", "further", "extra", "more", "some", "least", "former", "remaining"))
_PREDICATE = re.compile(r"\b(?:is|was|are|were|be|been|became|as)\s$")
_CAPITAL_NOUNS = frozenset(
    ("State", "Government", "Security", "Army", "Police", "Coalition", "Council", "Defence", "Defense", "Intelligence")
)
_POSSESSIVE = ("'s", "’s", "s'", "s’")
_CHARS = 40  # longest word looked at
_WORDS = 12  # most words before a head


class Near(Struct, frozen=True, gc=False):
    """A name, state or place that ends (or starts) where a phrase grows."""

    start: int
    end: int
    kind: str  # name | state | place
    id: str
    country: str
    form: str = ""  # of a state: name, adjective; of a place: its type


class Phrase(Struct, frozen=True, gc=False):
    """One noun phrase and what stands inside it."""

    start: int
    end: int
    head: Head
    head_start: int
    names: tuple[Near, ...]  # nearest to the head first
    definite: bool
    counted: bool
    modifiers: tuple[str, ...]
    named: bool  # a capitalised word of unknown meaning modifies the head
    possessive: str  # "their", "his", ...


_FOLLOWER = re.compile(r" ([a-z]+)")


def _modifies(word: str, head: Head, text: str, end: int, words: Words) -> bool:
    """Whether the head at the end of `word` only modifies the noun that follows it ("refugee camps")."""
    if head.plural and word.rsplit(" ", 1)[-1] not in words.adjectival:
        return False
    follower = _FOLLOWER.match(text, end)
    return (
        follower is not None
        and follower.group(1) not in words.not_nouns
        and not follower.group(1).endswith(("ed", "ly") if head.plural else ("ed", "ly", "ing"))
    )


def _word_before(text: str, position: int) -> tuple[int, str]:
    """Start and text of the word that ends one blank before `position`; (-1, "") when there is none."""
    if position < 2 or text[position - 1] not in " \n" or text[position - 2] in " \n":
        return -1, ""
    low = max(0, position - _CHARS)
    start = max(text.rfind(" ", low, position - 1), text.rfind("\n", low, position - 1)) + 1
    if start == 0 and low > 0:
        return -1, ""
    word = text[start : position - 1]
    opened = len(word) - len(word.lstrip("\"'“‘(["))
    return start + opened, word[opened:]


def read_phrase(
    text: str, start: int, end: int, head: Head, lexicon: ActorLexicon, ends: dict[int, Near], starts: dict[int, Near]
) -> Phrase | None:
    """The phrase around the head noun at `text[start:end]`, or None where the noun alone is not an actor."""
    if _modifies(text[start:end].lower(), head, text, end, lexicon.words):
        return None
    words = lexicon.words
    position, names = start, list[Near]()
    modifiers: list[str] = []
    definite = counted = named = False
    bare_start = -1  # where the phrase begins without its leading count
    possessive = ""
    for _ in range(_WORDS):
        if position and text[position - 1] == " ":
            near = ends.get(position - 1)
            if near is None and text[position - 3 : position - 1] in _POSSESSIVE:
                near = ends.get(position - 3) or ends.get(position - 2)
                if near is not None:
                    names.append(near)
                    position, definite, possessive = near.start, True, "'s"
                    at, word = _word_before(text, position)
                    if word.lower() == "the":
                        position = at
                    break
            if near is not None and near.start < position:
                names.append(near)
                position = near.start
                continue
        at, word = _word_before(text, position)
        if at < 0 or not word:
            break
        low = word.lower()
        if low in words.determiners or low in words.possessives:
            if bare_start < 0 and low not in words.possessives:
                bare_start = position
            position = at
            if low in words.possessives:
                possessive, definite = low, True
                break
            definite = definite or low in ("the", "these", "this", "those", "all", "both", "another")
            if low not in ("some", "many", "several", "other", "such", "few", "various", "numerous"):
                at, word = _word_before(text, position)
                if word.lower() in ("all", "both", "half"):
                    position = at
                break
            continue
        if (low in words.numbers or _NUMBER.fullmatch(word)) and not word.endswith((",", ".")):
            if bare_start < 0:
                bare_start = position
            position, counted = at, True
            continue
        if counted and low in words.before_numbers:
            position = at
            continue
        bare_word = low.rstrip(",")
        if bare_word in words.modifiers or bare_word.endswith(words.suffixes) or _ADJECTIVE.search(bare_word):
            if (bare_word != low and not (modifiers and _LISTED.search(word))) or (counted and bare_word not in _BEFORE_COUNT):
                break
            modifiers.append(bare_word)
            position = at
            continue
        if low in ("and", "or", "&") and (modifiers or names):
            before, other = _word_before(text, at)
            if before >= 0 and (
                (other.lower().rstrip(",") in words.modifiers and other not in _CAPITAL_NOUNS)
                or (ends.get(at - 1) is not None and ends[at - 1].form == "adjective")
            ):
                position = at
                continue
            break
        if (
            word[0].isupper()
            and word[-1].isalnum()
            and word not in lexicon.people.breaks
            and (position < start or head.bare == "named" or head.plural)
            and not opens_sentence(text, at)
        ):
            named, position = True, at
            continue
        break
    if text[max(0, position - 4) : position] == " of ":
        lead = " " + text[max(0, position - 30) : position].lower()
        for partitive in words.partitives:
            if lead.endswith(f" {partitive} "):
                position -= len(partitive) + 1
                at, word = _word_before(text, position)
                if word.lower() in ("the", "a"):
                    position = at
                break
    if (
        (names or head.id == "grp:nationals") and counted and bare_start > 0
    ):  # "three Iraqi soldiers": the count is no part of a known actor's name
        position = bare_start
    finish = end
    if text[start:end].lower() in ("members", "member") and (match := _OF.match(text, end)) and match.end() in starts:
        return None  # "members of X": X speaks for itself
    if (head.of or not head.plural or head.bare == "named") and (match := _OF.match(text, end)):
        near = starts.get(match.end())
        if near is not None:
            names.insert(0, near)
            finish = near.end
    if (
        head.type == "person"
        and position < start
        and text[position : position + 2] in ("a ", "an")
        and _PREDICATE.search(text, max(0, position - 8), position)
    ):
        return None  # "he was a young baker" says what he is, not who
    if head.bare == "named" and not names and not named:
        return None
    if head.bare == "the" and not (definite or names or modifiers or named or counted or possessive):
        return None
    return Phrase(position, finish, head, start, tuple(names), definite, counted, tuple(modifiers), named, possessive)
