"""Claims of one discourse: who says who did what to whom, where, how many, and how sure.

The rules (streams/data/claims/*.yaml) find triggers and check their surroundings; this module turns what they accept into records.
One claim per predicate; listed actors share one claim. Linear in the length of the text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from streams.attribution import Frame, as_attribution, frames_of, governing
from streams.claim_rules import ClaimRules, Condition, Hit, Rule, find_hits, load_claim_rules, lower
from streams.clauses import Participant, Scene, make_scene
from streams.context import Context
from streams.figure_claims import FigureClaim, cumulative_of, extent_of, figure_claims, places_of, quantities_of
from streams.inflect import VERBAL, form_name
from streams.modality import Mood, mood
from streams.numbers import Number, as_quantity
from streams.roles import Roles, actual_form, assign_roles, is_determined
from streams.times import TimeSpan, as_event_time
from tocsin.records import Claim, ClaimActor, ClaimPlace, EventTime, Geo, Mention, Quantity, Sentence, Trigger

__all__ = ["find_claims", "load_claim_rules"]

_LONGEST = 1200  # characters of a sentence read in one piece; longer ones are lists, tables or hostile
_SCOPES = frozenset(("title", "body", "quote"))
# Characters that a condition looks before and after its trigger; -1: not on that side.
_FAR = 10_000_000
_WINDOWS = {
    "sentence": (_FAR, _FAR),
    "before": (150, -1),
    "after": (-1, 150),
    "prev": (40, -1),
    "next": (-1, 40),
    "near": (60, 60),
}
_BESIDE = 60  # characters between triggers of one event
_BEATEN = 0.75  # weight of a general code elsewhere in the sentence of a specific one
_BEATS_FROM = 0.8  # a specific code explains a general one away if it is at least this sure beside it
_AHEAD = 300  # characters to the place that a later sentence gives for a figure
_STEP = 40  # about four words
_ORDER_DECAY = 0.0009  # a claim later in the text is a little less likely the news of it
_CIRCUMSTANCE = 0.88  # weight of what only tells when or why something else happened
_WHEN = frozenset(("after", "before", "since", "while", "as", "amid"))
_UNREALISED = frozenset(("conditional", "question", "possible", "expected", "call"))
_MOOD_WEIGHT = {
    "asserted": 1.0,
    "reported": 1.0,
    "claimed": 0.97,
    "expected": 0.8,
    "possible": 0.8,
    "conditional": 0.65,
    "question": 0.6,
    "call": 0.75,
}


class _Found(NamedTuple):
    """A trigger that a rule accepts, before it becomes a record."""

    rule: Rule
    trigger: Hit
    form: int
    roles: Roles
    mood: Mood
    frames: list[Frame]
    score: float
    clause: tuple[int, int]
    figured: FigureClaim | None = None  # the figures that make this claim


def find_claims(
    context: Context,
    actors: Sequence[Mention],
    places: Sequence[Mention],
    numbers: Sequence[Number],
    times: Sequence[TimeSpan],
    rules: ClaimRules | None = None,
) -> list[Claim]:
    """Claims of `context` in order of start; titles, bodies and quotes only.

    `actors` and `places` are mentions of `context.text` in order, `numbers` and `times` too. `article_id`, `version_id` and
    `claim_id` are left empty for the caller. No input is an error: a text without claims gives an empty list.
    """
    rules = rules or load_claim_rules()
    text = context.text
    low = lower(text)
    hits = find_hits(low, rules)
    if not numbers and not any(hit.uses for hit in hits):
        return []
    finder = _Finder(context, low, hits, actors, places, numbers, times, rules)
    claims: list[Claim] = []
    for index, piece in enumerate(finder.sentences):
        if piece.scope in _SCOPES:
            claims.extend(finder.claims_of(index))
    return claims


def _pieces(low: str, sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[int]]:
    """The sentences, over-long ones cut at spaces so that work stays linear; and each piece's sentence."""
    pieces: list[Sentence] = []
    origin: list[int] = []
    for index, sentence in enumerate(sentences):
        start = sentence.start
        while sentence.end - start > _LONGEST:
            cut = low.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            stop = cut if cut > start else start + _LONGEST
            pieces.append(replace(sentence, start=start, end=stop))
            origin.append(index)
            start = stop
        pieces.append(sentence if start == sentence.start else replace(sentence, start=start))
        origin.append(index)
    return pieces, origin


