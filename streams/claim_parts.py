"""The parts of a claim's record: its words, actors, places, quantities, time and extent."""

import re
from collections.abc import Sequence
from typing import Literal

from streams.attribution import Frame
from streams.claim_matches import Found
from streams.claim_rules import ClaimRules, Hit, Rule
from streams.clauses import Participant, Scene
from streams.figure_claims import FigureClaim
from streams.inflect import VERBAL
from streams.numbers import Number, as_quantity
from streams.roles import Roles
from streams.times import TimeSpan, as_event_time
from tocsin.records import ClaimActor, ClaimPlace, EventTime, Geo, Mention, Quantity

__all__ = [
    "actors_of",
    "cumulative_of",
    "event_time",
    "extent_of",
    "figured_span",
    "in_frame",
    "is_about_the_past",
    "is_circumstance",
    "is_history",
    "loose_quantities",
    "place_of",
    "place_role",
    "quantities_in",
    "span_of",
]

# The main clause goes on after a relative one: "secured the town, which is their last, with trenches".
_RESUMED = re.compile(r",? (?:which|who|whose|where) [^,;.]{1,80}, (?=(?:with|using|including) )")
_LEAD = re.compile(r"[\s,;:.\"“”'()–—-]*(?:(?:and|but|that|when|while|as|after|before|since|although|because)\s+)?")
_LOOSE_END = re.compile(r"(?:[\s,;:.!?(–—-]|\b(?:and|while|but|or|with|including|as)\b)+$")


def figured_span(figured: FigureClaim, scene: Scene, start: int, end: int, text: str) -> tuple[int, int]:
    """The claim's words: the clause around the figure, kept to the figure's own stretch of the sentence."""
    number = figured.figures[0].number
    start = figured.start if figured.floor > scene.sentence.start else min(max(start, figured.floor), figured.start)
    end = max(end if figured.trigger.end > figured.floor else 0, scene.clause(number.start, number.end)[1])
    end = max(min(end, figured.ceiling), figured.end)
    loose = _LOOSE_END.search(text, figured.end, end)
    return start, loose.start() if loose else end


def span_of(scene: Scene, item: Found, kept: Sequence[Found], text: str, rules: ClaimRules) -> tuple[int, int]:
    """The claim's words: from its subject (or noun phrase) to the end of its clause, or to the next predicate."""
    left, right = item.clause
    trigger = item.trigger
    start = left
    near = [p for p in (*item.roles.agents, *item.roles.patients) if scene.sentence.start <= p.start < trigger.start]
    frame = max((f.end for f in item.frames if f.end <= trigger.start), default=left)
    if near and min(p.start for p in near) < left and trigger.start - min(p.start for p in near) < 120:
        start = min(p.start for p in near)
    start = max(start, frame) if frame > start else start
    for other in kept:
        if other is item:
            continue
        if trigger.end <= other.trigger.start < right:
            cut = text.rfind(" and ", trigger.end, other.trigger.start)
            if cut > trigger.end and not _shares_object(scene, item, other, kept, cut):
                right = min(right, cut)
        elif start < other.trigger.end <= trigger.start:
            cut = text.rfind(" and ", other.trigger.end, trigger.start)
            if cut >= 0:
                start = max(start, cut + 5)
    people = [p for p in item.roles.patients if p.start >= trigger.end and p.end > right and p.start - trigger.end < 40]
    if people:
        right = max(right, people[0].end)
    right = max(right, trigger.end)
    resumed = _RESUMED.match(scene.low, right, scene.sentence.end)
    if resumed is not None:
        right = scene.clause(resumed.end(), resumed.end() + 1)[1]
    start = min(start, trigger.start)
    if not item.form & VERBAL:
        mask = rules.bits["possible"] | rules.bits["call_to"]
        right = next((h.start for h in scene.hits if h.mask & mask and trigger.end < h.start < right), right)
        right = max(right, trigger.end)
    piece = text[start:right]
    lead = _LEAD.match(piece)
    start += lead.end() if lead and start + lead.end() <= trigger.start else 0
    right = start + len(text[start:right].rstrip(" ,;:.\n\t\"“”'(–—-"))
    return start, max(right, trigger.end)


def _shares_object(scene: Scene, item: Found, other: Found, kept: Sequence[Found], cut: int) -> bool:
    """Whether a verb without an object has that of the next one: "prepared well and fortified the town with trenches"."""
    if not (item.form & other.form & VERBAL) or not any(
        k.rule.type == item.rule.type and k.trigger.start == other.trigger.start for k in kept if k is not item
    ):
        return False
    starts = (*(p.start for p in scene.participants), *(p.start for p in scene.places), *(n.start for n in scene.numbers))
    return not any(item.trigger.end <= start < cut for start in starts)


