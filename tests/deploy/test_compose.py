"""deploy/compose.yaml without Docker: what it runs exists, what it sets is known, nothing is open, nothing is shared that must not be."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from deploy import credentials
from deploy.checks.composition import COMPOSE, OURS, ROOT, Service, fill_in, raw, services, variables_of
from producers.sample.site import sources
from sinks.elasticsearch.client import ROLES
from tocsin.cli import COMMANDS, cli
from tocsin.settings import describe
from tocsin.topics import STAGES

ALL = services()
BY_NAME = pytest.mark.parametrize("service", ALL.values(), ids=ALL)
OF_OURS = pytest.mark.parametrize("service", [service for service in ALL.values() if service.ours], ids=lambda service: service.name)
TEXT = COMPOSE.read_text(encoding="utf-8")
GUIDE = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
OF_THE_OPERATOR = ("deploy/tocsin.env", "deploy/compose.override.yaml")
SCALED = ("fetch", "worker", "alerts", "ledger", "sink")


def _schema() -> Any:
    """The compose specification's, which the package check-jsonschema carries; its program is not needed, so it is not imported."""
    found = find_spec("check_jsonschema")
    assert found is not None
    (folder,) = found.submodule_search_locations or ()
    return json.loads((Path(folder) / "builtin_schemas" / "vendor" / "compose-spec.json").read_text(encoding="utf-8"))


def test_the_file_is_a_composition_by_the_specification_s_own_schema() -> None:
    jsonschema.validators.validator_for(_schema())(_schema()).validate(raw())


def test_the_schema_refuses_what_it_does_not_know() -> None:
    broken = raw()
    broken["services"]["fetch"]["replica"] = 3
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.validators.validator_for(_schema())(_schema()).validate(broken)


@OF_OURS
def test_every_command_exists_with_its_options(service: Service) -> None:
    first, *rest = service.words
    if first == "python":
        script = rest[-1] if rest[0] == "-I" else ""
        words = [word for word in rest if word.startswith("/opt/tocsin/")] or [script]
        module = rest[1] if rest[0] == "-m" else ""
        assert module == "producers.sample" or (ROOT / "deploy" / "image" / Path(words[0]).name).exists()
        return
    assert first == "tocsin"
    if service.name == "tocsin":  # whatever follows `docker compose run tocsin`
        assert not rest
        return
    _parses(rest)


def _parses(words: list[str]) -> None:
    """Let click read a command line without running it."""
    command: click.Command = cli
    context = click.Context(cli, info_name="tocsin")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    assert not isinstance(command, click.Group) or command.invoke_without_command
    command.make_parser(context).parse_args(list(words))
    command.make_context("tocsin", list(words), resilient_parsing=False)


@OF_OURS
def test_every_variable_is_a_setting_and_its_value_fits(service: Service) -> None:
    known = {name for name, *_ in describe()}
    for variable in service.environment:
        name = variable.removeprefix("TOCSIN_").lower()
        assert variable.startswith("TOCSIN_")
        assert name in known or name.removesuffix("_file") in known, variable


@OF_OURS
def test_no_secret_stands_in_the_environment_and_every_file_named_there_is_given(service: Service) -> None:
    for variable, value in service.environment.items():
        assert not variable.endswith("PASSWORD")
        if "/run/secrets/" in value:
            assert value in service.secrets.values(), f"{variable} names a secret that {service.name} does not see"


