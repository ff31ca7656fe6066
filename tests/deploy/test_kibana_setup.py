"""`tocsin setup kibana` against a server that answers as Kibana's API does: what counts is `success`, and every refusal says what to do."""

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.kibana import rule, saved_objects
from deploy.servers import certificates
from tests.deploy.kibana_server import FakeKibana, fake_kibana
from tocsin.cli import main

NOWHERE = "http://127.0.0.1:9"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def kibana() -> Iterator[FakeKibana]:
    with fake_kibana() as running:
        yield running


class Ran:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(kibana: FakeKibana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_KIBANA", kibana.address)

    def running(*arguments: str, **settings: str) -> Ran:
        for name, value in settings.items():
            monkeypatch.setenv(f"TOCSIN_{name.upper()}", value)
        with pytest.raises(SystemExit) as leaving:
            main(["setup", "kibana", *arguments])
        told = capsys.readouterr()
        return Ran(int(str(leaving.value.code)), told.out, told.err)

    return running


def refused(done: Ran) -> str:
    assert done.code == 2
    assert done.out == ""
    (line,) = done.err.splitlines()
    return line.removeprefix("tocsin: ")


def test_everything_is_imported_and_discover_opens_with_our_claims(kibana: FakeKibana, run: Run) -> None:
    done = run()
    assert (done.code, done.err) == (0, "")
    assert set(kibana.objects) == {(one["type"], one["id"]) for one in saved_objects()}
    assert list(kibana.objects.values()) == saved_objects()
    assert kibana.default == "tocsin-claims"
    assert f"imported {len(saved_objects())} " in done.out


def test_a_second_run_overwrites_and_changes_nothing(kibana: FakeKibana, run: Run) -> None:
    run()
    before = dict(kibana.objects)
    assert run().code == 0
    assert kibana.objects == before


def test_a_default_that_somebody_chose_stays_unless_we_are_told(kibana: FakeKibana, run: Run) -> None:
    kibana.default = "theirs"
    assert "left alone" in run().out
    assert kibana.default == "theirs"
    run("--no-default")
    assert kibana.default == "theirs"
    run("--default")
    assert kibana.default == "tocsin-claims"


def test_in_another_space_kibana_may_give_new_ids_and_the_default_is_the_new_one(kibana: FakeKibana, run: Run) -> None:
    kibana.renamed = {"tocsin-claims": "new-id"}
    assert run("--space", "desk").code == 0
    assert kibana.default == "new-id"
    assert ("POST", "/s/desk/api/saved_objects/_import?overwrite=true") in kibana.asked
    assert ("GET", "/api/status") in kibana.asked


def test_another_prefix_has_its_own_objects_beside_ours(kibana: FakeKibana, run: Run) -> None:
    run()
    assert run(prefix="other").code == 0
    assert len(kibana.objects) == 2 * len(saved_objects())


def test_a_base_path_is_kept(kibana: FakeKibana, run: Run) -> None:
    said = refused(run("--url", f"{kibana.address}/wrong"))
    assert "is not Kibana (404)" in said
    assert kibana.asked == [("GET", "/wrong/api/status")]


def test_it_waits_until_kibana_is_up(kibana: FakeKibana, run: Run) -> None:
    kibana.not_ready = 1
    done = run("--wait", "20")
    assert done.code == 0
    assert "waiting for Kibana" in done.err


@pytest.mark.parametrize(("level", "code"), [("available", 0), ("degraded", 0), ("unavailable", 2), ("critical", 2)])
def test_a_kibana_that_is_up_but_unwell_is_not_written_to(level: str, code: int, kibana: FakeKibana, run: Run) -> None:
    kibana.level = level
    assert run("--wait", "0").code == code
    assert bool(kibana.objects) == (code == 0)


def test_json_for_programs(kibana: FakeKibana, run: Run) -> None:
    assert [json.loads(line)["what"] for line in run("--json").out.splitlines()] == ["version", "imported", "default"]


def test_password_and_authority_come_from_the_settings(kibana: FakeKibana, run: Run, tmp_path: Path) -> None:
    kibana.user = ("operator", "se cret")
    (tmp_path / "secret").write_text("se cret\n")
    assert run(kibana_user="operator", kibana_password_file=str(tmp_path / "secret")).code == 0


def test_what_the_command_makes_its_objects_from_is_in_the_wheel() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"deploy/__init__.py", "deploy/kibana"} <= set(built["only-include"])


# --- what goes wrong ---


