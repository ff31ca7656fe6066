"""How sure a claim is of itself: the same act in many moods must never look alike."""

import pytest

from tests.streams.claims_of import claims_of

MOODS = [
    ("The army captured the town of Bara.", "asserted", "affirmative"),
    ("The army has captured the town of Bara.", "asserted", "affirmative"),
    ("The town of Bara was captured by the army.", "asserted", "affirmative"),
    ("The army managed to capture the town of Bara.", "asserted", "affirmative"),
    ("The army did not capture the town of Bara.", "asserted", "negative"),
    ("The army never captured the town of Bara.", "asserted", "negative"),
    ("The army failed to capture the town of Bara.", None, "negative"),
    ("The army has not yet captured the town of Bara.", "asserted", "negative"),
    ("If the army captured the town of Bara, the road would open.", "conditional", "affirmative"),
    ("Unless the army captures the town of Bara, the road stays closed.", "conditional", "affirmative"),
    ("The army could capture the town of Bara.", "possible", "affirmative"),
    ("The army may have captured the town of Bara.", "possible", "affirmative"),
    ("The army captured the town of Bara in May 2020.", "asserted", "affirmative"),
    ("The army will capture the town of Bara.", "expected", "affirmative"),
    ("The army is expected to capture the town of Bara.", "expected", "affirmative"),
    ("The army plans to capture the town of Bara.", "expected", "affirmative"),
    ("The army launched an operation to capture the town of Bara.", "expected", "affirmative"),
    ("The army was on the verge of capturing the town of Bara.", "possible", "affirmative"),
    ("It is unclear whether the army captured the town of Bara.", "possible", "affirmative"),
    ("Did the army capture the town of Bara?", "question", "affirmative"),
    ("Will the army capture the town of Bara?", "question", "affirmative"),
    ("The president urged the army to capture the town of Bara.", "call", "affirmative"),
    ("The army should capture the town of Bara, he wrote.", "call", "affirmative"),
    ("The minister said that the army captured the town of Bara.", "reported", "affirmative"),
    ("The minister claimed that the army captured the town of Bara.", "claimed", "affirmative"),
    ("The minister said that the army could capture the town of Bara.", "possible", "affirmative"),
    ("The minister said that the army had not captured the town of Bara.", "reported", "negative"),
    ("The minister denied that the army had captured the town of Bara.", None, "negative"),
]


@pytest.mark.parametrize(("text", "modality", "polarity"), MOODS)
def test_the_mood_of_a_capture(text, modality, polarity):
    claim = next(c for c in claims_of(text) if c.type == "territorial_control")
    assert claim.polarity == polarity
    if modality is not None:
        assert claim.modality == modality


@pytest.mark.parametrize("text", [t for t, m, _ in MOODS if m in ("conditional", "question", "possible", "expected", "call")])
def test_a_capture_that_has_not_happened_is_never_called_captured(text):
    assert {c.subtype for c in claims_of(text) if c.type == "territorial_control"} == {"hypothetical_capture"}


def test_only_the_conditional_clause_is_conditional():
    claims = claims_of("If talks fail tomorrow, nobody will mourn. The army captured the town of Bara.")
    assert [c.modality for c in claims if c.type == "territorial_control"] == ["asserted"]


def test_a_question_at_the_end_does_not_question_the_clause_before():
    claims = claims_of("The rebels captured the town of Bara, but will they hold it?")
    assert next(c for c in claims if c.subtype == "captured").modality == "asserted"


@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("The army captured the town of Bara in 2014.", True),
        ("The army captured the town of Bara on June 12, 2020.", False),
        ("Residents marked the anniversary of the massacre of students in Bara.", True),
        ("The army captured the town of Bara.", False),
        ("Four years ago today, the army captured the town of Bara.", True),
        ("A decade after the fall of Bara to the rebels, the bazaar is open again.", True),
        ("Two years ago, he left for the coast, and now the army captured the town of Bara.", False),
    ],
)
def test_history_is_background(text, background):
    assert {c.background for c in claims_of(text)} == {background}


@pytest.mark.parametrize(
    ("text", "polarity"),
    [
        ("The blast in Bara killed nobody.", "negative"),
        ("There were no immediate reports of casualties in Bara.", "negative"),
        ("There were reports of casualties in Bara.", "affirmative"),
    ],
)
def test_nobody_hurt_is_no_casualty(text, polarity):
    assert {c.polarity for c in claims_of(text) if c.type == "casualties"} == {polarity}
