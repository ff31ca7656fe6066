"""What the tagger remembers of articles for the ledger is right after edits and redelivery, and bounded."""

import pytest

from streams.spoken import Speakers, Spoken
from streams.tag import tag
from tests.builders import article, clustered
from tests.streams.ledger_of import resources, sides
from tocsin.incidents import LedgerClaims

MOSUL = "Shelling hit a market in Mosul on Tuesday, killing 14 people, a hospital director said."
QUIET = "A market in Mosul was busy on Tuesday."


def say(speakers: Speakers, text: str, *, url: str = "u:1", at: str = "2018-01-06T10:00:00Z") -> tuple[LedgerClaims, ...]:
    of = article(text, url=url, at=at)
    return speakers.said(tag(of, resources()), clustered(of), sides())


def test_a_version_that_falls_silent_says_so_where_its_article_spoke() -> None:
    table: dict[str, Spoken] = {}
    speakers = Speakers(table)
    (said,) = say(speakers, MOSUL)
    assert said.claims
    (silent,) = say(speakers, QUIET, at="2018-01-06T11:00:00Z")
    assert (silent.block, silent.claims) == (said.block, ())
    assert table == {}
    assert say(speakers, QUIET, at="2018-01-06T12:00:00Z") == ()


def test_an_older_version_delivered_again_does_not_become_the_latest() -> None:
    table: dict[str, Spoken] = {}
    speakers = Speakers(table)
    say(speakers, MOSUL)
    say(speakers, MOSUL.replace("Mosul", "Aleppo"), at="2018-01-06T11:00:00Z")
    latest = dict(table)
    say(speakers, MOSUL)
    assert table == latest


def test_what_was_said_a_month_ago_is_forgotten() -> None:
    table: dict[str, Spoken] = {}
    speakers = Speakers(table)
    for day in range(1, 29):
        for month in ("01", "02", "03"):
            say(speakers, MOSUL, url=f"u:{month}-{day}", at=f"2018-{month}-{day:02}T10:00:00Z")
    assert len(table) > 20
    say(speakers, MOSUL, url="u:last", at="2018-04-29T10:00:00Z")
    assert len(table) == 1


def test_a_version_without_a_time_changes_nothing() -> None:
    table: dict[str, Spoken] = {}
    with pytest.raises(ValueError, match="soon"):
        say(Speakers(table), MOSUL, at="soon")
    assert table == {}
