"""Claims of bare sentences, for tests of rules: places are guessed from "in Xyz", everything else comes from the rules."""

import re

import msgspec

from streams.claim_rules import ClaimRules, load_claim_rules
from streams.claims import find_claims
from streams.context import Context, plain_context
from streams.numbers import find_numbers
from streams.times import find_times
from tocsin.records import Claim, Mention
from tocsin.segment import segment, sentences

_PLACE = re.compile(r"\b(?:in|near|of|to|from|outside|at|into|towards|off|entered|fled|left|on) ((?:[A-Z][\w'’-]+)(?: [A-Z][\w'’-]+)*)")


def context_of(text: str, published_at: str | None = "2020-06-15T00:00:00Z") -> Context:
    """Context of a bare text with its segments and sentences."""
    parts = segment(text)
    return msgspec.structs.replace(plain_context(text, published_at=published_at), segments=parts, sentences=sentences(text, parts))


def actor(text: str, words: str, entity_id: str, kind: str) -> Mention:
    """A mention of `words` in `text`, made by hand."""
    at = text.index(words)
    return Mention(
        mention_id=f"m{at}-{at + len(words)}",
        kind="actor",
        entity_id=entity_id,
        name=words,
        type=kind,
        text=words,
        start=at,
        end=at + len(words),
    )


def place(text: str, words: str) -> Mention:
    """A place of that name in `text`, made by hand."""
    at = text.index(words)
    name = "loc:" + words.lower().replace(" ", "-")
    return Mention(
        mention_id=f"m{at}-{at + len(words)}",
        kind="place",
        entity_id=name,
        name=words,
        type="city",
        text=words,
        start=at,
        end=at + len(words),
    )


def guessed_places(text: str) -> list[Mention]:
    """A place mention for every capitalised name after a preposition of place."""
    return [
        Mention(
            mention_id=f"m{m.start(1)}-{m.end(1)}",
            kind="place",
            entity_id="loc:" + m.group(1).lower(),
            name=m.group(1),
            type="city",
            text=m.group(1),
            start=m.start(1),
            end=m.end(1),
        )
        for m in _PLACE.finditer(text)
    ]


def claims_of(
    text: str, *mentions: Mention, published_at: str | None = "2020-06-15T00:00:00Z", rules: ClaimRules | None = None
) -> list[Claim]:
    """Claims of a bare text; `mentions` by hand, else places are guessed."""
    context = context_of(text, published_at)
    actors = sorted((m for m in mentions if m.kind == "actor"), key=lambda m: m.start)
    places = sorted((m for m in mentions if m.kind == "place"), key=lambda m: m.start) or guessed_places(text)
    return find_claims(context, actors, places, find_numbers(context), find_times(context), rules or load_claim_rules())
