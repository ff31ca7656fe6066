"""`tocsin rules`, as a person calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sinks.sqlite import open_store
from tests.streams.alerts_of import Feed, rules_of
from tocsin.cli.rules import rules
from tocsin.store import Batch

RULE = "rules: [{id: killed, kind: quantity, at_least: 5, should_fire: ['A strike killed 9 people in Aleppo.'], should_not_fire: [NOT]}]"
STRUCK = "An air strike killed 9 people in Aleppo on Monday, the Red Crescent said."


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(rules, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Rules, and a store with three articles."""
    feed = Feed(rules_of(tmp_path / "rules", RULE.replace("NOT", "'A strike killed two people in Aleppo.'")))
    feed.read(STRUCK, owner="a", url="https://a.example/1")
    feed.read("The air strike on Aleppo on Monday killed nine people, medics said.", owner="b", url="https://b.example/1")
    feed.read("Buses crossed the old bridge of Mosul again.", owner="c", url="https://c.example/1")
    with open_store(tmp_path / "data") as store:
        for version in feed.passed:
            store.write(Batch(tagged=version.tagged, clustered=version.clustered))
    return tmp_path


def test_rules_are_checked_and_tried(folder: Path) -> None:
    assert run("check", "--rules", str(folder / "rules"))[0] == 0
    assert run("test", "--rules", str(folder / "rules")) == (0, "2 of 2 examples as they should be\n")
    rules_of(folder / "wrong", RULE.replace("NOT", "'A strike killed 12 people in Aleppo.'"))
    code, out = run("test", "--rules", str(folder / "wrong"))
    assert code == 1
    assert "killed: rang: A strike killed 12 people in Aleppo." in out


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("https://a.example/1", 0, "rang: "),
        ("https://b.example/1", 0, "did not ring: 9 were told already"),
        ("https://c.example/1", 0, "did not ring: nothing in it is about this rule"),
        ("https://d.example/1", 1, "not in the store"),
    ],
)
def test_why_a_rule_rang_for_a_page_or_did_not(folder: Path, url: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, out = run("explain", "killed", url, "--rules", str(folder / "rules"), "--data", str(folder / "data"))
    assert found == code
    assert said in out + capsys.readouterr().err


def test_what_rules_would_have_rung_is_counted_and_compared(folder: Path) -> None:
    rules_of(folder / "stricter", RULE.replace("at_least: 5", "at_least: 50").replace("NOT", ""))
    data = ("--data", str(folder / "data"))
    assert run("backtest", "killed", "--rules", str(folder / "rules"), *data)[1].startswith("1 alerts on 1 days")
    code, out = run("backtest", "--rules", str(folder / "stricter"), "--against", str(folder / "rules"), *data)
    assert (code, "added: 0" in out, "lost: 1" in out) == (0, True, True)
