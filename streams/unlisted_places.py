"""Names that stand where a place stands but that no gazetteer lists: "Yaftal district", "Foua and Kafraya", "in Duk-Padiet".

They are never sure. A spelling that sounds like a listed town of a country under study is that town; any other takes the point of
the place it is named with, and a wide radius.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence, Set

from streams import place_patterns as words
from streams.gazetteer import Gazetteer, Place, place_key, skeleton
from streams.geocode import Evidence
from tocsin.records import Mention

_LISTED = re.compile(r"(?:,? and |, |/| or |,? as well as )(?:the )?(?:in |from |to )?")
_INTO_LIST = re.compile(r"(?:,? and |, |/| or )(?:the )?(?:in |from |to )?")
_STRICT_BEFORE = frozenset(("in", "near", "outside", "around", "to", "from", "at", "of"))
_ENDS_HEAD = frozenset(("of", "called", "named", "the"))  # last words of "the village of", "a town called": a cheap look first
_FAR_KM = 60.0


def find_unlisted(
    text: str,
    folded: str,
    starts: Sequence[int],
    ends: Sequence[int],
    keys: Sequence[str],
    capitals: Sequence[int],
    listed: Sequence[Mention],
    persons: Set[str],
    gazetteer: Gazetteer,
    evidence: Evidence,
) -> list[Mention]:
    """Unlisted names between the `listed` mentions (in order, not overlapping).

    `starts`, `ends`, `keys` are the words of `text`, `capitals` those with a capital letter.
    """
    found: list[Mention] = []
    begins = [m.start for m in listed]
    stops = [m.end for m in listed]
    count = len(starts)
    taken = 0
    for at in capitals:
        if at < taken or keys[at] in words.FUNCTION:
            continue
        last = at + 1
        while last < count and last - at < 4 and text[ends[last - 1] : starts[last]] in (" ", "-") and text[starts[last]].isupper():
            last += 1
        start, end = starts[at], ends[last - 1]
        slot = bisect_right(begins, start)
        if (slot and stops[slot - 1] > start) or (slot < len(begins) and begins[slot] < end):
            if slot and stops[slot - 1] >= end:
                taken = last
            continue
        if _could_be(keys, at, last, persons):
            mention = _judge(text, folded, start, end, at, keys, listed, slot, gazetteer, evidence)
            if mention is not None:
                found.append(mention)
        taken = last
    return found


_NOT_IN_A_NAME = words.NOT_UNLISTED | words.TITLES | words.FIRST_NAMES


def _could_be(keys: Sequence[str], first: int, last: int, persons: Set[str]) -> bool:
    parts = keys[first:last]
    if not _NOT_IN_A_NAME.isdisjoint(parts) or not persons.isdisjoint(parts) or words.DIRECTIONS.keys() >= set(parts):
        return False
    return not (last - first == 1 and (len(parts[0]) < 3 or parts[0] in words.AMBIGUOUS))


def _judge(
    text: str,
    folded: str,
    start: int,
    end: int,
    first: int,
    keys: Sequence[str],
    listed: Sequence[Mention],
    slot: int,
    gazetteer: Gazetteer,
    evidence: Evidence,
) -> Mention | None:
    surface = text[start:end]
    shouting = surface.isupper()
    left = listed[slot - 1] if slot else None
    right = listed[slot] if slot < len(listed) else None
    beside_left = (
        left is not None and left.type != "country" and left.how != "demonym" and _LISTED.fullmatch(folded, left.end, start) is not None
    )
    beside_right = (
        right is not None
        and right.type != "country"
        and right.how != "demonym"
        and _INTO_LIST.fullmatch(folded, end, right.start) is not None
    )
    inside = right is not None and 0 < right.start - end <= 4 and text[end : right.start] in (", ", " (", ",")
    known = gazetteer.detailed
    detailed = (left is not None and left.country in known) or (right is not None and right.country in known)
    tail = words.UNLISTED_NOUN.match(folded, end)
    before = keys[first - 1] if first else ""
    reason = ""
    if tail is not None and not shouting and folded[start:end] not in words.DIRECTIONS:
        reason = "a place noun follows"
        if detailed:
            end = tail.end()
    elif not shouting and before in _ENDS_HEAD and words.UNLISTED_HEAD.search(folded, max(0, start - 40), start):
        reason = "a place noun stands before"
    elif beside_left and beside_right and not shouting:
        reason = "listed between places"
    elif inside and before in _STRICT_BEFORE and not shouting:
        reason = "named with its area"
    elif detailed and (beside_left or beside_right) and not shouting and text[end : end + 1] != "’":
        reason = "listed with a place"
    elif (
        before in ("in", "near", "outside")
        and left is not None
        and left.country in gazetteer.detailed
        and not shouting
        and not text[end : end + 2].strip().isupper()
    ):
        reason = "where a place is named"
    else:
        return None
    if end + 1 < len(text) and text[end] == " " and text[end + 1].isupper():
        return None
    place = _sounds_like(surface, gazetteer, evidence)
    near = next((m for m in (right if inside or beside_right else None, left if beside_left else None, left) if m is not None), None)
    if place is not None:
        entity, name, how, kind = place.id, place.name, "fuzzy", place.type
        where = (place.lat, place.lon, place.km, place.country, place.admin1, place.parents)
    else:
        if near is None:
            return None
        parents = near.parent_ids if near.type in ("town", "city", "place") else (near.entity_id, *near.parent_ids)
        entity = f"{parents[0] if parents else near.entity_id}/{place_key(surface).replace(' ', '-')}"
        name, how, kind = surface, "pattern", "place"
        where = (near.lat, near.lon, max(_FAR_KM, near.precision_km or 0.0), near.country, near.admin1, parents)
    heard = "spelt like a listed town" if place is not None else "in no gazetteer, placed with its neighbour"
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="place",
        entity_id=entity,
        name=name,
        type=kind,
        text=text[start:end],
        start=start,
        end=end,
        how=how,
        confidence=0.7 if place is not None else 0.5,
        sure=False,
        reason=f"{reason}; {heard}",
        rule_id="place-unlisted",
        country=where[3],
        admin1=where[4],
        lat=where[0],
        lon=where[1],
        geonames_id=place.geonames_id if place is not None else None,
        precision="town" if place is not None else "vague",
        precision_km=where[2],
        parent_ids=where[5],
    )


def _sounds_like(surface: str, gazetteer: Gazetteer, evidence: Evidence) -> Place | None:
    """The town of a focus country, spoken of in this text, whose name has the same skeleton."""
    key = place_key(surface)
    if len(key) < 5:
        return None
    index = gazetteer.skeletons.get(skeleton(key))
    if index is None or not evidence.countries.get(gazetteer.country(index) or ""):
        return None
    return gazetteer.place(index)
