"""Resolve nouns and pronouns that stand for an actor named elsewhere: "the terrorist group", "the regime", "he", "they".

No model: a noun refers to the nearest compatible actor named before it, else to the nearest named after it, if that is the only
one of its class in the discourse; two rivals leave it unresolved. A reference never leaves its own discourse (a body and its title,
one comment, one bio): callers pass each as a context of its own, and `context.segments` keeps bios and comments out.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property

import msgspec

from streams.context import Context
from streams.lexicon import ActorLexicon
from streams.scan import body_spans, is_english
from tocsin.records import Candidate, Mention

_GROUP = re.compile(
    # What parts words in front is sought faster than a boundary: the text is given a line end before it.
    r"\W(?=[TtOo])(?i:(?:th(?:e|is|at)|our)\s+(?:(?:so-called|same|barbaric|brutal|armed|islamist|sunni|shia)\s+){0,2}"
    r"(?:(terrorist|extremist|jihadist|jihadi|militant|insurgent|rebel|armed|terror|islamist)\s+)?"
    r"(group|organi[sz]ation|caliphate|movement|militia|faction)(?!\s+of\b)\b)"
)
_TERROR = frozenset(("terrorist", "extremist", "jihadist", "jihadi", "terror", "islamist"))
_ARMED = frozenset(("nonstate_armed", "militia"))
_ARMED_NOUNS = frozenset(("militia", "faction", "caliphate"))
_COMPATIBLE = {
    "group": _ARMED | {"party", "organisation", "ngo"},
    "organisation": _ARMED | {"organisation", "ngo", "igo"},
    "movement": _ARMED | {"party", "organisation"},
}
_PRONOUN = re.compile(r"\W(?:[HhWw]e|me|[Ss]he|[Hh]im|[Tt]hey|I)\b(?!\.\w)")
_GROUP_NOUNS = ("group", "organi", "caliphate", "movement", "militia", "faction")
_SPEAKER = frozenset(("i", "we", "me"))
_STATE = frozenset(("government", "state_military", "police", "intelligence", "country"))
_SAYS = re.compile(
    r",?\s+(?:\w+\s+){0,2}(?:said|says|announced|claimed|stated|declared|reported|confirmed|added|told|vowed|insisted)\b", re.IGNORECASE
)
_LABEL = "coref:label"  # a noun that was left open on purpose
_REACH = 600  # code points that a pronoun looks back, and a speaker's forward
_NEAR = 400  # code points within which the actor named last is meant, rivals or not
_NOT_NAMES = frozenset(("class", "coref", "pronoun", "context"))


def resolve_references(context: Context, mentions: Sequence[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """The mentions with references added and resolved, in order of start. Unresolved nouns stay as the classes they are.

    Confidence: .9 the only compatible actor, named before; .8 named further on; .7 named most; .5 nearest of several; .4 unresolved.
    """
    if not is_english(context):
        return sorted(mentions, key=lambda m: (m.start, m.end))
    out = _nouns(context, list(mentions), lexicon)
    out = _usual_nouns(out, lexicon)
    out += _pronouns(context, out)
    out.sort(key=lambda m: (m.start, m.end))
    return out


def _reference(text: str, start: int, end: int, rule: str, target: Mention, confidence: float, reason: str) -> Mention:
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="actor",
        entity_id=target.entity_id,
        name=target.name,
        type=target.type,
        text=text[start:end],
        start=start,
        end=end,
        how=rule,
        confidence=confidence,
        sure=confidence >= 0.7,
        reason=reason,
        rule_id=f"coref:{rule}",
    )


def _open(
    text: str, start: int, end: int, rule: str, key: str, name: str, kind: str, reason: str, rivals: Collection[tuple[str, float]]
) -> Mention:
    """A reference whose actor is not known, with those it might be."""
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="actor",
        entity_id=key,
        name=name,
        type=kind,
        text=text[start:end],
        start=start,
        end=end,
        how=rule,
        confidence=0.4,
        sure=False,
        reason=reason,
        rule_id=f"coref:{rule}",
        candidates=tuple(Candidate(entity_id=rival, score=score) for rival, score in rivals),
    )


class _Pool:
    """Named actors of some types, in order, with how often each is named."""

    def __init__(self, mentions: Sequence[Mention]) -> None:
        self.mentions = mentions
        self.ends = [m.end for m in mentions]

    @cached_property
    def salience(self) -> Counter[str]:
        """How often each is named."""
        return Counter([m.entity_id for m in self.mentions])

    def last_before(self, start: int) -> Mention | None:
        """The one named last before `start`."""
        at = bisect_right(self.ends, start)
        return self.mentions[at - 1] if at else None

    def antecedent(self, start: int, bare: bool) -> tuple[Mention | None, float, str]:
        """Whom a noun at `start` means, with confidence and reason. `bare`: "the group" alone, which clings to the last one named."""
        if not self.mentions:
            return None, 0.4, "nobody it could stand for is named"
        before = self.last_before(start)
        if len(self.salience) == 1:
            if before is not None:
                return before, 0.9, "the only such actor named"
            return self.mentions[0], 0.8, "the only such actor named, further on"
        close = before is not None and start - before.end < _NEAR
        if bare and before is not None and close:
            return before, 0.7, "the actor named just before"
        (top, most), (_, second) = self.salience.most_common(2)
        if most >= 2 * second or (before is not None and before.entity_id == top):
            return next(m for m in self.mentions if m.entity_id == top), 0.7, "the actor named most"
        if before is not None and close:
            return before, 0.5, "the actor named just before, among rivals"
        return None, 0.4, "no single actor it could stand for"


def _nouns(context: Context, mentions: list[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """Resolve "the terrorist group" and its like, wherever no named actor already stands."""
    text = context.text
    spans = body_spans(context.segments, len(text))
    named = [m for m in mentions if m.how not in _NOT_NAMES and m.type not in ("class", "ethnic_religious", "person")]
    taken = [m.start for m in named]
    pools: dict[str, _Pool] = {}
    resolved: list[Mention] = []
    joined: dict[int, int] = {}
    low = text.lower()
    for match in _GROUP.finditer(f"\n{text}") if any(noun in low for noun in _GROUP_NOUNS) else ():
        start, end = match.start(), match.end() - 1  # the letter before the first is what parts them
        if not any(a <= start and end <= b for a, b in spans):
            continue
        at = bisect_left(taken, end + 2)
        if at and named[at - 1].end > start:  # "the terrorist group ISIL" names it
            if named[at - 1].start == end + 1:
                joined[named[at - 1].start] = start
            continue
        adjective, noun = (match.group(1) or "").lower(), match.group(2).lower().replace("z", "s")
        terror = adjective in _TERROR or noun == "caliphate"
        kind = "terror" if terror else "armed" if adjective or noun in _ARMED_NOUNS else noun
        if kind not in pools:
            allowed = _COMPATIBLE.get(kind, _ARMED)
            compatible = [m for m in named if m.type in allowed]
            listed = [
                m
                for m in compatible
                if terror and m.entity_id in lexicon.actors and "designated_terrorist" in lexicon.actors[m.entity_id].flags
            ]
            pools[kind] = _Pool(listed or compatible)
        target, confidence, reason = pools[kind].antecedent(start, bare=not adjective)
        label = terror and target is not None and _is_partys_label(text, start, end, mentions, target)
        if label:
            target, reason = None, "a party's own label for whoever it fights; it describes, it does not identify"
        if target is not None:
            resolved.append(_reference(text, start, end, "coref", target, confidence, reason))
        else:
            rivals = [(key, float(n)) for key, n in pools[kind].salience.most_common(5)]
            unknown = _open(text, start, end, "class", "grp:armed-group", "armed group", "class", reason, rivals)
            resolved.append(msgspec.structs.replace(unknown, rule_id=_LABEL) if label else unknown)
    starts = [m.start for m in resolved]
    kept = [_longer(m, joined.get(m.start), text) for m in mentions if not _covered(m, resolved, starts)]
    return sorted((*kept, *resolved), key=lambda m: (m.start, m.end))


def _is_partys_label(text: str, start: int, end: int, mentions: Sequence[Mention], target: Mention) -> bool:
    """Whether "the terrorist organisation" stands in a state's mouth that has not named `target` in the same breath.

    States call every enemy so: in a Turkish ministry's statement the words are not the Islamic State because the article names it too.
    """
    first = max(text.rfind("\n", 0, start), text.rfind(". ", 0, start)) + 1
    ends = [at for at in (text.find("\n", end), text.find(". ", end)) if at >= 0]
    last = min(ends, default=len(text))
    if first <= target.start < last:
        return False
    return any(
        m.type in _STATE and first <= m.start and m.end <= last and (m.end <= start or m.start >= end) and _SAYS.match(text, m.end, last)
        for m in mentions
    )


def _longer(mention: Mention, start: int | None, text: str) -> Mention:
    """The mention with the noun before its name, if there is one."""
    if start is None:
        return mention
    return msgspec.structs.replace(mention, mention_id=f"m{start}-{mention.end}", start=start, text=text[start : mention.end])


def _covered(mention: Mention, resolved: Sequence[Mention], starts: Sequence[int]) -> bool:
    at = bisect_left(starts, mention.end)
    return at > 0 and resolved[at - 1].end > mention.start


def _usual_nouns(mentions: list[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """Classes whose words are a usual noun of exactly one actor named in the text: "the regime", "the coalition", "the attackers"."""
    present = Counter(m.entity_id for m in mentions if m.how not in _NOT_NAMES)
    out = []
    for mention in mentions:
        owners = (
            lexicon.generic.get(" ".join(mention.text.lower().split()), ())
            if mention.how in ("class", "context") and mention.rule_id != _LABEL
            else ()
        )
        there = [o for o in owners if present[o] or present[lexicon.actors[o].against]]
        if len(there) == 1:
            actor = lexicon.actors[there[0]]
            known = bool(present[actor.id])
            out.append(
                msgspec.structs.replace(
                    mention,
                    entity_id=actor.id,
                    name=actor.name,
                    type=actor.type,
                    how="coref",
                    confidence=0.8 if known else 0.5,
                    sure=known,
                    reason="a usual noun for the actor named" if known else "the side that fights the actor named",
                    rule_id="coref:noun",
                )
            )
        else:
            out.append(mention)
    return out


def _pronouns(context: Context, mentions: Sequence[Mention]) -> list[Mention]:
    """Personal pronouns: he and she mean the person named last, they the last group; "we" and "I" are whoever speaks."""
    text = context.text
    spans = body_spans(context.segments, len(text))
    persons = _Pool([m for m in mentions if m.type == "person"])
    groups = _Pool([m for m in mentions if m.type != "person"])
    out: list[Mention] = []
    for match in _PRONOUN.finditer(f"\n{text}"):
        start, end = match.start(), match.end() - 1
        if not any(a <= start and end <= b for a, b in spans):
            continue
        word = match.group()[1:].lower()
        last = (groups if word == "they" else persons).last_before(start)
        near = last if last is not None and start - last.end < _REACH else None
        if word in _SPEAKER:
            rivals = [(near.entity_id, 0.5)] if near else []
            kind = "class" if word == "we" else "person"
            out.append(_open(text, start, end, "pronoun", "coref:speaker", "the speaker", kind, "whoever speaks", rivals))
        elif near is not None:
            out.append(_reference(text, start, end, "pronoun", near, 0.5, "the last one named"))
        elif word != "they":
            out.append(_open(text, start, end, "pronoun", "coref:person", "a person", "person", "nobody named before", []))
    return out
