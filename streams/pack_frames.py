"""Who says so, for the language packs: frames around verbs of speech and phrases of source, cues from their words.yaml.

"X said that ..." and "X announced the death of ...": the words after the verb. "..., said X", "as X said", "according to X": the whole
sentence. A frame never reaches into the next sentence.
"""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from streams.attribution import Frame, frame_kind, frame_modality
from streams.claim_rules import ClaimRules, Hit
from streams.clauses import Participant, Scene

__all__ = ["pack_frames"]

_TO_THAT = 150  # characters from a verb of speech to its "that"
_SOURCE = 70  # characters from a verb of speech to the source after it
_AS_SAID = 32  # characters from "as" to its verb
_COLON = re.compile(r"[:«\"]")
_CLOSED = re.compile(r"[,،\"»”)—–-]\s*$")
_ABOUT = re.compile(r"\s*(?:о|об|обо|про)\s")
_TAIL_DASH = re.compile(r"\s[–—-]\s+$")
_QUOTED = re.compile(r'(?:[\w-]+ )?"[^"]{2,40}"\s*$')  # a name in quotation marks, which part clauses
_HEAD = 60  # characters of a headline up to the colon after its source
_WORDS = 8  # of an unnamed source


def pack_frames(scene: Scene, rules: ClaimRules, speakers: Sequence[Frame]) -> list[Frame]:
    """Every frame of a sentence, in order. `speakers`: whom a verb without a source may mean, the last first."""
    bits = rules.bits
    found = _heads(scene, rules) or _tails(scene, rules)
    if not scene.mask & (bits["speech"] | bits["according"] | bits["hearsay"]):
        return found
    for hit in scene.hits:
        if any(p.mention is not None and p.start <= hit.start and hit.end <= p.end for p in scene.participants):
            continue  # a word of a name
        if hit.mask & bits["according"]:
            found.append(_according(scene, hit, rules))
        elif hit.mask & bits["hearsay"]:
            found.append(_hearsay(scene, hit, rules))
        elif hit.mask & bits["speech"]:
            found.append(_verbal(scene, hit, rules, speakers))
    denials = [frame for frame in found if frame.denies and not frame.nominal]
    if not denials:
        return found
    kept = []
    for frame in found:
        denied = any(
            d is not frame and d.verb_start < frame.scope_start and d.scope_start <= frame.verb_start < d.scope_end for d in denials
        )
        if not (denied and frame.nominal):  # "denied reports of": the denial speaks of the words themselves
            kept.append(replace(frame, denies=True) if denied else frame)
    return kept


def _tails(scene: Scene, rules: ClaimRules) -> list[Frame]:
    """The source that closes a headline: "12 dead - governor"."""
    start, end = scene.sentence.start, scene.sentence.end
    for person in scene.participants:
        dash = _TAIL_DASH.search(scene.low, max(start, person.start - 8), person.start)
        if dash and dash.start() > start and not scene.low[person.end : end].strip(" .!\n"):
            verb = Hit(dash.start(), dash.end(), 0, ())
            return [_frame(scene, rules, verb, person.start, person.end, (start, dash.start()), person, None)]
    return []


def _heads(scene: Scene, rules: ClaimRules) -> list[Frame]:
    """The source of a headline: "Ministry: 12 dead"."""
    start, end = scene.sentence.start, scene.sentence.end
    colon = scene.low.find(": ", start, min(end, start + _HEAD))
    if colon < 0 or any(h.uses for h in scene.hits if h.end <= colon):
        return []
    source = _source(scene, start, colon, False)
    if source is None or any(h.mask & rules.bits["speech"] for h in scene.hits if h.end <= colon):
        return []
    verb = Hit(colon, colon + 1, 0, ())
    return [_frame(scene, rules, verb, start, colon, (colon + 1, end), source, None)]


def _source(scene: Scene, start: int, end: int, last: bool) -> Participant | None:
    people = [p for p in scene.participants if p.start >= start and p.end <= end]
    people = [p for p in people if p.mention is not None] or people
    return (people[-1] if last else people[0]) if people else None


def _words(scene: Scene, start: int, end: int) -> str | None:
    words = scene.text[start:end].strip(" .,،;:\"'“”«»()—–-\n").split()
    return " ".join(words[:_WORDS]) or None if len(words) <= _WORDS else None


def _trigger_after(scene: Scene, start: int, end: int) -> int:
    """Where the first trigger in [start, end) begins, else `end`."""
    return next((h.start for h in scene.hits if h.uses and start <= h.start < end), end)


