"""The saved objects: what each dashboard shows, that all is drawn offline, and that ids stay."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.kibana import ndjson, saved_objects
from deploy.kibana.content import DASHBOARDS, VIEWS
from deploy.kibana.shipped import faults
from sinks.elasticsearch import mapping

ROOT = Path(__file__).parents[2]
IDS = Path(__file__).with_name("kibana_ids.txt")
OBJECTS = {(one["type"], one["id"]): one for one in saved_objects()}
Json = dict[str, Any]


def board(name: str) -> Json:
    found: Json = OBJECTS["dashboard", f"tocsin-dashboard-{name}"]
    return found


def panels(name: str) -> list[tuple[str, Json]]:
    """(name, saved object) of every panel; names of maps and searches begin with their kind."""
    made = board(name)
    to = {one["name"]: OBJECTS[one["type"], one["id"]] for one in made["references"] if one["type"] in ("lens", "map", "search")}
    found = [to[f"{panel['panelIndex']}:{panel['panelRefName']}"] for panel in json.loads(made["attributes"]["panelsJSON"])]
    return [(one["id"].removeprefix("tocsin-").removeprefix("lens-"), one) for one in found]


def controls(name: str) -> list[str]:
    group = json.loads(board(name)["attributes"]["controlGroupInput"]["panelsJSON"])
    return [one["explicitInput"]["fieldName"] for one in sorted(group.values(), key=lambda one: one["order"])]


def filters(name: str) -> list[Json]:
    found: list[Json] = json.loads(board(name)["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["filter"]
    return found


def columns(made: Json) -> dict[str, Json]:
    (layer,) = made["attributes"]["state"]["datasourceStates"]["formBased"]["layers"].values()
    found: dict[str, Json] = layer["columns"]
    return found


# --- the whole file ---


def test_no_object_has_a_fault_that_kibana_would_swallow() -> None:
    assert faults(saved_objects()) == []


def test_another_prefix_is_as_sound_and_shares_no_id() -> None:
    other = saved_objects("desk-2")
    assert faults(other, "desk-2") == []
    assert not {(one["type"], one["id"]) for one in other} & set(OBJECTS)
    assert "tocsin-" not in ndjson("desk-2").replace("`tocsin", "")


def test_the_same_is_written_every_time() -> None:
    assert ndjson() == ndjson()
    assert [json.loads(line) for line in ndjson().splitlines()] == saved_objects()


def test_ids_are_those_of_the_release_before() -> None:
    """Bookmarks, links and a second import go by them. A new one is added to the file; one that goes is told in the changelog."""
    assert IDS.read_text(encoding="utf-8").splitlines() == sorted(f"{kind} {target}" for kind, target in OBJECTS)


def test_what_is_pointed_to_comes_first() -> None:
    met = set()
    for key, one in OBJECTS.items():
        assert {(found["type"], found["id"]) for found in one["references"]} <= met
        met.add(key)


def test_everything_carries_the_tag_except_the_data_views() -> None:
    untagged = {kind for (kind, _), one in OBJECTS.items() if "tag" not in {found["type"] for found in one["references"]}}
    assert untagged == {"tag", "index-pattern"}


def test_nothing_is_fetched_from_the_network() -> None:
    text = ndjson()
    assert not [word for word in ("EMS_", "http://", "https://", "WMS", "XYZ") if word in text]


def test_no_time_zone_is_set_so_that_times_stand_in_the_viewers() -> None:
    assert not [word for word in ("timeZone", "time_zone", "dateFormat") if word in ndjson()]


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "deploy.kibana", str(tmp_path / "out.ndjson")], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.ndjson").read_text(encoding="utf-8") == ndjson()


def test_the_file_is_smaller_than_kibana_takes() -> None:
    assert len(ndjson().encode()) < 1_000_000  # server.maxPayload is one megabyte unless it is raised


# --- data views and searches ---


def test_there_is_a_data_view_for_each_kind_of_result() -> None:
    assert {"articles", "claims", "incidents", "alerts"} <= {view.kind for view in VIEWS} <= set(mapping.indices().kinds)
    views = [one["attributes"] for (kind, _), one in OBJECTS.items() if kind == "index-pattern"]
    assert {view["title"] for view in views} == {f"tocsin-{view.kind}" for view in VIEWS}
    assert {view["timeFieldName"] for view in views} == {"@timestamp"}


def test_addresses_can_be_clicked() -> None:
    for kind in ("articles", "claims", "alerts"):
        formats = json.loads(OBJECTS["index-pattern", f"tocsin-{kind}"]["attributes"]["fieldFormatMap"])
        assert formats["url"]["id"] == "url"


@pytest.mark.parametrize("name", sorted(target for kind, target in OBJECTS if kind == "search"))
def test_saved_searches_mark_the_words_of_a_query(name: str) -> None:
    source = json.loads(OBJECTS["search", name]["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["highlightAll"] is True


# --- the dashboards ---


def test_the_six_dashboards_are_there() -> None:
    assert [one.title for one in DASHBOARDS] == ["Situation", "Figures", "Actor", "Place", "Alerts", "Coverage"]
    assert all(one.question.endswith("?") for one in DASHBOARDS)


def test_situation_shows_what_where_who_and_the_latest_claims() -> None:
    shown = dict(panels("situation"))
    assert {"claims-over-time", "map-claims", "top-actors", "type-by-place", "search-claims"} <= set(shown)
    assert controls("situation") == ["actor_names", "place_names", "type", "modality", "lang", "source_name"]
    latest = OBJECTS["search", "tocsin-search-claims"]["attributes"]["columns"]
    assert {"sentence", "modality", "said_by", "url"} <= set(latest)
    split = columns(OBJECTS["lens", "tocsin-lens-claims-over-time"])
    assert (split["split"]["sourceField"], split["x"]["operationType"]) == ("type", "date_histogram")


def test_the_map_has_outlines_below_clusters_from_afar_and_points_from_near() -> None:
    layers = json.loads(OBJECTS["map", "tocsin-map-claims"]["attributes"]["layerListJSON"])
    assert [layer["sourceDescriptor"]["type"] for layer in layers] == ["GEOJSON_FILE", "ES_GEO_GRID", "ES_SEARCH"]
    assert layers[1]["maxZoom"] == layers[2]["minZoom"]
    assert len(layers[0]["sourceDescriptor"]["__featureCollection"]["features"]) > 150
    assert {"sentence", "url"} <= set(layers[2]["sourceDescriptor"]["tooltipProperties"])


def test_every_outline_is_closed_and_lies_in_the_world() -> None:
    layers = json.loads(OBJECTS["map", "tocsin-map-claims"]["attributes"]["layerListJSON"])
    for feature in layers[0]["sourceDescriptor"]["__featureCollection"]["features"]:
        shape = feature["geometry"]
        for polygon in [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]:
            for ring in polygon:
                assert ring[0] == ring[-1]
                assert all(-180 <= longitude <= 180 and -90 <= latitude <= 90 for longitude, latitude in ring)


def test_a_click_on_a_chart_leads_into_discover() -> None:
    for name in ("situation", "figures", "actor", "place", "alerts", "coverage"):
        for panel in json.loads(board(name)["attributes"]["panelsJSON"]):
            events = panel["embeddableConfig"]["enhancements"].get("dynamicActions", {}).get("events", [])
            made = {one["name"]: one for one in board(name)["references"]}[f"{panel['panelIndex']}:{panel['panelRefName']}"]
            grouped = made["type"] == "lens" and any(one["isBucketed"] for one in columns(OBJECTS["lens", made["id"]]).values())
            assert [event["action"]["factoryId"] for event in events] == ["OPEN_IN_DISCOVER_DRILLDOWN"] * grouped


@pytest.mark.parametrize("name", ["situation", "actor", "place"])
def test_assessments_are_off_with_a_filter_that_can_be_switched(name: str) -> None:
    (made,) = filters(name)
    assert (made["meta"]["negate"], made["meta"]["disabled"]) == (True, False)
    assert made["query"] == {"match_phrase": {"type": "assessment"}}


def test_figures_by_source_count_no_assessment() -> None:
    assert 'not type: "assessment"' in OBJECTS["lens", "tocsin-lens-figures-by-source"]["attributes"]["state"]["query"]["query"]


def test_figures_show_both_ends_by_place_and_by_who_says_so_and_what_contradicts() -> None:
    shown = dict(panels("figures"))
    for role in ("killed", "displaced"):
        asked = columns(shown[f"{role}-by-place"])
        assert [(one["operationType"], one["sourceField"]) for one in asked.values()][:4] == [
            ("terms", "place_names"),
            ("sum", f"{role}_low"),
            ("sum", f"{role}_best"),
            ("sum", f"{role}_high"),
        ]
    voices = [one["sourceField"] for one in columns(shown["figures-by-source"]).values()]
    assert {"said_by", "killed_min", "killed_max", "displaced_min", "displaced_max"} <= set(voices)
    assert "contradiction_notes" in shown["search-contradictions"]["attributes"]["columns"]


def test_a_sum_of_events_never_holds_a_total_of_them() -> None:
    for name, made in panels("figures"):
        if name in ("killed-by-place", "displaced-by-place", "killed-over-time"):
            assert "not total: *" in made["attributes"]["state"]["query"]["query"]


@pytest.mark.parametrize(("name", "first"), [("actor", "actor_names"), ("place", "place_names")])
def test_actor_and_place_show_pairs_with_when_they_were_first_and_last_seen(name: str, first: str) -> None:
    assert controls(name)[0] == first
    asked = [columns(made) for _, made in panels(name) if made["type"] == "lens"]
    seen = [one for one in asked if {"first", "last"} <= set(one)]
    assert {column["sourceField"] for one in seen for column in one.values()} >= {"actor_pairs", "actor_places"}
    for one in seen:
        assert [(one[end]["operationType"], one[end]["sourceField"]) for end in ("first", "last")] == [
            ("min", "@timestamp"),
            ("max", "@timestamp"),
        ]


@pytest.mark.parametrize("name", ["new-pairs", "new-actor-places"])
def test_new_pairs_are_those_first_seen_last(name: str) -> None:
    order = columns(OBJECTS["lens", f"tocsin-lens-{name}"])["pair"]["params"]
    assert (order["orderBy"]["columnId"], order["orderDirection"]) == ("first", "desc")


def test_alerts_show_what_rang_why_how_often_and_what_was_held_back_by_rule() -> None:
    shown = dict(panels("alerts"))
    by_rule = [(one["operationType"], one["sourceField"]) for one in columns(shown["alerts-by-rule"]).values()]
    assert {("terms", "rule_ids"), ("count", "___records___"), ("sum", "suppressed")} <= set(by_rule)
    assert {"headline", "why", "quote", "url"} <= set(shown["search-alerts"]["attributes"]["columns"])


def test_coverage_tells_quiet_from_blind() -> None:
    shown = dict(panels("coverage"))
    usual = columns(shown["volume-against-usual"])
    asked = [one["filter"]["query"] for one in usual.values() if "filter" in one]
    assert asked[0] == '@timestamp >= "now-1d"'
    assert [f"now-{7 * weeks + 1}d" in asked[weeks] and f"now-{7 * weeks}d" in asked[weeks] for weeks in (1, 2, 3)] == [True] * 3
    silent = columns(shown["silent-sources"])["source"]["params"]
    assert (silent["orderBy"]["columnId"], silent["orderDirection"]) == ("last", "asc")
    blind = columns(shown["quiet-or-blind"])
    assert [name for name, one in blind.items() if "filter" in one] == ["good", "bad", "lost", "last-good", "last-bad"]
    assert {one["operationType"] for one in columns(shown["lag-over-time"]).values()} == {"date_histogram", "median", "percentile"}
