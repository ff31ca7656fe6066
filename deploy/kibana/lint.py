"""What Kibana's import takes without a word and its pages then stumble over, found before it gets there. Pure.

Measured on Kibana 8.12: an import succeeds with a panel that points nowhere, an aggregation over a text, an accessor that names no column.
Here every reference is followed both ways, every field is looked up in the shipped mapping with the type its operation needs, and only
drawings, panels, controls and operations are known that have been drawn by a real Kibana.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from deploy.kibana.objects import CORE_VERSION, TYPE_VERSIONS, Json

Fields = Mapping[str, str]
"""Full names of fields, with their Elasticsearch types."""

_NUMBERS = frozenset({"byte", "short", "integer", "long", "half_float", "float", "double"})
_DATES = frozenset({"date"})
_WORDS = frozenset({"keyword", "boolean"})
_OPERATIONS: Mapping[str, frozenset[str]] = {
    "count": _NUMBERS | _DATES | _WORDS,
    "unique_count": _NUMBERS | _DATES | _WORDS,
    "terms": _WORDS | _NUMBERS,
    "date_histogram": _DATES,
    "sum": _NUMBERS,
    "average": _NUMBERS,
    "median": _NUMBERS,
    "percentile": _NUMBERS,
    "min": _NUMBERS | _DATES,
    "max": _NUMBERS | _DATES,
}
_BUCKETS = frozenset({"terms", "date_histogram"})
_DRAWINGS: Mapping[str, tuple[str, ...]] = {  # with the places of columns that each must fill
    "lnsXY": (),
    "lnsDatatable": (),
    "lnsMetric": ("metricAccessor",),
    "lnsHeatmap": ("xAccessor", "yAccessor", "valueAccessor"),
    "lnsTagcloud": ("tagAccessor", "valueAccessor"),
}
_PANELS = frozenset({"lens", "map", "search"})
_CONTROLS = {"optionsListControl": "optionsListDataView"}
_GRID = 48
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_KQL_FIELD = re.compile(r"([@\w.]+)\s*(?::|>=|<=|>|<)")
_QUOTED = re.compile(r'"[^"]*"')


def fields_of(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields of a mapping's `properties` with their types; what is kept and not indexed has the type "unsearchable"."""
    found: dict[str, str] = {}
    for name, body in mapping.get("properties", {}).items():
        if "properties" in body:
            found |= fields_of(body, f"{prefix}{name}.")
        elif body.get("index", True) is False or body.get("enabled", True) is False:
            found[prefix + name] = "unsearchable"
        else:
            found[prefix + name] = body["type"]
            found |= {f"{prefix}{name}.{sub}": inner["type"] for sub, inner in body.get("fields", {}).items()}
    return found


def lint(objects: Iterable[Json], fields: Mapping[str, Fields]) -> list[str]:
    """Every fault of a file of saved objects, one line each. `fields`: by the title of the data view that looks at them."""
    everything = list(objects)
    faults = list(_envelopes(everything))
    views = {one["id"]: fields.get(one["attributes"].get("title", "")) for one in everything if one.get("type") == "index-pattern"}
    known = {(one.get("type", ""), one.get("id", "")) for one in everything}
    used: set[tuple[str, str]] = set()
    for one in everything:
        item = _Item(one, known, views)
        check = _CHECKS.get(one.get("type", ""))
        if check is None:
            faults.append(f"{item.where}: unknown type")
            continue
        try:
            check(item)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            item.fault(f"is not shaped as it must be ({type(error).__name__}: {error})")
        faults += [*item.faults, *item.loose()]
        used |= {(found["type"], found["id"]) for found in item.references.values()}
    for kind, target in sorted(known - used):
        if kind not in ("dashboard", "tag", "index-pattern"):
            faults.append(f"{kind}/{target}: stands on no dashboard")
    return faults


def _envelopes(objects: list[Json]) -> Iterator[str]:
    for (kind, target), count in Counter((one.get("type"), one.get("id")) for one in objects).items():
        if count > 1:
            yield f"{kind}/{target}: is there {count} times"
    titles = Counter((one.get("type"), one.get("attributes", {}).get("title")) for one in objects if one.get("type") != "tag")
    yield from (f"{kind}: {count} objects are titled {title!r}" for (kind, title), count in titles.items() if count > 1)
    for one in objects:
        where = f"{one.get('type')}/{one.get('id')}"
        if not _ID.fullmatch(str(one.get("id"))):
            yield f"{where}: the id is not of small letters, digits and dashes"
        if one.get("coreMigrationVersion") != CORE_VERSION or one.get("typeMigrationVersion") != TYPE_VERSIONS.get(one.get("type", "")):
            yield f"{where}: coreMigrationVersion or typeMigrationVersion is missing or another"


