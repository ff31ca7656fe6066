"""One pass over the text: names, states and head nouns of the lexicon, with their guards applied."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.context import Context
from streams.found import Found
from streams.groups import Near
from streams.guards import WINDOW, dates_hold, words_hold
from streams.lexicon import NOUNLIKE, ActorLexicon, Term
from tocsin.fold import fold
from tocsin.records import Mention, Segment

BODY_KINDS = frozenset(("title", "body", "quote"))  # segments in which mentions count


def body_spans(segments: Sequence[Segment], length: int) -> list[tuple[int, int]]:
    """Where mentions may stand: title, body and quotes; everything when the text has no segments."""
    if not segments:
        return [(0, length)]
    spans: list[tuple[int, int]] = []
    for segment in sorted(segments, key=lambda s: s.start):
        if segment.kind in BODY_KINDS:
            if spans and segment.start <= spans[-1][1] + 2:
                spans[-1] = (spans[-1][0], max(spans[-1][1], segment.end))
            else:
                spans.append((segment.start, segment.end))
    return spans


def is_english(context: Context) -> bool:
    """Whether head nouns, pronouns and titles may be read as English: by its language, or by how often "the" stands in it."""
    return context.lang in ("en", "und") or context.folded.text.count(" the ") * 400 > len(context.text)


class Scan(NamedTuple):
    """What the automaton found in one document, sorted by kind; guards already applied."""

    names: list[tuple[int, int, Term]]
    states: list[tuple[int, int, Term]]
    heads: list[tuple[int, int, Term]]
    countries: Counter[str]


def countries_of(places: Iterable[Mention]) -> Counter[str]:
    """How often each country has a place in the text."""
    return Counter(place.country for place in places if place.country)


def scan(context: Context, lexicon: ActorLexicon, places: Sequence[Mention]) -> Scan:
    """Read the text once and apply the guards; weak names are judged after all strong ones are known."""
    text, folded = context.text, context.folded
    spans = body_spans(context.segments, len(text))
    whole = spans == [(0, len(text))]
    strong: list[tuple[int, int, Term]] = []
    weak: list[tuple[int, int, Term]] = []
    states: list[tuple[int, int, Term]] = []
    heads: list[tuple[int, int, Term]] = []
    countries = countries_of(places)
    day = context.published_at or ""
    for match in lexicon.matcher.find_all(folded):
        term = match.payload
        start, end = match.start, match.end
        if not whole and not any(a <= start and end <= b for a, b in spans):
            continue
        if term.kind == "head":
            heads.append((start, end, term))
            continue
        guard = term.guard
        if guard.case_exact and text[start:end] != term.text and not (" " in term.text and " ".join(text[start:end].split()) == term.text):
            continue
        if term.kind == "state":
            states.append((start, end, term))
            if term.form != "adjective" or term.text not in NOUNLIKE:
                countries[term.id[4:]] += 1
            continue
        if guard.lang and context.lang not in guard.lang:
            continue
        if not dates_hold(guard, day):
            continue
        (weak if guard.weak or guard.not_next or guard.not_prev or guard.context_none else strong).append((start, end, term))
    anchored = {term.id for _, _, term in strong}
    anchored.update(t.id for s, e, t in weak if not t.guard.weak and _words_hold(t, context, s, e))
    if context.source_country:
        countries[context.source_country] += 1
    names = [*strong, *(w for w in weak if _weak_holds(w, context, anchored, countries))]
    names.sort(key=lambda n: (n[0], -n[1]))
    return Scan(_longest(names), _longest(states), _longest(heads), countries)


def _words_hold(term: Term, context: Context, start: int, end: int) -> bool:
    text, folded = context.text, context.folded.text
    if len(folded) == len(text):
        return words_hold(term.guard, folded, start, end)
    # Folding removed characters somewhere, so offsets differ: fold the surroundings alone.
    before, name, after = (fold(part).text for part in (text[max(0, start - WINDOW) : start], text[start:end], text[end : end + WINDOW]))
    return words_hold(term.guard, before + name + after, len(before), len(before) + len(name))


def _weak_holds(weak: tuple[int, int, Term], context: Context, anchored: set[str], countries: Counter[str]) -> bool:
    start, end, term = weak
    guard = term.guard
    if guard.anchor and term.id not in anchored:
        return False
    if guard.country_context and not any(countries[c] for c in guard.country_context):
        return False
    return _words_hold(term, context, start, end)


def _longest(found: list[tuple[int, int, Term]]) -> list[tuple[int, int, Term]]:
    kept: list[tuple[int, int, Term]] = []
    for item in found:
        if not kept or item[0] >= kept[-1][1]:
            kept.append(item)
    return kept


def neighbours(
    scanned: Scan, places: Sequence[Mention], lexicon: ActorLexicon, organisations: Sequence[Found]
) -> tuple[dict[int, Near], dict[int, Near]]:
    """Names, states and places by where they end and where they start; the longer one wins, then names before states before places."""
    ends: dict[int, Near] = {}
    starts: dict[int, Near] = {}
    items = [Near(p.start, p.end, "place", p.entity_id, p.country or "", p.type) for p in places]
    items += [Near(s, e, "state", t.id, t.id[4:], t.form) for s, e, t in scanned.states]
    for s, e, t in scanned.names:
        actor = lexicon.actors[t.id]
        items.append(Near(s, e, "name", t.id, actor.country[0] if actor.country and actor.type in ("government", "person") else ""))
    items += [Near(o.start, o.end, "organisation", o.id, "") for o in organisations]
    for near in items:
        known = ends.get(near.end)
        if known is None or near.start <= known.start:
            ends[near.end] = near
        known = starts.get(near.start)
        if known is None or near.end >= known.end:
            starts[near.start] = near
    return ends, starts
