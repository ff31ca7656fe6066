"""The map: our own outlines of countries below, clusters of claims from afar, single claims from near. Pure, and nothing from the network.

Kibana's own basemap is a service on the internet. `basemap.geojson` (Natural Earth 1:110m, public domain, to a tenth of a degree) travels
inside the object instead; replace that file to draw other borders.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from deploy.kibana.objects import Json, data_view_id, kql, object_id, packed, reference, saved_object, tagged, titled

BASEMAP = Path(__file__).with_name("basemap.geojson")
NEAR = 6
"""Zoom level from which single documents are drawn instead of clusters."""


class Map(NamedTuple):
    """A map of one data view, as data."""

    name: str
    title: str
    about: str
    view: str
    field: str  # the points
    colour: str  # keyword by which points are coloured
    tooltip: tuple[str, ...]
    query: str = ""  # KQL: which documents are drawn
    center: tuple[float, float] = (25.0, 35.0)  # latitude, longitude
    zoom: float = 2.2


@cache
def basemap() -> Json:
    """Outlines of the countries, GeoJSON."""
    found: Json = json.loads(BASEMAP.read_text(encoding="utf-8"))
    return found


def saved_map(prefix: str, drawn: Map) -> Json:
    """The saved object of a map."""
    layers: list[Json] = [_countries()]
    references = []
    for layer in (_clusters(drawn), _points(drawn)):
        name = f"layer_{len(layers)}_source_index_pattern"
        layer["sourceDescriptor"]["indexPatternRefName"] = name
        if drawn.query:
            layer["query"] = kql(drawn.query)
        references.append(reference(name, "index-pattern", data_view_id(prefix, drawn.view)))
        layers.append(layer)
    latitude, longitude = drawn.center
    state = {
        "zoom": drawn.zoom,
        "center": {"lon": longitude, "lat": latitude},
        "timeFilters": {"from": "now-14d", "to": "now"},
        "refreshConfig": {"isPaused": True, "interval": 60_000},
        "query": kql(""),
        "filters": [],
        "settings": {
            "autoFitToDataBounds": False,
            "backgroundColor": "#dbe7f0",
            "initialLocation": "LAST_SAVED_LOCATION",
            "showSpatialFilters": True,
            "showScaleControl": True,
        },
    }
    attributes = {
        "title": titled(drawn.title),
        "description": drawn.about,
        "layerListJSON": packed(layers),
        "mapStateJSON": packed(state),
        "uiStateJSON": packed({"isLayerTOCOpen": True, "openTOCDetails": []}),
    }
    return saved_object("map", object_id(prefix, "map", drawn.name), attributes, [*references, tagged(prefix)])


def _layer(name: str, label: str, source: Json, style: Json, *, alpha: float = 1.0, near: int = 0, far: int = 24, fit: bool = True) -> Json:
    return {
        "id": name,
        "label": label,
        "type": "GEOJSON_VECTOR",
        "minZoom": near,
        "maxZoom": far,
        "alpha": alpha,
        "visible": True,
        "joins": [],
        "includeInFitToBounds": fit,
        "sourceDescriptor": source,
        "style": style,
    }


def _countries() -> Json:
    source = {"type": "GEOJSON_FILE", "__featureCollection": basemap(), "name": "Countries"}
    style = _style(fillColor=_still("color", "#eef1f5"), lineColor=_still("color", "#98a2b3"))
    return _layer("countries", "Countries", source, style, fit=False)


def _clusters(drawn: Map) -> Json:
    source = {
        "type": "ES_GEO_GRID",
        "id": "clusters-source",
        "geoField": drawn.field,
        "requestType": "point",
        "resolution": "COARSE",
        "metrics": [{"type": "count"}],
        **_global(),
    }
    style = _style(
        fillColor=_by("doc_count", color="Yellow to Red", type="ORDINAL"),
        iconSize=_by("doc_count", minSize=7, maxSize=32),
        labelText=_by("doc_count"),
    )
    return _layer("clusters", "Claims (clusters)", source, style, alpha=0.75, far=NEAR)


def _points(drawn: Map) -> Json:
    source = {
        "type": "ES_SEARCH",
        "id": "points-source",
        "geoField": drawn.field,
        "scalingType": "LIMIT",
        "filterByMapBounds": True,
        "tooltipProperties": list(drawn.tooltip),
        "sortField": "@timestamp",
        "sortOrder": "desc",
        "topHitsSplitField": "",
        "topHitsSize": 1,
        **_global(),
    }
    style = _style(fillColor=_by(drawn.colour, colorCategory="palette_0", type="CATEGORICAL"))
    return _layer("points", "Claims (one by one)", source, style, alpha=0.9, near=NEAR)


def _global() -> Json:
    return {"applyGlobalQuery": True, "applyGlobalTime": True, "applyForceRefresh": True}


def _still(name: str, value: object) -> Json:
    return {"type": "STATIC", "options": {name: value}}


def _by(field: str, **options: object) -> Json:
    named = {"name": field, "origin": "source"}
    return {"type": "DYNAMIC", "options": {"field": named, "fieldMetaOptions": {"isEnabled": True, "sigma": 3}, **options}}


def _style(**changed: Json) -> Json:
    properties = {
        "icon": _still("value", "marker"),
        "fillColor": _still("color", "#6092C0"),
        "lineColor": _still("color", "#41937c"),
        "lineWidth": _still("size", 1),
        "iconSize": _still("size", 6),
        "iconOrientation": _still("orientation", 0),
        "labelText": _still("value", ""),
        "labelColor": _still("color", "#000000"),
        "labelSize": _still("size", 12),
        "labelZoomRange": {"options": {"useLayerZoomRange": True, "minZoom": 0, "maxZoom": 24}},
        "labelBorderColor": _still("color", "#FFFFFF"),
        "symbolizeAs": {"options": {"value": "circle"}},
        "labelBorderSize": {"options": {"size": "SMALL"}},
        "labelPosition": {"options": {"position": "CENTER"}},
    }
    return {"type": "VECTOR", "properties": properties | changed, "isTimeAware": True}
