"""What "the city", "there" or "the region" stands for: the place named nearest before it in the same discourse.

Apart from names on purpose: a common noun is no toponym, but a claim in its sentence needs its place. Nothing is resolved when two
places compete in one sentence for "the city"; a claim without a place is better than one with the wrong place.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import msgspec

from streams.context import Context
from tocsin.records import Mention

_ADJECTIVES = (
    r"(?:(?:war-torn|besieged|embattled|ruined|devastated|ancient|northern|southern|eastern|western|coastal|port|border|strategic|capital|"
    r"contested|battered|occupied|frontline|same|whole|entire|beleaguered|liberated|recaptured)[ ])*"
)
_NOUNS = "city|town|village|camp|province|governorate|region|country|district|area|island"
# "there is", "there were", "there may": no place is meant.
_EXISTENTIAL = (
    "is|are|was|were|has|have|had|will|would|may|might|could|can|must|should|appears?|seems?|remains?|exists?|came|been|be|also|still|"
    "never|no|nothing|now|isn|aren|wasn|weren|hasn|haven"
)
_REFERENCE = re.compile(
    rf"t(?<!\w.)h(?:(?:e|is|at)[ ]{_ADJECTIVES}(?P<noun>{_NOUNS})(?!\w)(?![ ]of[ ])"
    rf"|(?<=[ ]th)ere(?![ ](?:{_EXISTENTIAL})\b)(?!'))"  # a letter in front is sought faster than a word boundary
)
_TYPES = {
    "city": frozenset(("city", "town")),
    "town": frozenset(("town", "city", "place")),
    "village": frozenset(("town", "place")),
    "camp": frozenset(("camp",)),
    "province": frozenset(("admin1",)),
    "governorate": frozenset(("admin1",)),
    "country": frozenset(("country",)),
    "district": frozenset(("district", "admin2")),
    "island": frozenset(("island",)),
}
_PARTS = frozenset(("city_part", "region_part"))
_REACH = 1500  # characters: beyond, the reader has been told the name again or the text is no longer about it


def resolve_place_references(context: Context, mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions (how="coref", or "vague" for "the region") for common nouns and "there" that stand for one of the places in `mentions`.

    `mentions`: the places named in `context.text`, sorted by start (other kinds are ignored). Returned in order; never overlapping
    with a name. "the region" that nothing resolves is the vague place `loc:region`, without a point.
    """
    places = [m for m in mentions if m.kind == "place" and m.how != "demonym"]
    folded = context.folded
    references = [
        (folded.start(match.start()), folded.end(match.end()), match["noun"] or "there") for match in _REFERENCE.finditer(folded.text)
    ]
    found: list[Mention] = []
    for begin, stop in _voices(context):
        here = places[bisect_left(places, begin, key=_start) : bisect_left(places, stop, key=_start)]
        asked = references[bisect_left(references, (begin,)) : bisect_left(references, (stop,))]
        if asked:
            found += _resolve(context.text, asked, here)
    return sorted(found, key=_start)


def _start(mention: Mention) -> int:
    return mention.start


def _voices(context: Context) -> list[tuple[int, int]]:
    """(start, end) of each stretch with one voice: between them the article itself, and every bio, comment or caption apart."""
    stretches: list[tuple[int, int]] = []
    begin = 0
    for segment in context.segments:
        if segment.kind not in ("title", "body", "quote"):
            stretches += [(begin, segment.start), (segment.start, segment.end)]
            begin = segment.end
    return [*stretches, (begin, len(context.text))]


def _resolve(text: str, references: Sequence[tuple[int, int, str]], places: Sequence[Mention]) -> list[Mention]:
    """The references of one stretch."""
    starts = [m.start for m in places]
    salience = Counter(m.entity_id.partition("#")[0] for m in places)
    found: list[Mention] = []
    for start, end, noun in references:
        slot = bisect_left(starts, start)
        if (slot and places[slot - 1].end > start) or (slot < len(places) and places[slot].start < end):
            continue
        if noun == "region":
            found.append(_vague(text, start, end))
        elif noun in _TYPES or noun == "there":
            target = _antecedent(noun, places, slot, start, salience)
            if target is not None:
                found.append(_refer(target, text, start, end, noun))
    return found


def _antecedent(noun: str, places: Sequence[Mention], slot: int, start: int, salience: Counter[str]) -> Mention | None:
    """The nearest place before that can be called so; else, at the head of a text, the nearest after."""
    before = [m for m in places[max(0, slot - 12) : slot] if start - m.start <= _REACH]
    if noun == "there":
        fitting = [m for m in before if m.type not in ("country", "continent", "sea", "river") or salience[m.entity_id] > 1]
        return fitting[-1] if fitting else None
    types = _TYPES[noun]
    fitting = [m for m in before if m.type in types or (noun == "city" and m.type in _PARTS and "countryside" not in m.entity_id)]
    if not fitting:
        after = [m for m in places[slot : slot + 3] if m.type in types and m.start - start <= _REACH // 3]
        return after[0] if after else None
    last = fitting[-1]
    base = last.entity_id.partition("#")[0]
    rivals = {m.entity_id.partition("#")[0] for m in fitting if last.start - m.end <= 25} - {base}
    if rivals and max(salience[r] for r in rivals) >= salience[base]:
        return None
    return last


def _refer(target: Mention, text: str, start: int, end: int, noun: str) -> Mention:
    """The target's place, at the reference; "the city" after "eastern Mosul" is the whole of Mosul."""
    changes: dict[str, object] = {
        "mention_id": f"m{start}-{end}",
        "text": text[start:end],
        "start": start,
        "end": end,
        "how": "coref",
        "confidence": round(min(0.8, target.confidence), 2),
        "sure": False,
        "reason": f"stands for {target.name}",
        "rule_id": "place-reference",
        "candidates": (),
    }
    if noun != "there" and "#" in target.entity_id and target.parent_ids:
        whole = target.parent_ids[0]
        changes |= {
            "entity_id": whole,
            "parent_ids": target.parent_ids[1:],
            "type": "city",
            "precision": "city",
            "name": _whole_name(target),
        }
    return msgspec.structs.replace(target, **changes)


def _whole_name(part: Mention) -> str:
    """Name of the place a derived one is part of: "eastern Mosul" -> "Mosul"."""
    return " ".join(word for word in part.name.split() if not word.islower()) or part.name


def _vague(text: str, start: int, end: int) -> Mention:
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="place",
        entity_id="loc:region",
        name="the region",
        type="region",
        text=text[start:end],
        start=start,
        end=end,
        how="vague",
        confidence=0.3,
        sure=False,
        reason="which region is not said",
        rule_id="place-reference",
        precision="vague",
    )
