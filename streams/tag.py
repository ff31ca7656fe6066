"""Tag one article: language, segments, actors, places, counts, times, claims. Stateless: any worker may do it, in any order.

Title and body are read as one discourse (they share senses and references), then each finding goes to the field it stands in.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from streams.actors import ActorLexicon, load_actors
from streams.claim_rules import ClaimRules, load_claim_rules
from streams.claims import find_claims
from streams.context import Context
from streams.elaboration import with_following
from streams.entities import find_entities
from streams.gazetteer import Gazetteer, load_gazetteer
from streams.grammar import PACK_LANGUAGES, load_packs
from streams.language import detect
from streams.nationals import with_nationality
from streams.numbers import find_numbers
from streams.place_references import resolve_place_references
from streams.times import find_times
from streams.totals import mark_totals
from tocsin import __version__, ids
from tocsin.errors import Quarantine
from tocsin.fold import fold, fold_key
from tocsin.records import Article, Claim, Mention, Record, Segment, Sentence, Tagged
from tocsin.segment import segment, sentences
from tocsin.wire import flat

# Languages that have claim rules; Spanish, French and Portuguese have those of displacement and casualties only, read by their figures.
# A text too short to tell ("und") is tried: the rules find nothing in other languages.
CLAIM_LANGUAGES = frozenset(("en", "und")) | PACK_LANGUAGES
_GAP = "\n\n"  # between title and body in the discourse
_MENTION_ID = re.compile(r"m(\d+)-(\d+)")
_OFFSETS = frozenset(("start", "end", "sentence_start", "sentence_end"))
R = TypeVar("R", bound=msgspec.Struct)
S = TypeVar("S", Segment, Sentence)


class Resources(msgspec.Struct, frozen=True):
    """Everything the tagger knows; loaded once a process."""

    gazetteer: Gazetteer
    lexicon: ActorLexicon
    rules: ClaimRules  # of English; the other languages' rules are in `packs`
    packs: Mapping[str, ClaimRules]

    def __repr__(self) -> str:
        return f"Resources({self.tagger_version}, {self.lexicon_version})"  # the whole is megabytes

    @property
    def lexicon_version(self) -> str:
        """Hash of actors and places."""
        return _digest((self.lexicon.version, self.gazetteer.version))

    @property
    def tagger_version(self) -> str:
        """Program version and the hash of the claim rules."""
        return f"{__version__}+{_digest((self.rules.version, *(pack.version for pack in self.packs.values())))}"


@lru_cache(maxsize=16)
def _digest(versions: tuple[str, ...]) -> str:
    return hashlib.sha256(" ".join(versions).encode()).hexdigest()[:12]


def load_resources(focus_countries: Sequence[str], extra: Path | None = None, cache: Path | None = None) -> Resources:
    """Load gazetteer, actors and claim rules.

    `extra`: folder with the user's own actors and places; `cache`: folder for what takes seconds to compile. Raises DataError.
    """
    detect("The model is loaded now, so that what can fail fails here and not with a page.")
    return Resources(load_gazetteer(focus_countries, extra, cache), load_actors(extra), load_claim_rules(), load_packs())


def tag(article: Article, resources: Resources) -> Tagged:
    """Tag one article version."""
    title = article.title or ""
    if not title.strip() or article.text.lstrip().startswith(title.strip()):
        title = ""  # the body already opens with it
    lang, lang_confidence = detect(article.text or title, article.lang or article.source_lang)
    body_segments = segment(article.text)
    if title:  # then a short first line is a line of the body, not a headline
        body_segments = tuple(replace(s, kind="body") if s.kind == "title" else s for s in body_segments)
    body_sentences = sentences(article.text, body_segments)
    shift = len(title) + len(_GAP) if title else 0
    head = (Sentence(start=0, end=len(title), scope="title"),) if title else ()
    text = title + _GAP + article.text if title else article.text
    context = Context(
        text=text,
        folded=fold(text),
        lang=lang,
        title_length=len(title),
        published_at=article.published_at,
        observed_at=article.fetched_at,
        source_id=article.source_id,
        owner=article.owner,
        source_country=article.source_country,
        affiliated_with=article.affiliated_with,
        author=article.author,
        segments=(*((Segment(kind="title", start=0, end=len(title)),) if title else ()), *_moved(body_segments, shift)),
        sentences=(*head, *_moved(body_sentences, shift)),
    )
    actors, places = find_entities(context, resources.gazetteer, resources.lexicon)
    attempted = lang in CLAIM_LANGUAGES
    claims: list[Claim] = []
    if attempted:
        rules = resources.packs.get(lang, resources.rules)
        # "the city" and "there" say where a claim holds, but they are no names: they stay out of the mentions.
        where = sorted(
            (*(p for p in places if p.how != "demonym"), *resolve_place_references(context, places)), key=lambda m: (m.start, m.end)
        )
        named = {place.mention_id for place in places}
        numbers = find_numbers(context)
        counted = {number.start: number for number in numbers}
        claims = [
            with_following(with_nationality(_named_only(claim, named), counted, text, resources.gazetteer), context, places, numbers)
            for claim in find_claims(context, actors, where, numbers, find_times(context), rules)
        ]
    owner = origin_of(article, resources.lexicon)
    title_mentions, mentions = _placed((*actors, *places), context, shift)
    title_claims, body_claims = _split(tuple(claims), len(title), shift, len(head))
    title_claims, body_claims = mark_totals(title_claims, body_claims)
    versions = (resources.tagger_version, resources.lexicon_version)
    return Tagged(
        article=article,
        lang=lang,
        lang_confidence=round(lang_confidence, 3),
        claims_attempted=attempted,
        segments=body_segments,
        sentences=body_sentences,
        mentions=mentions,
        claims=_named(body_claims, "text", article, owner, lang, versions),
        title_mentions=title_mentions,
        title_claims=_named(title_claims, "title", article, owner, lang, versions),
        tagger_version=versions[0],
        lexicon_version=versions[1],
    )


def tag_line(line: dict[str, Any], resources: Resources, observed_at: str) -> dict[str, Any]:
    """The Unix filter: {"id", "text", "title"?, "lang"?, "published_at"?} to a flat tagged document with the same `id`.

    Offsets are code points of the given `text`, which is returned unaltered. Raises Quarantine for a line that is not of this shape.
    """
    if not isinstance(line, dict) or not isinstance(line.get("text"), str) or line.get("id") is None:
        raise Quarantine('needs a JSON object with "id" and "text"')
    for name in ("title", "lang", "published_at"):
        if line.get(name) is not None and not isinstance(line[name], str):
            raise Quarantine(f'"{name}" must be text')
    article = given_article(
        f"id:{line['id']}", line["text"], line.get("title"), lang=line.get("lang"), published_at=line.get("published_at"), at=observed_at
    )
    return {"id": line["id"], **flat(tag(article, resources))}


def given_article(url: str, text: str, title: str | None, *, lang: str | None, published_at: str | None, at: str) -> Article:
    """An article that came as text, not as a page."""
    article = ids.article_id(url)
    return Article(
        article_id=article,
        version_id=ids.version_id(article, title, text),
        url=url,
        canonical_url=url,
        source_id="given",
        source_name="given",
        owner="given",
        title=title,
        text=text,
        author=None,
        published_at=published_at,
        published_source="given" if published_at else "none",
        published_precision="day" if published_at else "unknown",
        fetched_at=at,
        lang=lang,
        text_sha256=ids.sha256(text.encode("utf-8", "surrogatepass")),
        extractor="given",
    )


def origin_of(article: Article, lexicon: ActorLexicon) -> str:
    """Who an article's own statements come from: the agency it was taken from where the page names one, else the source's owner.

    Independence is counted by origin, so forty papers with one agency's dispatch are one.
    """
    agency = fold_key(article.publisher or "")
    if not agency or agency in (fold_key(article.source_name), fold_key(article.owner), fold_key(article.source_id)):
        return article.owner
    for match in lexicon.matcher.find_all(fold(agency)):
        if (match.start, match.end) == (0, len(agency)) and match.payload.kind == "name":
            return match.payload.id
    return f"publisher:{agency}"


def shifted(records: Sequence[R], by: int) -> tuple[R, ...]:
    """The records with every offset in them lowered by `by` code points."""
    return tuple(_shift(record, by) for record in records) if by else tuple(records)


def _moved(spans: tuple[S, ...], by: int) -> tuple[S, ...]:
    """The spans `by` code points further on."""
    return tuple([replace(span, start=span.start + by, end=span.end + by) for span in spans]) if by else spans


@cache
def _plan(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Of a record type: its offset fields, its fields that may hold records, and whether it has a mention id."""
    fields = msgspec.structs.fields(kind)
    nested = tuple(f.name for f in fields if f.name not in _OFFSETS and any(issubclass(t, Record) for t in _classes(f.type)))
    return tuple(f.name for f in fields if f.name in _OFFSETS), nested, any(f.name == "mention_id" for f in fields)


