"""The script that runs real servers: what it refuses, and that it only ever ends what it started. tests/live starts them."""

import datetime as dt
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.servers import Elasticsearch, Kafka, Missing, certificates, free_port, programs

ROOT = Path(__file__).parents[2]


def _run(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.servers", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, input=given)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache that any user may enter, as a user's own cache is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
        yield Path(folder)


def test_a_port_that_somebody_else_has_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Missing, match="taken by a process that this script did not start"):
            Kafka(other.getsockname()[1], tmp_path).start()


@pytest.mark.parametrize("started", ["", "1", "Mon Nov  2 10:00:00 2026"])
def test_a_process_that_got_the_number_of_an_earlier_server_is_never_touched(started: str, tmp_path: Path) -> None:
    (tmp_path / "pid.json").write_text(json.dumps({"pid": os.getpid(), "started": started, "address": "127.0.0.1:9"}), encoding="utf-8")
    server = Kafka(9, tmp_path)
    assert server.pid() is None
    assert not server.stop()
    assert not server.kill()


def test_a_folder_that_this_script_did_not_make_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    Elasticsearch(free_port(), tmp_path).wipe()
    assert (tmp_path / "precious").exists()


def test_a_machine_without_java_is_told_how_to_get_one() -> None:
    with pytest.raises(Missing, match="no Java 999 or later here: install one"):
        programs.java(999)


def test_a_machine_without_maven_is_told_how_to_get_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(Missing, match="no Maven here: install it"):
        programs.kafka_libraries("0.0.0")


def test_what_is_in_the_cache_needs_no_maven(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = programs.base() / "kafka-0.0.0"
    there.mkdir()
    monkeypatch.setenv("PATH", str(cache))
    assert programs.kafka_libraries("0.0.0") == there


@pytest.mark.parametrize("days", [30, -2])
def test_a_certificate_is_for_loopback_and_expires_when_asked(days: int, tmp_path: Path) -> None:
    x509 = pytest.importorskip("cryptography.x509")
    authority = certificates.make(tmp_path, days=days)
    made = x509.load_pem_x509_certificate((tmp_path / "http.crt").read_bytes())
    assert (made.not_valid_after_utc > dt.datetime.now(dt.UTC)) == (days > 0)
    assert made.not_valid_before_utc < made.not_valid_after_utc
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
    ssl.create_default_context(cafile=str(authority)).load_cert_chain(tmp_path / "http.crt", tmp_path / "http.key")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["start", "kafka", "--tls"], 2, "are for Elasticsearch"),
        (["start", "elasticsearch", "--users", "-"], 2, "eve: give NAME:PASSWORD, and a password of at least six characters"),
        (["start", "kafka", "--users", "-"], 2, "are for Elasticsearch"),
        (["start", "elasticsearch", "--user", "ann:longenough"], 2, "No such option"),
        (["explode", "kafka"], 2, "Invalid value"),
        (["status", "kafka", "--port", "9"], 1, "down"),
        (["stop", "kafka", "--port", "9"], 0, "was not up"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], code: int, told: str, tmp_path: Path) -> None:
    done = _run(*arguments, "--folder", str(tmp_path), given="ann:longenough:reader\n\neve:short\n")
    assert done.returncode == code
    assert told in done.stdout + done.stderr
