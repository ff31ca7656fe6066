"""The small pieces of Kibana's saved objects: the envelope, references, data views, saved searches, the tag. Pure; Kibana 8.12 and later.

Saved objects carry much of themselves as JSON inside JSON text. The shapes are those that a Kibana 8.12 imported and drew; the type
versions in the envelope tell a later Kibana which of its migrations to run, which is how it takes them in 9.x.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]

CORE_VERSION = "8.8.0"
TYPE_VERSIONS = {"index-pattern": "8.0.0", "tag": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "map": "8.4.0", "dashboard": "8.9.0"}
"""The version whose shape is written, of each type. Without it an import takes the object for one of Kibana 7 and converts it wrongly."""
MARK = "[Tocsin]"
"""First word of every title: the library of a shared Kibana holds other people's objects too."""


class View(NamedTuple):
    """A data view: one kind of index as Kibana sees it."""

    kind: str  # of sinks/elasticsearch/indices.yaml
    time: str = "@timestamp"
    links: tuple[str, ...] = ()  # fields that are addresses
    percents: tuple[str, ...] = ()  # fields of 0 to 1


class Search(NamedTuple):
    """A saved search: rows of documents, newest first, with the words of a query marked."""

    name: str
    title: str
    about: str
    view: str
    columns: tuple[str, ...]
    breakdown: str = ""  # field that colours the chart above the rows
    query: str = ""  # KQL
    widths: tuple[tuple[str, int], ...] = ()  # of columns, in pixels
    lines: int = 3  # of a row


def packed(value: Any) -> str:
    """JSON as text inside an object: the same for the same value, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def data_view_id(prefix: str, kind: str) -> str:
    """Id of the data view of a kind; also the name of the alias it looks at."""
    return f"{prefix}-{kind}"


def tag_id(prefix: str) -> str:
    """Id of the tag on every object of ours."""
    return f"{prefix}-tag"


def object_id(prefix: str, kind: str, name: str) -> str:
    """Id of a saved object. Ids are what links, bookmarks and a second import go by: they never change."""
    return f"{prefix}-{kind}-{name}"


def titled(title: str) -> str:
    """The title as it stands in Kibana's library."""
    return f"{MARK} {title}"


def reference(name: str, kind: str, target: str) -> Json:
    """How an object points to another: the body uses `name`, the import rewrites `target`."""
    return {"type": kind, "id": target, "name": name}


def tagged(prefix: str) -> Json:
    """The reference to our tag."""
    return reference(f"tag-{tag_id(prefix)}", "tag", tag_id(prefix))


def saved_object(kind: str, target: str, attributes: Json, references: Iterable[Json] = ()) -> Json:
    """The envelope: a line of the file."""
    return {
        "type": kind,
        "id": target,
        "attributes": attributes,
        "references": list(references),
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": TYPE_VERSIONS[kind],
        "managed": False,
    }


def kql(query: str) -> Json:
    """A query in Kibana's language."""
    return {"query": query, "language": "kuery"}


def data_view(prefix: str, view: View) -> Json:
    """A data view over the read alias of a kind. It names no field: Kibana asks the index."""
    formats: Json = {field: {"id": "url", "params": {"labelTemplate": "open"}} for field in view.links}
    formats |= {field: {"id": "percent", "params": {"pattern": "0%"}} for field in view.percents}
    attributes = {
        "title": data_view_id(prefix, view.kind),
        "name": f"{MARK} {view.kind}",
        "timeFieldName": view.time,
        "sourceFilters": "[]",
        "fields": "[]",
        "fieldAttrs": "{}",
        "runtimeFieldMap": "{}",
        "fieldFormatMap": packed(formats),
    }
    return saved_object("index-pattern", data_view_id(prefix, view.kind), attributes)


def tag(prefix: str) -> Json:
    """By which all of ours are found in the library."""
    attributes = {"name": prefix, "description": "Made by `tocsin setup kibana`; imported anew with every upgrade", "color": "#0077cc"}
    return saved_object("tag", tag_id(prefix), attributes)


def search(prefix: str, made: Search) -> Json:
    """A saved search, for Discover and for panels."""
    index = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"highlightAll": True, "version": True, "query": kql(made.query), "filter": [], "indexRefName": index}
    attributes: Json = {
        "title": titled(made.title),
        "description": made.about,
        "columns": list(made.columns),
        "sort": [["@timestamp", "desc"]],
        "grid": {"columns": {column: {"width": width} for column, width in made.widths}},
        "rowHeight": made.lines,
        "hideChart": not made.breakdown,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": packed(source)},
    }
    if made.breakdown:
        attributes["breakdownField"] = made.breakdown
    references = [reference(index, "index-pattern", data_view_id(prefix, made.view)), tagged(prefix)]
    return saved_object("search", object_id(prefix, "search", made.name), attributes, references)


def lines(objects: Sequence[Json]) -> str:
    """The file that Kibana imports: one object a line."""
    return "".join(packed(one) + "\n" for one in objects)
