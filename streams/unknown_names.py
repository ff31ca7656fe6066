"""Names no lexicon knows: organisations and persons by pattern, their acronyms and surnames, and known names spelt in an unknown way."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.capitals import Run, Token, find_runs
from streams.context import Context
from streams.found import Found, slug
from streams.lexicon import SKELETON_LETTERS, ActorLexicon, Term
from streams.organisations import organisation_in
from streams.people import Name, office_at, person_in, split_title
from streams.scan import Scan, body_spans
from streams.spellings import skeleton
from streams.states import PREPOSITION
from tocsin.records import Mention


def _split_run(run: Run, lexicon: ActorLexicon) -> list[Run]:
    """The run without words that are capitalised for another reason ("The", "On Monday"): cut at function words, trimmed at both ends."""
    breaks, cuts = lexicon.people.breaks, lexicon.people.cuts
    if len(run.tokens) == 1:
        return [] if run.tokens[0].text in breaks else [run]
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


_ORDINAL = re.compile(r"(?<!\w)\d+(?:st|nd|rd|th) $")


class Runs(NamedTuple):
    """The capitalised runs of the body, ready for patterns."""

    runs: list[Run]
    following: dict[int, Run]


def runs_of(context: Context, lexicon: ActorLexicon) -> Runs:
    """The runs of title, body and quotes, cut at function words."""
    spans = body_spans(context.segments, len(context.text))
    whole = spans == [(0, len(context.text))]
    runs: list[Run] = []
    for raw in find_runs(context.text, lexicon.people.breaks):
        if whole or any(a <= raw.start and raw.end <= b for a, b in spans):
            runs += _split_run(raw, lexicon)
    return Runs(runs, {r.start: r for r in runs})


def _owner_start(text: str, start: int, owners: dict[int, int]) -> int:
    """Where an organisation's name begins with its ordinal and its owner: "Iraq's National Library", "the Jordanian 7th Brigade"."""
    if ordinal := _ORDINAL.search(text, max(0, start - 7), start):
        start = ordinal.start()
        start = owners.get(start - 1, start) if text[start - 1 : start] == " " else start
    if text[start - 3 : start] in ("'s ", "’s "):
        start = owners.get(start - 3, start)
    return start


def find_organisations(
    text: str, runs: Runs, lexicon: ActorLexicon, covered: dict[int, int]
) -> tuple[list[Found], dict[str, Found], set[int]]:
    """Organisations by pattern, their acronyms, and the starts of the runs used."""
    found: list[Found] = []
    acronyms: dict[str, Found] = {}
    used: set[int] = set()
    owners = {end: start for start, end in covered.items()}
    for run in runs.runs:
        organisation = organisation_in(text, run, runs.following, lexicon.people)
        if organisation is not None and (known := covered.get(organisation.start, 0)) in [t.end for t in run.tokens[:-1]]:
            tail = [t.text for t in run.tokens if t.start >= known]
            if lexicon.people.heads.isdisjoint(tail):  # "World Health Organization Jane Doe": the known name is the organisation
                continue
        if organisation is None or covered.get(organisation.start, -1) >= organisation.end:
            continue
        used.add(run.start)
        label = text[organisation.start : organisation.end]
        organisation = replace(organisation, start=_owner_start(text, organisation.start, owners))
        item = Found(
            organisation.start, organisation.end, f"org:x-{slug(label)}", label, "organisation", "pattern",
            0.7 if organisation.sure else 0.5, organisation.sure, "organisation by pattern", 3, "organisation",
        )  # fmt: skip
        found.append(item)
        if organisation.acronym:
            at = organisation.acronym_start
            acronyms[organisation.acronym] = item
            found.append(replace(item, start=at, end=at + len(organisation.acronym), rule="acronym"))
    return found, acronyms, used


def find_persons(
    context: Context,
    lexicon: ActorLexicon,
    scanned: Scan,
    places: Sequence[Mention],
    runs: Runs,
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
                        f"grp:office-{slug(label)}",
                        label,
                        "person",
                        "class",
                        0.5,
                        True,
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
            if person is not None and not person.title and covered.get(run.start, person.end) < person.end:
                continue  # a known name with something else behind it
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
        if person.title and covered.get(run.start) and PREPOSITION.search(text, max(0, run.start - 12), run.start):
            begin = split_title(run, people)[0]  # "in Turkey Minister X": the country is where, not whose
            person = replace(person, start=run.tokens[begin].start)
        item = _person(person, lexicon, scanned, surnames, names.get(person.end))
        found.append(item)
        if item.id in lexicon.actors or len(person.tokens) > 1 or person.title:
            surnames.setdefault(person.tokens[-1].text.rsplit("-", 1)[-1], item)
            if not person.title:
                surnames.setdefault(person.tokens[0].text, item)
    for run in unused:
        word = run.tokens[-1].text
        plain = len(run.tokens) <= 2 and word not in people.titles and not (word.isupper() and len(word) < 5)
        item_for = surnames.get(word.rsplit("-", 1)[-1]) if plain else None
        if len(run.tokens) == 1 and (short := acronyms.get(word)):
            found.append(replace(short, start=run.start, end=run.end, how="alias", rule="acronym"))
        elif (
            item_for is not None
            and (len(run.tokens) == 1 or run.tokens[0].text in people.given)
            and not (place_at.get(run.start, -1) >= run.end and PREPOSITION.search(text[max(0, run.start - 24) : run.start]))
        ):
            found.append(
                replace(item_for, start=run.start, end=run.end, how="alias", reason="surname of a person named before", rule="surname")
            )
        elif place_at.get(run.start, -1) < run.end:
            found += _leftover(run, text, lexicon, scanned)
    return found


def _person(person: Name, lexicon: ActorLexicon, scanned: Scan, surnames: dict[str, Found], known: tuple[int, Term] | None) -> Found:
    """Who a person by pattern is: a known one, one named before, or a new one by the words of the name."""
    proper = " ".join(t.text for t in person.tokens)
    key = f"per:x-{slug(proper)}"
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
            Found(
                run.start, run.end, f"grp:office-{slug(role)}", role, "person", "class", 0.5, True, "an office without a name", 3, "office"
            )
        ]
    return []


def _spoken_of(lexicon: ActorLexicon, key: str, countries: Counter[str]) -> bool:
    area = lexicon.actors[key].country
    return not area or any(countries[c] for c in area)
