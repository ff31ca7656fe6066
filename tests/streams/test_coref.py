"""What nouns and pronouns stand for, and what stays open."""

import time

import pytest

from streams.actors import find_actors, load_actors
from streams.context import Context, plain_context
from streams.coref import resolve_references
from tocsin.fold import fold
from tocsin.records import Mention, Segment

LEXICON = load_actors()


def resolved(text: str, context: Context | None = None) -> list[Mention]:
    context = context or plain_context(text)
    return resolve_references(context, find_actors(context, LEXICON), LEXICON)


def meaning(text: str, words: str) -> Mention:
    (found,) = [m for m in resolved(text) if m.text == words]
    return found


@pytest.mark.parametrize(
    ("text", "words", "entity"),
    [
        ("Boko Haram struck at dawn. The terrorist group took hostages.", "The terrorist group", "org:boko-haram"),
        ("The terrorist group has dug in. Months later ISIS left.", "The terrorist group", "org:islamic-state"),  # forward
        ("JNIM raided two posts. The group holds the north.", "The group", "org:jnim"),
        ("The Syrian government agreed. Critics say the regime will not comply.", "the regime", "gov:SY"),
        (
            "Jets of the US-led coalition hit a depot in Syria. The coalition denied it.",
            "The coalition",
            "org:global-coalition-against-daesh",
        ),
        ("ISIS holds the city in Iraq. The attackers come from the north.", "The attackers", "coref:anti-isis-forces"),
        ("Angela Merkel arrived on Monday. She left on Tuesday.", "She", "per:angela-merkel"),
        ("The Taliban signed. They kept their word.", "They", "org:taliban"),
    ],
)
def test_a_noun_or_pronoun_means_the_actor_named(text: str, words: str, entity: str) -> None:
    assert meaning(text, words).entity_id == entity


def test_two_rivals_named_alike_often_and_far_leave_the_noun_open_with_candidates() -> None:
    filler = "Rain fell on the hills and nobody could say when it would end. " * 8
    text = f"Hamas denied it. Boko Haram denied it. {filler} Nobody believed the terrorist group."
    found = meaning(text, "the terrorist group")
    assert found.entity_id == "grp:armed-group"
    assert not found.sure
    assert {c.entity_id for c in found.candidates} == {"org:hamas", "org:boko-haram"}


def test_nothing_named_leaves_the_noun_a_class() -> None:
    found = meaning("The militant group was not identified.", "The militant group")
    assert (found.type, found.sure) == ("class", False)


def test_a_noun_with_its_name_behind_it_is_one_mention() -> None:
    found = [m for m in resolved("The militant group Hamas agreed.") if m.start == 0]
    assert [m.entity_id for m in found] == ["org:hamas"]


def test_references_never_leave_the_body() -> None:
    text = "The terrorist group fled.\n\nI read that Hamas fled."
    body = Segment(kind="body", start=0, end=25)
    comment = Segment(kind="comment", start=27, end=len(text))
    found = resolved(text, Context(text=text, folded=fold(text), lang="en", segments=(body, comment)))
    assert [(m.text, m.entity_id) for m in found] == [("The terrorist group", "grp:armed-group")]


def test_we_and_i_are_whoever_speaks_and_never_sure() -> None:
    found = [m for m in resolved('"We will stay and I am glad," said Angela Merkel.') if m.how == "pronoun"]
    assert [m.entity_id for m in found] == ["coref:speaker", "coref:speaker"]
    assert not any(m.sure for m in found)


def test_time_grows_no_faster_than_the_text() -> None:
    unit = "Hamas met the group. They and she said the militia and Boko Haram fled. "

    def seconds(times: int) -> float:
        context = plain_context(unit * times)
        mentions = find_actors(context, LEXICON)
        start = time.process_time()
        resolve_references(context, mentions, LEXICON)
        return time.process_time() - start

    seconds(20)
    assert seconds(2_000) < 60 * seconds(200) + 0.5


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "The Turkish defence ministry said 12 members of the terrorist organisation were killed near Zakho. "
            "Islamic State was not active there.",
            False,
        ),
        ("Islamic State lost the town in May. The terrorist organisation then moved its fighters to the desert.", True),
        ("The Iraqi army said Islamic State had fled and that the terrorist organisation was finished.", True),
    ],
)
def test_a_label_in_a_states_mouth_does_not_identify(text: str, meant: bool) -> None:
    (label,) = [m for m in resolved(text) if "terrorist organisation" in m.text.lower()]
    assert (label.entity_id == "org:islamic-state") is meant
