"""Setting up a cluster: templates, first indices, aliases, lifecycle. Safe on every deploy: what is there already is left alone.

A change of mappings is a new generation: raise the setting index_generation, run this (it makes the new templates and indices beside the
old, which readers still see), replay, then let `swap` move the aliases. A generation is never taken back.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from sinks.elasticsearch import mapping, names
from sinks.elasticsearch.client import ClusterError, explaining
from tocsin import clock
from tocsin.records import Record
from tocsin.settings import Settings


class Step(Record, frozen=True, kw_only=True):
    """One thing that was done, or would be."""

    what: str  # template, guard, lifecycle, index, alias
    name: str
    done: str  # made, changed, kept
    detail: str = ""


def features(client: Elasticsearch) -> mapping.Features:
    """What the nodes of a cluster have beyond the core: only what all have counts."""
    nodes = client.nodes.info(metric="plugins").body["nodes"].values()
    modules = [{module["name"] for module in (*node.get("modules", ()), *node.get("plugins", ()))} for node in nodes]
    return mapping.Features(
        languages=all("analysis-common" in found for found in modules), lifecycle=all("x-pack-ilm" in found for found in modules)
    )


def live_generation(client: Elasticsearch, settings: Settings, kind: str) -> int | None:
    """The generation that readers of a kind see; None when there is none yet."""
    try:
        found = client.indices.get_alias(name=names.alias(settings, kind)).body
    except NotFoundError:
        return None
    generations = [number for index in found if (number := names.generation_of(settings, kind, index))]
    return max(generations, default=None)


def setup(client: Elasticsearch, settings: Settings, *, dry_run: bool = False) -> list[Step]:
    """Make what is missing; return every step. Raises ClusterError rather than going back or writing over newer mappings."""
    with explaining(settings):
        can = features(client)
        steps: list[Step] = []

        def do(step: Step, action: Callable[[], Any]) -> None:
            if step.done != "kept" and not dry_run:
                action()
            steps.append(step)

        if can.lifecycle:
            _lifecycle(client, settings, do)
        name, body = f"{settings.prefix}-guard", mapping.guard(settings)
        _template(client, name, body, "guard", do)
        for kind in mapping.indices().kinds:
            live = live_generation(client, settings, kind)
            if live is not None and live > settings.index_generation:
                advice = f"set index_generation to {live}"
                raise ClusterError(f"readers see generation {live} of {names.alias(settings, kind)}; there is no way back: {advice}")
            _refuse_other_mappings(client, settings, kind)
            _new_fields(client, settings, kind, can, do)
            is_live = live in (None, settings.index_generation)
            _template(client, names.base(settings, kind), mapping.template(settings, kind, can, live=is_live), "template", do)
            _index(client, settings, kind, do)
        return steps


def _lifecycle(client: Elasticsearch, settings: Settings, do: Callable[[Step, Callable[[], Any]], None]) -> None:
    name, policy = mapping.policy_name(settings), mapping.indices().lifecycle
    try:
        client.ilm.get_lifecycle(name=name)
        do(Step(what="lifecycle", name=name, done="kept", detail="yours to change: add a delete phase to forget old months"), lambda: None)
    except NotFoundError:
        do(Step(what="lifecycle", name=name, done="made"), lambda: client.ilm.put_lifecycle(name=name, policy=policy))


def _template(client: Elasticsearch, name: str, body: dict[str, Any], what: str, do: Callable[[Step, Callable[[], Any]], None]) -> None:
    before = _template_there(client, name)
    if before is not None and before["_meta"].get("tocsin", {}).get("mapping", 0) > mapping.indices().mapping:
        raise ClusterError(f"template {name} was made by a newer Tocsin: upgrade this one")
    same = before is not None and _says(before, body)
    done = "kept" if same else "made" if before is None else "changed"
    do(Step(what=what, name=name, done=done), lambda: client.indices.put_index_template(name=name, **_arguments(body)))


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    arguments = dict(body)
    arguments["meta"] = arguments.pop("_meta")
    return arguments


def _template_there(client: Elasticsearch, name: str) -> dict[str, Any] | None:
    try:
        found = client.indices.get_index_template(name=name).body["index_templates"]
    except NotFoundError:
        return None
    template: dict[str, Any] = found[0]["index_template"]
    return {"_meta": {}, **template}


def _says(there: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Does a template say what is wanted? Elasticsearch gives numbers in settings back as text, and defaults besides."""
    flat = _flat(there)
    return all(flat.get(path) == value for path, value in _flat(wanted).items()) and _aliases(there) == _aliases(wanted)


def _aliases(template: dict[str, Any]) -> list[str]:
    return sorted(template.get("template", {}).get("aliases", {}))


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        return {key: text for name, inner in value.items() for key, text in _flat(inner, f"{path}.{name}").items()}
    if isinstance(value, list):
        return {key: text for number, inner in enumerate(value) for key, text in _flat(inner, f"{path}.{number}").items()}
    return {path: str(value).lower() if isinstance(value, bool) else str(value)}


