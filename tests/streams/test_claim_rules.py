"""Every rule's own examples and near misses hold; broken rule files are refused in one line that names the rule."""

from pathlib import Path

import pytest

from streams.claim_rules import TYPES, load_claim_rules
from streams.inflect import Form, misspellings, plural, verb_forms
from tests.streams.claims_of import claims_of
from tocsin.errors import DataError

RULES = load_claim_rules()
EXAMPLES = [pytest.param(rule, text, id=f"{rule.id}-{n}") for rule in RULES.rules for n, text in enumerate(rule.examples)]
NEAR_MISSES = [pytest.param(rule, text, id=f"{rule.id}-{n}") for rule in RULES.rules for n, text in enumerate(rule.near_misses)]


@pytest.mark.parametrize(("rule", "text"), EXAMPLES)
def test_a_rules_example_yields_its_type_and_subtype(rule, text):
    assert {(rule.type, rule.subtype), (rule.type, rule.unrealised)} & {(c.type, c.subtype) for c in claims_of(text)}


@pytest.mark.parametrize(("rule", "text"), NEAR_MISSES)
def test_a_rules_near_miss_does_not_fire_it(rule, text):
    assert rule.id not in {c.rule_id for c in claims_of(text)}


def test_every_rule_shows_what_it_means_and_what_it_does_not():
    assert [rule.id for rule in RULES.rules if not rule.examples] == []


def test_every_type_of_the_taxonomy_has_a_rule():
    assert {rule.type for rule in RULES.rules} == set(TYPES)
