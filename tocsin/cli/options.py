"""Options that several commands share, and how they become settings."""

from pathlib import Path
from typing import Any

import click

from tocsin.settings import Settings, load

config_option = click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="Settings file (TOML); default: tocsin.toml, if it is there."
)
data_option = click.option("--data", default=None, metavar="DIR", help="Folder of the store, archive and state (setting `data`).")
rules_option = click.option(
    "--rules", default=None, metavar="DIR", help="Folder of alert rules (setting `rules`); default: the shipped ones."
)
workers_option = click.option("--workers", default=None, type=int, help="Processes that clean and tag (setting `workers`).")


def settings_from(config: Path | None, **given: Any) -> Settings:
    """Settings with the command line's values over the environment's, the file's and the defaults. Raises UsageError."""
    return load(config, None, given)[0]
