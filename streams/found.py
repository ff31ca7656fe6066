"""An actor found, before it is settled who keeps which words."""

import re

from msgspec import Struct

from tocsin.records import Mention

_NOT_WORD = re.compile(r"[^\w]+")


class Found(Struct, frozen=True, gc=False):
    """An actor before overlaps are settled."""

    start: int
    end: int
    id: str
    name: str
    type: str
    how: str
    confidence: float
    sure: bool
    reason: str
    rank: int  # 0 strongest; decides between equal spans
    rule: str
    head: str = ""


def slug(text: str) -> str:
    """The words of a name as the tail of an id: "Al-Noor Front" -> "al-noor-front"."""
    return _NOT_WORD.sub("-", text.lower()).strip("-")


def mention(item: Found, text: str) -> Mention:
    """The record of an actor found in `text`."""
    return Mention(
        mention_id=f"m{item.start}-{item.end}",
        kind="actor",
        entity_id=item.id,
        name=item.name,
        type=item.type,
        text=text[item.start : item.end],
        start=item.start,
        end=item.end,
        how=item.how,
        confidence=item.confidence,
        sure=item.sure,
        reason=item.reason,
        rule_id=item.rule,
    )