class _Finder:
    """State of one text: sorted inputs and the scenes built so far."""

    def __init__(
        self,
        context: Context,
        low: str,
        hits: Sequence[Hit],
        actors: Sequence[Mention],
        places: Sequence[Mention],
        numbers: Sequence[Number],
        times: Sequence[TimeSpan],
        rules: ClaimRules,
    ) -> None:
        self.context, self.low, self.rules = context, low, rules
        self.sentences, self.origin = _pieces(low, context.sentences)
        self.lists: tuple[Sequence[Hit], Sequence[Mention], Sequence[Mention], Sequence[Number], Sequence[TimeSpan]]
        self.lists = (hits, actors, places, numbers, times)
        self.starts = [[item.start for item in items] for items in self.lists]
        self.scenes: dict[int, Scene] = {}
        self.frames: dict[int, list[Frame]] = {}

    def scene(self, index: int) -> Scene:
        """The scene of sentence `index`, made once."""
        scene = self.scenes.get(index)
        if scene is None:
            sentence = self.sentences[index]
            cut = [
                items[bisect_left(starts, sentence.start) : bisect_left(starts, sentence.end)]
                for items, starts in zip(self.lists, self.starts, strict=True)
            ]
            scene = make_scene(sentence, index, self.low, *cut, self.rules)  # type: ignore[arg-type]
            self.scenes[index] = scene
        return scene

    def has_trigger(self, index: int) -> bool:
        sentence = self.sentences[index]
        hits, starts = self.lists[0], self.starts[0]
        return any(hit.uses for hit in hits[bisect_left(starts, sentence.start) : bisect_left(starts, sentence.end)])

    def has_number(self, index: int) -> bool:
        sentence = self.sentences[index]
        starts = self.starts[3]
        return bisect_left(starts, sentence.start) < bisect_left(starts, sentence.end)

    def speaker_before(self, index: int) -> Mention | None:
        """The last source quoted in the sentence before, within the paragraph."""
        sentences = self.sentences
        if not index or "\n" in self.low[sentences[index - 1].end : sentences[index].start]:
            return None
        frames = self.frames_of(index - 1, False)
        return next((f.source for f in reversed(frames) if f.source is not None), None)

    def frames_of(self, index: int, look_back: bool = True) -> list[Frame]:
        """Attributions of sentence `index`, found once."""
        frames = self.frames.get(index)
        if frames is None:
            scene = self.scene(index)
            speaker = self.speaker_before(index) if look_back and scene.mask & self.rules.bits["pronoun"] else None
            frames = self.frames[index] = frames_of(scene, self.rules, speaker)
        return frames

    def claims_of(self, index: int) -> list[Claim]:
        """Claims of sentence `index`, in order of start."""
        if not self.has_trigger(index) and not self.has_number(index):
            return []
        scene = self.scene(index)
        found: list[_Found] = []
        for hit in scene.hits:
            if hit.uses:
                found.extend(self.accepted(scene, hit))
        kept = _resolve(found)
        figures = figure_claims(self.context, scene, self.rules, [(item.rule, item.trigger) for item in kept])
        figured = [self.judged(scene, f.trigger, f.rule, f.form, None)._replace(figured=f) for f in figures]
        kept = [item for item in kept if not _is_told(item, figured)] + figured
        claims = [self.record(scene, item, kept) for item in kept]
        claims.sort(key=lambda c: (c.start, c.end))
        return claims

    def accepted(self, scene: Scene, hit: Hit) -> Iterator[_Found]:
        """The rules that accept one trigger."""
        readings: dict[int, Roles] = {}  # roles by what the form is here
        for rule, possible in hit.uses:
            if not all(scene.mask & mask for mask in rule.needs):
                continue
            form = actual_form(scene, hit, possible)
            if not form or (not form & VERBAL and _in_name(scene, hit)):
                continue
            roles = readings.get(form)
            if roles is None:
                roles = readings[form] = assign_roles(scene, hit, form, self.rules)
            if all(self.holds(scene, hit, c, roles) for c in rule.require) and not any(
                self.holds(scene, hit, c, roles) for c in rule.exclude
            ):
                yield self.judged(scene, hit, rule, form, roles)

    def judged(self, scene: Scene, hit: Hit, rule: Rule, form: int, roles: Roles | None) -> _Found:
        """An accepted trigger with its roles, mood and score."""
        if roles is None:
            roles = assign_roles(scene, hit, form, self.rules)
        frames = governing(self.frames_of(scene.index), hit.start, hit.end)
        roles = _speaking_apart(roles, frames)
        state = mood(scene, hit, form, self.rules, frames[-1] if frames else None)
        score = rule.confidence * _MOOD_WEIGHT[rule.modality or state.modality] * (0.75 if state.negative else 1.0)
        if state.background:
            score *= 0.85
        if not roles.agents and not roles.patients:
            score *= 0.95
        if _is_circumstance(scene, hit, form, self.rules):
            score *= _CIRCUMSTANCE
        score *= 1.0 - min(_ORDER_DECAY * (hit.start - self.context.title_length), 0.15)
        return _Found(rule, hit, form, roles, state, frames, score, scene.clause(hit.start, hit.end))

    def holds(self, scene: Scene, hit: Hit, condition: Condition, roles: Roles) -> bool:
        """Whether a condition holds around a trigger."""
        where, mask = condition
        if where == "agent":
            return any(p.mask & mask for p in roles.agents) if mask else not roles.agents
        if where == "patient":
            return any(p.mask & mask for p in roles.patients) if mask else not roles.patients
        if where == "context":
            near = (scene.index, scene.index - 1, scene.index + 1)
            return any(self.scene(i).mask & mask for i in near if 0 <= i < len(self.sentences))
        if where == "determined":
            return is_determined(scene, hit)
        if not scene.mask & mask:
            return False
        if where == "clause":
            left, right = scene.clause(hit.start, hit.end)
        else:
            before, after = _WINDOWS[where]
            left = hit.start - before if before >= 0 else hit.end
            right = hit.end + after if after >= 0 else hit.start
        for start, end, classes in scene.spots:
            if classes & mask and start >= left and end <= right and (end <= hit.start or start >= hit.end):
                return True
        return False

    # --- records ---------------------------------------------------------------------------------------------------------

    def record(self, scene: Scene, item: _Found, kept: Sequence[_Found]) -> Claim:
        """The record of an accepted trigger."""
        context, rule, trigger = self.context, item.rule, item.trigger
        start, end = _span(scene, item, kept, context.text, self.rules)
        if item.figured is not None:
            start, end = _figured_span(item.figured, scene, start, end, context.text)
        actors = _actors(item, context.text)
        places = self.places(scene, item, kept, start, end)
        quantities: tuple[Quantity, ...] = ()
        if item.figured is not None:
            quantities = quantities_of(item.figured.figures)
        elif rule.type not in _FIGURED:
            quantities = _quantities(scene, item, kept, start, end)
        attribution = as_attribution(item.frames, context.text, self.rules)
        when = _event_time(scene, item, start, end, context.published_at)
        history = item.mood.background or _is_history(when, context.published_at)
        polarity = "negative" if item.mood.negative != (rule.polarity == "negative") else "affirmative"
        link = sum(a.confidence for a in actors) / len(actors) if actors else 0.9
        place = max((p.confidence for p in places), default=0.9)
        modality = rule.modality or item.mood.modality
        whole = context.sentences[self.origin[scene.index]]
        words = context.text[start:end]
        return Claim(
            claim_id="",
            article_id="",
            version_id="",
            type=rule.type,
            subtype=_subtype(rule, modality),
            text=words,
            start=start,
            end=end,
            sentence_index=self.origin[scene.index],
            sentence_start=whole.start,
            sentence_end=whole.end,
            trigger=Trigger(text=context.text[trigger.start : trigger.end], start=trigger.start, end=trigger.end),
            actors=actors,
            places=places,
            quantities=quantities,
            time=when,
            attribution=attribution,
            modality=modality,  # type: ignore[arg-type]
            polarity=polarity,
            check_worthy=rule.type not in ("assessment", "statement") or bool(quantities),
            background=history,
            cumulative=cumulative_of(scene, item.figured) if item.figured is not None else _cumulative(scene, start, end, self.rules),
            extent=extent_of(scene, item.figured, context.text) if item.figured is not None else _extent(words) if quantities else None,
            scope=scene.sentence.scope,  # type: ignore[arg-type]
            codes=rule.codes,
            confidence=round(min(0.99, item.score * (0.9 + 0.1 * link) * (0.95 + 0.05 * place)), 4),
            rule_id=rule.id,
            rule_trace=(
                f"trigger={words_of(context.text, trigger)}",
                f"form={form_name(item.form)}",
                f"mood={item.mood.why or 'plain'}",
            ),
            origin_id=(attribution.source_id if attribution is not None else None) or context.owner or None,
            source_id=context.source_id,
            lang=context.lang,
            published_at=context.published_at,
            observed_at=context.observed_at,
            lexicon_version=self.rules.version,
        )

    def places(self, scene: Scene, item: _Found, kept: Sequence[_Found], start: int, end: int) -> tuple[ClaimPlace, ...]:
        """Places of the claim: those in its words and clause; else the sentence's; else the last one named before."""
        left, right = item.clause
        left, right = min(left, start), max(right, end)
        if item.figured is not None and scene.places:
            rivals = [k.figured for k in kept if k.figured is not None]
            near = places_of(scene, item.figured, rivals)
            own = [p for p in near if not _in_frame(p, item.frames)] or near
            if own:
                return tuple(_place(p, _place_role(scene, p, item.rule), False) for p in own)
        inside = [p for p in scene.places if left <= p.start < right and not _in_frame(p, item.frames)]
        if inside:
            return tuple(_place(p, _place_role(scene, p, item.rule), False) for p in inside)
        others = [p for p in scene.places if not _in_frame(p, item.frames)]
        if others:
            best = min(others, key=lambda p: abs(p.start - item.trigger.start))
            return (_place(best, _place_role(scene, best, item.rule), False, 0.8),)
        known, starts = self.lists[2], self.starts[2]
        at = bisect_left(starts, scene.sentence.start)
        if at and (scene.sentence.start - known[at - 1].end < 600):
            return (_place(known[at - 1], "where", True, 0.6),)
        if item.figured is not None and at < len(known) and known[at].start - scene.sentence.end < _AHEAD:
            return (_place(known[at], "where", True, 0.5),)
        return ()


