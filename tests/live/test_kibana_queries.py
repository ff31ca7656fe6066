"""Every panel of the dashboards asks the real Elasticsearch what Kibana would ask, and gets something to draw.

The sample site's articles with their claims, incidents and alerts are in the index, and besides them what the site does not have: refusals
and failures, contradictions, figures of the displaced, alerts that a throttle held back. Their days are counted from the day of the test.
"""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from elasticsearch import Elasticsearch
from msgspec.structs import replace

from deploy.kibana import saved_objects
from sinks.sqlite import SqliteStore, open_store
from tests.live import kibana_queries as asking
from tests.live.indices import set_up, write
from tests.sample_run import poll, sample_site, settings_for
from tests.sinks import samples
from tocsin.alerting import Alert, Reason
from tocsin.clock import iso_of
from tocsin.incidents import Contradiction, Incident, IncidentFigure
from tocsin.messages import DeadLetter, Document
from tocsin.records import ClaimActor, ClaimPlace, Dropped, Fetched, Quantity, Record, Request
from tocsin.settings import Settings
from tocsin.store import Query

Json = dict[str, Any]
OBJECTS = {(one["type"], one["id"]): one for one in saved_objects()}
BOARDS = [one for (kind, _), one in OBJECTS.items() if kind == "dashboard"]
SINCE = "now-90d"
EVER: list[Json] = []


class Filled(NamedTuple):
    """Indices with documents in them."""

    client: Elasticsearch
    settings: Settings

    def ask(self, view: str, body: Json) -> Json:
        """Search the alias behind a data view of the objects; a shard that fails is an error, as Kibana shows it."""
        index = f"{self.settings.prefix}-{view.removeprefix('tocsin-')}"
        found = self.client.options(request_timeout=30).search(index=index, **_named(body)).body
        assert found["_shards"]["failed"] == 0, found["_shards"]
        assert found["timed_out"] is False
        return dict(found)


def _named(body: Json) -> Json:
    return {{"aggs": "aggregations"}.get(name, name): value for name, value in body.items()}