def actors_of(item: Found, text: str) -> tuple[ClaimActor, ...]:
    """Everybody with a role in the claim, agents first."""
    roles, rule = item.roles, item.rule
    if rule.type == "casualties" and not item.form & VERBAL:  # "civilian deaths", "five people dead": whoever is named has suffered
        roles = Roles((), (*roles.agents, *roles.patients), roles.passive)
    seen: set[tuple[str, int]] = set()
    found: list[ClaimActor] = []
    for role, people in ((rule.agent_role, roles.agents), (rule.patient_role, roles.patients)):
        for person in people:
            if (role, person.start) not in seen:
                seen.add((role, person.start))
                found.append(_actor(role, person, text))
    return tuple(found)


def _actor(role: str, person: Participant, text: str) -> ClaimActor:
    mention = person.mention
    if mention is None:
        words = text[person.start : person.end]
        return ClaimActor(
            role=role, entity_id=None, name=words, actor_type="class", text=words, start=person.start, end=person.end, confidence=0.8
        )
    return ClaimActor(
        role=role,
        entity_id=mention.entity_id,
        name=mention.name,
        actor_type=mention.type,
        mention_id=mention.mention_id,
        text=mention.text,
        start=mention.start,
        end=mention.end,
        confidence=mention.confidence,
    )


def place_of(mention: Mention, role: str, implicit: bool, weight: float = 1.0) -> ClaimPlace:
    """The record of a place mention in its role; `weight` lowers its confidence."""
    return ClaimPlace(
        role=role,
        entity_id=mention.entity_id,
        name=mention.name,
        country=mention.country,
        admin1=mention.admin1,
        geonames_id=mention.geonames_id,
        geo=Geo(lat=mention.lat, lon=mention.lon) if mention.lat is not None and mention.lon is not None else None,
        precision=mention.precision,
        precision_km=mention.precision_km,
        parent_ids=mention.parent_ids,
        mention_id=mention.mention_id or None,
        text=mention.text,
        start=mention.start,
        end=mention.end,
        implicit=implicit,
        confidence=round(mention.confidence * weight, 4),
    )


_ORIGIN = re.compile(r"\b(?:from|out of|fled|fleeing|flee|left|leaving|leave)\s+(?:the\s+)?(?:\w+\s+){0,2}$")
_DESTINATION = re.compile(
    r"\b(?:to|towards?|into|(?:head(?:ed|ing)?|set out|set off|left|bound) for|vers|hacia|rumbo a)\s+(?:the\s+)?(?:\w+\s+){0,2}$"
)
_LISTED = re.compile(r"\s*(?:,|,? and|,? or)\s+(?:the )?")
_MOVING = frozenset(("displacement", "force_movement", "humanitarian_response"))


def place_role(scene: Scene, mention: Mention, rule: Rule) -> str:
    """Where, from where or to where: the preposition before a place (or before the list it stands in) decides."""
    if rule.type not in _MOVING:
        return rule.place_role
    start = mention.start
    for other in reversed(scene.places):  # "from A, B and C": the preposition before the first governs all
        if other.end <= start and _LISTED.fullmatch(scene.low[other.end : start]):
            start = other.start
    head = scene.low[max(scene.sentence.start, start - 40) : start]
    origin, destination = _ORIGIN.search(head), _DESTINATION.search(head)
    if origin and (destination is None or origin.start() > destination.start()):
        return "origin"
    return "destination" if destination else rule.place_role


def in_frame(mention: Mention, frames: Sequence[Frame]) -> bool:
    """Whether a mention belongs to the words that bring in a source ("officials in Kabul said")."""
    return any(f.start <= mention.start < f.end for f in frames)


def quantities_in(scene: Scene, item: Found, kept: Sequence[Found], start: int, end: int) -> tuple[Quantity, ...]:
    """Numbers in the claim's words whose unit the rule asks for, each given to the nearest trigger that wants it."""
    wanted = item.rule.quantity
    found = []
    for number in scene.numbers:
        if not (start <= number.start and number.end <= end):
            continue
        role = wanted.get(number.unit) or wanted.get("*")
        if role is None and wanted:
            continue
        rivals = [o for o in kept if o is not item and o.rule.type == item.rule.type and o.rule.quantity]
        distance = _distance(item, number)
        if wanted and any(_distance(other, number) < distance for other in rivals):
            continue
        if not wanted and any(o.rule.quantity.get(number.unit) or o.rule.quantity.get("*") for o in kept if o is not item):
            continue
        found.append(as_quantity(number, role or "other"))
    return tuple(found)


def loose_quantities(scene: Scene, item: Found, kept: Sequence[Found], start: int, end: int) -> tuple[Quantity, ...]:
    """Figures that stand alone beside a verb of loss ("six of those waiting did not survive"), unless a figure's own claim has them."""
    if item.rule.type != "casualties":
        return ()  # a displaced "of whom 838 ..." is a part of a figure told already
    told = {figure.number.start for other in kept if other.figured is not None for figure in other.figured.figures}
    role = next(iter(item.rule.quantity.values()))
    return tuple(
        as_quantity(number, item.rule.quantity.get(number.unit, role))
        for number in scene.numbers
        if start <= number.start and number.end <= end and number.start not in told
        if number.unit in item.rule.quantity or (number.unit == "other" and not number.noun)
    )


