"""The ledger in the embedded pipeline: one transaction with the article, exact when read again, an edit forgets what it drops."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from sinks.sqlite import open_store
from streams.rules import Rules
from tests import builders
from tocsin.clock import iso, parse
from tocsin.embedded.pipeline import Pipeline
from tocsin.embedded.prepare import Prepared
from tocsin.records import Quantity

STRUCK = "Shells killed 14 people in Mosul on Friday, doctors said. The market was closed afterwards."
OTHER = "Fourteen people were killed in Mosul by shells, an aid group reported while its ambulances were still on the road."


class Desk:
    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder)
        self.pipeline = Pipeline(self.store, Rules([]), folder / "archive")

    def close(self) -> None:
        self.pipeline.close()
        self.store.close()

    def accept(self, text: str, url: str, killed: float | None, origin: str, hours: int = 0) -> str:
        at = iso(parse(builders.AT) + timedelta(hours=hours))
        article = builders.article(text, url=url, at=at, owner=url)
        where = builders.place(text, "Mosul", "loc:mosul")
        claims = ()
        if killed is not None:
            figure = Quantity(text="", start=0, end=1, unit="person", role="killed", value=killed, min=killed, max=killed)
            claim = builders.claim(text, "killed", "casualties", places=(where,), origin=origin, quantities=(figure,))
            place = replace(claim.places[0], country="IQ", parent_ids=("loc:iraq",))
            claims = (replace(claim, claim_id=f"c_{article.version_id[2:]}", places=(place,)),)
        return self.pipeline.accept(Prepared(tagged=builders.tagged(article, (where,), claims))).outcome

    def state(self) -> list[tuple[object, ...]]:
        tables = ("incident", "incident_key", "state")
        return [row for table in tables for row in self.store.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]  # noqa: S608


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_two_articles_make_one_incident_with_both_shown_under_each(desk: Desk) -> None:
    desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
    desk.accept(OTHER, "https://b.example/1", 14, "org:icrc")
    (incident,) = desk.store.incidents(place="loc:iraq")
    assert (len(incident.articles), incident.figures[0].best, incident.revision) == (2, 14, 2)
    for url in ("https://a.example/1", "https://b.example/1"):
        stored = desk.store.article(url)
        assert stored is not None
        assert stored.incidents == (incident,)


def test_the_same_version_again_changes_nothing(desk: Desk) -> None:
    desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
    before = desk.state()
    assert desk.accept(STRUCK, "https://a.example/1", 14, "org:msf") == "unchanged"
    assert desk.state() == before


def test_an_edit_without_the_claim_withdraws_the_incident(desk: Desk) -> None:
    desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
    outcome = desk.accept("Mosul: the market was open all day, contrary to rumours.", "https://a.example/1", None, "", hours=1)
    (incident,) = desk.store.incidents()
    assert (outcome, incident.status, incident.figures[0].best) == ("new-version", "withdrawn", None)
    assert [(c.kind, c.before) for c in incident.corrections] == [("withdrawn", "14")]


def test_what_was_settled_is_given_up_with_the_transaction(desk: Desk) -> None:
    def failing() -> None:
        with desk.store.transaction():
            desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
            raise OSError("the disk is full")

    before = desk.state()
    with pytest.raises(OSError, match="disk is full"):
        failing()
    assert desk.state() == before
    desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
    assert [incident.revision for incident in desk.store.incidents()] == [1]


def test_a_pipeline_opened_again_knows_what_it_settled(desk: Desk, tmp_path: Path) -> None:
    desk.accept(STRUCK, "https://a.example/1", 14, "org:msf")
    desk.close()
    again = Desk(tmp_path)
    try:
        again.accept(OTHER, "https://b.example/1", 14, "org:icrc")
        assert [(len(i.articles), i.revision) for i in again.store.incidents()] == [(2, 2)]
    finally:
        again.close()