class _Item:
    """One object under examination: its references and which of them its body used."""

    def __init__(self, one: Json, known: set[tuple[str, str]], views: Mapping[str, Fields | None]) -> None:
        self.body: Json = one["attributes"]
        self.where = f"{one.get('type')}/{one.get('id')}"
        self.faults: list[str] = []
        self.references: dict[str, Json] = {}
        self._views = views
        self._met: set[str] = set()
        for found in one.get("references", []):
            if found["name"] in self.references:
                self.fault(f"two references are named {found['name']!r}")
            self.references[found["name"]] = found
            if (found["type"], found["id"]) not in known:
                self.fault(f"reference {found['name']!r} points to {found['type']}/{found['id']}, which is not in the file")
            if found["type"] == "tag":
                self._met.add(found["name"])

    def fault(self, text: str) -> None:
        """Note a fault."""
        self.faults.append(f"{self.where}: {text}")

    def loose(self) -> Iterator[str]:
        """References that nothing in the body uses."""
        yield from (f"{self.where}: nothing uses the reference {name!r}" for name in self.references if name not in self._met)

    def looks_at(self, title: str) -> Fields | None:
        """Fields of the indices of a title."""
        return self._views.get(title)

    def follow(self, name: str, kind: str) -> str | None:
        """The id that a reference of this name and type leads to."""
        self._met.add(name)
        found = self.references.get(name)
        if found is None:
            self.fault(f"no reference is named {name!r}")
            return None
        if found["type"] != kind:
            self.fault(f"reference {name!r} leads to a {found['type']}, not to a {kind}")
            return None
        return str(found["id"])

    def view(self, name: str) -> Fields | None:
        """Fields of the data view behind a reference; None when there is none (a fault by then)."""
        target = self.follow(name, "index-pattern")
        if target is None or target not in self._views:
            return None
        found = self._views[target]
        if found is None:
            self.fault(f"data view {target!r} looks at no index of the mapping")
        return found

    def field(self, fields: Fields | None, name: str, what: str, types: frozenset[str] | None = None) -> None:
        """A field must be there, searchable, and of one of `types`."""
        if fields is None:
            return
        found = fields.get(name)
        if found is None:
            self.fault(f"{what}: no field {name!r} in the mapping")
        elif found == "unsearchable":
            self.fault(f"{what}: field {name!r} is kept, not searched")
        elif types is not None and found not in types:
            self.fault(f"{what}: field {name!r} is {found}, not one of {', '.join(sorted(types))}")

    def query(self, fields: Fields | None, query: Json | None, what: str) -> None:
        """Every field of a KQL query must be there."""
        if query is None:
            return
        if query["language"] != "kuery":
            self.fault(f"{what}: the query is not KQL")
        for name in _KQL_FIELD.findall(_QUOTED.sub('""', query["query"])):
            self.field(fields, name, what)

    def parsed(self, name: str) -> Any:
        """JSON that is kept as text."""
        return json.loads(self.body[name])


def _data_view(item: _Item) -> None:
    title = item.body["title"]
    fields = item.looks_at(title)
    if fields is None:
        item.fault(f"looks at {title!r}, of which there is no mapping")
    item.field(fields, item.body["timeFieldName"], "time field", _DATES)
    for name in ("fields", "fieldAttrs", "runtimeFieldMap", "sourceFilters"):
        item.parsed(name)
    for field in item.parsed("fieldFormatMap"):
        item.field(fields, field, "format")


def _tag(item: _Item) -> None:
    if not item.body["name"] or not re.fullmatch("#[0-9a-f]{6}", item.body["color"]):
        item.fault("a tag has a name and a colour")


