"""Ids: every id is a truncated SHA-256 of what the record *is*, so redelivery and replay give the same id.

article  a_  canonical URL            (the key everywhere: an edit stays on its partition)
version  v_  article id + text        (title and body)
claim    c_  version, field, span, type
alert    r_  cluster and episode      (all rules that match one story ring once; an edit is an episode of its own)
cluster  k_  id of the leading article's version
incident i_  ledger block and the first claim
24 hexadecimal digits are 96 bits: a collision among 10^12 articles has a chance of about 10^-5.
"""

import hashlib


def digest(*parts: str) -> str:
    """Return 24 hexadecimal digits of SHA-256 over `parts`, unambiguously joined."""
    joined = "\x1f".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def article_id(canonical_url: str) -> str:
    """Id of the article at a canonical URL."""
    return "a_" + digest(canonical_url)


def version_id(article: str, title: str | None, text: str) -> str:
    """Id of one version: the article with this title and text."""
    return "v_" + digest(article, title or "", text)


def claim_id(version: str, field: str, start: int, end: int, claim_type: str) -> str:
    """Id of a claim; `field` is `title` or `text`, offsets are code points in it."""
    return "c_" + digest(version, field, str(start), str(end), claim_type)


def cluster_id(leading_version: str) -> str:
    """Id of a near-duplicate cluster, named after the version that opened it."""
    return "k_" + digest(leading_version)


def alert_id(cluster: str, *episode: str) -> str:
    """Id of an alert: one a cluster, for all rules; edits and corrected copies (`episode`: their version) ring on their own."""
    return "r_" + digest("alert", cluster, *episode)


def incident_id(block: str, first_claim: str) -> str:
    """Id of an incident: the claim that opened it, in its block of the ledger."""
    return "i_" + digest(block, first_claim)


def sha256(data: bytes) -> str:
    """Whole SHA-256 of raw bytes, for the chain of evidence."""
    return hashlib.sha256(data).hexdigest()
