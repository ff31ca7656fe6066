"""The embedded run starts on a machine that has none of the services' packages, so its commands must not import them."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVICES = ("faust", "kafka", "elasticsearch", "prometheus_client", "aiokafka")

PROGRAM = f"""
import sys
from tocsin.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("CODE", end.code, file=sys.stderr)
print("FOUND", sorted(set(sys.modules) & {set(SERVICES)!r}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["settings"], 0),
        (["search", "bridge"], 2),  # there is no store yet: the message says so
        pytest.param(["demo", "--workers", "1"], 0, marks=pytest.mark.slow),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_of_the_embedded_run_import_none_of_the_services_packages(arguments: list[str], code: int, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert f"CODE {code}" in done.stderr, done.stderr
    assert "FOUND []" in done.stderr


def test_the_other_packages_would_be_seen(tmp_path: Path) -> None:
    pytest.importorskip("kafka", reason="the services' packages are not installed")
    done = subprocess.run([sys.executable, "-c", f"import kafka\n{PROGRAM}", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert "FOUND ['kafka']" in done.stderr
