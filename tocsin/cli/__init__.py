"""The command line. Each subcommand lives in a module that is imported only when it is called, so that `--help` stays quick.

Exit codes: 0 done or found, 1 nothing found, 2 something for the person to change, 70 a bug, 130 interrupted.
"""

import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from tocsin import __version__
from tocsin.errors import TocsinError

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module and attribute, one line for `tocsin --help`), in the order a newcomer needs them
    "demo": ("tocsin.cli.demo:demo", "Serve the sample site, run the pipeline on it, show what came out."),
    "run": ("tocsin.cli.write:run", "Poll the sources and ingest until stopped."),
    "ingest": ("tocsin.cli.write:ingest", "Ingest files, folders, WARC files, JSON lines or URLs."),
    "search": ("tocsin.cli.read:search", "Find articles by words, actors, places and claims."),
    "show": ("tocsin.cli.read:show", "One article with its claims marked in the text."),
    "rules": ("tocsin.cli.rules:rules", "Alert rules: check them, try their examples, see what they would have rung."),
    "alerts": ("tocsin.cli.alerts:alerts", "What rang and why; silence, acknowledge, call it false."),
    "incidents": ("tocsin.cli.incidents:incidents", "What is said to have happened: figures, who says so, who denies it."),
    "trace": ("tocsin.cli.read:trace", "Everything that happened to a URL, and why."),
    "report": ("tocsin.cli.read:report", "What is in the store, counted."),
    "clean": ("tocsin.cli.filters:clean", "Filter: pages in, cleaned articles out (JSON lines)."),
    "tag": ("tocsin.cli.filters:tag", "Filter: articles in, tagged documents out (JSON lines)."),
    "topics": ("tocsin.cli.topics:topics", "Create the topics on Kafka; see how far services are behind (distributed run)."),
    "schedule": ("tocsin.cli.crawl:schedule", "Service: decide what is asked when (distributed run)."),
    "fetch": ("tocsin.cli.crawl:fetch", "Service: ask hosts, archive and clean what they answer (distributed run)."),
    "worker": ("tocsin.cli.worker:worker", "Process the stream: cluster, tag, alerts, ledger."),
    "setup": ("tocsin.cli.sinks:setup", "Make Elasticsearch ready (indices, aliases) and Kibana (dashboards)."),
    "sink": ("tocsin.cli.sinks:sink", "Service: write results into Elasticsearch or files (distributed run)."),
    "notify": ("tocsin.cli.notify:notify", "Service: tell alerts to mail, chats and programs, each once; see what was told."),
    "submit": ("tocsin.cli.crawl:submit", "Send files, folders, WARC files, JSON lines or URLs into the distributed run."),
    "replay": ("tocsin.cli.replay:replay", "Build an index anew from the topics or the archive (distributed run)."),
    "dead-letters": ("tocsin.cli.dead_letters:dead_letters", "Messages that broke a stage: look at them, send them again."),
    "settings": ("tocsin.cli.settings:settings", "All settings, their values, and where each comes from."),
}


def available() -> list[str]:
    """Names of the subcommands whose module is here, in the order of the table."""
    modules = {module for module, _, _ in (where.partition(":") for where, _ in COMMANDS.values())}
    here = {module for module in modules if importlib.util.find_spec(module)}
    return [name for name, (where, _) in COMMANDS.items() if where.partition(":")[0] in here]


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names, in the order of the table."""
        return available()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a subcommand."""
        if cmd_name not in available():
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in available()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`tocsin COMMAND --help` shows examples.",
)
@click.version_option(__version__, "-V", "--version", prog_name="tocsin", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", count=True, help="Tell more on stderr; twice for everything.")
@click.pass_context
def cli(context: click.Context, verbose: int) -> None:
    """Tocsin: web news as attributed claims, searchable, with alerts that say why they rang."""
    context.obj = verbose
    if verbose:
        logging.basicConfig(level=logging.DEBUG if verbose > 1 else logging.INFO, format="%(levelname)s %(name)s: %(message)s")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; every expected failure is one line on stderr."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has had enough. What is still buffered would raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except OSError as error:  # e.g. standard output on a full disk
        code = _fail(f"{error.filename or 'standard output'}: {error.strerror or error}", 2)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    output = sys.stdout
    try:
        result = cli.main(arguments, prog_name="tocsin", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except SystemExit as leaving:
        if sys.stdout is not output:  # click's answer to a closed pipe: it wraps the output and leaves with 1
            raise BrokenPipeError from leaving
        raise
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "tocsin"
        return _fail(f"{error.format_message().rstrip('.')}: `{command} --help` tells how to call it", error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except TocsinError as error:
        return _fail(str(error), error.exit_code)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - the last door: a bug is reported in one line too
        if any(item in ("-v", "-vv", "--verbose") for item in arguments):
            traceback.print_exc()
        return _fail(f"bug: {type(error).__name__}: {error} (run `tocsin -v ...` for the traceback, and report it)", 70)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    from tocsin.cli.screen import one_line

    click.echo(f"tocsin: {one_line(message)}", err=True)
    return code
