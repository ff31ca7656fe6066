"""Which notifications an alert asks for, kept in a real ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sinks.notify.channels import Channel, Secret
from sinks.notify.decide import corrected_threads, decide, is_correction, threads_of, whole
from sinks.notify.ledger import Ledger, Row, open_ledger, row_id
from sinks.notify.notice import Notice, title_of
from tests.sinks.notify.alerts import alert, raised
from tocsin.alerting import Alert, Reason, grown
from tocsin.errors import UsageError

AT = "2024-06-05T10:00:00Z"


def channel(name: str, minimum: str = "info", *rules: str) -> Channel:
    return Channel(name, "webhook", Secret("https://x.example"), Secret("s"), minimum=minimum, rules=rules)


DESK, LOUD = channel("desk"), channel("loud", "warning")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def meet(ledger: Ledger, one: Alert, *channels: Channel) -> list[tuple[str, str, str]]:
    """What a notifier does with an alert; returns what is new: channel, kind, key behind the alert's id."""
    known = ledger.rows_of(one.alert_id)
    told = ledger.told(corrected_threads(one)) if is_correction(one) else set()
    one = whole(one, known)
    made = decide(one, channels or (DESK, LOUD), known, told)
    for item in made:
        notice = Notice(kind=item.kind, alert=one, before=item.before)
        if item.renews:
            ledger.renew(item.renews, notice, one.severity)
            continue
        values: dict[str, Any] = {"alert_id": one.alert_id, "channel": item.channel, "kind": item.kind, "severity": one.severity}
        ledger.add(Row(id=row_id(item.key), key=item.key, state="pending", notice=notice, created_at=AT, **values))
    if made or known:
        ledger.belongs(one.alert_id, threads_of(one))
    return [(item.channel, item.kind, item.key.removeprefix(one.alert_id)) for item in made]


def tried(ledger: Ledger, *, sent: bool = True) -> None:
    for row in ledger.rows(states=("pending",)):
        ledger.begin(row, AT)
        if sent:
            ledger.sent(row, AT)


def test_an_alert_goes_to_the_channels_that_take_it_and_a_second_time_to_none(ledger: Ledger) -> None:
    assert meet(ledger, alert()) == [("desk", "alert", ":desk")]
    assert meet(ledger, alert()) == []
    tried(ledger)
    assert meet(ledger, structs.replace(alert(), clusters=("k_1", "k_2"), origins=("a", "b"))) == []


def test_a_severity_that_rises_is_told_once_a_step(ledger: Ledger) -> None:
    meet(ledger, alert())
    tried(ledger)
    assert meet(ledger, raised(alert(), "warning")) == [("desk", "update", ":desk:warning"), ("loud", "alert", ":loud")]
    tried(ledger)
    assert meet(ledger, raised(alert(), "warning")) == []
    assert meet(ledger, raised(alert(), "critical")) == [("desk", "update", ":desk:critical"), ("loud", "update", ":loud:critical")]
    assert [row.notice.before for row in ledger.rows(states=("pending",))] == ["warning", "warning"]
    tried(ledger)
    assert meet(ledger, alert()) == []  # an older form of it, delivered again


def test_what_was_never_tried_says_the_newer_thing_instead_of_two(ledger: Ledger) -> None:
    meet(ledger, alert())
    assert meet(ledger, raised(alert(), "critical")) == [("desk", "alert", ":desk"), ("loud", "alert", ":loud")]
    rows = ledger.rows()
    assert {(row.channel, row.kind, row.severity, row.notice.alert.severity if row.notice.alert else "") for row in rows} == {
        ("desk", "alert", "critical", "critical"),
        ("loud", "alert", "critical", "critical"),
    }
    assert meet(ledger, alert()) == []


def test_what_was_tried_without_an_answer_is_not_changed(ledger: Ledger) -> None:
    meet(ledger, alert())
    tried(ledger, sent=False)
    assert meet(ledger, raised(alert(), "critical"), DESK) == [("desk", "update", ":desk:critical")]
    first = ledger.next_due("desk", 1.0)
    assert first is not None
    assert (first.kind, first.severity) == ("alert", "notice")


@pytest.mark.parametrize("kind", ["correction", "retraction"])
def test_a_correction_goes_to_every_channel_that_was_told_whatever_it_filters(ledger: Ledger, kind: str) -> None:
    only_tolls = channel("tolls", "info", "toll*")
    nosy = channel("nosy", "critical")
    first = alert(1, severity="critical", rule_id="toll")
    meet(ledger, first, DESK, LOUD, only_tolls)
    tried(ledger)
    back = alert(9, rule_kind=kind, rule_id="corrections", severity="info", article_id=first.article_id)
    assert meet(ledger, back, DESK, LOUD, only_tolls, nosy) == [
        ("desk", "correction", ":desk"),
        ("loud", "correction", ":loud"),
        ("tolls", "correction", ":tolls"),
    ]
    assert meet(ledger, back, DESK, LOUD, only_tolls, nosy) == []


def test_a_correction_of_an_incident_finds_it_by_the_incident_alone(ledger: Ledger) -> None:
    meet(ledger, alert(1, incidents=("i_1",)), LOUD, DESK)
    meet(ledger, alert(2, incidents=("i_2",), severity="warning"), LOUD)
    back = alert(9, rule_kind="correction", severity="info", incidents=("i_1",), rule_id="x")
    assert meet(ledger, back, LOUD, DESK) == [("desk", "correction", ":desk")]


