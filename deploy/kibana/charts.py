"""Lens charts: columns (what is asked of the index) and how they are drawn. Pure.

A column is the JSON that Lens keeps for one aggregation. Only those operations and drawings are used that a real Kibana has drawn, and
the linter (deploy/kibana/lint.py) knows no other.
"""

from typing import NamedTuple

from deploy.kibana.objects import Json, data_view_id, kql, object_id, reference, saved_object, tagged, titled

LAYER = "layer"
"""Every chart has one layer."""
RECORDS = "___records___"
"""Lens's word for the documents themselves."""


class Chart(NamedTuple):
    """One Lens chart, as data."""

    name: str
    title: str
    about: str  # shown behind the small i: how to read it
    view: str
    drawing: str  # lnsXY, lnsDatatable, lnsMetric, lnsHeatmap, lnsTagcloud
    visualization: Json
    columns: dict[str, Json]  # by id; grouping columns first
    query: str = ""  # KQL


# --- columns ---


def count(label: str, *, where: str = "") -> Json:
    """How many documents. `where`: only those (KQL)."""
    return _number("count", RECORDS, label, where=where)


def figure(operation: str, field: str, label: str, *, where: str = "") -> Json:
    """A sum, average, median, min, max or unique_count over a field."""
    return _number(operation, field, label, where=where)


def percentile(field: str, percent: int, label: str) -> Json:
    """The value that so many percent stay below."""
    column = _number("percentile", field, label)
    del column["params"]["emptyAsNull"]
    column["params"]["percentile"] = percent
    return column


def moment(operation: str, field: str, label: str, *, where: str = "") -> Json:
    """The first (min) or last (max) time; shown in the viewer's zone."""
    column = _number(operation, field, label, where=where)
    column |= {"dataType": "date"}
    del column["params"]["emptyAsNull"]
    return column


def over_time(field: str = "@timestamp", label: str = "Time", *, every: str = "auto") -> Json:
    """Bars of time, as wide as the range asks for; `every` so much ("1d"): only those with something in them."""
    return {
        "label": label,
        "customLabel": True,
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": field,
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": every, "includeEmptyRows": every == "auto", "dropPartials": False},
    }


def values(field: str, size: int, by: str, label: str, *, rising: bool = False, other: bool = False) -> Json:
    """The first `size` values of a keyword by column `by`: largest first, or smallest (`rising`). `other`: the rest together."""
    return {
        "label": label,
        "customLabel": True,
        "dataType": "string",
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": field,
        "isBucketed": True,
        "params": {
            "size": size,
            "orderBy": {"type": "column", "columnId": by},
            "orderDirection": "asc" if rising else "desc",
            "otherBucket": other,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": False,
            "excludeIsRegex": False,
        },
    }


def _number(operation: str, field: str, label: str, *, where: str = "") -> Json:
    column: Json = {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": operation,
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": field,
        "params": {"emptyAsNull": True},
    }
    if where:
        column["filter"] = kql(where)
    return column


# --- drawings ---


def bars(name: str, title: str, about: str, view: str, x: Json, y: Json, split: Json | None = None, *, query: str = "") -> Chart:
    """Stacked bars of `y` along `x`, coloured by `split`."""
    columns = {"split": split} if split else {}
    return _along(name, title, about, view, "bar_stacked", columns | {"x": x, "y": y}, ["y"], query)


def curves(name: str, title: str, about: str, view: str, x: Json, ys: dict[str, Json], *, query: str = "") -> Chart:
    """One line for each of `ys` along `x`."""
    return _along(name, title, about, view, "line", {"x": x, **ys}, list(ys), query)


def _along(name: str, title: str, about: str, view: str, series: str, columns: dict[str, Json], ys: list[str], query: str) -> Chart:
    layer: Json = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": series,
        "xAccessor": "x",
        "accessors": ys,
        "position": "top",
        "showGridlines": False,
    }
    if "split" in columns:
        layer["splitAccessor"] = "split"
    visualization = {
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": True, "yRight": True},
        "tickLabelsVisibilitySettings": {"x": True, "yLeft": True, "yRight": True},
        "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        "gridlinesVisibilitySettings": {"x": True, "yLeft": True, "yRight": True},
        "preferredSeriesType": series,
        "layers": [layer],
    }
    return Chart(name, title, about, view, "lnsXY", visualization, columns, query)


def table(
    name: str, title: str, about: str, view: str, columns: dict[str, Json], *, by: str, rising: bool = False, query: str = ""
) -> Chart:
    """Rows, sorted by column `by`; further ones on further pages."""
    visualization = {
        "layerId": LAYER,
        "layerType": "data",
        "rowHeight": "single",
        "rowHeightLines": 1,
        "columns": [
            {"columnId": column, "isTransposed": False} if item["isBucketed"] else {"columnId": column} for column, item in columns.items()
        ],
        "sorting": {"columnId": by, "direction": "asc" if rising else "desc"},
        "paging": {"size": 10, "enabled": True},
    }
    return Chart(name, title, about, view, "lnsDatatable", visualization, columns, query)


def number(name: str, title: str, about: str, view: str, column: Json, *, color: str = "#6092c0", query: str = "") -> Chart:
    """One number, large."""
    visualization = {"layerId": LAYER, "layerType": "data", "metricAccessor": "n", "color": color}
    return Chart(name, title, about, view, "lnsMetric", visualization, {"n": column}, query)


def heatmap(name: str, title: str, about: str, view: str, x: Json, y: Json, n: Json, *, query: str = "") -> Chart:
    """`n` in the cells of `x` by `y`."""
    visualization = {
        "shape": "heatmap",
        "layerId": LAYER,
        "layerType": "data",
        "xAccessor": "x",
        "yAccessor": "y",
        "valueAccessor": "n",
        "legend": {"isVisible": True, "position": "right", "type": "heatmap_legend"},
        "gridConfig": {
            "type": "heatmap_grid",
            "isCellLabelVisible": False,
            "isYAxisLabelVisible": True,
            "isXAxisLabelVisible": True,
            "isYAxisTitleVisible": False,
            "isXAxisTitleVisible": False,
        },
    }
    return Chart(name, title, about, view, "lnsHeatmap", visualization, {"x": x, "y": y, "n": n}, query)


def cloud(name: str, title: str, about: str, view: str, words: Json, n: Json, *, query: str = "") -> Chart:
    """Words as large as they are frequent."""
    visualization = {
        "layerId": LAYER,
        "layerType": "data",
        "tagAccessor": "words",
        "valueAccessor": "n",
        "maxFontSize": 60,
        "minFontSize": 14,
        "orientation": "single",
        "showLabel": False,
    }
    return Chart(name, title, about, view, "lnsTagcloud", visualization, {"words": words, "n": n}, query)


def lens(prefix: str, chart: Chart) -> Json:
    """The saved object of a chart."""
    layer = {"columnOrder": list(chart.columns), "columns": chart.columns, "incompleteColumns": {}, "sampling": 1}
    state = {
        "visualization": chart.visualization,
        "query": kql(chart.query),
        "filters": [],
        "datasourceStates": {"formBased": {"layers": {LAYER: layer}}, "textBased": {"layers": {}}, "indexpattern": {"layers": {}}},
        "internalReferences": [],
        "adHocDataViews": {},
    }
    attributes = {"title": titled(chart.title), "description": chart.about, "visualizationType": chart.drawing, "state": state}
    view = reference(f"indexpattern-datasource-layer-{LAYER}", "index-pattern", data_view_id(prefix, chart.view))
    return saved_object("lens", object_id(prefix, "lens", chart.name), attributes, [view, tagged(prefix)])
