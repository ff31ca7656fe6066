"""Who says so: source, verb and reach of an attribution."""

import pytest

from tests.streams.claims_of import actor, claims_of, place

# text, source words in it (None: unnamed), kind, modality; the claim asked about is the first with a code for force
SAID = [
    ("The governor said that rebels shot dead two teachers in Lira.", "The governor", "reported"),
    ("Rebels shot dead two teachers in Lira, the governor said.", "the governor", "reported"),
    ("Rebels, the governor said, shot dead two teachers in Lira.", "the governor", "reported"),
    ("Rebels shot dead two teachers in Lira, the governor said on Monday.", "the governor", "reported"),
    ("According to the Observatory, rebels shot dead two teachers in Lira.", "the Observatory", "reported"),
    ("Rebels shot dead two teachers in Lira, according to the Observatory.", "the Observatory", "reported"),
    ("Rebels shot dead two teachers in Lira, the newspaper reported, citing residents.", "residents", "reported"),
    ("“Rebels shot dead two teachers in Lira,” said the governor.", "the governor", "reported"),
    ('"Rebels shot dead two teachers in Lira," the governor said.', "the governor", "reported"),
    ("The governor claimed that rebels shot dead two teachers in Lira.", "The governor", "claimed"),
    ("The governor alleged rebels shot dead two teachers in Lira.", "The governor", "claimed"),
    ("Witnesses told the newspaper that rebels shot dead two teachers in Lira.", "Witnesses", "reported"),
    ("A spokesman for the ministry has confirmed that rebels shot dead two teachers in Lira.", "A spokesman for the ministry", "reported"),
]


def assassination(text, *mentions):
    return next(c for c in claims_of(text, *mentions) if c.type == "targeted_attack")


@pytest.mark.parametrize(("text", "source", "modality"), SAID)
def test_the_source_is_found_wherever_it_stands(text, source, modality):
    claim = assassination(text)
    assert claim.attribution is not None
    assert source.lower().removeprefix("the ").removeprefix("a ") in claim.attribution.text.lower()
    assert (claim.modality, claim.polarity) == (modality, "affirmative")


@pytest.mark.parametrize(
    "text",
    [
        "Rebels shot dead two teachers in Lira.",
        "Rebels shot dead two teachers in Lira. The governor said the roads were closed.",
        "The governor said the roads were closed. Rebels shot dead two teachers in Lira.",
    ],
)
def test_words_of_one_sentence_do_not_reach_into_another(text):
    claim = assassination(text)
    assert (claim.attribution, claim.modality) == (None, "asserted")


@pytest.mark.parametrize(
    "text",
    [
        "Gunmen shot dead two judges in Herat, Oxfam said in a statement on Monday.",
        "Two judges were shot dead in Herat by the army, Oxfam reported.",
        "Oxfam said it had verified reports that gunmen shot dead two judges in Herat.",
    ],
)
def test_a_source_after_a_place_or_an_actor_is_no_member_of_a_list(text):
    mentions = [actor(text, "Oxfam", "org:oxfam", "ngo"), place(text, "Herat")]
    mentions += [actor(text, "army", "org:army", "state_military")] if "army" in text else []
    claim = assassination(text, *mentions)
    assert (claim.modality, claim.attribution.source_id) == ("reported", "org:oxfam")


def test_who_denies_anothers_claim_is_the_source():
    text = "The army denied Oxfam claims that soldiers shot dead two judges in Herat."
    claim = assassination(text, actor(text, "Oxfam", "org:oxfam", "ngo"), actor(text, "army", "org:army", "state_military"))
    assert (claim.polarity, claim.attribution.source_id) == ("negative", "org:army")


def test_a_warring_party_claims_where_others_report():
    text = "Hezbollah said its fighters shot dead two smugglers in Hermel."
    claim = assassination(text, actor(text, "Hezbollah", "org:hezbollah", "nonstate_armed"))
    assert (claim.modality, claim.attribution.source_id) == ("claimed", "org:hezbollah")


def test_a_belligerents_outlet_speaks_for_its_party():
    text = "Amaq said that gunmen shot dead two judges in Herat."
    claim = assassination(text, actor(text, "Amaq", "org:amaq", "media"))
    assert (claim.attribution.kind, claim.attribution.affiliated_with) == ("belligerent_media", "org:islamic-state")
    assert claim.modality == "claimed"