def test_a_correction_of_what_nobody_was_told_is_an_alert_like_any_other(ledger: Ledger) -> None:
    assert meet(ledger, alert(9, rule_kind="correction")) == [("desk", "alert", ":desk")]


def test_given_up_is_tried_again_when_an_operator_says_so_and_what_was_sent_never(ledger: Ledger) -> None:
    meet(ledger, alert(1))
    meet(ledger, alert(2))
    one, two = sorted(ledger.rows(), key=lambda row: row.key)
    ledger.give_up(one, "dead")
    ledger.sent(two, AT)
    assert [row.state for row in ledger.rows(states=("given-up",))] == ["given-up"]
    assert ledger.try_again([one.id, two.id], 5.0) == 1
    assert ledger.next_due("desk", 4.0) is None
    again = ledger.next_due("desk", 5.0)
    assert again is not None
    assert again.id == one.id


def test_what_was_sent_long_ago_is_forgotten_with_its_threads_and_what_waits_is_not(ledger: Ledger) -> None:
    meet(ledger, alert(1))
    tried(ledger)
    meet(ledger, alert(2))
    assert ledger.forget("2025-01-01T00:00:00Z") == 1
    assert [row.alert_id for row in ledger.rows()] == [alert(2).alert_id]
    assert ledger.told(threads_of(alert(1))) == set()
    assert ledger.told(threads_of(alert(2))) == {"desk"}


def test_a_transaction_is_whole(ledger: Ledger) -> None:
    def breaks() -> None:
        with ledger.transaction():
            meet(ledger, alert())
            ledger.put_position("store", 7)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks()
    assert ledger.rows() == []
    assert ledger.positions() == {}


def test_there_is_one_notifier_and_others_may_look_beside_it(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="is writing here: stop it first"):
        open_ledger(tmp_path)
    meet(ledger, alert())
    with open_ledger(tmp_path, mode="reader") as reader:
        assert len(reader.rows()) == 1
        with pytest.raises(UsageError, match="read-only"):
            reader.put_position("store", 1)
    with pytest.raises(UsageError, match="no notifications in"):
        open_ledger(tmp_path / "elsewhere", mode="reader")
    assert not (tmp_path / "elsewhere").exists()


def test_a_later_message_about_an_alert_is_never_sent_before_an_earlier_one(ledger: Ledger) -> None:
    meet(ledger, alert(1), DESK)
    first = ledger.next_due("desk", 1.0)
    assert first is not None
    ledger.begin(first, AT)
    ledger.failed(first, "HTTP 500", 100.0)
    meet(ledger, raised(alert(1), "critical"), DESK)
    assert ledger.next_due("desk", 1.0) is None
    meet(ledger, alert(2), DESK)
    other = ledger.next_due("desk", 1.0)
    assert other is not None
    assert other.alert_id == alert(2).alert_id
    ledger.all_due("desk", 1.0)
    assert [row.id if (row := ledger.next_due("desk", 1.0)) else ""] == [first.id]


def part(number: int, rule: str, severity: str = "notice", kind: str = "any", **more: Any) -> Alert:
    """What one stage says of an alert: one reason."""
    reason = Reason(
        rule_id=rule, rule_kind=kind, severity=severity, subject=rule, subject_name=rule, headline=f"{rule} rang", why=f"because of {rule}"
    )
    return alert(number, rule_id=rule, rule_kind=kind, severity=severity, headline=reason.headline, why=reason.why, rules=(reason,), **more)


def test_parts_of_an_alert_that_come_before_it_is_told_are_told_as_one(ledger: Ledger) -> None:
    meet(ledger, part(1, "place"), DESK)
    meet(ledger, part(1, "toll", "warning", incidents=("i_1",)), DESK)
    meet(ledger, part(1, "place"), DESK)
    (row,) = ledger.rows()
    assert (row.kind, row.severity) == ("alert", "warning")
    assert row.notice.alert is not None
    assert [reason.rule_id for reason in row.notice.alert.rules] == ["toll", "place"]
    assert ledger.told(["incident:i_1"]) == {"desk"}


def test_a_part_that_comes_after_it_was_told_says_nothing_but_belongs_to_it(ledger: Ledger) -> None:
    meet(ledger, part(1, "place"), DESK)
    tried(ledger)
    assert meet(ledger, part(1, "toll", incidents=("i_1",)), DESK) == []
    back = part(2, "toll", kind="correction", incidents=("i_1",))
    assert meet(ledger, back, DESK) == [("desk", "correction", ":desk")]


def test_a_correction_in_an_article_that_rang_for_something_new_as_well_is_told_too(ledger: Ledger) -> None:
    meet(ledger, part(1, "toll", incidents=("i_1",)), DESK)
    tried(ledger)
    meet(ledger, part(2, "place"), DESK)
    tried(ledger)
    back = part(2, "toll", kind="correction", incidents=("i_1",))
    assert meet(ledger, back, DESK) == [("desk", "correction", ":desk:correction")]
    assert meet(ledger, back, DESK) == []
    tried(ledger)
    assert meet(ledger, back, DESK) == []


def test_a_correction_is_titled_by_what_it_takes_back() -> None:
    both = whole(part(2, "toll", kind="correction"), [])
    made = Notice(kind="correction", alert=grown(part(2, "place", "critical"), both))
    assert title_of(made) == "[CORRECTION] toll rang"


def test_what_somebody_silenced_asks_for_no_notification(ledger: Ledger) -> None:
    assert meet(ledger, structs.replace(alert(), silenced="until tomorrow: known")) == []
