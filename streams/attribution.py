"""Who says so: frames that bring in a source, and how far their words reach.

Prefix ("X said that ..."), suffix ("..., X said"), inserted ("..., X said, ..."), phrase ("according to X"), passive ("it is expected
that"), hearsay ("reportedly"), chains ("X told Y that Z said").
A frame reaches to the end of its sentence (prefix), or over all of it
(suffix, phrase); it never reaches into the next sentence. Cues are data (attribution.yaml).
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Participant, Scene, is_preposed
from tocsin.records import Attribution, Mention

__all__ = ["Frame", "as_attribution", "frame_kind", "frame_modality", "frames_of", "governing"]


class Frame(Struct, frozen=True, gc=False):
    """One attribution in a sentence: its own words [start, end), its verb, and the stretch it covers."""

    start: int
    end: int
    verb_start: int
    verb: str
    scope_start: int
    scope_end: int
    modality: Literal["reported", "claimed", "expected", "possible", "call"] = "reported"
    denies: bool = False
    calls: bool = False
    source: Mention | None = None
    source_text: str | None = None
    kind: str = "unnamed"
    anonymous: bool = False
    nominal: bool = False  # hearsay: covers only its own clause


_TAIL_WORDS = 9  # "..., the spokesman said in a statement on Monday": what may follow the verb of a frame that closes a clause
_INVERTING = frozenset(
    ("said", "says", "added", "adds", "claimed", "claims", "reported", "explained", "noted", "stated", "warned", "announced")
)
_INVERTED = re.compile(r"[,.!?…][\"”’']\s*$|,\s*$")
_SUBORDINATE = re.compile(r"\s*(?:\w+\s+){0,6}?that\b|\s*[:\"“]")
# What may follow the verb of a frame that closes a clause: when, where, how or to whom it was said - no clause of its own.
_CLOSING = re.compile(
    r"\s*(?:[,.;!?)\"”]|$|(?:in|on|at|to|late|early|earlier|during|after|before|by|via|from|through|over|yesterday|today|tonight|later|this"
    r"|last|when|as|while|without|without|adding|citing|quoting|speaking|here|there|again|afterwards|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december|me|us|him|her|them"
    r"|reporters|journalists|afp|reuters|ap|local|state|the associated|the bbc|the newspaper|the news)\b)"
)
_FINDING = frozenset(("find", "finds", "found", "finding", "conclude", "concludes", "concluded", "reckon", "reckons", "reckoned"))
_DATE_TAIL = re.compile(
    r"[\s,]*(?:(?:(?:on|in|at|late|early|earlier)\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day|yesterday|today|earlier)?"
    r"[\s,.]*(?:in a statement|in an interview)?[\s,.]*$"
)
_AUX = re.compile(
    r"(?:\s+(?:has|have|had|also|repeatedly|later|earlier|already|recently|previously|on|\w+day|\w+ly|were|was|is|are"
    r"|who|would|will|could|may|might|further|since|now|then))+$"
)
_LEAD = re.compile(r"^(?:and|but|while|as|however|meanwhile|also|when|where|which|who|that|though|although|because|since)\s+,?\s*")
_KINDS = {
    "government": "government",
    "country": "government",
    "state_military": "government",
    "police": "government",
    "intelligence": "government",
    "media": "media",
    "person": "individual",
    "class": "group",
    "nonstate_armed": "organisation",
    "militia": "organisation",
}
_PASSIVE_MOOD: dict[str, Literal["expected", "possible", "claimed"]] = {
    "expected": "expected",
    "likely": "expected",
    "feared": "possible",
    "alleged": "claimed",
    "claimed": "claimed",
}
_UNTRUE = frozenset(("untrue", "true", "false", "lie", "wrong", "fabrication"))
# Verbs of speech that are nouns as well, and what makes them nouns.
_NOUNS_TOO_WORDS = (
    "state states order record records request note notes document documents show quote report reports claim claims demand demands call "
    "calls comment comments appeal appeals fear fears cause blame estimate estimates"
)
_NOUNS_TOO = frozenset(_NOUNS_TOO_WORDS.split())
_DETERMINERS_WORDS = "the a an of his her its their this that no in by for on with these united islamic or and some to"
_DETERMINERS = frozenset(_DETERMINERS_WORDS.split())
_VERIFIED = re.compile(r"\b(?:verified|confirmed|corroborated|documented) (?:the )?$")  # whoever verifies reports says so
_NO_NEWS = re.compile(r"\bno (?:\w+ )?$")  # "no immediate reports of casualties"
_LATER = re.compile(r"\b(?:after|following|from|in)\b")
_CLOSE_TO = " close to "
_SAID_NOUNS = ("claims", "claim", "reports", "report", "news", "rumours", "rumors", "accus", "alleg")
_BODIES_WORDS = (  # common nouns that speak as "it"
    "ministry army government military police court agency group organisation organization council committee commission office authority "
    "parliament embassy network union party coalition administration regime navy force newspaper broadcaster charity hospital company "
    "movement militia brigade mission institute bureau department federation association observatory"
)
_BODIES = frozenset(_BODIES_WORDS.split())
_PRONOUNS = frozenset(("he", "she", "they", "it"))
_COUNTS = frozenset(
    ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many", "few", "both", "some", "dozens")
)
_PARTIES = frozenset(("nonstate_armed", "militia", "state_military", "coalition"))


def frame_kind(source: Mention | None, rules: ClaimRules) -> str:
    """What kind of source speaks, as in tocsin.records.Attribution."""
    if source is None:
        return "unnamed"
    if source.entity_id == "src:generic-media":
        return "media_generic"
    if source.entity_id in rules.affiliations:
        return "belligerent_media"
    return "group" if source.entity_id.startswith("grp:") else _KINDS.get(source.type, "organisation")


def frames_of(scene: Scene, rules: ClaimRules, speakers: Sequence[Frame]) -> list[Frame]:
    """Every frame of a sentence, in order of its verb. `speakers`: those before, whose sources "he", "she", "it" or "they" may mean."""
    bits = rules.bits
    wanted = bits["say"] | bits["claim"] | bits["deny"] | bits["warn"] | bits["call"] | bits["according"] | bits["passive_say"]
    wanted |= bits["hearsay"] | bits["news_noun"]
    found = _heads(scene, rules)
    if not scene.mask & wanted:
        return found
    for hit in scene.hits:
        mask = hit.mask
        if not mask & wanted or any(p.start <= hit.start and hit.end <= p.end for p in scene.places):
            continue  # "Shan state" says nothing
        if mask & bits["according"]:
            frame = _according(scene, hit, rules)
        elif mask & bits["passive_say"]:
            frame = _passive(scene, hit, rules)
        elif mask & bits["hearsay"]:
            frame = _hearsay(scene, hit)
        elif mask & bits["news_noun"]:
            frame = _news(scene, hit, rules)
        else:
            frame = _verbal(scene, hit, rules, speakers)
        if frame is not None:
            found.append(frame)
    return found


_HEAD = 48  # characters of a source that a colon sets off
_TAIL_DASH = re.compile(r"(?::|\s[–—-])\s+(?:the |a )?$")


def _heads(scene: Scene, rules: ClaimRules) -> list[Frame]:
    """Sources of headlines: "Army: 12 rebels killed", "12 rebels killed: army", "... - police"."""
    low, sentence = scene.low, scene.sentence
    found: list[Frame] = []
    for person in scene.participants:
        lead = max(sentence.start, low.rfind(";", sentence.start, person.start) + 1)
        colon = low[person.end : person.end + 2] in (": ", ':"')
        alone = not low[person.end : sentence.end].strip(" .\n")
        if colon and person.end - lead <= _HEAD:
            scope = (person.end + 1, sentence.end)
        elif alone and _TAIL_DASH.search(low, max(sentence.start, person.start - 12), person.start):
            scope = (sentence.start, person.start - 1)
        else:
            continue
        start = person.start
        found.append(
            Frame(
                start,
                person.end,
                start,
                ":",
                scope[0],
                scope[1],
                frame_modality(person.mention, bool(person.mask & _party_mask(rules)), rules),
                source=person.mention,
                source_text=scene.text[start : person.end],
                kind=frame_kind(person.mention, rules),
            )
        )
    return found


def _party_mask(rules: ClaimRules) -> int:
    return rules.bits.get("nonstate", 0) | rules.bits.get("army", 0)


def _source_at(scene: Scene, start: int, end: int, last: bool) -> Participant | None:
    """The named or described source in [start, end): the last (or first) one that no preposition governs."""
    people = [p for p in scene.participants if p.start >= start and p.end <= end]
    if not people:
        return None
    named = [p for p in people if p.mention is not None] or people
    free = [p for p in named if is_preposed(scene.low, p.start, start) in ("", "of", "by", "from")]
    pool = free or named
    return pool[-1] if last else pool[0]


def _according(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame | None:
    _, right = scene.clause(hit.start, hit.end)
    source = _source_at(scene, hit.end, min(right, hit.end + 110), False)
    stop = source.end if source is not None else min(right, hit.end + 60)
    named = _named(scene, hit.end, min(right, hit.end + 110))
    text = _trim(scene, hit.end, max(stop, named.end if named else 0))
    media = named if named is not None else (source.mention if source else None)
    return Frame(
        hit.start,
        max(stop, media.end if media else 0),
        hit.start,
        scene.low[hit.start : hit.end],
        scene.sentence.start,
        scene.sentence.end,
        frame_modality(media, False, rules),
        False,
        False,
        media,
        text,
        frame_kind(media, rules),
        _anonymous(scene, rules),
    )


def _named(scene: Scene, start: int, end: int) -> Mention | None:
    """The outlet rather than the report, in "a report of the newspaper X"."""
    people = [p.mention for p in scene.participants if p.mention is not None and p.start >= start and p.end <= end]
    media = [m for m in people if m.type == "media"]
    return next(iter(media or people), None)


def frame_modality(source: Mention | None, claims: bool, rules: ClaimRules) -> Literal["reported", "claimed"]:
    """A party to the conflict claims, anybody else reports."""
    party = source is not None and (source.type in _PARTIES or source.entity_id in rules.affiliations)
    return "claimed" if claims or party else "reported"


def _anonymous(scene: Scene, rules: ClaimRules) -> bool:
    return bool(scene.mask & rules.bits["anonymous"])


def _passive(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame:
    word = scene.low[hit.start : hit.end].rsplit(" ", 1)[-1]
    return Frame(
        hit.start,
        hit.end,
        hit.start,
        word,
        hit.end,
        scene.sentence.end,
        _PASSIVE_MOOD.get(word, "reported"),
        denies=word in _UNTRUE,
        nominal=word in _UNTRUE,
        source_text=scene.text[hit.start : hit.end],
        anonymous=_anonymous(scene, rules),
    )


def _hearsay(scene: Scene, hit: Hit) -> Frame:
    left, right = scene.clause(hit.start, hit.end)
    word = scene.low[hit.start : hit.end]
    modality: Literal["reported", "claimed"] = "claimed" if "alleg" in word or "purport" in word else "reported"
    return Frame(hit.start, hit.end, hit.start, word, left, right, modality, nominal=True)


def _news(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame | None:
    word = scene.low[hit.start : hit.end]
    if word.endswith(("sites", "reports")) and any(h.mask & rules.bits["say"] and 0 <= h.start - hit.end <= 3 for h in scene.hits):
        return None  # "news sites report that": the verb makes the frame
    if not word.endswith(("of", "that", "said", "say")) or _VERIFIED.search(
        scene.low, max(scene.sentence.start, hit.start - 16), hit.start
    ):
        return None
    source = next((p.mention for p in scene.participants if p.mention and p.start < hit.end and p.end > hit.start), None)
    none = _NO_NEWS.search(scene.low, max(scene.sentence.start, hit.start - 24), hit.start) is not None
    later = _LATER.search(scene.low, hit.end, scene.sentence.end) if none else None
    return Frame(
        hit.start,
        hit.end,
        hit.start,
        word,
        hit.end,
        later.start() if later is not None else scene.sentence.end,
        denies=none,
        source=source,
        source_text=scene.text[hit.start : hit.end],
        kind="media_generic",
    )


def _trim(scene: Scene, start: int, end: int) -> str:
    return scene.text[start:end].strip(" ,;:\"'“”()\n")


def _verbal(scene: Scene, hit: Hit, rules: ClaimRules, speakers: Sequence[Frame]) -> Frame | None:
    bits = rules.bits
    low, sentence = scene.low, scene.sentence
    left, right = scene.clause(hit.start, hit.end)
    verb = low[hit.start : hit.end]
    subject_start = left
    raw = low[left : hit.start]
    prior = [
        h
        for h in scene.hits
        if left <= h.start < hit.start and h.mask & (bits["say"] | bits["claim"] | bits["warn"] | bits["call"] | bits["deny"])
    ]
    if prior and " that " in low[prior[-1].end : hit.start]:  # a chain inside one clause
        subject_start = prior[-1].end + low[prior[-1].end : hit.start].index(" that ") + 6
        raw = low[subject_start : hit.start]
    lead = _LEAD.match(raw)
    if lead:
        subject_start += lead.end()
        raw = raw[lead.end() :]
    stripped = _AUX.sub("", " " + raw.rstrip()).strip()
    if scene.low[max(0, hit.start - 4) : hit.start] == " to " or hit.end - hit.start < 3 or verb == "counting":
        return None
    if verb in _INVERTING and _INVERTED.search(low[max(sentence.start, hit.start - 4) : hit.start]):
        frame = _inverted(scene, hit, rules)
        if frame is not None:
            return frame
    if _not_speech(scene, low, hit):
        return None
    source = _source_at(scene, subject_start, hit.start, True)
    relative = not stripped or (stripped in ("who", "which", "that", "and") and "WHO" not in scene.text[subject_start : hit.start])
    if relative and source is None:
        source = _source_at(scene, sentence.start, hit.start, True)
        if source is None and hit.start - sentence.start > 3:
            return None
    if source is not None and _CLOSE_TO in stripped:  # "sources close to the army say": not the army
        source = None
    mention = source.mention if source is not None else None
    pronoun = stripped.rpartition(" ")[2]
    again = next((f for f in speakers if _means(pronoun, mention, f)), None) if pronoun in _PRONOUNS else None
    if again is not None:
        mention = again.source
    if source is None and not mention and not stripped:
        return None
    if source is None and mention is None and len(stripped) >= 90:
        return None
    passive = _passive_before(scene, hit, bits["be"])
    if passive:
        return None
    # Where do the words that are said stand? After the verb, unless the frame closes a clause that was said before it.
    follow = low[hit.end : sentence.end]
    before = left > sentence.start and low[max(0, left - 2) : left].rstrip()[-1:] in (",", '"', "”", ")")
    tail = max(right, hit.end)
    rest = sentence.end - tail
    that = _SUBORDINATE.match(follow)
    if verb in _FINDING and not that and not (before and _CLOSING.match(follow)):
        return None  # "found weapons" says nothing
    closing = _CLOSING.match(follow) or (verb == "told" and not any(h.uses for h in scene.hits if h.start >= hit.end))
    if before and not that and closing and len(low[hit.end : tail].split(None, _TAIL_WORDS + 1)) <= _TAIL_WORDS:
        scope = (sentence.start, sentence.end) if rest > 2 or left > sentence.start else (sentence.start, left)
        start, end = subject_start, tail
    else:
        scope = (hit.end, sentence.end)
        start, end = subject_start, hit.end
        if len(follow.strip(" .,\"'”")) < 3 or _DATE_TAIL.fullmatch(follow):
            scope = (sentence.start, left) if left > sentence.start else (sentence.start, sentence.start)
    mask = hit.mask
    denies = bool(mask & bits["deny"])
    calls = bool(mask & bits["call"])
    claims = bool(mask & bits["claim"])
    modality: Literal["reported", "claimed", "expected", "possible", "call"] = "call" if calls else frame_modality(mention, claims, rules)
    if mask & bits["warn"] and verb.startswith(("expect", "predict", "forecast")):
        modality = "expected"
    elif mask & bits["warn"] and verb in ("fear", "feared"):
        modality = "possible"
    if again is not None:
        text = again.source_text
    else:
        text = scene.text[source.start : source.end] if source is not None else _cased(scene, subject_start, hit.start, stripped)
    return Frame(
        start,
        end,
        hit.start,
        verb,
        scope[0],
        scope[1],
        modality,
        denies,
        calls,
        mention,
        text,
        frame_kind(mention, rules),
        _anonymous(scene, rules),
    )


def _means(pronoun: str, mention: Mention | None, speaker: Frame) -> bool:
    """Whether a pronoun that stands for nobody yet may mean the last speaker: no person is "it"."""
    if mention is not None and not mention.entity_id.startswith("coref:"):
        return False
    if pronoun != "it" or speaker.kind not in ("individual", "group", "unnamed"):
        return True
    return (speaker.source_text or "").lower().rpartition(" ")[2] in _BODIES


def _inverted(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame | None:
    """The frame of '"...," said X': the source stands after the verb, the words said before it."""
    _, right = scene.clause(hit.start, hit.end)
    source = _source_at(scene, hit.end, min(right, hit.end + 60), False)
    if source is None or source.start - hit.end > 24:
        return None
    mask = hit.mask
    return Frame(
        hit.start,
        max(source.end, right),
        hit.start,
        scene.low[hit.start : hit.end],
        scene.sentence.start,
        hit.start,
        frame_modality(source.mention, bool(mask & rules.bits["claim"]), rules),
        denies=bool(mask & rules.bits["deny"]),
        source=source.mention,
        source_text=scene.text[source.start : source.end],
        kind=frame_kind(source.mention, rules),
        anonymous=_anonymous(scene, rules),
    )


def _not_speech(scene: Scene, low: str, hit: Hit) -> bool:
    """Nouns and attributes that look like verbs of speech: "claims", "the reported", "state"."""
    before = low[max(0, hit.start - 12) : hit.start].split()
    last = before[-1] if before else ""
    if low[hit.start - 1 : hit.start] == "-":  # "so-called"
        return True
    if low[hit.end - 1] == "s" and (last.isdigit() or last in _COUNTS):  # "two reports"
        return True
    if low[hit.start : hit.end] in _NOUNS_TOO:
        if last in _DETERMINERS or last.endswith(("'s", "ed")):
            return True
        return not (
            low.startswith((" that ", " for ", " on ", ": "), hit.end) or any(0 < hit.start - p.end <= 12 for p in scene.participants)
        )
    return last in ("the", "a", "an", "of", "by", "no")


def _cased(scene: Scene, start: int, end: int, words: str) -> str | None:
    """The words as they stand in the text, from their lower-cased form."""
    at = scene.low.find(words, start, end) if words else -1
    return scene.text[at : at + len(words)] if at >= 0 else None


def _passive_before(scene: Scene, hit: Hit, be: int) -> bool:
    """Whether the verb is passive: "was told" brings in no words of its own."""
    word = scene.low[hit.start : hit.end]
    if not word.endswith("ed") and word not in ("said", "told", "shown", "known"):
        return False
    return any(h.mask & be and 0 < hit.start - h.end <= 12 for h in scene.hits)


def governing(frames: Sequence[Frame], start: int, end: int) -> list[Frame]:
    """The frames whose scope covers [start, end), outermost first; none that the words themselves belong to."""
    covering = [f for f in frames if f.scope_start <= start and end <= f.scope_end and not (f.start <= start < f.end)]
    covering.sort(key=lambda f: (f.nominal, f.scope_start, f.verb_start))
    if len(covering) > 1 and covering[-1].nominal and covering[-1].denies:  # "it is untrue that ..., the brigade said"
        denied = covering.pop()
        covering[-1] = replace(covering[-1], denies=not covering[-1].denies, scope_start=max(covering[-1].scope_start, denied.scope_start))
    if (
        len(covering) > 1
        and covering[-2].denies
        and covering[-1].verb.startswith(_SAID_NOUNS)
        and covering[-1].start <= covering[-2].end + 40
    ):
        covering.pop()  # "the army denied rebel claims that ...": the army says it is not so
    return covering


def as_attribution(frames: Sequence[Frame], text: str, rules: ClaimRules) -> Attribution | None:
    """The record of the frames over one claim: the innermost source speaks, outer ones become the chain."""
    sourced = [f for f in frames if not f.nominal] or list(frames)
    if not sourced:
        return None
    inner = sourced[-1]
    words = text[inner.start : inner.end]
    start = inner.start + len(words) - len(words.lstrip())
    words = words.strip()
    source = inner.source
    chain = tuple(f.source.entity_id if f.source else (f.source_text or "") for f in sourced) if len(sourced) > 1 else ()
    source_id = source.entity_id if source is not None else ("src:generic-media" if inner.kind == "media_generic" else None)
    return Attribution(
        kind=inner.kind,
        source_id=source_id,
        source_text=source.text if source is not None else inner.source_text,
        verb=inner.verb,
        text=words,
        start=start,
        end=start + len(words),
        anonymous=inner.anonymous or (source is None and inner.kind == "unnamed"),
        affiliated_with=rules.affiliations.get(source_id or "") or (source_id if source is not None and source.type in _PARTIES else None),
        chain=chain,
    )
