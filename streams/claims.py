"""Claims of one discourse: who says who did what to whom, where, how many, and how sure.

The rules (streams/data/claims/*.yaml) find triggers and check their surroundings; this module turns what they accept into records.
One claim per predicate; listed actors share one claim. Linear in the length of the text.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from streams.attribution import Frame, as_attribution, governing
from streams.claim_matches import FIGURED, Found, is_told, resolve, subtype_of
from streams.claim_parts import (
    actors_of,
    cumulative_of,
    event_time,
    extent_of,
    figured_span,
    in_frame,
    is_about_the_past,
    is_circumstance,
    is_history,
    loose_quantities,
    place_of,
    place_role,
    quantities_in,
    span_of,
)
from streams.claim_rules import ClaimRules, Condition, Hit, Rule, find_hits, load_claim_rules, lower
from streams.clauses import Scene, make_scene
from streams.context import Context
from streams.discourse import Discourse
from streams.figure_claims import figure_cumulative, figure_extent, places_of, quantities_of
from streams.figures import has_terms
from streams.grammar import grammar_of
from streams.inflect import VERBAL, form_name
from streams.modality import MOOD_WEIGHT
from streams.numbers import Number
from streams.roles import Roles, is_determined
from streams.times import TimeSpan
from streams.totals import without_doubles
from streams.trigger_names import in_known_name, is_month, is_name
from tocsin.records import Claim, ClaimPlace, Mention, Quantity, Sentence, Trigger

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
_SPEAKER_BACK = 3  # sentences in which "it said" looks for who spoke
_AHEAD = 300  # characters to the place that a later sentence gives for a figure
_LOCAL = 0.66  # weight of a deed in a text that reads like local crime
_STRIFE = 3  # words or actors of armed or public strife that make a text more than local crime
_DEEDS = frozenset(("coercion", "force_posture", "unrest", "targeted_attack", "casualties", "destruction", "remote_strike", "armed_clash"))
_REFUSED = 0.8  # weight of a figure whose rule would not accept the words alone
_LATE = 0.7  # weight of what happened long before the text
_ORDER_DECAY = 0.0009  # a claim later in the text is a little less likely the news of it
_CIRCUMSTANCE = 0.88  # weight of what only tells when or why something else happened
_MISSPELT = 0.8  # of a claim whose trigger has a slip


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
    if "March" in text:
        hits = [hit for hit in hits if not is_month(text, hit)]
    if not numbers and not any(hit.uses for hit in hits):
        return []
    finder = _Finder(context, low, hits, actors, places, numbers, times, rules)
    claims: list[Claim] = []
    for index, piece in enumerate(finder.sentences):
        if piece.scope in _SCOPES:
            claims.extend(finder.claims_of(index))
    return without_doubles(claims)


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


_Lists = tuple[Sequence[Hit], Sequence[Mention], Sequence[Mention], Sequence[Number], Sequence[TimeSpan]]


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
        self.grammar = grammar_of(rules.lang)
        self.stakes = rules.bits.get("stakes", 0)
        self.at_war = rules.bits.get("armed", 0) | rules.bits.get("heavy", 0) | rules.bits.get("crisis_word", 0)
        self.ordinary, self.hard = rules.bits.get("ordinary", 0), rules.bits.get("hard", 0)
        self.unreal = rules.bits.get("unreal", 0)  # words of play, story and show: nobody fights beside them
        self.sentences, self.origin = _pieces(low, context.sentences)
        self.lists: _Lists = (hits, actors, places, numbers, times)
        self.scale = self.document_scale()
        self.past = is_about_the_past(low, times, context.published_at, context.observed_at)
        self.discourse = Discourse(low, hits, actors, self.sentences, rules)
        self.starts = [[item.start for item in items] for items in self.lists]
        self.lying: dict[int, _Lists] = {}
        self.scenes: dict[int, Scene] = {}
        self.frames: dict[int, list[Frame]] = {}

    def document_scale(self) -> float:
        """Weight of deeds in a text that reads like local crime: courts and sheriffs, and hardly a word of armed or public strife."""
        crime, strife = self.rules.bits.get("local_crime", 0), self.rules.bits.get("strife", 0)
        every = 0
        for hit in self.lists[0]:
            every |= hit.mask
        if not every & crime:
            return 1.0
        found = sum(bool(hit.mask & strife) for hit in self.lists[0])
        found += sum(bool(self.rules.actor_bits.get(actor.type, 0) & strife) for actor in self.lists[1])
        return _LOCAL if found < _STRIFE else 1.0

    def lying_in(self, index: int) -> _Lists:
        """Hits, actors, places, numbers and times that begin in sentence `index`; cut out once."""
        known = self.lying.get(index)
        if known is None:
            start, end = self.sentences[index].start, self.sentences[index].end
            hits, actors, places, numbers, times = self.lists
            in_hits, in_actors, in_places, in_numbers, in_times = self.starts
            known = self.lying[index] = (
                hits[(at := bisect_left(in_hits, start)) : bisect_left(in_hits, end, at)],
                actors[(at := bisect_left(in_actors, start)) : bisect_left(in_actors, end, at)],
                places[(at := bisect_left(in_places, start)) : bisect_left(in_places, end, at)],
                numbers[(at := bisect_left(in_numbers, start)) : bisect_left(in_numbers, end, at)],
                times[(at := bisect_left(in_times, start)) : bisect_left(in_times, end, at)],
            )
        return known

    def scene(self, index: int) -> Scene:
        """The scene of sentence `index`, made once."""
        scene = self.scenes.get(index)
        if scene is None:
            pieces = self.lying_in(index)
            scene = make_scene(self.sentences[index], index, self.context.text, self.low, *pieces, rules=self.rules)
            self.scenes[index] = scene
        return scene

    def may_claim(self, index: int) -> bool:
        """Whether sentence `index` has a figure with a term beside it, or a trigger of a rule all of whose needed classes may be there.

        The classes are those the scene can have at most, so nothing is lost; more than half of the scenes need never be built.
        """
        hits, actors, places, numbers, _ = self.lying_in(index)
        triggers = [hit.uses for hit in hits if hit.uses]
        if triggers:
            bits, actor_bits = self.rules.bits, self.rules.actor_bits
            classes = bits.get("name", 0) | (bits["place"] if places else 0)  # not every language has a class for unknown names
            if numbers:
                classes |= bits["count"]
            for hit in hits:
                classes |= hit.mask
            for actor in actors:
                classes |= actor_bits.get(actor.type, 0)
            for uses in triggers:
                for rule, _ in uses:
                    if _has_all(classes, rule.needs):
                        return True
        if not numbers or self.grammar.counted is not None:
            return False
        return has_terms(self.context, self.sentences[index].start, self.sentences[index].end)

    def speakers_before(self, index: int) -> list[Frame]:
        """Sources quoted in the few sentences before, within the paragraph, the last one first."""
        found: list[Frame] = []
        for before in range(index - 1, max(-1, index - 1 - _SPEAKER_BACK), -1):
            if "\n" in self.low[self.sentences[before].end : self.sentences[before + 1].start]:
                break
            found += [f for f in reversed(self.frames_of(before, False)) if f.source is not None or f.source_text]
        return found

    def frames_of(self, index: int, look_back: bool = True) -> list[Frame]:
        """Attributions of sentence `index`, found once."""
        frames = self.frames.get(index)
        if frames is None:
            scene = self.scene(index)
            speakers = self.speakers_before(index) if look_back and scene.mask & self.rules.bits["pronoun"] else []
            frames = self.frames[index] = self.grammar.frames(scene, self.rules, speakers)
        return frames

    def claims_of(self, index: int) -> list[Claim]:
        """Claims of sentence `index`, in order of start."""
        if not self.may_claim(index):
            return []
        scene = self.scene(index)
        if scene.mask & self.unreal:
            return []
        found: list[Found] = []
        for hit in scene.hits:
            if hit.uses:
                found.extend(self.accepted(scene, hit))
        kept = resolve(found)
        figures = self.grammar.figures(self.context, scene, self.rules, [(item.rule, item.trigger) for item in kept])
        figured = [self.doubted(scene, replace(self.judged(scene, f.trigger, f.rule, f.form, None), figured=f)) for f in figures]
        kept = [item for item in kept if not is_told(item, figured)] + figured
        claims = [self.record(scene, item, kept) for item in kept]
        claims.sort(key=lambda c: (c.start, c.end))
        return claims

    def doubted(self, scene: Scene, item: Found) -> Found:
        """A figure's claim, less sure where its rule would refuse the words alone: deaths of a disease, an army that fled."""
        refused = any(self.holds(scene, item.trigger, c, item.roles) for c in item.rule.exclude)
        if item.rule.type == "casualties" and not refused and not scene.mask & self.at_war:
            refused = self.holds(scene, item.trigger, Condition("context", self.rules.bits.get("illness", 0)), item.roles)
        return replace(item, score=item.score * _REFUSED) if refused else item

    def accepted(self, scene: Scene, hit: Hit) -> list[Found]:
        """The rules that accept one trigger."""
        found: list[Found] = []
        readings: dict[int, Roles] = {}  # roles by what the form is here
        classes = scene.mask
        figurative: bool | None = None
        for rule, possible in hit.uses:
            if not _has_all(classes, rule.needs):
                continue
            form = self.grammar.form(scene, hit, possible)
            if not form or (
                in_known_name(scene, hit) if not form & VERBAL else self.low[hit.start - 1 : hit.start] == "-"
            ):  # "coal-burning"
                continue
            if is_name(scene, hit, form):
                return found
            roles = readings.get(form)
            if roles is None:
                roles = readings[form] = self.grammar.roles(scene, hit, form, self.rules)
            if figurative is None:
                figurative = self.figurative(scene, hit)
            if figurative:
                return found
            if self.fits(scene, hit, rule, roles):
                found.append(self.judged(scene, hit, rule, form, roles))
        return found

    def fits(self, scene: Scene, hit: Hit, rule: Rule, roles: Roles) -> bool:
        """Whether all that a rule requires holds around a trigger, and nothing that it excludes."""
        for condition in rule.require:
            if not self.holds(scene, hit, condition, roles):
                return False
        for condition in rule.exclude:  # noqa: SIM110  # called for every rule of every trigger: no generators
            if self.holds(scene, hit, condition, roles):
                return False
        return True

    def figurative(self, scene: Scene, hit: Hit) -> bool:
        """Whether a word of force is a figure of speech: nothing is at stake in its sentence, or sport, fiction, trade or nature is.

        Somebody armed or endangered beside it makes it meant.
        """
        ordinary = scene.mask & self.ordinary and _beside(scene, hit, self.ordinary)
        cue = self.hard if ordinary else self.stakes
        if cue == self.stakes and hit.mask & (self.rules.entity_mask | self.rules.bits.get("body", 0)):
            return False  # "civilian casualties", "mass grave": the words themselves say who
        return bool(cue) and not _beside(scene, hit, cue)

    def judged(self, scene: Scene, hit: Hit, rule: Rule, form: int, roles: Roles | None) -> Found:
        """An accepted trigger with its roles, mood and score."""
        if roles is None:
            roles = self.grammar.roles(scene, hit, form, self.rules)
        frames = governing(self.frames_of(scene.index), hit.start, hit.end)
        roles = _speaking_apart(roles, frames)
        state = self.grammar.mood(scene, hit, form, self.rules, frames[-1] if frames else None)
        score = rule.confidence * MOOD_WEIGHT[rule.modality or state.modality] * (0.75 if state.negative else 1.0)
        if state.background:
            score *= 0.85
        if not roles.agents and not roles.patients:
            score *= 0.95
        if rule.type in _DEEDS:
            score *= self.scale
        score *= self.discourse.weight(rule.type, scene.index, self.low[hit.start : hit.end])
        if is_circumstance(scene, hit, form, self.rules):
            score *= _CIRCUMSTANCE
        if self.low[hit.start : hit.end] in self.rules.misspelt:
            score *= _MISSPELT
        score *= 1.0 - min(_ORDER_DECAY * (hit.start - self.context.title_length), 0.15)
        return Found(rule, hit, form, roles, state, frames, score, scene.clause(hit.start, hit.end))

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
            if where == "next":  # in the clause: not who speaks in "..., residents said"
                right = min(right, scene.clause(hit.start, hit.end)[1])
        first, last = hit.start, hit.end
        for start, end, classes in scene.spots:
            if classes & mask and start >= left and end <= right and (end <= first or start >= last):
                return True
        return False

    # --- records ---------------------------------------------------------------------------------------------------------

    def record(self, scene: Scene, item: Found, kept: Sequence[Found]) -> Claim:
        """The record of an accepted trigger."""
        context, rule, trigger = self.context, item.rule, item.trigger
        start, end = span_of(scene, item, kept, context.text, self.rules)
        if item.figured is not None:
            start, end = figured_span(item.figured, scene, start, end, context.text)
        actors = actors_of(item, context.text)
        places = self.places(scene, item, kept, start, end)
        quantities: tuple[Quantity, ...] = ()
        if item.figured is not None:
            quantities = quantities_of(item.figured.figures)
        elif self.grammar.counted is not None:
            quantities = self.grammar.counted(scene, item, kept, self.rules)
            start, end = min(start, *(q.start for q in quantities), start), max(end, *(q.end for q in quantities), end)
        elif rule.type not in FIGURED:
            quantities = quantities_in(scene, item, kept, start, end)
        elif rule.type == "casualties" and rule.quantity:
            quantities = loose_quantities(scene, item, kept, start, end)
        attribution = as_attribution(item.frames, context.text, self.rules)
        when = event_time(scene, item, start, end, context.published_at)
        told_late = is_history(when, context.published_at) or self.past
        history = item.mood.background or told_late
        polarity: Literal["affirmative", "negative"] = "negative" if item.mood.negative != (rule.polarity == "negative") else "affirmative"
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
            subtype=subtype_of(rule, modality),
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
            cumulative=figure_cumulative(scene, item.figured) if item.figured is not None else cumulative_of(scene, start, end, self.rules),
            extent=figure_extent(scene, item.figured, context.text)
            if item.figured is not None
            else extent_of(words)
            if quantities
            else None,
            scope=scene.sentence.scope,  # type: ignore[arg-type]
            codes=rule.codes,
            confidence=round(
                min(
                    0.99,
                    item.score * (_LATE if told_late and not item.mood.background else 1.0) * (0.9 + 0.1 * link) * (0.95 + 0.05 * place),
                ),
                4,
            ),
            rule_id=rule.id,
            rule_trace=(
                f"rule={rule.id}@{rule.version}",
                f"trigger={words_of(context.text, trigger)}",
                f"form={form_name(item.form)}",
                f"mood={item.mood.why or 'plain'}",
                *(("how=fuzzy",) if self.low[trigger.start : trigger.end] in self.rules.misspelt else ()),
            ),
            origin_id=(attribution.source_id if attribution is not None else None) or context.owner or None,
            source_id=context.source_id,
            lang=context.lang,
            published_at=context.published_at,
            observed_at=context.observed_at,
            lexicon_version=self.rules.version,
        )

    def places(self, scene: Scene, item: Found, kept: Sequence[Found], start: int, end: int) -> tuple[ClaimPlace, ...]:
        """Places of the claim: those in its words and clause; else the sentence's; else the last one named before."""
        left, right = item.clause
        left, right = min(left, start), max(right, end)
        if item.figured is not None:
            rivals = [k.figured for k in kept if k.figured is not None]
            near = places_of(scene, item.figured, rivals, self.context.text)
            own = [p for p in near if not in_frame(p, item.frames)] or near
            if own:
                return tuple(place_of(p, place_role(scene, p, item.rule), False) for p in own)
        inside = [p for p in scene.places if left <= p.start < right and not in_frame(p, item.frames)]
        if inside:
            return tuple(place_of(p, place_role(scene, p, item.rule), False) for p in inside)
        others = [p for p in scene.places if not in_frame(p, item.frames)]
        if others:
            best = min(others, key=lambda p: abs(p.start - item.trigger.start))
            return (place_of(best, place_role(scene, best, item.rule), False, 0.8),)
        known, starts = self.lists[2], self.starts[2]
        at = bisect_left(starts, scene.sentence.start)
        if at and (scene.sentence.start - known[at - 1].end < 600):
            return (place_of(known[at - 1], "where", True, 0.6),)
        if item.figured is not None and at < len(known) and known[at].start - scene.sentence.end < _AHEAD:
            return (place_of(known[at], "where", True, 0.5),)
        return ()