def _according(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame:
    _, right = scene.clause(hit.start, hit.end)
    right = min(right, hit.end + 110)
    source = _source(scene, hit.end, right, False)
    stop = max(source.end, hit.end) if source is not None else min(right, hit.end + 60)
    return _frame(scene, rules, hit, hit.start, stop, (scene.sentence.start, scene.sentence.end), source, _words(scene, hit.end, stop))


def _hearsay(scene: Scene, hit: Hit, rules: ClaimRules) -> Frame:
    left, right = scene.clause(hit.start, hit.end)
    that = _that(scene, hit, rules)
    scope = (that.end, scene.sentence.end) if that is not None else (left, max(right, hit.end))
    if that is None and scene.low.startswith(",", hit.end):  # "by unconfirmed reports, ..."
        scope = (left, max(right, scene.clause(hit.end + 2, hit.end + 3)[1]))
    if scene.low[hit.start : hit.end].endswith(("عن", "ان", "بان", " о", " об", " по")):
        scope = (hit.end, scene.sentence.end)
    frame = _frame(scene, rules, hit, hit.start, hit.end, scope, None, scene.text[hit.start : hit.end])
    denies, refuted = bool(hit.mask & rules.bits["deny"]), rules.bits.get("refuted", 0)
    if scene.mask & refuted and any(h.mask & refuted and h.start > hit.start for h in scene.hits):
        denies = True
    return replace(frame, nominal=denies or (that is None and not hit.mask & rules.bits["claim"]), denies=denies, anonymous=True)


def _that(scene: Scene, hit: Hit, rules: ClaimRules) -> Hit | None:
    mask = rules.bits["that"]
    if not scene.mask & mask:
        return None
    for other in scene.hits:
        if other.start >= hit.end and other.mask & rules.bits["speech"]:
            return None
        if other.start >= hit.end and other.mask & mask:
            return other if other.start - hit.end <= _TO_THAT else None
    return None


def _verbal(scene: Scene, hit: Hit, rules: ClaimRules, speakers: Sequence[Frame]) -> Frame:
    bits, sentence, low = rules.bits, scene.sentence, scene.low
    left, right = scene.clause(hit.start, hit.end)
    whole = (sentence.start, sentence.end)
    as_said = next((h for h in scene.hits if h.mask & bits["as_said"] and 0 <= hit.start - h.end <= _AS_SAID), None)
    that = _that(scene, hit, rules)
    first = _trigger_after(scene, hit.end, sentence.end)
    if as_said is not None and not (that is not None and that.start < first):
        stop = min(right, max(hit.end + _SOURCE, hit.end)) if first >= right else min(right, first)
        source = _source(scene, as_said.start, stop, False)
        stop = max(hit.end, source.end if source is not None else min(stop, hit.end + 40))
        return _frame(scene, rules, hit, as_said.start, stop, whole, source, _words(scene, hit.end, stop))
    limit = min(that.start if that is not None else sentence.end, first, hit.end + _SOURCE)
    colon = _COLON.search(low, hit.end, limit)
    limit = colon.start() if colon else limit
    after = _source(scene, hit.end, min(limit, sentence.end), False)
    before = _source(scene, left, hit.start, True)
    told = rules.lang == "ru" and _ABOUT.match(low, left) is not None and hit.start - left > len("об этом ")
    source = (after or before) if rules.lang == "ar" or told else (before or after)
    start = min(hit.start, source.start) if source is not None else left if rules.lang == "ru" else hit.start
    stop = max(hit.end, source.end if source is not None else hit.end)
    words = _words(scene, hit.end, limit) if rules.lang == "ar" else _words(scene, left, hit.start)
    closing = left > sentence.start and _CLOSED.search(low, max(sentence.start, left - 4), hit.start) is not None
    earlier = any(h.uses and sentence.start <= h.start < hit.start for h in scene.hits)
    if rules.lang == "ar" and low[hit.start] in "وف":  # "..., and X told of ...": a clause of its own
        closing = False
    if (
        closing and that is None and colon is None and (first >= right or (earlier and not _ABOUT.match(low, stop)))
    ):  # "..., said X": what was said stands before
        frame = _frame(scene, rules, hit, min(start, left), max(stop, right), whole, source, words)
    elif told and that is None and colon is None:  # "of the death of X told Y"
        stop = stop if source is not None else right
        frame = _frame(scene, rules, hit, hit.start, stop, whole, source, _words(scene, hit.end, right))
    else:
        scope = (that.end if that is not None and that.start < first else stop, sentence.end)
        frame = _frame(scene, rules, hit, start, max(stop, hit.end), scope, source, words)
    if frame.source_text is None:
        named = _QUOTED.search(low, max(sentence.start, frame.start - 60), hit.start)
        if named is not None:
            frame = replace(frame, start=named.start(), source_text=scene.text[named.start() : named.end()].strip())
            words = frame.source_text
    speaker = next((f for f in speakers if f.source is not None), None)
    if source is None and speaker is not None and not words:
        frame = replace(frame, source=speaker.source, source_text=speaker.source_text, kind=speaker.kind)
    return frame


def _parties(rules: ClaimRules) -> int:
    return rules.bits.get("army", 0) | rules.bits.get("nonstate", 0)


def _frame(
    scene: Scene, rules: ClaimRules, hit: Hit, start: int, end: int, scope: tuple[int, int], source: Participant | None, words: str | None
) -> Frame:
    bits, mask = rules.bits, hit.mask
    mention = source.mention if source is not None else None
    modality: Literal["reported", "claimed", "expected", "possible", "call"] = frame_modality(mention, bool(mask & bits["claim"]), rules)
    if modality == "reported" and source is not None and mention is None and source.mask & _parties(rules):
        modality = "claimed"
    if mask & bits["call"]:
        modality = "call"
    elif mask & bits["foresee"]:
        modality = "expected"
    elif mask & bits["fear"]:
        modality = "possible"
    return Frame(
        start,
        end,
        hit.start,
        scene.low[hit.start : hit.end],
        scope[0],
        scope[1],
        modality,
        bool(mask & bits["deny"]),
        bool(mask & bits["call"]),
        mention,
        scene.text[source.start : source.end] if source is not None else words,
        frame_kind(mention, rules),
        bool(scene.mask & bits["anonymous"]),
    )
