"""Real records with sensible defaults, for tests."""

from tocsin import ids
from tocsin.records import Article, Claim, ClaimActor, ClaimPlace, Clustered, Mention, Sentence, Tagged, Trigger
from tocsin.sketch import sketch

AT = "2018-01-06T10:00:00Z"


def article(text: str, *, url: str = "https://wire.example/a", title: str | None = None, at: str = AT, **more: object) -> Article:
    """An article at `url`, fetched and published at `at`."""
    article_id = ids.article_id(url)
    values: dict[str, object] = {
        "article_id": article_id,
        "version_id": ids.version_id(article_id, title, text),
        "url": url,
        "canonical_url": url,
        "source_id": "wire",
        "source_name": "Sample Wire",
        "owner": "wire-group",
        "title": title,
        "text": text,
        "author": None,
        "published_at": at,
        "published_source": "feed",
        "published_precision": "second",
        "fetched_at": at,
        "text_sha256": ids.sha256(text.encode()),
        "sketch": sketch(title, text),
    }
    return Article(**{**values, **more})  # type: ignore[arg-type]


def clustered(of: Article, cluster: str = "k_1", known: tuple[str, ...] = ()) -> Clustered:
    """`of` as the leader of `cluster`."""
    return Clustered(
        article_id=of.article_id,
        version_id=of.version_id,
        cluster_id=cluster,
        leader_id=of.article_id,
        similarity=1.0,
        known_sentences=known,
    )


def place(text: str, name: str, entity_id: str, parents: tuple[str, ...] = ("loc:iraq",), sure: bool = True) -> Mention:
    """The first mention of `name` in `text`, as a place."""
    start = text.index(name)
    return Mention(
        mention_id=f"m{start}-{start + len(name)}",
        kind="place",
        entity_id=entity_id,
        name=name,
        type="city",
        text=name,
        start=start,
        end=start + len(name),
        sure=sure,
        parent_ids=parents,
    )


def actor(text: str, name: str, entity_id: str, actor_type: str = "nonstate_armed", sure: bool = True) -> Mention:
    """The first mention of `name` in `text`, as an actor."""
    start = text.index(name)
    return Mention(
        mention_id=f"m{start}-{start + len(name)}",
        kind="actor",
        entity_id=entity_id,
        name=name,
        type=actor_type,
        text=name,
        start=start,
        end=start + len(name),
        sure=sure,
    )


def claim(
    text: str,
    trigger: str,
    kind: str,
    *,
    actors: tuple[Mention, ...] = (),
    places: tuple[Mention, ...] = (),
    origin: str | None = None,
    **more: object,
) -> Claim:
    """A claim over the whole of `text`, triggered by `trigger`."""
    at = text.index(trigger)
    values: dict[str, object] = {
        "claim_id": f"c_{at}_{kind}",
        "article_id": "",
        "version_id": "",
        "type": kind,
        "text": text,
        "start": 0,
        "end": len(text),
        "sentence_index": 0,
        "sentence_start": 0,
        "sentence_end": len(text),
        "trigger": Trigger(text=trigger, start=at, end=at + len(trigger)),
        "actors": tuple(ClaimActor(role="actor", entity_id=m.entity_id, name=m.name, mention_id=m.mention_id) for m in actors),
        "places": tuple(
            ClaimPlace(role="where", entity_id=m.entity_id, name=m.name, mention_id=m.mention_id, parent_ids=m.parent_ids) for m in places
        ),
        "origin_id": origin,
        "confidence": 0.8,
    }
    return Claim(**{**values, **more})  # type: ignore[arg-type]


def tagged(of: Article, mentions: tuple[Mention, ...] = (), claims: tuple[Claim, ...] = ()) -> Tagged:
    """`of` with findings; every line of the text is a sentence."""
    sentences, start = [], 0
    for line in of.text.split("\n"):
        if line:
            sentences.append(Sentence(start=start, end=start + len(line)))
        start += len(line) + 1
    return Tagged(
        article=of,
        lang="en",
        lang_confidence=1.0,
        claims_attempted=True,
        segments=(),
        sentences=tuple(sentences),
        mentions=mentions,
        claims=claims,
        tagger_version="t",
        lexicon_version="l",
    )
