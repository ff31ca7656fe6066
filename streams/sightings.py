"""Sightings: which subjects an article version brings up, and with which sentence. Pure; what the alert rules watch.

A subject is a place, an actor, or a pair met in one claim: actor and place, actor and claim type, place and claim type. What is only
feared, expected, asked or denied has subjects of its own ("loc:mosul|casualties|expected"), so that it is never counted together with
what is said to have happened. A district stands for its city and its country too (`via` names the mention). One sighting per subject
and version, of the best sentence: sure before unsure, fresh (not left as it was by an edit) before stale, title first; and one more
for each rule whose condition is met elsewhere only. What meets a rule's condition, all together, is a subject too ("rule:id").
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from streams.rules_match import LIKELY, SCOPES, Matches, Met
from tocsin.quoting import quoted, shortened
from tocsin.records import Claim, Clustered, Mention, Named, Sentence, Sighting, Tagged
from tocsin.sketch import sentence_hash

if TYPE_CHECKING:
    from streams.rules import Rules

# Modalities of what is said to have happened; "if liberated", "will it fall?" and "take the city!" are not that.
HAPPENED = ("asserted", "reported", "claimed")


def sightings(tagged: Tagged, clustered: Clustered, rules: "Rules | None" = None, matches: Matches | None = None) -> tuple[Sighting, ...]:
    """Return every subject of this version, in a fixed order (by subject), and what meets the conditions of `rules`.

    `matches`: where they are known already.
    """
    if matches is None:
        matches = rules.conditions.matches(tagged, clustered) if rules is not None else Matches()
    return (*_subjects(tagged, clustered, matches), *_rules(tagged, clustered, matches, rules))


def _subjects(tagged: Tagged, clustered: Clustered, matches: Matches) -> Iterator[Sighting]:
    best: dict[str, Sighting] = {}
    elsewhere: dict[str, list[Sighting]] = {}
    for sighting in _all(tagged, clustered, matches):
        held, other = best.get(sighting.subject), sighting
        if held is None or (sighting.fresh, sighting.sure) > (held.fresh, held.sure):
            best[sighting.subject], other = sighting, held or sighting
        if other.met:
            elsewhere.setdefault(other.subject, []).append(other)
    for subject in sorted(best):
        yield best[subject]
        told = set(best[subject].met)
        for sighting in elsewhere.get(subject, ()):
            if not told.issuperset(sighting.met):
                told.update(sighting.met)
                yield sighting


def _rules(tagged: Tagged, clustered: Clustered, matches: Matches, rules: "Rules | None") -> Iterator[Sighting]:
    """What meets a rule's condition, for rules that are about all of it together."""
    if rules is None:
        return
    for met in matches.met:
        if rules.by_itself(met.rule_id):
            yield _of_rule(tagged, clustered, met, rules)


def _of_rule(tagged: Tagged, clustered: Clustered, met: Met, rules: "Rules") -> Sighting:
    unit, claim = met.unit, met.unit.claim
    base = _Base(tagged, clustered, frozenset(), unit.text, ())
    found = base.sighting(
        f"rule:{met.rule_id}",
        "rule",
        " + ".join(dict.fromkeys(named.name for named in unit.named)) or unit.text[unit.span[0] : unit.span[1]],
        unit.span,
        sentence=unit.sentence,
        sure=unit.sure or not rules.by_id[met.rule_id].unsure,
        claim=claim,
        named=unit.named,
    )
    return replace(found, clause=", ".join(fact.replace(":", " ", 1) for fact in met.facts))


