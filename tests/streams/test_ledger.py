"""Incidents of sentences read by the real tagger: what meets, what stays apart, who is independent, what a correction leaves."""

import itertools
import json
from pathlib import Path

import pytest

from tests.streams.ledger_of import Ledger
from tocsin.incidents import Incident, IncidentFigure

NYALA = (
    ("x", "At least 27 people were killed in a strike on Nyala market, the Sudan Doctors Network said."),
    ("y", "The Sudan Doctors Network said 27 died in the Nyala market strike."),
    ("z", "MSF said its Nyala hospital received 27 bodies after the market strike."),
)
SEEDS = Path(__file__).parents[3] / "shared" / "eval" / "seeds.jsonl"
MOURA = (
    "Mali's army said it neutralised 203 terrorists in Moura on 27-31 March 2022.",
    "Malian troops killed at least 500 people in Moura on 27-31 March 2022, UN investigators said.",
)


def toll(incident: Incident, role: str = "killed") -> IncidentFigure:
    return next(figure for figure in incident.figures if figure.role == role)


def test_two_papers_that_quote_one_network_are_one_origin_and_a_hospital_makes_two() -> None:
    ledger = Ledger()
    seen = []
    for owner, sentence in NYALA:
        ledger.read(sentence, owner=owner)
        seen.append((ledger.one().independent, ledger.one().confirmed))
    assert seen == [(1, False), (1, False), (2, True)]
    assert ledger.one().owners == ("x", "y", "z")
    assert [voice.name for voice in ledger.one().claims] == ["Sudan Doctors Network", "Doctors Without Borders"]


