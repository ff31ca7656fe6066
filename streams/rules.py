"""Alert rules: YAML, validated with file and line, compiled into indices so that many rules cost little.

A watchlist is a rule too: `watch: [Mosul, Zamzam]` rings at the first mention of each ever, and again after 30 quiet days.
Names are resolved to entity ids when the rules are loaded; a name nobody knows is an error, not a rule that never rings.
What a rule may say is the `Rule` below; `tocsin rules schema` prints it for editors.
"""

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from streams.rules_conditions import OF_CLAIMS, Condition, Near, Resolver, Test, Unknown, compiled, phrases
from streams.rules_match import Conditions, Ready
from streams.sightings import HAPPENED
from tocsin.clock import iso
from tocsin.errors import DataError
from tocsin.records import Record, Sighting
from tocsin.yaml_file import Document, Steps, convert, read_yaml

SHIPPED = Path(__file__).parent / "data" / "alerts"
Kind = Literal["place", "actor", "actor_place", "actor_claim", "place_claim"]
MAX_HOURS = 24 * 8
"""How long hourly buckets are kept."""

COUNTING = frozenset({"threshold", "frequency", "spike"})
"""Kinds that count in hourly buckets."""

OF_INCIDENTS = frozenset({"quantity", "control_change", "contradiction", "first_confirmation", "toll_revised"})
"""Kinds that are decided where claims meet in incidents (`streams.alerts_incidents`)."""


