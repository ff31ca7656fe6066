"""The delivery ledger, for people."""

from collections.abc import Mapping, Sequence

from rich.padding import Padding
from rich.text import Text

from sinks.notify.ledger import Failing, Row
from sinks.notify.notice import title_of
from tocsin.cli.screen import one_line
from tocsin.cli.style import console, joined, minute, plural, short

_STYLES = {"sent": "good", "pending": "warning", "given-up": "bad"}


def notifications(rows: Sequence[Row], failing: Mapping[str, Failing], pending: Mapping[str, int]) -> None:
    """Print channels that fail, then notifications, each with what became of it."""
    screen = console()
    for channel in failing.values():
        count = plural(pending.get(channel.name, 0), "notification")
        line = f" {count} pending; fails since {minute(channel.since)}: {one_line(channel.why)}"
        screen.print(Text.assemble((one_line(channel.name), "bad"), line))
    for row in rows:
        screen.print(
            Text.assemble((f"{row.state:8} ", _STYLES[row.state]), (f"{one_line(row.channel)}  ", "label"), one_line(title_of(row.notice)))
        )
        when = f"sent {minute(row.sent_at)}" if row.sent_at else f"since {minute(row.created_at)}"
        tries = plural(row.attempts, "try", "tries") if row.attempts != 1 or row.state != "sent" else ""
        parts = [
            Text(when, "meta"),
            Text(tries, "meta"),
            Text(one_line(row.why), "doubt"),
            Text(short(row.alert_id), "id"),
            Text(short(row.id), "id"),
        ]
        screen.print(Padding(joined(parts), (0, 0, 0, 4), expand=False))
