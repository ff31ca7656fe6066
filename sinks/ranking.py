"""What a search shows, whichever store it runs over: how hits are weighed, what is counted beside them, and how one looks.

Rank = BM25 (title counted four times) raised by up to half for the newest article found and by less for older ones, halving every
30 days; without words, newest first. Equal ranks are ordered by time.
"""

import difflib
from collections.abc import Mapping

from sinks import snippet
from sinks.terms import key
from tocsin.records import Tagged
from tocsin.store import Hit

TITLE_WEIGHT = 4.0
FRESH_BOOST = 0.5
HALF_LIFE = 30.0
"""Days."""
MOST_FACETS = 50
FACETS = {"actor": "actors", "place": "places", "claim_type": "claim_types", "source": "sources", "lang": "langs"}
ALSO = {"actor": "class"}
"""Classes (civilians, officials) are asked for like actors, but not counted among them."""


def asked(text: str) -> str:
    """A name as somebody typed it, as it is compared: folded, without half characters."""
    return key(text.encode("utf-8", "replace").decode())


def claim_name(text: str) -> str:
    """A claim type or modality as somebody typed it, as it is kept."""
    return asked(text).replace(" ", "_")


def like(wanted: str, names: Mapping[str, str]) -> list[str]:
    """At most three of the names whose keys look like `wanted`. `names`: readable name by folded key."""
    near = difflib.get_close_matches(asked(wanted), names, n=6, cutoff=0.7)
    return list(dict.fromkeys(names[item] for item in near))[:3]


def hit(tagged: Tagged, cluster_id: str, copies: int, score: float, aim: snippet.Aim) -> Hit:
    """One article found, with what met the query marked."""
    article = tagged.article
    claims = snippet.claims(tagged, aim)
    return Hit(
        article_id=article.article_id,
        version_id=article.version_id,
        cluster_id=cluster_id,
        copies=copies,
        url=article.url,
        title=article.title,
        title_spans=snippet.title(tagged, aim),
        source_id=article.source_id,
        source_name=article.source_name,
        lang=tagged.lang,
        published_at=article.published_at,
        fetched_at=article.fetched_at,
        snippet=snippet.body(tagged, aim, claims),
        actors=snippet.names(tagged, "actor"),
        places=snippet.names(tagged, "place"),
        claims=tuple(claim.text for claim in claims),
        score=score,
    )
