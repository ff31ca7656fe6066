"""Who does what to whom in a clause: active, passive, nominal and participial triggers, without a parser.

Order decides: `AGENT trigger PATIENT`, `PATIENT was trigger ... by AGENT`, `the trigger of PATIENT by AGENT`, `AGENT's trigger on PATIENT`.
Roles are sought in the trigger's clause first; a relative or participial clause borrows the subject of the clause before it.
"""

import re

from msgspec import Struct

from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Participant, Scene, is_preposed, listed
from streams.inflect import VERBAL, Form

__all__ = ["Roles", "actual_form", "assign_roles", "is_determined", "is_passive"]

_BY = re.compile(r"\bby\s+(?:the |a |an |at least |\w+ ){0,3}$")
_REACH = 90  # characters between a trigger and its patient
_JOINED = 50  # characters between "were" and the second of two participles
_FAR = 160  # characters between a subject and its verb
_AND_BEFORE = re.compile(r"(?:\band|,|\bthen|\bor)\s+(?:then |also |\w+ly )?$")
_LIGHT_VERB = re.compile(
    r"\b(?:carr(?:y|ies|ied|ying) out|launch\w*|stag(?:e|es|ed|ing)|conduct\w*|mount\w*|perpetrat\w*|commit\w*"
    r"|unleash\w*|wag(?:e|es|ed|ing)|hold|holds|held|holding|plan\w*|start\w*|beg[aiu]n\w*|open\w*|impos\w*|carried|use[sd]?|using|fir(?:e|es|ed|ing)|hurl\w*|lob\w*|thr[eo]w\w*"
    r"|detonat\w*|plant\w*|drop\w*|sign\w*|reach\w*|announc\w*|declar\w*|took|take[sn]?|taking|made|mak(?:e|es|ing)|receiv\w*|engag\w*|blow\w*|blew|set)\b"
)
_ADJECTIVE_GAP = re.compile(r"[\s'’]*(?:s\s+)?(?:\w+\s+){0,2}")


class Roles(Struct, frozen=True, gc=False):
    """The participants in each role; several when they are listed."""

    agents: tuple[Participant, ...] = ()
    patients: tuple[Participant, ...] = ()
    passive: bool = False


def is_passive(scene: Scene, trigger: Hit, form: int, rules: ClaimRules) -> bool:
    """Whether a verbal trigger is passive: after a form of "be", or a bare participle followed by "by"."""
    if not form & Form.PARTICIPLE:
        return False
    be = rules.bits["be"]
    for hit in scene.hits if scene.mask & be else ():
        if hit.mask & be and hit.end < trigger.start and trigger.start - hit.end <= 22:
            between = scene.low[hit.end : trigger.start].split()
            if len(between) <= 2 and not (between and between[-1] in ("the", "a", "an", "to", "by")):
                return True
    head = scene.low[max(scene.sentence.start, trigger.start - 18) : trigger.start]
    if form & Form.PAST and _AND_BEFORE.search(head) and not _after(scene, trigger, ()):  # "were pulled off a bus and shot"
        return any(h.mask & be and 0 < trigger.start - h.end <= _JOINED for h in scene.hits)
    return _BY_AFTER.match(scene.low, trigger.end, trigger.end + 40) is not None or (
        form & Form.PAST == 0 and not _has_have(scene, trigger, rules)
    )


_BY_AFTER = re.compile(r"\s+(?:\w+\s+)?by\s")
# The last word before a trigger, as it mostly is: letters only. Anything else is left to the patterns.
_VERB_LEADS_WORDS = (
    "to not and or will would can could may might must should shall do does did who which that they we he she it i you then also often "
    "regularly repeatedly now still"
)
_VERB_LEADS = frozenset(_VERB_LEADS_WORDS.split())
_VERB_BEFORE = re.compile(rf"(?:^|[,;:]\s|\b(?:{'|'.join(sorted(_VERB_LEADS))}|don't|didn't|\w+ly))\s*$")
_NOUN_LEADS_WORDS = (
    "the a an this that these those its his her their our of in by with during after before from for at on under against amid despite "
    "multiple several many more new two three four five six recent deadly heavy major another second first separate daily latest similar "
    "fresh fierce some all no any every each"
)
_NOUN_LEADS = frozenset(_NOUN_LEADS_WORDS.split())
_NOUN_BEFORE = re.compile(rf"\b(?:{'|'.join(sorted(_NOUN_LEADS))}|\w+'s|\d+)\s*$")


