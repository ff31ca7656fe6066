"""What rules would ring is what they ring: examples, previews and explanations run the live engine."""

from pathlib import Path

import pytest

from streams.alerts_preview import Version, difference, failures, replay, tally, unmet
from tests.streams.alerts_of import Feed, rules_of
from tests.streams.ledger_of import resources, sides

RULES = """
watch: [Mosul]
rules:
  - {id: killed, kind: quantity, at_least: 1}
  - {id: confirmed, kind: first_confirmation}
  - {id: aleppo, kind: any, throttle: 6, when: {place: Aleppo, claim: [remote_strike, casualties]}}
"""
NEWS = (
    ("a", "An air strike killed 9 people in Aleppo on Monday, the Red Crescent said."),
    ("b", "Médecins Sans Frontières said nine people were killed by the air strike on Aleppo on Monday."),
    ("c", "Buses crossed the old bridge of Mosul again."),
    ("a", "Shells hit a school in Aleppo, teachers said. Shells killed 2 people in Aleppo in the evening, medics said."),
    ("b", "The air strike on Aleppo on Monday killed 14 people, the Red Crescent said."),
)


def fed(folder: Path, text: str = RULES) -> Feed:
    feed = Feed(rules_of(folder, text))
    for number, (owner, words) in enumerate(NEWS):
        feed.read(words, owner=owner, at=f"2024-05-10T{10 + number}:00:00Z")
    return feed


def test_a_preview_of_what_is_stored_is_what_rang_live(tmp_path: Path) -> None:
    feed = fed(tmp_path / "rules")
    assert feed.rang
    again = [alert for one in replay(feed.rules, feed.passed, sides()) for alert in one.alerts]
    assert again == feed.rang


def test_a_preview_fills_the_memory_with_what_is_older_and_counts_the_rest(tmp_path: Path) -> None:
    feed = fed(tmp_path / "rules")
    counted = tally(replay(feed.rules, feed.passed, sides(), silent_until="2024-05-10T12:30:00Z"))
    assert "watch-rules" not in counted.by_rule
    assert counted.throttled == {"aleppo": 2}


def test_what_a_change_of_a_rule_adds_and_loses_is_listed(tmp_path: Path) -> None:
    feed = fed(tmp_path / "rules")
    changed = rules_of(tmp_path / "changed", RULES.replace("at_least: 1", "at_least: 10").replace("Mosul", "Raqqa"))
    old, new = (tally(replay(rules, feed.passed, sides())) for rules in (feed.rules, changed))
    added, lost = difference(old, new)
    assert {reason.rule_id for reason in lost} == {"killed", "watch-rules"}
    assert all(reason.rule_id == "killed" and "14" in reason.headline for reason in added)


@pytest.mark.parametrize(
    ("examples", "failed"),
    [
        ("should_fire: ['An air strike killed 60 people in Aleppo.'], should_not_fire: ['A strike killed two people in Aleppo.']", []),
        ("should_fire: ['A strike killed two people in Aleppo.']", [True]),
        ("should_not_fire: ['An air strike killed 60 people in Aleppo.']", [False]),
        (
            "should_not_fire: [{text: 'The strike on Aleppo killed 60.', before: ['A strike killed 60 people in Aleppo.']}]",
            [],
        ),
    ],
)
def test_a_rules_examples_are_its_tests(tmp_path: Path, examples: str, failed: list[bool]) -> None:
    rules = rules_of(tmp_path / "rules", f"rules: [{{id: many, kind: quantity, at_least: 50, {examples}}}]")
    assert [one.should for one in failures(rules, resources(), sides())] == failed


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("Buses crossed the bridge of Mosul.", {}, "actor Islamic State: not in this article"),
        ("Buses crossed the bridge of Mosul.", {"bio": "Once a prisoner of the Islamic State."}, "only in comments"),
    ],
)
def test_what_a_condition_lacks_is_said(tmp_path: Path, text: str, more: dict[str, object], why: str) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: r, kind: any, when: {actor: Islamic State, place: Mosul}}]"))
    assert not feed.read(text, **more)  # type: ignore[arg-type]
    (missing,) = unmet(feed.rules.all[0], feed.passed[0], feed.rules.resolver)
    assert why in missing


def test_why_a_rule_did_not_ring_is_said(tmp_path: Path) -> None:
    feed = fed(tmp_path / "rules")
    told = {(verdict.rule_id, verdict.why) for one in replay(feed.rules, feed.passed, sides()) for verdict in one.verdicts}
    assert any(rule == "aleppo" and why.startswith("throttled") for rule, why in told)
    assert any(rule == "killed" and "already" in why for rule, why in told)
    assert isinstance(feed.passed[0], Version)
