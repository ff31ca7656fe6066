"""The shipped gazetteer and what it finds in a sentence, for tests of places."""

import tempfile
from functools import cache
from pathlib import Path

from streams.context import plain_context
from streams.gazetteer import Gazetteer, load_gazetteer
from streams.places import find_places
from tocsin.records import Mention

FOCUS = ("IQ", "SY", "UA", "SD", "PS", "YE", "LB", "LY", "ML", "AF")


@cache
def gazetteer() -> Gazetteer:
    """Compiled once per machine and version of its sources (about eight seconds), then read in a fifth of a second."""
    return load_gazetteer(FOCUS, None, Path(tempfile.gettempdir()) / "tocsin-test-gazetteer")


def places_of(text: str, lang: str = "en") -> list[Mention]:
    """The places named in `text`."""
    return find_places(plain_context(text, lang=lang), gazetteer())


def ids_of(text: str, lang: str = "en") -> list[tuple[str, str]]:
    """(words, entity id) of the places named in `text`."""
    return [(mention.text, mention.entity_id) for mention in places_of(text, lang)]
