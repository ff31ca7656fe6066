"""`tocsin clean` and `tocsin tag`: Unix filters over JSON lines, one line out for each line in, in order."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from tocsin.cli.options import config_option, settings_from
from tocsin.clock import now
from tocsin.errors import Quarantine, UsageError

_MAX_LINE = 64_000_000  # bytes: a 50 MB page, escaped


@click.command(
    epilog="""\b
Example:
  tocsin clean pages.jsonl | tocsin tag | jq '.claims[].text'"""
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@config_option
def clean(files: tuple[Path, ...], config: Path | None) -> None:
    """Clean pages: {"id", "url"?, "html"} lines in, {"id", "title", "text", "comments", ...} lines out.

    Reads FILES, or standard input. A line that cannot be used gives {"id", "error"} and exit code 1 at the end.
    """
    from producers.clean import clean_line

    settings_from(config)  # a broken settings file is an error here too
    _filter(files, clean_line)


@click.command(
    epilog="""\b
Example:
  echo '{"id": 1, "text": "Rebels shelled the airport of Aleppo."}' | tocsin tag | jq .claims"""
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@config_option
def tag(files: tuple[Path, ...], config: Path | None) -> None:
    """Tag texts: {"id", "text", "title"?, "lang"?, "published_at"?} lines in, tagged documents out.

    Offsets count Unicode code points of the given text, which is returned unaltered.
    Reads FILES, or standard input. A line that cannot be used gives {"id", "error"} and exit code 1 at the end.
    """
    from streams.resources import resources_for
    from streams.tag import tag_line

    resources = resources_for(settings_from(config))
    _filter(files, lambda line: tag_line(line, resources, now()))


def _filter(files: tuple[Path, ...], change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer every line; bad input never loses good input."""
    bad = 0
    out = sys.stdout.buffer
    for where, line in _lines(files):
        answer = _answer(where, line, change)
        bad += "error" in answer
        out.write(msgspec.json.encode(answer) + b"\n")
        out.flush()
    if bad:
        click.echo(f'{bad} line{"s" * (bad > 1)} could not be used: see the answers with an "error"', err=True)
        sys.exit(1)


def _answer(where: str, line: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    given: Any = None
    try:
        if len(line) > _MAX_LINE:
            raise Quarantine(f"line longer than {_MAX_LINE:,} bytes")
        given = json.loads(line)  # accepts lone surrogates, which real pages contain
        if not isinstance(given, dict):
            raise Quarantine("not a JSON object")
        answer = change(given)
        msgspec.json.encode(answer)
    except (Quarantine, ValueError, RecursionError) as error:
        return {"id": given.get("id") if isinstance(given, dict) else None, "error": f"{where}: {error}"}
    return answer


def _lines(files: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for path in files or (Path("-"),):
        name = "standard input" if str(path) == "-" else str(path)
        try:
            source: IO[bytes] = sys.stdin.buffer if str(path) == "-" else path.open("rb")
        except OSError as error:
            raise UsageError(f"{path}: cannot read: {error.strerror}") from error
        with source:
            for number, line in enumerate(source, 1):
                if line.strip():
                    yield f"{name}:{number}", line
