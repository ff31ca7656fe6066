"""Whole messages."""

import pytest
from msgspec import structs

from sinks.notify.notice import Notice, render, title_of
from sinks.notify.sample import sample
from sinks.notify.text import Format
from tests.sinks.notify.alerts import alert, claim
from tocsin import wire
from tocsin.alerting import Reason
from tocsin.records import Named

TEXT = """\
Residents, reportedly: capture of Zamzam by Rapid Support Forces
First mention of Zamzam
Why: no mention of Zamzam was seen before; rule first-place
“RSF fighters entered »Zamzam« camp on Wednesday, residents said.”
Article: Camp entered
Source: wire, seen 2024-06-05T10:00:00Z, published 2024-06-05T10:00:00Z
Archive: https://archive.example/1
Original: https://news.example/1
Alert {id}"""


def notice(**more: object) -> Notice:
    values: dict[str, object] = {"kind": "alert", "alert": alert(), "claim": claim(), "archive": "https://archive.example/1"}
    return Notice(**{**values, **more})  # type: ignore[arg-type]


def test_a_message_says_who_says_what_why_it_rang_in_which_words_and_where_with_the_archive_first() -> None:
    message = render(notice(), "text")
    assert message.title == "[NOTICE] Residents, reportedly: capture of Zamzam by Rapid Support Forces"
    assert message.body == TEXT.format(id=alert().alert_id)
    assert message.whole == f"{message.title}\n{message.body.partition(chr(10))[2]}"


def test_a_short_message_has_its_link_whole_or_not_at_all() -> None:
    message = render(notice(), "text")
    assert message.short(160) == f"{message.title} https://archive.example/1"
    assert message.short(70) == "[NOTICE] Residents, reportedly: capture of… https://archive.example/1"
    assert message.short(60) == "[NOTICE] Residents, reportedly: capture of Zamzam by Rapid…"
    assert all(len(message.short(most)) <= most for most in range(20, 200))


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (notice(claim=None), "[NOTICE] First mention of Zamzam"),
        (notice(claim=None, alert=alert(headline="5 terrorists killed", severity="critical")), "[CRITICAL] 5 “terrorists” killed"),
        (
            notice(kind="update", before="notice", alert=alert(severity="critical"), claim=None),
            "[UPDATE: CRITICAL, was NOTICE] First mention of Zamzam",
        ),
        (notice(kind="correction", alert=alert(headline="9 killed in Kidal: retracted")), "[CORRECTION] 9 killed in Kidal: retracted"),
        (notice(claim=None, alert=alert(headline="two\nlines \u202e<b>")), "[NOTICE] two lines <b>"),
        (Notice(kind="alarm", headline="desk is dead", body="a\nb"), "[ALARM] desk is dead"),
        (sample(), "[TEST NOTICE] Sample Doctors Network says: strike in Sampleton, at least 3 people killed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_title_is_one_line_and_takes_no_sides(made: Notice, title: str) -> None:
    assert title_of(made) == title


@pytest.mark.parametrize("kind", ["text", "html", "markdown"])
def test_the_same_notice_is_the_same_message_also_after_the_ledger_had_it(kind: Format) -> None:
    kept = wire.decode(wire.encode(notice()), Notice)
    assert render(kept, kind) == render(notice(), kind)


@pytest.mark.parametrize("kind", ["text", "html", "markdown"])
def test_nothing_of_a_hostile_page_is_markup(kind: Format) -> None:
    hostile = "<img src=x onerror=alert(1)> [click](https://evil.example) @everyone \u202e\x1b[2J"
    made = notice(
        alert=alert(
            quote=hostile, highlight=(0, 4), title=hostile, headline=hostile, why=hostile, source_id=hostile, url="javascript:alert(1)"
        ),
        archive="javascript:alert(2)",
    )
    message = render(made, kind)
    assert not set("<>`\n") & set(message.title)
    body = message.body + message.whole
    assert "<img" not in body.replace("\\<", "") or kind == "text"
    assert "<a " not in body
    assert "https://evil" not in body
    assert "@everyone" not in body
    assert not {"\u202e", "\x1b"} & set(body)
    if kind == "markdown":
        assert "[click]" not in body


def test_what_an_alert_does_not_say_is_left_out() -> None:
    bare = alert(title=None, published_at=None, quote="", highlight=(0, 0))
    body = render(notice(alert=bare, claim=None, archive=""), "text").body
    assert "Article" not in body
    assert "published" not in body
    assert "Archive" not in body
    assert "“" not in body


def test_every_rule_of_an_alert_is_named_with_its_reason_and_every_sentence_quoted_once() -> None:
    one = alert()
    same = Reason(
        rule_id="first-place",
        rule_kind="new_mention",
        severity="notice",
        subject=one.subject,
        subject_name="Zamzam",
        headline=one.headline,
        why=one.why,
        quote=one.quote,
        highlight=one.highlight,
        named=(Named(start=0, end=3, name="Rapid Support Forces", entity_id="org:rsf"),),
    )
    other = structs.replace(
        same, rule_id="watch-camps", why="the place is a camp in North Darfur", quote="It is a camp.", highlight=(8, 12)
    )
    body = render(notice(alert=structs.replace(one, rules=(same, other), late="5 days late"), claim=None), "text").body
    assert "Why: no mention of Zamzam was seen before; rule first-place" in body
    assert "Why: the place is a camp in North Darfur; rule watch-camps" in body
    assert body.count("RSF fighters entered") == 1
    assert "“It is a »camp«.”" in body
    assert "Read: “RSF” as Rapid Support Forces" in body
    assert "Late: 5 days late" in body
