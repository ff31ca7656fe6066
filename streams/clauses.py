"""One sentence as the claim rules see it: words they know, who and what is named, and where its clauses break."""

import re
from collections.abc import Container, Mapping, Sequence

from msgspec import Struct

from streams.claim_rules import ClaimRules, Hit
from streams.numbers import Number
from streams.times import TimeSpan
from tocsin.records import Mention, Sentence

__all__ = ["Participant", "Scene", "is_preposed", "make_scene"]

# A new clause may begin after these. Commas inside dates and lists are sorted out by `Scene.clause`.
_BREAK = re.compile(
    r"[;:!?,()\"“”\s](?:(?<=[;:!?,])\s+|(?<=[()\"“”])|(?<=\s)(?:[–—-]+\s"  # one class in front: sought twice as fast
    r"|(?:which|who|whose|whom|where|when|while|whereas|after|before|because|although|though"
    r"|unless|until|since|as|amid|but|so that|that|if)\s))"
)
_SOFT = frozenset((",",))
_PREPOSED = re.compile(
    r"(?:in|at|without|despite|near|from|to|with|against|on|during|around|towards?|across|into|inside|outside|for|over|under|between|among|amid)$"
)
_OF = (" of ", " of the ", " from ", " from the ", " belonging to ")
_OPPOSED = ("anti-", "anti ")  # "anti-government protesters" are no government
_LIST_GAP = re.compile(r"\s*(?:,|,? and|,? or|,? as well as|along with|,? alongside|/|&)\s*(?:the |a |an |other |\w+ )?$")


class Participant(Struct, frozen=True, gc=False):
    """Somebody named or described: a mention, a known noun, or both."""

    start: int
    end: int
    mask: int
    mention: Mention | None


class Scene(Struct, eq=False):
    """A sentence with everything found in it; positions are code points of the whole text."""

    sentence: Sentence
    index: int
    text: str  # the whole text
    low: str  # the same, lower case, of the same length
    hits: Sequence[Hit]
    participants: list[Participant]
    places: Sequence[Mention]
    numbers: Sequence[Number]
    times: Sequence[TimeSpan]
    breaks: list[tuple[int, int, str]] = []  # (end of the clause before, start of the next, word)
    mask: int = 0  # all classes in it
    spots: list[tuple[int, int, int]] = []  # start, end and classes of every word and participant
    clauses: dict[tuple[int, int], tuple[int, int]] = {}  # span -> its clause

    def clause(self, start: int, end: int) -> tuple[int, int]:
        """The clause around [start, end): between the nearest breaks. Sought once: each trigger asks several times."""
        known = self.clauses.get((start, end))
        if known is None:
            known = self.clauses[start, end] = self._clause(start, end)
        return known

    def _clause(self, start: int, end: int) -> tuple[int, int]:
        left, right = self.sentence.start, self.sentence.end
        for stop, begin, _ in self.breaks:
            if begin <= start:
                left = begin
            elif stop >= end:
                right = stop
                break
        return left, right

    def opener(self, clause_start: int) -> str:
        """The word that opens the clause: "which", "," or "" at the sentence's start."""
        for _, begin, word in self.breaks:
            if begin == clause_start:
                return word
        return ""

    def between(self, start: int, end: int) -> list[Hit]:
        """Hits that lie in [start, end)."""
        return [hit for hit in self.hits if hit.start >= start and hit.end <= end]


def is_preposed(low: str, start: int, floor: int) -> str:
    """The preposition that governs the noun phrase before `start`, or ""."""
    words = low[max(floor, start - 32) : start].split()
    for word in words[:-5:-1]:
        if word[-1] in ",;:" or word in ("and", "who", "which", "that"):
            return ""
        if word == "of" or word == "by" or _PREPOSED.fullmatch(word):
            return word
    return ""


def _participants(
    low: str, actors: Sequence[Mention], hits: Sequence[Hit], rules: ClaimRules, places: Sequence[Mention]
) -> list[Participant]:
    """Mentions and known nouns of a sentence, touching ones merged ("Taliban" + "fighters"), in order."""
    pieces = [Participant(m.start, m.end, rules.actor_bits.get(m.type, 0), m) for m in actors]
    pieces += [
        Participant(h.start, h.end, h.mask & rules.entity_mask, None)
        for h in hits
        if h.mask & rules.entity_mask and not low.startswith(_OPPOSED, h.start - 5)
    ]
    if not pieces:
        return pieces
    pieces.sort(key=lambda p: (p.start, -p.end))
    taken = [(p.start, p.end) for p in places]
    merged: list[Participant] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last is not None and piece.start <= last.end + 1:
            mention = last.mention or piece.mention
            if last.mention and piece.mention and piece.start > last.start and not last.mention.entity_id.startswith(("cty:", "gov:")):
                mention = last.mention
            elif last.mention and piece.mention and piece.end > last.end:
                mention = piece.mention
            merged[-1] = Participant(last.start, max(last.end, piece.end), last.mask | piece.mask, mention)
        elif last is not None and last.mention is None and piece.mention is not None and low[last.end : piece.start] in _OF:
            merged[-1] = Participant(last.start, piece.end, last.mask | piece.mask, piece.mention)  # "fighters of the group"
        elif piece.mention is None and taken and any(s <= piece.start and piece.end <= e for s, e in taken):
            continue
        else:
            merged.append(piece)
    return merged


