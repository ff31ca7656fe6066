"""The actor lexicon: who may be spoken of, under which names, and when a name counts.

YAML in `streams/data/actors`, and the user's own in a folder `lexicon.d`: `*.yaml` in the same shape and `*.csv` with the columns
`id,type,country,name,lang,kind,case,guard`. Files are merged in order of their names; a later file may add names to an id or
switch it off with `disabled: true`. `version` is the SHA-256 of all sources.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from streams.guards import OPEN, Guard, read_guard
from streams.matcher import Matcher
from streams.spellings import skeleton, spellings
from tocsin.errors import DataError
from tocsin.fold import fold_key
from tocsin.yaml_file import parse_yaml

DATA = Path(__file__).parent / "data" / "actors"
TYPES = frozenset(
    (
        *("nonstate_armed", "militia", "state_military", "police", "intelligence", "government", "coalition", "party", "igo", "ngo"),
        *("media", "belligerent_media", "person", "class", "ethnic_religious", "organisation"),
    )
)
_ID = re.compile(r"(org|per|cty|gov|grp|src|coref):[A-Za-z0-9][\w./-]*")
_ARABIC, _CYRILLIC = re.compile("[\u0600-\u06ff]"), re.compile("[\u0400-\u04ff]")
_NOT_A_NAME = frozenset(
    (
        *(
            "a",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "by",
            "for",
            "from",
            "he",
            "her",
            "his",
            "i",
            "in",
            "is",
            "it",
            "no",
            "not",
            "of",
            "on",
        ),
        *("or", "our", "she", "so", "the", "they", "this", "to", "up", "us", "was", "we", "who", "you"),
    )
)
SHORT = 3  # Latin names of so few letters need exact case and a supporting guard
SKELETON_LETTERS = 5
NOUNLIKE = frozenset(("US", "U.S.", "UK", "U.K.", "United States", "United Kingdom", "USA", "U.S.A."))  # name and adjective alike


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """One known actor."""

    id: str
    name: str
    type: str
    country: tuple[str, ...] = ()  # where it acts
    generic: tuple[str, ...] = ()  # nouns that may refer back to it
    fills: str = ""  # branch of its state that it is: army, police, ...
    role: str = ""  # of a person: president, king, ...
    against: str = ""  # of a side: the actor it fights
    flags: tuple[str, ...] = ()
    relations: tuple[tuple[str, str], ...] = ()


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What a matched string stands for."""

    kind: Literal["name", "head", "state"]
    id: str
    text: str = ""  # as written in the lexicon
    how: str = "exact"
    guard: Guard = OPEN
    form: str = ""  # state: name | adjective | nationals
    head: "Head | None" = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A common noun that can head an actor's noun phrase."""

    id: str
    name: str
    type: str
    bare: str  # yes | the | named
    branch: str = ""
    national: bool = False
    of: bool = False
    sure: bool = False
    plural: bool = True


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A country as an actor, and how its organs are called."""

    code: str
    name: str
    adjective: str


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Closed classes of words inside noun phrases."""

    modifiers: frozenset[str]
    determiners: frozenset[str]
    possessives: frozenset[str]
    numbers: frozenset[str]
    before_numbers: frozenset[str]
    partitives: tuple[str, ...]
    adjectival: frozenset[str]  # heads that as often modify another noun
    not_nouns: frozenset[str]
    suffixes: tuple[str, ...]  # of compound modifiers: -led, -backed
    acts: tuple[str, ...]  # beginnings of verbs by which a state acts
    auxiliaries: tuple[str, ...]
    not_modified: frozenset[str]
    party_before: tuple[str, ...]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Words that tell persons and organisations by pattern."""

    titles: frozenset[str]
    given: frozenset[str]
    heads: frozenset[str]  # organisation heads: Ministry, Council, ...
    breaks: frozenset[str]  # capitalised words that neither begin nor end a name
    cuts: frozenset[str]  # function words: capitalised, they begin a sentence
    roles: frozenset[str]  # lower-case words beside a name that say what the person is
    domains: frozenset[str]  # what ministers and envoys are in charge of
    not_person: frozenset[str]  # last words no person's name ends in
    not_alone: frozenset[str]  # titles that need another title
    also_words: frozenset[str]  # given names that are everyday words
    arabic_heads: frozenset[str]
    of_heads: frozenset[str]
    weak_heads: frozenset[str]


class ActorLexicon(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `streams.actors` needs to know. Built once, shared freely."""

    version: str
    actors: dict[str, Actor]
    states: dict[str, State]
    matcher: Matcher[Term]
    skeletons: dict[str, tuple[Term, ...]]
    branches: dict[tuple[str, str], str]  # (state, branch) -> id
    words: Words
    people: People
    generic: dict[str, tuple[str, ...]]  # noun phrase -> ids it may refer back to
    surnames: dict[str, tuple[str, ...]]  # last name -> ids of known persons