def _lead(head: str) -> str:
    """The last word of `head`, if it is nothing but ASCII letters: then it says all that the patterns above can tell; else ""."""
    word = head.rstrip().rpartition(" ")[2]
    return word if word.isascii() and word.isalpha() else ""


def _takes_verb(head: str) -> str:
    """The word (or punctuation) at the end of `head` after which a verb in its base form stands; a space where it is blank, "" if none."""
    if lead := _lead(head):
        return lead if lead in _VERB_LEADS or (lead.endswith("ly") and len(lead) > len("ly")) else ""
    found = _VERB_BEFORE.search(head)
    return "" if found is None else found.group().strip() or " "


def _takes_noun(head: str) -> bool:
    """Whether `head` ends in a word after which a noun stands."""
    lead = _lead(head)
    return lead in _NOUN_LEADS if lead else _NOUN_BEFORE.search(head) is not None


_ING_NOUN = re.compile(r"\b(?:the|a|an|this|of|its|his|her|their|mass|\w+'s)\s*$")


def actual_form(scene: Scene, trigger: Hit, form: int) -> int:
    """What an ambiguous form is here: "the attacks" is a noun, "rebels attack" a verb; an empty form if it is neither of `form`."""
    if not form & (Form.BASE | Form.ING):
        return form
    head = scene.low[max(scene.sentence.start, trigger.start - 18) : trigger.start]
    if form & Form.ING:
        found = _ING_NOUN.search(head)
        gerund = found is not None and found.group().strip() == "of" and _has_object(scene, trigger)  # "on the verge of capturing Mosul"
        noun = (found is not None and not gerund) or scene.low.startswith(" of ", trigger.end)
    elif form & (Form.PAST | Form.PARTICIPLE):  # "hit", "set"
        return form & ~Form.NOUN if not _ING_NOUN.search(head) or not form & Form.NOUN else Form.NOUN
    elif any(use.form & Form.NOUN for use in trigger.uses):
        noun = not head.strip() or _takes_noun(head) or not (_takes_verb(head) or _subject_near(scene, trigger))
    else:  # "the RSF hold", "Blast kills four", but "the city level"; at the head of a sentence an order to the reader
        noun = not head.strip() or not _may_govern(scene, trigger, head)
    if noun:
        return Form.NOUN if form & Form.ING else form & (Form.NOUN | Form.PHRASE)
    return form & ~Form.NOUN


# Words after which a verb stands in its base form though they are no plural: "helped recapture", "didn't fall", "rather than flee".
_BARE_BEFORE = re.compile(
    r"(?:n't|\b(?:help\w*|let|lets|make|makes|made|see|saw|watch\w*|dares?|than|but|either|neither|both|men|women|people|children|police|youths?|\d+|one|six|ten|dozens|scores|hundreds|thousands))\s*$"
)


# Base forms that name things as often as deeds.
_NOUNS_TOO_WORDS = (
    "level whip burn free fire ruin gut torch wreck light shoot lead hold take cut stone club drive run move target house host camp jail "
    "leave return surrender escape exit retreat advance"
)
_NOUNS_TOO = frozenset(_NOUNS_TOO_WORDS.split())


_OBJECT_AFTER = re.compile(r"\s+(?:the|a|an|his|her|its|their|our|all|dozens|hundreds|scores|several|many|most|some|two|three|\d)\b")


def _has_object(scene: Scene, trigger: Hit) -> bool:
    """Whether a determiner or a known word stands right after, as an object does."""
    if _OBJECT_AFTER.match(scene.low, trigger.end):
        return True
    return any(0 < h.start - trigger.end <= 1 and h.mask and not h.uses for h in scene.hits) or any(
        0 < start - trigger.end <= 1 for start in (*(p.start for p in scene.participants), *(p.start for p in scene.places))
    )