def _is_circumstance(scene: Scene, hit: Hit, form: int, rules: ClaimRules) -> bool:
    """Whether the trigger only tells when or why something else happened: "... after the attack", "... amid clashes"."""
    mask = rules.bits["circumstance"]
    if not scene.mask & mask:
        return False
    if form & VERBAL:
        left, _ = scene.clause(hit.start, hit.end)
        return scene.opener(left) in _WHEN and left > scene.sentence.start
    return any(h.mask & mask and 0 <= hit.start - h.end <= _STEP for h in scene.hits)


def _speaking_apart(roles: Roles, frames: Sequence[Frame]) -> Roles:
    """The roles without whoever only tells the story: the source of "..., the governor said"."""
    if not frames or not (roles.agents or roles.patients):
        return roles
    spoken = [(f.start, f.end) for f in frames]
    agents = tuple(p for p in roles.agents if not any(s <= p.start < e for s, e in spoken))
    patients = tuple(p for p in roles.patients if not any(s <= p.start < e for s, e in spoken))
    return Roles(agents, patients, roles.passive)


def _in_name(scene: Scene, hit: Hit) -> bool:
    """Whether a noun is only part of a name: the "Liberation" of a liberation army."""
    for person in scene.participants:
        name = person.mention
        if name is not None and name.start <= hit.start and hit.end <= name.end and name.entity_id[:4] in ("org:", "per:", "src:"):
            return True
    return False


