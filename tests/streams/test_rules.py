"""Conditions of rules: what meets them, where a mistake in a file is told, and that the published schema is current."""

from pathlib import Path

import pytest

from streams.rules import Rules, schema
from streams.rules_conditions import Near
from streams.rules_places import kilometres, places_near
from tests.streams.alerts_of import Feed, rules_of
from tests.streams.ledger_of import resources
from tocsin.cli.rules import schema_text
from tocsin.errors import DataError

ROOT = Path(__file__).parents[2]
TAKEN = "The Rapid Support Forces captured Zamzam camp on Monday, the Sudan Doctors Network said."
FEARED = "The Rapid Support Forces could capture El Obeid, analysts warned."
CHOLERA = "A doctor feared cholera in the market. Shells fell on El Fasher."


@pytest.mark.parametrize(
    ("when", "text", "meets"),
    [
        ("{actor: RSF}", TAKEN, True),
        ("{actor: [Islamic State, RSF]}", TAKEN, True),
        ("{actor: Islamic State}", TAKEN, False),
        ("{place: Sudan}", TAKEN, True),
        ("{place: Iraq}", TAKEN, False),
        ("{actor: RSF, place: Zamzam}", TAKEN, True),
        ("{actor: RSF, place: Zamzam}", "The RSF met in Khartoum. Shells fell on Zamzam.", False),
        ("{all: [{actor: RSF}, {not: {place: Zamzam}}], claim: territorial_control}", TAKEN, False),
        ("{any: [{place: Iraq}, {claim: territorial_control/captured}]}", TAKEN, True),
        ("{claim: territorial_control, modality: [asserted, reported, claimed]}", TAKEN, True),
        ("{claim: territorial_control, modality: [asserted, reported, claimed]}", FEARED, False),
        ("{claim: territorial_control, modality: possible}", FEARED, True),
        ("{said_by: Sudan Doctors Network}", TAKEN, True),
        ("{said_by: Amaq}", TAKEN, False),
        ("{text: cholera}", CHOLERA, True),
        ("{text: cholera}", "Choleras of old.", False),
        ("{text: cholera, place: El Fasher}", CHOLERA, False),
        ("{lang: en, place: El Fasher}", CHOLERA, True),
        ("{lang: ar, place: El Fasher}", CHOLERA, False),
        ("{source: daily, place: El Fasher}", CHOLERA, True),
        ("{source: other, place: El Fasher}", CHOLERA, False),
        ("{actor_type: [militia, nonstate_armed], place: Zamzam}", TAKEN, True),
        ("{near: {place: El Fasher, km: 40}}", TAKEN, True),
        ("{near: {lat: 13.6, lon: 25.3, km: 60}}", TAKEN, True),
        ("{near: {place: Khartoum, km: 100}}", TAKEN, False),
    ],
)
def test_a_condition_is_met_in_one_claim_or_mention(tmp_path: Path, when: str, text: str, meets: bool) -> None:
    rules = rules_of(tmp_path / "rules", f"rules: [{{id: r, kind: any, when: {when}}}]")
    assert bool(Feed(rules).read(text)) is meets


def test_with_together_sentence_a_condition_may_be_met_by_several_claims_of_a_sentence(tmp_path: Path) -> None:
    text = "Shells fell on El Fasher while the Red Crescent opened a clinic."
    for together, rang in (("claim", False), ("sentence", True)):
        rules = rules_of(
            tmp_path / together, f"rules: [{{id: r, kind: any, together: {together}, when: {{actor: Red Crescent, place: El Fasher}}}}]"
        )
        assert bool(Feed(rules).read(text)) is rang


def test_what_rang_says_the_clause_the_words_and_who_they_stand_for(tmp_path: Path) -> None:
    rules = rules_of(tmp_path / "rules", "rules: [{id: r, kind: any, when: {actor: Rapid Support Forces, claim: territorial_control}}]")
    (alert,) = Feed(rules).read(TAKEN)
    (reason,) = alert.rules
    assert reason.clause == "actor org:rsf, claim territorial_control"
    named = {reason.quote[one.start : one.end]: one.name for one in reason.named}
    assert named["The Rapid Support Forces"] == "Rapid Support Forces"
    assert named["captured"] == "captured"
    assert (reason.modality, reason.said_by) == ("reported", "the Sudan Doctors Network")