def test_a_chain_of_sources_keeps_the_origin_last():
    text = "The minister told the newspaper that Oxfam said that gunmen shot dead two judges in Herat."
    claim = assassination(text, actor(text, "Oxfam", "org:oxfam", "ngo"))
    assert claim.attribution.source_id == "org:oxfam"
    assert len(claim.attribution.chain) == 2
    assert claim.attribution.chain[-1] == "org:oxfam"


def test_a_pronoun_is_the_last_speaker_of_the_paragraph():
    text = "Oxfam said the market was closed. It was hot, and they said that gunmen shot dead two judges in Herat."
    claim = assassination(text, actor(text, "Oxfam", "org:oxfam", "ngo"))
    assert claim.attribution.source_id == "org:oxfam"


@pytest.mark.parametrize(
    ("before", "entity_id"),
    [
        ("Oxfam said the market was closed.", "org:oxfam"),
        ("Oxfam said the market was closed. It was hot.", "org:oxfam"),
        ("Oxfam said, citing residents, that the market was closed.", "org:oxfam"),
        ("Oxfam said the market was closed.\n", None),
        ("The market was closed.", None),
    ],
)
def test_it_is_the_last_organisation_that_spoke_in_the_paragraph(before, entity_id):
    text = f"{before} It added that gunmen shot dead two judges in Herat."
    claim = assassination(text, *([actor(text, "Oxfam", "org:oxfam", "ngo")] if "Oxfam" in text else []))
    assert (claim.modality, claim.attribution.source_id) == ("reported", entity_id)


def test_sources_close_to_a_party_are_not_the_party():
    text = "Gunmen shot dead two judges in Herat, sources close to the army said."
    claim = assassination(text, actor(text, "army", "org:army", "state_military"))
    assert (claim.modality, claim.attribution.source_id, claim.attribution.anonymous) == ("reported", None, True)


def test_a_person_is_no_it():
    text = "Jane Roe said the market was closed. It said gunmen shot dead two judges in Herat."
    claim = assassination(text, actor(text, "Jane Roe", "per:jane-roe", "person"))
    assert claim.attribution.source_id is None


def test_a_counted_noun_is_no_verb_of_speech():
    text = "Three reports later, rebels shot dead two teachers in Lira."
    assert assassination(text).attribution is None


@pytest.mark.parametrize(
    "text", ["Gunmen reportedly shot dead two judges in Herat.", "It was reported that gunmen shot dead two judges in Herat."]
)
def test_hearsay_has_no_source_but_is_no_assertion(text):
    claim = assassination(text)
    assert (claim.modality, claim.attribution.kind, claim.attribution.source_id) == ("reported", "unnamed", None)


def test_an_anonymous_source_is_marked():
    text = "An officer, speaking on condition of anonymity, said that gunmen shot dead two judges in Herat."
    assert assassination(text).attribution.anonymous


def test_a_denial_turns_the_claim_around():
    text = "The army denied that soldiers shot dead two judges in Herat."
    claim = assassination(text)
    assert claim.polarity == "negative"


@pytest.mark.parametrize(
    "text",
    [
        "On a conference call the army captured the mood. Rebels shot dead two teachers in Lira.",
        "The so-called caliphate shot dead two teachers in Lira with its fighters.",
        "In a state of fear, rebels shot dead two teachers in Lira.",
    ],
)
def test_nouns_that_look_like_verbs_of_speech_bring_in_no_source(text):
    assert {c.attribution for c in claims_of(text) if c.type == "targeted_attack"} <= {None}


def test_the_statement_itself_is_not_attributed_to_its_speaker():
    claims = claims_of("Aid agencies warned that rebels would shell the port of Aden.")
    warning = next(c for c in claims if c.type == "statement")
    assert (warning.subtype, warning.modality, warning.attribution) == ("warning", "asserted", None)


@pytest.mark.parametrize(
    ("source", "entity_id", "kind", "speaks_for"),
    [
        ("Hamas", "org:hamas", "nonstate_armed", "org:hamas"),
        ("Amaq", "org:amaq", "media", "org:islamic-state"),
        ("Reuters", "org:reuters", "media", None),
    ],
)
def test_a_source_that_is_a_party_or_speaks_for_one_is_marked(source, entity_id, kind, speaks_for):
    text = f"{source} said that a car bomb killed five soldiers in Kirkuk."
    attributions = [claim.attribution for claim in claims_of(text, actor(text, source, entity_id, kind)) if claim.attribution]
    assert attributions
    assert {attribution.affiliated_with for attribution in attributions} == {speaks_for}
