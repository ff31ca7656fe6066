"""What Kibana asks Elasticsearch for a panel, made from its saved object: the aggregation behind a chart, a map's grid, a list of values.

Not Kibana's own code: the same aggregations over the same fields, in the order in which Lens nests them. That proves the fields and the
figures, not the drawing.
"""

import json
import re
from typing import Any

Json = dict[str, Any]
_TOKEN = re.compile(r'\s*("(?:[^"]*)"|\(|\)|>=|<=|>|<|:|[^\s():<>"]+)')


# --- KQL ---


def kql(text: str) -> Json:
    """A query of the part of KQL that the dashboards use: and, or, not, parentheses, field: value, lists of values, comparisons."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return {"match_all": {}}
    found, rest = _either(tokens)
    assert rest == [], f"not understood: {rest} in {text!r}"
    return found


def _either(tokens: list[str]) -> tuple[Json, list[str]]:
    found, tokens = _both(tokens)
    should = [found]
    while tokens[:1] == ["or"]:
        found, tokens = _both(tokens[1:])
        should.append(found)
    return (should[0] if len(should) == 1 else {"bool": {"should": should, "minimum_should_match": 1}}), tokens


def _both(tokens: list[str]) -> tuple[Json, list[str]]:
    found, tokens = _one(tokens)
    every = [found]
    while tokens[:1] == ["and"]:
        found, tokens = _one(tokens[1:])
        every.append(found)
    return (every[0] if len(every) == 1 else {"bool": {"filter": every}}), tokens


def _one(tokens: list[str]) -> tuple[Json, list[str]]:
    if tokens[0] == "not":
        found, tokens = _one(tokens[1:])
        return {"bool": {"must_not": [found]}}, tokens
    if tokens[0] == "(":
        found, tokens = _either(tokens[1:])
        return found, _closed(tokens)
    field, operator, value, *tokens = tokens
    if operator in (">", ">=", "<", "<="):
        name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[operator]
        return {"range": {field: {name: value.strip('"') if value.startswith('"') else float(value)}}}, tokens
    assert operator == ":"
    if value == "*":
        return {"exists": {"field": field}}, tokens
    if value == "(":
        values = [tokens[0]]
        while tokens[1] == "or":
            tokens = tokens[2:]
            values.append(tokens[0])
        return {"terms": {field: [one.strip('"') for one in values]}}, _closed(tokens[1:])
    return {"match_phrase" if value.startswith('"') else "match": {field: value.strip('"')}}, tokens


def _closed(tokens: list[str]) -> list[str]:
    assert tokens[0] == ")"
    return tokens[1:]


# --- charts ---


def within(since: str) -> Json:
    """The range of a dashboard or panel ("now-14d") as a filter."""
    return {"range": {"@timestamp": {"gte": since, "lte": "now"}}}


def of_chart(chart: Json, since: str, filters: list[Json]) -> Json:
    """The search behind a Lens chart: groups within groups, and in the innermost the numbers; a column's filter is a group of its own."""
    state = chart["attributes"]["state"]
    (layer,) = state["datasourceStates"]["formBased"]["layers"].values()
    columns = layer["columns"]
    inner = {name: _metric(column) for name, column in columns.items() if not column["isBucketed"]}
    inner = {name: asked for name, asked in inner.items() if asked is not None}
    for name in reversed(layer["columnOrder"]):
        if columns[name]["isBucketed"]:
            inner = {name: _bucket(columns[name], columns) | ({"aggs": inner} if inner else {})}
    asked = [kql(state["query"]["query"]), *filters, within(since)]
    return {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": asked}}, "aggs": inner}


def _bucket(column: Json, columns: Json) -> Json:
    if column["operationType"] == "date_histogram":
        return {
            "date_histogram": {"field": column["sourceField"], "fixed_interval": "1d", "time_zone": "Africa/Khartoum", "min_doc_count": 1}
        }
    order, by = column["params"]["orderBy"]["columnId"], column["params"]["orderDirection"]
    asked = columns[order]
    plain = asked["operationType"] == "count" and asked["sourceField"] == "___records___"
    target = "_count" if plain else f"{order}.{asked['params']['percentile']}" if asked["operationType"] == "percentile" else order
    target = f"{order}.50" if asked["operationType"] == "median" else target
    return {"terms": {"field": column["sourceField"], "size": column["params"]["size"], "order": {target: by}}}


def _metric(column: Json) -> Json | None:
    field, operation = column["sourceField"], column["operationType"]
    body: Json | None = {
        "count": None if field == "___records___" else {"value_count": {"field": field}},
        "unique_count": {"cardinality": {"field": field}},
        "sum": {"sum": {"field": field}},
        "average": {"avg": {"field": field}},
        "min": {"min": {"field": field}},
        "max": {"max": {"field": field}},
        "median": {"percentiles": {"field": field, "percents": [50]}},
        "percentile": {"percentiles": {"field": field, "percents": [column["params"].get("percentile")]}},
    }[operation]
    if "filter" not in column:
        return body
    return {"filter": kql(column["filter"]["query"])} | ({"aggs": {"value": body}} if body else {})


# --- maps, searches, controls ---


def of_layers(made: Json, ranges: list[Json]) -> list[Json]:
    """The searches behind a map's layers: a grid with the middle of each cell, and documents within what is seen."""
    found = []
    for layer in json.loads(made["attributes"]["layerListJSON"]):
        source = layer["sourceDescriptor"]
        query = {
            "bool": {"filter": [kql(layer.get("query", {}).get("query", "")), {"exists": {"field": source.get("geoField", "")}}, *ranges]}
        }
        if source["type"] == "ES_GEO_GRID":
            grid = {"geotile_grid": {"field": source["geoField"], "precision": 5, "size": 65_535}}
            middle = {"aggs": {"middle": {"geo_centroid": {"field": source["geoField"]}}}}
            found.append({"size": 0, "query": query, "aggs": {"cells": grid | middle}})
        elif source["type"] == "ES_SEARCH":
            seen = {"geo_bounding_box": {source["geoField"]: {"top_left": [-180, 89], "bottom_right": [180, -89]}}}
            query["bool"]["filter"].append(seen)
            names = [{"field": name} for name in (*source["tooltipProperties"], source["geoField"])]
            found.append({"size": 100, "query": query, "fields": names, "sort": [{source["sortField"]: source["sortOrder"]}]})
    return found


def of_search(made: Json, words: str, ranges: list[Json]) -> Json:
    """What Discover asks: the newest rows, with the words marked."""
    source = json.loads(made["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    marked = {
        "pre_tags": ["@kibana-highlighted-field@"],
        "post_tags": ["@/kibana-highlighted-field@"],
        "fields": {"*": {}},
        "fragment_size": 2**31 - 1,
    }
    asked: list[Json] = [kql(source["query"]["query"]), *ranges]
    if words:
        asked.append({"multi_match": {"type": "best_fields", "query": words, "lenient": True}})
    sort = [{name: {"order": direction, "unmapped_type": "boolean"}} for name, direction in made["attributes"]["sort"]]
    return {"size": 50, "query": {"bool": {"filter": asked}}, "fields": [{"field": "*"}], "sort": sort, "highlight": marked}


def of_control(field: str, begins: str, ranges: list[Json]) -> Json:
    """What a list of values asks while somebody types."""
    found: Json = {"terms": {"field": field, "size": 10, "order": {"_count": "desc"}}}
    if begins:
        found["terms"]["include"] = f"{begins}.*"
    return {"size": 0, "query": {"bool": {"filter": ranges}}, "aggs": {"values": found, "many": {"cardinality": {"field": field}}}}
