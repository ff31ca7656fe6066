"""What an article can be filtered by and counted under: actors, places with their parents, claim types, modality, source, language."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.fold import fold_key
from tocsin.records import Claim, Mention, Tagged

_NAMING = frozenset({"exact", "alias", "variant", "curated"})
_PREFIX = re.compile(r"^[a-z]{2,4}:")
_COUNTRY = re.compile(r"^[a-z]{2}-")


class Term(NamedTuple):
    """One thing to filter by."""

    kind: str  # actor class place claim_type claim_subtype modality source lang
    value: str
    name: str | None = None


def key(text: str) -> str:
    """A name as it is compared: folded, hyphens and underscores as spaces."""
    return fold_key(text.replace("-", " ").replace("_", " "))


def readable(value: str) -> str:
    """A name for an entity nobody named: loc:iraq -> Iraq, loc:iq-nineveh -> Nineveh (IQ)."""
    slug = _PREFIX.sub("", value).rsplit("/", 1)[-1]
    country = _COUNTRY.match(slug)
    name = _bare(value).title() or value
    return f"{name} ({country.group()[:2].upper()})" if country else name


def _bare(value: str) -> str:
    """The last part of an id without its country: loc:iq-nineveh -> nineveh."""
    return _COUNTRY.sub("", _PREFIX.sub("", value).rsplit("/", 1)[-1]).replace("-", " ").replace("_", " ")


class Found:
    """Terms met in a document: each with its names, and whether one of its mentions is sure."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str], str | None] = {}
        self.aliases: dict[tuple[str, str], set[str]] = {}
        self.sure: set[tuple[str, str]] = set()

    def add(self, kind: str, value: str, name: str | None = None, *, aliases: tuple[str, ...] = (), sure: bool = True) -> None:
        """Note one sighting of a term; the first name given stays."""
        term = (kind, value)
        self.names[term] = self.names.get(term) or name or None
        self.aliases.setdefault(term, set()).update(aliases)
        if sure:
            self.sure.add(term)

    def __iter__(self) -> Iterator[tuple[Term, set[str], bool]]:
        """(term, names it goes by, sure?)."""
        for term, name in self.names.items():
            yield Term(*term, name), self.aliases[term], term in self.sure


def terms_of(tagged: Tagged) -> Found:
    """Terms of a document, each with the names it goes by (not folded)."""
    found = Found()
    for mentions, claims in ((tagged.title_mentions, tagged.title_claims), (tagged.mentions, tagged.claims)):
        for mention in mentions:
            _add_mention(found, mention)
        unsure = {mention.mention_id for mention in mentions if not mention.sure}
        for claim in claims:
            _add_claim(found, claim, unsure)
    article = tagged.article
    found.add("source", article.source_id, article.source_name)
    found.add("lang", tagged.lang)
    return found


def _add_mention(found: Found, mention: Mention) -> None:
    kind = kind_of(mention.kind, mention.entity_id)
    if kind == "class":  # one class goes by many words: people, families, residents
        found.add(kind, mention.entity_id, aliases=(mention.name,), sure=mention.sure)
    elif kind:
        found.add(kind, mention.entity_id, mention.name, aliases=_aliases(mention), sure=mention.sure)
    for parent in mention.parent_ids:
        found.add("place", parent, sure=mention.sure)


def _add_claim(found: Found, claim: Claim, unsure: set[str]) -> None:
    for actor in claim.actors:
        kind = kind_of("actor", actor.entity_id) if actor.entity_id else None
        if kind and actor.entity_id:
            found.add(kind, actor.entity_id, actor.name if kind == "actor" else None, sure=actor.mention_id not in unsure)
    for place in claim.places:
        for entity_id, name in ((place.entity_id, place.name), *((parent, None) for parent in place.parent_ids)):
            found.add("place", entity_id, name, sure=place.mention_id not in unsure)
    found.add("claim_type", claim.type)
    if claim.subtype:
        found.add("claim_subtype", f"{claim.type}/{claim.subtype}")
    found.add("modality", claim.modality)


def kind_of(kind: str, entity_id: str) -> str | None:
    """Kind of term for a mention: actors without a name of their own (civilians, officials) are a class; None: not for filtering."""
    if entity_id.startswith("coref:"):
        return None
    return "class" if kind == "actor" and entity_id.startswith(("grp:", "src:")) else kind


def _aliases(mention: Mention) -> tuple[str, ...]:
    """The words of the text, where they name the entity for sure: lets `--place الموصل` find Mosul."""
    return (mention.text,) if mention.sure and mention.how in _NAMING else ()


def keys_of(term: Term, aliases: set[str]) -> set[str]:
    """Every folded name under which a person may ask for a term."""
    names = {term.value, _PREFIX.sub("", term.value), *aliases}
    if term.name:
        names.add(term.name)
    if term.kind == "place":
        names |= {term.value.rsplit("/", 1)[-1], _bare(term.value)}
    return {folded for folded in map(key, names) if folded}


def facet_name(kind: str, value: str) -> str:
    """A readable name for a term without one."""
    return readable(value) if kind in ("actor", "place") else value
