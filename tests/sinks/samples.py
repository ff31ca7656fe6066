"""Real records built by hand: short articles about public, historical facts."""

from collections.abc import Sequence

from tocsin import ids
from tocsin.alerting import Alert
from tocsin.records import Article, Attribution, Claim, ClaimActor, ClaimPlace, Clustered, Mention, Quantity, Sentence, Tagged, Trigger
from tocsin.store import Batch

MOSUL = ("loc:mosul", "Mosul", "city", ("loc:iq-nineveh", "loc:iraq"))
SUMAR = ("loc:mosul/sumar", "Sumar", "district", ("loc:mosul", "loc:iq-nineveh", "loc:iraq"))
RAQQA = ("loc:raqqa", "Raqqa", "city", ("loc:sy-raqqa", "loc:syria"))
KHARKIV = ("loc:kharkiv", "Kharkiv", "city", ("loc:ua-kharkiv", "loc:ukraine"))
ISIS = ("org:islamic-state", "Islamic State", "nonstate_armed")
CTS = ("gov:iq-cts", "Counter Terrorism Service", "state_military")
UN = ("org:un", "United Nations", "igo")


def place(text: str, words: str, entity: tuple[str, str, str, tuple[str, ...]], nth: int = 0, **more: object) -> Mention:
    """Mention the `nth` occurrence of `words` as a place."""
    start = _nth(text, words, nth)
    return Mention(
        mention_id=f"m{start}-{start + len(words)}",
        kind="place",
        entity_id=entity[0],
        name=entity[1],
        type=entity[2],
        parent_ids=entity[3],
        text=words,
        start=start,
        end=start + len(words),
        **more,  # type: ignore[arg-type]
    )


def actor(text: str, words: str, entity: tuple[str, str, str], nth: int = 0, **more: object) -> Mention:
    """Mention the `nth` occurrence of `words` as an actor."""
    start = _nth(text, words, nth)
    return Mention(
        mention_id=f"m{start}-{start + len(words)}",
        kind="actor",
        entity_id=entity[0],
        name=entity[1],
        type=entity[2],
        text=words,
        start=start,
        end=start + len(words),
        **more,  # type: ignore[arg-type]
    )


def claim(version: str, article: str, text: str, words: str, kind: str, field: str = "text", **more: object) -> Claim:
    """Claim over the first occurrence of `words`."""
    start = _nth(text, words, 0)
    claim_type, _, subtype = kind.partition("/")
    end = start + len(words)
    return Claim(
        claim_id=ids.claim_id(version, field, start, end, claim_type),
        article_id=article,
        version_id=version,
        type=claim_type,
        subtype=subtype,
        text=words,
        start=start,
        end=end,
        sentence_index=0,
        sentence_start=start,
        sentence_end=end,
        trigger=Trigger(text=words, start=start, end=end),
        **more,  # type: ignore[arg-type]
    )


def _nth(text: str, words: str, nth: int) -> int:
    at = -1
    for _ in range(nth + 1):
        at = text.index(words, at + 1)
    return at


def sentences(text: str) -> tuple[Sentence, ...]:
    """Cut at ". " and blank lines: enough for these texts."""
    found, at = [], 0
    for piece in text.replace("\n\n", ". ").split(". "):
        found.append(Sentence(start=at, end=min(len(text), at + len(piece) + 1)))
        at += len(piece) + 2
    return tuple(found)


