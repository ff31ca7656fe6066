"""What a message cannot carry is said, never cut silently."""

import pytest

from producers.delivery import fitting
from tocsin import wire
from tocsin.records import FeedItem, Fetched, Request

ASKED = Request(url="https://post.example/sitemap.xml", host="post.example", source_id="post", kind="sitemap")
LINKS = tuple(FeedItem(url=f"https://post.example/{number}", title="A title of some length " * (number % 7)) for number in range(3000))
NOTE = Fetched(request=ASKED, at="2018-01-06T10:00:00Z", outcome="fetched", listing="sitemap", links=LINKS)


def test_a_note_that_fits_is_left_alone() -> None:
    assert fitting(NOTE) is NOTE


@pytest.mark.parametrize("most", [5_000, 50_000, 200_000])
def test_a_listing_too_long_for_a_message_keeps_its_first_links_and_says_how_many_it_lost(most: int) -> None:
    note = fitting(NOTE, most)
    assert len(wire.encode(note)) <= most
    assert 0.5 * most < len(wire.encode(note))
    assert note.links == LINKS[: len(note.links)]
    assert note.detail == f"{3000 - len(note.links)} of 3000 links do not fit into a message"