def _classes(hint: Any) -> Iterator[type]:
    """Every class named in a type hint."""
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for part in get_args(hint):
        yield from _classes(part)


def _shift(record: R, by: int) -> R:
    offsets, nested, has_mention = _plan(type(record))
    changes: dict[str, Any] = {name: held - by for name in offsets if (held := getattr(record, name)) is not None}
    for name in nested:
        held = getattr(record, name)
        if isinstance(held, tuple):
            if held:
                changes[name] = tuple([_shift(item, by) for item in held])
        elif held is not None:
            changes[name] = _shift(held, by)
    if has_mention and (match := _MENTION_ID.fullmatch(getattr(record, "mention_id") or "")):  # noqa: B009  # not every record has one
        changes["mention_id"] = f"m{int(match[1]) - by}-{int(match[2]) - by}"
    return replace(record, **changes)


def _named_only(claim: Claim, known: Collection[str]) -> Claim:
    """The claim with every place that is no named mention marked as implicit."""
    if all(place.mention_id is None or place.mention_id in known for place in claim.places):
        return claim
    return replace(
        claim,
        places=tuple(
            p if p.mention_id in known or p.mention_id is None else replace(p, mention_id=None, implicit=True) for p in claim.places
        ),
    )


def _split(claims: tuple[Claim, ...], title_length: int, shift: int, head: int) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    """Claims of the title, and those of the body with offsets and sentence numbers of the body."""
    if not shift:
        return (), claims
    in_title = tuple(_within(claim, 0, title_length) for claim in claims if claim.end <= title_length)
    in_body = tuple(_within(claim, shift, None) for claim in claims if claim.start >= shift)
    return in_title, tuple(replace(claim, sentence_index=claim.sentence_index - head) for claim in shifted(in_body, shift))