def _speaking_apart(roles: Roles, frames: Sequence[Frame]) -> Roles:
    """The roles without whoever only tells the story: the source of "..., the governor said"."""
    if not frames or not (roles.agents or roles.patients):
        return roles
    spoken = [(f.start, f.end) for f in frames]
    agents = tuple(p for p in roles.agents if not any(s <= p.start < e for s, e in spoken))
    patients = tuple(p for p in roles.patients if not any(s <= p.start < e for s, e in spoken))
    return Roles(agents, patients, roles.passive)


def _beside(scene: Scene, hit: Hit, mask: int) -> bool:
    """Whether a word or participant of these classes stands in the sentence beside the trigger."""
    first, last = hit.start, hit.end
    for start, end, classes in scene.spots:  # noqa: SIM110  # called for every trigger: no generators
        if classes & mask and (end <= first or start >= last):
            return True
    return False


def _has_all(classes: int, needs: Sequence[int]) -> bool:
    """Whether `classes` has some bit of every mask in `needs`."""
    for mask in needs:  # noqa: SIM110  # called for every rule of every trigger: no generators
        if not classes & mask:
            return False
    return True


def words_of(text: str, hit: Hit) -> str:
    """The words of a hit, cut for a trace."""
    return text[hit.start : hit.end][:40]
