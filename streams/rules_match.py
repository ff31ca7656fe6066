"""Which rules' conditions an article version meets, and in which sentence. Pure; only sentences that an edit added count.

A unit is what a condition is tested against: a claim with its actors and places, a mention by itself, a phrase found; for rules with
`together: sentence` all of a sentence. Rules are looked up by the facts of a unit (`streams.rules_conditions`), never one by one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeVar

from streams.matcher import Matcher
from streams.rules_conditions import Facts, Test, phrase_fact
from tocsin.fold import fold
from tocsin.records import Claim, Clustered, Mention, Named, Sentence, Tagged
from tocsin.sketch import sentence_hash

K = TypeVar("K")
LIKELY = 0.5  # a claim below this confidence is unsure
SCOPES = frozenset({"title", "body", "quote"})  # never bios, comments, captions or related-story boxes


class Ready(NamedTuple):
    """A rule's condition made ready."""

    rule_id: str
    test: Test
    together: str  # claim or sentence
    unsure: bool
    of_claims: bool  # only a claim can meet it


class Unit(NamedTuple):
    """What was tested, and where it stands."""

    text: str  # of the field
    span: tuple[int, int]  # of the words that made it
    sentence: tuple[int, int]
    sure: bool
    claim: Claim | None
    named: tuple[Named, ...]  # offsets in the field


class Met(NamedTuple):
    """A rule's condition and the best unit that meets it."""

    rule_id: str
    unit: Unit
    facts: tuple[str, ...]  # of those the condition looks for, the ones found


class Matches(NamedTuple):
    """Everything met in one article version."""

    met: tuple[Met, ...] = ()  # one a rule, in order of rules
    by_claim: Mapping[str, tuple[str, ...]] = {}  # claim id -> rules
    by_mention: Mapping[tuple[bool, int, str], tuple[str, ...]] = {}  # (in the title, start, entity id) -> rules


class Conditions:
    """All conditions, looked up by the facts without which they cannot hold."""

    def __init__(self, ready: Iterable[Ready], phrases: Iterable[str]) -> None:
        """`phrases`: everything that conditions look for in the text."""
        every = list(ready)
        self.order = {one.rule_id: number for number, one in enumerate(every)}
        self._claims = _Index([one for one in every if one.together == "claim"])
        self._mentions = any(not one.of_claims for one in every)
        self._sentences = _Index([one for one in every if one.together == "sentence"])
        wanted = list(dict.fromkeys(phrases))
        self._phrases = Matcher([(phrase, phrase) for phrase in wanted]) if wanted else None

    def __bool__(self) -> bool:
        return bool(self.order)

    def matches(self, tagged: Tagged, clustered: Clustered) -> Matches:
        """Test every unit of a version. History ("taken in 2014") meets nothing."""
        if not self.order:
            return Matches()
        best: dict[str, tuple[tuple[bool, bool, bool], Met]] = {}
        by_claim: dict[str, list[str]] = {}
        by_mention: dict[tuple[bool, int, str], list[str]] = {}
        known = frozenset(clustered.known_sentences)

        def meet(ready: Ready, unit: Unit, facts: Facts) -> None:
            value = (unit.sure, unit.claim is not None, unit.sentence == (0, 0))
            held = best.get(ready.rule_id)
            if held is None or value > held[0]:
                best[ready.rule_id] = value, Met(ready.rule_id, unit, tuple(sorted(ready.test.facts.intersection(facts))))

        for field in _fields(tagged, known, self._phrases):
            for unit, sure, every in field.units(mentions=self._mentions):
                if sure or every:
                    for ready in self._claims.candidates(every):
                        if (unit.claim is None and ready.of_claims) or not ready.test.holds(every if ready.unsure else sure):
                            continue
                        meet(ready, unit, every)
                        if unit.claim is not None:
                            by_claim.setdefault(unit.claim.claim_id, []).append(ready.rule_id)
                        elif unit.named:
                            by_mention.setdefault((field.title, unit.span[0], unit.named[0].entity_id), []).append(ready.rule_id)
            if self._sentences:
                for unit, sure, every in field.whole_sentences():
                    for ready in self._sentences.candidates(every):
                        if ready.test.holds(every if ready.unsure else sure):
                            meet(ready, unit, every)
                            for claim in field.claims_in(unit.sentence):
                                by_claim.setdefault(claim.claim_id, []).append(ready.rule_id)
        met = sorted((one for _, one in best.values()), key=lambda one: self.order[one.rule_id])
        return Matches(tuple(met), _fixed(by_claim), _fixed(by_mention))


