"""What a sighting quotes: its sentence, and of one without end what stands around it."""

import pytest

from streams.sightings import sightings
from tests.builders import article, clustered, place, tagged
from tocsin.quoting import LONGEST

WORDS = "and there were shots in the town near the river "


@pytest.mark.parametrize("before", [0, 5, 2000])
def test_an_endless_sentence_is_quoted_around_its_subject(before: int) -> None:
    text = f"{WORDS * before}Mosul {WORDS * 2000}"
    of = article(text, title=WORDS * 1000)
    (found,) = (one for one in sightings(tagged(of, (place(text, "Mosul", "loc:mosul"),)), clustered(of)) if one.subject == "loc:mosul")
    assert len(found.quote) <= LONGEST + 2
    assert found.quote[found.start : found.end] == "Mosul"
    assert found.title is not None
    assert len(found.title) == LONGEST + 1
    assert found.quote.endswith("…")
    assert found.quote.startswith("…") == (before > 5)


def test_a_sentence_is_quoted_whole() -> None:
    text = f"{WORDS}Mosul {WORDS * 20}".strip()
    of = article(text)
    found = sightings(tagged(of, (place(text, "Mosul", "loc:mosul"),)), clustered(of))
    assert {one.quote for one in found} == {text}
