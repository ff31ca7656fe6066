"""Flat fields that dashboards count by: pairs, bounds of figures, who says so, how late."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from sinks.elasticsearch import events
from sinks.elasticsearch.batch import Preparer
from tests.sinks import samples
from tocsin.alerting import Reason
from tocsin.incidents import Contradiction, Incident, IncidentFigure, IncidentQuote
from tocsin.messages import Document
from tocsin.records import Attribution, ClaimActor, ClaimPlace, Quantity
from tocsin.settings import Settings


def document(**changed: Any) -> Document:
    """An article with one claim, and that claim's fields changed."""
    batch = samples.batch(
        "https://example.org/1", "Title", "Fighters took Mosul.", claims=[("took Mosul", "territorial_control/captured", changed)]
    )
    assert batch.tagged is not None
    assert batch.clustered is not None
    return Document(tagged=batch.tagged, clustered=replace(batch.clustered, at="2017-01-10T08:00:30Z"))


def claim(**changed: Any) -> dict[str, Any]:
    return dict(json.loads(Preparer(Settings(node="test")).prepare([(0, document(**changed))]).versions[0].claims[0].body))


def article(given: Document) -> dict[str, Any]:
    return dict(json.loads(Preparer(Settings(node="test")).prepare([(0, given)]).versions[0].article.body))


def with_article(**changed: Any) -> Document:
    given = document()
    return replace(given, tagged=replace(given.tagged, article=replace(given.tagged.article, **changed)))


def actors(*names: str) -> tuple[ClaimActor, ...]:
    return tuple(ClaimActor(role="actor", entity_id=None, name=name) for name in names)


def places(*names: tuple[str, str]) -> tuple[ClaimPlace, ...]:
    return tuple(ClaimPlace(role=role, entity_id=f"loc:{name}", name=name) for role, name in names)


def test_who_was_with_whom_is_one_value_whatever_the_order() -> None:
    assert (
        claim(actors=actors("Red", "Blue"))["actor_pairs"] == claim(actors=actors("Blue", "Red", "Blue"))["actor_pairs"] == ["Blue + Red"]
    )


def test_an_actor_alone_makes_no_pair() -> None:
    assert "actor_pairs" not in claim(actors=actors("Red"))


def test_who_was_where_counts_the_place_of_the_event_and_not_where_people_came_from() -> None:
    found = claim(actors=actors("Red"), places=places(("origin", "Raqqa"), ("where", "Mosul")))
    assert found["actor_places"] == ["Red in Mosul"]


def test_a_list_of_a_hundred_actors_makes_no_thousands_of_pairs() -> None:
    many = actors(*(f"Group {number}" for number in range(100)))
    found = claim(actors=many, places=places(*(("where", f"Place {number}") for number in range(100))))
    assert (len(found["actor_names"]), len(found["actor_pairs"]), len(found["actor_places"])) == (100, 66, 144)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Attribution(kind="organisation", source_text="the Doctors Network"), "the Doctors Network"),
        (Attribution(kind="author"), "Example News"),
        (None, "Example News"),
    ],
)
def test_who_says_so_is_readable_and_never_empty(said: Attribution | None, expected: str) -> None:
    assert claim(attribution=said)["said_by"] == expected


@pytest.mark.parametrize(
    ("numbers", "low", "high"),
    [
        ([(12.0, 12.0, 12.0)], 12, 12),
        ([(None, 10.0, 15.0)], 10, 15),
        ([(27.0, 27.0, None)], 27, None),  # at least 27
        ([(27.0, 27.0, None), (9.0, 9.0, 9.0)], 27, None),
        ([(5.0, None, 5.0)], 5, 5),  # at most 5
        ([(7.0, None, None)], 7, 7),
        ([(0.0, 0.0, 0.0)], 0, 0),
    ],
)
def test_figures_have_a_low_and_a_high_end_and_none_where_it_is_open(
    numbers: list[tuple[float | None, float | None, float | None]], low: int, high: int | None
) -> None:
    said = tuple(
        Quantity(text="n", start=0, end=1, unit="person", role="killed", value=value, min=least, max=most) for value, least, most in numbers
    )
    found = claim(quantities=said)
    assert (found.get("killed_min"), found.get("killed_max")) == (low, high)


@pytest.mark.parametrize(
    ("changed", "minutes"),
    [
        ({"published_at": "2017-01-10T07:00:00Z"}, 60),
        ({"published_at": "2017-01-10T09:00:00Z"}, 0),  # its clock is ahead of ours
        ({"published_at": "2017-01-10", "published_precision": "day"}, None),
        ({"published_at": "2016-01-10T07:00:00Z"}, None),  # old material, not late
        ({"published_at": None}, None),
        ({"published_at": "2017-01-10T07:00:00Z", "backfill": True}, 60),  # as a replay sends it: the document must not change
    ],
)
def test_how_late_an_article_came_is_known_where_its_publication_is(changed: dict[str, Any], minutes: int | None) -> None:
    assert article(with_article(**changed)).get("lag_minutes") == minutes


def test_an_edit_is_not_late() -> None:
    given = document()
    assert "lag_minutes" not in article(replace(given, clustered=replace(given.clustered, previous_version="v_0")))


def incident(**changed: Any) -> Incident:
    quote = IncidentQuote(text="Q", article_id="a_1", claim_id="c_1")
    blank: dict[str, Any] = dict.fromkeys(("places", "actors", "claims", "denies", "origins", "owners", "disputed", "corrections"), ())
    blank |= dict.fromkeys(("contradictions", "clusters", "articles", "claim_ids", "figures"), ())
    dates = dict.fromkeys(("event_from", "event_to"), "2017-01-10") | dict.fromkeys(
        ("first_said", "last_said", "first_seen"), "2017-01-10T08:00:00Z"
    )
    fields = {
        "incident_id": "i_1",
        "block": "IQ violence",
        "family": "violence",
        "types": ("armed_clash",),
        "headline": "H",
        "status": "said",
    }
    more = {"date_precision": "day", "independent": 1, "confirmed": False, "first_quote": quote, "best_quote": quote}
    return Incident(**(blank | dates | fields | more | changed))


def test_an_incident_says_low_and_high_of_every_toll_who_gives_it_and_what_contradicts() -> None:
    figures = tuple(
        IncidentFigure(role=role, unit="person", extent="", low=low, best=best, high=high, by=("Red Crescent",), origins=1, said=())
        for role, low, best, high in (("displaced", 100, 150, 200), ("injured", 3, 4, None))
    )
    rival = Contradiction(kind="figure", first="c_1", second="c_2", what="100 against 200 displaced")
    found = events.incident_document(incident(figures=figures, contradictions=(rival,)))
    assert [found[f"displaced_{end}"] for end in ("low", "best", "high")] == [100, 150, 200]
    assert (found["injured_low"], found["injured_best"], found.get("injured_high")) == (3, 4, None)
    assert (found["figures_by"], found["contradiction_notes"]) == (["Red Crescent"], ["100 against 200 displaced"])


def test_an_alert_says_how_many_matches_throttles_held_back_for_all_its_rules() -> None:
    words = {"severity": "notice", "subject": "loc:mosul", "subject_name": "Mosul", "headline": "H", "why": "W"}
    reasons = tuple(Reason(rule_id=rule, rule_kind="any", suppressed=held, **words) for rule, held in (("a", 3), ("b", 4)))  # type: ignore[arg-type]
    alert = samples.alert(samples.mosul())
    assert events.alert_document(replace(alert, rules=reasons), 1)["suppressed"] == 7
    assert events.alert_document(replace(alert, rules=()), 1)["suppressed"] == 0
