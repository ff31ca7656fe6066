"""Find who is spoken of: known actors, organs of states, classes of people, and persons and organisations known by pattern only.

The order of trust: names of the lexicon; phrases around a head noun, which may contain such a name ("ISIS fighters") or a
state ("Iraqi troops"); persons and organisations by pattern; states that act. Where two overlap the longer one stays,
and a phrase passes on the identity of the name inside it.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.capitals import Run, Token, find_runs
from streams.context import Context
from streams.groups import Near, Phrase, read_phrase
from streams.guards import dates_hold, words_hold
from streams.lexicon import SKELETON_LETTERS, ActorLexicon, Head, Term, load_actors
from streams.organisations import organisation_in
from streams.people import Name, office_at, person_in, split_title
from streams.spellings import skeleton
from tocsin.records import Mention, Segment

__all__ = ["ActorLexicon", "find_actors", "load_actors"]

BODY_KINDS = frozenset(("title", "body", "quote"))
_STATE_PREPOSITION = re.compile(
    r"\b(?:in|from|to|across|within|into|inside|throughout|outside|near|around|towards|toward|of|via|leave|left|enter|entered|reach|reached|visit|visited|at|northern|southern|eastern|western|central|for) (?:the )?$",
    re.I,
)
_ACTS = re.compile(
    r"(?:'s|’s)? (?:\([A-Z]+\) )?(?:also |now |today |repeatedly |already |recently |still |again |has |have |had |is |was |will |would |could |should |must |may |might |does |did |do |cannot |can )*"
    r"(?:not |also |been |be |now |already )*(?:said|says|told|announc|confirm|accus|warn|den(?:y|ied|ies)|agree|support|launch|deploy|sent|sends|send|back|bomb|struck|strike|strik|attack|invad|condemn|call|urg|demand|reject|offer|provid|"
    r"pledg|promis|threat|impos|sanction|recogni[sz]|sign|vow|plan|want|seek|sought|hop|depend|manag|commit|remain|continue|start|began|begin|ask|insist|blame|claim|declar|order|expel|arrest|kill|shell|shot|fir(?:e|es|ed|ing)\b|arm|train|fund|help|assist|join|lead|led|"
    r"make|made|take|took|tak|believ|know|knows|consider|decid|propos|support|stand|welcom|express|regret|respond|react|retaliat|intervene|fight|fought|mobili|withdr|pull|block|veto|vot|host|give|gave|giv|use|us(?:e|es|ed|ing)\b|add|expand|increase|spend|spent|contribut|conduct|carr|capture|seiz|los|won|win|fail|ban|cut|deport|extradit|negotiat|refus|suspend|resum|lift|hold|held|work|come|face|need|see|get|go|let|try|tri|turn|tr)",
)
_ALLY = re.compile(
    r"\b(?:ally|allies|partner|including|by|between|with|against|urged|accused|told|and|blamed|warned|thank|thanked|congratulate|like) (?:the )?$",
    re.I,
)
_NOUNLIKE = frozenset(("US", "U.S.", "UK", "U.K.", "United States", "United Kingdom", "USA", "U.S.A."))
_NEXT_WORD = re.compile(r"[ -]([A-Za-z]+)")
_SINGULAR_CONTEXT = frozenset(
    (
        "police",
        "army",
        "government",
        "regime",
        "military",
        "parliament",
        "security-forces",
        "authorities",
        "armed-forces",
        "navy",
        "air-force",
        "opposition",
    )
)


class Found(NamedTuple):
    """An actor before overlaps are settled."""

    start: int
    end: int
    id: str
    name: str
    type: str
    how: str
    confidence: float
    sure: bool
    reason: str
    rank: int  # 0 strongest; decides between equal spans
    rule: str
    head: str = ""


def body_spans(segments: Sequence[Segment], length: int) -> list[tuple[int, int]]:
    """Where mentions may stand: title, body and quotes; everything when the text has no segments."""
    if not segments:
        return [(0, length)]
    spans: list[tuple[int, int]] = []
    for segment in sorted(segments, key=lambda s: s.start):
        if segment.kind in BODY_KINDS:
            if spans and segment.start <= spans[-1][1] + 2:
                spans[-1] = (spans[-1][0], max(spans[-1][1], segment.end))
            else:
                spans.append((segment.start, segment.end))
    return spans


class Scan(NamedTuple):
    """What the automaton found in one document, sorted by kind; guards already applied."""

    names: list[tuple[int, int, Term]]
    states: list[tuple[int, int, Term]]
    heads: list[tuple[int, int, Term]]
    countries: Counter[str]


def _countries_of(places: Iterable[Mention]) -> Counter[str]:
    return Counter(place.country for place in places if place.country)


def scan(context: Context, lexicon: ActorLexicon, places: Sequence[Mention]) -> Scan:
    """Read the text once and apply the guards; weak names are judged after all strong ones are known."""
    text, folded = context.text, context.folded
    spans = body_spans(context.segments, len(text))
    whole = spans == [(0, len(text))]
    strong: list[tuple[int, int, Term]] = []
    weak: list[tuple[int, int, Term]] = []
    states: list[tuple[int, int, Term]] = []
    heads: list[tuple[int, int, Term]] = []
    countries = _countries_of(places)
    day = context.published_at or ""
    for match in lexicon.matcher.find_all(folded):
        term = match.payload
        start, end = match.start, match.end
        if not whole and not any(a <= start and end <= b for a, b in spans):
            continue
        if term.kind == "head":
            heads.append((start, end, term))
            continue
        guard = term.guard
        if guard.case_exact and text[start:end] != term.text and not (" " in term.text and " ".join(text[start:end].split()) == term.text):
            continue
        if term.kind == "state":
            states.append((start, end, term))
            if term.form != "adjective" or term.text not in _NOUNLIKE:
                countries[term.id[4:]] += 1
            continue
        if guard.lang and context.lang not in guard.lang:
            continue
        if not dates_hold(guard, day):
            continue
        (weak if guard.weak or guard.not_next or guard.not_prev or guard.context_none else strong).append((start, end, term))
    anchored = {term.id for _, _, term in strong}
    anchored.update(t.id for s, e, t in weak if not t.guard.weak and _words_hold(t, context, s, e))
    if context.source_country:
        countries[context.source_country] += 1
    names = [*strong, *(w for w in weak if _weak_holds(w, context, anchored, countries))]
    names.sort(key=lambda n: (n[0], -n[1]))
    return Scan(_longest(names), _longest(states), _longest(heads), countries)


def _words_hold(term: Term, context: Context, start: int, end: int) -> bool:
    # Guards look at folded words; where folding removed characters the offsets shift by a few, which a window survives.
    return words_hold(term.guard, context.folded.text, start, end)


def _weak_holds(weak: tuple[int, int, Term], context: Context, anchored: set[str], countries: Counter[str]) -> bool:
    start, end, term = weak
    guard = term.guard
    if guard.anchor and term.id not in anchored:
        return False
    if guard.country_context and not any(countries[c] for c in guard.country_context):
        return False
    return _words_hold(term, context, start, end)


def _longest(found: list[tuple[int, int, Term]]) -> list[tuple[int, int, Term]]:
    kept: list[tuple[int, int, Term]] = []
    for item in found:
        if not kept or item[0] >= kept[-1][1]:
            kept.append(item)
    return kept


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")


def _adjective_slug(lexicon: ActorLexicon, code: str) -> str:
    return {"US": "us", "GB": "british"}.get(code) or _slug(lexicon.states[code].adjective if code in lexicon.states else code)


def organ(lexicon: ActorLexicon, code: str, branch: str) -> tuple[str, str]:
    """Id and name of a state's organ: the lexicon's own where it has one, else made from the adjective."""
    if known := lexicon.branches.get((code, branch)):
        return known, lexicon.actors[known].name
    adjective = lexicon.states[code].adjective if code in lexicon.states else code
    if branch == "government":
        return f"gov:{code}", f"Government of {lexicon.states[code].name if code in lexicon.states else code}"
    return f"org:{_adjective_slug(lexicon, code)}-{branch}", f"{adjective} {branch.replace('-', ' ')}"


_BRANCH_TYPE = {
    "government": "government",
    "army": "state_military",
    "armed-forces": "state_military",
    "navy": "state_military",
    "air-force": "state_military",
    "security-forces": "state_military",
    "police": "police",
    "intelligence": "intelligence",
    "counter-terrorism": "state_military",
    "border-guards": "police",
    "opposition": "party",
    "parliament": "government",
    "ministry": "government",
    "state-media": "media",
}


def _phrase_found(phrase: Phrase, lexicon: ActorLexicon, countries: Counter[str], text: str, sentence_countries: Counter[str]) -> Found:
    head = phrase.head
    word = text[phrase.head_start : phrase.end].lower()
    base = {"start": phrase.start, "end": phrase.end, "rank": 1, "rule": f"phrase:{head.id}", "head": word}
    actor = next((n for n in phrase.names if n.kind == "name" and not n.id.startswith("per:")), None)
    if actor is not None and head.plural and not (phrase.possessive and head.id in ("grp:allies", "coref:enemy", "grp:family")):
        known = lexicon.actors[actor.id]
        if not (head.national or head.id in ("grp:civilians", "grp:victims", "grp:displaced-people", "grp:journalists")):
            return Found(
                id=known.id, name=known.name, type=known.type, how="alias", confidence=0.9, sure=True, reason="name in the phrase", **base
            )
    code = next((n.country for n in phrase.names if n.country), "")
    state = next((n for n in phrase.names if n.kind == "state"), None)
    kurdish = any(m in ("kurdish", "pro-kurdish") for m in phrase.modifiers)
    if kurdish and head.branch in ("armed-forces", "security-forces", "army") and state is None:
        near = sentence_countries or countries
        syria, iraq = near["SY"], near["IQ"]
        key = "org:ypg" if syria > iraq else "org:peshmerga" if iraq > syria else ""
        if key and key in lexicon.actors:
            return Found(
                id=key,
                name=lexicon.actors[key].name,
                type=lexicon.actors[key].type,
                how="context",
                confidence=0.6,
                sure=False,
                reason="Kurdish forces by country",
                **base,
            )
        return Found(
            id="grp:kurdish-forces",
            name="Kurdish forces",
            type="class",
            how="class",
            confidence=0.6,
            sure=False,
            reason="country unclear",
            **base,
        )
    if code and code in lexicon.states and head.branch and (state is not None or head.of):
        key, name = organ(lexicon, code, head.branch)
        kind = lexicon.actors[key].type if key in lexicon.actors else _BRANCH_TYPE.get(head.branch, head.type)
        return Found(id=key, name=name, type=kind, how="pattern", confidence=0.9, sure=True, reason="state and its organ", **base)
    if (
        not code
        and phrase.definite
        and not phrase.modifiers
        and not phrase.named
        and not phrase.possessive
        and head.branch in _SINGULAR_CONTEXT
        and head.bare != "named"
    ):
        top = countries.most_common(2)
        if top and (len(top) == 1 or top[0][1] > top[1][1]) and top[0][0] in lexicon.states:
            key, name = organ(lexicon, top[0][0], head.branch)
            kind = lexicon.actors[key].type if key in lexicon.actors else _BRANCH_TYPE.get(head.branch, head.type)
            return Found(
                id=key, name=name, type=kind, how="context", confidence=0.6, sure=False, reason="the country spoken of most", **base
            )
    key = head.id
    if head.national and code in lexicon.states and key.startswith("grp:"):
        key = f"grp:{_adjective_slug(lexicon, code)}-{key[4:]}"
    if "local" in phrase.modifiers and key == "grp:official" or word == "administrator":
        key = "grp:local-official"
    return Found(
        id=key, name=head.name, type=head.type, how="class", confidence=0.8, sure=head.sure, reason="a class, not a known actor", **base
    )


def _near(
    scanned: Scan, places: Sequence[Mention], lexicon: ActorLexicon, organisations: Sequence[Found]
) -> tuple[dict[int, Near], dict[int, Near]]:
    """Names, states and places by where they end and where they start; the longer one wins, then names before states before places."""
    ends: dict[int, Near] = {}
    starts: dict[int, Near] = {}
    items = [Near(p.start, p.end, "place", p.entity_id, p.country or "") for p in places]
    items += [Near(s, e, "state", t.id, t.id[4:], t.form) for s, e, t in scanned.states]
    for s, e, t in scanned.names:
        actor = lexicon.actors[t.id]
        items.append(Near(s, e, "name", t.id, actor.country[0] if actor.country and actor.type in ("government", "person") else ""))
    items += [Near(o.start, o.end, "organisation", o.id, "") for o in organisations]
    for near in items:
        known = ends.get(near.end)
        if known is None or near.start <= known.start:
            ends[near.end] = near
        known = starts.get(near.start)
        if known is None or near.end >= known.end:
            starts[near.start] = near
    return ends, starts


def _split_run(run: Run, lexicon: ActorLexicon) -> list[Run]:
    """The run without words that are capitalised for another reason ("The", "On Monday"): cut at function words, trimmed at both ends."""
    breaks, cuts = lexicon.people.breaks, lexicon.people.cuts
    pieces: list[list[Token]] = [[]]
    for token in run.tokens:
        if token.text in cuts:
            pieces.append([])
        else:
            pieces[-1].append(token)
    out = []
    if len(pieces) == 1 and run.tokens[0].text not in breaks and run.tokens[-1].text not in breaks:
        return [run]
    for piece in pieces:
        while piece and piece[0].text in breaks:
            del piece[0]
        while piece and piece[-1].text in breaks:
            piece.pop()
        if piece:
            out.append(Run(piece[0].start, piece[-1].end, tuple(piece), run.opens and piece[0].start == run.start))
    return out


class _Runs(NamedTuple):
    """The capitalised runs of the body, ready for patterns."""

    runs: list[Run]
    following: dict[int, Run]


def _runs(context: Context, lexicon: ActorLexicon) -> _Runs:
    spans = body_spans(context.segments, len(context.text))
    runs = []
    for raw in find_runs(context.text):
        if any(a <= raw.start and raw.end <= b for a, b in spans):
            runs += _split_run(raw, lexicon)
    return _Runs(runs, {r.start: r for r in runs})


def _organisations(
    text: str, runs: _Runs, lexicon: ActorLexicon, covered: dict[int, int]
) -> tuple[list[Found], dict[str, Found], set[int]]:
    """Organisations by pattern, their acronyms, and the starts of the runs used."""
    found: list[Found] = []
    acronyms: dict[str, Found] = {}
    used: set[int] = set()
    for run in runs.runs:
        organisation = organisation_in(text, run, runs.following, lexicon.people)
        if organisation is None or covered.get(organisation.start, -1) >= organisation.end:
            continue
        used.add(run.start)
        label = text[organisation.start : organisation.end]
        item = Found(
            organisation.start, organisation.end, f"org:x-{_slug(label)}", label, "organisation", "pattern",
            0.7 if organisation.sure else 0.5, organisation.sure, "organisation by pattern", 3, "organisation",
        )  # fmt: skip
        found.append(item)
        if organisation.acronym:
            at = organisation.acronym_start
            acronyms[organisation.acronym] = item
            found.append(item._replace(start=at, end=at + len(organisation.acronym), rule="acronym"))
    return found, acronyms, used


def _persons(
    context: Context,
    lexicon: ActorLexicon,
    scanned: Scan,
    places: Sequence[Mention],
    runs: _Runs,
    acronyms: dict[str, Found],
    used: set[int],
) -> list[Found]:
    """Persons by pattern, and the further mentions of each (surname), acronyms and sound-alikes."""
    text, people = context.text, lexicon.people
    names = {e: (s, t) for s, e, t in scanned.names}
    covered = {s: e for s, e, _ in scanned.names} | {s: e for s, e, _ in scanned.states}
    place_at = {p.start: p.end for p in places if p.how not in ("coref", "vague")}
    found: list[Found] = []
    surnames: dict[str, Found] = {}
    for s, e, t in scanned.names:
        if t.id.startswith("per:"):
            known = lexicon.actors[t.id]
            last = text[s:e].split()[-1].rsplit("-", 1)[-1]
            surnames.setdefault(last, Found(s, e, known.id, known.name, "person", "alias", 0.8, True, "named in the document", 2, "person"))
    unused: list[Run] = []
    for run in runs.runs:
        if run.start in used or (run.end in names and names[run.end][0] == run.start):
            continue
        office = office_at(text, run, runs.following, people)
        if office is not None:
            used.update(office.runs)
            person = Name(office.start, office.end, office.tokens, True, True, "office") if office.tokens else None
            if person is None:
                label = text[office.start : office.end]
                found.append(
                    Found(
                        office.start,
                        office.end,
                        f"per:x-{_slug(label)}",
                        label,
                        "person",
                        "class",
                        0.5,
                        False,
                        "an office without a name",
                        3,
                        "office",
                    )
                )
                continue
        else:
            if covered.get(run.start, -1) >= run.end:
                continue
            person = person_in(text, run, people)
            if (
                person is not None
                and not person.title
                and place_at.get(run.start, -1) >= run.end
                and (len(run.tokens) == 1 or person.reason != "given name")
            ):
                person = None
        if person is None:
            unused.append(run)
            continue
        item = _person(person, lexicon, scanned, surnames, names.get(person.end))
        found.append(item)
        if item.id in lexicon.actors or len(person.tokens) > 1 or person.title:
            surnames.setdefault(person.tokens[-1].text.rsplit("-", 1)[-1], item)
            if not person.title:
                surnames.setdefault(person.tokens[0].text, item)
    for run in unused:
        word = run.tokens[-1].text
        item_for = surnames.get(word.rsplit("-", 1)[-1]) if len(run.tokens) <= 2 and word not in people.titles else None
        if len(run.tokens) == 1 and (short := acronyms.get(word)):
            found.append(short._replace(start=run.start, end=run.end, how="alias", rule="acronym"))
        elif (
            item_for is not None
            and (len(run.tokens) == 1 or run.tokens[0].text in people.given)
            and not (place_at.get(run.start, -1) >= run.end and _STATE_PREPOSITION.search(text[max(0, run.start - 24) : run.start]))
        ):
            found.append(
                item_for._replace(start=run.start, end=run.end, how="alias", reason="surname of a person named before", rule="surname")
            )
        elif place_at.get(run.start, -1) < run.end:
            found += _leftover(run, text, lexicon, scanned)
    return found


def _person(person: Name, lexicon: ActorLexicon, scanned: Scan, surnames: dict[str, Found], known: tuple[int, Term] | None) -> Found:
    """Who a person by pattern is: a known one, one named before, or a new one by the words of the name."""
    proper = " ".join(t.text for t in person.tokens)
    key = f"per:x-{_slug(proper)}"
    bones = skeleton(proper)
    if known is not None and known[1].id.startswith("per:"):
        key = known[1].id
    elif len(person.tokens) > 1 and bones in lexicon.skeletons:
        key = lexicon.skeletons[bones][0].id
    elif len(person.tokens) == 1 and person.title:
        earlier = surnames.get(person.tokens[0].text.rsplit("-", 1)[-1])
        holders = lexicon.surnames.get(skeleton(person.tokens[0].text), ())
        if earlier:
            key = earlier.id
        elif len(holders) == 1 and _spoken_of(lexicon, holders[0], scanned.countries):
            key = holders[0]
    label = lexicon.actors[key].name if key in lexicon.actors else proper
    how = "alias" if known is not None else "fuzzy" if key in lexicon.actors else "pattern"
    return Found(person.start, person.end, key, label, "person", how, 0.7, person.sure, person.reason, 2, "person")


def _leftover(run: Run, text: str, lexicon: ActorLexicon, scanned: Scan) -> list[Found]:
    """A run nothing else explained: a known name in another spelling, or an office without a name."""
    people = lexicon.people
    bones = skeleton(text[run.start : run.end])
    terms = lexicon.skeletons.get(bones) if len(bones) > SKELETON_LETTERS else None
    if terms and _spoken_of(lexicon, terms[0].id, scanned.countries):
        known = lexicon.actors[terms[0].id]
        return [
            Found(run.start, run.end, known.id, known.name, known.type, "fuzzy", 0.7, False, f"sounds like {terms[0].text}", 2, "skeleton")
        ]
    title = split_title(run, people)
    if title == (0, len(run.tokens)) and (len(run.tokens) > 1 or not run.opens):
        role = text[run.start : run.end]
        return [
            Found(run.start, run.end, f"per:x-{_slug(role)}", role, "person", "class", 0.5, False, "an office without a name", 3, "office")
        ]
    return []


def _spoken_of(lexicon: ActorLexicon, key: str, countries: Counter[str]) -> bool:
    area = lexicon.actors[key].country
    return not area or any(countries[c] for c in area)


def _state_found(context: Context, lexicon: ActorLexicon, scanned: Scan) -> list[Found]:
    """States that act: "Iraq confirmed", "the US is depending on"; a state where something happens is no actor."""
    text = context.text
    found = []
    for start, end, term in scanned.states:
        code = term.id[4:]
        state = lexicon.states[code]
        if term.form == "nationals":
            found.append(
                Found(
                    start,
                    end,
                    f"grp:{_adjective_slug(lexicon, code)}-people",
                    f"people of {state.name}",
                    "class",
                    "demonym",
                    0.8,
                    True,
                    "nationals",
                    2,
                    "nationals",
                )
            )
            continue
        nounlike = term.text in _NOUNLIKE
        if term.form != "name" and not nounlike:
            continue
        before = text[max(0, start - 24) : start]
        if _STATE_PREPOSITION.search(before) and not (
            nounlike and before.endswith("the ") and before.rstrip().endswith(("of the", "for the", "to the"))
        ):
            continue
        acting = _ACTS.match(text, end) is not None
        follower = _NEXT_WORD.match(text, end)
        if nounlike:
            definite = before.endswith(("the ", "The "))
            if (
                not acting
                and follower
                and not follower.group(1)
                in (
                    "and",
                    "or",
                    "as",
                    "but",
                    "to",
                    "for",
                    "in",
                    "with",
                    "that",
                    "which",
                    "who",
                    "on",
                    "by",
                    "from",
                    "after",
                    "into",
                    "at",
                    "if",
                    "along",
                    "against",
                    "while",
                    "when",
                    "because",
                    "since",
                    "over",
                )
            ):
                continue
            if definite or acting:
                found.append(_state(start, end, code, state.name, acting))
        elif acting and (text[end : end + 2] not in ("'s", "’s")):
            found.append(_state(start, end, code, state.name, True))
        elif (
            _ALLY.search(before)
            and not (
                follower
                and follower.group(1)[0].islower()
                and follower.group(1) not in ("and", "or", "to", "in", "for", "as", "that", "on", "with")
            )
            and text[end : end + 2] not in ("'s", "’s")
        ):
            if before.endswith(("ally ", "allies ", "partner ", "accused ", "urged ", "blamed ", "warned ", "thank ", "told ", "thanked ")):
                found.append(_state(start, end, code, state.name, False))
    return found


def _state(start: int, end: int, code: str, name: str, acting: bool) -> Found:
    return Found(
        start,
        end,
        f"cty:{code}",
        name,
        "government",
        "exact",
        0.8 if acting else 0.7,
        acting,
        "a state that acts" if acting else "a state as a party",
        2,
        "state",
    )


def _settle(found: list[Found]) -> list[Found]:
    """Longest first, then the more trusted; what overlaps a kept one goes."""
    starts: list[int] = []
    kept: list[Found] = []
    for item in sorted(found, key=lambda f: (f.start - f.end, f.rank, f.start)):
        at = bisect_left(starts, item.start)
        if (at < len(kept) and kept[at].start < item.end) or (at and kept[at - 1].end > item.start):
            continue
        starts.insert(at, item.start)
        kept.insert(at, item)
    return kept


_NATIONALS = Head(id="grp:nationals", name="nationals", type="class", bare="yes")


def find_actors(context: Context, lexicon: ActorLexicon, places: Sequence[Mention] = ()) -> list[Mention]:
    """Actors named or described in the text, in order, not overlapping. `places`: what `streams.places` found, for country context."""
    scanned = scan(context, lexicon, places)
    text = context.text
    runs = _runs(context, lexicon)
    covered = {s: e for s, e, _ in scanned.names} | {s: e for s, e, _ in scanned.states}
    found, acronyms, used = _organisations(text, runs, lexicon, covered)
    ends, starts = _near(scanned, places, lexicon, found)
    for start, end, term in scanned.names:
        known = lexicon.actors[term.id]
        if text[start - 4 : start] in ("the ", "The ") and known.type != "person":
            start -= 4
        found.append(
            Found(start, end, known.id, known.name, known.type, term.how, 0.95 if term.how == "exact" else 0.9, True, "", 0, "lexicon")
        )
    inside = {}
    for start, end, _ in (*scanned.states, *scanned.names):
        inside[end] = min(start, inside.get(end, start))
    nationals = [(s, e, t) for s, e, t in scanned.states if t.form == "nationals"]
    place_starts = [p.start for p in places]
    limit = len(text)
    for start, end, term in sorted((*scanned.heads, *nationals), key=lambda h: (-h[0], h[1] - h[0])):
        if start >= limit:
            continue
        if term.head is None:
            phrase = read_phrase(text, start, end, _NATIONALS, lexicon, ends, starts)
            if phrase is not None and phrase.start < start:
                limit = phrase.start
                state = lexicon.states[term.id[4:]]
                key = f"grp:{_adjective_slug(lexicon, state.code)}-people"
                found.append(
                    Found(
                        phrase.start, phrase.end, key, f"people of {state.name}", "class", "demonym", 0.8, True, "nationals", 1, "nationals"
                    )
                )
            continue
        if (covered := inside.get(end)) is not None and covered <= start:
            continue
        phrase = read_phrase(text, start, end, term.head, lexicon, ends, starts)
        if phrase is None:
            continue
        limit = phrase.start
        near = _countries_of(places[bisect_left(place_starts, start - 300) : bisect_left(place_starts, end + 120)]) if term.head.branch else Counter()
        found.append(_phrase_found(phrase, lexicon, scanned.countries, text, near))
    found += _persons(context, lexicon, scanned, places, runs, acronyms, used)
    found += _state_found(context, lexicon, scanned)
    return [_mention(item, text) for item in _joined(_settle(found), text)]


# Kin and company that are named in one breath: "women and children", "musicians and artists".
_TOGETHER = frozenset(("grp:civilians", "grp:family", "grp:professionals"))


def _joined(items: list[Found], text: str) -> list[Found]:
    """Neighbours that are one mention: "women and children"; "the British newspaper X" with the name behind it."""
    out: list[Found] = []
    for item in items:
        before = out[-1] if out else None
        if before is not None and before.rule.startswith("phrase:") and before.how == "class":
            gap = text[before.end : item.start]
            if gap == " and " and before.rule[7:] in _TOGETHER and item.rule[7:] in _TOGETHER and item.how == "class":
                out[-1] = before._replace(end=item.end)
                continue
            if (
                gap == " "
                and item.rank in (0, 3)
                and item.type not in ("person", "class")
                and before.type not in ("person", "government")
                and before.rule != "phrase:grp:civilians"
            ):
                out[-1] = item._replace(start=before.start)
                continue
        out.append(item)
    return out


def _mention(item: Found, text: str) -> Mention:
    return Mention(
        mention_id=f"m{item.start}-{item.end}", kind="actor", entity_id=item.id, name=item.name, type=item.type, text=text[item.start : item.end],
        start=item.start, end=item.end, how=item.how, confidence=item.confidence, sure=item.sure, reason=item.reason, rule_id=item.rule,
    )  # fmt: skip