class _Index:
    """Conditions by anchor: of those that a condition has, the one that fewest others share."""

    def __init__(self, every: list[Ready]) -> None:
        self._by_fact: dict[str, list[Ready]] = {}
        self._always = [ready for ready in every if not ready.test.anchors]
        shared = Counter(fact for ready in every for anchor in ready.test.anchors for fact in anchor)
        for ready in every:
            for fact in min(ready.test.anchors, key=lambda anchor: max(shared[fact] for fact in anchor), default=()):
                self._by_fact.setdefault(fact, []).append(ready)

    def __bool__(self) -> bool:
        return bool(self._by_fact or self._always)

    def candidates(self, facts: Facts) -> Iterable[Ready]:
        """Those that could hold, each once."""
        if not self._by_fact:
            return self._always
        hits = self._by_fact.keys() & facts
        if not hits:
            return self._always
        if len(hits) == 1 and not self._always:
            return self._by_fact[next(iter(hits))]
        return list({ready.rule_id: ready for fact in hits for ready in self._by_fact[fact]}.values()) + self._always


class _Field:
    """Title or body: its units."""

    def __init__(
        self,
        text: str,
        parts: tuple[tuple[Mention, ...], tuple[Claim, ...], tuple[Sentence, ...]],
        document: Facts,
        known: frozenset[str],
        phrases: Matcher[str] | None,
        *,
        title: bool,
    ) -> None:
        self.text, self.title, self._document = text, title, document
        mentions, claims, sentences = parts
        self._spans = [(s.start, s.end) for s in sentences if s.scope in SCOPES]
        if known:
            self._spans = [span for span in self._spans if sentence_hash(text[span[0] : span[1]]) not in known]
        self._mentions = [m for m in mentions if m.scope in SCOPES]
        self._claims = [c for c in claims if not c.background]
        self._by_id = {m.mention_id: m for m in mentions}
        self._facts: dict[str, frozenset[str]] = {}
        self._phrases = phrases

    @cached_property
    def _found(self) -> list[tuple[int, int, str]]:
        if self._phrases is None:
            return []
        return [(match.start, match.end, match.payload) for match in self._phrases.find_all(fold(self.text))]

    def _in(self, start: int) -> tuple[int, int] | None:
        """The fresh sentence in which something begins."""
        low, high = 0, len(self._spans)
        while low < high:
            middle = (low + high) // 2
            if self._spans[middle][1] <= start:
                low = middle + 1
            else:
                high = middle
        return self._spans[low] if low < len(self._spans) and self._spans[low][0] <= start else None

    def units(self, *, mentions: bool = True) -> Iterator[tuple[Unit, Facts, Facts]]:
        """(unit, facts that are sure, all facts). `mentions`: also what is no claim."""
        texts: dict[tuple[int, int], set[str]] = {}
        for start, end, phrase in self._found:
            sentence = self._in(start)
            if sentence is not None:
                texts.setdefault(sentence, set()).add(phrase_fact(phrase))
                words = {phrase_fact(phrase), *self._document}
                yield Unit(self.text, (start, end), sentence, True, None, ()), words, words
        for mention in self._mentions if mentions else ():
            sentence = self._in(mention.start)
            if sentence is not None:
                facts = self._of_mention(mention) | self._document | texts.get(sentence, _NONE)
                unit = Unit(self.text, (mention.start, mention.end), sentence, mention.sure, None, (_named(mention),))
                yield unit, facts if mention.sure else _NONE, facts
        for claim in self._claims:
            sentence = self._in(claim.trigger.start)
            if sentence is not None:
                yield self._of_claim(claim, sentence, texts.get(sentence, _NONE))

    def _of_mention(self, mention: Mention) -> frozenset[str]:
        facts = self._facts.get(mention.entity_id)
        if facts is None:
            if mention.kind == "actor":
                facts = frozenset((f"actor:{mention.entity_id}", f"actor_type:{mention.type}"))
            else:
                facts = frozenset(f"place:{place}" for place in (mention.entity_id, *mention.parent_ids))
            self._facts[mention.entity_id] = facts
        return facts

    def _of_claim(self, claim: Claim, sentence: tuple[int, int], texts: Facts) -> tuple[Unit, Facts, Facts]:
        likely = claim.confidence >= LIKELY
        sure: set[str] = {*self._document, *texts, *claim_facts(claim)}
        every = set(sure)
        named: list[Named] = []
        for actor in claim.actors:
            if actor.entity_id:
                known = {f"actor:{actor.entity_id}", f"actor_type:{actor.actor_type}"}
                mention = self._by_id.get(actor.mention_id or "")
                if mention is not None:
                    known |= self._of_mention(mention)
                    named.append(_named(mention))
                every |= known
                if mention is not None and mention.sure:
                    sure |= known
        for place in claim.places:
            known = {f"place:{one}" for one in (place.entity_id, *place.parent_ids)}
            mention = self._by_id.get(place.mention_id or "")
            if mention is not None:
                named.append(_named(mention))
            every |= known
            if mention is not None and mention.sure:
                sure |= known
        span = (claim.trigger.start, claim.trigger.end)
        named.append(Named(start=span[0], end=span[1], name=claim.subtype or claim.type))
        return Unit(self.text, span, sentence, likely, claim, tuple(named)), sure if likely else _NONE, every

    def whole_sentences(self) -> Iterator[tuple[Unit, Facts, Facts]]:
        """All of a sentence together; what stands for it is its first claim, else its first mention."""
        joined: dict[tuple[int, int], list[tuple[Unit, Facts, Facts]]] = {}
        for one in self.units():
            joined.setdefault(one[0].sentence, []).append(one)
        for parts in joined.values():
            sure: set[str] = set().union(*(part[1] for part in parts))
            every: set[str] = set().union(*(part[2] for part in parts))
            first = next((unit for unit, _, _ in parts if unit.claim is not None), parts[0][0])
            named = tuple(dict.fromkeys(name for unit, _, _ in parts for name in unit.named))
            yield first._replace(named=named, sure=bool(sure)), sure, every

    def claims_in(self, sentence: tuple[int, int]) -> list[Claim]:
        """Claims that begin in a sentence."""
        return [claim for claim in self._claims if sentence[0] <= claim.trigger.start < sentence[1]]