def _search(item: _Item) -> None:
    source = json.loads(item.body["kibanaSavedObjectMeta"]["searchSourceJSON"])
    fields = item.view(source["indexRefName"])
    if source.get("highlightAll") is not True:
        item.fault("words of a query would not be marked: highlightAll is not on")
    item.query(fields, source["query"], "query")
    for column in item.body["columns"]:
        if fields is not None and column not in fields:
            item.fault(f"column: no field {column!r} in the mapping")
    for name in item.body["grid"]["columns"]:
        if name not in item.body["columns"]:
            item.fault(f"a width is given to {name!r}, which is no column")
    for name, direction in item.body["sort"]:
        item.field(fields, name, "sort", _DATES | _NUMBERS | _WORDS)
        if direction not in ("asc", "desc"):
            item.fault(f"sorted {direction!r}")
    if "breakdownField" in item.body:
        item.field(fields, item.body["breakdownField"], "breakdown", _WORDS)


def _lens(item: _Item) -> None:
    state = item.body["state"]
    drawing = item.body["visualizationType"]
    layers = state["datasourceStates"]["formBased"]["layers"]
    if drawing not in _DRAWINGS:
        item.fault(f"unknown drawing {drawing!r}")
    if not layers:
        item.fault("has no layer")
    named: dict[str, set[str]] = {}
    for layer, body in layers.items():
        fields = item.view(f"indexpattern-datasource-layer-{layer}")
        columns = body["columns"]
        named[layer] = set(columns)
        if list(body["columnOrder"]) != sorted(body["columnOrder"], key=lambda name: not columns[name]["isBucketed"]) or set(
            body["columnOrder"]
        ) != set(columns):
            item.fault(f"layer {layer!r}: columnOrder is not all columns, those that group first")
        for name, column in columns.items():
            _column(item, fields, columns, f"column {name!r}", column)
        item.query(fields, state["query"], "query")
    drawn = state["visualization"].get("layers", [state["visualization"]])
    if sorted(one["layerId"] for one in drawn) != sorted(layers):
        item.fault("what is drawn is not what is asked")
    for one in drawn:
        accessors = list(_accessors(one))
        for place in _DRAWINGS.get(drawing, ()):
            if place not in one:
                item.fault(f"{drawing} lacks its {place}")
        for place, column in accessors:
            if column not in named.get(one["layerId"], ()):
                item.fault(f"{place} names no column: {column!r}")
        for column in sorted(named.get(one["layerId"], set()) - {column for _, column in accessors}):
            item.fault(f"column {column!r} is asked and not drawn")


def _column(item: _Item, fields: Fields | None, columns: Json, what: str, column: Json) -> None:
    operation, field = column["operationType"], column["sourceField"]
    types = _OPERATIONS.get(operation)
    if types is None:
        item.fault(f"{what}: unknown operation {operation!r}")
        return
    if column["isBucketed"] != (operation in _BUCKETS):
        item.fault(f"{what}: {operation} and isBucketed do not go together")
    if field != "___records___":
        item.field(fields, field, what, types)
    elif operation != "count":
        item.fault(f"{what}: {operation} needs a field")
    is_date = fields is not None and fields.get(field) in _DATES and operation in ("min", "max", "date_histogram")
    wanted = "date" if is_date else "string" if operation == "terms" else "number"
    if fields is not None and field in fields and column["dataType"] != wanted:
        item.fault(f"{what}: says {column['dataType']}, gives {wanted}")
    if "filter" in column:
        item.query(fields, column["filter"], what)
    if "timeShift" in column:
        item.fault(f"{what}: is shifted in time, which Lens refuses beside others and a list of top values: use a filter on the time")
    order = column["params"].get("orderBy")
    if order is not None and (order["columnId"] not in columns or columns[order["columnId"]]["isBucketed"]):
        item.fault(f"{what}: sorted by {order['columnId']!r}, which is no column of numbers")
    elif order is not None and "filter" in columns[order["columnId"]]:
        item.fault(f"{what}: sorted by {order['columnId']!r}, which is narrowed: Elasticsearch sorts by whole columns only")


def _accessors(drawn: Json) -> Iterator[tuple[str, str]]:
    """(place, column) of everything that a drawing shows."""
    for place, found in drawn.items():
        if place == "accessors":
            yield from ((place, column) for column in found)
        elif place.endswith("Accessor"):
            yield place, found
        elif place == "columns":
            yield from (("columns", column["columnId"]) for column in found)
        elif place == "sorting":
            yield place, found["columnId"]


