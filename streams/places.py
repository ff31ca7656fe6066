"""Find the places a text names, and decide which places they are.

Names as written only, demonyms ("Turkish") included: what "the city" or "there" stands for is `streams.place_references`' matter.
Steps: names the gazetteer knows, and how much each looks like a place (`streams.place_names`) -> what the document is about, and
which reading (`streams.geocode`) -> longer and derived names ("Mosul city", "eastern Mosul") -> unlisted names (`streams.unlisted_places`).
"""

import re
from collections import defaultdict
from itertools import pairwise

from streams import place_patterns as words
from streams.context import Context
from streams.gazetteer import ABBREVIATION, ALTERNATE, DEMONYM, Gazetteer, Place
from streams.geocode import EMIT, SURE, Evidence, Sense, choose_senses, gather_evidence
from streams.place_names import PlaceName, WordText, candidates, judge, lower_words, surnames
from streams.unlisted_places import find_unlisted
from tocsin.records import Candidate, Mention

_COUNTY_KM = 60.0  # a county wider than this has no point of its own
_READINGS_SHOWN = 4
_LISTED = 0.4  # strength gained by standing in a list with another place, on each side
_AND = frozenset((", ", "/", " and ", ", and ", " or ", " & "))
_PRECISION = {
    "camp": "site",
    "crossing": "site",
    "dam": "site",
    "base": "site",
    "site": "site",
    "continent": "vague",
    "sea": "vague",
    "river": "vague",
    "region": "region",
    "mountain": "region",
    "island": "region",
}
_HOW = {DEMONYM: "demonym", ABBREVIATION: "alias", ALTERNATE: "alias"}
_OF = ("of ", "of the ", "of city of ", "of the city of ")  # looked at before the dear patterns that end so
_WAYS = tuple(f"{way.split()[-1]} " for way in words.DIRECTIONS)
_CAPITAL_NOUNS = frozenset(
    ("city", "town", "province", "governorate", "state", "district", "county", "camp", "village", "oblast", "region", "lga", "airport")
)


def find_places(context: Context, gazetteer: Gazetteer) -> list[Mention]:
    """Every place named in `context.text`, in order, never overlapping. Offsets are code points of that text."""
    words_of = WordText(context)
    names = candidates(words_of, gazetteer)
    if not names and not words_of.starts:
        return []
    persons = surnames(words_of)
    lower = lower_words(words_of, names)
    for position, name in enumerate(names):
        judge(name, position, names, words_of, gazetteer, persons, lower)
    kept = [name for name in names if not name.rejected]
    evidence, own = gather_evidence(kept, gazetteer, context.source_country)
    senses = choose_senses(kept, gazetteer, evidence, own)
    folded = _aligned(context)
    mentions = _emit(kept, senses, words_of, gazetteer, evidence, folded)
    if mentions and folded is not None:
        rejected = {name.key for name in names if name.rejected}
        text = words_of
        mentions += find_unlisted(
            text.text, folded, text.starts, text.ends, text.keys, text.capitals, mentions, {*persons, *rejected}, gazetteer, evidence
        )
        mentions.sort(key=lambda mention: mention.start)
    return mentions


def _aligned(context: Context) -> str | None:
    """Folded text with the offsets of the text itself, None in the rare text that has none."""
    if len(context.folded.text) == len(context.text):
        return context.folded.text
    lowered = context.text.lower()
    return lowered if len(lowered) == len(context.text) else None


def _emit(
    names: list[PlaceName], senses: dict[str, Sense], text: WordText, gazetteer: Gazetteer, evidence: Evidence, folded: str | None
) -> list[Mention]:
    best: dict[str, float] = defaultdict(float)
    for left, right in pairwise(names):
        if text.text[left.end : right.start] in _AND:
            left.strength += _LISTED
            right.strength += _LISTED
    for name in names:
        name.strength += senses[name.key].bonus
        best[name.key] = max(best[name.key], name.strength)
    mentions: list[Mention] = []
    floor = 0
    for name in names:
        strength = name.strength
        if best[name.key] >= SURE + 0.6:
            strength += 0.5
        if strength < EMIT or name.start < floor:
            continue
        mention = _mention(name, strength, senses[name.key], text, gazetteer, folded, floor, evidence)
        floor = mention.end
        mentions.append(mention)
    return mentions


