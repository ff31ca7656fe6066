"""Kibana's saved objects: data views, saved searches, a map, and six dashboards, generated from what deploy/kibana/content.py says.

    python -m deploy.kibana tocsin.ndjson     # the file, for the import of Kibana's own pages
    tocsin setup kibana                       # makes and imports it

Whatever is made here is held against the shipped mapping by deploy/kibana/lint.py: Kibana itself imports broken objects without a word.
"""

from deploy.kibana import objects
from deploy.kibana.boards import dashboard, saved_id
from deploy.kibana.charts import Chart, lens
from deploy.kibana.content import DASHBOARDS, VIEWS
from deploy.kibana.maps import Map, saved_map
from deploy.kibana.objects import Json, Search


def saved_objects(prefix: str = "tocsin") -> list[Json]:
    """Everything, in an order in which each object stands behind those it points to. `prefix`: as the setting; part of every id."""
    panels = {saved_id(prefix, panel.what): panel.what for board in DASHBOARDS for row in board.rows for panel in row.panels}
    made = [objects.data_view(prefix, view) for view in VIEWS]
    made.append(objects.tag(prefix))
    made += [_saved(prefix, what) for what in panels.values()]
    return [*made, *(dashboard(prefix, board) for board in DASHBOARDS)]


def ndjson(prefix: str = "tocsin") -> str:
    """The file that Kibana imports; the same bytes for the same prefix."""
    return objects.lines(saved_objects(prefix))


def _saved(prefix: str, what: Chart | Map | Search) -> Json:
    if isinstance(what, Chart):
        return lens(prefix, what)
    return saved_map(prefix, what) if isinstance(what, Map) else objects.search(prefix, what)