def test_five_rules_that_match_one_story_ring_once_and_are_all_named(tmp_path: Path) -> None:
    rules = rules_of(
        tmp_path / "rules",
        """
watch: [Zamzam]
rules:
  - {id: rsf, kind: any, when: {actor: RSF}}
  - {id: taken, kind: control_change, severity: warning}
  - {id: sudan, kind: any, when: {place: Sudan}}
  - {id: doctors, kind: any, when: {said_by: Sudan Doctors Network}}
""",
    )
    feed = Feed(rules)
    (alert,) = feed.read(TAKEN)
    assert {reason.rule_id for reason in alert.rules} == {"watch-rules", "rsf", "taken", "sudan", "doctors"}
    assert (alert.rule_id, alert.severity) == ("taken", "warning")
    assert feed.read(TAKEN, owner="copy", at="2024-05-10T11:00:00Z") == ()


def test_a_throttle_holds_back_and_says_so_with_the_next_ring(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: r, kind: any, throttle: 6, when: {place: El Fasher, claim: remote_strike}}]"))
    texts = [
        f"Shells fell on El Fasher {when}, a {who} said."
        for when, who in (("at dawn", "nurse"), ("at noon", "driver"), ("by night", "cook"))
    ]
    assert feed.read(texts[0], owner="a", at="2024-05-10T08:00:00Z")
    assert not feed.read(texts[1], owner="b", at="2024-05-10T10:00:00Z")
    (alert,) = feed.read(texts[2], owner="c", at="2024-05-10T15:00:00Z")
    assert alert.rules[0].suppressed == 1


def test_the_warm_up_fills_the_memory_and_rings_nothing(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "watch: [El Fasher, Zamzam]\nwarm_up_until: 2024-05-10T12:00:00Z"))
    assert not feed.read("Shells fell on El Fasher.", at="2024-05-10T10:00:00Z")
    assert not feed.read("Rain fell on El Fasher.", owner="b", at="2024-05-10T13:00:00Z")
    assert feed.read("Shells fell on Zamzam camp.", owner="c", at="2024-05-10T14:00:00Z")


def test_a_spike_is_measured_against_the_subjects_own_week(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: r, kind: spike, of: [place], subjects: [El Fasher], at_least: 5, hours: 24}]"))
    for day in range(1, 8):
        assert not feed.read(
            f"On day {day} the market of El Fasher was open, trader number {day * 7} said.", owner=f"o{day}", at=f"2024-05-0{day}T10:00:00Z"
        )
    words = (
        "A bridge burned",
        "A school closed",
        "Wells ran dry",
        "Trucks arrived late",
        "A clinic opened",
        "Fuel was sold",
        "Bread was short",
    )
    rang = [feed.read(f"{what} in El Fasher.", owner=f"p{n}", at=f"2024-05-09T{10 + n}:00:00Z") for n, what in enumerate(words)]
    (alert,) = [alert for alerts in rang for alert in alerts]
    assert "usual are" in alert.rules[0].why
    assert len(alert.clusters) >= 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules:\n  - id: x\n    kind: any\n    when:\n      actor: Xyzzy\n", r"rules.yaml:5: .*nobody knows 'Xyzzy' as an actor"),
        ("rules:\n  - id: x\n    kind: any\n    when:\n      all:\n        - place: RSF\n", r"rules.yaml:6: .*as a place"),
        ("rules:\n  - id: x\n    kind: any\n    when: {claim: murder}\n", r"rules.yaml:4: .*claim: 'murder' is none of"),
        ("rules:\n  - id: x\n    kind: any\n    when: {colour: red}\n", r"rules.yaml:4: .*unknown key"),
        ("rules:\n  - id: x\n    kind: any\n    when: {}\n", r"rules.yaml:4: .*says nothing"),
        ("rules:\n  - id: x\n    kind: any\n", "needs a condition"),
        ("rules:\n  - id: x\n    kind: quantity\n    subjects: [El Fasher]\n", r"rules.yaml:4: .*say which with `when`"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        rules_of(tmp_path / "rules", text)


def test_the_published_schema_is_current() -> None:
    kept = (ROOT / "docs" / "rules.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text(schema()), "run `tocsin rules schema > docs/rules.schema.json`"


def test_rules_of_one_folder_have_one_version_whatever_their_order_of_evaluation(tmp_path: Path) -> None:
    text = "rules: [{id: a, kind: any, when: {place: El Fasher}}, {id: b, kind: any, when: {actor: RSF}}]"
    one, two = rules_of(tmp_path / "one", text), rules_of(tmp_path / "two", text)
    assert isinstance(one, Rules)
    assert one.version == two.version


def test_distances_are_those_of_the_sphere() -> None:
    assert kilometres(0, 0, 0, 1) == pytest.approx(111.2, abs=0.2)
    assert "loc:el-fasher" in places_near(resources())(Near(km=1, place="El Fasher"))
