"""Alerts and the trace of a URL, for people."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tocsin.alerting import Alert
from tocsin.cli.screen import one_line, safe
from tocsin.cli.style import joined, minute, plural, second, short
from tocsin.desk import Decision
from tocsin.records import Fate

_BAD = frozenset({"dropped", "failed", "error", "blocked"})
_GOOD = frozenset({"indexed", "fetched", "new-version", "tagged", "cleaned", "archived"})


def alerts(screen: Console, found: Sequence[Alert], decided: Mapping[str, Decision] | None = None) -> None:
    """Print alerts, each with the sentence that made it ring, and what was decided about it."""
    for number, alert in enumerate(found):
        if number:
            screen.print()
        one(screen, alert, (decided or {}).get(alert.alert_id))


def one(screen: Console, alert: Alert, decision: Decision | None = None) -> None:
    """Print one alert: the most urgent reason whole, the others in a line each."""
    head = Text.assemble((f" {alert.severity.upper()} ", f"badge.{alert.severity}"), "  ", (one_line(alert.headline), "title"))
    screen.print(head)
    body = [quote(alert), Text(one_line(alert.why), "doubt")]
    lead = alert.rules[0] if alert.rules else None
    if lead is not None and lead.clause:
        body.append(Text(f"met: {one_line(lead.clause)}", "meta"))
    if lead is not None and lead.named:
        words = dict.fromkeys((lead.quote[named.start : named.end], named.name) for named in lead.named)
        body.append(Text("; ".join(f"“{one_line(text)}” is {one_line(name)}" for text, name in words if text != name), "meta"))
    body += [Text(f"also {one_line(r.rule_id)}: {one_line(r.headline)} ({one_line(r.why)})", "doubt") for r in alert.rules[1:]]
    if alert.silenced:
        body.append(Text(f"silenced {one_line(alert.silenced)}", "bad"))
    if decision is not None:
        word = {"ack": "seen", "false": "false"}.get(decision.action, decision.action)
        body.append(Text(f"{word} at {minute(decision.at)}{f': {one_line(decision.note)}' if decision.note else ''}", "good"))
    if alert.title:
        body.append(Text(one_line(alert.title)))
    body.append(Text(one_line(alert.url), "link"))
    counted = plural(len(alert.clusters), "story", "stories") if len(alert.clusters) > 1 else ""
    origins = plural(len(alert.origins), "origin") if len(alert.origins) > 1 else ""
    body.append(
        joined(
            [
                Text(minute(alert.at), "meta"),
                Text(f"rule {one_line(alert.rule_id)}", "meta"),
                Text(one_line(alert.subject), "meta"),
                Text(", ".join(item for item in (counted, origins) if item), "meta"),
                Text(short(alert.alert_id), "id"),
                Text(short(alert.article_id), "id"),
            ]
        )
    )
    for line in (line for line in body if line):
        screen.print(Padding(line, (0, 0, 0, 4), expand=False))


def quote(alert: Alert) -> Text:
    """The sentence with the subject marked."""
    text, (start, end) = alert.quote, alert.highlight
    if not 0 <= start <= end <= len(text):
        start = end = 0
    pieces = [(text[:start], ""), (text[start:end], "hit"), (text[end:], "")]
    line = Text.assemble(("“", "meta"))
    for words, style in pieces:
        line.append(safe(words).replace("\n", " "), style)
    return line.append("”", "meta")


def trace(screen: Console, fates: Sequence[Fate]) -> None:
    """Print what happened, oldest first; a heading wherever the URL changes."""
    url, shown = "", Table.grid(padding=(0, 2))
    blocks: list[tuple[str, Table]] = []
    for fate in fates:
        if fate.url != url:
            url, shown = fate.url, Table.grid(padding=(0, 2), expand=True)
            shown.add_column(no_wrap=True, style="meta", min_width=20)
            shown.add_column(no_wrap=True, min_width=8)
            shown.add_column(no_wrap=True, min_width=11)
            shown.add_column(ratio=1, overflow="fold")
            blocks.append((url, shown))
        style = "bad" if fate.outcome in _BAD else "warning" if fate.outcome == "rang" else "good" if fate.outcome in _GOOD else "info"
        shown.add_row(second(fate.at), one_line(fate.stage), Text(one_line(fate.outcome), style), Text(one_line(fate.detail)))
    for heading, rows in blocks:
        screen.print(Text(one_line(heading), "link"), soft_wrap=True)
        screen.print(Padding(rows, (0, 0, 0, 2), expand=False))
    last = next((fate for fate in reversed(fates) if fate.article_id), None)
    if last and last.article_id:
        screen.print()
        screen.print(Text.assemble(("See it with ", "meta"), f"tocsin show {short(last.article_id)}"))