def test_sample_settings_are_settings_too() -> None:
    known = {name for name, *_ in describe()}
    given = dict(line.split("=", 1) for line in (COMPOSE.parent / "sample.env").read_text("utf-8").splitlines() if line and line[0] != "#")
    assert {name.removeprefix("TOCSIN_").lower() for name in given if name.startswith("TOCSIN_")} <= known
    assert {name for name in given if not name.startswith("TOCSIN_")} <= variables_of(TEXT) | {"COMPOSE_PROFILES"}
    assert given["SETTINGS_FILE"] == "sample.env", "the services read it as well"
    sample = services(given)["sample"]
    port = int(sample.words[-1])
    assert given["TOCSIN_ALLOW_PRIVATE"] == f"sample:{port},sample:{port + 1}"
    assert sample.spec["hostname"] == "sample"
    assert yaml.safe_load((COMPOSE.parent / "sample" / "sources.yaml").read_text("utf-8")) == yaml.safe_load(
        sources(f"http://sample:{port}")
    )
    assert (COMPOSE.parent / given["SOURCES_FILE"]).exists()


def test_every_setting_can_be_given_to_the_services_by_one_file() -> None:
    for service in ALL.values():
        if service.ours:
            assert service.spec["env_file"] == [{"path": "tocsin.env", "required": False}], service.name


def test_every_variable_of_the_composition_is_documented_and_the_other_way_round() -> None:
    used = variables_of(re.sub(r"(?m)#.*$", "", TEXT)) | {"PIP_INDEX_URL"}
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", GUIDE, re.MULTILINE))
    assert used == documented


def test_the_guide_names_the_defaults_of_the_variables() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))
    for name, shown in re.findall(r"^\| `([A-Z_]+)` \| `([^`]*)` \|", GUIDE, re.MULTILINE):
        assert defaults[name] == shown


def test_every_link_of_the_guide_leads_somewhere() -> None:
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in GUIDE.splitlines() if line[:1] == "#"}
    for path, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", GUIDE)):
        assert not path or (ROOT / "deploy" / path).exists(), path
        assert path or anchor in headings, anchor


def test_every_file_and_command_of_tocsin_named_in_the_guide_exists() -> None:
    assert set(re.findall(r"(?:compose|tools?) run --rm tocsin ([a-z-]+)", GUIDE)) <= set(COMMANDS)
    assert set(re.findall(r"`tocsin ([a-z-]+)", GUIDE)) <= set(COMMANDS)
    for name in re.findall(r"deploy/[\w./-]+\.(?:yaml|yml|env|py|sh)\b", GUIDE):
        assert (ROOT / name).exists() or name in OF_THE_OPERATOR, name


@BY_NAME
def test_what_is_mounted_exists_and_only_named_volumes_and_files_of_ours_are(service: Service) -> None:
    for outside, inside in service.mounts:
        assert inside.startswith("/")
        if outside.startswith("."):
            ignored = outside == "./channels"  # the operator's own
            assert ignored or (COMPOSE.parent / outside).resolve().exists()
        elif outside:
            assert outside in raw()["volumes"]


def test_every_secret_is_made_by_the_one_command_and_seen_by_somebody(tmp_path: Path) -> None:
    made = set(credentials.make(tmp_path))
    listed = raw()["secrets"]
    assert {Path(entry["file"]).name for entry in listed.values()} <= made
    assert {Path(entry["file"]).parent.name for entry in listed.values()} == {credentials.FOLDER.name}
    seen = {name for service in ALL.values() for name in service.secrets}
    assert seen == set(listed)
    assert "ca.key" not in listed


@BY_NAME
def test_published_ports_are_on_loopback_and_scaled_services_have_none(service: Service) -> None:
    for port in service.spec.get("ports", []):
        assert str(port).startswith("127.0.0.1:")
    assert "container_name" not in service.spec
    assert "network_mode" not in service.spec
    assert not service.spec.get("privileged")
    if service.ours:
        assert not service.spec.get("ports")
    if service.name in SCALED:
        assert "hostname" not in service.spec
        assert "TOCSIN_NODE" not in service.environment, "its node is its container's host name"