def broken(**error: Any) -> dict[str, Any]:
    failed = {"type": "lens", "id": "tocsin-lens-claims", "title": "", "meta": {}, "error": error}
    return {"success": False, "successCount": 55, "errors": [failed], "successResults": []}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (broken(type="conflict"), "lens/tocsin-lens-claims is there already"),
        (broken(type="ambiguous_conflict", destinations=[]), "several times"),
        (
            broken(type="missing_references", references=[{"type": "index-pattern", "id": "tocsin-claims"}]),
            "points to index-pattern/tocsin-claims, not there",
        ),
        (broken(type="unsupported_type"), "a type that this Kibana does not know"),
        (broken(type="unknown", message="boom", statusCode=500), "boom"),
        (broken() | {"errors": [broken(type="conflict")["errors"][0]] * 9}, "and 4 more"),
        ({"success": False, "successCount": 0}, "success: false and no error"),
        ({"success": True, "successCount": 3, "errors": broken(type="conflict")["errors"]}, "is there already"),
        ({"success": True, "successCount": 3}, "imported 3 of"),
        ({}, "imported 0 of"),
        ("no JSON", "imported 0 of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_of_200_with_errors_inside_is_a_failure(answer: Any, said: str, kibana: FakeKibana, run: Run) -> None:
    kibana.import_answer = (200, answer)
    assert said in refused(run())
    assert kibana.default is None


def test_what_kibana_does_not_know_fails_and_is_named(kibana: FakeKibana, run: Run) -> None:
    kibana.unsupported = {"map"}
    assert "map/tocsin-map-claims is of a type that this Kibana does not know" in refused(run())


@pytest.mark.parametrize("version", ["8.11.4", "7.17.0", "8.9.0"])
def test_an_old_kibana_is_left_alone(version: str, kibana: FakeKibana, run: Run) -> None:
    kibana.version = version
    assert refused(run()) == f"Kibana at {kibana.address} is {version}, too old: 8.12 or later is needed"
    assert kibana.objects == {}


@pytest.mark.parametrize("version", ["8.12.0", "8.19.3", "9.0.0", "9.3.1", "9.1.0-SNAPSHOT"])
def test_newer_ones_are_not(version: str, kibana: FakeKibana, run: Run) -> None:
    kibana.version = version
    assert run().code == 0


def test_a_wrong_password_says_which_settings_to_check(kibana: FakeKibana, run: Run) -> None:
    kibana.user = ("operator", "secret")
    said = refused(run(kibana_user="operator", kibana_password="hunter7"))
    assert "does not know user 'operator' with this password" in said
    assert "kibana_password" in said
    assert "hunter7" not in said


def test_a_missing_privilege_is_named(kibana: FakeKibana, run: Run) -> None:
    kibana.forbids = {"_import"}
    said = refused(run())
    assert "forbids user 'nobody' to import saved objects (403)" in said
    assert "docs/kibana.md" in said


def test_a_space_that_is_not_there_is_named(kibana: FakeKibana, run: Run) -> None:
    assert "is there a space 'nowhere'?" in refused(run("--space", "nowhere"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "kibana:5601"], "setting kibana: 'kibana:5601' is not an address"),
        (["--url", ""], "setting kibana: '' is not an address"),
        (["--url", "http://[::1"], "is not an address"),
        (["--url", "http://user:secret@kibana:5601"], "no user or password in the address"),
        (["--space", "../../other"], "the id of a space"),
        (["--url", NOWHERE, "--wait", "0"], f"no Kibana answers at {NOWHERE}"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_work_is_one_line(arguments: list[str], said: str, run: Run) -> None:
    assert said in refused(run(*arguments))


def test_an_authority_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    assert "setting kibana_ca: cannot read certificates" in refused(run("--url", "https://127.0.0.1:9", kibana_ca=str(tmp_path / "none")))


def test_a_kibana_without_tls_is_told_from_one_with(kibana: FakeKibana, run: Run) -> None:
    assert "does it speak http://?" in refused(run("--url", kibana.address.replace("http:", "https:"), "--wait", "0"))


def test_a_certificate_that_nobody_trusts_is_refused_and_the_right_authority_mends_it(run: Run, tmp_path: Path) -> None:
    authority = certificates.make(tmp_path / "tls")
    with fake_kibana(tmp_path / "tls") as secure:
        said = refused(run("--url", secure.address, "--wait", "30"))
        assert "the certificate of Kibana" in said
        assert "set kibana_ca" in said
        assert secure.asked == []
        assert run("--url", secure.address, kibana_ca=str(authority)).code == 0
        assert secure.objects


# --- the sample rule ---


def test_the_sample_rule_is_made_once_switched_off_and_writes_through_the_free_connector(kibana: FakeKibana, run: Run) -> None:
    assert run().code == 0
    assert kibana.rules == {}
    assert "rule, switched off" in run("--rule").out
    connector, made = kibana.rules.values()
    assert (connector["connector_type_id"], connector["config"]["index"]) == (".index", "tocsin-kibana-notices")
    assert (made["enabled"], made["params"]["index"]) == (False, ["tocsin-alerts"])
    assert f"/api/actions/connector/{made['actions'][0]['id']}" in kibana.rules


def test_run_again_the_rule_keeps_its_id_and_whether_somebody_switched_it_on(kibana: FakeKibana, run: Run) -> None:
    run("--rule")
    before = set(kibana.rules)
    for body in kibana.rules.values():
        body["enabled"] = True
    assert run("--rule").code == 0
    assert set(kibana.rules) == before
    assert all(body["enabled"] for body in kibana.rules.values())


def test_rules_of_other_spaces_and_prefixes_have_ids_of_their_own() -> None:
    ids = [rule.rule(prefix, space)[0] for prefix in ("tocsin", "other") for space in ("", "desk")]
    assert len(set(ids)) == 4
    assert rule.rule("tocsin", "")[0] == "cfd56d16-b664-441d-9ebf-b8a28fc0c915"
