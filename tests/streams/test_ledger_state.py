"""The ledger's memory: bounded, exact under redelivery, told by any order of delivery of what was sent."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ledger import LedgerState, settle
from streams.ledger_rules import ledger_rules
from streams.ledger_tally import independent_origins
from tests.ledger_messages import claim, message
from tocsin.incidents import Incident, LedgerClaims

LIMITS = ledger_rules().limits


@st.composite
def histories(draw: st.DrawFn) -> list[LedgerClaims]:
    """Articles with several versions, interleaved; a version has one or two claims, or none where the one before had some."""
    sent = []
    versions: dict[int, int] = {}
    empty: dict[int, bool] = {}
    for step in range(draw(st.integers(1, 12))):
        article = draw(st.integers(0, 4))
        versions[article] = versions.get(article, 0) + 1
        claims = [
            claim(
                f"c_{step}_{index}",
                draw(st.sampled_from([3.0, 4.0, 20.0])),
                draw(st.integers(0, 2)),
                draw(st.sampled_from(["a", "b", f"o{article}"])),
                draw(st.integers(1, 6)),
                stance=draw(st.sampled_from(["says", "says", "denies"])),
            )
            for index in range(draw(st.integers(1 if empty.get(article, True) else 0, 2)))
        ]
        empty[article] = not claims
        sent.append(message(article, versions[article], claims, at=f"2024-05-10T10:{step:02}:00Z"))
    return sent


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_delivered_again_at_any_later_moment_a_message_changes_nothing(sent: list[LedgerClaims], data: st.DataObject) -> None:
    state, again = LedgerState({}, {}), LedgerState({}, {})
    once: list[Incident] = []
    twice: list[Incident] = []
    for index, one in enumerate(sent):
        once += settle(one, state)
        twice += settle(one, again)
        repeated = data.draw(st.lists(st.integers(0, index), max_size=3))
        for other in repeated:
            assert settle(sent[other], again) == ()
    assert once == twice
    assert (state.blocks, state.incidents) == (again.blocks, again.incidents)


@pytest.mark.parametrize("lost", ["blocks", "incidents"])
def test_a_worker_that_dies_between_the_two_rows_mends_them_when_the_message_comes_again(lost: str) -> None:
    first, second = message(1, 1, [claim("c1", 4, 0, "a", 3)]), message(2, 1, [claim("c2", 4, 0, "b", 3)], at="2024-05-10T11:00:00Z")
    whole = LedgerState({}, {})
    settle(first, whole)
    before = LedgerState(dict(whole.blocks), dict(whole.incidents))
    told = settle(second, whole)
    torn = LedgerState(before.blocks, whole.incidents) if lost == "blocks" else LedgerState(whole.blocks, before.incidents)
    assert settle(second, torn) == told
    assert (torn.blocks, torn.incidents) == (whole.blocks, whole.incidents)
    assert settle(second, torn) == ()


@settings(max_examples=30, deadline=None)
@given(histories())
def test_revisions_rise_by_one_and_every_reported_incident_has_a_row(sent: list[LedgerClaims]) -> None:
    state = LedgerState({}, {})
    revisions: dict[str, int] = {}
    for one in sent:
        for incident in settle(one, state):
            assert incident.revision == revisions.get(incident.incident_id, 0) + 1
            revisions[incident.incident_id] = incident.revision
            assert state.incidents[incident.incident_id].revision == incident.revision


@settings(max_examples=30, deadline=None)
@given(histories())
def test_what_stands_is_what_the_latest_versions_say(sent: list[LedgerClaims]) -> None:
    state = LedgerState({}, {})
    shown: dict[str, Incident] = {}
    for one in sent:
        shown.update({incident.incident_id: incident for incident in settle(one, state)})
    latest = {one.article_id: one for one in sent}
    expected = {claim.claim_id for one in latest.values() for claim in one.claims}
    assert {claim_id for incident in shown.values() for claim_id in incident.claim_ids} == expected


def test_settling_alters_no_value_it_was_handed() -> None:
    state = LedgerState({}, {})
    settle(message(1, 1, [claim("c1", 4, 0, "a", 3)]), state)
    before = copy.deepcopy(dict(state.incidents))
    held = dict(state.incidents)
    settle(message(2, 1, [claim("c2", 4, 0, "b", 3)]), state)
    assert held == before


def test_an_incident_keeps_its_first_article_and_a_bounded_number_of_others() -> None:
    state = LedgerState({}, {})
    for number in range(LIMITS.articles * 3):
        changed = settle(message(number, 1, [claim(f"c{number}", 4 + number, 0, f"o{number % 5}", 3)]), state)
    (incident,) = changed
    assert (len(incident.articles), incident.saturated) == (LIMITS.articles, True)
    assert incident.articles[0] == f"a_{0:08x}{0:016x}"
    assert next(figure for figure in incident.figures if figure.role == "killed").said[0].value == 4 + number


def test_a_block_keeps_a_bounded_number_of_incidents_and_rows() -> None:
    state = LedgerState({}, {})
    for number in range(LIMITS.entries + 60):
        settle(message(number, 1, [claim(f"c{number}", 4, number, "a", 3)]), state)
    assert len(state.blocks["SD violence"].entries) == LIMITS.entries == len(state.incidents)


def test_an_incident_nobody_speaks_of_is_closed_and_a_new_one_opened() -> None:
    state = LedgerState({}, {})
    (first,) = settle(message(1, 1, [claim("c1", 4, 0, "a", 3)]), state)
    settle(message(2, 1, [claim("c2", 4, 1, "a", 3)], at="2025-01-10T10:00:00Z"), state)
    assert first.incident_id not in state.incidents


@pytest.mark.parametrize(
    ("told", "independent"),
    [
        ([("msf", "x"), ("msf", "y")], 1),
        ([("msf", "x"), ("un", "x")], 1),
        ([("msf", "x"), ("un", "x"), ("msf", "y")], 2),
        ([("x", "x"), ("y", "y"), ("x", "y")], 2),
        ([], 0),
    ],
)
def test_independence_counts_origins_told_by_different_owners(told: list[tuple[str, str]], independent: int) -> None:
    assert independent_origins(told) == independent