def _refuse_other_mappings(client: Elasticsearch, settings: Settings, kind: str) -> None:
    """Indices of this generation must have this version's mapping: an index cannot change its mapping in place."""
    for index, version in mappings_there(client, settings, kind).items():
        if version > mapping.indices().mapping:
            raise ClusterError(f"{index} was made by a newer Tocsin (mapping {version}): upgrade this one")
        if version < mapping.indices().mapping:
            advice = f"set index_generation to {settings.index_generation + 1}, run this again, then `tocsin replay`"
            raise ClusterError(f"{index} has mapping {version}, this Tocsin writes {mapping.indices().mapping}: {advice}")


def _new_fields(
    client: Elasticsearch, settings: Settings, kind: str, can: mapping.Features, do: Callable[[Step, Callable[[], Any]], None]
) -> None:
    """A field that is new in the file joins the indices that are there: that needs no new generation."""
    wanted = mapping.mapping_of(kind, can, settings.index_generation)["properties"]
    for index in mappings_there(client, settings, kind):
        lacking = missing_fields(client.indices.get_mapping(index=index).body[index]["mappings"], kind)
        if lacking:
            step = Step(what="mapping", name=index, done="changed", detail=f"new: {', '.join(lacking)}")
            do(step, partial(client.indices.put_mapping, index=index, properties={name: wanted[name] for name in lacking}))


def missing_fields(there: dict[str, Any], kind: str) -> list[str]:
    """Fields of a kind that an index's mapping lacks."""
    known = there.get("properties", {})
    return [
        name
        for name, meaning in mapping.indices().kinds[kind].properties.items()
        if name not in known or (isinstance(meaning, dict) and not set(meaning) <= set(known[name].get("properties", {})))
    ]


def mappings_there(client: Elasticsearch, settings: Settings, kind: str) -> dict[str, int]:
    """Mapping version of every index of a kind in this generation; 0: not ours."""
    pattern = names.base(settings, kind) + ("-*" if mapping.indices().kinds[kind].monthly else "")
    found = client.indices.get_mapping(index=pattern, ignore_unavailable=True, allow_no_indices=True).body
    return {
        index: int(body["mappings"].get("_meta", {}).get("tocsin", {}).get("mapping", 0))
        for index, body in found.items()
        if names.generation_of(settings, kind, index) == settings.index_generation
    }


def _index(client: Elasticsearch, settings: Settings, kind: str, do: Callable[[Step, Callable[[], Any]], None]) -> None:
    """The index of now, so that readers find an alias before the first article is in."""
    name = mapping.index_names(settings, kind, clock.now())
    there = bool(client.indices.exists(index=name))
    do(Step(what="index", name=name, done="kept" if there else "made"), lambda: client.indices.create(index=name))


def swap(client: Elasticsearch, settings: Settings) -> list[Step]:
    """Let readers see this generation: all aliases at once, after a replay has filled it. Idempotent; never goes back."""
    with explaining(settings):
        can, steps, actions = features(client), list[Step](), list[dict[str, Any]]()
        for kind in mapping.indices().kinds:
            live = live_generation(client, settings, kind)
            if live is not None and live > settings.index_generation:
                raise ClusterError(f"readers see generation {live} of {names.alias(settings, kind)} already: there is no way back")
            indices = mappings_there(client, settings, kind)
            if not indices:
                raise ClusterError(f"no index of generation {settings.index_generation} of {kind}: run `tocsin setup elasticsearch` first")
            # The template first: a month that begins meanwhile must be seen too.
            name = names.base(settings, kind)
            body = mapping.template(settings, kind, can, live=True)
            client.indices.put_index_template(name=name, **_arguments(body))
            alias = names.alias(settings, kind)
            actions += [{"add": {"index": index, "alias": alias}} for index in indices]
            if live is not None and live < settings.index_generation:
                seen = client.indices.get_alias(name=alias).body
                actions += [{"remove": {"index": index, "alias": alias}} for index in seen if index not in indices]
                _retire(client, names.base(settings, kind, live))
            done = "kept" if live == settings.index_generation else "changed"
            steps.append(Step(what="alias", name=alias, done=done, detail=f"generation {live} -> {settings.index_generation}"))
        client.indices.update_aliases(actions=actions)
        return steps


def _retire(client: Elasticsearch, name: str) -> None:
    """Months that an older generation's sink may still begin are not seen by readers."""
    template = _template_there(client, name)
    if template is not None and template.get("template", {}).pop("aliases", None) is not None:
        template.pop("created_date", None)
        client.indices.put_index_template(name=name, **_arguments(_known_keys(template)))


def _known_keys(template: dict[str, Any]) -> dict[str, Any]:
    return {key: template[key] for key in ("index_patterns", "priority", "allow_auto_create", "template", "_meta") if key in template}
