"""Who did what to whom, where and how many: roles by clause, one claim a predicate, offsets that always slice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.claims_of import actor, claims_of, place
from tests.timing import cpu_seconds


def only(text, kind, *mentions):
    found = [c for c in claims_of(text, *mentions) if c.type == kind]
    assert len(found) == 1, [(c.rule_id, c.text) for c in found]
    return found[0]


def roles(claim):
    return {(a.role, a.text) for a in claim.actors}


ROLES = [
    ("Gunmen abducted three teachers near Kaduna.", "targeted_attack", {("perpetrator", "Gunmen"), ("victim", "teachers")}),
    ("Three teachers were abducted by gunmen near Kaduna.", "targeted_attack", {("perpetrator", "gunmen"), ("victim", "teachers")}),
    ("The abduction of three teachers by gunmen shocked Kaduna.", "targeted_attack", {("perpetrator", "gunmen"), ("victim", "teachers")}),
    ("Gunmen, who came on motorcycles, abducted three teachers.", "targeted_attack", {("perpetrator", "Gunmen"), ("victim", "teachers")}),
    (
        "Bandits and militiamen abducted three teachers.",
        "targeted_attack",
        {("perpetrator", "Bandits"), ("perpetrator", "militiamen"), ("victim", "teachers")},
    ),
    ("The army recaptured the town of Bara from the rebels.", "territorial_control", {("winner", "army")}),
    ("The town of Bara was recaptured by the army.", "territorial_control", {("winner", "army")}),
    ("Police arrested four students in Harare.", "coercion", {("actor", "Police"), ("affected", "students")}),
]


@pytest.mark.parametrize(("text", "kind", "expected"), ROLES)
def test_roles_follow_the_clause(text, kind, expected):
    assert expected <= roles(only(text, kind))


def test_the_subject_of_the_second_verb_is_that_of_the_first():
    text = "Rebels shelled the camp of Dolo and abducted three nurses."
    assert ("perpetrator", "Rebels") in roles(only(text, "targeted_attack"))


def test_a_named_actor_carries_its_id_and_offsets():
    text = "Fighters of Boko Haram abducted three teachers near Kaduna."
    claim = only(text, "targeted_attack", actor(text, "Boko Haram", "org:boko-haram", "nonstate_armed"))
    named = next(a for a in claim.actors if a.entity_id == "org:boko-haram")
    assert text[named.start : named.end] == "Boko Haram"


def test_each_clause_keeps_its_own_place():
    text = "Shelling hit the market of Aden, and police arrested four students in Taiz."
    claims = {c.type: [p.text for p in c.places] for c in claims_of(text, place(text, "Aden"), place(text, "Taiz"))}
    assert claims["remote_strike"] == ["Aden"]
    assert claims["coercion"] == ["Taiz"]


def test_origin_and_destination_are_told_apart():
    text = "The militia moved its fighters from Zintan, Mizda and Nalut towards Tripoli."
    claim = only(text, "force_movement", *(place(text, name) for name in ("Zintan", "Mizda", "Nalut", "Tripoli")))
    assert [(p.role, p.text) for p in claim.places] == [
        ("origin", "Zintan"),
        ("origin", "Mizda"),
        ("origin", "Nalut"),
        ("destination", "Tripoli"),
    ]


def test_a_place_named_only_before_is_implicit():
    text = "The road to Aden is open. Gunmen abducted three teachers."
    claim = only(text, "targeted_attack", place(text, "Aden"))
    assert [(p.text, p.implicit) for p in claim.places] == [("Aden", True)]


@pytest.mark.parametrize(
    ("text", "sub_event"),
    [
        ("A suicide bomber attacked soldiers at a checkpoint in Zabul.", "Suicide bomb"),
        ("Warplanes bombed rebel positions in Zabul.", "Air/drone strike"),
        ("Militants hurled a grenade at a police van in Zabul.", "Grenade"),
        ("Soldiers clashed with rebels in Zabul.", "Armed clash"),
        ("Rebels seized the town of Zabul.", "Non-state actor overtakes territory"),
        ("The army retook the town of Zabul.", "Government regains territory"),
        ("The army and the rebels signed a ceasefire in Zabul.", "Agreement"),
        ("Residents looted shops in Zabul.", "Looting/property destruction"),
        ("Marines have established an outpost near Zabul.", "Headquarters or base established"),
        ("Police seized rifles and ammunition in Zabul.", "Disrupted weapons use"),
    ],
)
def test_the_surest_claim_carries_the_codebooks_name(text, sub_event):
    coded = [c for c in claims_of(text) if c.codes.acled_sub_event]
    assert max(coded, key=lambda c: c.confidence).codes.acled_sub_event == sub_event


NOTHING = [
    "The striker fired a shot wide and the fans protested to the referee.",
    "Shares rallied on Friday after the bank seized the opportunity.",
    "The film captured the mood of the city.",
    "He died of a heart attack at home.",
    "The ministers clashed over the budget.",
    "The company launched an attack on its rival's prices.",
    "The hurricane struck the coast.",
    "She fought cancer for years.",
]


@pytest.mark.parametrize("text", NOTHING)
def test_ordinary_news_makes_no_claim_of_force(text):
    assert [c.rule_id for c in claims_of(text) if c.codes.acled_sub_event] == []


def test_only_titles_bodies_and_quotes_make_claims():
    body = "The road to Aden reopened on Monday, officials said.\n\nTraders said prices fell on Tuesday."
    text = f"{body}\n\nComments\n\nI say the army abducted three teachers!!"
    assert claims_of(text) == []


def test_records_are_left_for_the_caller_to_name_and_explain_themselves():
    claim = only("Gunmen abducted three teachers near Kaduna.", "targeted_attack")
    assert (claim.claim_id, claim.article_id, claim.version_id) == ("", "", "")
    assert claim.rule_id == "targeted_attack.abduct"
    assert "trigger=abducted" in claim.rule_trace
    assert claim.trigger.text == "abducted"


_WORDS = (
    "rebels|the army|police|three|civilians|killed|were|attacked|by|in|Aden|Mosul|and|,|.|if|not|said|that|according to|will|could|?|bomb|"
    "protesters|"
    "captured|town|of|fled|from|\u200f|\u200b|😀|\n|İstanbul|’s|8,000|«|»|الجيش|“|”|-|who|which|(|)"
)
WORDS = _WORDS.split("|")


@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join) | st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_offsets_always_slice_to_the_words(text):
    for claim in claims_of(text):
        assert text[claim.start : claim.end] == claim.text != ""
        assert text[claim.trigger.start : claim.trigger.end] == claim.trigger.text
        assert claim.sentence_start <= claim.start < claim.end <= claim.sentence_end
        assert 0 < claim.confidence <= 1
        if claim.attribution is not None and claim.attribution.start is not None:
            assert text[claim.attribution.start : claim.attribution.end] == claim.attribution.text != ""
        for part in (*claim.actors, *claim.places, *claim.quantities):
            assert text[part.start : part.end] == part.text


@pytest.mark.parametrize(
    "unit",
    ["The army said rebels killed three civilians in Aden. ", "killed and ", "a", ", ", "(", "protesters said that ", "İ😀\u200f "],
)
def test_a_long_line_takes_time_in_proportion_to_its_length(unit):
    def seconds(length):
        text = unit * (length // len(unit))
        return cpu_seconds(lambda: claims_of(text), tries=2)

    assert seconds(40_000) < 35 * max(seconds(4_000), 0.002)  # in proportion: 10; its square: 100