def _within(item: Claim, first: int, last: int | None) -> Claim:
    """The claim with nothing in it that stands in the other field: who is only named there is implicit here."""

    def elsewhere(start: int | None, end: int | None) -> bool:
        return start is not None and end is not None and (start < first or (last is not None and end > last))

    nowhere: dict[str, Any] = {"text": None, "start": None, "end": None}
    changes: dict[str, Any] = {}
    for name in ("actors", "places"):
        parts = getattr(item, name)
        if any(elsewhere(one.start, one.end) for one in parts):
            changes[name] = tuple(
                [replace(one, **nowhere, mention_id=None, implicit=True) if elsewhere(one.start, one.end) else one for one in parts]
            )
    if item.time is not None and elsewhere(item.time.start, item.time.end):
        changes["time"] = replace(item.time, **nowhere)
    if item.attribution is not None and elsewhere(item.attribution.start, item.attribution.end):
        changes["attribution"] = replace(item.attribution, start=None, end=None)
    if any(elsewhere(one.start, one.end) for one in item.quantities):
        changes["quantities"] = tuple([one for one in item.quantities if not elsewhere(one.start, one.end)])
    return replace(item, **changes) if changes else item


def _placed(mentions: Sequence[Mention], context: Context, shift: int) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """The mentions of the title and of the body in order, each with the sentence and scope it stands in and offsets of its own field.

    `shift`: where the body begins, 0 without a title. Every mention is copied once: copies are a fortieth of tagging.
    """
    in_title: list[Mention] = []
    in_body: list[Mention] = []
    sentences = context.sentences
    index = 0 if sentences else -1
    head = 1 if shift else 0  # the title's own sentence
    for mention in sorted(mentions, key=lambda m: (m.start, m.end, m.kind)):
        while index < len(sentences) - 1 and sentences[index].end <= mention.start:
            index += 1
        scope = sentences[index].scope if sentences else "body"
        start, end = mention.start - shift, mention.end - shift
        if not shift:
            in_body.append(replace(mention, sentence_index=index, scope=scope))
        elif mention.end <= context.title_length:
            in_title.append(replace(mention, sentence_index=index, scope=scope))
        elif start >= 0:
            in_body.append(replace(mention, mention_id=f"m{start}-{end}", start=start, end=end, sentence_index=index - head, scope=scope))
    return tuple(in_title), tuple(in_body)


def _named(claims: tuple[Claim, ...], field: str, article: Article, owner: str, lang: str, versions: tuple[str, str]) -> tuple[Claim, ...]:
    """The claims with their ids and everything the article says about them."""
    named: list[Claim] = []
    taken: set[str] = set()
    for claim in claims:
        kind = claim.type
        while (claim_id := ids.claim_id(article.version_id, field, claim.start, claim.end, kind)) in taken:
            kind += "'"  # two claims of one type on the same words: the second gets an id of its own
        taken.add(claim_id)
        named.append(
            replace(
                claim,
                claim_id=claim_id,
                article_id=article.article_id,
                version_id=article.version_id,
                origin_id=claim.origin_id or (claim.attribution.source_id if claim.attribution else None) or owner,
                claim_key=claim.claim_key or _key(claim),
                source_id=article.source_id,
                lang=lang,
                published_at=article.published_at,
                observed_at=article.fetched_at,
                tagger_version=versions[0],
                lexicon_version=versions[1],
            )
        )
    return tuple(named)


def _key(claim: Claim) -> str:
    """A hint for matching claims of one event: type, subtype, who in which role, where, when."""
    actors = ",".join(sorted(f"{a.role}={a.entity_id}" for a in claim.actors if a.entity_id))
    place = next((p.entity_id for p in claim.places if p.role in ("where", "within", "origin")), "")
    return "|".join((claim.type, claim.subtype, actors, place, (claim.time.event_from or "") if claim.time else ""))