def test_only_fetchers_and_notifiers_have_a_way_out() -> None:
    assert raw()["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in ALL.items() if set(service.spec["networks"]) != {"inside"}}
    assert outside == {"fetch", "notify", "kibana", "prometheus"}
    assert {name for name in outside if "web" in ALL[name].spec["networks"]} == {"fetch", "notify"}


@BY_NAME
def test_every_container_is_bound(service: Service) -> None:
    assert service.spec["cap_drop"] == ["ALL"]
    assert service.spec["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", str(service.spec["mem_limit"]))
    assert service.spec["logging"]["options"]["max-size"]
    if service.ours:
        assert service.spec["read_only"] is True
        assert service.spec["init"] is True
        assert [entry.partition(":")[0] for entry in service.spec["tmpfs"]] == ["/tmp"]  # noqa: S108 - of the container


def test_replicas_share_no_volume_but_that_of_the_archive_where_each_has_its_folder() -> None:
    owners: dict[str, set[str]] = {}
    for service in ALL.values():
        for outside, inside in service.mounts:
            if outside and not outside.startswith("."):
                owners.setdefault(outside, set()).add(service.name)
            elif not outside:
                assert inside == "/var/lib/tocsin"
    assert {name: users for name, users in owners.items() if len(users) > 1} == {"archive": {"fetch", "tocsin"}}
    named = {name for name, users in owners.items() if users & set(SCALED)}
    assert named == {"archive"}


def test_every_stage_has_a_service_and_every_job_somebody_who_waits_for_its_end() -> None:
    assert {service.words[-1] for service in ALL.values() if service.words[:2] == ["tocsin", "worker"]} == set(STAGES)
    for job in (service for service in ALL.values() if service.is_job and not service.spec.get("profiles")):
        waiting = [name for name, other in ALL.items() if other.spec.get("depends_on", {}).get(job.name)]
        assert waiting, f"`up --wait` would fail on {job.name}"
        assert {ALL[name].spec["depends_on"][job.name]["condition"] for name in waiting} == {"service_completed_successfully"}


@BY_NAME
def test_what_a_service_depends_on_exists_and_has_what_it_waits_for(service: Service) -> None:
    for name, wanted in service.spec.get("depends_on", {}).items():
        other = ALL[name]
        if wanted["condition"] == "service_healthy":
            assert other.ours or other.spec["healthcheck"]["test"]
        if other.spec.get("profiles"):
            assert wanted["required"] is False


def test_the_image_is_built_once_and_everything_of_others_is_pinned() -> None:
    assert [name for name, service in ALL.items() if "build" in service.spec] == ["preflight"]
    for service in raw()["services"].values():
        image = fill_in(service["image"], {})
        assert service["image"] == OURS or re.search(r":v?\d+\.\d+\.\d+$", image), image
    build = ALL["preflight"].spec["build"]
    assert (COMPOSE.parent / build["context"] / build["dockerfile"]).exists()
    assert fill_in(build["args"]["BASE_IMAGE"], {}) in (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def test_users_of_elasticsearch_have_roles_that_exist() -> None:
    own = set(yaml.safe_load((ROOT / ROLES).read_text(encoding="utf-8")))
    shipped = {"superuser", "kibana_system", "kibana_admin", "viewer"}
    assert {role for roles in credentials.ROLES.values() for role in roles} <= own | shipped
    assert own <= {role for roles in credentials.ROLES.values() for role in roles}
    users = {service.environment.get("TOCSIN_ELASTICSEARCH_USER") for service in ALL.values()} - {None}
    assert users == {"tocsin-setup", "tocsin-sink", "tocsin-reader"}


@pytest.mark.parametrize(
    ("text", "given", "filled"),
    [
        ("${A:-one}", {}, "one"),
        ("${A:-one}", {"A": ""}, "one"),
        ("${A-one}", {"A": ""}, ""),
        ("x${A}y$B", {"A": "1", "B": "2"}, "x1y2"),
        (["${A:-}"], {}, [""]),
        ({"k": 3}, {}, {"k": 3}),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: Any, given: dict[str, str], filled: Any) -> None:
    assert fill_in(text, given) == filled
