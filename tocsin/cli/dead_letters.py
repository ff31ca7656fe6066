"""`tocsin dead-letters`: what broke a stage, whole, and how it is sent again once the cause is mended."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from tocsin.cli.options import config_option, settings_from

if TYPE_CHECKING:
    from tocsin.distributed.letters import Group, Letter

json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")
_SHOWN = 4000  # characters of a message that are shown to a person


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that broke a stage: looked at, counted, sent again. Needs Kafka only."""


@dead_letters.command(
    "list",
    epilog="""\b
Examples:
  tocsin dead-letters list
  tocsin dead-letters list --each --fingerprint 4f2a
  tocsin dead-letters list --json | jq -r 'select(.waiting > 0) | [.fingerprint, .waiting, .error] | @tsv'""",
)
@click.option("--each", is_flag=True, help="Every letter, not only how many broke alike.")
@click.option("--fingerprint", default=None, metavar="F", help="Only those that broke alike: the beginning of a fingerprint.")
@click.option("--redriven", is_flag=True, help="Those too that were sent again.")
@json_option
@config_option
def list_(each: bool, fingerprint: str | None, redriven: bool, as_json: bool, config: Path | None) -> int:
    """What waits to be mended, by what broke alike. Exit code 1 when nothing waits."""
    from tocsin.cli.screen import write_json
    from tocsin.distributed.letters import grouped
    from tocsin.distributed.log import opened
    from tocsin.distributed.redrive import kept

    settings = settings_from(config)
    with opened(settings, "dead-letters") as log:
        found = kept(settings, log)
    shown = [
        letter
        for letter in found.letters.values()
        if (redriven or letter.waits) and (fingerprint is None or letter.fingerprint.startswith(fingerprint))
    ]
    if as_json:
        for record in shown if each else grouped(shown):
            write_json(record)
    elif each:
        _show_letters(shown)
    else:
        _show_groups(grouped(shown))
    if found.unreadable:
        click.echo(f"tocsin: {found.unreadable} messages on the topic of dead letters are none", err=True)
    if not shown and not as_json:
        sent = sum(not letter.waits for letter in found.letters.values())
        click.echo("no dead letter waits" + (f"; {sent:,} were sent again (--redriven shows them)" if sent else ""))
    return 0 if shown else 1


def _show_groups(groups: "list[Group]") -> None:
    from tocsin.cli.screen import one_line
    from tocsin.cli.style import console, minute

    for group in groups:
        screen = console()
        again = f", {group.again:,} of them in vain before" if group.again else ""
        screen.print(f"{group.waiting:,} waiting of {group.letters:,}{again}", style="bold", end="  ")
        screen.print(f"stage {group.stage} · {group.topic} · fingerprint {group.fingerprint[:12]}", soft_wrap=True)
        screen.print(f"    {one_line(group.error)}", style="warning", soft_wrap=True)
        screen.print(f"    {minute(group.first_at)} to {minute(group.last_at)} · the latest: tocsin dead-letters show {group.letter_id}")


def _show_letters(letters: "list[Letter]") -> None:
    from tocsin.cli.screen import one_line
    from tocsin.cli.style import console, second

    if not letters:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="label")
    for name in ("id", "stage", "when", "origin", "sent again", "error"):
        table.add_column(name, no_wrap=name in ("id", "stage"), overflow="fold")
    for letter in letters:
        again = second(letter.redriven_at) if letter.redriven_at else f"{letter.redrives} times before" if letter.redrives else ""
        origin = f"{letter.topic}/{letter.partition}/{letter.offset}"
        table.add_row(letter.letter_id, letter.stage, second(letter.at), origin, again, one_line(letter.error))
    console().print(table)


