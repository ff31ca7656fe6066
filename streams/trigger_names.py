"""Triggers that are names: "Loretta Lynch", "Metro Exodus", "the Rape Crisis Centre" tell of no deed.

A capital inside a sentence makes a verb a name, and a noun if the word beside it has one too. Where most words have capitals (headlines)
they mean nothing.
"""

import re

from streams.claim_rules import Hit
from streams.clauses import Scene
from streams.inflect import VERBAL

_OPENING = re.compile(r"[\"“”‘’'(\[:;.!?–—…|*•/-]\s*$")  # after these a capital only opens a sentence or a quotation
_WORD = re.compile(r"[^\W\d_]+")
_BEFORE = re.compile(r"([\w'’-]+) $")
_AFTER = re.compile(r" ([\w'’-]+)")
_CONTENT = 4  # letters from which a headline capitalises every word
_MARCH_LENGTH = 5
_DAY = re.compile(r"[ ,.]+(?:\d|of \d)|[\])]")
_IN_MONTH = re.compile(
    r"(?:\b(?:[Ii]n|[Oo]f|[Oo]n|[Ss]ince|last|this|[Bb]y|until|[Ff]rom|late|early|mid|next|through|between|to|and|[Dd]uring|[Bb]efore"
    r"|[Aa]fter|th|nd|st|rd)[ -]|\d )$"
)
_HEADLINE = 24  # words of the longest headline
_LONG = 400  # characters that more words than that need
_PLAIN = 2  # long words without a capital that make a sentence no headline
_SMALL = frozenset(
    ("about", "after", "amid", "amidst", "before", "between", "during", "from", "into", "near", "over", "that", "with", "without")
)


def is_name(scene: Scene, hit: Hit, form: int) -> bool:
    """Whether the trigger is part of a name that no lexicon knows."""
    text, start = scene.text, hit.start
    if not text[start].isupper() or start == scene.sentence.start:
        return False
    head = text[max(scene.sentence.start, start - 24) : start]
    if _OPENING.search(head) or not head.strip() or text[start : hit.end].isupper():
        return False
    if is_headline(text, scene.sentence.start, scene.sentence.end):
        return False
    if form & VERBAL:
        return True
    known = [(m.start, m.end) for m in scene.places] + [(p.start, p.end) for p in scene.participants if p.mention is not None]
    before, after = _BEFORE.search(head), _AFTER.match(text, hit.end)
    spans = [(start - len(before[0]), start - 1)] if before else []
    if spans and spans[0][0] == scene.sentence.start:
        spans = []
    if after:
        spans.append((after.start(1), after.end(1)))
    return any(text[s].isupper() and not any(a < e and s < b for a, b in known) for s, e in spans)


def is_month(text: str, hit: Hit) -> bool:
    """Whether "March" is the month: before a figure or after a word of time."""
    if hit.end - hit.start != _MARCH_LENGTH or text[hit.start : hit.end] != "March":
        return False
    return bool(_DAY.match(text, hit.end) or _IN_MONTH.search(text, max(0, hit.start - 12), hit.start))


def in_name(text: str, start: int, floor: int, ceiling: int) -> bool:
    """Whether the word at `start` of the sentence [floor, ceiling) has a capital beside another one: "Metro Exodus"."""
    if not text[start].isupper() or start == floor:
        return False
    before = _BEFORE.search(text, max(floor, start - 24), start)
    return before is not None and before.start() > floor and before[1][0].isupper() and not is_headline(text, floor, ceiling)


def is_headline(text: str, start: int, end: int) -> bool:
    """Whether long words of the sentence [start, end) have capitals as a rule."""
    words = _WORD.findall(text, start, min(end, start + _LONG))
    if len(words) > _HEADLINE:
        return False  # a list of names
    long = [word for word in words[1:] if len(word) >= _CONTENT]
    plain = sum(not word[0].isupper() and word not in _SMALL for word in long)
    return plain < _PLAIN and 2 * plain <= len(long)


def in_known_name(scene: Scene, hit: Hit) -> bool:
    """Whether a noun is only part of a name: the "Liberation" of a liberation army."""
    for person in scene.participants:
        name = person.mention
        if name is not None and name.start <= hit.start and hit.end <= name.end and name.entity_id[:4] in ("org:", "per:", "src:"):
            return True
    return False