def test_a_headline_without_a_source_is_no_second_origin_beside_the_source_its_article_cites() -> None:
    ledger = Ledger()
    for owner, sentence in NYALA[:2]:
        ledger.read(sentence, owner=owner, title=f"Strike on Nyala market kills 27, {owner} reports")
    assert (len(ledger.one().owners), ledger.one().independent) == (2, 1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_whatever_the_order_of_arrival_three_reports_make_one_incident_with_the_same_toll(order: tuple[int, ...]) -> None:
    ledger = Ledger()
    for index in order:
        ledger.read(NYALA[index][1], owner=NYALA[index][0])
    incident = ledger.one()
    assert (toll(incident).low, toll(incident).best, incident.independent) == (27, 27, 2)
    assert incident.revision == 3


def test_an_army_and_investigators_contradict_each_other_about_one_massacre() -> None:
    ledger = Ledger()
    ledger.read(MOURA[0], owner="x", at="2026-01-01T10:00:00Z", published_at="2022-04-02T10:00:00Z")
    first = ledger.one()
    assert (toll(first).best, toll(first).by, first.disputed) == (203, ("Malian army",), ())
    assert [(a.role, a.entity_id, a.name) for a in first.actors] == [("victim", "grp:militants", "203 terrorists")]
    ledger.read(MOURA[1], owner="y", at="2026-01-01T11:00:00Z", published_at="2023-05-12T10:00:00Z")
    second = ledger.one()
    assert second.incident_id == first.incident_id
    assert (toll(second).low, toll(second).best, toll(second).high) == (203, 500, None)
    assert [(c.kind, c.what) for c in second.contradictions] == [("figure", "203 against at least 500 killed")]
    assert (second.event_from, second.event_to) == ("2022-03-27", "2022-03-31")
    assert second.first_said < second.last_said


def test_history_opens_no_incident() -> None:
    ledger = Ledger()
    ledger.read(MOURA[1], published_at="2023-05-12T10:00:00Z", at="2023-05-12T10:00:00Z")
    assert not ledger.incidents


def test_a_correction_takes_the_toll_back_in_the_same_incident() -> None:
    ledger = Ledger()
    ledger.read("A drone strike killed 9 in Kidal.", url="https://daily.example/kidal")
    first = ledger.one()
    assert toll(first).best == 9
    corrected = "Correction: an earlier version said nine were killed in Kidal. No one died."
    ledger.read(corrected, url="https://daily.example/kidal", at="2024-05-10T12:00:00Z")
    second = ledger.one()
    assert second.incident_id == first.incident_id
    assert (toll(second).low, toll(second).best, toll(second).high) == (0, 0, 0)
    assert [(said.value, said.status) for said in toll(second).said] == [(0, "stands"), (9, "retracted")]
    assert [(c.kind, c.before, c.after) for c in second.corrections] == [("retracted", "9", "0")]
    assert second.revision == 2


@pytest.mark.parametrize(
    ("edited", "best", "kind"),
    [
        ("Correction: An earlier version of this article misstated the toll. No one was killed in Kidal.", 0, "retracted"),
        ("Nobody died in the Kidal drone strike. An earlier version of this report wrongly said that nine were killed.", 0, "retracted"),
        ("A drone strike killed 3 in Kidal. Correction: an earlier version said nine were killed.", 3, "retracted"),
        ("Correction: No one died in Kidal.", 0, "retracted"),
        ("A drone strike hit Kidal, but caused no casualties, the army said.", 0, "revised"),
    ],
)
def test_corrections_come_in_many_words(edited: str, best: float, kind: str) -> None:
    ledger = Ledger()
    ledger.read("A drone strike killed 9 in Kidal.", url="https://daily.example/kidal")
    ledger.read(edited, url="https://daily.example/kidal", at="2024-05-10T12:00:00Z")
    assert (toll(ledger.one()).best, [c.kind for c in ledger.one().corrections], ledger.one().denies) == (best, [kind], ())
    assert next(said.status for said in toll(ledger.one()).said if said.value == 9) == kind


def test_a_correction_at_another_address_is_of_the_same_owner_s_figure() -> None:
    ledger = Ledger()
    ledger.read("A drone strike killed 9 in Kidal.", owner="daily")
    ledger.read("Nine people were killed in Kidal by a drone, and a shop burned down.", owner="wire")
    ledger.read("Correction: an earlier report said nine people were killed in Kidal. No one died.", owner="daily")
    incident = ledger.one()
    assert {(said.source_name, said.value, said.status) for said in toll(incident).said} == {
        ("Daily", 0, "stands"),
        ("Daily", 9, "retracted"),
        ("Wire", 9, "stands"),
    }
    assert [(c.kind, c.before, c.after) for c in incident.corrections] == [("retracted", "9", "0")]


def test_a_toll_of_nought_is_said_by_who_corrects_not_by_who_was_cited() -> None:
    ledger = Ledger()
    url = "https://daily.example/kidal"
    ledger.read("MSF said a drone strike killed 9 people in Kidal.", url=url)
    ledger.read("Correction: an earlier version said nine were killed in Kidal. No one died.", url=url, at="2024-05-10T12:00:00Z")
    assert [(said.source_name, said.value) for said in toll(ledger.one()).said] == [("Daily", 0), ("Doctors Without Borders", 9)]


def test_a_spokesman_nobody_knows_speaks_for_those_who_did_it() -> None:
    ledger = Ledger()
    ledger.read("The Syrian Democratic Forces have taken full control of Raqqa, their spokesman Talal Silo said on Tuesday.", owner="x")
    ledger.read("The SDF said it had captured Raqqa.", owner="y")
    assert (ledger.one("control").independent, ledger.one("control").confirmed) == (1, False)


def test_a_figure_that_an_edit_no_longer_gives_is_withdrawn_and_a_new_one_revises_it() -> None:
    ledger = Ledger()
    url = "https://daily.example/live"
    ledger.read("Shelling killed 4 people in Kidal on Thursday.", url=url)
    ledger.read("Shelling killed 7 people in Kidal on Thursday.", url=url, at="2024-05-10T11:00:00Z")
    assert (toll(ledger.one()).best, [(c.kind, c.before, c.after) for c in ledger.one().corrections]) == (7, [("revised", "4", "7")])
    ledger.read("Shelling hit Kidal on Thursday.", url=url, at="2024-05-10T12:00:00Z")
    assert toll(ledger.one()).best is None
    assert [c.kind for c in ledger.one().corrections] == ["revised", "withdrawn"]


def test_an_edit_that_drops_the_story_withdraws_the_incident() -> None:
    ledger = Ledger()
    url = "https://daily.example/a"
    ledger.read("Gunmen killed six people in Kaduna on Monday.", url=url)
    changed = ledger.read("The bridge was opened on Monday.", url=url, at="2024-05-10T12:00:00Z")
    assert [(incident.status, incident.claim_ids) for incident in changed] == [("withdrawn", ())]


def test_a_changed_comma_changes_neither_the_toll_nor_the_corrections() -> None:
    ledger = Ledger()
    url = "https://daily.example/a"
    ledger.read("On Monday gunmen killed six people in Kaduna.", url=url)
    ledger.read("On Monday, gunmen killed six people in Kaduna.", url=url, at="2024-05-10T12:00:00Z")
    assert (toll(ledger.one()).best, ledger.one().corrections, len(ledger.one().articles)) == (6, (), 1)


def test_a_toll_that_rises_is_revised_in_place() -> None:
    ledger = Ledger()
    ledger.read(NYALA[0][1], owner="x")
    rose = "The death toll from the strike on Nyala market rose to 31, the Sudan Doctors Network said."
    ledger.read(rose, owner="x", at="2024-05-11T10:00:00Z")
    figure = toll(ledger.one())
    assert (figure.best, figure.origins) == (31, 1)
    assert [(said.value, said.status) for said in figure.said] == [(31, "stands"), (27, "revised")]


def test_the_total_of_a_roundup_stays_apart_from_its_parts() -> None:
    ledger = Ledger()
    ledger.read(
        "Attacks kill 14 in Nigeria. Gunmen killed six people in Kaduna on Monday. Three people were killed in Zamfara. "
        "A bomb killed five people in Maiduguri."
    )
    deaths = {(i.places[0].name, bool(i.total)): toll(i).best for i in ledger.incidents.values() if i.figures}
    assert deaths == {("Nigeria", True): 14, ("Kaduna", False): 6, ("Zamfara", False): 3, ("Maiduguri", False): 5}
    assert sum(toll(i).best or 0 for i in ledger.incidents.values() if i.figures and not i.total) == 14


def test_a_sum_since_a_month_never_meets_a_day_s_dead() -> None:
    ledger = Ledger()
    ledger.read("More than 40,000 people have been killed in Gaza since October, the health ministry said.")
    ledger.read("Israel bombed a school in Gaza City on Thursday, killing 15 people.", owner="other")
    assert {(bool(i.total), toll(i).best) for i in ledger.incidents.values() if i.figures} == {(True, 40000), (False, 15)}


def test_phases_do_not_contradict_each_other() -> None:
    ledger = Ledger()
    ledger.read("The UN said 200,000 people were displaced in the first stage of the battle of Mosul.", owner="x")
    ledger.read("Some 1.2 million people were displaced from Mosul, the UN said.", owner="y")
    incidents = [i for i in ledger.incidents.values() if i.family == "displacement"]
    assert {(f.extent, f.best) for i in incidents for f in i.figures} == {("first stage battle mosul", 200000), ("", 1200000)}
    assert not any(i.contradictions for i in incidents)


def test_rival_winners_meet_and_the_denial_is_of_the_rival_s_claim() -> None:
    ledger = Ledger()
    ledger.read("The army captured El Fasher on Tuesday.", owner="x")
    ledger.read("The RSF captured El Fasher on Wednesday.", owner="w")
    ledger.read("The army denied that the RSF had captured El Fasher.", owner="z")
    incident = ledger.one("control")
    assert incident.disputed == ("holder", "polarity")
    assert [voice.entity_id for voice in incident.denies] == ["org:sudanese-army"]
    assert incident.contradictions[0].what == "Sudanese army against Rapid Support Forces"


def test_a_denial_is_of_what_was_said_weeks_before() -> None:
    ledger = Ledger()
    ledger.read("Gunmen killed 14 people in Wad al-Noura on 5 May, residents said.", owner="x")
    ledger.read("The army denied killing civilians in Wad al-Noura.", owner="y", at="2024-05-24T10:00:00Z")
    incident = ledger.one()
    assert ([voice.name for voice in incident.denies], incident.disputed) == (["Sudanese army"], ("polarity",))


def test_rival_perpetrators_meet_and_organs_of_one_state_are_no_rivals() -> None:
    ledger = Ledger()
    ledger.read("Israel bombed a school in Gaza City, killing 15 people.", owner="x")
    ledger.read("The Israeli army bombed a school in Gaza City, killing 15 people.", owner="y")
    assert ledger.one().disputed == ()
    ledger.read("A Hamas rocket killed 15 people at a school in Gaza City.", owner="z")
    assert ledger.one().disputed == ("perpetrator",)


def test_media_of_a_party_never_confirm_their_own_side() -> None:
    ledger = Ledger()
    ledger.read("Amaq said ISIS fighters killed 12 soldiers in Kirkuk on Monday.", owner="x")
    ledger.read("ISIS said in a statement on Telegram its fighters killed 12 soldiers in Kirkuk on Monday.", owner="y")
    ledger.read("ISIS fighters killed 12 soldiers in Kirkuk on Monday.", owner="channel", affiliated_with="org:islamic-state")
    assert (ledger.one().independent, ledger.one().confirmed, ledger.one().origins) == (1, False, ("org:islamic-state",))
    ledger.read("ISIS gunmen killed 12 soldiers in Kirkuk on Monday, Iraqi police said.", owner="v")
    assert ledger.one().confirmed


def test_a_group_is_not_independent_of_an_article_by_its_founder() -> None:
    ledger = Ledger()
    text = "RBSS sources confirmed that Islamic State shelled Raqqa on Monday, killing 12 people. Islamic State shelled Raqqa on Monday."
    bio = 'Director of the media office, founding member of "Raqqa is Being Slaughtered Silently".'
    ledger.read(text, owner="x", bio=bio)
    ledger.read("RBSS said Islamic State shelled Raqqa on Monday, killing 12 people.", owner="y")
    assert (ledger.one().origins, ledger.one().independent) == (("org:rbss",), 1)


def test_copies_of_one_dispatch_are_one_origin() -> None:
    ledger = Ledger()
    dispatch = (
        "Gunmen on motorcycles attacked the village market at dawn. They killed six people in Kaduna on Monday, then burned houses. "
        "Villagers buried the dead in the afternoon and waited for soldiers, who came only when night had fallen over the hills."
    )
    ledger.read(dispatch, owner="x")
    ledger.read(dispatch, owner="y")
    assert (len(ledger.one().articles), len(ledger.one().clusters), ledger.one().independent) == (2, 1, 1)
    ledger.read("Six people were killed in Kaduna on Monday when gunmen attacked a market.", owner="z")
    assert ledger.one().independent == 2


def test_posture_that_is_denied_in_the_same_article_is_disputed() -> None:
    ledger = Ledger()
    ledger.read("Islamic State fighters have fortified Mosul with trenches and defence lines. Mosul is not fortified, the Iraqi army said.")
    assert ledger.one("posture").disputed == ("polarity",)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Gunmen killed six people in Kaduna on Monday.", "Gunmen killed six people in Maiduguri on Monday."),
        ("A bomb killed four people in Kaduna on 2 May.", "A bomb killed nine people in Kaduna on 9 May."),
        ("Shelling killed 5 people in Kharkiv on Wednesday.", "Shelling killed 11 people in Kharkiv on Thursday."),
    ],
    ids=["elsewhere", "another week", "another day and figure"],
)
def test_events_told_apart_by_place_or_day_stay_apart(first: str, second: str) -> None:
    ledger = Ledger()
    ledger.read(first, owner="x")
    ledger.read(second, owner="y")
    assert len({i.incident_id for i in ledger.incidents.values() if i.figures}) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Gunmen killed six people in Kaduna on Monday.", "Six people were killed in Kaduna on Tuesday."),
        ("A bomb killed 14 people in Maiduguri on Monday.", "Fourteen people were killed on Monday by a bomb in Borno state."),
        ("A bomb killed 14 people in Maiduguri on Monday.", "Fourteen people were killed by a bomb in Nigeria on Monday."),
        ("Some 20,000 people fled Goma this week.", "The UN said 23,000 people had fled Goma since Monday."),
    ],
    ids=["a day off", "town in its state", "country only, same figure", "since a day of the week"],
)
def test_one_event_told_less_exactly_meets_itself(first: str, second: str) -> None:
    ledger = Ledger()
    ledger.read(first, owner="x")
    ledger.read(second, owner="y")
    assert len({i.incident_id for i in ledger.incidents.values() if i.figures}) == 1


