"""What is to be told, as the ledger keeps it; and how it reads."""

from typing import Literal

from sinks.notify.phrases import neutral, said, voiced
from sinks.notify.text import Format, Line, Part, foreign, link, marked, one_line, strong, written
from tocsin.alerting import Alert
from tocsin.records import Claim, Record

Kind = Literal["alert", "update", "correction", "alarm", "test"]
CORRECTIONS = frozenset({"correction", "retraction"})
"""Kinds of rules whose alerts take something back: they go wherever the incident was told."""
_NO_MARKUP = str.maketrans("<>`", "‹›'")  # services write titles into markup of their own, some without escaping them
_QUOTE = 600  # code points
_TITLE = 200
_LEAST = 40  # characters of a title that say something
_MOST = 5  # rules, and sentences
_NAMED = 8  # words that stand for something


class Notice(Record, frozen=True, kw_only=True):
    """One message before it is written for a channel."""

    kind: Kind
    alert: Alert | None = None
    claim: Claim | None = None  # the alert's first, where it is known
    before: str = ""  # update: the severity that was told
    archive: str = ""  # link to the archived page
    headline: str = ""  # alarm, test
    body: str = ""


class Message(Record, frozen=True, kw_only=True):
    """A message for one format."""

    title: str  # one line of plain text, without characters that begin markup
    body: str
    whole: str  # title and body in one, for a service that has no titles
    link: str  # the first one; "" when there is none

    def short(self, most: int) -> str:
        """One line for a service that takes no more than `most` characters: the title, cut, and the link, whole or not at all."""
        if self.link and len(self.link) + _LEAST <= most:
            return f"{one_line(self.title, most - len(self.link) - 1)} {self.link}"
        return one_line(self.title, most)


def rules_of(alert: Alert) -> tuple[str, ...]:
    """Every rule that this alert is of, the first first."""
    return tuple(dict.fromkeys((alert.rule_id, *(reason.rule_id for reason in alert.rules))))


def headline_of(notice: Notice) -> str:
    """What the alert says in one line: of a correction what is taken back."""
    alert = notice.alert
    if alert is None:
        return notice.headline
    back = next((reason.headline for reason in alert.rules if reason.rule_kind in CORRECTIONS), None)
    if back is not None and notice.kind == "correction":
        return back
    lead = next((reason for reason in alert.rules if reason.headline == alert.headline), None)
    return alert.headline if lead is None or notice.claim is not None else voiced(lead)


def title_of(notice: Notice) -> str:
    """One line without markup."""
    if notice.alert is None:
        return f"[{'TEST' if notice.kind == 'test' else 'ALARM'}] {foreign(notice.headline)}"
    severity = notice.alert.severity.upper()
    if notice.kind == "update":
        tag = f"UPDATE: {severity}, was {notice.before.upper()}"
    elif notice.kind == "correction":
        tag = "CORRECTION"
    elif notice.kind == "test":
        tag = f"TEST {severity}"
    else:
        tag = severity
    what = said(notice.claim) if notice.claim and notice.kind != "correction" else neutral(foreign(headline_of(notice), 160))
    return one_line(f"[{tag}] {what}", _TITLE)


def render(notice: Notice, kind: Format) -> Message:
    """The message in a format. Pure: the same notice gives the same bytes, so a second try is the same message."""
    title = title_of(notice)
    lines = _lines(notice)
    first = _links(notice)
    # The first line of the body says what the title says.
    in_one: list[Line] = [[strong(title)], *(lines[1:] if notice.alert else lines)]
    return Message(
        title=title.translate(_NO_MARKUP),
        body=written(lines, kind),
        whole=written(in_one, kind),
        link=first[0][1] if first else "",
    )


def _lines(notice: Notice) -> list[Line]:
    alert = notice.alert
    if alert is None:
        return [[Part(foreign(line, 1000))] for line in notice.body.splitlines()]
    lines: list[Line] = []
    if notice.kind == "correction":
        lines.append([strong("A correction to what was told here before.")])
    if notice.claim and notice.kind != "correction":
        lines += [[strong(said(notice.claim))], [Part(neutral(foreign(headline_of(notice))))]]
    else:
        lines.append([strong(neutral(foreign(headline_of(notice))))])
    lines += _reasons(alert)
    if alert.title:
        lines.append([strong("Article: "), Part(foreign(alert.title))])
    lines.append([strong("Source: "), Part(_source(alert))])
    lines += [[strong(f"{name}: "), Part(url, "link")] for name, url in _links(notice)]
    if not link(alert.url):
        lines.append([strong("Page: "), Part(foreign(alert.url, 500))])
    if notice.archive and not link(notice.archive):
        lines.append([strong("Archived: "), Part(foreign(notice.archive, 500))])
    versions = one_line(alert.versions)
    lines.append([Part(f"Alert {one_line(alert.alert_id)}" + (f", {versions}" if versions else ""))])
    return lines


def _reasons(alert: Alert) -> list[Line]:
    """Why it rang: every rule with its numbers, and every sentence once, with the words that rang."""
    lines: list[Line] = []
    reasons = alert.rules
    quotes: dict[str, tuple[int, int]] = {alert.quote: alert.highlight}
    if reasons:
        for reason in reasons[:_MOST]:
            clause = f" ({foreign(reason.clause, 200)})" if reason.clause else ""
            lines.append(
                [strong("Why: "), Part(f"{neutral(foreign(reason.why, 500))}; rule {foreign(reason.rule_id, 80)}{neutral(clause)}")]
            )
            if reason.quote:
                quotes.setdefault(reason.quote, reason.highlight)
        if len(reasons) > _MOST:
            lines.append([Part(f"and {len(reasons) - _MOST} rules more: {foreign(', '.join(r.rule_id for r in reasons[_MOST:]), 300)}")])
    else:
        rules = ", ".join(rules_of(alert))
        lines.append([strong("Why: "), Part(f"{neutral(foreign(alert.why, 500))}; rule {foreign(rules, 300)}")])
    late = one_line(alert.late)
    if late and not any(late in part.text for line in lines for part in line):
        lines.append([strong("Late: "), Part(foreign(late, 200))])
    for text, span in list(quotes.items())[:_MOST]:
        if text:
            lines.append([Part("“"), *marked(text, span, _QUOTE), Part("”")])
    named = {(r.quote[n.start : n.end], n.name): None for r in reasons for n in r.named}
    read = [f"“{foreign(text, 60)}” as {neutral(foreign(name, 80))}" for text, name in named if text and text != name]
    if read:
        lines.append([strong("Read: "), Part("; ".join(read[:_NAMED]))])
    return lines


def _source(alert: Alert) -> str:
    facts = [foreign(alert.source_id, 80), f"seen {one_line(alert.at)}"]
    if alert.published_at:
        facts.append(f"published {one_line(alert.published_at)}")
    for ids, one, many in ((alert.origins, "origin", "origins"), (alert.clusters, "report", "reports")):
        if len(ids) > 1:
            facts.append(f"{len(ids)} {many if len(ids) > 1 else one}")
    return ", ".join(facts)


def _links(notice: Notice) -> list[tuple[str, str]]:
    """The archive first: it stays as it was, and tells nobody at the source that somebody looks."""
    alert = notice.alert
    wanted = [("Archive", notice.archive), ("Original", alert.url)] if alert else []
    return [(name, url) for name, given in wanted if (url := link(given))]
