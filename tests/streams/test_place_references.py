import pytest

from streams.context import plain_context
from streams.place_references import resolve_place_references
from streams.places import find_places
from tests.streams.places_of import gazetteer
from tocsin.records import Mention, Segment


def references(text: str, segments: tuple[Segment, ...] = ()) -> list[Mention]:
    context = plain_context(text)
    if segments:
        context = type(context)(text=text, folded=context.folded, lang="en", segments=segments)
    return resolve_place_references(context, find_places(context, gazetteer()))


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("Shells hit Aleppo. Ten died in the city.", [("the city", "loc:aleppo")]),
        ("Eastern Mosul is free. Families went back to their homes there, he said.", [("there", "loc:mosul#east")]),
        ("Eastern Mosul is free, but the war-torn city has no water.", [("the war-torn city", "loc:mosul")]),
        ("Aid reached Al-Hol camp. Tents in the camp burned.", [("the camp", "loc:al-hol-camp")]),
        ("Elections were held in Iraq. The country has new leaders.", [("The country", "loc:iraq")]),
        ("Militias spread in the region.", [("the region", "loc:region")]),
        ("There is no water in Kobani.", []),
        ("Kobani is quiet; there are no clashes.", []),
        ("He likes the city.", []),
        ("They went from Homs and Hama to the city.", []),
    ],
)
def test_common_nouns_stand_for_the_nearest_fitting_place(text: str, resolved: list[tuple[str, str]]) -> None:
    assert [(m.text, m.entity_id) for m in references(text)] == resolved


def test_a_reference_is_never_sure_and_says_what_it_stands_for() -> None:
    (mention,) = references("Shells hit Aleppo. Ten died in the city.")
    assert (mention.how, mention.sure, mention.reason) == ("coref", False, "stands for Aleppo")


def test_a_comment_does_not_refer_to_the_articles_places() -> None:
    text = "Shells hit Aleppo.\n\nI love the city."
    assert references(text, (Segment(kind="body", start=0, end=18), Segment(kind="comment", start=20, end=len(text)))) == []
