"""Resolve nouns and pronouns that stand for an actor named elsewhere: "the terrorist group", "the regime", "he", "its".

No model: a noun refers to the nearest compatible actor named before it, else to the nearest named after it, if that is the only
one of its class in the discourse; two rivals leave it unresolved. A reference never leaves its own discourse (a body and its title,
one comment, one bio): callers pass each as a context of its own, and `context.segments` keeps bios and comments out.
"""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from streams.actors import BODY_KINDS, body_spans
from streams.context import Context
from streams.lexicon import ActorLexicon
from tocsin.records import Candidate, Mention

_GROUP = re.compile(
    r"\b(?:the|this|that|our)\s+(?:(?:so-called|same|barbaric|brutal|armed|islamist|sunni|shia)\s+){0,2}"
    r"(?:(terrorist|extremist|jihadist|jihadi|militant|insurgent|rebel|armed|terror|islamist)\s+)?(group|organi[sz]ation|caliphate|movement|militia|faction)(?!\s+of\b)\b",
    re.IGNORECASE,
)
_ARMED = frozenset(("nonstate_armed", "militia"))
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he|[Hh]im|[Tt]hey|[Ww]e|I|me)\b(?![’'.]\w?\.)")
_HE = frozenset(("he", "she", "him"))
_SPEAKER = frozenset(("i", "we", "me"))
_REACH = 600  # code points back that a pronoun looks
_GENERIC_TYPES = {
    "group": _ARMED | {"party", "organisation", "ngo"},
    "organisation": _ARMED | {"organisation", "ngo", "igo"},
    "movement": _ARMED | {"party", "organisation"},
}


def _named(mention: Mention) -> bool:
    return mention.how in ("exact", "alias", "variant", "fuzzy", "pattern") and mention.type not in ("class", "ethnic_religious")


def resolve_references(context: Context, mentions: Sequence[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """The mentions with references added and resolved, in order of start. Unresolved nouns stay as the classes they are."""
    out = list(mentions)
    out = _nouns(context, out, lexicon)
    out = _known_generics(out, lexicon)
    out = _attackers(out, lexicon)
    out += _pronouns(context, out)
    out.sort(key=lambda m: (m.start, m.end))
    return out


def _armed(mentions: Sequence[Mention]) -> list[Mention]:
    return [m for m in mentions if m.type in _ARMED and m.how not in ("class", "coref", "pronoun")]


def _resolved(text: str, start: int, end: int, target: Mention, confidence: float, sure: bool, reason: str, how: str = "coref") -> Mention:
    return Mention(
        mention_id=f"m{start}-{end}", kind="actor", entity_id=target.entity_id, name=target.name, type=target.type, text=text[start:end],
        start=start, end=end, how=how, confidence=confidence, sure=sure, reason=reason, rule_id=f"coref:{how}",
    )  # fmt: skip


def _antecedent(start: int, named: Sequence[Mention], salience: Counter[str]) -> tuple[Mention | None, float, str]:
    """The named actor a noun at `start` refers to, with confidence and the reason."""
    if not named:
        return None, 0.0, ""
    ids = {m.entity_id for m in named}
    before = [m for m in named if m.end <= start]
    nearest = before[-1] if before else named[0]
    if len(ids) == 1:
        return nearest, 0.9 if before else 0.8, "the only such actor named" + ("" if before else ", further on")
    top = salience.most_common(2)
    if top[0][1] >= 2 * top[1][1] or top[0][0] == nearest.entity_id:
        target = next(m for m in named if m.entity_id == top[0][0])
        return target, 0.7, "the actor named most"
    if before and start - nearest.end < 300:
        return nearest, 0.5, "the actor named just before"
    return None, 0.4, "rivals"


def _nouns(context: Context, mentions: list[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """ "the terrorist group" and its like, wherever no named actor already stands."""
    text = context.text
    spans = body_spans(context.segments, len(text))
    taken = [(m.start, m.end) for m in mentions if _named(m)]
    out = list(mentions)
    armed = _armed(mentions)
    for match in _GROUP.finditer(text):
        start, end = match.span()
        if not any(a <= start and end <= b for a, b in spans) or any(s <= end + 1 and start < e for s, e in taken):
            continue
        word = match.group(2).lower().replace("z", "s")
        terror = (match.group(1) or "").lower() in (
            "terrorist",
            "extremist",
            "jihadist",
            "jihadi",
            "terror",
            "islamist",
        ) or word == "caliphate"
        allowed = _ARMED if match.group(1) or word in ("militia", "faction", "caliphate") else _GENERIC_TYPES.get(word, _ARMED)
        named = armed if allowed == _ARMED else [m for m in mentions if m.type in allowed and m.how not in ("class", "coref")]
        if terror and (
            listed := [m for m in named if m.entity_id in lexicon.actors and "designated_terrorist" in lexicon.actors[m.entity_id].flags]
        ):
            named = listed
        elif not terror and not match.group(1):
            before = [m for m in named if m.end <= start]
            named = [m for m in named if m.entity_id == before[-1].entity_id] if before and start - before[-1].end < 400 else named
        target, confidence, reason = _antecedent(start, named, Counter(m.entity_id for m in named))
        out = [m for m in out if not (m.start < end and start < m.end)]
        if target is not None:
            out.append(_resolved(text, start, end, target, confidence, confidence >= 0.7, reason))
        else:
            out.append(
                Mention(
                    mention_id=f"m{start}-{end}",
                    kind="actor",
                    entity_id="grp:armed-group",
                    name="armed group",
                    type="class",
                    text=match.group(),
                    start=start,
                    end=end,
                    how="class",
                    confidence=0.4,
                    sure=False,
                    reason="no single actor it could stand for",
                    rule_id="coref:noun",
                    candidates=tuple(Candidate(entity_id=k, score=float(n)) for k, n in Counter(m.entity_id for m in named).most_common(5)),
                )  # fmt: skip
            )
    out.sort(key=lambda m: m.start)
    return out


def _known_generics(mentions: list[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """Class mentions whose words are a generic noun of exactly one actor named in the text ("the regime", "the coalition")."""
    present = Counter(m.entity_id for m in mentions if m.how not in ("class", "coref"))
    out = []
    for mention in mentions:
        if mention.how in ("class", "context") and (owners := lexicon.generic.get(" ".join(mention.text.lower().split()))):
            there = [o for o in owners if present[o]]
            if len(there) == 1:
                actor = lexicon.actors[there[0]]
                mention = msgspec.structs.replace(
                    mention,
                    entity_id=actor.id,
                    name=actor.name,
                    type=actor.type,
                    how="coref",
                    confidence=0.8,
                    sure=True,
                    reason="a usual noun for the actor named",
                )
        out.append(mention)
    return out


def _attackers(mentions: list[Mention], lexicon: ActorLexicon) -> list[Mention]:
    """ "the attackers" of a group that is being fought by a coalition are the coalition's side."""
    ids = {m.entity_id for m in mentions}
    fought = "org:islamic-state" in ids and ids & {
        "org:global-coalition-against-daesh",
        "org:iraqi-army",
        "org:peshmerga",
        "org:sdf",
        "org:iraqi-cts",
    }
    if not fought:
        return mentions
    return [
        msgspec.structs.replace(m, entity_id="coref:anti-isis-forces", name="forces fighting Islamic State", how="coref", confidence=0.5, sure=False, reason="attackers of the group that holds the place")
        if m.how == "class" and m.text.lower() in ("the attackers", "the attacking forces")
        else m
        for m in mentions
    ]  # fmt: skip


def _pronouns(context: Context, mentions: Sequence[Mention]) -> list[Mention]:
    """Personal pronouns: he and she to the person named last, they to the last plural actor; a speaker's "we" and "I" stay with the speaker."""
    text = context.text
    spans = body_spans(context.segments, len(text))
    persons = [m for m in mentions if m.type == "person"]
    groups = [m for m in mentions if m.type != "person"]
    out = []
    for match in _PRONOUN.finditer(text):
        start, end = match.span()
        if not any(a <= start and end <= b for a, b in spans):
            continue
        word = match.group().lower()
        pool = groups if word == "they" else persons
        near = [m for m in pool if start - _REACH < m.end <= start]
        if word in _SPEAKER:
            after = next((m for m in persons if end <= m.start < end + _REACH), None) if not near else None
            target = near[-1] if near else after
            kind = "class" if word == "we" else "person"
            out.append(
                Mention(
                    mention_id=f"m{start}-{end}",
                    kind="actor",
                    entity_id="coref:speaker",
                    name="the speaker",
                    type=kind,
                    text=text[start:end],
                    start=start,
                    end=end,
                    how="pronoun",
                    confidence=0.4,
                    sure=False,
                    reason="whoever speaks",
                    rule_id="coref:pronoun",
                    candidates=(Candidate(entity_id=target.entity_id, score=0.5),) if target else (),
                )  # fmt: skip
            )
        elif near:
            out.append(_resolved(text, start, end, near[-1], 0.5, False, "the last one named", "pronoun"))
        elif word in _HE:
            out.append(
                Mention(
                    mention_id=f"m{start}-{end}",
                    kind="actor",
                    entity_id="coref:person",
                    name="a person",
                    type="person",
                    text=text[start:end],
                    start=start,
                    end=end,
                    how="pronoun",
                    confidence=0.3,
                    sure=False,
                    reason="nobody named before",
                    rule_id="coref:pronoun",
                )  # fmt: skip
            )
    return out


__all__ = ["BODY_KINDS", "resolve_references"]
