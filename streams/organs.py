"""Who a noun phrase speaks of: a named actor inside it, an organ of a state, or a class of people."""

from collections import Counter

from msgspec.structs import replace

from streams.found import Found, slug
from streams.groups import Phrase
from streams.lexicon import ActorLexicon, Head

_CLASS = "a class, not a known actor"
_BRANCH_TYPE = {
    "government": "government",
    "ministry": "government",
    "parliament": "government",
    "army": "state_military",
    "armed-forces": "state_military",
    "navy": "state_military",
    "air-force": "state_military",
    "security-forces": "state_military",
    "counter-terrorism": "state_military",
    "police": "police",
    "border-guards": "police",
    "intelligence": "intelligence",
    "opposition": "party",
    "state-media": "media",
}
# "the police", "the army": of the country spoken of most.
_OF_THE_COUNTRY = frozenset(
    ("police", "army", "government", "parliament", "security-forces", "armed-forces", "navy", "air-force", "opposition")
)
# Whose people, allies or enemies they are does not make them that actor's own.
_OTHERS = frozenset(("grp:allies", "coref:enemy", "grp:family"))
_NOT_MEMBERS = frozenset(("grp:civilians", "grp:victims", "grp:displaced-people", "grp:journalists"))
_FORCES = frozenset(("armed-forces", "security-forces", "army"))
_KURDISH = {"SY": "org:ypg", "IQ": "org:peshmerga"}


def adjective_slug(lexicon: ActorLexicon, code: str) -> str:
    """A state's adjective as part of an id: "iraqi"."""
    return {"US": "us", "GB": "british"}.get(code) or slug(lexicon.states[code].adjective if code in lexicon.states else code)


def organ(lexicon: ActorLexicon, code: str, branch: str) -> tuple[str, str]:
    """Id and name of a state's organ: the lexicon's own where it has one, else made from the adjective."""
    if known := lexicon.branches.get((code, branch)):
        return known, lexicon.actors[known].name
    adjective = lexicon.states[code].adjective if code in lexicon.states else code
    if branch == "government":
        return f"gov:{code}", f"Government of {lexicon.states[code].name if code in lexicon.states else code}"
    return f"org:{adjective_slug(lexicon, code)}-{branch}", f"{adjective} {branch.replace('-', ' ')}"


def _as_organ(found: Found, head: Head, lexicon: ActorLexicon, code: str) -> Found:
    key, name = organ(lexicon, code, head.branch)
    kind = lexicon.actors[key].type if key in lexicon.actors else _BRANCH_TYPE.get(head.branch, head.type)
    return replace(found, id=key, name=name, type=kind, how="pattern", confidence=0.9, sure=True, reason="state and its organ")


def _kurdish(found: Found, lexicon: ActorLexicon, near: Counter[str]) -> Found:
    """Kurdish forces are the ones of the country spoken of there."""
    top = near.most_common()
    codes = [code for code, _ in top if code in _KURDISH and _KURDISH[code] in lexicon.actors]
    unclear = len(codes) > 1 and near[codes[0]] == near[codes[1]]
    if not codes or unclear:
        return replace(
            found, id="grp:kurdish-forces", name="Kurdish forces", type="class", confidence=0.6, sure=False, reason="country unclear"
        )
    known = lexicon.actors[_KURDISH[codes[0]]]
    return replace(
        found, id=known.id, name=known.name, type=known.type, how="context", confidence=0.6, sure=False, reason="Kurdish forces by country"
    )


def identify(phrase: Phrase, lexicon: ActorLexicon, countries: Counter[str], text: str, near: Counter[str]) -> Found:
    """Who the phrase speaks of. `countries`: how often each is spoken of in the document; `near`: around the phrase."""
    head = phrase.head
    word = text[phrase.head_start : phrase.end].lower()
    found = Found(phrase.start, phrase.end, head.id, head.name, head.type, "class", 0.8, head.sure, _CLASS, 1, f"phrase:{head.id}", word)
    actor = next((n for n in phrase.names if n.kind == "name" and not n.id.startswith("per:")), None)
    owned = phrase.possessive and head.id in _OTHERS
    if actor is not None and head.plural and not owned and not head.national and (head.id not in _NOT_MEMBERS or word == "men"):
        known = lexicon.actors[actor.id]
        return replace(
            found, id=known.id, name=known.name, type=known.type, how="alias", confidence=0.9, sure=True, reason="name in the phrase"
        )
    code = next((n.country for n in phrase.names if n.country in lexicon.states), "")
    of_state = any(n.kind == "state" or n.form == "country" for n in phrase.names)
    if head.branch in _FORCES and not of_state and any(m in ("kurdish", "pro-kurdish") for m in phrase.modifiers):
        return _kurdish(found, lexicon, near if near["SY"] or near["IQ"] else countries)
    if code and head.branch and of_state:  # "the Punjab government" is not India's
        return _as_organ(found, head, lexicon, code)
    plain = phrase.definite and not (phrase.modifiers or phrase.named or phrase.possessive)
    if not code and plain and head.branch in _OF_THE_COUNTRY and head.bare != "named":
        top = countries.most_common(2)
        if top and (len(top) == 1 or top[0][1] > top[1][1]) and top[0][0] in lexicon.states:
            by_context = _as_organ(found, head, lexicon, top[0][0])
            return replace(by_context, how="context", confidence=0.6, sure=False, reason="the country spoken of most")
    if head.national and code and head.id.startswith("grp:"):
        return replace(found, id=f"grp:{adjective_slug(lexicon, code)}-{head.id[4:]}")
    if (head.id == "grp:official" and "local" in phrase.modifiers) or word == "administrator":
        return replace(found, id="grp:local-official")
    return found
