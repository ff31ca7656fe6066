"""Commands of the distributed run's results, where no server answers: one line, and what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.cli import main

NOWHERE = "http://127.0.0.1:9"
NOBODY = f"no Elasticsearch answers at {NOWHERE} "


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["setup", "elasticsearch"], {"elasticsearch": NOWHERE}, NOBODY),
        (["search", "mosul", "--store", "elasticsearch"], {"elasticsearch": NOWHERE}, NOBODY),
        (["alerts"], {"elasticsearch": NOWHERE, "store": "elasticsearch"}, NOBODY),
        (["setup", "elasticsearch"], {"elasticsearch": "localhost"}, "setting elasticsearch: 'localhost' is not an address"),
        (["setup", "elasticsearch"], {"elasticsearch": "https://es"}, "setting elasticsearch: 'https://es' is not an address"),
        (["setup", "elasticsearch"], {"elasticsearch": ""}, "setting elasticsearch is empty"),
        (["setup", "elasticsearch"], {"elasticsearch": "http://a:secret@localhost:9200"}, "setting elasticsearch: no user or password"),
        (["setup", "elasticsearch", "--dry-run", "--swap"], {}, "--swap has no --dry-run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_work_is_one_line_that_says_what_to_do(
    arguments: list[str], settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"TOCSIN_{name.upper()}", value)
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert line.startswith(f"tocsin: {said}")
    assert told.out == ""


def test_a_sink_that_cannot_begin_ends_with_one_line() -> None:
    given = {"TOCSIN_ELASTICSEARCH": NOWHERE}
    command = [sys.executable, "-m", "tocsin", "sink", "elasticsearch"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"tocsin: {NOBODY}")
    assert "Traceback" not in done.stderr


def test_the_embedded_store_is_asked_unless_something_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOCSIN_ELASTICSEARCH", NOWHERE)
    with pytest.raises(SystemExit):
        main(["search", "mosul", "--data", str(tmp_path)])
    assert "no data in" in capsys.readouterr().err
