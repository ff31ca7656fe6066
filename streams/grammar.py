"""How the claim engine reads a sentence in each language: form, roles, attribution, mood and figures, behind one seam.

English reads word order; the language packs (`streams/data/claims/<language>/`) read cues, distance and word forms. Rules and records
are the same for all. To add a language: its inflection, `words.yaml`, rule files, and an entry in `_INFLECTIONS`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from streams.attribution import Frame, frames_of
from streams.claim_matches import Found
from streams.claim_rules import DATA, ClaimRules, Hit, Rule, compile_rules
from streams.clauses import Scene
from streams.context import Context
from streams.figure_claims import FigureClaim, figure_claims
from streams.inflect import UNINFLECTED
from streams.inflect_ar import ARABIC
from streams.inflect_ru import RUSSIAN
from streams.modality import Mood, mood
from streams.pack_figures import counted
from streams.pack_frames import pack_frames
from streams.pack_mood import pack_mood
from streams.pack_roles import no_roles, own_form, pack_roles
from streams.roles import Roles, actual_form, assign_roles
from tocsin.records import Quantity

__all__ = ["PACK_LANGUAGES", "Grammar", "grammar_of", "load_packs"]

_INFLECTIONS = {"ar": ARABIC, "ru": RUSSIAN, "es": UNINFLECTED, "fr": UNINFLECTED, "pt": UNINFLECTED}
_BY_FIGURES = frozenset(("es", "fr", "pt"))  # displacement and casualties only, read by their figures
PACK_LANGUAGES = frozenset(_INFLECTIONS)


class Grammar(NamedTuple):
    """One language's reading of a sentence. `counted`: the figures of a trigger, None where `figures` make claims of their own."""

    form: Callable[[Scene, Hit, int], int]
    roles: Callable[[Scene, Hit, int, ClaimRules], Roles]
    frames: Callable[[Scene, ClaimRules, Sequence[Frame]], list[Frame]]
    mood: Callable[[Scene, Hit, int, ClaimRules, Frame | None], Mood]
    figures: Callable[[Context, Scene, ClaimRules, Sequence[tuple[Rule, Hit]]], list[FigureClaim]]
    counted: Callable[[Scene, Found, Sequence[Found], ClaimRules], tuple[Quantity, ...]] | None


def _no_figures(_context: Context, _scene: Scene, _rules: ClaimRules, _accepted: Sequence[tuple[Rule, Hit]]) -> list[FigureClaim]:
    return []


_ENGLISH = Grammar(actual_form, assign_roles, frames_of, mood, figure_claims, None)
_PACK = Grammar(own_form, pack_roles, pack_frames, pack_mood, _no_figures, counted)


_FIGURES = Grammar(own_form, no_roles, pack_frames, pack_mood, figure_claims, None)


def grammar_of(lang: str) -> Grammar:
    """The grammar that rules of `lang` are read with."""
    if lang in _BY_FIGURES:
        return _FIGURES
    return _PACK if lang in PACK_LANGUAGES else _ENGLISH


@lru_cache(maxsize=1)
def load_packs() -> Mapping[str, ClaimRules]:
    """Language -> its compiled rules. Raises DataError, naming file and rule, for anything the format does not allow."""
    found = {}
    for lang, inflection in _INFLECTIONS.items():
        folder = DATA / "claims" / lang
        words = folder / "words.yaml"
        rules = compile_rules(lang, words, [words], sorted(p for p in folder.glob("*.yaml") if p != words), inflection)
        # A language read by its figures lists few cues; one that it does not list never stands anywhere (bit 0).
        found[lang] = replace(rules, bits=defaultdict(int, rules.bits)) if lang in _BY_FIGURES else rules
    return found