def _distance(item: Found, number: Number) -> int:
    """Characters between a number and a trigger; a number before a passive verb or after an active one is nearer."""
    trigger = item.trigger
    if number.end <= trigger.start:
        return trigger.start - number.end + (0 if item.roles.passive or not item.form & VERBAL else 15)
    return number.start - trigger.end + (15 if item.roles.passive else 0)


def event_time(scene: Scene, item: Found, start: int, end: int, published_at: str | None) -> EventTime | None:
    """When it happened: a time in the claim's words or clause, else the sentence's only one; a frame's own time is when it was said."""
    said = published_at[:10] if published_at else None
    told = False  # the frame names its day: "claimed on January 6 that ..."
    frames = item.frames
    for frame in frames:
        for span in scene.times:
            if frame.start <= span.start <= frame.end + 14 and span.event_from and not start <= span.start < end:
                said, told = span.event_from, True
    times = [t for t in scene.times if start <= t.start < end]
    times = times or [t for t in scene.times if item.clause[0] <= t.start < item.clause[1]]
    if not times:
        loose = [t for t in scene.times if not any(f.start <= t.start <= f.end + 14 for f in frames)]
        times = loose if len(loose) == 1 else []
    if not times:
        return EventTime(said_at=said) if told else None
    return as_event_time(min(times, key=lambda t: abs(t.start - item.trigger.start)), said)


def is_history(when: EventTime | None, published_at: str | None) -> bool:
    """More than about a year before publication."""
    if when is None or not when.event_from or not published_at or (when.event_to is None and when.text and "since" in when.text.lower()):
        return False
    last = max(when.event_from, when.event_to or "")  # "over the past two years" reaches to today
    try:
        gap = (int(published_at[:4]) - int(last[:4])) * 12
        if len(last) >= 7:
            gap += int(published_at[5:7]) - int(last[5:7])
    except ValueError:
        return False
    return gap > 12


_LONG_AGO = 10  # years before publication
_LIFETIME = 40  # ... or before the text was seen, where nothing says when it was published
_DATED = 3  # times with a year that say what a text is about


_OLD_YEAR = re.compile(
    r"\b(?:in|since|until|circa|of|from|by) 1[0-8]\d\d\b(?! [a-z]+s\b)|\b\d\d?(?:th|st|nd|rd)[- ]century\b|\b1[0-8]\d0s\b"
)
_OLD_DIGITS = re.compile(r"1[0-8]\d\d")


def is_about_the_past(low: str, times: Sequence[TimeSpan], published_at: str | None, observed_at: str) -> bool:
    """Whether most of a text's dates lie long ago: the history of a castle, a biography."""
    day = published_at or observed_at
    if not day[:4].isdigit():
        return False
    latest = int(day[:4]) - (_LONG_AGO if published_at else _LIFETIME)
    years = [int(t.event_from[:4]) for t in times if t.event_from and not t.inferred_year and t.event_from[:4].isdigit()]
    old = "century" in low or _OLD_DIGITS.search(low) is not None  # a cheap look: few texts speak of old centuries
    older = len(_OLD_YEAR.findall(low)) if old else 0
    count = len(years) + older
    return count >= _DATED and 2 * (older + sum(year < latest for year in years)) > count


_EXTENT = re.compile(
    r"\b(?:since (?:the start|the beginning"
    r"|january|february|march|april|may|june|july|august|september|october|november|december|\d{4})[^,.;]{0,40}"
    r"|(?:in|during) the (?:first|second|past|last) [\w ]{3,30}|so far(?: this year)?"
    r"|this year|in total|overall|over the past [\w ]{3,20})",
    re.IGNORECASE,
)


def extent_of(words: str) -> str | None:
    """What a figure covers, as the words say it: "since January", "in the first stage"."""
    match = _EXTENT.search(words)
    return match.group().strip() if match else None


def cumulative_of(scene: Scene, start: int, end: int, rules: ClaimRules) -> Literal["incremental", "cumulative", "unknown"]:
    """Whether a figure is a running total or one more."""
    total, more = rules.bits["cumulative"], rules.bits["incremental"]
    if not scene.mask & (total | more):
        return "unknown"
    for hit in scene.hits:
        if start <= hit.start < end and hit.mask & (total | more):
            return "cumulative" if hit.mask & total else "incremental"
    return "unknown"


_STEP = 40  # about four words
_WHEN = frozenset(("after", "before", "since", "while", "as", "amid"))


def is_circumstance(scene: Scene, hit: Hit, form: int, rules: ClaimRules) -> bool:
    """Whether the trigger only tells when or why something else happened: "... after the attack", "... amid clashes"."""
    mask = rules.bits["circumstance"]
    if not scene.mask & mask:
        return False
    if form & VERBAL:
        left, _ = scene.clause(hit.start, hit.end)
        return scene.opener(left) in _WHEN and left > scene.sentence.start
    return any(h.mask & mask and 0 <= hit.start - h.end <= _STEP for h in scene.hits)
