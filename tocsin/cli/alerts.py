"""`tocsin alerts`: what rang, and what people decide about it."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin import settings
from tocsin.alerting import rules_of
from tocsin.cli.read import FOUND, data_option, json_option, lines, nothing, opened
from tocsin.cli.screen import one_line
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.desk import Desk


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  tocsin alerts --since 2017-01-01
  tocsin alerts --subject Mosul
  tocsin alerts --rule new-place --json | jq -r '[.at, .headline] | @tsv'
  tocsin alerts silence mass-casualties --for 12h --reason "the offensive is known"
  tocsin alerts false r_1f0c --note "a film"
""",
)
@click.option("--subject", metavar="NAME", help="About this actor or place: name or id.")
@click.option("--rule", metavar="ID", help="Rung by this rule.")
@click.option("--since", metavar="DATE", help="Rung on or after.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Alerts to show, newest first.")
@json_option
@data_option
@click.pass_context
def alerts(
    context: click.Context, subject: str | None, rule: str | None, since: str | None, limit: int, as_json: bool, data: str | None
) -> int:
    """What rang, newest first: the condition that was met, and the sentence that met it.

    With --json one alert a line.
    """
    if context.invoked_subcommand is not None:
        context.obj = {"data": data}
        return FOUND
    with opened(data) as store:
        found = store.alerts(subject=subject, rule=rule, since=since, limit=limit)
        near = [name for kind in ("actor", "place") for name in store.closest(kind, subject)] if subject and not found else []
    if not found:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return nothing(("no alert fits" if subject or rule or since else "no alert so far") + hint)
    if as_json:
        lines(found)
        return FOUND
    from tocsin.cli import render_events, style
    from tocsin.desk import Desk

    render_events.alerts(style.console(), found, Desk(_folder(data)).status())
    return FOUND


@alerts.command()
@click.argument("rule", metavar="RULE")
@click.option("--subject", default="", metavar="NAME", help="Only for this actor or place: name or id.")
@click.option("--for", "lasting", default="24h", show_default=True, metavar="TIME", help="So many hours or days: 12h, 7d.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stands in the list and on every alert that is silenced.")
@data_option
@click.pass_context
def silence(context: click.Context, rule: str, subject: str, lasting: str, reason: str, data: str | None) -> int:
    """Let RULE ("all": every rule) ring nowhere for a while; what it finds is kept, and marked. For the embedded run, while it runs."""
    from tocsin.clock import iso, now, parse
    from tocsin.desk import Decision

    if not reason.strip():
        raise UsageError("--reason: say why, whoever comes after you will ask")
    until = iso(parse(now()) + _lasting(lasting))
    desk, about = _desk(context, data), _subject(subject, context, data)
    desk.decide(Decision(at=now(), action="silence", rule=_rule(rule), subject=about, until=until, note=reason))
    click.echo(f"silenced until {until}: {rule}{f', {about}' if about else ''}")
    return FOUND


@alerts.command()
@click.argument("rule", metavar="RULE")
@click.option("--subject", default="", metavar="NAME", help="As it was silenced.")
@data_option
@click.pass_context
def unsilence(context: click.Context, rule: str, subject: str, data: str | None) -> int:
    """Let RULE ring again. Exit code 1: it was not silenced."""
    from tocsin.clock import now
    from tocsin.desk import Decision

    desk, about = _desk(context, data), _subject(subject, context, data)
    if not any((one.rule, one.subject) == (_rule(rule), about) for one in desk.silences(now())):
        return nothing(f"{rule} is not silenced{f' for {about}' if about else ''}; `tocsin alerts silences` lists what is")
    desk.decide(Decision(at=now(), action="unsilence", rule=_rule(rule), subject=about))
    click.echo(f"{rule} rings again")
    return FOUND


@alerts.command()
@data_option
@click.pass_context
def silences(context: click.Context, data: str | None) -> int:
    """List what is silenced, until when and why, and how many alerts each held back. Exit code 1: nothing is."""
    from tocsin.clock import now

    found = _desk(context, data).silences(now())
    if not found:
        return nothing("nothing is silenced")
    with opened(_data(context, data)) as store:
        for one in found:
            mark = f"until {one.until}: {one.note}"
            held = sum(
                any(reason.silenced == mark for reason in alert.rules) for alert in store.alerts(rule=one.rule or None, limit=100_000)
            )
            what = f"{one.rule or 'all'}{f', {one.subject}' if one.subject else ''}"
            click.echo(one_line(f"{what}  until {one.until}  {held} held back  since {one.at}: {one.note}"))
    return FOUND


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--note", default="", metavar="TEXT", help="What was found.")
@data_option
@click.pass_context
def ack(context: click.Context, alert_id: str, note: str, data: str | None) -> int:
    """Note that an alert was seen. Its first digits are enough."""
    return _decided(context, alert_id, "ack", note, data)


@alerts.command()
@click.argument("alert_id", metavar="ID")
@click.option("--note", default="", metavar="TEXT", help="Why it is false.")
@data_option
@click.pass_context
def false(context: click.Context, alert_id: str, note: str, data: str | None) -> int:
    """Note that an alert is false, and print it as an example for the rule: paste it under should_not_fire."""
    return _decided(context, alert_id, "false", note, data)


def _decided(context: click.Context, wanted: str, action: str, note: str, data: str | None) -> int:
    from tocsin.clock import now
    from tocsin.desk import Decision

    with opened(_data(context, data)) as store:
        found = [alert for alert in store.alerts(limit=100_000) if alert.alert_id.startswith(wanted)]
    if len(found) != 1:
        return nothing(f"{wanted}: {'no alert' if not found else 'several alerts begin so'}; `tocsin alerts --json` has the ids")
    (alert,) = found
    _desk(context, data).decide(Decision(at=now(), action=action, alert_id=alert.alert_id, note=note))  # type: ignore[arg-type]
    click.echo(one_line(f"{action}: {alert.headline}"))
    if action == "false":
        import yaml

        example = {"should_not_fire": [{"text": alert.quote, "at": alert.at, "source": alert.source_id}]}
        click.echo(f"# under {', '.join(dict.fromkeys(rule for rule, _ in rules_of(alert)))}:")
        click.echo(yaml.safe_dump(example, allow_unicode=True, sort_keys=False, width=120).rstrip())
    return FOUND


def _data(context: click.Context, data: str | None) -> str | None:
    """The folder, given after the subcommand or before it."""
    before = context.obj if isinstance(context.obj, dict) else {}
    return data or before.get("data")


def _folder(data: str | None) -> Path:
    return Path(settings.load(given={"data": data})[0].data)


def _desk(context: click.Context, data: str | None) -> "Desk":
    from tocsin.desk import Desk

    return Desk(_folder(_data(context, data)))


def _rule(rule: str) -> str:
    return "" if rule == "all" else rule


def _subject(name: str, context: click.Context, data: str | None) -> str:
    """The id of a subject that rang, or of a name of the lexicon."""
    if not name or ":" in name:
        return name
    with opened(_data(context, data)) as store:
        for alert in store.alerts(subject=name, limit=1):
            return next((r.subject for r in alert.rules if r.subject_name.casefold() == name.casefold()), alert.subject)
    raise UsageError(f"--subject {name}: nothing rang for it; give its id, such as loc:mosul")


def _lasting(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in ("h", "d") or not int(number):
        raise UsageError(f"--for {text}: say so many hours or days: 12h, 7d")
    return timedelta(hours=int(number)) if unit == "h" else timedelta(days=int(number))
