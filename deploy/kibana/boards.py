"""Dashboards: rows of panels on Kibana's grid, controls above them, filters, and the way into Discover. Pure."""

from typing import NamedTuple

from deploy.kibana.charts import Chart
from deploy.kibana.maps import Map
from deploy.kibana.objects import Json, Search, data_view_id, kql, object_id, packed, reference, saved_object, tagged, titled

WIDTH = 48
"""Columns of the grid."""


class Panel(NamedTuple):
    """A chart, map or saved search on a dashboard."""

    what: Chart | Map | Search
    width: int  # of 48
    since: str = ""  # its own time range ("now-30d"); "": the dashboard's


class Row(NamedTuple):
    """Panels side by side."""

    height: int
    panels: tuple[Panel, ...]


class Control(NamedTuple):
    """A list of values to choose from, above the panels."""

    field: str
    title: str


class Without(NamedTuple):
    """A filter that is on when the dashboard opens, and shown as such: one click switches it off."""

    field: str
    value: str
    label: str


class Dashboard(NamedTuple):
    """A dashboard, as data."""

    name: str
    title: str
    question: str  # what it answers, in a sentence
    view: str  # of its controls and filters
    controls: tuple[Control, ...]
    rows: tuple[Row, ...]
    without: Without | None = None
    since: str = "now-14d"
    refresh: int = 60_000  # milliseconds


def saved_id(prefix: str, what: Chart | Map | Search) -> tuple[str, str]:
    """(type, id) of the saved object of a panel."""
    kind = "lens" if isinstance(what, Chart) else "map" if isinstance(what, Map) else "search"
    return kind, object_id(prefix, kind, what.name)


def dashboard(prefix: str, board: Dashboard) -> Json:
    """The saved object of a dashboard."""
    panels, references = _panels(prefix, board)
    controls, more = _controls(prefix, board)
    filters, further = _filters(prefix, board)
    ignore = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    options = {"useMargins": True, "syncColors": True, "syncCursor": True, "syncTooltips": False, "hidePanelTitles": False}
    attributes: Json = {
        "title": titled(board.title),
        "description": board.question,
        "version": 1,
        "timeRestore": True,
        "timeFrom": board.since,
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": board.refresh},
        "optionsJSON": packed(options),
        "panelsJSON": packed(panels),
        "controlGroupInput": {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "panelsJSON": packed(controls),
            "ignoreParentSettingsJSON": packed(ignore),
        },
        "kibanaSavedObjectMeta": {"searchSourceJSON": packed({"query": kql(""), "filter": filters})},
    }
    found = [*references, *more, *further, tagged(prefix)]
    return saved_object("dashboard", object_id(prefix, "dashboard", board.name), attributes, found)


def _panels(prefix: str, board: Dashboard) -> tuple[list[Json], list[Json]]:
    panels: list[Json] = []
    references: list[Json] = []
    y = 0
    for row in board.rows:
        x = 0
        for panel in row.panels:
            kind, target = saved_id(prefix, panel.what)
            name = f"p{len(panels) + 1}"
            panels.append(
                {
                    "type": kind,
                    "gridData": {"x": x, "y": y, "w": panel.width, "h": row.height, "i": name},
                    "panelIndex": name,
                    "embeddableConfig": _config(panel),
                    "panelRefName": f"panel_{name}",
                }
            )
            references.append(reference(f"{name}:panel_{name}", kind, target))
            x += panel.width
        y += row.height
    return panels, references


def _config(panel: Panel) -> Json:
    config: Json = {"enhancements": {}}
    if isinstance(panel.what, Map):
        latitude, longitude = panel.what.center
        center = {"lat": latitude, "lon": longitude, "zoom": panel.what.zoom}
        config |= {"mapCenter": center, "isLayerTOCOpen": False, "openTOCDetails": [], "hiddenLayers": []}
    if isinstance(panel.what, Chart) and any(column["isBucketed"] for column in panel.what.columns.values()):
        config["enhancements"] = {"dynamicActions": {"events": [_into_discover()]}}
    if panel.since:
        config["timeRange"] = {"from": panel.since, "to": "now"}
    return config


def _into_discover() -> Json:
    """A click on a bar, cell or row offers the documents behind it."""
    action = {"factoryId": "OPEN_IN_DISCOVER_DRILLDOWN", "name": "Show these in Discover", "config": {"openInNewTab": True}}
    return {"eventId": "into-discover", "triggers": ["FILTER_TRIGGER"], "action": action}


def _controls(prefix: str, board: Dashboard) -> tuple[Json, list[Json]]:
    controls: Json = {}
    references = []
    for order, control in enumerate(board.controls):
        name = f"control-{control.field.replace('_', '-').replace('.', '-')}"
        controls[name] = {
            "type": "optionsListControl",
            "order": order,
            "grow": True,
            "width": "medium",
            "explicitInput": {
                "id": name,
                "fieldName": control.field,
                "title": control.title,
                "selectedOptions": [],
                "searchTechnique": "prefix",
                "enhancements": {},
            },
        }
        references.append(reference(f"controlGroup_{name}:optionsListDataView", "index-pattern", data_view_id(prefix, board.view)))
    return controls, references


def _filters(prefix: str, board: Dashboard) -> tuple[list[Json], list[Json]]:
    if board.without is None:
        return [], []
    name = "kibanaSavedObjectMeta.searchSourceJSON.filter[0].meta.index"
    meta = {
        "alias": board.without.label,
        "disabled": False,
        "negate": True,
        "type": "phrase",
        "key": board.without.field,
        "params": {"query": board.without.value},
        "indexRefName": name,
    }
    made = {"meta": meta, "query": {"match_phrase": {board.without.field: board.without.value}}, "$state": {"store": "appState"}}
    return [made], [reference(name, "index-pattern", data_view_id(prefix, board.view))]
