"""Real Kafka and real Elasticsearch for the tests of this folder, started when the first test asks for them, stopped at the end.

    def test_something(kafka: str, settings: Settings) -> None: ...

`kafka` and `elasticsearch` are the addresses of servers that all tests share; `settings` points at those the test asks for, under a
prefix of its own, and what was made under that prefix is removed afterwards. A test that breaks its server asks for `servers` and starts
one of its own. Servers that are up already are used when TOCSIN_KAFKA or TOCSIN_ELASTICSEARCH name them.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.servers import Elasticsearch, Kafka, Missing, Server, free_port, programs
from tocsin.settings import Settings

_STALE = 3600.0  # seconds: folders of runs that were killed


@pytest.hookimpl(tryfirst=True)  # before the option -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    from tests.live.drills import ROWS, table

    if ROWS:
        terminalreporter.write_line(f"\n{table(ROWS)}")


class Servers:
    """Starts servers on free ports, and removes whatever is left of them at the end. They die with this process."""

    def __init__(self) -> None:
        self._made: list[Server] = []

    def kafka(self, **options: Any) -> Kafka:
        """Start a broker; `options` as of deploy.servers.Kafka."""
        port, folder = _place()
        server = Kafka(port, folder, tied=True, **options)
        self._start(server)
        return server

    def elasticsearch(self, **options: Any) -> Elasticsearch:
        """Start a node; `options` as of deploy.servers.Elasticsearch."""
        port, folder = _place()
        server = Elasticsearch(port, folder, tied=True, **options)
        self._start(server)
        return server

    def wipe(self) -> None:
        """Stop all, and remove their folders."""
        while self._made:
            self._made.pop().wipe()

    def _start(self, server: Server) -> None:
        self._made.append(server)
        try:
            server.start()
        except Missing as error:
            _lacking(str(error))


@pytest.fixture
def servers() -> Iterator[Servers]:
    """For tests that break their server: `servers.kafka()`, then kill, pause, resume, start."""
    own = Servers()
    yield own
    own.wipe()


@pytest.fixture(scope="session")
def _shared() -> Iterator[Servers]:
    _sweep()
    shared = Servers()
    yield shared
    shared.wipe()


@pytest.fixture(scope="session")
def kafka(_shared: Servers) -> str:
    """host:port of a broker that all tests share."""
    return os.environ.get("TOCSIN_KAFKA") or _shared.kafka().address


@pytest.fixture(scope="session")
def elasticsearch(_shared: Servers) -> str:
    """URL of an Elasticsearch without security that all tests share; ELASTICSEARCH_VERSION=8.19.21 takes an older one."""
    version = os.environ.get("ELASTICSEARCH_VERSION")
    return os.environ.get("TOCSIN_ELASTICSEARCH") or _shared.elasticsearch(**({"version": version} if version else {})).address


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings that point at the servers the test asks for, with a prefix, a data folder and few partitions of its own."""
    asked = {name: request.getfixturevalue(name) for name in ("kafka", "elasticsearch") if name in request.fixturenames}
    prefix = f"t{secrets.token_hex(5)}"
    yield Settings(prefix=prefix, data=str(tmp_path / "data"), node="test", partitions=4, workers=1, **asked)
    if "kafka" in asked:
        _remove_topics(asked["kafka"], prefix)
    if "elasticsearch" in asked:
        _remove_indices(asked["elasticsearch"], prefix)


def _place() -> tuple[int, Path]:
    # Not pytest's own folder for temporary files: nobody but its owner may enter that, and Elasticsearch does not run as root.
    try:
        port = free_port()
        return port, programs.base() / f"test-{os.getpid()}-{port}"
    except Missing as error:
        _lacking(str(error))


def _lacking(reason: str) -> NoReturn:
    """Skip on a machine that lacks Java or Maven; where the whole suite is meant to run, fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _sweep() -> None:
    with suppress(Missing):
        for folder in programs.base().glob("test-*"):
            owner = folder.name.split("-")[1]
            if not Path("/proc", owner).exists() and time.time() - folder.stat().st_mtime > _STALE:
                shutil.rmtree(folder, ignore_errors=True)


def _remove_topics(address: str, prefix: str) -> None:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    with suppress(KafkaError):
        admin = KafkaAdminClient(bootstrap_servers=address, client_id="tests", bootstrap_timeout_ms=5_000)
        try:
            names = [name for name in admin.list_topics() if name.startswith(f"{prefix}-")]
            if names:
                admin.delete_topics(names, timeout_ms=10_000)
        finally:
            admin.close()


def _remove_indices(address: str, prefix: str) -> None:
    from elasticsearch import ApiError, TransportError
    from elasticsearch import Elasticsearch as Client

    with suppress(ApiError, TransportError), Client(address, request_timeout=30) as client:
        for name in client.indices.get(index=f"{prefix}-*", expand_wildcards="all").body:
            client.indices.delete(index=name)
