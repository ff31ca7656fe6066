"""deploy/Dockerfile without a builder: rules a linter would have, what it copies, and the programs it puts into the image."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deploy.checks.composition import ROOT
from deploy.checks.image import lacking as lacking_for_the_check
from deploy.image import preflight, prepare
from tocsin.settings import describe

IMAGE = ROOT / "deploy" / "image"
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
LINES = [line for line in re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", TEXT)).splitlines() if line.strip()]
STEPS = [(line.split()[0], line.split(maxsplit=1)[1]) for line in LINES]
LAST = STEPS[max(number for number, (word, _) in enumerate(STEPS) if word == "FROM") :]
FIRST = STEPS[: len(STEPS) - len(LAST)]


def _given(steps: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in steps if name == word]


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([program, "deploy/Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_stage_begins_with_the_one_base_which_can_be_another() -> None:
    assert _given(STEPS, "FROM") == ["${BASE_IMAGE} AS build", "${BASE_IMAGE}"]
    assert re.fullmatch(r"BASE_IMAGE=python:3\.1[123]\.\d+-slim-[a-z]+", _given(STEPS, "ARG")[0]), "pinned to a release"


def test_the_last_stage_only_takes_what_was_built_and_is_not_root() -> None:
    assert [rest for rest in _given(LAST, "COPY") if not rest.startswith("--from=build ")] == []
    assert not re.search(r"apt|pip|curl|wget", " ".join(_given(LAST, "RUN")))
    assert _given(LAST, "USER") == ["10001:10001"]
    after = LAST[[word for word, _ in LAST].index("USER") :]
    assert {word for word, _ in after} <= {"USER", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@pytest.mark.parametrize("word", ["ENTRYPOINT", "CMD"])
def test_commands_are_in_exec_form_so_that_signals_arrive(word: str) -> None:
    (found,) = _given(LAST, word)
    assert isinstance(json.loads(found), list)


def test_it_tells_its_health_and_how_it_is_stopped() -> None:
    (check,) = _given(LAST, "HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2]) == ["python", "-I", "/opt/tocsin/healthcheck.py"]
    assert _given(LAST, "STOPSIGNAL") == ["SIGTERM"]


def test_nothing_is_installed_that_is_not_locked_by_its_hash_and_nothing_is_compiled() -> None:
    installs = [command for step in _given(FIRST, "RUN") for command in re.findall(r"pip install [^&]*", step)]
    assert len(installs) == 3
    for install in installs[:2]:
        assert "--require-hashes" in install
        assert "--only-binary :all:" in install
    assert "--no-deps --no-index" in installs[2], "our own wheel"


def test_no_registry_and_no_secret_stands_in_the_file() -> None:
    assert not re.search(r"https?://", TEXT)
    arguments = set(_given(FIRST, "ARG")) - {rest for rest in _given(FIRST, "ARG") if "=" in rest}
    assert arguments == {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT"}, "pip's own names, without values"
    assert not _given(LAST, "ARG")
    assert "ADD" not in {word for word, _ in STEPS}


def test_every_path_that_is_copied_exists_and_reaches_the_builder() -> None:
    ignore = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert ignore[0] == "*", "nothing but what is named"
    named = [line[1:] for line in ignore if line.startswith("!")]
    for copied in _given(FIRST, "COPY"):
        for path in copied.split()[:-1]:
            assert (ROOT / path).exists(), path
            assert any(path == name or path.startswith(f"{name}/") or Path(path).match(name) for name in named), path
    for name in named:
        assert list(ROOT.glob(name)), name


def test_everything_of_the_wheel_is_copied() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {path for rest in _given(FIRST, "COPY") for path in rest.split()[:-1]}
    assert set(wheel.get("only-include") or wheel["packages"]) <= copied


def test_variables_of_the_image_are_settings() -> None:
    known = {name for name, *_ in describe()}
    found = re.findall(r"TOCSIN_([A-Z_]+)=", " ".join(_given(LAST, "ENV")))
    assert found
    assert {name.lower() for name in found} <= known


def test_the_only_list_of_cities_that_is_kept_is_the_one_that_the_gazetteer_reads() -> None:
    read = (ROOT / "streams" / "gazetteer_build.py").read_text(encoding="utf-8")
    assert re.findall(r"cities\w*\.json", read) == [prepare.KEPT_CITIES]


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/ready" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the parent's name

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def _asked(port: int) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "TOCSIN_HEALTH_PORT": str(port), "TOCSIN_HEALTH_BIND": "0.0.0.0"}  # noqa: S104 - as in compose.yaml
    return subprocess.run([sys.executable, "-I", IMAGE / "healthcheck.py"], env=environment, capture_output=True, text=True)


def test_a_container_is_healthy_when_its_service_is_ready_and_says_why_it_is_not() -> None:
    with _answering(200, b'{"ready": true}') as port:
        assert _asked(port).returncode == 0
    with _answering(503, b'{"reasons": {"Kafka": "no broker answers"}}') as port:
        done = _asked(port)
        assert (done.returncode, "no broker answers" in done.stdout) == (1, True)
    done = _asked(port)
    assert (done.returncode, done.stdout.startswith(f"no answer from 0.0.0.0:{port}")) == (1, True)


def test_a_command_without_a_health_port_is_not_unhealthy() -> None:
    assert _asked(0).returncode == 0


def _machine(folder: Path, mebibytes: int, maps: int) -> Path:
    (folder / "sys" / "vm").mkdir(parents=True)
    (folder / "meminfo").write_text(f"MemTotal: {mebibytes * 1024} kB\nMemFree: 1 kB\n", encoding="ascii")
    (folder / "sys" / "vm" / "max_map_count").write_text(f"{maps}\n", encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("memory", "maps", "told"),
    [(16_000, 262_144, []), (16_000, 65_530, ["max_map_count"]), (4_000, 262_144, ["memory"]), (4_000, 1, ["memory", "max_map_count"])],
)
def test_a_machine_that_cannot_carry_the_services_is_told_what_to_change(memory: int, maps: int, told: list[str], tmp_path: Path) -> None:
    found = preflight.lacking(_machine(tmp_path, memory, maps))
    assert len(found) == len(told)
    assert all(part in line for part, line in zip(told, found, strict=True))
    command = [sys.executable, "-I", IMAGE / "preflight.py", "--proc", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == (1 if told else 0)
    assert done.stderr.count("preflight: ") == len(told)


def test_the_check_that_builds_says_what_a_machine_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "buildah" in lacking_for_the_check("")
    assert "debootstrap" in lacking_for_the_check("")
    assert "debootstrap" not in lacking_for_the_check("debian:bookworm")