def _all(tagged: Tagged, clustered: Clustered, matches: Matches) -> Iterator[Sighting]:
    article, known = tagged.article, frozenset(clustered.known_sentences)
    title = article.title or ""
    fields: tuple[tuple[str, tuple[Mention, ...], tuple[Claim, ...], tuple[Sentence, ...]], ...] = (
        (title, tagged.title_mentions, tagged.title_claims, (Sentence(start=0, end=len(title), scope="title"),)),
        (article.text, tagged.mentions, tagged.claims, tagged.sentences),
    )
    for text, mentions, claims, sentences in fields:
        base = _Base(tagged, clustered, known, text, sentences)
        in_title = text is title
        for mention in mentions:
            if mention.scope in SCOPES:
                met = matches.by_mention.get((in_title, mention.start, mention.entity_id), ()) if matches.by_mention else ()
                yield from _of_mention(base, mention, met)
        by_id = {mention.mention_id: mention for mention in mentions}
        for claim in claims:
            yield from _of_claim(base, claim, by_id, matches.by_claim.get(claim.claim_id, ()))


class _Base:
    """What all sightings in one field share."""

    def __init__(self, tagged: Tagged, clustered: Clustered, known: frozenset[str], text: str, sentences: tuple[Sentence, ...]) -> None:
        self.tagged, self.clustered, self.known, self.text, self.sentences = tagged, clustered, known, text, sentences
        article = tagged.article
        self.archived = article.raw.uri if article.raw else None
        self.versions = f"tagger {tagged.tagger_version}, lexicon {tagged.lexicon_version}"
        self.episode = article.version_id if clustered.previous_version or clustered.correction else ""
        self._starts = [sentence.start for sentence in sentences]
        self._fresh: dict[tuple[int, int], bool] = {}

    def sentence_at(self, start: int, end: int) -> tuple[int, int]:
        """The sentence around a span; the whole line if none was found."""
        at = bisect_right(self._starts, start) - 1
        if at >= 0 and start < self.sentences[at].end:
            return self._starts[at], max(self.sentences[at].end, end)
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        return first, last if last >= 0 else len(self.text)

    def fresh(self, span: tuple[int, int]) -> bool:
        """Whether an edit brought this sentence, or the article is new."""
        if not self.known:
            return True
        if span not in self._fresh:
            self._fresh[span] = sentence_hash(self.text[span[0] : span[1]]) not in self.known
        return self._fresh[span]

    def sighting(
        self,
        subject: str,
        kind: str,
        name: str,
        span: tuple[int, int],
        *,
        sure: bool,
        claim: Claim | None = None,
        via: str | None = None,
        parents: tuple[str, ...] = (),
        actor_type: str | None = None,
        met: tuple[str, ...] = (),
        named: tuple[Named, ...] = (),
        sentence: tuple[int, int] | None = None,
    ) -> Sighting:
        """Build one sighting; `span` is the mention, or the claim's trigger."""
        article = self.tagged.article
        first, last = sentence or self.sentence_at(*span)
        quote, start = quoted(self.text, first, last, *span)
        moved = start - span[0]
        return Sighting(
            subject=subject,
            kind=kind,  # type: ignore[arg-type]  # callers pass one of the literals
            name=name,
            article_id=article.article_id,
            version_id=article.version_id,
            cluster_id=self.clustered.cluster_id,
            source_id=article.source_id,
            owner=article.owner,
            origin_id=(claim.origin_id if claim else None) or article.owner,
            at=self.clustered.at or article.fetched_at,
            published_at=article.published_at,
            sure=sure,
            fresh=self.fresh((first, last)),
            backfill=article.backfill,
            quote=quote,
            start=start,
            end=start + span[1] - span[0],
            url=article.url,
            title=shortened(article.title),
            claim_type=claim.type if claim else None,
            claim_id=claim.claim_id if claim else None,
            modality=claim.modality if claim else None,
            polarity=claim.polarity if claim else None,
            via=via,
            parents=parents,
            actor_type=actor_type,
            episode=self.episode,
            met=met,
            named=tuple(
                replace(one, start=one.start + moved, end=one.end + moved)
                for one in named
                if one.start + moved >= 0 and one.end + moved <= len(quote)
            ),
            said_by=(claim.attribution.source_text or "") if claim and claim.attribution else "",
            archived=self.archived,
            versions=self.versions,
        )