def batch(
    url: str = "https://example.org/a",
    title: str | None = "Title",
    text: str = "Some text.",
    *,
    fetched_at: str = "2017-01-10T08:00:00Z",
    published_at: str | None = "2017-01-10T07:00:00Z",
    lang: str = "en",
    source: tuple[str, str] = ("example", "Example News"),
    cluster: str | None = None,
    places: Sequence[tuple[str, tuple[str, str, str, tuple[str, ...]]]] = (),
    actors: Sequence[tuple[str, tuple[str, str, str]]] = (),
    claims: Sequence[tuple[str, str, dict[str, object]]] = (),
    tagger: str = "1",
    **more: object,
) -> Batch:
    """One article with mentions and claims given by their words: (words, entity), (words, type/subtype, fields)."""
    article_id = ids.article_id(url)
    version_id = ids.version_id(article_id, title, text)
    article = Article(
        article_id=article_id,
        version_id=version_id,
        url=url,
        canonical_url=url,
        source_id=source[0],
        source_name=source[1],
        owner=source[0],
        title=title,
        text=text,
        author=None,
        published_at=published_at,
        published_source="feed" if published_at else "none",
        published_precision="second" if published_at else "unknown",
        fetched_at=fetched_at,
        text_sha256=ids.sha256(text.encode("utf-8", "surrogatepass")),
    )
    tagged = Tagged(
        article=article,
        lang=lang,
        lang_confidence=1.0,
        claims_attempted=True,
        segments=(),
        sentences=sentences(text),
        mentions=(*(place(text, words, entity) for words, entity in places), *(actor(text, words, entity) for words, entity in actors)),
        claims=tuple(claim(version_id, article_id, text, words, kind, **fields) for words, kind, fields in claims),
        tagger_version=tagger,
        lexicon_version="1",
    )
    clustered = Clustered(
        article_id=article_id,
        version_id=version_id,
        cluster_id=cluster or ids.cluster_id(version_id),
        leader_id=article_id,
        similarity=1.0,
    )
    return Batch(tagged=tagged, clustered=clustered, **more)  # type: ignore[arg-type]


def alert(of: Batch, subject: str = "loc:mosul", name: str = "Mosul", cause: str = "k", **more: object) -> Alert:
    """An alert about the article in a batch."""
    assert of.tagged is not None
    assert of.clustered is not None
    article = of.tagged.article
    fields: dict[str, object] = {
        "alert_id": ids.alert_id(f"first-mention {subject}", cause),
        "rule_id": "first-mention",
        "rule_kind": "new_mention",
        "severity": "notice",
        "subject": subject,
        "subject_name": name,
        "headline": f"First mention of {name}",
        "why": f"{name} was not mentioned in the 30 days before",
        "quote": article.text.split(". ")[0],
        "highlight": (0, 4),
        "article_id": article.article_id,
        "version_id": article.version_id,
        "cluster_id": of.clustered.cluster_id,
        "url": article.url,
        "title": article.title,
        "source_id": article.source_id,
        "at": article.fetched_at,
        "published_at": article.published_at,
    }
    return Alert(**{**fields, **more})  # type: ignore[arg-type]


def mosul(**more: object) -> Batch:
    """A whole article: actors, places with parents, claims with attribution and figures."""
    text = (
        "Iraqi forces took the district of Sumar in eastern Mosul on Tuesday. "
        "The Counter Terrorism Service said its men had killed 30 fighters of the Islamic State. "
        "More than 135,000 people have fled since October, according to the United Nations."
    )
    article = ids.article_id("https://example.org/mosul")
    version = ids.version_id(article, "Iraqi forces take district in east Mosul", text)
    quantity = Quantity(
        text="30", start=text.index("30"), end=text.index("30") + 2, unit="fighter", value=30, min=30, max=30, role="killed"
    )
    fled = Quantity(
        text="More than 135,000",
        start=text.index("More"),
        end=text.index("More") + 17,
        unit="person",
        value=135000,
        min=135000,
        approx="over",
    )
    where = ClaimPlace(role="where", entity_id=SUMAR[0], name=SUMAR[1], parent_ids=SUMAR[3])
    made: dict[str, object] = {
        "url": "https://example.org/mosul",
        "title": "Iraqi forces take district in east Mosul",
        "text": text,
        "places": [("Sumar", SUMAR), ("Mosul", MOSUL)],
        "actors": [("Counter Terrorism Service", CTS), ("Islamic State", ISIS), ("United Nations", UN)],
        "claims": [
            ("Iraqi forces took the district of Sumar", "territorial_control/captured", {"places": (where,)}),
            (
                "killed 30 fighters of the Islamic State",
                "casualties",
                {
                    "actors": (ClaimActor(role="victim", entity_id=ISIS[0], name=ISIS[1]),),
                    "quantities": (quantity,),
                    "modality": "claimed",
                    "attribution": Attribution(kind="government", source_id=CTS[0], source_text="Counter Terrorism Service", verb="said"),
                },
            ),
            (
                "More than 135,000 people have fled",
                "displacement/flow",
                {
                    "quantities": (fled,),
                    "modality": "reported",
                    "attribution": Attribution(kind="organisation", source_id=UN[0], source_text="United Nations", verb="according to"),
                },
            ),
        ],
    }
    assert version
    return batch(**{**made, **more})  # type: ignore[arg-type]
