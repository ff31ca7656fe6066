"""The linter finds what Kibana swallows: break any one thing, and it says so."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from deploy.kibana import saved_objects
from deploy.kibana.lint import fields_of, lint
from deploy.kibana.shipped import faults, shipped

Json = dict[str, Any]
OBJECTS = [one for one in saved_objects() if one["type"] != "map"]
"""Without the map, where only the rest is broken: its outlines take a while to copy."""
TABLE, BARS, BOARD, SEARCH, MAP = (
    ("lens", "tocsin-lens-top-actors"),
    ("lens", "tocsin-lens-claims-over-time"),
    ("dashboard", "tocsin-dashboard-situation"),
    ("search", "tocsin-search-claims"),
    ("map", "tocsin-map-claims"),
)
Key = tuple[str, str]


def broken(key: Key, change: Callable[[Json], object]) -> list[str]:
    """New faults after one object was changed."""
    made = deepcopy(saved_objects() if key[0] == "map" else OBJECTS)
    before = set(faults(made))
    change(next(one for one in made if (one["type"], one["id"]) == key))
    return sorted(set(faults(made)) - before)


def layer(one: Json) -> Json:
    found: Json = one["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]["layer"]
    return found


def column(one: Json, name: str) -> Json:
    found: Json = layer(one)["columns"][name]
    return found


def drawn(one: Json) -> Json:
    found: Json = one["attributes"]["state"]["visualization"]
    return found


def inside(*path: str | int) -> Callable[[Callable[[Any], object]], Callable[[Json], None]]:
    """Change what is kept as JSON text at a path of the attributes."""

    def with_change(change: Callable[[Any], object]) -> Callable[[Json], None]:
        def changing(one: Json) -> None:
            holder = one["attributes"]
            for step in path[:-1]:
                holder = holder[step]
            value = json.loads(holder[path[-1]])
            change(value)
            holder[path[-1]] = json.dumps(value)

        return changing

    return with_change


panel = inside("panelsJSON")
control = inside("controlGroupInput", "panelsJSON")
pinned = inside("kibanaSavedObjectMeta", "searchSourceJSON")
layers = inside("layerListJSON")


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        # references, both ways
        (TABLE, lambda one: one["references"].pop(0), "no reference is named"),
        (TABLE, lambda one: one["references"][0].update(id="tocsin-clams"), "which is not in the file"),
        (TABLE, lambda one: one["references"][0].update(type="search"), "not in the file"),
        (
            TABLE,
            lambda one: one["references"].append({"type": "tag", "id": "tocsin-tag", "name": one["references"][0]["name"]}),
            "two references",
        ),
        (
            TABLE,
            lambda one: one["references"].append({"type": "search", "id": "tocsin-search-claims", "name": "x"}),
            "nothing uses the reference",
        ),
        (BOARD, lambda one: one["references"].pop(0), "no reference is named"),
        (BOARD, lambda one: one["references"][0].update(type="search", id="tocsin-search-claims"), "leads to a search, not to a lens"),
        (SEARCH, lambda one: one["references"].pop(0), "no reference is named"),
        (BOARD, pinned(lambda value: value["filter"][0]["meta"].update(indexRefName="other")), "filter 0 is bound to 'other'"),
        # fields and what may be done with them
        (TABLE, lambda one: column(one, "actor").update(sourceField="actors"), "is kept, not searched"),
        (TABLE, lambda one: column(one, "actor").update(sourceField="actor_nmes"), "no field 'actor_nmes'"),
        (TABLE, lambda one: column(one, "actor").update(sourceField="sentence"), "is text, not one of"),
        (TABLE, lambda one: column(one, "actor").update(sourceField="@timestamp"), "is date, not one of"),
        (TABLE, lambda one: column(one, "sources").update(operationType="sum"), "is keyword, not one of"),
        (TABLE, lambda one: column(one, "n").update(operationType="sum"), "sum needs a field"),
        (TABLE, lambda one: column(one, "n").update(operationType="last_value"), "unknown operation"),
        (TABLE, lambda one: column(one, "last").update(dataType="number"), "says number, gives date"),
        (BARS, lambda one: column(one, "x").update(sourceField="lang"), "is keyword, not one of date"),
        (TABLE, lambda one: column(one, "n").update(filter={"query": "colour: red", "language": "kuery"}), "no field 'colour'"),
        (TABLE, lambda one: column(one, "n").update(timeShift="1w"), "is shifted in time"),
        (TABLE, lambda one: one["attributes"]["state"]["query"].update(query='not x: "a: b" and type: *'), "no field 'x'"),
        (TABLE, lambda one: one["attributes"]["state"]["query"].update(language="lucene"), "is not KQL"),
        (SEARCH, lambda one: one["attributes"]["columns"].append("headline"), "column: no field 'headline'"),
        (SEARCH, lambda one: one["attributes"].update(breakdownField="sentence"), "breakdown: field 'sentence' is text"),
        (SEARCH, lambda one: one["attributes"].update(sort=[["sentence", "desc"]]), "sort: field 'sentence' is text"),
        (SEARCH, inside("kibanaSavedObjectMeta", "searchSourceJSON")(lambda value: value.update(highlightAll=False)), "highlightAll"),
        (BOARD, control(lambda value: value["control-type"]["explicitInput"].update(fieldName="title")), "field 'title' is text"),
        (BOARD, pinned(lambda value: value["filter"][0]["meta"].update(key="types")), "no field 'types'"),
        (("index-pattern", "tocsin-claims"), lambda one: one["attributes"].update(title="tocsin-clams"), "of which there is no mapping"),
        (
            ("index-pattern", "tocsin-claims"),
            lambda one: one["attributes"].update(timeFieldName="lang"),
            "time field: field 'lang' is keyword",
        ),
        # columns
        (TABLE, lambda one: layer(one)["columnOrder"].remove("n"), "columnOrder"),
        (TABLE, lambda one: layer(one)["columnOrder"].reverse(), "columnOrder"),
        (TABLE, lambda one: layer(one)["columns"].pop("n"), "is not shaped as it must be"),
        (TABLE, lambda one: column(one, "actor")["params"]["orderBy"].update(columnId="m"), "sorted by 'm'"),
        (TABLE, lambda one: column(one, "n").update(filter={"query": "", "language": "kuery"}), "sorted by 'n', which is narrowed"),
        (TABLE, lambda one: column(one, "actor").update(isBucketed=False), "do not go together"),
        (TABLE, lambda one: drawn(one)["columns"].pop(), "is asked and not drawn"),
        (TABLE, lambda one: drawn(one)["columns"][0].update(columnId="m"), "names no column: 'm'"),
        (TABLE, lambda one: drawn(one)["sorting"].update(columnId="m"), "names no column: 'm'"),
        (BARS, lambda one: drawn(one)["layers"][0].update(xAccessor="m"), "names no column: 'm'"),
        (BARS, lambda one: drawn(one)["layers"][0].update(layerId="m"), "what is drawn is not what is asked"),
        (("lens", "tocsin-lens-type-by-place"), lambda one: drawn(one).pop("yAccessor"), "lnsHeatmap lacks its yAccessor"),
        (TABLE, lambda one: one["attributes"].update(visualizationType="lnsPie"), "unknown drawing"),
        # dashboards
        (BOARD, panel(lambda value: value[0].update(type="visualization")), "unknown type"),
        (BOARD, panel(lambda value: value[0]["gridData"].update(w=49)), "leaves the grid"),
        (BOARD, panel(lambda value: value[0]["gridData"].update(w=10)), "lies over"),
        (BOARD, panel(lambda value: value[0]["gridData"].update(i="p9")), "on the grid"),
        (BOARD, panel(lambda value: value[1].update(panelRefName="panel_p9")), "no reference is named"),
        (BOARD, panel(lambda value: value.pop(0)), "nothing uses the reference"),
        (BOARD, lambda one: one["attributes"].update(panelsJSON="[}"), "is not shaped as it must be"),
        (BOARD, control(lambda value: value["control-type"].update(type="rangeSliderControl")), "unknown type"),
        (BOARD, control(lambda value: value.pop("control-type")), "nothing uses the reference"),
        # the map
        (MAP, layers(lambda value: value[1]["sourceDescriptor"].update(geoField="place_names")), "is keyword, not one of geo_point"),
        (MAP, layers(lambda value: value[1]["sourceDescriptor"].update(indexPatternRefName="x")), "no reference is named"),
        (MAP, layers(lambda value: value[0]["sourceDescriptor"].update(type="EMS_FILE")), "EMS_FILE is not drawn offline"),
        (MAP, layers(lambda value: value[2]["sourceDescriptor"]["tooltipProperties"].append("headline")), "no field 'headline'"),
        (MAP, layers(lambda value: value[2]["query"].update(query="where: *")), "no field 'where'"),
        (MAP, layers(lambda value: value[0]["sourceDescriptor"]["__featureCollection"].update(features=[])), "is empty"),
        # the envelope
        (TABLE, lambda one: one.update(id="Top actors"), "small letters"),
        (TABLE, lambda one: one.update(id=BARS[1]), "is there 2 times"),
        (TABLE, lambda one: one.update(type="canvas"), "unknown type"),
        (TABLE, lambda one: one.pop("typeMigrationVersion"), "typeMigrationVersion"),
        (TABLE, lambda one: one["attributes"].update(title="[Tocsin] Claims over time by type"), "objects are titled"),
    ],
)
def test_whatever_is_broken_is_found(key: Key, change: Callable[[Json], object], said: str) -> None:
    found = broken(key, change)
    assert any(said in fault for fault in found), found


def test_no_reference_of_any_object_can_be_taken_away() -> None:
    for number, one in enumerate(OBJECTS):
        for at, found in enumerate(one["references"]):
            if found["type"] != "tag":
                without = {**one, "references": [*one["references"][:at], *one["references"][at + 1 :]]}
                said = faults([*OBJECTS[:number], without, *OBJECTS[number + 1 :]])
                assert any(f"no reference is named {found['name']!r}" in fault for fault in said)


def test_no_object_can_be_taken_away() -> None:
    for number, one in enumerate(OBJECTS):
        if one["type"] != "dashboard":
            said = faults([*OBJECTS[:number], *OBJECTS[number + 1 :]])
            assert any(f"points to {one['type']}/{one['id']}, which is not in the file" in fault for fault in said)


def test_a_field_that_leaves_the_mapping_is_missed_wherever_it_is_used() -> None:
    fields = {title: {name: kind for name, kind in found.items() if name != "actor_names"} for title, found in shipped().items()}
    found = lint(saved_objects(), fields)
    where = {fault.split(":")[0] for fault in found if "no field 'actor_names'" in fault}
    assert {
        "lens/tocsin-lens-top-actors",
        "dashboard/tocsin-dashboard-situation",
        "map/tocsin-map-claims",
        "search/tocsin-search-claims",
    } <= where


def used() -> list[tuple[str, str]]:
    """Every field of the mapping that the file names as a source of a chart."""
    views = {one["id"] for one in OBJECTS if one["type"] == "index-pattern"}
    found = set()
    for one in OBJECTS:
        if one["type"] == "lens":
            view = next(ref["id"] for ref in one["references"] if ref["id"] in views)
            found |= {(view, item["sourceField"]) for item in layer(one)["columns"].values() if item["sourceField"] != "___records___"}
    return sorted(found)


@pytest.mark.parametrize(("view", "field"), used())
def test_no_field_of_a_chart_can_be_taken_from_the_mapping_or_made_a_text(view: str, field: str) -> None:
    for kind in (None, "text"):
        fields = {title: dict(found) for title, found in shipped().items()}
        if kind is None:
            del fields[view][field]
        else:
            fields[view][field] = kind
        assert any(repr(field) in fault for fault in lint(OBJECTS, fields))


def test_what_stands_on_no_dashboard_is_found() -> None:
    without = [one for one in saved_objects() if one["id"] != "tocsin-dashboard-coverage"]
    assert "lens/tocsin-lens-silent-sources: stands on no dashboard" in faults(without)


def test_fields_of_a_mapping_are_told_with_what_lies_in_them() -> None:
    properties = {
        "a": {"type": "keyword"},
        "b": {"properties": {"c": {"type": "date"}}},
        "d": {"type": "text", "fields": {"en": {"type": "text"}}},
        "e": {"type": "object", "enabled": False},
        "f": {"type": "keyword", "index": False},
    }
    found = {"a": "keyword", "b.c": "date", "d": "text", "d.en": "text", "e": "unsearchable", "f": "unsearchable"}
    assert fields_of({"properties": properties}) == found
