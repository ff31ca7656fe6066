"""Organisations by pattern: a capitalised run with an organisation's head noun, and acronyms introduced in brackets."""

import re

from msgspec import Struct

from streams.capitals import Run
from streams.lexicon import People

_JOIN = re.compile(r" (?:of|for|on|and|against|de|des|du|la)(?: the| and| of)? (?=[A-Z])")
_BRACKET = re.compile(r"\s?\(\s?(?:the |or )?[\"“']?([A-Z][A-Za-z&.-]{1,9})[\"”']?\s?[);,]")


class Organisation(Struct, frozen=True, gc=False):
    """An organisation found, its acronym if the text gives one."""

    start: int
    end: int
    sure: bool
    acronym: str
    acronym_start: int


def organisation_in(text: str, run: Run, following: dict[int, Run], people: People) -> Organisation | None:
    """An organisation in a run of capitalised words, with "of X" and "for X and Y" behind it; None if no head noun is there."""
    if len(run.tokens) == 1 and run.tokens[0].text not in people.of_heads:
        return None
    where = [i for i, t in enumerate(run.tokens) if t.text in people.heads]
    if run.tokens[0].text in people.arabic_heads and len(run.tokens) > 1:
        return Organisation(run.start, run.end, True, "", 0)
    if not where:
        return None
    last, end = run.tokens[where[-1]], run.tokens[-1].end
    tail = run.tokens[where[-1] + 1 :]
    # "Foreign Office Minister X" is a person, "Local Government Area" a place
    if any(t.text in people.titles or t.text in people.given for t in tail) or (tail and tail[-1].text in people.not_person):
        return None
    joined = False
    if last.text in people.of_heads:
        for _ in range(3):
            match = _JOIN.match(text, end)
            if not match or (match.group().startswith(" and") and not joined) or match.group() == " and the ":
                break
            nxt = following.get(match.end())
            if nxt is None or (" and" in match.group() and any(t.text in people.heads or t.text in people.titles for t in nxt.tokens)):
                break
            before_title = next((i for i, t in enumerate(nxt.tokens) if t.text in people.titles), len(nxt.tokens))
            if not before_title:
                break
            end, joined = nxt.tokens[before_title - 1].end, True
            if before_title < len(nxt.tokens):
                break
    if len(run.tokens) == 1 and not joined:
        return None
    bracket = _BRACKET.match(text, end)
    acronym, at = "", 0
    if bracket and initials_agree(bracket.group(1), text[run.start : end]):
        acronym, at = bracket.group(1), bracket.start(1)
    strong = joined or bool(acronym) or (len(run.tokens) > 1 and last.text not in people.weak_heads)
    return Organisation(run.start, end, strong, acronym, at)


def initials_agree(acronym: str, name: str) -> bool:
    """Whether the capitals of `acronym` follow, in order, initials of `name`; the first ones must agree."""
    letters = [c for c in acronym if c.isupper()]
    initials = [w[0].upper() for w in re.split(r"[\s-]+", name) if w]
    if len(letters) < 2 or not initials or letters[0] not in initials[:2]:
        return False
    at = 0
    for letter in letters:
        while at < len(initials) and initials[at] != letter:
            at += 1
        if at == len(initials):
            return False
        at += 1
    return True
