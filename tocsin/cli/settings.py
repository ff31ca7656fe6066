"""`tocsin settings`: the one settings table, with the value in force and where it comes from."""

from pathlib import Path

import click
import msgspec
from rich.table import Table

from tocsin.cli.options import config_option
from tocsin.cli.style import console
from tocsin.settings import describe, load, shown


@click.command(
    epilog="""\b
Example:
  TOCSIN_HOST_DELAY=2 tocsin settings"""
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a setting.")
@click.option("--markdown", is_flag=True, help="The table of defaults as Markdown: docs/settings.md is made so.")
def settings(config: Path | None, as_json: bool, markdown: bool) -> None:
    """Show all settings, their values, and where each value comes from.

    A setting NAME is given, the later winning, in a TOML file (tocsin.toml, or --config, or TOCSIN_CONFIG), as TOCSIN_NAME in the
    environment, as TOCSIN_NAME_FILE naming a file that holds it (for secrets), or by the command's own option.
    """
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    values, origin = load(config)
    printed = shown(values)
    rows = [(name, kind, text, default, printed[name], origin[name]) for name, kind, text, default in describe()]
    if as_json:
        for name, kind, text, default, value, where in rows:
            row = {"name": name, "value": value, "origin": where, "type": kind, "default": default, "description": text}
            click.echo(msgspec.json.encode(row).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("setting", "value", "from", "meaning"):
        table.add_column(column, overflow="fold")
    for name, _, text, _, value, where in rows:
        table.add_row(name, str(value) or "(none)", where, text, style=None if where == "default" else "bold")
    console().print(table)


def as_markdown() -> str:
    """docs/settings.md, whole."""
    head = """# Settings

Made by `tocsin settings --markdown > docs/settings.md`; a test compares the two. A setting NAME is read, the later winning, from

1. its default,
2. a TOML file: `tocsin.toml` in the current folder, or the one named by `--config` or `TOCSIN_CONFIG`,
3. the environment: `TOCSIN_NAME`, or `TOCSIN_NAME_FILE` naming a file that holds the value (for secrets),
4. the option of the command.

`tocsin settings` shows the values in force and where each comes from.

| setting | type | default | meaning |
|---|---|---|---|
"""
    return head + "".join(
        f"| `{name}` | {kind} | {f'`{default}`' if default != '' else 'none'} | {text} |\n" for name, kind, text, default in describe()
    )