def test_what_is_feared_or_called_for_is_no_incident() -> None:
    ledger = Ledger()
    ledger.read("Fighting in Kaduna could kill 200 people, the UN warned. If the army captures El Fasher, thousands will flee.")
    assert not any(incident.figures or incident.family == "control" for incident in ledger.incidents.values())


def test_each_message_delivered_again_changes_nothing() -> None:
    ledger = Ledger()
    url = "https://daily.example/live"
    for owner, sentence in NYALA:
        ledger.read(sentence, owner=owner)
    ledger.read("A drone strike killed 9 in Kidal.", url=url)
    ledger.read("Correction: an earlier version said nine were killed in Kidal. No one died.", url=url, at="2024-05-10T12:00:00Z")
    blocks, incidents = dict(ledger.state.blocks), dict(ledger.state.incidents)
    for said in list(ledger.delivered):
        assert ledger.settle(said) == ()
    assert (ledger.state.blocks, ledger.state.incidents) == (blocks, incidents)


@pytest.mark.skipif(not SEEDS.exists(), reason="the seed articles are not beside this checkout")
def test_the_two_seed_articles_dispute_how_a_city_is_secured_and_nothing_they_tell_is_confirmed() -> None:
    ledger = Ledger()
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        seed = json.loads(line)
        ledger.read(seed["text"], owner=seed["id"], at="2018-01-07T10:00:00Z", published_at=seed.get("published") or "2018-01-06T10:00:00Z")
    disputed = [(i.family, i.disputed) for i in ledger.incidents.values() if i.disputed]
    assert disputed == [("posture", ("polarity",))]
    assert not any(incident.confirmed for incident in ledger.incidents.values())
    assert {"org:islamic-state", "org:rbss"} <= {origin for incident in ledger.incidents.values() for origin in incident.origins}
