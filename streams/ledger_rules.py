"""What the ledger goes by: families of claim types, limits and the words of corrections, read once from `data/ledger.yaml`."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import msgspec
from ahocorasick_rs import AhoCorasick, Implementation

from tocsin.yaml_file import load_yaml

DATA = Path(__file__).parent / "data" / "ledger.yaml"
Words = dict[str, list[str]]  # language -> words; all languages are sought in every text


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is kept."""

    entries: int
    days: int
    told: int
    articles: int
    claims: int
    quote: int
    listed: int
    claim_ids: int
    candidates: int


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    families: dict[str, list[str]]
    outcomes: list[str]
    confidence: dict[str, float]
    suffices: dict[str, float]
    limits: Limits
    earlier_version: Words
    earlier_report: Words
    correction_note: Words
    taken_back_until: Words
    instead_of: Words
    nobody: dict[str, Words]


class LedgerRules(msgspec.Struct, frozen=True, kw_only=True):
    """The file, compiled."""

    family: Mapping[str, str]  # claim type -> family
    outcomes: frozenset[str]
    confidence: Mapping[str, float]  # family -> least confidence
    suffices: Mapping[str, float]  # stance, figure or history -> part of it that is enough
    limits: Limits
    earlier_version: re.Pattern[str]
    earlier_report: re.Pattern[str]
    note: re.Pattern[str]
    correction: re.Pattern[str]  # either kind of cue
    cues: AhoCorasick  # the same in lower case: tells in a hundredth of the time that a text has none
    taken_back_until: re.Pattern[str]
    instead_of: re.Pattern[str]
    nobody: tuple[tuple[str, re.Pattern[str]], ...]  # role -> words


@cache
def ledger_rules() -> LedgerRules:
    """Load the rules. Raises DataError with file and line."""
    file = load_yaml(DATA, _File)
    return LedgerRules(
        family={kind: family for family, kinds in file.families.items() for kind in kinds},
        outcomes=frozenset(file.outcomes),
        confidence=file.confidence,
        suffices=file.suffices,
        limits=file.limits,
        earlier_version=_any_of(file.earlier_version),
        earlier_report=_any_of(file.earlier_report),
        note=_any_of(file.correction_note),
        correction=_any_of(file.earlier_version, file.correction_note),
        cues=AhoCorasick(_lowered(file.earlier_version, file.correction_note), implementation=Implementation.DFA),
        taken_back_until=_any_of(file.taken_back_until),
        instead_of=_any_of(file.instead_of),
        nobody=tuple((role, _any_of(words)) for role, words in file.nobody.items()),
    )


def _lowered(*lists: Words) -> list[str]:
    return sorted({word.lower() for by_language in lists for words in by_language.values() for word in words})


def _any_of(*lists: Words) -> re.Pattern[str]:
    """Any of the words, whatever the case and the apostrophe; a word begins at a boundary."""
    words: Iterable[str] = {word for by_language in lists for words in by_language.values() for word in words}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(_pattern, longest_first)), re.IGNORECASE)


def _pattern(word: str) -> str:
    return (r"\b" if word[0].isalnum() else "") + re.escape(word).replace("'", "['’]")