@dead_letters.command(
    epilog="""\b
Examples:
  tocsin dead-letters show d_1c0ffee4f2a7
  tocsin dead-letters show tocsin-incoming-1/0/4711 --json
  tocsin dead-letters show d_1c0ffee --body > message.json"""
)
@click.argument("name", metavar="ID")
@click.option("--body", "raw", is_flag=True, help="The message's bytes as they are, and nothing else.")
@json_option
@config_option
def show(name: str, raw: bool, as_json: bool, config: Path | None) -> int:
    """One letter whole: stage, error, where in the code, when, origin, and the message itself. ID may be the beginning of one."""
    import json

    from tocsin.cli.screen import safe
    from tocsin.distributed.letters import decoded, named
    from tocsin.distributed.log import opened
    from tocsin.distributed.redrive import kept, whole
    from tocsin.wire import plain

    settings = settings_from(config)
    with opened(settings, "dead-letters") as log:
        letter = named(kept(settings, log).letters, name)
        record = whole(settings, log, letter)
    if raw:
        sys.stdout.buffer.write(record.body or b"")
        return 0 if record.body is not None else 1
    kind, value = decoded(record.body)
    if as_json:
        click.echo(json.dumps({**plain(letter), "body": plain(record)["body"], "body_kind": kind, "decoded": value}))
        return 0
    _show_facts(letter)
    text = json.dumps(value, indent=2, ensure_ascii=False) if kind == "json" else value
    if text is None:
        click.echo("it has no message")
        return 0
    click.echo(f"\nmessage ({kind}, {len(record.body or b''):,} bytes):")
    click.echo(safe(text[:_SHOWN]))
    if len(text) > _SHOWN:
        click.echo(f"... {len(text) - _SHOWN:,} characters more: --body writes the message whole")
    return 0


def _show_facts(letter: "Letter") -> None:
    from tocsin.cli.screen import one_line
    from tocsin.cli.style import second

    size = f"{letter.bytes:,} bytes" if letter.bytes is not None else "none, or too large to be kept here"
    facts: list[tuple[str, Any]] = [
        ("id", letter.letter_id),
        ("stage", letter.stage),
        ("error", letter.error),
        ("where", letter.trace),
        ("when", second(letter.at)),
        ("origin", f"{letter.topic}, partition {letter.partition}, offset {letter.offset}"),
        ("key", letter.key),
        ("message", size),
        ("fingerprint", letter.fingerprint),
        ("sent again", f"{letter.redrives} times before it broke" if letter.redrives else ""),
        ("state", f"sent again {second(letter.redriven_at)}" if letter.redriven_at else "waits"),
    ]
    for label, value in facts:
        if value:
            click.echo(f"{label:12} {one_line(str(value))}")


@dead_letters.command(
    epilog="""\b
Examples:
  tocsin dead-letters redrive d_1c0ffee4f2a7
  tocsin dead-letters redrive --fingerprint 4f2a --dry-run
  tocsin dead-letters redrive --all"""
)
@click.argument("names", metavar="[ID]...", nargs=-1)
@click.option("--fingerprint", default=None, metavar="F", help="All that wait and broke alike.")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@json_option
@config_option
def redrive(names: tuple[str, ...], fingerprint: str | None, everything: bool, dry_run: bool, as_json: bool, config: Path | None) -> int:
    """Send the original messages back where they came from: same topic, key and partition.

    Mend the cause first. What breaks again is a new dead letter that says how often it was sent. A letter that was sent again is not
    taken by --all or --fingerprint any more; by its ID it is.

    Exit code 1 when nothing was found to send, or something could not be sent.
    """
    from tocsin.cli.screen import one_line
    from tocsin.distributed.letters import chosen
    from tocsin.distributed.log import opened
    from tocsin.distributed.redrive import Result, kept, origin_of, send_again

    if sum((bool(names), fingerprint is not None, everything)) != 1:
        raise click.UsageError("say which: IDs, or --fingerprint F, or --all")
    settings = settings_from(config)
    counts = {"sent": 0, "refused": 0}

    def told(result: Result) -> None:
        done = "refused" if result.refused else "sent"
        counts[done] += 1
        if as_json:
            _write(result.letter, done, result.refused)
        elif result.refused:
            click.echo(f"tocsin: {result.letter.letter_id} was not sent: {one_line(result.refused)}", err=True)

    with opened(settings, "dead-letters") as log:
        wanted = chosen(kept(settings, log).letters, names, fingerprint, everything=everything)
        if dry_run:
            for letter in wanted:
                if as_json:
                    _write(letter, "would send", "")
                else:
                    where = f"{origin_of(letter).rpartition('/')[0]}"
                    click.echo(f"would send {letter.letter_id} to {where}: {one_line(letter.error)}")
        else:
            send_again(settings, log, wanted, told)
    if not as_json:
        click.echo(f"would send {len(wanted):,}" if dry_run else f"sent {counts['sent']:,}, refused {counts['refused']:,}", err=True)
    return 0 if wanted and not counts["refused"] else 1


def _write(letter: "Letter", done: str, refused: str) -> None:
    import json

    from tocsin.distributed.redrive import origin_of

    click.echo(json.dumps({"letter_id": letter.letter_id, "origin": origin_of(letter), "done": done, "refused": refused}))
