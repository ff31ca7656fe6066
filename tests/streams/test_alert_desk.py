"""People decide about alerts: silence with a reason and an end, seen, false. Nothing that is silenced is lost."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from sinks.sqlite import open_store
from streams.rules import Rule, Rules
from tests import builders
from tocsin.cli.alerts import alerts
from tocsin.desk import Decision, Desk
from tocsin.embedded.pipeline import Accepted, Pipeline
from tocsin.embedded.prepare import Prepared

RULES = Rules(
    [
        Rule(id="mosul", kind="new_mention", subjects=("loc:mosul",), of=("place",)),
        Rule(id="tabqa", kind="new_mention", subjects=("loc:tabqa",), of=("place",)),
    ]
)
BOTH = "Engineers reopened the oldest bridge of Mosul, and those of Tabqa the dam."


def accept(folder: Path, text: str, url: str = "https://a.example/1") -> Accepted:
    article = builders.article(text, url=url, title="News")
    mentions = tuple(
        builders.place(text, name, entity) for name, entity in (("Mosul", "loc:mosul"), ("Tabqa", "loc:tabqa")) if name in text
    )
    with open_store(folder) as store:
        pipeline = Pipeline(store, RULES, folder / "archive")
        try:
            return pipeline.accept(Prepared(tagged=builders.tagged(article, mentions)))
        finally:
            pipeline.close()


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(alerts, [*arguments, "--data", str(folder)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0), result.output


def test_what_is_silenced_rings_nowhere_and_is_kept_with_the_reason(tmp_path: Path) -> None:
    accept(tmp_path, "Nothing happened.", "https://a.example/0")
    assert run(tmp_path, "silence", "mosul", "--for", "2d", "--reason", "bridge works")[0] == 0
    assert accept(tmp_path, "A bridge of Mosul was reopened.").alerts == ()
    with open_store(tmp_path, read_only=True) as store:
        (kept,) = store.alerts()
    assert "bridge works" in kept.silenced
    assert "1 held back" in run(tmp_path, "silences")[1]
    assert run(tmp_path, "unsilence", "mosul")[0] == 0
    assert run(tmp_path, "silences")[0] == 1


def test_a_story_that_another_rule_matches_rings_for_that_one(tmp_path: Path) -> None:
    accept(tmp_path, "Nothing happened.", "https://a.example/0")
    run(tmp_path, "silence", "mosul", "--reason", "known")
    (alert,) = accept(tmp_path, BOTH).alerts
    assert (alert.rule_id, alert.silenced) == ("tabqa", "")
    assert [bool(reason.silenced) for reason in alert.rules] == [False, True]


def test_a_silence_ends_by_itself_and_is_for_its_subject_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.decide(
        Decision(at="2024-05-01T00:00:00Z", action="silence", rule="mosul", subject="loc:mosul", until="2024-05-02T00:00:00Z", note="x")
    )
    assert [bool(desk.silences(at)) for at in ("2024-04-30T00:00:00Z", "2024-05-01T12:00:00Z", "2024-05-02T00:00:00Z")] == [
        False,
        True,
        False,
    ]
    (alert,) = accept(tmp_path / "other", BOTH).alerts
    (heard,) = desk.heard([alert], "2024-05-01T12:00:00Z")
    assert {reason.rule_id for reason in heard.rules if reason.silenced} == {"mosul"}
    assert desk.heard([alert], "2024-05-03T00:00:00Z") == (alert,)


def test_a_false_alarm_becomes_an_example_of_its_rule(tmp_path: Path) -> None:
    (alert,) = accept(tmp_path, BOTH).alerts
    code, out = run(tmp_path, "false", alert.alert_id[:8], "--note", "a film")
    assert code == 0
    assert "should_not_fire:" in out
    assert BOTH in out.replace("\n   ", "")
    assert run(tmp_path, "ack", "r_nothing")[0] == 1
    assert Desk(tmp_path).status()[alert.alert_id].note == "a film"
    assert "a film" in run(tmp_path)[1]


@pytest.mark.parametrize("lasting", ["", "12", "0h", "soon"])
def test_a_silence_without_an_end_is_refused(tmp_path: Path, lasting: str) -> None:
    with pytest.raises(Exception, match="--for"):
        run(tmp_path, "silence", "mosul", "--for", lasting, "--reason", "x")