def _mention(
    name: PlaceName, strength: float, sense: Sense, text: WordText, gazetteer: Gazetteer, folded: str | None, floor: int, evidence: Evidence
) -> Mention:
    hit = sense.ranked[0][0]
    place = gazetteer.place(hit.index)
    start, end = name.start, name.end
    how = _HOW.get(hit.kind, "exact")
    entity, readable, kind, km, precision = place.id, place.name, place.type, place.km, _PRECISION.get(place.type, place.type)
    parents = place.parents
    if folded is not None and hit.kind != DEMONYM:
        tail = words.NOUN_AFTER.match(folded, end)
        detailed = place.country in gazetteer.detailed
        if tail and place.type != "country" and _noun_belongs(text.text, tail, detailed):
            end = tail.end()
        head = folded[max(floor, start - 40) : start]
        derived = _derived(head, folded, end, place) if detailed else None
        if derived:
            how = "derived"
            suffix, readable, cut, stretch = derived
            start -= cut
            end += stretch
            entity, parents = f"{place.id}#{suffix}", (place.id, *place.parents)
            precision = "city_part" if place.type in ("city", "town") and "countryside" not in suffix else "region_part"
            kind, km = precision, place.km if place.type != "city" else max(place.km, 10.0)
        elif head.endswith(_OF) and (before := words.NOUN_BEFORE.search(head)) and place.type not in ("country", "continent") and detailed:
            start -= len(head) - before.start("noun")
    sure = strength >= SURE and sense.margin >= 0.5
    reason = "" if sure else "weak evidence that this is a place" if strength < SURE else "two readings are close"
    confidence = round(
        min(0.98, max(0.3, 0.35 + 0.13 * strength) * (1.0 if sense.margin >= 1 else 0.85 if sense.margin >= 0.5 else 0.7)), 2
    )
    others = (
        tuple([Candidate(entity_id=gazetteer.place(h.index).id, score=round(s, 2)) for h, s in sense.ranked[:_READINGS_SHOWN]])
        if len(sense.ranked) > 1
        else ()
    )
    lat, lon = place.lat, place.lon
    if place.type == "admin2" and km > _COUNTY_KM and (towns := evidence.towns.get(gazetteer.region(hit.index))):
        lat, lon, km = round(sum(t[0] for t in towns) / len(towns), 4), round(sum(t[1] for t in towns) / len(towns), 4), 80.0
        reason = reason or "a county without a point of its own, placed with towns of its state"
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="place",
        entity_id=entity,
        name=readable,
        type=kind,
        text=text.text[start:end],
        start=start,
        end=end,
        how=how,
        confidence=confidence,
        sure=sure,
        reason=reason,
        rule_id="place",
        candidates=others,
        country=place.country,
        admin1=place.admin1,
        lat=lat,
        lon=lon,
        geonames_id=place.geonames_id if how != "derived" else None,
        precision=precision,
        precision_km=km,
        parent_ids=parents,
    )


def _derived(head: str, folded: str, end: int, place: Place) -> tuple[str, str, int, int] | None:
    """(suffix of the id, readable name, characters to add in front, characters to add behind) of a derived place, or None."""
    owned = head.endswith(_OF)
    if owned and (part := words.PART_BEFORE.search(head)):
        way = words.DIRECTIONS[part["way"]]
        rural = part["part"] in ("countryside", "outskirts", "suburbs")
        suffix = f"{way}-{part['part']}" if rural else way
        return suffix, f"{_adjective(way)} {place.name}" + (f" {part['part']}" if rural else ""), len(head) - part.start("all"), 0
    if owned and (part := words.COUNTRYSIDE_BEFORE.search(head)):
        return part["part"], f"{place.name} {part['part']}", len(head) - part.start("all"), 0
    way_match = words.DIRECTION_BEFORE.search(head) if head.endswith(_WAYS) else None
    tail = words.COUNTRYSIDE_AFTER.match(folded, end)
    if way_match and tail:
        way = words.DIRECTIONS[way_match["way"]]
        return (
            f"{way}-{tail['part']}",
            f"{_adjective(way)} {place.name} {tail['part']}",
            len(head) - way_match.start("way"),
            tail.end() - end,
        )
    if tail:
        return tail["part"], f"{place.name} {tail['part']}", 0, tail.end() - end
    if way_match and place.type != "district":
        way = words.DIRECTIONS[way_match["way"]]
        return way, f"{_adjective(way)} {place.name}", len(head) - way_match.start("way"), 0
    return None


def _adjective(way: str) -> str:
    return way if way == "central" else way.replace("-", "") + "ern"


def _noun_belongs(text: str, tail: re.Match[str], detailed: bool) -> bool:
    """Whether a noun behind a name is part of it: "Fars Province"; where curated towns and governorates share names, "Mosul city" too."""
    if text[tail.start("noun")].islower():
        return detailed
    return tail["noun"] in _CAPITAL_NOUNS and _ends_phrase(text, tail.end())


def _ends_phrase(text: str, end: int) -> bool:
    """Whether no further capitalised word follows: "Kano State said", not "Kano State Police"."""
    return not (end + 1 < len(text) and text[end] == " " and text[end + 1].isupper())