def words_of(text: str, hit: Hit) -> str:
    """The words of a hit, cut for a trace."""
    return text[hit.start : hit.end][:40]


def _resolve(found: list[_Found]) -> list[_Found]:
    """One claim per predicate: the best of those that share a trigger and type, or a clause and code; specific codes beat general ones."""
    if len(found) < 2:
        return found
    found = sorted(found, key=lambda f: (-f.score, f.trigger.start, f.rule.order))
    kept: list[_Found] = []
    for item in found:
        clash = False
        for other in kept:
            same_words = item.trigger.start < other.trigger.end and other.trigger.start < item.trigger.end
            same_type = item.rule.type == other.rule.type
            told = item.rule is other.rule and item.roles.agents in ((), other.roles.agents) and not item.form & VERBAL
            if told and item.rule.type != "remote_strike":  # the same thing said again in other words
                clash = True
                break
            if (same_words and (same_type or item.rule.codes.acled_sub_event)) or (
                same_type and item.clause == other.clause and not _apart(item, other)
            ):
                clash = True
                break
            sub_event = item.rule.codes.acled_sub_event if item.rule.type not in _FIGURED else ""
            if sub_event and sub_event == other.rule.codes.acled_sub_event and same_type and not _own(item):
                clash = True
                break
        if not clash:
            kept.append(item)
    kept = [item for item in kept if not _beaten(item, kept, apart=False)]
    return [
        _demoted(item) if _beaten(item, kept, apart=True) else item for item in kept if _own(item) or not _beaten(item, kept, apart=True)
    ]


