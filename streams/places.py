"""Find the places a text names, and decide which places they are.

Names as written only, demonyms ("Turkish") included: what "the city" or "there" stands for is `streams.place_references`' matter.
Steps: candidates (word n-grams known to the gazetteer) -> how much each looks like a place where it stands -> what the document is
about -> which reading -> longer and derived names ("Mosul city", "eastern Mosul") -> unknown names in the shape of a place.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams import place_patterns as words
from streams.context import Context
from streams.gazetteer import (
    ABBREVIATION,
    ALTERNATE,
    DEMONYM,
    HISTORICAL,
    MAIN,
    Gazetteer,
    Hit,
    Place,
    cyrillic_stem,
    without_article,
)
from streams.geocode import Evidence, in_context, prior, rank
from streams.unlisted_places import find_unlisted
from tocsin.fold import fold
from tocsin.records import Candidate, Mention

_TOKEN = re.compile(r"[^\W_]+(?:['’ʻʼ‘`´](?!s\b)[^\W_]+)*")
_QUOTES = str.maketrans("", "", "'")
_APOSTROPHES = frozenset("'’ʼ‘`´")
_ARTICLES = frozenset(("al", "el", "ar", "as", "ash", "ad", "an", "ez", "az", "at", "ath", "es"))
_JOINING = {" ": " ", "-": " ", "‑": " ", "–": " ", "- ": " ", " - ": " ", "\u00a0": " ", "/ ": None, " & ": " "}
_CONTAINED = re.compile(
    r"(?P<strong>, | \(|,)|(?:'s)?,? (?:(?:city|town|village|district|province|region|suburb|area|neighbou?rhood|camp),? )?(?:in|of) (?:(?:the )?(?:\w+ ){0,2}of )?(?:\w+ern )?$"
)
_LIST = re.compile(r"(?:, |,? and |,? or |/| & )(?:the |in |from |to )?")
_ARABIC_CLITIC = re.compile("^(?:و|ف)?(?:ب|ل|ك)?(?:ال|لل)?(?=\\w{3})")
_EMIT, _SURE = 1.6, 2.6
_COUNTY_KM = 60.0
_MAX_MENTIONS_OF_READINGS = 4
_RIVALS_A_STATE = 600_000  # inhabitants from which a city is meant rather than its namesake state (Washington, New York)


@dataclass(slots=True, eq=False)
class _Name:
    """A candidate: a known name where it stands."""

    first: int  # tokens [first, last)
    last: int
    start: int
    end: int
    key: str
    hits: tuple[Hit, ...]
    local: float = 0.0  # evidence of the words around
    locative: bool = False
    rejected: str = ""
    strength: float = 0.0
    container: int = -1
    noun: str = ""


class _Text:
    """A text cut into words, each with its key."""

    __slots__ = ("ends", "keys", "starts", "text")

    def __init__(self, context: Context) -> None:
        self.text = context.text
        spans = [match.span() for match in _TOKEN.finditer(self.text)]
        self.starts = [span[0] for span in spans]
        self.ends = [span[1] for span in spans]
        folded = context.folded.text
        if len(folded) == len(self.text):
            self.keys = [folded[start:end] for start, end in spans]
        else:
            self.keys = [fold(self.text[start:end]).text for start, end in spans]
        self.keys = [key.translate(_QUOTES) if "'" in key else key for key in self.keys]

    def gap(self, left: int, right: int) -> str:
        return self.text[self.ends[left] : self.starts[right]]

    def capital(self, at: int) -> bool:
        char = self.text[self.starts[at]]
        return char.isupper() or (char > "\u0590" and char.isalpha() and not char.islower())


def find_places(context: Context, gazetteer: Gazetteer) -> list[Mention]:
    """Every place named in `context.text`, in order, never overlapping. Offsets are code points of that text."""
    words_of = _Text(context)
    names = _candidates(words_of, gazetteer)
    if not names and not words_of.starts:
        return []
    persons = _surnames(words_of)
    lower = _lower_words(words_of, names)
    for position, name in enumerate(names):
        _judge(name, position, names, words_of, gazetteer, persons, lower)
    kept = [name for name in names if not name.rejected]
    evidence, own = _evidence(kept, gazetteer, context)
    senses = _senses(kept, gazetteer, evidence, own)
    mentions = _emit(kept, senses, words_of, gazetteer, evidence, context)
    folded = context.folded.text
    if mentions and len(folded) == len(context.text):
        rejected = {name.key for name in names if name.rejected}
        text = words_of
        mentions += find_unlisted(
            text.text, folded, text.starts, text.ends, text.keys, mentions, {*persons, *rejected}, gazetteer, evidence
        )
        mentions.sort(key=lambda mention: mention.start)
    return mentions


# --- candidates --------------------------------------------------------------------------------------------------------------


def _candidates(text: _Text, gazetteer: Gazetteer) -> list[_Name]:
    names: list[_Name] = []
    known, longest = gazetteer.names, gazetteer.longest
    raw, starts, ends, keys = text.text, text.starts, text.ends, text.keys
    count = len(starts)
    at = 0
    while at < count:
        char = raw[starts[at]]
        if char.islower() or char.isdigit():
            if not (
                keys[at] in _ARTICLES and at + 1 < count and raw[ends[at] : starts[at + 1]] in ("-", " ") and raw[starts[at + 1]].isupper()
            ):
                at += 1
                continue
        key = keys[at]
        reach = longest.get(key, 1)
        if at + 1 < count and keys[at + 1] == "s" and raw[ends[at] : starts[at + 1]] in _APOSTROPHES:
            reach = max(reach, longest.get(key + "s", 0) + 1)
        best: tuple[int, str] | None = (at + 1, key) if key in known else None
        if reach > 1:
            longer = key
            for stop in range(at + 1, min(at + reach, count)):
                gap = raw[ends[stop - 1] : starts[stop]]
                if gap in _APOSTROPHES and keys[stop] == "s":
                    longer += "s"
                    if longer in known:
                        best = (stop + 1, longer)
                    continue
                joint = _JOINING.get(gap)
                if joint is None:
                    if not (gap in (".", ". ") and ends[stop - 1] - starts[stop - 1] <= 3):
                        break
                    joint = " "
                longer += joint + keys[stop]
                if longer in known:
                    best = (stop + 1, longer)
        if best is None and char > "\u0370":
            best = _other_script(text, at, gazetteer)
        if best is None:
            at += 1
            continue
        last, found = best
        start, end = starts[at], ends[last - 1]
        if (
            last - at > 1
            and not any(raw[starts[k]].isupper() or raw[starts[k]] > "\u0590" for k in range(at + 1, last))
            and keys[at] in words.FUNCTION
        ):
            at += 1
            continue
        if found.startswith("the ") and found != "the hague":
            start = starts[at + 1]
        names.append(_Name(at, last, start, end, found, gazetteer.lookup(found)))
        at = last
    return names


def _other_script(text: _Text, at: int, gazetteer: Gazetteer) -> tuple[int, str] | None:
    """A Cyrillic name in another case, or an Arabic one behind a clitic."""
    key = text.keys[at]
    if "\u0400" <= key[0] <= "\u04ff" and len(key) >= 4:
        for count in (2, 1):
            if at + count > len(text.keys) or (count == 2 and text.gap(at, at + 1) not in (" ", "-")):
                continue
            parts = [cyrillic_stem(k) for k in text.keys[at : at + count]]
            stem = " ".join(parts)
            for cut in (0, 1, 2):
                if cut and (len(stem) - cut < 4 or count == 2):
                    break
                if stem[: len(stem) - cut] in gazetteer.names:
                    return at + count, stem[: len(stem) - cut]
        return None
    if "\u0600" <= key[0] <= "\u06ff":
        bare = _ARABIC_CLITIC.sub("", key)
        for form in (without_article(key), bare, "ال" + bare):
            if len(form) >= 3 and form != key and form in gazetteer.names:
                return at + 1, form
    return None


def _surnames(text: _Text) -> dict[str, int]:
    """Words that stand after a first name or a title somewhere: persons, wherever they stand alone."""
    found: dict[str, int] = {}
    keys = text.keys
    for at in range(len(keys) - 1):
        key = keys[at]
        if (key in words.FIRST_NAMES and text.capital(at)) or (
            key in words.TITLES and key not in ("chief", "major", "general", "father", "sister", "m", "saint")
        ):
            gap = text.gap(at, at + 1)
            if gap in (" ", ". ") and text.capital(at + 1):
                if keys[at + 1] in words.FIRST_NAMES and at + 2 < len(keys) and text.gap(at + 1, at + 2) == " " and text.capital(at + 2):
                    continue
                found.setdefault(keys[at + 1], at + 1)
                if key in words.FIRST_NAMES and text.capital(at):
                    found.setdefault(key, at)
    return found


def _lower_words(text: _Text, names: list[_Name]) -> frozenset[str]:
    """Keys of one-word names that also stand in lower case in this text: ordinary words here."""
    wanted = {name.key for name in names if name.last - name.first == 1}
    raw = text.text
    return frozenset(key for key, start in zip(text.keys, text.starts, strict=True) if key in wanted and raw[start].islower())


# --- how much it looks like a place ------------------------------------------------------------------------------------------


def _size(gazetteer: Gazetteer, hits: tuple[Hit, ...]) -> float:
    """Strength of the most prominent reading."""
    best = 0.0
    for hit in hits:
        if gazetteer.is_curated(hit.index):
            place = gazetteer.place(hit.index)
            value = {"country": 3.4, "admin2": 2.8, "district": 0.3, "town": 1.6}.get(place.type, 2.5)
            if hit.kind == DEMONYM:
                value = 3.0
        else:
            people = gazetteer.population(hit.index)
            value = next(v for floor, v in _SIZES if people >= floor)
            if hit.kind != MAIN:
                value -= 0.9
        best = max(best, value)
    return best


_SIZES = ((1_000_000, 2.7), (300_000, 2.3), (100_000, 2.0), (50_000, 1.6), (15_000, 1.1), (5_000, 0.6), (1_000, 0.4), (-1, 0.2))


def _judge(
    name: _Name, position: int, names: list[_Name], text: _Text, gazetteer: Gazetteer, persons: dict[str, int], lower: frozenset[str]
) -> None:
    """Fill `strength`, `locative` and `rejected` from the words around one name."""
    raw, keys = text.text, text.keys
    first, last = name.first, name.last
    single = last - first == 1
    surface = raw[name.start : name.end]
    demonym = all(hit.kind == DEMONYM for hit in name.hits)
    before = keys[first - 1] if first else ""
    gap_before = text.gap(first - 1, first) if first else "\n"
    after = keys[last] if last < len(keys) else ""
    gap_after = text.gap(last - 1, last) if last < len(keys) else "\n"
    joined_before = gap_before == " " and first > 0
    joined_after = gap_after == " " and last < len(keys)
    capital_before = joined_before and text.capital(first - 1) and before not in words.FUNCTION
    capital_after = joined_after and text.capital(last)
    if demonym and gazetteer.level(name.hits[0].index) != "country":
        name.rejected = "an adjective of no one country"
        return
    if (
        name.start
        and raw[name.start - 1] in "$€£#@"
        or raw[name.end : name.end + 1] == "$"
        or (demonym and surface[-1] == "s" and name.key not in ("us",))
    ):
        name.rejected = "a currency or a people"
        return
    if not _abbreviation_ok(name, text, position, names):
        name.rejected = "abbreviation"
        return
    score = _size(gazetteer, name.hits)
    abbreviated = all(hit.kind == ABBREVIATION for hit in name.hits)
    if single and len(name.key) <= 3 and not abbreviated and name.key.isascii() and not demonym:
        score -= 1.2
    if name.key in words.AMBIGUOUS and not abbreviated:
        score -= 2.6
    if single and name.key in lower and not demonym and not abbreviated:
        score -= 2.0
    if not single and not demonym:
        score += 0.6
    name.locative = joined_before and before in words.LOCATIVE or (before == "the" and first > 1 and keys[first - 2] in words.LOCATIVE)
    person = single and name.key in words.GIVEN
    if name.locative:
        score += 1.0
    elif before == "of" and joined_before:
        score += 0.4
    # persons
    if (
        joined_before
        and before in words.FIRST_NAMES
        and text.capital(first - 1)
        and not abbreviated
        and not demonym
        and before not in gazetteer.names
    ):
        name.rejected = "surname"
    elif gap_before in (" ", ". ") and before in words.TITLES and text.capital(first - 1) and not demonym and not abbreviated and single:
        name.rejected = "after a title" if not _is_country(gazetteer, name) else ""
    elif person and capital_after and after not in words.PLACE_NOUNS and after not in gazetteer.names:
        name.rejected = "given name"
    elif single and name.key in persons and not name.locative and not _is_country(gazetteer, name):
        name.rejected = "a person of this text"
    elif person and not name.locative:
        score -= 1.2 if not _is_country(gazetteer, name) else 0.4
    # organisations
    if capital_after and after in words.NEVER_BEFORE and not demonym:
        name.rejected = "part of a name"
    elif capital_after and demonym and after in ("airways", "airlines", "open", "telecom", "petroleum", "express"):
        name.rejected = "part of a name"
    elif before == "of" and first > 1 and keys[first - 2] in words.ORG_OF and text.capital(first - 2):
        name.rejected = "part of a name"
    if capital_before and before in words.ORG_BEFORE and not demonym:
        name.rejected = "branch of an organisation"
    if (
        capital_before
        and not name.rejected
        and before not in words.DIRECTIONS
        and before not in words.AFTER
        and not _place_before(names, position, first)
    ):
        score -= 0.9 if score > 2.4 else 1.6
    if capital_after and not name.rejected:
        score -= 0.0 if after in words.PLACE_NOUNS or demonym else 0.5 if score > 1.9 else 1.4
    if joined_after and after in words.AFTER and not demonym:
        score += 1.5
        name.noun = after
    if gap_after.startswith("-") and last < len(keys) and text.capital(last) and single:
        score -= 1.0
    if gap_before.endswith("-") and first and text.capital(first - 1) and single:
        score -= 1.0
    name.strength = score


def _place_before(names: list[_Name], position: int, first: int) -> bool:
    return position > 0 and names[position - 1].last == first and not names[position - 1].rejected


def _is_country(gazetteer: Gazetteer, name: _Name) -> bool:
    return any(gazetteer.is_curated(hit.index) and gazetteer.place(hit.index).type == "country" for hit in name.hits)


def _abbreviation_ok(name: _Name, text: _Text, position: int, names: list[_Name]) -> bool:
    """Abbreviations must be written as such: "US" never "us", "Ky." with its period or after a town and a comma."""
    if not any(hit.kind == ABBREVIATION for hit in name.hits):
        return True
    raw = text.text
    surface = raw[name.start : name.end]
    period = name.end < len(raw) and raw[name.end] == "."
    dotted = "." in surface
    rest = tuple(hit for hit in name.hits if hit.kind != ABBREVIATION)
    state = all(_state_like(name, hit) for hit in name.hits if hit.kind == ABBREVIATION) and len(name.key.replace(" ", "")) <= 5
    if dotted and surface.upper() == surface:
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        if period:
            name.end += 1
        return True
    after_comma = position > 0 and names[position - 1].end <= name.start and raw[names[position - 1].end : name.start] in (", ", ",")
    whole = _WHOLE_ABBREVIATIONS.get(name.key)
    if surface.isupper() and whole:
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        return not (name.key in ("us", "car") and _shouting(text, name))
    if state and (after_comma and (period or surface.isupper())):
        name.hits = tuple(hit for hit in name.hits if hit.kind == ABBREVIATION)
        if period:
            name.end += 1
        return True
    name.hits = rest
    return bool(rest)


def _state_like(name: _Name, hit: Hit) -> bool:
    return hit.kind == ABBREVIATION and name.key not in _WHOLE_ABBREVIATIONS


_WHOLE_ABBREVIATIONS = dict.fromkeys(
    (
        "us",
        "uk",
        "usa",
        "uae",
        "drc",
        "rdc",
        "car",
        "prc",
        "ksa",
        "dprk",
        "ussr",
        "nsw",
        "kri",
        "opt",
        "qld",
        "ny",
        "nyc",
        "сша",
        "рф",
        "оаэ",
        "кндр",
        "юар",
        "цар",
        "act",
        "kpk",
    ),
    True,
)


def _shouting(text: _Text, name: _Name) -> bool:
    """Whether the words beside are in capitals too, so that "US" may be "us"."""
    near = [k for k in (name.first - 1, name.last) if 0 <= k < len(text.keys) and len(text.keys[k]) > 1]
    return bool(near) and all(text.text[text.starts[k] : text.ends[k]].isupper() and len(text.keys[k]) > 4 for k in near)


# --- what the document is about, and which reading -------------------------------------------------------------------------------


def _evidence(names: list[_Name], gazetteer: Gazetteer, context: Context) -> tuple[Evidence, dict[str, dict[str, float]]]:
    evidence = Evidence()
    own: dict[str, dict[str, float]] = {}
    if context.source_country:
        evidence.countries[context.source_country] += 0.5
    counts = Counter(name.key for name in names if name.strength >= _EMIT)
    seen: set[str] = set()
    for name in names:
        if name.key in seen or name.strength < _EMIT:
            continue
        seen.add(name.key)
        ranked = rank((hit, prior(gazetteer, hit)) for hit in name.hits)
        top, score = ranked[0]
        rival = next((s for h, s in ranked[1:] if gazetteer.country(h.index) != gazetteer.country(top.index)), -1.0)
        if score - rival < 0.9:
            continue
        country = gazetteer.country(top.index)
        weight = (1.0 + 0.3 * min(counts[name.key] - 1, 5)) * (0.6 if score < 3 else 1.0)
        mine = own.setdefault(name.key, {})
        if country:
            evidence.countries[country] += weight
            mine[country] = mine.get(country, 0.0) + weight
        place = gazetteer.place(top.index)
        region = top.index if place.type == "admin1" else gazetteer.region(top.index)
        if region >= 0 and (place.type == "admin1" or score >= 2.6):
            evidence.regions[region] += weight
        evidence.indexes.add(top.index)
        if place.type not in ("country", "continent", "region", "sea") and place.lat is not None and place.lon is not None:
            evidence.points[name.key] = (place.lat, place.lon)
            if region >= 0 and place.type != "admin1":
                evidence.towns[region].append((place.lat, place.lon))
    return evidence, own


@dataclass(slots=True)
class _Sense:
    ranked: list[tuple[Hit, float]]
    container: Place | None = None
    bonus: float = 0.0
    margin: float = 9.0


def _senses(names: list[_Name], gazetteer: Gazetteer, evidence: Evidence, own: dict[str, dict[str, float]]) -> dict[str, _Sense]:
    """One sense per discourse: the reading of every key."""
    holders = _containers(names, gazetteer)
    senses: dict[str, _Sense] = {}
    hits_of: dict[str, set[Hit]] = defaultdict(set)
    states = sum(gazetteer.level(index) == "admin1" for index in evidence.indexes)
    for name in names:
        hits_of[name.key].update(name.hits)
    for key, hits in hits_of.items():
        scored: list[tuple[Hit, float]] = []
        votes = own.get(key, {})
        if len(hits) == 1:
            only = next(iter(hits))
            senses[key] = _Sense(
                [(only, prior(gazetteer, only))], bonus=_support(gazetteer, only.index, holders.get(key, ()), evidence, votes)
            )
            continue
        levels = {gazetteer.level(hit.index) for hit in hits if hit.kind != HISTORICAL}
        for hit in hits:
            score = in_context(gazetteer, hit, evidence, votes, key)
            level = gazetteer.level(hit.index)
            if "country" in levels and level == "city":
                score -= 2.0
            if "admin1" in levels and level == "city" and gazetteer.population(hit.index) < _RIVALS_A_STATE:
                score -= 1.5
            if level == "admin1" and states >= 3:
                score += 1.2  # a list of states: New York is one of them
            for holder, bonus in holders.get(key, ()):
                if holder != hit.index and _inside(gazetteer, hit.index, holder):
                    score += (
                        bonus
                        if not levels & {"country", "admin1"} or level != "city" or gazetteer.level(holder) == "country"
                        else 0.4 * bonus
                    )
                    break
            scored.append((hit, score))
        ranked = rank(scored)
        sense = senses[key] = _Sense(ranked)
        if len(ranked) > 1:
            sense.margin = ranked[0][1] - ranked[1][1]
        sense.bonus = _support(gazetteer, ranked[0][0].index, holders.get(key, ()), evidence, votes)
    return senses


def _support(
    gazetteer: Gazetteer, index: int, holders: Sequence[tuple[int, float]], evidence: Evidence, votes: Mapping[str, float]
) -> float:
    """How much the rest of the document speaks for a place: an area it lies in, its country, its region."""
    bonus = 0.0
    if any(_inside(gazetteer, index, holder) for holder, _ in holders):
        bonus += 2.5
    country = gazetteer.country(index)
    if country and evidence.countries.get(country, 0.0) - votes.get(country, 0.0) > 0.3:
        bonus += 0.4 + 0.6 * evidence.country_share(country)
    region = gazetteer.region(index)
    if region >= 0 and region in evidence.regions:
        bonus += 0.5
    if gazetteer.is_curated(index):
        place = gazetteer.place(index)
        if place.parents and gazetteer.by_id.get(place.parents[0]) in evidence.indexes:
            bonus += 2.0 if place.type == "district" else 0.8
    return bonus


def _inside(gazetteer: Gazetteer, index: int, holder: int) -> bool:
    outer = gazetteer.place(holder)
    if outer.type == "country":
        return gazetteer.country(index) == outer.country
    if outer.type == "admin1":
        return gazetteer.region(index) == holder
    return outer.id in gazetteer.place(index).parents


def _containers(names: list[_Name], gazetteer: Gazetteer) -> dict[str, list[tuple[int, float]]]:
    """Names that are said to lie in another: "Paris, Texas", "Sumar district in eastern Mosul"."""
    held: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for left, right in zip(names, names[1:], strict=False):
        if right.first - left.last > 5:
            continue
        gap = _between(left, right)
        if gap is None:
            continue
        for hit in right.hits:
            if hit.kind != DEMONYM:
                held[left.key].append((hit.index, gap))
    return held


def _between(left: _Name, right: _Name) -> float | None:
    words_between = right.first - left.last
    if words_between == 0:
        return 5.0
    return 2.5 if words_between <= 4 else None


# --- mentions ------------------------------------------------------------------------------------------------------------------


def _emit(
    names: list[_Name], senses: dict[str, _Sense], text: _Text, gazetteer: Gazetteer, evidence: Evidence, context: Context
) -> list[Mention]:
    best: dict[str, float] = defaultdict(float)
    for name in names:
        name.strength += senses[name.key].bonus
        best[name.key] = max(best[name.key], name.strength)
    mentions: list[Mention] = []
    floor = 0
    for name in names:
        strength = name.strength
        if best[name.key] >= _SURE + 0.6:
            strength += 0.5
        if strength < _EMIT or name.start < floor:
            continue
        mention = _mention(name, strength, senses[name.key], text, gazetteer, context, floor, evidence)
        floor = mention.end
        mentions.append(mention)
    return mentions


def _mention(
    name: _Name, strength: float, sense: _Sense, text: _Text, gazetteer: Gazetteer, context: Context, floor: int, evidence: Evidence
) -> Mention:
    hit = sense.ranked[0][0]
    place = gazetteer.place(hit.index)
    start, end = name.start, name.end
    folded = context.folded.text if len(context.folded.text) == len(text.text) else None
    how = {DEMONYM: "demonym", ABBREVIATION: "alias", ALTERNATE: "alias"}.get(hit.kind, "exact")
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
        elif (before := words.NOUN_BEFORE.search(head)) and place.type not in ("country", "continent") and detailed:
            start -= len(head) - before.start("noun")
    sure = strength >= _SURE and sense.margin >= 0.5
    reason = "" if sure else "weak evidence that this is a place" if strength < _SURE else "two readings are close"
    confidence = round(
        min(0.98, max(0.3, 0.35 + 0.13 * strength) * (1.0 if sense.margin >= 1 else 0.85 if sense.margin >= 0.5 else 0.7)), 2
    )
    others = (
        tuple(Candidate(entity_id=gazetteer.place(h.index).id, score=round(s, 2)) for h, s in sense.ranked[:_MAX_MENTIONS_OF_READINGS])
        if len(sense.ranked) > 1
        else ()
    )
    lat, lon = place.lat, place.lon
    if place.type == "admin2" and km > _COUNTY_KM and (towns := evidence.towns.get(gazetteer.region(hit.index))):
        lat, lon, km = round(sum(t[0] for t in towns) / len(towns), 4), round(sum(t[1] for t in towns) / len(towns), 4), 80.0
        reason = reason or "a county without a point of its own, placed with the towns of its state named here"
    return Mention(
        mention_id=f"m{start}-{end}", kind="place", entity_id=entity, name=readable, type=kind, text=text.text[start:end], start=start, end=end,
        how=how, confidence=confidence, sure=sure, reason=reason, rule_id="place", candidates=others, country=place.country, admin1=place.admin1,
        lat=lat, lon=lon, geonames_id=place.geonames_id if how != "derived" else None, precision=precision, precision_km=km, parent_ids=parents,
    )  # fmt: skip


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
_CAPITAL_NOUNS = frozenset(
    ("city", "town", "province", "governorate", "state", "district", "county", "camp", "village", "oblast", "region", "lga", "airport")
)


def _derived(head: str, folded: str, end: int, place: Place) -> tuple[str, str, int, int] | None:
    """(suffix of the id, readable name, characters to add in front, characters to add behind) of a derived place, or None."""
    if part := words.PART_BEFORE.search(head):
        way = words.DIRECTIONS[part["way"]]
        rural = part["part"] in ("countryside", "outskirts", "suburbs")
        suffix = f"{way}-{part['part']}" if rural else way
        return suffix, f"{_adjective(way)} {place.name}" + (f" {part['part']}" if rural else ""), len(head) - part.start("all"), 0
    if part := words.COUNTRYSIDE_BEFORE.search(head):
        return part["part"], f"{place.name} {part['part']}", len(head) - part.start("all"), 0
    way_match = words.DIRECTION_BEFORE.search(head)
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