def _yaml(path: Path, text: str) -> Any:
    return parse_yaml(text.encode("utf-8"), path).value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"not readable as UTF-8 text: {error}") from error


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    """Rows of a user's CSV as lexicon entries, one name each."""
    entries: list[dict[str, Any]] = []
    for row in csv.DictReader(io.StringIO(text)):
        if not (row.get("id") and row.get("name")):
            raise DataError(path, "a row needs at least the columns id and name", len(entries) + 2)
        name: dict[str, Any] = {"text": row["name"]}
        for key in ("lang", "kind", "case"):
            if row.get(key):
                name[key] = row[key]
        if row.get("guard"):
            name["guard"] = _yaml(path, row["guard"])
        entry: dict[str, Any] = {"id": row["id"], "names": [name]}
        if row.get("type"):
            entry["type"] = row["type"]
        if row.get("country"):
            entry["country"] = row["country"].replace(",", " ").split()
        entries.append(entry)
    return entries


def _sources(extra: Path | None) -> list[tuple[Path, str]]:
    """Files of the shipped and the user's lexicon with their text, in the order they are merged."""
    own = sorted(p for p in DATA.glob("*.yaml") if not p.name.endswith("_examples.yaml"))
    users: list[Path] = []
    if extra is not None:
        if not extra.exists():
            raise DataError(extra, "no such folder or file; leave the setting empty or create it")
        users = (
            sorted(p for p in extra.iterdir() if p.suffix in (".yaml", ".yml", ".csv") and not p.name.startswith("places"))
            if extra.is_dir()
            else [extra]
        )
    return [(path, _read(path)) for path in (*own, *users)]


_SPECIAL = ("countries.yaml", "classes.yaml", "words.yaml", "people_words.yaml")


def _merge(files: Iterable[tuple[Path, str]]) -> dict[str, dict[str, Any]]:
    """Entries by id, later files adding to earlier ones."""
    merged: dict[str, dict[str, Any]] = {}
    for path, text in files:
        entries = _csv_rows(path, text) if path.suffix == ".csv" else _yaml(path, text) or []
        if isinstance(entries, dict) and all(re.fullmatch("[A-Z]{2}", str(key)) for key in entries):
            continue  # the user's places, keyed by country, live in the same folder
        if not isinstance(entries, list):
            raise DataError(path, "a lexicon file is a list of actors, each with id, type and names")
        for entry in entries:
            if not isinstance(entry, dict) or not _ID.fullmatch(str(entry.get("id", ""))):
                raise DataError(
                    path, f"an actor needs an id such as org:my-group, got {entry.get('id') if isinstance(entry, dict) else entry!r}"
                )
            known = merged.setdefault(entry["id"], {"path": path, "names": []})
            known["names"] = [*known["names"], *(entry.get("names") or [])]
            for key in ("generic", "country", "flags", "relations"):
                if entry.get(key):
                    known[key] = [*known.get(key, []), *(entry[key] if isinstance(entry[key], list) else [entry[key]])]
            known.update({k: v for k, v in entry.items() if k not in ("names", "generic", "country", "flags", "relations")})
    return {key: value for key, value in merged.items() if not value.get("disabled")}


def _script_lang(text: str) -> str:
    return "ar" if _ARABIC.search(text) else "ru" if _CYRILLIC.search(text) else "en"


def _names(path: Path, actor: Actor, raw: Iterable[Any], inherited: Mapping[str, Any]) -> list[tuple[str, Term]]:
    """Every spelling of an actor's names with what it stands for."""
    found: list[tuple[str, Term]] = []
    taken: set[str] = set()
    for position, item in enumerate(raw):
        fields: dict[str, Any] = {"text": item} if isinstance(item, str) else dict(item) if isinstance(item, dict) else {}
        text = str(fields.get("text") or "").strip()
        if not text:
            raise DataError(path, f"{actor.id}: a name is empty")
        try:
            guard = read_guard(fields, inherited)
        except (ValueError, AttributeError, TypeError) as error:
            raise DataError(path, f"{actor.id}: {text!r}: {error}") from error
        key = fold_key(text)
        latin = _script_lang(text) == "en"
        alone = fields.get("kind") == "abbreviation"  # the author vouches that it means nothing else
        if latin and len(key) <= SHORT and not (guard.case_exact and (guard.weak or alone)):
            raise DataError(
                path,
                f"{actor.id}: {text!r} is too short to stand alone: give it case: exact and guard anchor, context_any or country_context",
            )
        if key in _NOT_A_NAME and not guard.case_exact:
            raise DataError(path, f"{actor.id}: {text!r} is an everyday word: give it case: exact")
        how = "exact" if position == 0 else "alias"
        variants = [text] if guard.case_exact or not latin else spellings(text, person=actor.type == "person")
        for variant in variants:
            folded = fold_key(variant)
            spelt = f"{folded} {text}" if guard.case_exact else folded  # "the Coalition" and "The Coalition" are two
            if spelt in taken or (latin and len(folded) <= SHORT and not guard.case_exact):
                continue
            taken.add(spelt)
            found.append((folded, Term(kind="name", id=actor.id, text=text, guard=guard, how=how if folded == key else "variant")))
    return found