def _may_govern(scene: Scene, trigger: Hit, head: str) -> bool:
    """Whether what stands before a base form can be its subject or auxiliary: a plural, a name, "to"; "the city level" has none."""
    before = _takes_verb(head)
    if scene.low[trigger.end - 1] == "s" and scene.low[trigger.start : trigger.end - 1] in _NOUNS_TOO:
        return _has_object(scene, trigger) and not _takes_noun(head)  # "high levels of", but "levels a school"
    verb = scene.low[trigger.start : trigger.end]
    if before:  # "the city and jail services": a coordinated noun
        return verb not in _NOUNS_TOO or before not in ("and", "or")
    if _takes_noun(head):
        return False
    if verb.endswith("s") or _BARE_BEFORE.search(head) or (verb not in _NOUNS_TOO and _subject_near(scene, trigger)):
        return True
    start, end = max(scene.sentence.start, trigger.start - 18), len(head.rstrip())
    word = scene.text[start : start + end].rpartition(" ")[2]
    named = word[:1].isupper() if verb not in _NOUNS_TOO else word.isupper()  # "the Ministerial level", "the RSF hold"
    if named or (word.endswith("s") and not word.endswith(("ss", "us", "is"))):
        return True
    # "families in the ruined quarter need shelter": the subject stands before the words of place
    return verb not in _NOUNS_TOO and any(
        p.end < trigger.start and is_preposed(scene.low, trigger.start, p.end) for p in scene.participants
    )


def is_determined(scene: Scene, trigger: Hit) -> bool:
    """Whether an article or possessive stands right before."""
    return bool(_ING_NOUN.search(scene.low[max(scene.sentence.start, trigger.start - 18) : trigger.start]))


def _subject_near(scene: Scene, trigger: Hit) -> bool:
    """Whether a named or known noun stands right before: the subject of a verb in its base form."""
    if trigger.start - scene.sentence.start < 2:
        return False
    if any(0 < trigger.start - p.end <= 1 for p in scene.participants):
        return True
    return any(0 < trigger.start - p.end <= 1 for p in scene.places)


def _has_have(scene: Scene, trigger: Hit, rules: ClaimRules) -> bool:
    have = rules.bits["have"]
    return bool(scene.mask & have) and any(h.mask & have and 0 <= trigger.start - h.end <= 16 for h in scene.hits)


def _with_list(scene: Scene, chosen: int, left: bool, floor: int, ceiling: int) -> tuple[Participant, ...]:
    """A participant and those listed with it, in order of the text."""
    people = scene.participants
    first = last = chosen
    while first > 0 and people[first - 1].start >= floor and listed(scene.low, people[first - 1], people[first]):
        first -= 1
    if not left:
        while last + 1 < len(people) and people[last + 1].end <= ceiling and listed(scene.low, people[last], people[last + 1]):
            last += 1
        first = chosen
    return tuple(people[first : last + 1])


def _before(scene: Scene, trigger: Hit, floor: int) -> tuple[Participant, ...]:
    """The subject before a trigger: the nearest participant that no preposition governs."""
    fallback = -1
    people = scene.participants
    for at in range(len(people) - 1, -1, -1):
        person = people[at]
        if person.end > trigger.start:
            continue
        if person.start < floor or trigger.start - person.end > _FAR:
            break
        word = is_preposed(scene.low, person.start, floor)
        if not word:
            return _with_list(scene, at, True, floor, trigger.start)
        if word in ("of", "by") and fallback < 0:
            fallback = at
    return _with_list(scene, fallback, True, floor, trigger.start) if fallback >= 0 else ()