def claim_facts(claim: Claim) -> set[str]:
    """What a claim says of itself."""
    facts = {f"claim:{claim.type}", f"modality:{claim.modality}", f"polarity:{claim.polarity}"}
    if claim.subtype:
        facts.add(f"claim:{claim.type}/{claim.subtype}")
    said = claim.attribution
    facts.add(f"said_by_kind:{said.kind if said else 'author'}")
    if said is not None:
        facts.update(f"said_by:{one}" for one in (said.source_id, said.affiliated_with) if one)
    return facts


def _fields(tagged: Tagged, known: frozenset[str], phrases: Matcher[str] | None) -> Iterator[_Field]:
    article = tagged.article
    title = article.title or ""
    document = frozenset((f"lang:{tagged.lang}", f"source:{article.source_id}"))
    whole = (Sentence(start=0, end=len(title), scope="title"),)
    yield _Field(title, (tagged.title_mentions, tagged.title_claims, whole), document, known, phrases, title=True)
    yield _Field(article.text, (tagged.mentions, tagged.claims, tagged.sentences), document, known, phrases, title=False)


def _named(mention: Mention) -> Named:
    return Named(start=mention.start, end=mention.end, name=mention.name, entity_id=mention.entity_id)


def _fixed(found: Mapping[K, list[str]]) -> dict[K, tuple[str, ...]]:
    return {key: tuple(dict.fromkeys(rules)) for key, rules in found.items()}


_NONE: frozenset[str] = frozenset()
