"""A deed weighs less where nothing around it speaks of calamity; short texts and texts of conflict keep their confidence."""

import pytest

from tests.streams.claims_of import claims_of

DEED = "The men raided the depot near the bridge and burned a warehouse in the town."
ORDINARY = " ".join(f"The choir of the parish rehearsed its spring programme again in week {n} of the season." for n in range(12))
CALAMITY = " ".join(f"Soldiers and militants exchanged mortar fire, and refugees left in week {n} of the siege." for n in range(12))


def sureness(text: str) -> float:
    return max((claim.confidence for claim in claims_of(text) if claim.type == "destruction" and "warehouse" in claim.text), default=0.0)


def test_a_deed_in_a_text_of_conflict_is_at_least_as_sure_as_alone():
    assert sureness(DEED) <= sureness(f"{DEED} {CALAMITY}") < 1.2 * sureness(DEED)


def test_the_same_deed_in_an_ordinary_text_is_less_sure_but_stays():
    assert 0 < sureness(f"{DEED} {ORDINARY}") < 0.85 * sureness(DEED)


def test_the_triggers_own_word_repeated_is_no_evidence():
    repeated = " ".join(["The firm burned and burned and burned money."] * 12)
    assert sureness(f"{DEED} {ORDINARY}") == pytest.approx(sureness(f"{DEED} {repeated} {ORDINARY}"), rel=0.02)


def test_what_stands_far_away_is_no_evidence():
    assert sureness(f"{DEED} {ORDINARY} {CALAMITY}") < 0.9 * sureness(f"{DEED} {CALAMITY}")
