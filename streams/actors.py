"""Find who is spoken of: known actors, organs of states, classes of people, and persons and organisations known by pattern only.

The order of trust: names of the lexicon; phrases around a head noun, which may contain such a name ("ISIS fighters") or a
state ("Iraqi troops"); persons and organisations by pattern; states that act. Where two overlap the longer one stays,
and a phrase passes on the identity of the name inside it.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from streams.context import Context
from streams.found import Found, mention
from streams.groups import Near, read_phrase
from streams.lexicon import ActorLexicon, Head, load_actors
from streams.organs import adjective_slug, identify
from streams.scan import Scan, countries_of, is_english, neighbours, scan
from streams.states import find_states
from streams.unknown_names import find_organisations, find_persons, runs_of
from tocsin.records import Mention

__all__ = ["ActorLexicon", "find_actors", "load_actors"]


def _settle(found: list[Found]) -> list[Found]:
    """Longest first, then the more trusted; what overlaps a kept one goes."""
    starts: list[int] = []
    kept: list[Found] = []
    for item in sorted(found, key=lambda f: (f.start - f.end, f.rank, f.start)):
        at = bisect_left(starts, item.start)
        if (at < len(kept) and kept[at].start < item.end) or (at and kept[at - 1].end > item.start):
            continue
        starts.insert(at, item.start)
        kept.insert(at, item)
    return kept


_COMPOUND = re.compile(
    r"-(?:held|controlled|occupied|dominated|run|ruled|led|backed|linked)\b"
    r"| (?:control|territory|[Rr]esolutions?|targets?|vehicles?|positions?)\b"
)
_NATIONALS = Head(id="grp:nationals", name="nationals", type="class", bare="yes")


def find_actors(context: Context, lexicon: ActorLexicon, places: Sequence[Mention] = ()) -> list[Mention]:
    """Actors named or described in the text, in order, not overlapping. `places`: what `streams.places` found, for country context."""
    scanned = scan(context, lexicon, places)
    runs = runs_of(context, lexicon)
    covered = {s: e for s, e, _ in scanned.names} | {s: e for s, e, _ in scanned.states}
    found, acronyms, used = find_organisations(context.text, runs, lexicon, covered)
    ends, starts = neighbours(scanned, places, lexicon, found)
    found += _known(context.text, lexicon, scanned)
    persons = find_persons(context, lexicon, scanned, places, runs, acronyms, used)
    if is_english(context):
        found += _phrases(context.text, lexicon, scanned, places, ends, starts)
        found += persons
        found += find_states(context.text, lexicon, scanned)
    else:  # names travel between languages, titles and nouns do not
        found += [p if p.id in lexicon.actors else replace(p, sure=False) for p in persons]
    return [mention(item, context.text) for item in _joined(_settle(found), context.text)]


def _known(text: str, lexicon: ActorLexicon, scanned: Scan) -> list[Found]:
    """The lexicon's names, an article before them included."""
    found = []
    for start, end, term in scanned.names:
        known = lexicon.actors[term.id]
        begin = start - 4 if text[start - 4 : start] in ("the ", "The ") and known.type != "person" else start
        confidence = 0.95 if term.how == "exact" else 0.9
        owned = text[start - 1 : start] == "-" or _COMPOUND.match(text, end) is not None  # "ISIL-held terrain" speaks of the terrain
        reason = "part of a compound" if owned else ""
        sure = not owned and known.type != "ethnic_religious"
        found.append(Found(begin, end, known.id, known.name, known.type, term.how, confidence, sure, reason, 0, "lexicon"))
    return found


def _phrases(
    text: str, lexicon: ActorLexicon, scanned: Scan, places: Sequence[Mention], ends: dict[int, Near], starts: dict[int, Near]
) -> list[Found]:
    """Noun phrases, read from the end of the text so that a head inside a longer phrase is not read twice."""
    inside: dict[int, int] = {}
    organisations = sorted((o.start, o.end) for o in ends.values() if o.kind == "organisation")
    for start, end, _ in (*scanned.states, *scanned.names):
        inside[end] = min(start, inside.get(end, start))
    nationals = [(s, e, t) for s, e, t in scanned.states if t.form == "nationals"]
    place_starts = [p.start for p in places]
    limit = len(text)
    found = []
    for start, end, term in sorted((*scanned.heads, *nationals), key=lambda h: (-h[0], h[1] - h[0])):
        if start >= limit or (term.head is not None and inside.get(end, start + 1) <= start):
            continue
        if term.head is not None and not term.head.branch and _within(organisations, start, end):
            continue
        phrase = read_phrase(text, start, end, term.head or _NATIONALS, lexicon, ends, starts)
        if phrase is None or (term.head is None and phrase.start == start):
            continue
        limit = phrase.start
        if term.head is None:
            code = term.id[4:]
            key, name = f"grp:{adjective_slug(lexicon, code)}-people", f"people of {lexicon.states[code].name}"
            found.append(Found(phrase.start, phrase.end, key, name, "class", "demonym", 0.8, False, "nationals", 1, "nationals"))
            continue
        near = Counter[str]()
        if term.head.branch:
            near = countries_of(places[bisect_left(place_starts, start - 300) : bisect_left(place_starts, end + 120)])
        found.append(identify(phrase, lexicon, scanned.countries, text, near))
    return found


def _within(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    at = bisect_left(spans, (start + 1, 0))
    return at > 0 and spans[at - 1][1] >= end


# Kin and company that are named in one breath: "women and children", "musicians and artists".
_TOGETHER = frozenset(("grp:civilians", "grp:family", "grp:professionals"))


def _joined(items: list[Found], text: str) -> list[Found]:
    """Neighbours that are one mention: "women and children"; "the British newspaper X" with the name behind it."""
    out: list[Found] = []
    for item in items:
        before = out[-1] if out else None
        if before is not None and before.rule.startswith("phrase:") and before.how == "class":
            gap = text[before.end : item.start]
            if gap == " " and before.type == item.type == "person" and item.how != "class":
                out[-1] = item  # "militant X": the name says it
                continue
            together = before.rule[7:] in _TOGETHER and item.rule[7:] in _TOGETHER
            if gap == " and " and together and item.how == "class":
                out[-1] = replace(before, end=item.end)
                continue
            if (
                gap == " "
                and item.rank in (0, 3)
                and item.type not in ("person", "class")
                and before.type not in ("person", "government")
                and before.rule != "phrase:grp:civilians"
            ):
                out[-1] = replace(item, start=before.start)
                continue
        out.append(item)
    return out