_NAME = re.compile(r"[A-Z](?<=[a-z\d,] .)[\w'’-]+")
_NO_NAME_WORDS = (
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November "
    "December"
)
_NO_NAME = frozenset(_NO_NAME_WORDS.split())
_FEW = 0.4  # share of capitalised words above which capitals mean nothing (titles)


def _unknown_names(sentence: Sentence, text: str, known: Sequence[Mention]) -> list[tuple[int, int]]:
    """Capitalised words inside a sentence that no lexicon knows: names of something, perhaps of a place."""
    spans = [m.span() for m in _NAME.finditer(text, sentence.start, sentence.end) if m.group() not in _NO_NAME]
    if not spans:
        return spans
    for m in known:
        start, end = m.start, m.end
        for span in spans:
            if start < span[1] and span[0] < end:
                spans = [(s, e) for s, e in spans if e <= start or s >= end]
                break
    if not spans:
        return spans
    words = text[sentence.start : sentence.end].split()
    return spans if sum([word[0].isupper() for word in words]) <= 2 + _FEW * len(words) else []


def _start(hit: Hit) -> int:
    return hit.start


def make_scene(
    sentence: Sentence,
    index: int,
    text: str,
    low: str,
    hits: Sequence[Hit],
    actors: Sequence[Mention],
    places: Sequence[Mention],
    numbers: Sequence[Number],
    times: Sequence[TimeSpan],
    rules: ClaimRules,
) -> Scene:
    """The scene of one sentence; the sequences hold only what lies in it."""
    participants = _participants(low, actors, hits, rules, places)
    named = [*actors, *places]
    bits = rules.bits
    extra = [Hit(p.start, p.end, bits["place"], ()) for p in places]
    extra += [Hit(n.start, n.end, bits["count"], ()) for n in numbers if n.unit in ("person", "household", "fighter")]
    extra += [Hit(start, end, bits.get("name", 0), ()) for start, end in _unknown_names(sentence, text, named)]
    if extra:
        hits = sorted([*hits, *extra], key=_start)
    scene = Scene(sentence, index, text, low, hits, participants, places, numbers, times)
    covered: list[tuple[int, int]] | None = None  # names and dates; most sentences have no comma in need of them
    breaks = scene.breaks
    for match in (rules.breaks or _BREAK).finditer(low, sentence.start, sentence.end):
        at, end = match.span()
        word = match.group().strip()
        if word == ",":
            if covered is None:
                covered = [(m.start, m.end) for m in named] + [(t.start, t.end) for t in times]
                lists = [({m.end for m in kind}, {m.start: m.end for m in kind}) for kind in (actors, places)]
            if _within(covered, at, end) or any(_lists(low, at, end, *kind, hits, rules) for kind in lists):
                continue  # inside a name or date, or between the members of a list
        elif word in _HALF_BREAKS and not low[end : end + 1].isalnum():
            continue
        # "which": the clause begins with the word itself; a comma stays with the clause before
        breaks.append((at, end if not word.isalpha() else at + 1, word))
    spots = [(hit.start, hit.end, hit.mask) for hit in hits if hit.mask]
    spots += [(p.start, p.end, p.mask) for p in participants if p.mention is not None]
    mask = 0
    for _, _, classes in spots:
        mask |= classes
    scene.mask = mask
    scene.spots = spots
    return scene


_SPEAKING = 24  # characters between a name and its verb of speech


def _lists(low: str, at: int, end: int, ends: Container[int], starts: Mapping[int, int], hits: Sequence[Hit], rules: ClaimRules) -> bool:
    """Whether a comma parts two actors or two places of a list; "in Goma, Oxfam said", "the army, Oxfam said" begin a clause."""
    if at not in ends:
        return False
    stop = starts.get(end) or starts.get(end + 4)
    if stop is None:
        return False
    speech = rules.bits.get("say", 0) | rules.bits.get("claim", 0) | rules.bits.get("warn", 0) | rules.bits.get("deny", 0)
    return not any(
        hit.mask & speech and 0 < hit.start - stop <= _SPEAKING and "," not in low[stop : hit.start] for hit in hits if hit.start > stop
    )


_HALF_BREAKS = ("that", "since", "as")  # these open a clause only before a word


def _within(spans: Sequence[tuple[int, int]], at: int, end: int) -> bool:
    for start, stop in spans:  # noqa: SIM110  # called for every comma: no generators
        if start < at and end < stop:
            return True
    return False


def listed(low: str, left: Participant, right: Participant) -> bool:
    """Whether two participants stand side by side in one list ("the army and the police")."""
    gap = low[left.end : right.start]
    return len(gap) < 30 and bool(_LIST_GAP.fullmatch(gap))
