"""The mapping that `tocsin setup elasticsearch` makes, as the linter asks for it."""

from deploy.kibana.lint import Fields, fields_of, lint
from deploy.kibana.objects import Json, data_view_id
from sinks.elasticsearch import mapping


def shipped(prefix: str = "tocsin") -> dict[str, Fields]:
    """Fields of every kind, by the title of its data view. The poorest cluster counts: without language analyzers."""
    kinds = mapping.indices().kinds
    return {data_view_id(prefix, kind): fields_of(mapping.mapping_of(kind, mapping.Features(), 1)) for kind in kinds}


def faults(objects: list[Json], prefix: str = "tocsin") -> list[str]:
    """Faults of saved objects against the shipped mapping."""
    return lint(objects, shipped(prefix))
