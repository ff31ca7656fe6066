"""Sightings: which subjects an article version brings up, and with which sentence. Pure; what the alert rules watch.

A subject is a place, an actor, or a pair met in one claim: actor and place, actor and claim type, place and claim type. What is only
feared, expected, asked or denied has subjects of its own ("loc:mosul|casualties|expected"), so that it is never counted together with
what is said to have happened. A district stands for its city and its country too (`via` names the mention). One sighting per subject
and version, of the best sentence: sure before unsure, fresh (not left as it was by an edit) before stale, title first.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from tocsin.quoting import quoted, shortened
from tocsin.records import Claim, Clustered, Mention, Sentence, Sighting, Tagged
from tocsin.sketch import sentence_hash

# Modalities of what is said to have happened; "if liberated", "will it fall?" and "take the city!" are not that.
HAPPENED = ("asserted", "reported", "claimed")
LIKELY = 0.5  # a claim below this confidence is unsure
SCOPES = frozenset({"title", "body", "quote"})  # never bios, comments, captions or related-story boxes


def sightings(tagged: Tagged, clustered: Clustered) -> tuple[Sighting, ...]:
    """Return every subject of this version once, in a fixed order (by subject)."""
    known = frozenset(clustered.known_sentences)
    best: dict[str, Sighting] = {}
    for sighting in _all(tagged, clustered, known):
        held = best.get(sighting.subject)
        if held is None or (sighting.fresh, sighting.sure) > (held.fresh, held.sure):
            best[sighting.subject] = sighting
    return tuple(best[subject] for subject in sorted(best))


def _all(tagged: Tagged, clustered: Clustered, known: frozenset[str]) -> Iterator[Sighting]:
    article = tagged.article
    title = article.title or ""
    fields: tuple[tuple[str, tuple[Mention, ...], tuple[Claim, ...], tuple[Sentence, ...]], ...] = (
        (title, tagged.title_mentions, tagged.title_claims, (Sentence(start=0, end=len(title), scope="title"),)),
        (article.text, tagged.mentions, tagged.claims, tagged.sentences),
    )
    for text, mentions, claims, sentences in fields:
        base = _Base(tagged, clustered, known, text, sentences)
        for mention in mentions:
            if mention.scope in SCOPES:
                yield from _of_mention(base, mention)
        by_id = {mention.mention_id: mention for mention in mentions}
        for claim in claims:
            yield from _of_claim(base, claim, by_id)


class _Base:
    """What all sightings in one field share."""

    def __init__(self, tagged: Tagged, clustered: Clustered, known: frozenset[str], text: str, sentences: tuple[Sentence, ...]) -> None:
        self.tagged, self.clustered, self.known, self.text, self.sentences = tagged, clustered, known, text, sentences
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
    ) -> Sighting:
        """Build one sighting; `span` is the mention, or the claim's trigger."""
        article = self.tagged.article
        first, last = self.sentence_at(*span)
        quote, start = quoted(self.text, first, last, *span)
        return Sighting(
            subject=subject,
            kind=kind,  # type: ignore[arg-type]  # callers pass one of the five literals
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
        )


def _of_mention(base: _Base, mention: Mention) -> Iterator[Sighting]:
    span = (mention.start, mention.end)
    if mention.kind == "actor":
        if is_class(mention.entity_id):
            return
        yield base.sighting(mention.entity_id, "actor", mention.name, span, sure=mention.sure, actor_type=mention.type)
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
        )


def _of_claim(base: _Base, claim: Claim, mentions: dict[str, Mention]) -> Iterator[Sighting]:
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
            )


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