def _of_mention(base: _Base, mention: Mention, met: tuple[str, ...]) -> Iterator[Sighting]:
    span = (mention.start, mention.end)
    if mention.kind == "actor":
        if is_class(mention.entity_id):
            return
        yield base.sighting(mention.entity_id, "actor", mention.name, span, sure=mention.sure, actor_type=mention.type, met=met)
        return
    chain = (mention.entity_id, *mention.parent_ids)
    for depth, place in enumerate(chain):
        yield base.sighting(
            place,
            "place",
            mention.name if not depth else _readable(place),
            span,
            sure=mention.sure,
            via=mention.name if depth else None,
            parents=chain[depth + 1 :],
            met=met,
        )


def _of_claim(base: _Base, claim: Claim, mentions: dict[str, Mention], met: tuple[str, ...]) -> Iterator[Sighting]:
    if claim.background:
        return  # "taken in 2014" is history: it neither counts nor rings
    span = (claim.trigger.start, claim.trigger.end)
    likely = claim.confidence >= LIKELY
    actors = [
        _Subject(a.entity_id, a.name, likely and _sure(mentions, a.mention_id))
        for a in claim.actors
        if a.entity_id and not is_class(a.entity_id)
    ]
    places = [
        _Subject(
            place,
            p.name if not depth else _readable(place),
            likely and _sure(mentions, p.mention_id),
            p.name if depth else None,
            p.parent_ids[depth:],
        )
        for p in claim.places
        for depth, place in enumerate((p.entity_id, *p.parent_ids))
    ]
    how = "" if claim.modality in HAPPENED else f"|{claim.modality}"
    how += "|not" if claim.polarity == "negative" else ""
    said = claim.type.replace("_", " ") + how.replace("|", ", ")
    named = _named(claim, mentions) if met else ()
    for actor, place in product(actors, places):
        yield base.sighting(
            f"{actor.id}|{place.id}{how}",
            "actor_place",
            f"{actor.name} + {place.name}",
            span,
            sure=actor.sure and place.sure,
            claim=claim,
            via=place.via,
            parents=place.parents,
            met=met,
            named=named,
        )
    for kind, subjects in (("actor_claim", actors), ("place_claim", places)):
        for subject in subjects:
            yield base.sighting(
                f"{subject.id}|{claim.type}{how}",
                kind,
                f"{subject.name}: {said}",
                span,
                sure=subject.sure,
                claim=claim,
                via=subject.via,
                parents=subject.parents,
                met=met,
                named=named,
            )


def _named(claim: Claim, mentions: dict[str, Mention]) -> tuple[Named, ...]:
    """The words that stand for the claim's actors and places."""
    ids = [*(actor.mention_id for actor in claim.actors), *(place.mention_id for place in claim.places)]
    found = (mentions.get(name or "") for name in ids)
    return tuple(dict.fromkeys(Named(start=m.start, end=m.end, name=m.name, entity_id=m.entity_id) for m in found if m is not None))


class _Subject(NamedTuple):
    id: str
    name: str
    sure: bool
    via: str | None = None
    parents: tuple[str, ...] = ()


def is_class(entity_id: str) -> bool:
    """Whether an id stands for a class of people ("officials"), an unresolved reference or "the media": no subject to watch."""
    return entity_id.startswith(("grp:", "coref:", "src:"))


def _readable(place: str) -> str:
    """A readable form of a parent's id: "loc:iq-nineveh" is Nineveh."""
    slug = place.removeprefix("loc:")
    return (slug[3:] if slug[2:3] == "-" else slug).replace("-", " ").title()


def _sure(mentions: dict[str, Mention], mention_id: str | None) -> bool:
    """An implicit participant was inferred, so it is not sure."""
    mention = mentions.get(mention_id or "")
    return mention.sure if mention is not None else False