@pytest.fixture(scope="module")
def filled(elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("kibana")
    with sample_site() as site:
        poll(site, settings_for(site, folder / "sample", workers=1))
    with open_store(folder / "sample", read_only=True) as store:
        records = [*_recent(store), *store.alerts(limit=0), *store.incidents(limit=0)]
        records += _made(store.incidents(limit=1)[0])
    settings = Settings(prefix=f"t{secrets.token_hex(5)}", elasticsearch=elasticsearch, data=str(folder), node="test")
    with set_up(settings) as client:
        assert write(settings, *records) == []
        client.indices.refresh(index=f"{settings.prefix}-*")
        yield Filled(client, settings)


def _ago(**span: float) -> str:
    return iso_of((datetime.now(UTC) - timedelta(**span)).timestamp())


def _recent(store: SqliteStore) -> Iterator[Document]:
    """Articles of the sample site, as if published these days: the site's own dates are of years ago."""
    for number, hit in enumerate(store.search(Query(limit=1000, all_copies=True)).hits):
        found = store.article(hit.article_id)
        assert found is not None
        published, seen = _ago(hours=12 + 18 * number), _ago(hours=11 + 18 * number)
        article = replace(found.tagged.article, published_at=published, published_precision="second", fetched_at=seen)
        yield Document(tagged=replace(found.tagged, article=article), clustered=replace(found.clustered, at=seen, previous_version=None))


def _made(model: Incident) -> Iterator[Record]:
    """What the sample site does not have."""
    text = "Fighters took Mosul. 1,200 people fled Raqqa, officials said."
    people = Quantity(text="1,200", start=0, end=5, unit="person", role="displaced", value=1200.0, min=1200.0, max=1500.0)
    dead = replace(people, role="killed", value=12.0, min=12.0, max=12.0)
    actors = tuple(
        ClaimActor(role=role, entity_id=None, name=name) for role, name in (("perpetrator", "Red Army"), ("victim", "Blue Guard"))
    )
    where = (ClaimPlace(role="where", entity_id="loc:mosul", name="Mosul"),)
    fields: Json = {"quantities": (people, dead), "actors": actors, "places": where}
    batch = samples.batch(
        "https://example.org/more",
        "More",
        text,
        fetched_at=_ago(hours=2),
        published_at=_ago(hours=3),
        claims=[("took Mosul", "displacement/fled", fields)],
    )
    assert batch.tagged is not None
    assert batch.clustered is not None
    yield Document(tagged=batch.tagged, clustered=replace(batch.clustered, at=_ago(hours=2)))
    figures = tuple(
        IncidentFigure(role=role, unit="person", extent="", low=100, best=150, high=200, by=("Red Crescent",), origins=1, said=())
        for role in ("killed", "displaced")
    )
    rival = Contradiction(kind="figure", first="c_1", second="c_2", what="100 against 200")
    today = {
        "event_from": _ago(days=3)[:10],
        "event_to": _ago(days=3)[:10],
        "last_said": _ago(hours=3),
        "status": "said",
        "figures": figures,
    }
    yield replace(model, incident_id="i_disputed", disputed=("figure",), contradictions=(rival,), total="", **today)
    yield replace(model, incident_id="i_total", total="a roundup", **today)
    words: Json = {"severity": "warning", "subject": "loc:mosul", "subject_name": "Mosul", "headline": "H", "why": "W"}
    reasons = tuple(Reason(rule_id=rule, rule_kind="any", suppressed=3, **words) for rule in ("a", "b"))
    alert: Alert = samples.alert(samples.mosul())
    yield replace(alert, rules=reasons, severity="warning", at=_ago(hours=1))
    for number, outcome in enumerate(("fetched", "not-modified", "failed", "refused", "gone", "slow-down")):
        request = Request(url=f"https://example.org/{number}", host="example.org", source_id=f"s{number % 2}", kind="page")
        reason = "" if number < 2 else "timeout"
        yield Fetched(request=request, at=_ago(hours=number), outcome=outcome, reason=reason)  # type: ignore[arg-type]
    yield Dropped(url="https://example.org/x", stage="clean", reason="empty", detail="no text", at=_ago(hours=5), source_id="s1")
    yield DeadLetter(stage="tag", error="KeyError: x", at=_ago(hours=5), topic="t", partition=1, offset=2, key=b"a_1", body=b"{}")


def view_of(one: Json) -> str:
    """The data view that an object looks at."""
    return str(next(found["id"] for found in one["references"] if found["type"] == "index-pattern"))


def panels() -> list[tuple[str, str, str]]:
    """(dashboard, id of a chart on it, its range)."""
    found = []
    for board in BOARDS:
        to = {one["name"]: (one["type"], one["id"]) for one in board["references"]}
        for panel in json.loads(board["attributes"]["panelsJSON"]):
            kind, target = to[f"{panel['panelIndex']}:{panel['panelRefName']}"]
            since = panel["embeddableConfig"].get("timeRange", {}).get("from", board["attributes"]["timeFrom"])
            if kind == "lens":
                found.append((board["id"].removeprefix("tocsin-dashboard-"), target, since))
    return found


def filters_of(board: str) -> list[Json]:
    made = OBJECTS["dashboard", f"tocsin-dashboard-{board}"]["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"]
    return [{"bool": {"must_not": [one["query"]]}} for one in json.loads(made)["filter"]]


def drawn(found: Any) -> list[Any]:
    """Every bucket, and every number, of an answer: what there is to draw."""
    if isinstance(found, dict):
        own = [found["value"]] if found.get("value") is not None else []
        own += [value for value in found.get("values", {}).values() if value is not None] if isinstance(found.get("values"), dict) else []
        return own + [item for name, inner in found.items() if name != "values" for item in drawn(inner)]
    return [item for inner in found for item in (inner.get("key"), *drawn(inner))] if isinstance(found, list) else []


@pytest.mark.parametrize(("board", "chart", "since"), panels())
def test_every_chart_of_every_dashboard_has_something_to_draw(board: str, chart: str, since: str, filled: Filled) -> None:
    made = OBJECTS["lens", chart]
    found = filled.ask(view_of(made), asking.of_chart(made, since, filters_of(board)))
    if found.get("aggregations"):
        assert drawn(found["aggregations"]), found
    else:
        assert found["hits"]["total"]["value"] > 0


def metrics(chart: str) -> list[tuple[str, Json]]:
    (layer,) = OBJECTS["lens", chart]["attributes"]["state"]["datasourceStates"]["formBased"]["layers"].values()
    return list(layer["columns"].items())


@pytest.mark.parametrize("chart", sorted({chart for _, chart, _ in panels()}))
def test_every_column_of_numbers_is_filled_for_somebody(chart: str, filled: Filled) -> None:
    made = OBJECTS["lens", chart]
    found = filled.ask(view_of(made), asking.of_chart(made, SINCE, []))
    text = json.dumps(found.get("aggregations", {}))
    for name, column in metrics(chart):
        if column["isBucketed"] or (column["operationType"] == "count" and "filter" not in column):
            continue
        values = [value for value in _of_column(found["aggregations"], name) if value]
        assert values, f"{chart}: {name} is empty in {text[:2000]}"


def _of_column(found: Any, name: str) -> list[Any]:
    """Numbers of a column in every bucket."""
    if isinstance(found, list):
        return [value for inner in found for value in _of_column(inner, name)]
    if not isinstance(found, dict):
        return []
    here = [
        value
        for key, inner in found.items()
        if key == name and isinstance(inner, dict)
        for value in (drawn(inner) or [inner.get("doc_count")])
    ]
    return here + [value for key, inner in found.items() if key != name for value in _of_column(inner, name)]


def test_figures_add_up_low_best_and_high_without_totals(filled: Filled) -> None:
    made = OBJECTS["lens", "tocsin-lens-displaced-by-place"]
    answer = filled.ask(view_of(made), asking.of_chart(made, SINCE, []))
    rows = answer["aggregations"]["place"]["buckets"]
    assert {tuple(row[end]["value"] for end in ("low", "best", "high")) for row in rows if row["best"]["value"]} >= {(100.0, 150.0, 200.0)}


def test_new_pairs_stand_on_top(filled: Filled) -> None:
    made = OBJECTS["lens", "tocsin-lens-new-pairs"]
    rows = filled.ask(view_of(made), asking.of_chart(made, SINCE, []))["aggregations"]["pair"]["buckets"]
    assert rows[0]["key"] == "Blue Guard + Red Army"
    first = [row["first"]["value"] for row in rows]
    assert first == sorted(first, reverse=True)


def test_whoever_was_silent_longest_stands_on_top(filled: Filled) -> None:
    made = OBJECTS["lens", "tocsin-lens-silent-sources"]
    rows = filled.ask(view_of(made), asking.of_chart(made, "now-30d", []))["aggregations"]["source"]["buckets"]
    last = [row["last"]["value"] for row in rows]
    assert last == sorted(last)
    assert len(last) > 1


def test_what_throttles_held_back_is_added_up_for_each_rule(filled: Filled) -> None:
    made = OBJECTS["lens", "tocsin-lens-alerts-by-rule"]
    rows = filled.ask(view_of(made), asking.of_chart(made, SINCE, []))["aggregations"]["rule"]["buckets"]
    assert {row["key"]: row["held"]["value"] for row in rows if row["held"]["value"]} == {"a": 6.0, "b": 6.0}


def test_the_map_has_clusters_and_points_and_nothing_on_the_middle_of_a_country(filled: Filled) -> None:
    made = OBJECTS["map", "tocsin-map-claims"]
    clusters, points = (filled.ask(view_of(made), body) for body in asking.of_layers(made, [asking.within(SINCE)]))
    cells = clusters["aggregations"]["cells"]["buckets"]
    assert cells
    assert all(cell["middle"]["location"]["lat"] is not None for cell in cells)
    assert points["hits"]["hits"]
    assert all(hit["fields"]["type"] for hit in points["hits"]["hits"])
    assert not [hit for hit in points["hits"]["hits"] if hit["_source"].get("precision") == "country"]


@pytest.mark.parametrize("search", sorted(target for kind, target in OBJECTS if kind == "search"))
def test_every_saved_search_finds_rows(search: str, filled: Filled) -> None:
    made = OBJECTS["search", search]
    found = filled.ask(view_of(made), asking.of_search(made, "", EVER))["hits"]["hits"]
    assert found
    shown = {name for hit in found for name in hit["fields"]}
    source = {name for hit in found for name in hit["_source"]}
    assert [column for column in made["attributes"]["columns"] if column in shown | source]


@pytest.mark.parametrize(
    ("search", "words", "field"),
    [("claims", "Mosul", "sentence"), ("articles", "Mosul", "text"), ("incidents", "Mosul", "headline"), ("alerts", "Mosul", "quote")],
)
def test_words_of_a_query_are_marked(search: str, words: str, field: str, filled: Filled) -> None:
    made = OBJECTS["search", f"tocsin-search-{search}"]
    found = filled.ask(view_of(made), asking.of_search(made, words, EVER))["hits"]["hits"]
    marked = [text for hit in found for text in hit.get("highlight", {}).get(field, ())]
    assert [text for text in marked if "@kibana-highlighted-field@Mosul@/kibana-highlighted-field@" in text]


def controls() -> list[tuple[str, str]]:
    """(data view, field) of every control."""
    return sorted(
        {
            (
                next(one["id"] for one in board["references"] if one["name"].startswith("controlGroup_")),
                control["explicitInput"]["fieldName"],
            )
            for board in BOARDS
            for control in json.loads(board["attributes"]["controlGroupInput"]["panelsJSON"]).values()
        }
    )


@pytest.mark.parametrize(("view", "field"), controls())
def test_every_control_offers_values_and_narrows_while_somebody_types(view: str, field: str, filled: Filled) -> None:
    offered = filled.ask(view, asking.of_control(field, "", EVER))["aggregations"]["values"]["buckets"]
    assert offered
    letter = str(offered[0]["key"])[0]
    narrowed = filled.ask(view, asking.of_control(field, letter, EVER))["aggregations"]["values"]["buckets"]
    assert narrowed
    assert all(str(one["key"]).startswith(letter) for one in narrowed)


def test_the_query_of_the_sample_rule_finds_what_is_urgent(filled: Filled) -> None:
    from deploy.kibana import rule

    _, body = rule.rule("tocsin", "")
    asked = json.loads(body["params"]["esQuery"])["query"]
    found = filled.ask(body["params"]["index"][0], {"size": 100, "query": asked})["hits"]["hits"]
    assert {hit["_source"]["severity"] for hit in found} <= {"warning", "critical"}
    assert found
