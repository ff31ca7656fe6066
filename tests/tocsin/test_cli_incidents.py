"""`tocsin incidents`: what it prints, its exit codes, and that no source's name can steer the terminal."""

import json
from pathlib import Path

import pytest

from sinks.sqlite import open_store
from streams.ledger import LedgerState, settle
from tests.ledger_messages import RSF, claim, message
from tocsin.cli import main
from tocsin.store import Batch

EVIL = "\x1b]0;owned\x07 Radio [bold]x[/bold]"
MESSAGES = (
    message(1, 1, [claim("c1", 4, 0, "msf", 3, actors=(RSF,), source_name="Doctors Without Borders")]),
    message(2, 1, [claim("c2", 40, 0, "un", 3, source_name=EVIL)], at="2024-05-12T10:00:00Z"),
    message(3, 1, [claim("c3", 40, 0, "army", 3, stance="denies", source_name="the army")], at="2024-05-13T10:00:00Z"),
    message(1, 2, [claim("c4", 5, 0, "msf", 3, source_name="Doctors Without Borders")], at="2024-05-14T10:00:00Z"),
    message(4, 1, [claim("c5", 900, 1, "un", 3, total="since january")], at="2024-05-14T10:00:00Z"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    state = LedgerState({}, {})
    with open_store(folder) as store:
        for said in MESSAGES:
            store.write(Batch(incidents=settle(said, state)))
    return folder


def run(data: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main(["incidents", *arguments, "--data", str(data)])
    out, err = capfd.readouterr()
    assert isinstance(leaving.value.code, int)
    return leaving.value.code, out, err


def test_an_incident_tells_its_figures_voices_disputes_and_corrections(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(data, capfd, "--place", "Town 0")
    words = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "DISPUTED 5 killed (5 to 40), Town 0 (SD), 2024-05-03" in words
    assert "5 killed by Doctors Without Borders; also 40 Radio [bold]x[/bold], 4 Doctors Without Borders (revised)" in words
    assert "denied by the army 2 independent origins" in words
    assert "disputed figure: 40 against 5 killed" in words or "disputed figure: 5 against 40 killed" in words
    assert "revised 4 killed by 5" in words
    assert "“Words of it.”" in words
    assert "\x1b" not in out


def test_a_sum_is_marked_as_a_total(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(data, capfd, "--place", "Town 1")
    assert out.startswith("TOTAL 900 killed")


def test_as_json_every_incident_is_a_line(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(data, capfd, "--json", "--claim", "casualties")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {incident["total"] for incident in found} == {"", "since january"}


def test_nothing_found_exits_1_and_says_so(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(data, capfd, "--actor", "nobody") == (1, "", "no incident fits\n")
    assert run(data, capfd, "--since", "2031-01-01") == (1, "", "no incident fits\n")
