"""Claims as one English line, and words that judge in quotation marks."""

import pytest

from sinks.notify.phrases import neutral, said, voiced
from tests.sinks.notify.alerts import claim, figure
from tocsin.alerting import Reason
from tocsin.records import Attribution, ClaimActor, ClaimPlace, EventTime

RSF = ClaimActor(role="perpetrator", entity_id="org:rsf", name="Rapid Support Forces")
NYALA = ClaimPlace(role="where", entity_id="loc:nyala", name="Nyala")


def by(kind: str, name: str | None = None, verb: str = "said", source_id: str | None = None) -> Attribution:
    return Attribution(kind=kind, source_text=name, verb=verb, source_id=source_id)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "Residents, reportedly: capture of Zamzam by Rapid Support Forces"),
        ({"attribution": None}, "Reportedly: capture of Zamzam by Rapid Support Forces"),
        ({"attribution": by("unnamed", "مصادر محلية")}, "Reportedly: capture of Zamzam by Rapid Support Forces"),
        (
            {"attribution": by("belligerent_media", "Amaq", "claimed"), "modality": "claimed"},
            "Amaq claims: capture of Zamzam by Rapid Support Forces",
        ),
        (
            {"attribution": by("unnamed", "activists", "claimed"), "modality": "claimed"},
            "Activists claim: capture of Zamzam by Rapid Support Forces",
        ),
        (
            {"attribution": by("government", "The Sudanese army", "denied"), "polarity": "negative"},
            "Sudanese army denies: capture of Zamzam by Rapid Support Forces",
        ),
        (
            {"attribution": by("government", "officials", "denied"), "polarity": "negative"},
            "Officials deny: capture of Zamzam by Rapid Support Forces",
        ),
        (
            {"attribution": by("organisation", "MSF"), "polarity": "negative"},
            "MSF says there was not: capture of Zamzam by Rapid Support Forces",
        ),
        ({"attribution": None, "polarity": "negative"}, "Reportedly not: capture of Zamzam by Rapid Support Forces"),
        ({"attribution": by("media", "Radio Dabanga")}, "Radio Dabanga reports: capture of Zamzam by Rapid Support Forces"),
        (
            {"attribution": by("organisation", "شبكة أطباء السودان", source_id="org:sudan-doctors-network")},
            "Sudan Doctors Network says: capture of Zamzam by Rapid Support Forces",
        ),
        ({"attribution": by("government", "مسؤولون"), "modality": "claimed"}, "Officials claim: capture of Zamzam by Rapid Support Forces"),
        ({"attribution": None, "modality": "conditional"}, "Reportedly: on a condition: capture of Zamzam by Rapid Support Forces"),
        (
            {
                "type": "remote_strike",
                "subtype": "",
                "actors": (RSF,),
                "places": (NYALA,),
                "quantities": (figure(), figure("injured", value=None, min=40, max=None, approx="at_least")),
                "time": EventTime(event_from="2024-06-05", event_to="2024-06-05"),
                "attribution": by("organisation", "Sudan Doctors Network"),
            },
            "Sudan Doctors Network says: strike by Rapid Support Forces in Nyala, 27 people killed, at least 40 people injured, 2024-06-05",
        ),
        (
            {"type": "casualties", "subtype": "", "actors": (), "places": (NYALA,), "quantities": (figure(min=None, value=None, max=60),)},
            "Residents, reportedly: up to 60 people killed in Nyala",
        ),
        (
            {
                "type": "casualties",
                "subtype": "",
                "actors": (ClaimActor(role="victim", entity_id=None, name="terrorists", text="terrorists"),),
                "places": (),
                "quantities": (),
                "attribution": by("government", "Mali's army", "said"),
                "modality": "claimed",
            },
            "Mali's army claims: casualties against “terrorists”",
        ),
        (
            {
                "type": "armed_clash",
                "subtype": "",
                "actors": (ClaimActor(role="actor", entity_id=None, text="مسلحون"),),
                "places": (NYALA,),
            },
            "Residents, reportedly: armed clash by “\u2068مسلحون\u2069” in Nyala",
        ),
        ({"type": "something_new", "subtype": "", "actors": (), "places": ()}, "Residents, reportedly: something new"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_claim_is_said_in_english_with_who_says_so(fields: dict[str, object], line: str) -> None:
    assert said(claim(**fields)) == line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"modality": "reported", "said_by": "the Sudan Doctors Network"}, "Sudan Doctors Network says: 27 killed"),
        ({"modality": "reported", "said_by": "residents"}, "Residents say: 27 killed"),
        ({"modality": "reported", "said_by": "مصادر محلية"}, "Reportedly: 27 killed"),
        ({"modality": "asserted"}, "Reportedly: 27 killed"),
        ({"modality": "claimed", "said_by": "Amaq", "headline": "Amaq claims: 27 killed"}, "Amaq claims: 27 killed"),
        ({"modality": "claimed", "said_by": "أعماق", "headline": "أعماق claims: 27 killed"}, "A source claims: 27 killed"),
        ({"modality": "reported", "polarity": "negative", "headline": "the army denies: 27 killed"}, "the army denies: 27 killed"),
        ({"modality": "possible", "headline": "possibly: 27 killed"}, "possibly: 27 killed"),
        ({"modality": "reported", "said_by": "residents", "rule_kind": "new_mention"}, "27 killed"),
        ({}, "27 killed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_only_the_reason_is_known_its_headline_still_says_who_says_so(fields: dict[str, str], line: str) -> None:
    values = {"rule_id": "tolls", "rule_kind": "quantity", "severity": "notice", "subject": "i_1", "subject_name": "Nyala"}
    assert voiced(Reason(**{**values, "headline": "27 killed", "why": "", **fields})) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Army kills 5 terrorists", "Army kills 5 “terrorists”"),
        ("Army kills 5 “terrorists”", "Army kills 5 “terrorists”"),
        ('They said "the terrorist group" again', 'They said "the terrorist group" again'),
        ("Counter Terrorism Service in Mosul", "Counter Terrorism Service in Mosul"),
        ("counter-terrorist unit", "counter-terrorist unit"),
        ("The regime lost Idlib", "The “regime” lost Idlib"),
        ("Mosul liberated", "Mosul “liberated”"),
        ("Nothing here", "Nothing here"),
        ("Terrorists entered Mosul", "“Terrorists” entered Mosul"),
        ("First mention of Al-Aqsa Martyrs' Brigades", "First mention of Al-Aqsa Martyrs' Brigades"),
        ("First mention of Sudan Liberation Movement", "First mention of Sudan Liberation Movement"),
        ("the liberation of Mosul", "the “liberation” of Mosul"),
    ],
)
def test_words_that_judge_stand_in_quotation_marks(text: str, shown: str) -> None:
    assert neutral(text) == shown
