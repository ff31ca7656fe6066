"""Alert rules on whole sentences, through tagger, clusters and ledger: what must ring, with what words, and what must not."""

import json
from pathlib import Path

import pytest

from sinks.sqlite import open_store
from tests.streams.alerts_of import Feed, rules_of
from tocsin.alerting import Alert
from tocsin.embedded.session import Session
from tocsin.records import Comment
from tocsin.settings import load

RULES = """
rules:
  - {id: killed, kind: quantity, of_people: killed, at_least: 1}
  - {id: confirmed, kind: first_confirmation}
  - {id: contradicted, kind: contradiction}
  - {id: jihadists, kind: any, when: {actor: [JNIM, Islamic State]}}
  - {id: zamzam, kind: new_mention, subjects: [Zamzam], of: [place]}
  - {id: control, kind: control_change}
"""
LIVE = "https://daily.example/live"


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(rules_of(tmp_path / "rules", RULES))


def rang(alerts: tuple[Alert, ...]) -> set[tuple[str, str]]:
    """(rule, kind) of every reason."""
    return {(reason.rule_id, reason.rule_kind) for alert in alerts for reason in alert.rules}


@pytest.mark.parametrize(
    ("first", "added", "third"),
    [
        (
            "Shelling continued in Omdurman.",
            "RSF fighters entered Zamzam camp, residents said.",
            "RSF fighters entered Zamzam camp residents said.",
        ),
        ("The market of Kassala was open.", "Shells fell on Zamzam camp at noon.", "Shells fell on Zamzam camp, at noon."),
    ],
)
def test_an_edit_rings_for_what_it_added_and_quotes_only_that_and_a_comma_never_rings(
    feed: Feed, first: str, added: str, third: str
) -> None:
    assert "zamzam" not in {rule for rule, _ in rang(feed.read(first, url=LIVE))}
    (alert,) = feed.read(f"{first} {added}", url=LIVE, at="2024-05-10T11:00:00Z")
    (reason,) = [reason for reason in alert.rules if reason.rule_id == "zamzam"]
    assert reason.quote == added
    assert feed.read(f"{first} {third}", url=LIVE, at="2024-05-10T12:00:00Z") == ()


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        (
            "At least 27 people were killed in a strike on Nyala market, the Sudan Doctors Network said.",
            "The Sudan Doctors Network said 27 died in the Nyala market strike.",
            "MSF said its Nyala hospital received 27 bodies after the market strike.",
        ),
        (
            "Shelling killed 12 people in El Fasher on Monday, the Red Crescent said.",
            "The Red Crescent said 12 people died in the shelling of El Fasher on Monday.",
            "Twelve people were killed in El Fasher by shells on Monday, Médecins Sans Frontières said.",
        ),
    ],
)
def test_two_owners_that_cite_one_origin_confirm_nothing_and_a_second_origin_rings_once(
    feed: Feed, one: str, same: str, another: str
) -> None:
    assert ("confirmed", "first_confirmation") not in rang(feed.read(one, owner="x"))
    assert feed.read(same, owner="y", at="2024-05-10T11:00:00Z") == ()
    (alert,) = feed.read(another, owner="z", at="2024-05-10T12:00:00Z")
    assert ("confirmed", "first_confirmation") in rang((alert,))
    assert alert.rules[0].independent == 2
    assert feed.read(another.replace("said", "reported"), owner="z2", at="2024-05-10T13:00:00Z") == ()


def test_a_partys_toll_is_claimed_names_nobody_it_calls_names_and_is_contradicted_later(feed: Feed) -> None:
    (alert,) = feed.read(
        "Mali's army said it neutralised 203 terrorists in Moura on 27-31 March 2022.", owner="x", at="2022-04-02T00:00:00Z"
    )
    (reason,) = alert.rules
    assert (reason.rule_id, reason.modality, reason.headline) == ("killed", "claimed", "Malian army claims: 203 killed in Moura")
    (later,) = feed.read(
        "Malian troops killed at least 500 people in Moura on 27-31 March 2022, UN investigators said.",
        owner="y",
        at="2023-05-12T00:00:00Z",
    )
    assert ("contradicted", "contradiction") in rang((later,))
    assert later.incidents == alert.incidents
    assert "203 against at least 500" in next(reason.headline for reason in later.rules if reason.rule_id == "contradicted")


LATE = "RSF gunmen killed 14 people in Wad al-Noura on 5 June, residents said."