def _subject(scene: Scene, trigger: Hit) -> tuple[Participant, ...]:
    low = scene.low
    left, _ = scene.clause(trigger.start, trigger.end)
    floor = scene.sentence.start
    head = low[max(floor, trigger.start - 18) : trigger.start]
    if _AND_BEFORE.search(head):  # "shelled the town and attacked ...": the verb before has the subject
        earlier = next(
            (h for h in reversed(scene.hits) if h.uses and h.end < trigger.start - 1 and any(u.form & VERBAL for u in h.uses)), None
        )
        if earlier is not None and (found := _before(scene, earlier, floor)):
            return found
    if found := _before(scene, trigger, left):
        return found
    opener = scene.opener(left)
    if opener in ("who", "which", "that", "where", "whose"):
        return _before(scene, trigger, floor)
    for person_at, person in enumerate(scene.participants):  # the main clause's subject
        if person.end <= left and not is_preposed(low, person.start, floor):
            return _with_list(scene, person_at, False, floor, left)
    return _before(scene, trigger, floor)


def _after(scene: Scene, trigger: Hit, allowed: tuple[str, ...]) -> tuple[Participant, ...]:
    """The first participant after a trigger in its clause, unless a preposition other than `allowed` governs it."""
    _, right = scene.clause(trigger.start, trigger.end)
    for at, person in enumerate(scene.participants):
        if person.start < trigger.end:
            continue
        if person.start - trigger.end > _REACH or person.start >= right:
            break
        word = is_preposed(scene.low, person.start, trigger.end)
        if word and word not in allowed:
            if word == "by":
                break
            continue
        return _with_list(scene, at, False, trigger.end, scene.sentence.end)
    return ()


def _by(scene: Scene, trigger: Hit) -> tuple[Participant, ...]:
    for at, person in enumerate(scene.participants):
        if person.start < trigger.end:
            continue
        if person.start - trigger.end > _FAR:
            break
        if _BY.search(scene.low[trigger.end : person.start]):
            return _with_list(scene, at, False, trigger.end, scene.sentence.end)
    return ()


def _modifier(scene: Scene, trigger: Hit) -> tuple[Participant, ...]:
    """Whoever stands right before a noun trigger: "Israeli airstrikes", "the group's attack"."""
    for at in range(len(scene.participants) - 1, -1, -1):
        person = scene.participants[at]
        if person.end > trigger.start:
            continue
        gap = scene.low[person.end : trigger.start]
        if len(gap) <= 24 and _ADJECTIVE_GAP.fullmatch(gap) and " and " not in gap:
            return (person,)
        break
    return ()


def assign_roles(scene: Scene, trigger: Hit, form: int, rules: ClaimRules) -> Roles:
    """Agents and patients of one trigger."""
    if form & VERBAL:
        if is_passive(scene, trigger, form, rules):
            left, _ = scene.clause(trigger.start, trigger.end)
            patients = _before(scene, trigger, left) or _subject(scene, trigger)
            return Roles(_by(scene, trigger), patients, True)
        return Roles(_subject(scene, trigger), _after(scene, trigger, ("of", "against", "on", "at", "into", "between", "for")))
    agents = _by(scene, trigger) or _modifier(scene, trigger)
    patients = _after(scene, trigger, ("of", "on", "against", "at", "between", "with", "targeting", "from"))
    if not agents and not (form & Form.NOUN and scene.low.startswith((" by", " of"), trigger.end)):
        agents = _noun_agent(scene, trigger)
    return Roles(agents, tuple(p for p in patients if p not in agents))


def _noun_agent(scene: Scene, trigger: Hit) -> tuple[Participant, ...]:
    """The subject of the verb that governs a noun trigger: "rebels carried out an attack", "police staged a raid"."""
    left, _ = scene.clause(trigger.start, trigger.end)
    gap_floor = max(left, trigger.start - 60)
    for at in range(len(scene.participants) - 1, -1, -1):
        person = scene.participants[at]
        if person.end > trigger.start:
            continue
        if person.end < gap_floor:
            break
        if not is_preposed(scene.low, person.start, left) and _LIGHT_VERB.search(scene.low[person.end : trigger.start]):
            return _with_list(scene, at, True, left, trigger.start)
    return ()
