"""Every rule's own examples and near misses hold; broken rule files are refused in one line that names the rule."""

from pathlib import Path

import pytest

from streams.claim_rules import TYPES, find_hits, load_claim_rules, lower
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
    assert [rule.id for rule in RULES.rules if not rule.examples or not rule.near_misses] == []


def test_a_claim_says_which_version_of_its_rule_made_it(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "rules:\n  - {id: unrest.sirens, version: 3, type: unrest, triggers: {phrase: [sounded the sirens of revolt]}, examples: [x]}\n",
        encoding="utf-8",
    )
    rules = load_claim_rules((path,))
    assert {rule.version for rule in RULES.rules} == {1}
    (claim,) = claims_of("Sailors sounded the sirens of revolt in Kronstadt.", rules=rules)
    assert claim.rule_trace[0] == "rule=unrest.sirens@3"


def test_every_type_of_the_taxonomy_has_a_rule():
    assert {rule.type for rule in RULES.rules} == set(TYPES)


BROKEN = [
    ("rules:\n  - {id: a, type: nonsense, triggers: {verb: [attack]}}\n", "type must be one of"),
    ("rules:\n  - {id: a, type: unrest, triggers: {verb: [attack]}, requires: []}\n", "unknown keys requires"),
    ("rules:\n  - {id: a, type: unrest, triggers: {verb: [attack]}, require: ['near: dragons']}\n", "unknown class 'dragons'"),
    ("rules:\n  - {id: a, type: unrest, triggers: {verb: [attack]}, require: ['beyond: army']}\n", "no place to look"),
    ("rules:\n  - {id: a, type: unrest, triggers: {verb: [no]}}\n", "list of strings"),
    ("rules:\n  - {id: a, type: unrest, code: dragons, triggers: {verb: [attack]}}\n", "unknown code"),
    ("rules:\n  - {id: a, type: unrest, triggers: {}}\n", "no triggers"),
    ("rules:\n  - {id: unrest.mob, type: unrest, triggers: {verb: [attack]}}\n", "must be unique"),
    ("rules:\n  - {id: a, type: unrest, confidence: 3, triggers: {verb: [attack]}}\n", "confidence must lie"),
    ("rules:\n  - {id: a, version: 0, type: unrest, triggers: {verb: [attack]}}\n", "version must be a whole number"),
    ("rules:\n  - {id: a, version: new, type: unrest, triggers: {verb: [attack]}}\n", "version must be a whole number"),
    ("rules: {}\n", "must hold `rules:`"),
    ("rules: [\n", ""),
]


@pytest.mark.parametrize(("text", "complaint"), BROKEN)
def test_a_broken_rule_file_is_refused_in_one_line_that_names_it(tmp_path: Path, text, complaint):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_claim_rules((path,))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_users_own_rules_join_the_shipped_ones(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text("rules:\n  - {id: mine.parade, type: unrest, subtype: parade, triggers: {noun: [parade]}}\n", encoding="utf-8")
    rules = load_claim_rules((path,))
    assert "mine.parade" in {rule.id for rule in rules.rules}
    assert rules.version != RULES.version


@pytest.mark.parametrize(
    ("lemma", "past", "ing"),
    [
        ("attack", "attacked", "attacking"),
        ("seize", "seized", "seizing"),
        ("carry out", "carried out", "carrying out"),
        ("stab", "stabbed", "stabbing"),
        ("flee", "fled", "fleeing"),
        ("blow up", "blew up", "blowing up"),
        ("die", "died", "dying"),
        ("bomb", "bombed", "bombing"),
    ],
)
def test_verbs_inflect(lemma, past, ing):
    forms = verb_forms(lemma, {"flee": ("fled", "fled"), "blow": ("blew", "blown")})
    assert forms[past] & Form.PAST
    assert forms[ing] & Form.ING


@pytest.mark.parametrize(
    ("noun", "many"), [("clash", "clashes"), ("gunman", "gunmen"), ("convoy", "convoys"), ("army base", "army bases"), ("city", "cities")]
)
def test_nouns_have_plurals(noun, many):
    assert plural(noun) == many


def test_one_slip_in_a_long_trigger_is_forgiven_and_none_in_a_short_one():
    assert "asassinated" in misspellings("assassinated")
    assert misspellings("raided") == set()
    assert "targeted_attack.assassinate" in {c.rule_id for c in claims_of("Gunmen asassinated a judge in Herat.")}


def test_a_claim_of_a_misspelt_trigger_says_so_and_is_less_sure():
    (right,) = (c for c in claims_of("Gunmen assassinated a judge in Herat.") if c.type == "targeted_attack")
    (slipped,) = (c for c in claims_of("Gunmen asassinated a judge in Herat.") if c.type == "targeted_attack")
    assert "how=fuzzy" in slipped.rule_trace
    assert "how=fuzzy" not in right.rule_trace
    assert slipped.confidence < right.confidence


def test_a_word_of_its_own_is_no_slip():
    assert not {"morning", "sitting", "cleaning"} & RULES.misspelt


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rebels killed", ["rebels", "killed"]),
        ("rebels™ killed• two", ["rebels", "killed"]),  # a sign that is no punctuation ends a word ...
        ("rebels •killed two", ["rebels"]),  # ... but begins none
        ("an air strike• near", ["air strike"]),
        ("an air  strike", ["strike"]),
        ("killed-by", ["killed"]),
        ("unkilled killedness", []),
    ],
)
def test_words_are_found_whole(text: str, words: list[str]) -> None:
    assert [text[hit.start : hit.end] for hit in find_hits(lower(text), load_claim_rules())] == words
