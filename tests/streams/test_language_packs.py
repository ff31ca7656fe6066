"""Claims in Arabic and Russian: every rule's examples and near misses hold, and cues colour what they should."""

import msgspec
import pytest

from streams.claims import find_claims
from streams.context import plain_context
from streams.grammar import load_packs
from streams.inflect import Form
from streams.inflect_ar import ARABIC
from streams.inflect_ru import RUSSIAN
from streams.numbers import find_numbers
from streams.segment import segment, sentences
from streams.times import find_times
from tocsin.records import Claim

PACKS = load_packs()
RULES = [(lang, rule) for lang, pack in PACKS.items() for rule in pack.rules]
EXAMPLES = [pytest.param(lang, rule, text, id=f"{rule.id}-{n}") for lang, rule in RULES for n, text in enumerate(rule.examples)]
NEAR_MISSES = [pytest.param(lang, rule, text, id=f"{rule.id}-{n}") for lang, rule in RULES for n, text in enumerate(rule.near_misses)]


def claims_in(lang: str, text: str) -> list[Claim]:
    """Claims of a bare text, without any mention."""
    parts = segment(text)
    context = msgspec.structs.replace(
        plain_context(text, lang, "2024-03-05T00:00:00Z"), segments=parts, sentences=sentences(text, parts)
    )
    return find_claims(context, [], [], find_numbers(context), find_times(context), PACKS[lang])


@pytest.mark.parametrize(("lang", "rule", "text"), EXAMPLES)
def test_a_rules_example_yields_its_type_and_subtype(lang, rule, text):
    assert {(rule.type, rule.subtype), (rule.type, rule.unrealised)} & {(c.type, c.subtype) for c in claims_in(lang, text)}


@pytest.mark.parametrize(("lang", "rule", "text"), NEAR_MISSES)
def test_a_rules_near_miss_yields_no_claim_at_all(lang, rule, text):
    assert [(c.rule_id, c.trigger.text) for c in claims_in(lang, text)] == []


@pytest.mark.parametrize("lang", PACKS)
def test_every_rule_shows_what_it_means(lang):
    assert [rule.id for rule in PACKS[lang].rules if not rule.examples] == []
