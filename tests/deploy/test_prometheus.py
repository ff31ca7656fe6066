"""What Prometheus asks and when it rings: it reads the files, every metric exists, every alarm says what to do."""

import re
import shutil
import subprocess
from typing import Any, get_args

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.checks.composition import ROOT, services
from sinks.latency import Way
from tocsin.health import Health

FOLDER = ROOT / "deploy" / "prometheus"
GUIDE = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]
EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def _exported() -> dict[str, set[str]]:
    """Every sample a service can export, with its labels: asked of the services' own code."""
    from prometheus_client import generate_latest

    from sinks.notify.watch import Watch

    health = Health("test")
    health.count("stage", "outcome")
    with health.timed("stage"):
        pass
    health.lag("group", "topic", 0, 1)
    health.retention_used("group", "topic", 0.5)
    health.latency("fetch-index", 1.0)
    watch = Watch(health)
    watch.channel("desk", 1, 2.0)
    families = text_string_to_metric_families(generate_latest(health.registry).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


EXPORTED = _exported() | {"up": set()}
OF_PROMETHEUS = {"job", "instance"}


def _selectors(node: Any) -> list[Any]:
    """Every selector of a parsed expression."""
    promql = pytest.importorskip("promql_parser")
    found = []
    if isinstance(node, promql.VectorSelector):
        found.append(node)
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        if (child := getattr(node, name, None)) is not None:
            found += _selectors(child)
    for child in getattr(node, "args", None) or ():
        found += _selectors(child)
    return found


@EACH
def test_prometheus_reads_the_rule_and_its_metrics_and_labels_exist(rule: dict[str, Any]) -> None:
    promql = pytest.importorskip("promql_parser")
    selectors = _selectors(promql.parse(rule["expr"]))
    assert selectors
    for selector in selectors:
        assert selector.name in EXPORTED, selector.name
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= EXPORTED[selector.name] | OF_PROMETHEUS, selector.name


@EACH
def test_stages_and_outcomes_that_a_rule_names_are_counted_somewhere(rule: dict[str, Any]) -> None:
    from tocsin.topics import STAGES

    code = "".join(
        path.read_text(encoding="utf-8") for folder in ("producers", "streams", "sinks", "tocsin") for path in (ROOT / folder).rglob("*.py")
    )
    for outcomes in re.findall(r'outcome=~?"([^"]+)"', rule["expr"]):
        for outcome in outcomes.split("|"):
            assert f'"{outcome}"' in code or f'"{outcome.replace("-", " ")}"' in code, outcome
    for ways in re.findall(r'way=~"([^"]+)"', rule["expr"]):
        assert set(ways.split("|")) <= set(get_args(Way))
    for stage in re.findall(r'stage="([^"]+)"', rule["expr"]):
        assert stage in STAGES or f'count("{stage}"' in code, stage


@EACH
def test_every_alarm_has_a_severity_and_a_section_that_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert path == "deploy/README.md"
    assert anchor == rule["alert"].lower()
    assert re.search(rf"^#### {rule['alert']}$", GUIDE, re.MULTILINE)


def test_the_guide_explains_no_alarm_that_is_gone() -> None:
    assert set(re.findall(r"^#### (Tocsin\w+)$", GUIDE, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_every_service_is_asked_at_the_port_of_the_image() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    asked = {name: found for job in config["scrape_configs"] for found in job.get("dns_sd_configs", ()) for name in found["names"]}
    lasting = {name for name, one in services().items() if one.ours and not one.is_job and one.environment.get("TOCSIN_HEALTH_PORT") != "0"}
    assert set(asked) == lasting
    port = re.search(r"TOCSIN_HEALTH_PORT=(\d+)", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    assert port
    assert {found["port"] for found in asked.values()} == {int(port[1])}
    assert config["rule_files"] == ["rules.yml"]
    assert {job["job_name"] for job in config["scrape_configs"]} == set(asked) | {"prometheus"}


def test_absence_rings_for_every_service_that_always_runs() -> None:
    always = {
        name
        for name, one in services().items()
        if one.ours and not one.is_job and not one.spec.get("profiles")
    }  # fmt: skip
    (rule,) = (rule for rule in RULES if rule["alert"] == "TocsinServiceMissing")
    assert set(re.findall(r'absent\(up\{job="(\w+)"\}\)', rule["expr"])) == always


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here: Debian's package prometheus has it")
@pytest.mark.parametrize("arguments", [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")], ids=" ".join)
def test_prometheus_own_tool_agrees(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
