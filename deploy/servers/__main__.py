"""`python -m deploy.servers COMMAND kafka|elasticsearch`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from deploy.servers import Elasticsearch, Kafka, Missing, Server, User, programs
from deploy.servers import elasticsearch as es
from deploy.servers import kafka as kf

_COMMANDS = ("start", "stop", "status", "kill", "pause", "resume", "wipe", "fetch")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("command", type=click.Choice(_COMMANDS))
@click.argument("kind", type=click.Choice(("kafka", "elasticsearch")))
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 9092 for Kafka, 9200 for Elasticsearch.")
@click.option("--folder", type=click.Path(path_type=Path), help="Folder of data, configuration and log; default: one in the cache.")
@click.option("--version", help=f"Default: Kafka {kf.VERSION}, Elasticsearch {es.VERSION} ({es.OLDER} works too).")
@click.option("--heap", help="Memory of its Java heap; default: 768m for Kafka, 1g for Elasticsearch.")
@click.option(
    "--users",
    type=click.File(encoding="utf-8"),
    help="Switch security on, with the users of this file: NAME:PASSWORD[:ROLE,..], one a line; - reads them from standard input.",
)
@click.option("--roles", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A roles.yml with the roles of these users.")
@click.option("--tls", is_flag=True, help="HTTPS, with a certificate of our own (its authority's is printed).")
@click.option("--days", default=30, show_default=True, help="Days the certificate is valid; negative: already expired.")
def main(
    command: str,
    kind: str,
    port: int | None,
    folder: Path | None,
    version: str | None,
    heap: str | None,
    users: TextIO | None,
    roles: Path | None,
    tls: bool,
    days: int,
) -> None:
    """Run a real Kafka or Elasticsearch on this machine's loopback, without containers.

    `fetch` only brings the programs; `wipe` stops the server and removes its data; `kill`, `pause` and `resume` are for drills.
    """
    given: dict[str, Any] = {name: value for name, value in (("version", version), ("heap", heap)) if value}
    server: Server
    if kind == "kafka":
        if users or roles or tls:
            raise click.UsageError("--users, --roles and --tls are for Elasticsearch")
        server = Kafka(port or 9092, folder, **given)
    else:
        listed = [_user(line.strip()) for line in users or () if line.strip()]
        server = Elasticsearch(port or 9200, folder, users=listed, roles=roles, tls=tls, days=days, **given)
    try:
        sys.exit(_DO[command](server))
    except Missing as error:
        click.echo(f"{kind}: {error}", err=True)
        sys.exit(2)


def _user(text: str) -> User:
    name, _, rest = text.partition(":")
    password, _, roles = rest.partition(":")
    if not name or len(password) < 6:
        raise click.UsageError(f"--users, {name}: give NAME:PASSWORD, and a password of at least six characters")
    return User(name, password, tuple(roles.split(",")) if roles else ("superuser",))


def _start(server: Server) -> int:
    server.start()
    click.echo(f"{server.kind} is up at {server.address} (pid {server.pid()}, {server.folder})")
    if isinstance(server, Elasticsearch) and server.authority.exists():
        click.echo(f"certificate authority: {server.authority}")
    return 0


def _stop(server: Server) -> int:
    click.echo("stopped" if server.stop() else "was not up")
    return 0


def _status(server: Server) -> int:
    pid = server.pid()
    click.echo(f"up: pid {pid}, {server.address}" if pid is not None else "down")
    return 0 if pid is not None else 1


def _kill(server: Server) -> int:
    click.echo("killed" if server.kill() else "was not up")
    return 0


def _pause(server: Server) -> int:
    server.pause()
    return 0


def _resume(server: Server) -> int:
    server.resume()
    return 0


def _wipe(server: Server) -> int:
    server.wipe()
    return 0


def _fetch(server: Server) -> int:
    if isinstance(server, Kafka):
        click.echo(programs.kafka_libraries(server.version))
    elif isinstance(server, Elasticsearch):
        click.echo(programs.elasticsearch_home(server.version))
    return 0


_DO: dict[str, Callable[[Server], int]] = {
    "start": _start, "stop": _stop, "status": _status, "kill": _kill, "pause": _pause, "resume": _resume, "wipe": _wipe, "fetch": _fetch,
}  # fmt: skip

if __name__ == "__main__":
    main()