def _heads(path: Path, rows: Any) -> list[tuple[str, Term]]:
    found: list[tuple[str, Term]] = []
    taken: set[str] = set()
    for row in rows:
        bare = {True: "yes", False: "no"}.get(row.get("bare"), row.get("bare"))
        if bare not in ("yes", "the", "named"):
            raise DataError(path, f"{row.get('id')}: bare is yes, the or named")
        for noun in row["heads"]:
            if noun in taken:
                raise DataError(path, f"{row['id']}: the noun {noun!r} already heads another class")
            taken.add(noun)
            head = Head(
                id=row["id"], name=row["name"], type=row["type"], bare=bare, branch=row.get("branch", ""),
                national=bool(row.get("national")), of=bool(row.get("of")), sure=bool(row.get("sure")), plural=row["type"] != "person",
            )  # fmt: skip
            found.append((noun, Term(kind="head", id=row["id"], text=noun, head=head)))
    return found


def _states(rows: Mapping[str, str]) -> tuple[dict[str, State], list[tuple[str, Term]]]:
    states: dict[str, State] = {}
    terms: list[tuple[str, Term]] = []
    for code, line in rows.items():
        parts = [[piece.strip() for piece in part.split(",")] for part in line.split(";")]
        names, adjectives = parts[0], parts[1]
        nationals = parts[2] if len(parts) > 2 else [adjectives[0] + "s"]
        states[code] = State(code=code, name=names[0], adjective=adjectives[0])
        for form, texts in (("name", names), ("adjective", adjectives), ("nationals", nationals)):
            terms.extend((text, Term(kind="state", id=f"cty:{code}", text=text, form=form, guard=Guard(case_exact=True))) for text in texts)
    return states, terms


def _actor(key: str, fields: dict[str, Any]) -> Actor:
    path = fields["path"]
    kind = fields.get("type", "organisation")
    if kind not in TYPES:
        raise DataError(path, f"{key}: unknown type {kind!r}; one of {', '.join(sorted(TYPES))}")
    names = fields["names"]
    if not names and not fields.get("generic"):
        raise DataError(path, f"{key}: no names")
    first = names[0] if names else key
    label = fields.get("name") or (first if isinstance(first, str) else first.get("text", key))
    return Actor(
        id=key,
        name=str(label),
        type=kind,
        country=tuple(fields.get("country", ())),
        fills=fields.get("fills", ""),
        role=fields.get("role", ""),
        against=fields.get("against", ""),
        generic=tuple(fold_key(g) for g in fields.get("generic", ())),
        flags=tuple(fields.get("flags", ())),
        relations=tuple((r["rel"], r["id"]) for r in fields.get("relations", ())),
    )


def load_actors(extra: Path | None = None) -> ActorLexicon:
    """Load the shipped lexicon and, after it, the user's folder or file `extra`. Raises DataError naming the file and the mistake."""
    files = _sources(extra)
    version = hashlib.sha256(b"\x00".join(text.encode("utf-8", "surrogatepass") for _, text in files)).hexdigest()
    special = {path.name: (path, _yaml(path, text)) for path, text in files if path.parent == DATA and path.name in _SPECIAL}
    merged = _merge((path, text) for path, text in files if not (path.parent == DATA and path.name in _SPECIAL))
    actors: dict[str, Actor] = {}
    terms: list[tuple[str, Term]] = []
    skeletons: dict[str, list[Term]] = {}
    branches: dict[tuple[str, str], str] = {}
    generic: dict[str, list[str]] = {}
    surnames: dict[str, list[str]] = {}
    for key, fields in merged.items():
        actor = actors[key] = _actor(key, fields)
        inherited: dict[str, Any] = {k: fields[k] for k in ("valid", "country_context") if k in fields}
        named = _names(fields["path"], actor, fields["names"], inherited)
        terms.extend(named)
        if actor.fills and actor.country:
            branches[actor.country[0], actor.fills] = key
        for noun in actor.generic:
            generic.setdefault(noun, []).append(key)
        for name, term in named:
            if (
                not term.guard.weak
                and not term.guard.case_exact
                and name.isascii()
                and len(name) >= SKELETON_LETTERS
                and term.how != "variant"
            ):
                bones = skeleton(name)
                if len(bones) >= SKELETON_LETTERS:
                    skeletons.setdefault(bones, []).append(msgspec.structs.replace(term, how="fuzzy"))
                if actor.type == "person" and " " in name:
                    surnames.setdefault(skeleton(name.split()[-1]), []).append(key)
    states, state_terms = _states(special["countries.yaml"][1])
    # A name wins over the state's name or a common noun of the same spelling; so both stay, and the reader decides.
    matcher = Matcher([*terms, *state_terms, *_heads(*special["classes.yaml"])])
    words, people = special["words.yaml"][1], special["people_words.yaml"][1]
    return ActorLexicon(
        version=version, actors=actors, states=states, matcher=matcher, branches=branches,
        skeletons={k: tuple(v) for k, v in skeletons.items() if len({t.id for t in v}) == 1},
        generic={k: tuple(v) for k, v in generic.items()},
        surnames={k: tuple(dict.fromkeys(v)) for k, v in surnames.items()},
        words=msgspec.convert(words, Words),
        people=msgspec.convert(people, People),
    )  # fmt: skip
