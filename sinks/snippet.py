"""What to show of a hit: the best stretch of its text with the words that met the query marked."""

from collections import Counter
from typing import NamedTuple

from sinks.terms import key, kind_of
from sinks.words import Pattern, find
from tocsin.records import Claim, Mention, Sentence, Tagged
from tocsin.store import Query, Span

LENGTH = 280
"""Characters of a snippet, about."""
MOST_NAMES = 6
MOST_CLAIMS = 3


class Aim(NamedTuple):
    """What the person looked for."""

    patterns: tuple[Pattern, ...]
    actors: frozenset[str]  # entity ids
    places: frozenset[str]
    query: Query


def title(tagged: Tagged, aim: Aim) -> tuple[Span, ...]:
    """The title with the query's words marked."""
    text = tagged.article.title or ""
    return _spans(text, 0, len(text), [(start, end) for start, end, _ in find(aim.patterns, text)])


def claims(tagged: Tagged, aim: Aim) -> tuple[Claim, ...]:
    """The claims that met the query, best first; at most three. Where no claim was asked for, only those about what was asked."""
    scored = []
    narrow = bool(aim.patterns or aim.actors or aim.places) and not (aim.query.claim_types or aim.query.modalities)
    for index, claim in enumerate((*tagged.title_claims, *tagged.claims)):
        if not _claim_fits(claim, aim.query):
            continue
        about = bool(aim.actors & {actor.entity_id for actor in claim.actors if actor.entity_id})
        there = any(not aim.places.isdisjoint((place.entity_id, *place.parent_ids)) for place in claim.places)
        words = len({which for _, _, which in find(aim.patterns, claim.text)})
        value = 2 * about + 2 * there + words
        if value or not narrow:
            scored.append((-value, index, claim))
    best: dict[str, Claim] = {}  # the same words once
    for _, _, claim in sorted(scored, key=lambda item: item[:2]):
        best.setdefault(claim.text, claim)
    return tuple(best.values())[:MOST_CLAIMS]


def _claim_fits(claim: Claim, query: Query) -> bool:
    names = (claim.type, f"{claim.type}/{claim.subtype}")
    wanted = [key(item).replace(" ", "_") for item in query.claim_types]
    modalities = [key(item).replace(" ", "_") for item in query.modalities]
    return (not wanted or any(name in wanted for name in names)) and (not modalities or claim.modality in modalities)


def names(tagged: Tagged, kind: str) -> tuple[str, ...]:
    """Actors or places of a document, most mentioned first; only where one mention is sure."""
    counts: Counter[str] = Counter()
    sure: set[str] = set()
    for mention in (*tagged.title_mentions, *tagged.mentions):
        if mention.kind == kind == kind_of(kind, mention.entity_id):
            counts[mention.name] += 1
            if mention.sure:
                sure.add(mention.name)
    return tuple([name for name, _ in counts.most_common() if name in sure][:MOST_NAMES])


def body(tagged: Tagged, aim: Aim, met: tuple[Claim, ...]) -> tuple[Span, ...]:
    """The stretch of the text that answers best: most different words asked for, else a claim or mention asked for, else the start."""
    text = tagged.article.text
    marks = find(aim.patterns, text)
    if not marks:
        marks = [(start, end, 0) for start, end in _filtered(tagged, aim, met)]
    start, end = _window(text, tagged.sentences, marks)
    spans = _spans(text, start, end, [(a, b) for a, b, _ in marks if start <= a and b <= end])
    before = (Span(text="… "),) if start and text[:start].strip() else ()
    after = (Span(text=" …"),) if text[end:].strip() else ()
    return (*before, *spans, *after)


def _filtered(tagged: Tagged, aim: Aim, met: tuple[Claim, ...]) -> list[tuple[int, int]]:
    """Places in the text that made the filters fit."""
    if aim.query.claim_types or aim.query.modalities:
        in_body = {claim.claim_id for claim in tagged.claims}
        return [(claim.start, claim.end) for claim in met if claim.claim_id in in_body][:1]
    wanted: list[Mention] = [
        mention
        for mention in tagged.mentions
        if mention.entity_id in aim.actors or not aim.places.isdisjoint((mention.entity_id, *mention.parent_ids))
    ]
    return [(mention.start, mention.end) for mention in wanted]


def _window(text: str, sentences: tuple[Sentence, ...], marks: list[tuple[int, int, int]]) -> tuple[int, int]:
    """The stretch of about LENGTH characters with the most different marks, from the start of a sentence where there is one."""
    if not marks:
        return _trim(text, 0, LENGTH)
    best, best_value = 0, (-1, -1)
    last = 0
    for first, (start, _, _) in enumerate(marks):
        last = max(last, first)
        while last + 1 < len(marks) and marks[last + 1][1] <= start + LENGTH - 60:
            last += 1
        inside = marks[first : last + 1]
        value = (len({which for *_, which in inside}), min(len(inside), 4))
        if value > best_value:
            best, best_value = start, value
    sentence = next((item for item in sentences if item.start <= best < item.end), None)
    start = sentence.start if sentence and best - sentence.start <= 160 else max(0, best - 60)
    return _trim(text, start, start + LENGTH)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Move both ends to the edges of words, when one is near."""
    if start and not text[start - 1].isspace():
        space = text.find(" ", start, start + 30)
        start = space + 1 if space >= 0 else start
    if end < len(text) and not text[end].isspace():
        space = text.rfind(" ", max(start, end - 30), end)
        end = space if space > start else end
    return start, min(end, len(text))


def _spans(text: str, start: int, end: int, marks: list[tuple[int, int]]) -> tuple[Span, ...]:
    """text[start:end] cut at the marks; overlapping marks become one."""
    spans: list[Span] = []
    at = start
    for a, b in sorted(marks):
        if b <= at:
            continue
        if a > at:
            spans.append(Span(text=text[at:a]))
        spans.append(Span(text=text[max(a, at) : b], hit=True))
        at = b
    if at < end:
        spans.append(Span(text=text[at:end]))
    return tuple(spans)
