"""Persons by pattern: titles, given names, roles and what a speaker does, for names that no lexicon knows."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from streams.capitals import Run, Token
from streams.lexicon import People

_SAYS = re.compile(
    r",? (?:said|says|told|added|explained|argued|noted|wrote|replied|recalled|testified|warned|stressed|insisted|tweeted|announced"
    r"|condemned|denied|admitted|comments|condemns|welcomes|who|whose|, \d\d,)\b"
)
_AGE = re.compile(r", (?:aged )?\d{1,2},")
_APPOSITION = re.compile(r", ([a-z-]+)\b")
_OPENS_APPOSITION = frozenset(("the", "a", "an", "who", "whose", "its", "his", "her", "former", "senior"))
_OF = re.compile(r" (?:of|for) (?:the )?(?=[A-Z])")


class Name(Struct, frozen=True, gc=False):
    """A person found: the span, whether a title or known given name supports it, and the words of the name proper."""

    start: int
    end: int
    tokens: tuple[Token, ...]  # without titles
    title: bool
    sure: bool
    reason: str


def _title(word: str, people: People) -> bool:
    """Whether a word is a title, in headline capitals too."""
    return word in people.titles or (word.isupper() and len(word) > 1 and word.title() in people.titles)


def split_title(run: Run, people: People) -> tuple[int, int]:
    """(index of the first title token, index after the last title token before a name); (0, 0) when there is no title."""
    tokens, titles = run.tokens, people.titles
    if len(tokens) == 1 and not tokens[0].text.isupper():  # most runs
        return (0, 1) if tokens[0].text in titles else (0, 0)
    first = last = -1
    for index, token in enumerate(tokens):
        if token.text in titles or _title(token.text, people):
            last = index
            if first < 0:
                first = index
        elif first >= 0 and index - last > 3:
            break
    return (first, last + 1) if first >= 0 else (0, 0)


def _says_role(text: str, start: int, people: People) -> bool:
    """Whether the words before a name end in a role: "spokesman ", "a carpenter, "."""
    end = start - 2 if text[start - 2 : start] == ", " else start - 1
    if end < 2 or text[end : end + 1] not in (" ", ","):
        return False
    begin = max(text.rfind(" ", max(0, end - 20), end), text.rfind("\n", max(0, end - 20), end)) + 1
    return text[begin:end] in people.roles


def _apposed(text: str, end: int, people: People) -> bool:
    """Whether an apposition follows the name: ", the director of"."""
    match = _APPOSITION.match(text, end)
    return match is not None and (match.group(1) in _OPENS_APPOSITION or match.group(1) in people.roles)


def person_in(text: str, run: Run, people: People) -> Name | None:
    """A person's name in a run of capitalised words, or None. The run is already free of leading function words."""
    tokens = run.tokens
    first, after = split_title(run, people)
    if after > first:
        proper = tokens[after:]
        used = [t.text for t in tokens[first:after] if _title(t.text, people)]
        if len(used) < 2 and used[0] in people.not_alone and not (proper and proper[0].text in people.given):
            return None
        if proper and all(t.text not in people.heads and t.text not in people.breaks for t in proper):
            return Name(tokens[0].start, tokens[-1].end, proper, True, True, "title")
        if not proper:
            return None
        return None
    if len(tokens) == 1:
        return _single(text, run, people)
    texts = [t.text for t in tokens]
    if len(texts) > 5 or texts[-1] in people.not_person or not people.heads.isdisjoint(texts) or not people.breaks.isdisjoint(texts):
        return None
    if texts[0] in people.given:
        return Name(run.start, run.end, tokens, False, True, "given name")
    if _says_role(text, run.start, people):
        return Name(run.start, run.end, tokens, False, True, "role before the name")
    if _SAYS.match(text, run.end) or _AGE.match(text, run.end):
        return Name(run.start, run.end, tokens, False, False, "speaks")
    if len(tokens) <= 3 and not texts[0].isupper() and _apposed(text, run.end, people):
        return Name(run.start, run.end, tokens, False, False, "apposition")
    if any(word.startswith(("al-", "Al-", "el-", "El-")) for word in texts[1:]):
        return Name(run.start, run.end, tokens, False, True, "Arabic name")
    return None


def _single(text: str, run: Run, people: People) -> Name | None:
    """A person by one capitalised word: a role before it, or a given name."""
    word = run.tokens[0].text
    given = word in people.given and word not in people.also_words
    if len(word) < 3 or word.isupper() or (run.opens and not given) or word in people.heads or word in people.not_person:
        return None
    if not run.opens and _says_role(text, run.start, people):
        return Name(run.start, run.end, run.tokens, False, False, "role before the name")
    if given and (not run.opens or _SAYS.match(text, run.end)):
        return Name(run.start, run.end, run.tokens, False, False, "given name")
    return None


class Office(NamedTuple):
    """An office ("Minister of Justice of Peru"), with the holder's name where it follows."""

    start: int
    end: int
    tokens: tuple[Token, ...]  # of the holder's name; empty without one
    runs: tuple[int, ...]  # starts of the runs it used up


def office_at(text: str, run: Run, following: Mapping[int, Run], people: People) -> Office | None:
    """An office whose title fills `run` up to its end and goes on with "of" or "for"; None if there is none."""
    if run.tokens[-1].text not in people.titles:
        return None
    end, used = run.end, [run.start]
    for _ in range(3):
        match = _OF.match(text, end)
        nxt = following.get(match.end()) if match else None
        if nxt is None:
            break
        used.append(nxt.start)
        tokens = nxt.tokens
        known = 0
        while known < len(tokens) and tokens[known].text in people.domains:
            known += 1
        given = next((i for i, t in enumerate(tokens) if i and t.text in people.given), 0)
        rest = tokens[given or known :] if given or known else ()
        end = nxt.end
        if rest and not any(t.text in people.heads or t.text in people.breaks for t in rest):
            return Office(run.start, end, rest, tuple(used))
    return Office(run.start, end, (), tuple(used)) if len(used) > 1 else None