def _map(item: _Item) -> None:
    item.parsed("mapStateJSON")
    item.parsed("uiStateJSON")
    layers = item.parsed("layerListJSON")
    if len({layer["id"] for layer in layers}) != len(layers):
        item.fault("two layers have one id")
    for layer in layers:
        source = layer["sourceDescriptor"]
        kind = source["type"]
        if kind == "GEOJSON_FILE":
            if not source["__featureCollection"]["features"]:
                item.fault(f"layer {layer['id']!r} is empty")
            continue
        if kind not in ("ES_GEO_GRID", "ES_SEARCH"):
            item.fault(f"layer {layer['id']!r}: {kind} is not drawn offline")
            continue
        fields = item.view(source["indexPatternRefName"])
        item.field(fields, source["geoField"], f"layer {layer['id']!r}", frozenset({"geo_point", "geo_shape"}))
        item.query(fields, layer.get("query"), f"layer {layer['id']!r}")
        for name in source.get("tooltipProperties", ()):
            item.field(fields, name, f"tooltip of layer {layer['id']!r}")
        if "sortField" in source:
            item.field(fields, source["sortField"], f"layer {layer['id']!r}", _DATES | _NUMBERS)
        for style in layer["style"]["properties"].values():
            field = style.get("options", {}).get("field", {}).get("name")
            if field is not None and field != "doc_count":
                item.field(fields, field, f"style of layer {layer['id']!r}", _WORDS | _NUMBERS | _DATES)
            if field == "doc_count" and kind != "ES_GEO_GRID":
                item.fault(f"layer {layer['id']!r} counts nothing: doc_count is of clusters")


def _dashboard(item: _Item) -> None:
    item.parsed("optionsJSON")
    panels = item.parsed("panelsJSON")
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        name, grid, kind = panel["panelIndex"], panel["gridData"], panel["type"]
        if kind not in _PANELS:
            item.fault(f"panel {name!r}: unknown type {kind!r}")
        if grid["i"] != name:
            item.fault(f"panel {name!r} is {grid['i']!r} on the grid")
        if min(grid["x"], grid["y"]) < 0 or min(grid["w"], grid["h"]) < 1 or grid["x"] + grid["w"] > _GRID:
            item.fault(f"panel {name!r} leaves the grid of {_GRID} columns")
        cells = [(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]
        for other in sorted({taken[cell] for cell in cells if cell in taken}):
            item.fault(f"panel {name!r} lies over {other!r}")
        taken |= dict.fromkeys(cells, name)
        item.follow(f"{name}:{panel['panelRefName']}", kind)
        for event in panel["embeddableConfig"]["enhancements"].get("dynamicActions", {}).get("events", ()):
            if event["action"]["factoryId"] != "OPEN_IN_DISCOVER_DRILLDOWN" or kind != "lens":
                item.fault(f"panel {name!r}: unknown drilldown")
    if len({panel["panelIndex"] for panel in panels}) != len(panels) or not panels:
        item.fault("panels have names of their own, and there is at least one")
    for name, control in json.loads(item.body["controlGroupInput"]["panelsJSON"]).items():
        reference = _CONTROLS.get(control["type"])
        if reference is None:
            item.fault(f"control {name!r}: unknown type {control['type']!r}")
            continue
        fields = item.view(f"controlGroup_{name}:{reference}")
        item.field(fields, control["explicitInput"]["fieldName"], f"control {name!r}", _WORDS)
        if control["explicitInput"]["id"] != name:
            item.fault(f"control {name!r} has another id inside")
    for number, made in enumerate(json.loads(item.body["kibanaSavedObjectMeta"]["searchSourceJSON"])["filter"]):
        name = f"kibanaSavedObjectMeta.searchSourceJSON.filter[{number}].meta.index"
        if made["meta"]["indexRefName"] != name:
            item.fault(f"filter {number} is bound to {made['meta']['indexRefName']!r}")
        item.field(item.view(name), made["meta"]["key"], f"filter {number}", _WORDS)
        if list(made["query"]["match_phrase"]) != [made["meta"]["key"]]:
            item.fault(f"filter {number} asks for another field than it names")


_CHECKS: Mapping[str, Callable[[_Item], None]] = {
    "index-pattern": _data_view,
    "tag": _tag,
    "search": _search,
    "lens": _lens,
    "map": _map,
    "dashboard": _dashboard,
}
