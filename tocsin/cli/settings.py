"""`tocsin settings`: the one settings table, with the value in force and where it comes from."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tocsin.cli.options import config_option
from tocsin.settings import describe, load


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a setting.")
def settings(config: Path | None, as_json: bool) -> None:
    r"""Show all settings, their values, and where each value comes from.

    A setting NAME is given, the later winning, in a TOML file (tocsin.toml, or --config, or TOCSIN_CONFIG), as TOCSIN_NAME in the
    environment, as TOCSIN_NAME_FILE naming a file that holds it (for secrets), or by the command's own option.

    \b
    Example:
        TOCSIN_HOST_DELAY=2 tocsin settings
    """
    values, origin = load(config)
    rows = [(name, kind, text, default, getattr(values, name), origin[name]) for name, kind, text, default in describe()]
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
    Console().print(table)