class Example(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An article in which a rule should ring, or should not."""

    text: str
    title: str | None = None
    source: str = "example"
    at: str = "2024-05-10T10:00:00Z"
    lang: str | None = None
    before: tuple[str, ...] = ()  # texts of articles that came before, an hour apart, each from a source of its own


class Rule(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One alert rule as written in YAML."""

    id: str
    kind: Literal[
        "new_mention", "any", "frequency", "threshold", "spike",
        "quantity", "control_change", "contradiction", "first_confirmation", "toll_revised",
    ]  # fmt: skip
    when: Condition | None = None  # what must hold in one claim or mention
    together: Literal["claim", "sentence"] = "claim"  # what `when` is tested against
    subjects: tuple[str, ...] = ()  # names or entity ids; empty: every subject of `of`
    of: tuple[Kind, ...] = ()  # what is watched or counted one by one; default: what meets `when`, all of it together
    claim_types: tuple[str, ...] = ()
    modalities: tuple[str, ...] = HAPPENED  # for claim pairs; each other modality is counted apart
    countries: tuple[str, ...] = ()  # place must lie in one of these (names or ids)
    actor_types: tuple[str, ...] = ()  # e.g. nonstate_armed
    sources: tuple[str, ...] = ()  # source ids; empty: all
    unsure: bool = False  # ring on unsure tags too
    days: Annotated[int, Meta(ge=0)] = 30  # new_mention: quiet days before it is news again; 0: only the first ever
    at_least: Annotated[int, Meta(ge=1)] = 3  # threshold, frequency, spike: how many; quantity: how many people
    count: Literal["clusters", "origins"] = "clusters"  # threshold: distinct texts, or independent origins
    hours: Annotated[int, Meta(ge=1)] = 24  # window of threshold, frequency and spike, at most 192
    times: Annotated[float, Meta(gt=1)] = 3.0  # spike: how many times the usual
    of_people: Literal["killed", "injured", "displaced", "missing", "detained"] = "killed"  # quantity, toll_revised
    grown: Annotated[float, Meta(gt=0)] = 0.2  # quantity: a toll rings again when this part higher than when it last rang
    throttle: Annotated[int, Meta(ge=0)] | None = None  # hours of silence after a ring, for each subject; `any`: 6
    severity: Literal["info", "notice", "warning", "critical"] = "notice"
    note: str = ""  # for people
    should_fire: tuple[Example | str, ...] = ()  # its tests: `tocsin rules test`
    should_not_fire: tuple[Example | str, ...] = ()


class RuleFile(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One YAML file of rules."""

    watch: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    warm_up_until: str | None = None  # articles seen before this time fill the memory and ring nothing (any rule of the folder)


class Rules:
    """Compiled rules: which could ring for a sighting, and what an article must say. `version` is a hash of their text."""

    def __init__(self, rules: Iterable[Rule], resolver: Resolver | None = None, warm_up_until: str = "") -> None:
        """`rules` with subjects and countries already resolved to ids. Raises Unknown for a name in a condition."""
        self.all = tuple(rules)
        self.warm_up_until = warm_up_until
        self.version = hashlib.sha256(b"\n".join(msgspec.json.encode(rule) for rule in self.all)).hexdigest()[:12]
        self.by_id = {rule.id: rule for rule in self.all}
        self.unconditional = tuple(rule for rule in self.all if rule.kind in OF_INCIDENTS and rule.when is None)
        self.tests: dict[str, Test] = {}
        self.resolver = resolver = resolver or Resolver(lambda name: (name,))
        for rule in self.all:
            if rule.when is not None:
                self.tests[rule.id] = compiled(rule.when, resolver)
        ready = [_ready(self.by_id[name], test) for name, test in self.tests.items()]
        self.conditions = Conditions(ready, (phrase for rule in self.all if rule.when is not None for phrase in phrases(rule.when)))
        self._watching: dict[str, list[Rule]] = {}  # by kind of subject, and the rarest of what it must have
        for rule in self.all:
            for kind in rule.of:
                for key in _keys(rule, kind):
                    self._watching.setdefault(f"{kind} {key}", []).append(rule)

    def concerning(self, sighting: Sighting) -> list[Rule]:
        """Rules about the sighting's subject, whoever reports it. What they count, and so must be remembered, depends on these alone."""
        if sighting.kind == "rule":
            rule = self.by_id.get(sighting.subject.removeprefix("rule:"))  # of other rules than ours: sent before they changed
            return [rule] if rule is not None else []
        found: list[Rule] = []
        if self._watching:
            parts = sighting.subject.split("|")
            keys = ["", *dict.fromkeys((sighting.subject, *parts)), *(f"in {place}" for place in (parts[0], *sighting.parents))]
            keys += [f"claim {sighting.claim_type}", f"type {sighting.actor_type}"]
            for key in keys:
                found += self._watching.get(f"{sighting.kind} {key}", ())
        for name in sighting.met:
            rule = self.by_id.get(name)
            if rule is not None and sighting.kind in rule.of and not rule.subjects:
                found.append(rule)
        return [rule for rule in dict.fromkeys(found) if (rule.when is None or rule.id in sighting.met) and _concerns(rule, sighting)]

    def could_ring(self, sighting: Sighting) -> list[Rule]:
        """Rules whose conditions the sighting itself meets; counting is for streams.alerts."""
        return [rule for rule in self.concerning(sighting) if meets(rule, sighting)]

    def only(self, rule_id: str) -> "Rules":
        """One rule of them, by itself."""
        return Rules((self.by_id[rule_id],), self.resolver, self.warm_up_until)

    def by_itself(self, rule_id: str) -> bool:
        """Whether what meets a rule's condition is its subject, all together."""
        rule = self.by_id[rule_id]
        return rule.kind not in OF_INCIDENTS and not rule.of


def _ready(rule: Rule, test: Test) -> Ready:
    of_claims = rule.kind in OF_INCIDENTS or not OF_CLAIMS.isdisjoint(test.fields)
    return Ready(rule.id, test, rule.together, rule.unsure, of_claims)


def _keys(rule: Rule, kind: Kind) -> Iterable[str]:
    """Under which a rule without condition of its own is looked up, for subjects of a kind."""
    if rule.subjects:
        return rule.subjects
    if rule.when is not None:
        return ()  # by its condition
    if rule.countries:
        return [f"in {country}" for country in rule.countries]
    if rule.claim_types and kind.endswith("_claim"):
        return [f"claim {name}" for name in rule.claim_types]
    if rule.actor_types and kind == "actor":
        return [f"type {name}" for name in rule.actor_types]
    return ("",)


def _concerns(rule: Rule, sighting: Sighting) -> bool:
    """Whether a rule is about this subject: conditions that hold for every sighting of it alike."""
    places = (sighting.subject.split("|")[0], *sighting.parents)
    return (
        (sighting.sure or rule.unsure)
        and (not rule.countries or any(country in places for country in rule.countries))
        and (not rule.actor_types or sighting.actor_type in rule.actor_types)
        # A pair of actor and place is one subject whatever the claim says; in the others claim type and modality are part of it.
        and (sighting.kind == "actor_place" or _claims(rule, sighting))
    )


def _claims(rule: Rule, sighting: Sighting) -> bool:
    return sighting.claim_type is None or (
        (not rule.claim_types or sighting.claim_type in rule.claim_types)
        and (rule.when is not None or (sighting.modality in rule.modalities and sighting.polarity == "affirmative"))
    )


def meets(rule: Rule, sighting: Sighting) -> bool:
    """Whether a sighting of a subject the rule is about may ring it."""
    return (
        # A district stands for its city and country only where a rule names them: else one event would ring four times.
        (bool(rule.subjects) or sighting.via is None)
        and (not rule.sources or sighting.source_id in rule.sources)
        and _claims(rule, sighting)
    )


def load_rules(
    folder: Path | None, resolve: Callable[[str], tuple[str, ...]], near: Callable[[Near], tuple[str, ...]] | None = None
) -> Rules:
    """Read every *.yaml of `folder` (None: the shipped rules), in name order.

    `resolve` returns the entity ids of a name or id, empty when unknown; `near` the ids of places around. Raises DataError with file and
    line for a broken file, an unknown name, an id used twice, or a window longer than the buckets are kept.
    """
    folder = folder or SHIPPED
    if not folder.is_dir():
        raise DataError(folder, "no such folder of rules; give one with --rules, or leave it out for the shipped rules")
    rules: list[Rule] = []
    seen: dict[str, Path] = {}
    resolver = Resolver(resolve, near)
    warm_up = ""
    for path in sorted(folder.glob("*.yaml")):
        document = read_yaml(path)
        file = convert(document._replace(value=_plain(document.value)), RuleFile)
        warm_up = max(warm_up, file.warm_up_until or "")
        watch = (Rule(id=f"watch-{path.stem}", kind="new_mention", subjects=file.watch),) if file.watch else ()
        for index, rule in enumerate((*watch, *file.rules)):
            steps: Steps = ["rules", index - len(watch)] if index >= len(watch) else ["watch"]
            if rule.id in seen:
                raise document.error(f"rule id {rule.id!r} is used twice (also in {seen[rule.id]}): rename one", steps)
            seen[rule.id] = path
            rules.append(_resolved(rule, document, steps, resolver))
    return Rules(rules, resolver, warm_up)


def _plain(value: Any) -> Any:
    """YAML reads times without quotes as moments: they are text here, as everywhere."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return iso(value) if isinstance(value, datetime) else value.isoformat() if isinstance(value, date) else value


def _resolved(rule: Rule, document: Document, steps: Steps, resolver: Resolver) -> Rule:
    def wrong(problem: str, *more: str | int) -> DataError:
        return document.error(f"rule {rule.id!r}: {problem}", [*steps, *more])

    if rule.kind in COUNTING and rule.hours > MAX_HOURS:
        raise wrong(f"hours must be 1 to {MAX_HOURS}", "hours")
    if rule.kind in OF_INCIDENTS and (rule.of or rule.subjects):
        raise wrong(
            f"{rule.kind} is about incidents: say which with `when`, not with subjects or of", "subjects" if rule.subjects else "of"
        )

    def all_ids(names: tuple[str, ...], *where: str) -> tuple[str, ...]:
        ids: dict[str, None] = {}
        for name in names:
            found = resolver.ids(name)
            if not found:
                raise wrong(f"nobody knows {name!r}; use a name of the lexicon, an entity id, or add it to lexicon.d", *where)
            ids.update(dict.fromkeys(found))
        return tuple(ids)

    if rule.when is not None:
        try:
            compiled(rule.when, resolver)
        except Unknown as error:
            raise wrong(error.problem, "when", *error.steps) from error
    default: tuple[Kind, ...] = ("place_claim", "actor_claim") if rule.claim_types else ("place", "actor")
    by_itself = rule.kind in OF_INCIDENTS or (rule.when is not None and not rule.subjects) or (rule.kind in _WHOLE and not rule.subjects)
    if rule.when is None and rule.kind in _WHOLE and not (rule.subjects or rule.of):
        raise wrong(f"{rule.kind} needs a condition: say with `when` what is meant")
    of = rule.of or (() if by_itself else default)
    return msgspec.structs.replace(rule, subjects=all_ids(rule.subjects, "subjects"), countries=all_ids(rule.countries, "countries"), of=of)


_WHOLE = frozenset({"any", "frequency", "spike"})


def schema() -> dict[str, Any]:
    """JSON schema of a file of rules, for editors; the comments beside the fields are its descriptions."""
    made = msgspec.json.schema(RuleFile)
    for kind in (RuleFile, Rule, Example, Condition, Near):
        properties = made["$defs"][kind.__name__]["properties"]
        for attribute, text in _COMMENT.findall(inspect.getsource(kind)):
            name = attribute.rstrip("_")  # not_: not
            if name in properties:
                properties[name] = {"description": text, **properties[name]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tocsin alert rules", **made}


_COMMENT = re.compile(r"^    (\w+): .*?  # (?!fmt|type|noqa)(.+)$", re.MULTILINE)
