"""States that act: "Iraq confirmed", "the US is depending on"; a state where something happens is a place, no actor."""

import re
from functools import lru_cache

from streams.found import Found
from streams.lexicon import NOUNLIKE, ActorLexicon, Words
from streams.organs import adjective_slug
from streams.scan import Scan

PREPOSITION = re.compile(
    r"\b(?:in|from|to|across|within|into|inside|throughout|outside|near|around|towards?|of|via|leave|left|enter|entered|reach|reached|visit|visited|at"
    r"|northern|southern|eastern|western|central|for) (?:the )?$",
    re.IGNORECASE,
)
_PREPOSITION_WORDS_LIST = (
    "in from to across within into inside throughout outside near around toward towards of via leave left enter entered reach reached "
    "visit visited at northern southern eastern western central for"
)
_PREPOSITION_WORDS = frozenset(_PREPOSITION_WORDS_LIST.split())
_OBJECT = ("of the ", "for the ", "to the ")  # "important for the US": a party all the same
_NEXT_WORD = re.compile(r"[ -]([A-Za-z]+)")
_POSSESSIVE = ("'s", "’s")


@lru_cache(maxsize=4)
def _acts(words: Words) -> re.Pattern[str]:
    """A verb by which a state acts, right behind its name, auxiliaries and an acronym in brackets between."""
    auxiliaries = "|".join(words.auxiliaries)
    return re.compile(rf"(?:'s|’s)? (?:\([A-Z]+\) )?(?:(?:{auxiliaries}) ){{0,6}}(?:{'|'.join(words.acts)})")


def _may_be_preposed(before: str) -> bool:
    """A cheap look for `PREPOSITION`: at the last word but an article; what is not all letters may still end in one."""
    words = before.lower().split()[-2:]
    last = words[-1] if words else ""
    if last == "the" and len(words) > 1:
        last = words[0]
    return last in _PREPOSITION_WORDS or not last.isalpha() or not last.isascii()


def find_states(text: str, lexicon: ActorLexicon, scanned: Scan) -> list[Found]:
    """States as actors, and their nationals ("Syrians")."""
    words = lexicon.words
    acts = _acts(words)
    found = []
    for start, end, term in scanned.states:
        code = term.id[4:]
        name = lexicon.states[code].name
        if term.form == "nationals":
            key = f"grp:{adjective_slug(lexicon, code)}-people"
            found.append(Found(start, end, key, f"people of {name}", "class", "demonym", 0.8, False, "nationals", 2, "nationals"))
            continue
        nounlike = term.text in NOUNLIKE
        if (term.form != "name" and not nounlike) or text[end : end + 2] in _POSSESSIVE:
            continue
        before = text[max(0, start - 24) : start]
        if _may_be_preposed(before) and PREPOSITION.search(before) and not (nounlike and before.endswith(_OBJECT)):
            continue
        acting = acts.match(text, end) is not None
        follower = _NEXT_WORD.match(text, end)
        modifies = follower is not None and follower.group(1) not in words.not_modified
        if acting or (nounlike and not modifies and before.endswith(("the ", "The "))):
            found.append(_state(start, end, code, name, acting))
        elif not nounlike and before.endswith(words.party_before) and not modifies:
            found.append(_state(start, end, code, name, False))
    return found


def _state(start: int, end: int, code: str, name: str, acting: bool) -> Found:
    reason = "a state that acts" if acting else "a state as a party"
    return Found(start, end, f"cty:{code}", name, "government", "exact", 0.8 if acting else 0.7, False, reason, 2, "state")