def _beaten(item: _Found, kept: Sequence[_Found], apart: bool) -> bool:
    """Whether a more specific code explains this one away: beside it (the same event), or elsewhere in the sentence (`apart`)."""
    if item.rule.type in _FIGURED:
        return False
    for other in kept:
        if item.rule.codes.acled_sub_event in other.rule.beats and other.score >= _BEATS_FROM * item.score:
            beside = item.clause == other.clause or abs(item.trigger.start - other.trigger.start) < _BESIDE
            if beside != apart:
                return True
    return False


def _demoted(item: _Found) -> _Found:
    return item._replace(score=item.score * _BEATEN)


def _subtype(rule: Rule, modality: str) -> str:
    """What has not happened has a subtype of its own: "hypothetical_capture", "forecast"."""
    if rule.unrealised and modality in _UNREALISED:
        return rule.unrealised
    return "forecast" if rule.subtype == "flow" and modality in _FORECAST else rule.subtype


def _apart(one: _Found, two: _Found) -> bool:
    """Same type in one clause, yet two predicates: different subtypes with patients of their own."""
    return one.rule.subtype != two.rule.subtype and one.rule.type not in ("armed_clash", "remote_strike", "unrest")


_FIGURED = frozenset(("displacement", "casualties"))  # types whose every figure makes a claim of its own
_FORECAST = frozenset(("expected", "possible", "conditional"))


def _is_told(item: _Found, figured: Sequence[_Found]) -> bool:
    """Whether a figure already makes this claim: same type and clause, or the same words."""
    for other in figured:
        if other.rule.type == item.rule.type and other.figured is not None:
            overlap = item.trigger.start < other.figured.end and other.figured.start < item.trigger.end
            if overlap or item.clause == other.clause:
                return True
    return False


_LOOSE_END = re.compile(r"(?:[\s,;:.!?(–—-]|\b(?:and|while|but|or|with|including|as)\b)+$")


def _figured_span(figured: FigureClaim, scene: Scene, start: int, end: int, text: str) -> tuple[int, int]:
    """The claim's words: the clause around the figure, kept to the figure's own stretch of the sentence."""
    number = figured.figures[0].number
    if figured.floor > scene.sentence.start:
        start = figured.start
    else:
        start = min(max(start, figured.floor), figured.start)
    end = max(end if figured.trigger.end > figured.floor else 0, scene.clause(number.start, number.end)[1])
    end = max(min(end, figured.ceiling), figured.end)
    loose = _LOOSE_END.search(text, figured.end, end)
    return start, loose.start() if loose else end


def _own(item: _Found) -> bool:
    return bool(item.roles.patients or item.roles.agents)


def _span(scene: Scene, item: _Found, kept: Sequence[_Found], text: str, rules: ClaimRules) -> tuple[int, int]:
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
            if cut > trigger.end:
                right = min(right, cut)
        elif start < other.trigger.end <= trigger.start:
            cut = text.rfind(" and ", other.trigger.end, trigger.start)
            if cut >= 0:
                start = max(start, cut + 5)
    people = [p for p in item.roles.patients if p.start >= trigger.end and p.end > right and p.start - trigger.end < 40]
    if people:
        right = max(right, people[0].end)
    right = max(right, trigger.end)
    start = min(start, trigger.start)
    if not item.form & VERBAL:
        mask = rules.bits["possible"] | rules.bits["call_to"]
        right = next((h.start for h in scene.hits if h.mask & mask and trigger.end < h.start < right), right)
        right = max(right, trigger.end)
    piece = text[start:right]
    lead = re.match(r"[\s,;:.\"“”'()–—-]*(?:(?:and|but|that|when|while|as|after|before|since|although|because)\s+)?", piece)
    start += lead.end() if lead and start + lead.end() <= trigger.start else 0
    right = start + len(text[start:right].rstrip(" ,;:.\n\t\"“”'(–—-"))
    return start, max(right, trigger.end)