def test_what_comes_late_rings_once_with_its_lateness(feed: Feed) -> None:
    when = {"at": "2024-06-24T08:00:00Z", "published_at": "2024-06-20T08:00:00Z"}
    (alert,) = feed.read(LATE, owner="x", **when)  # type: ignore[arg-type]
    assert alert.late == "published 4 days before it was seen"
    assert "the event was 15 days before publication" in alert.rules[0].why
    assert feed.read(LATE, owner="y", url="https://y.example/copy", **when) == ()  # type: ignore[arg-type]


def test_the_backfill_lane_is_silent_and_what_it_told_is_known(feed: Feed) -> None:
    assert feed.read(LATE, owner="x", at="2024-06-24T08:00:00Z", backfill=True) == ()
    again = feed.read(f"{LATE} It was the third attack.", owner="y", at="2024-06-25T08:00:00Z")
    assert "killed" not in {rule for rule, _ in rang(again)}


@pytest.mark.parametrize(
    ("said", "corrected"),
    [
        ("A drone strike killed 9 in Kidal.", "Correction: an earlier version said nine were killed in Kidal. No one died."),
        (
            "An air strike killed 14 people in Nyala on Monday, residents said.",
            "Correction: an earlier version of this article said 14 people were killed in Nyala. Nobody was killed.",
        ),
    ],
)
def test_a_correction_rings_once_in_the_same_thread_and_is_no_toll(feed: Feed, said: str, corrected: str) -> None:
    (first,) = feed.read(said, url=LIVE)
    (alert,) = feed.read(corrected, url=LIVE, at="2024-05-10T12:00:00Z")
    assert rang((alert,)) == {("killed", "correction")}
    assert alert.incidents == first.incidents
    (figure,) = feed.incidents[first.incidents[0]].figures
    assert (figure.best, {said.status for said in figure.said}) == (0, {"stands", "retracted"})
    assert feed.read(corrected, url=LIVE, at="2024-05-10T12:00:00Z") == ()


@pytest.mark.parametrize(
    ("toll", "rings"),
    [("10", False), ("11", True), ("over 20", True), ("up to 60", True), ("nine", False)],
)
def test_a_toll_rings_again_only_when_it_has_grown_by_a_fifth(feed: Feed, toll: str, rings: bool) -> None:
    assert feed.read("An air strike killed 9 people in Nyala on Monday, residents said.", owner="x")
    alerts = feed.read(
        f"The air strike on Nyala on Monday killed {toll} people, the Red Crescent said.", owner="y", at="2024-05-10T13:00:00Z"
    )
    assert (("killed", "quantity") in rang(alerts)) is rings


def test_only_a_toll_that_is_certain_rings_as_one(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: many, kind: quantity, at_least: 50, severity: critical}]"))
    (alert,) = feed.read("Shelling killed up to 60 people in Nyala on Monday, residents said.")
    assert (alert.severity, alert.headline.startswith("possibly")) == ("info", True)
    (alert,) = feed.read("Shelling killed over 8,000 people in El Fasher on Monday, residents said.", owner="y")
    assert alert.severity == "critical"


def test_a_place_that_changes_hands_rings_and_the_next_report_of_it_does_not(feed: Feed) -> None:
    (alert,) = feed.read("The Rapid Support Forces captured Babanusa on Monday.", owner="x")
    assert ("control", "control_change") in rang((alert,))
    assert "Babanusa taken by Rapid Support Forces" in alert.headline
    assert ("control", "control_change") not in rang(feed.read("RSF fighters seized Babanusa on Monday, witnesses said.", owner="y"))
    assert ("control", "control_change") not in rang(feed.read("If the RSF captured El Obeid, roads would close.", owner="z"))
    again = feed.read("The Sudanese army recaptured Babanusa on Sunday.", owner="y", at="2024-05-20T10:00:00Z")
    assert ("control", "control_change") in rang(again)


def test_a_phase_and_the_whole_do_not_contradict_each_other_and_the_opposite_does(feed: Feed) -> None:
    whole, phase = (
        "Fighting in Kirkuk displaced 900,000 civilians, the UN said.",
        "In the first stage 150,000 civilians were displaced, it said.",
    )
    assert "contradicted" not in {rule for rule, _ in rang(feed.read(f"{whole} {phase}"))}
    text = "The Islamic State has secured Kirkuk very well with trenches. Later the Islamic State has not secured Kirkuk very well."
    assert ("contradicted", "contradiction") in rang(feed.read(text, owner="b"))


