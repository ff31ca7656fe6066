"""Alert rules: YAML, validated with file and line, compiled into an index by subject so that many rules cost little.

A watchlist is a rule too: `watch: [Mosul, Zamzam]` rings at the first mention of each ever, and again after 30 quiet days.
Names are resolved to entity ids when the rules are loaded; a name nobody knows is an error, not a rule that never rings.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from streams.sightings import HAPPENED
from tocsin.errors import DataError
from tocsin.records import Record, Sighting
from tocsin.yaml_file import load_yaml

SHIPPED = Path(__file__).parent / "data" / "alerts"
Kind = Literal["place", "actor", "actor_place", "actor_claim", "place_claim"]


class Rule(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One alert rule as written in YAML."""

    id: str
    kind: Literal["new_mention", "threshold"]
    subjects: tuple[str, ...] = ()  # names or entity ids; empty: every subject of `of`
    of: tuple[Kind, ...] = ()  # kinds of subject; default: place and actor, or their claim pairs when claim_types is given
    claim_types: tuple[str, ...] = ()
    modalities: tuple[str, ...] = HAPPENED  # for claim pairs; each other modality is counted apart
    countries: tuple[str, ...] = ()  # place must lie in one of these (names or ids)
    actor_types: tuple[str, ...] = ()  # e.g. nonstate_armed
    sources: tuple[str, ...] = ()  # source ids; empty: all
    unsure: bool = False  # ring on unsure tags too
    days: int = 30  # new_mention: quiet days before it is news again; 0: only the first ever
    at_least: int = 3  # threshold
    count: Literal["clusters", "origins"] = "clusters"  # threshold: distinct texts, or independent origins
    hours: int = 24  # threshold: window, at most MAX_HOURS
    severity: Literal["info", "notice", "warning", "critical"] = "notice"
    note: str = ""  # for people


class RuleFile(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One YAML file of rules."""

    watch: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


MAX_HOURS = 24 * 8  # how long hourly buckets are kept


class Rules:
    """Compiled rules: which could ring for a sighting. `version` is a hash of their text."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """`rules` with subjects and countries already resolved to ids."""
        self.all = tuple(rules)
        self.version = hashlib.sha256(b"\n".join(msgspec.json.encode(rule) for rule in self.all)).hexdigest()[:12]
        self._by_subject: dict[str, list[Rule]] = {}
        self._by_kind: dict[str, list[Rule]] = {}
        for rule in self.all:
            for kind in rule.of:
                if rule.subjects:
                    for subject in rule.subjects:
                        self._by_subject.setdefault(f"{kind} {subject}", []).append(rule)
                else:
                    self._by_kind.setdefault(kind, []).append(rule)

    def concerning(self, sighting: Sighting) -> list[Rule]:
        """Rules about the sighting's subject, whoever reports it. What they count, and so must be remembered, depends on these alone."""
        found = list(self._by_kind.get(sighting.kind, ()))
        if self._by_subject:
            for part in dict.fromkeys((sighting.subject, *sighting.subject.split("|"))):
                found += self._by_subject.get(f"{sighting.kind} {part}", ())
        return [rule for rule in dict.fromkeys(found) if _concerns(rule, sighting)]

    def could_ring(self, sighting: Sighting) -> list[Rule]:
        """Rules whose conditions the sighting itself meets; counting is for streams.alerts."""
        return [rule for rule in self.concerning(sighting) if meets(rule, sighting)]


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
        and sighting.modality in rule.modalities
        and sighting.polarity == "affirmative"
    )


def meets(rule: Rule, sighting: Sighting) -> bool:
    """Whether a sighting of a subject the rule is about may ring it."""
    return (
        # A district stands for its city and country only where a rule names them: else one event would ring four times.
        (bool(rule.subjects) or sighting.via is None)
        and (not rule.sources or sighting.source_id in rule.sources)
        and _claims(rule, sighting)
    )


def load_rules(folder: Path | None, resolve: Callable[[str], tuple[str, ...]]) -> Rules:
    """Read every *.yaml of `folder` (None: the shipped rules), in name order.

    `resolve` returns the entity ids of a name or id, empty when unknown. Raises DataError for a broken file, an unknown name, an id
    used twice, or a window longer than the buckets are kept.
    """
    folder = folder or SHIPPED
    if not folder.is_dir():
        raise DataError(folder, "no such folder of rules; give one with --rules, or leave it out for the shipped rules")
    rules: list[Rule] = []
    seen: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        file = load_yaml(path, RuleFile)
        watch = (Rule(id=f"watch-{path.stem}", kind="new_mention", subjects=file.watch),) if file.watch else ()
        for rule in (*watch, *file.rules):
            if rule.id in seen:
                raise DataError(path, f"rule id {rule.id!r} is used twice (also in {seen[rule.id]}): rename one")
            seen[rule.id] = path
            rules.append(_resolved(rule, path, resolve))
    return Rules(rules)


def _resolved(rule: Rule, path: Path, resolve: Callable[[str], tuple[str, ...]]) -> Rule:
    if not 0 < rule.hours <= MAX_HOURS or rule.at_least < 1 or rule.days < 0:
        raise DataError(path, f"rule {rule.id!r}: hours must be 1 to {MAX_HOURS}, at_least 1 or more, days 0 or more")

    def all_ids(names: tuple[str, ...]) -> tuple[str, ...]:
        ids: dict[str, None] = {}
        for name in names:
            found = resolve(name)
            if not found:
                raise DataError(
                    path, f"rule {rule.id!r}: nobody knows {name!r}; use a name of the lexicon, an entity id, or add it to lexicon.d"
                )
            ids.update(dict.fromkeys(found))
        return tuple(ids)

    default: tuple[Kind, ...] = ("place_claim", "actor_claim") if rule.claim_types else ("place", "actor")
    return msgspec.structs.replace(rule, subjects=all_ids(rule.subjects), countries=all_ids(rule.countries), of=rule.of or default)