def _actors(item: _Found, text: str) -> tuple[ClaimActor, ...]:
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


def _place(mention: Mention, role: str, implicit: bool, weight: float = 1.0) -> ClaimPlace:
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
        mention_id=mention.mention_id,
        text=mention.text,
        start=mention.start,
        end=mention.end,
        implicit=implicit,
        confidence=round(mention.confidence * weight, 4),
    )


_ORIGIN = re.compile(r"\b(?:from|out of|fled|fleeing|flee|left|leaving|leave)\s+(?:the\s+)?(?:\w+\s+){0,2}$")
_DESTINATION = re.compile(r"\b(?:to|towards?|into)\s+(?:the\s+)?(?:\w+\s+){0,2}$")
_LISTED = re.compile(r"\s*(?:,|,? and|,? or)\s+(?:the )?")
_MOVING = frozenset(("displacement", "force_movement", "humanitarian_response"))


def _place_role(scene: Scene, mention: Mention, rule: Rule) -> str:
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


def _in_frame(mention: Mention, frames: Sequence[Frame]) -> bool:
    return any(f.start <= mention.start < f.end for f in frames)


def _quantities(scene: Scene, item: _Found, kept: Sequence[_Found], start: int, end: int) -> tuple[Quantity, ...]:
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


def _distance(item: _Found, number: Number) -> int:
    """Characters between a number and a trigger; a number before a passive verb or after an active one is nearer."""
    trigger = item.trigger
    if number.end <= trigger.start:
        return trigger.start - number.end + (0 if item.roles.passive or not item.form & VERBAL else 15)
    return number.start - trigger.end + (15 if item.roles.passive else 0)


def _event_time(scene: Scene, item: _Found, start: int, end: int, published_at: str | None) -> EventTime | None:
    """When it happened: a time in the claim's words or clause, else the sentence's only one; a frame's own time is when it was said."""
    said = published_at[:10] if published_at else None
    frames = item.frames
    for frame in frames:
        for span in scene.times:
            if frame.start <= span.start <= frame.end + 14 and span.event_from and not start <= span.start < end:
                said = span.event_from
    times = [t for t in scene.times if start <= t.start < end]
    times = times or [t for t in scene.times if item.clause[0] <= t.start < item.clause[1]]
    if not times:
        loose = [t for t in scene.times if not any(f.start <= t.start <= f.end + 14 for f in frames)]
        times = loose if len(loose) == 1 else []
    if not times:
        return None
    return as_event_time(min(times, key=lambda t: abs(t.start - item.trigger.start)), said)


def _is_history(when: EventTime | None, published_at: str | None) -> bool:
    """More than about a year before publication."""
    if when is None or not when.event_from or not published_at or when.event_to is None and when.text and "since" in when.text.lower():
        return False
    try:
        gap = (int(published_at[:4]) - int(when.event_from[:4])) * 12
        if len(when.event_from) >= 7:
            gap += int(published_at[5:7]) - int(when.event_from[5:7])
    except ValueError:
        return False
    return gap > 12


_EXTENT = re.compile(
    r"\b(?:since (?:the start|the beginning|january|february|march|april|may|june|july|august|september|october|november|december|\d{4})[^,.;]{0,40}"
    r"|(?:in|during) the (?:first|second|past|last) [\w ]{3,30}|so far(?: this year)?|this year|in total|overall|over the past [\w ]{3,20})",
    re.IGNORECASE,
)


def _extent(words: str) -> str | None:
    match = _EXTENT.search(words)
    return match.group().strip() if match else None


def _cumulative(scene: Scene, start: int, end: int, rules: ClaimRules) -> Literal["incremental", "cumulative", "unknown"]:
    total, more = rules.bits["cumulative"], rules.bits["incremental"]
    if not scene.mask & (total | more):
        return "unknown"
    for hit in scene.hits:
        if start <= hit.start < end and hit.mask & (total | more):
            return "cumulative" if hit.mask & total else "incremental"
    return "unknown"