def test_a_partys_channel_confirms_nothing_that_its_agency_claimed(feed: Feed) -> None:
    feed.read("Amaq claimed that Islamic State fighters killed 4 soldiers in Kirkuk on Monday.", owner="a")
    own = feed.read("Islamic State fighters killed 4 soldiers in Kirkuk on Monday.", owner="b", affiliated_with="org:islamic-state")
    assert "confirmed" not in {rule for rule, _ in rang(own)}
    third = feed.read("Four soldiers were killed by the Islamic State in Kirkuk on Monday, the Red Crescent said.", owner="c")
    assert ("confirmed", "first_confirmation") in rang(third)


def test_readers_comments_and_the_authors_biography_ring_nothing(feed: Feed) -> None:
    comment = Comment(text="The RSF entered Zamzam camp and killed 300 people!")
    assert feed.read("The market of Kassala was open.", comments=(comment,), bio="She reported from Zamzam camp for JNIM.") == ()


def test_the_embedded_run_rings_and_corrects_in_one_thread(tmp_path: Path) -> None:
    rules_of(tmp_path / "rules", RULES)
    lines = [
        {"url": LIVE, "text": "A drone strike killed 9 in Kidal.", "published": "2024-05-10T10:00:00Z"},
        {
            "url": LIVE,
            "text": "Correction: an earlier version said nine were killed in Kidal. No one died.",
            "published": "2024-05-10T10:00:00Z",
        },
        {
            "url": LIVE,
            "text": "Correction: an earlier version said nine were killed in Kidal; no one died.",
            "published": "2024-05-10T10:00:00Z",
        },
    ]
    settings = load(environment={}, given={"data": str(tmp_path / "data"), "rules": str(tmp_path / "rules"), "workers": 1})[0]
    for number, line in enumerate(lines):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(json.dumps(line) + "\n", encoding="utf-8")
        with Session(settings) as session:
            session.ingest([str(file)])
    with open_store(tmp_path / "data", read_only=True) as store:
        first, corrected = reversed(store.alerts())
        (incident,) = store.incidents()
        assert store.alerts(rule="killed") == [corrected, first]
    assert [rang((alert,)) for alert in (first, corrected)] == [{("killed", "quantity")}, {("killed", "correction")}]
    assert first.incidents == corrected.incidents == (incident.incident_id,)
    assert [(said.value, said.status) for said in incident.figures[0].said] == [(0, "stands"), (9, "retracted")]


def test_a_throttle_holds_a_rule_about_incidents_back_for_each_place(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: killed, kind: quantity, at_least: 5, throttle: 12}]"))
    (first,) = feed.read(
        "An air strike killed 9 people in El Fasher on Monday, the Red Crescent said.", owner="a", at="2024-05-06T08:00:00Z"
    )
    assert first.rules[0].suppressed == 0
    assert not feed.read("A drone strike killed 40 people in El Fasher on Tuesday, medics said.", owner="b", at="2024-05-06T12:00:00Z")
    assert feed.read("An air strike killed 8 people in Khartoum on Monday, the Red Crescent said.", owner="c", at="2024-05-06T13:00:00Z")
    (third,) = feed.read("Gunmen shot 70 people dead in El Fasher on Thursday, officials said.", owner="d", at="2024-05-09T12:00:00Z")
    assert third.rules[0].suppressed == 1


def test_a_correction_reaches_a_rule_that_rang_for_every_such_story(tmp_path: Path) -> None:
    feed = Feed(rules_of(tmp_path / "rules", "rules: [{id: kidal, kind: any, when: {place: Kidal, claim: casualties}}]"))
    assert rang(feed.read("A drone strike killed 9 in Kidal.", url=LIVE)) == {("kidal", "any")}
    corrected = feed.read(
        "Correction: an earlier version said nine were killed in Kidal. No one died.", url=LIVE, at="2024-05-10T12:00:00Z"
    )
    assert ("kidal", "correction") in rang(corrected)


def test_what_never_rang_is_never_corrected(feed: Feed) -> None:
    assert not feed.read("A drone strike killed 9 in Kidal.", url=LIVE, backfill=True)
    assert not feed.read("Correction: an earlier version said nine were killed in Kidal. No one died.", url=LIVE, at="2024-05-10T12:00:00Z")
