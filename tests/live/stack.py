"""The whole distributed run as real processes, each with its log in a file: started, hurt, waited for by facts, and stopped."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

from elasticsearch import ApiError, Elasticsearch, TransportError
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from msgspec import structs

from deploy.servers import free_port
from tests.live import corpus, indices
from tocsin import topics
from tocsin.settings import Settings

WORKERS = tuple(f"worker --stage {stage}" for stage in topics.STAGES)
SINK = "sink elasticsearch"
STREAM = (*WORKERS, SINK)
"""From clean articles to documents."""
CRAWL = ("schedule", "fetch")
GROUPS: tuple[tuple[str, tuple[topics.Topic, ...]], ...] = (
    ("cluster", (topics.INCOMING,)),
    ("tag", (topics.ARTICLES,)),
    ("alerts", (topics.SIGHTINGS,)),
    ("ledger", (topics.CLAIMS,)),
    ("sink-elasticsearch", tuple(topic for topic in topics.ALL if "sink" in topic.readers)),
)
"""Groups and what they read, in the order of the stream: once one has read everything, nothing new comes to the next."""


class Ended(AssertionError):
    """A service that should work has ended."""


class Service:
    """One process. `name`: its command line after `tocsin`."""

    def __init__(self, name: str, node: str, settings: Settings, log: Path) -> None:
        self.name, self.node, self.settings, self.log = name, node, settings, log
        self.port = free_port()
        self.expected_to_end = False
        given = structs.replace(settings, node=node, health_port=self.port)
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", *name.split()], env=environment(given), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self.process.poll()

    def said(self) -> str:
        """All that this and earlier processes of its name and node have said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ready(self) -> int:
        """What /ready answers: 200, 503; 0: nothing."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    def send(self, number: int) -> None:
        """A signal; what it does is no surprise."""
        self.expected_to_end = True
        if self.code is None:
            self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Send a signal, wait, and return the exit code; killed when it takes longer than `seconds`."""
        self.send(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {seconds} s of signal {number}: {self.said()[-500:]}") from None


class Stack:
    """Use it as a context manager: whatever it started is ended with the block."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """`settings`: of all services; `folder`: for logs."""
        self.settings, self._folder = settings, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.services: list[Service] = []
        self._clients: tuple[KafkaAdminClient, KafkaConsumer] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for service in self.services:
            service.send(signal.SIGKILL if kind else signal.SIGTERM)
        for service in self.services:
            with suppress(AssertionError):
                service.end(signal.SIGKILL if kind else signal.SIGTERM)
        self._disconnect()

    def prepare(self) -> Self:
        """Topics and indices, as an operator makes them."""
        self.command("topics", "create")
        self.command("setup", "elasticsearch")
        return self

    def command(self, *arguments: str) -> str:
        """Run a `tocsin` command to its end; its output. Raises AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *arguments],
            env=environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"tocsin {' '.join(arguments)}: {done.stdout[-500:]} {done.stderr[-500:]}"
        return done.stdout

    def submit(self, lines: list[corpus.Line], *options: str) -> None:
        """Clean articles and pages into the stream, in order."""
        path = corpus.write_lines(self._folder / f"input-{time.monotonic_ns()}.jsonl", lines)
        self.command("submit", *options, str(path))

    def start(self, *names: str, node: str = "", **changed: Any) -> list[Service]:
        """Start services by their command lines; `node`: of these, else the settings' own; `changed`: settings of these alone."""
        node, settings = node or self.settings.node, structs.replace(self.settings, **changed)
        new = [Service(name, node, settings, self._folder / f"{name.replace(' ', '-')}@{node}.log") for name in names]
        self.services += new
        return new

    def again(self, service: Service) -> Service:
        """Start an ended service once more, as its supervisor would."""
        service.expected_to_end = True
        self.services.append(Service(service.name, service.node, service.settings, service.log))
        return self.services[-1]

    def wait(self, what: Callable[[], Any], seconds: float = 60.0, why: str = "") -> None:
        """Until something is so. Raises Ended when a service ends meanwhile, AssertionError after `seconds`."""
        until = time.monotonic() + seconds
        while not what():
            for service in self.services:
                if service.code is not None and not service.expected_to_end:
                    raise Ended(f"{service.name}@{service.node} ended with {service.code}: {service.said()[-800:]}")
            if time.monotonic() > until:
                raise AssertionError(f"not so within {seconds:.0f} s: {why}; behind: {self.lags()}; {self._last_words()}")
            time.sleep(0.2)

    def wait_until_ready(self, *services: Service, seconds: float = 90.0) -> None:
        """Until services have what they need to work."""
        for service in services or self.services:
            self.wait(lambda service=service: service.code is not None or service.ready() == 200, seconds, f"{service.name} ready")  # type: ignore[misc]

    def wait_until_done(self, seconds: float = 120.0, groups: Iterable[str] = ()) -> None:
        """Until everything on the topics has been read and its results kept; `groups`: only these."""
        chosen = [(service, read) for service, read in GROUPS if not groups or service in groups]
        for service, read in chosen:
            self.wait(lambda service=service, read=read: self.lag(service, *read) == 0, seconds, f"{service} has read all")  # type: ignore[misc]

    def refresh(self) -> None:
        """Let readers see all that is written."""
        with Elasticsearch(self.settings.elasticsearch, request_timeout=30) as client:
            client.indices.refresh(index=f"{self.settings.prefix}-*")

    def lag(self, service: str, *read: topics.Topic) -> int | None:
        """Messages that a group has not committed; None when no broker tells."""
        wanted = [name for topic in read for name in topics.lanes(self.settings, topic)]
        group = topics.group(self.settings, service)
        try:
            admin, reader = self._connected()
            parts = [TopicPartition(name, number) for name in wanted for number in sorted(reader.partitions_for_topic(name) or ())]
            ends = reader.end_offsets(parts)
            committed = admin.list_group_offsets([group])[group]
            return sum(ends[part] - max(0, committed[part].offset if part in committed else 0) for part in parts)
        except (KafkaError, OSError, ValueError):
            self._disconnect()
            return None

    def lags(self) -> dict[str, int | None]:
        """Of every group of the stream."""
        return {service: self.lag(service, *read) for service, read in GROUPS}

    def _last_words(self) -> str:
        """The end of what each service has said."""
        return "; ".join(f"{service.name}@{service.node} ({service.ready()}): {service.said()[-600:]}" for service in self.services)

    def _connected(self) -> tuple[KafkaAdminClient, KafkaConsumer]:
        if self._clients is None:
            options = {"bootstrap_servers": self.settings.kafka, "bootstrap_timeout_ms": 5_000}
            admin = KafkaAdminClient(**options)
            self._clients = admin, KafkaConsumer(**options, enable_auto_commit=False)
        return self._clients

    def _disconnect(self) -> None:
        for client in self._clients or ():
            with suppress(KafkaError, OSError, ValueError):
                client.close()
        self._clients = None


@contextmanager
def stack(kafka: str, elasticsearch: str, folder: Path, **changed: Any) -> Iterator[Stack]:
    """A prepared stack under a prefix of its own, on servers that are up; nothing of it is left afterwards. `changed`: further settings."""
    values: dict[str, Any] = {"partitions": 4, "node": "one", "workers": 1, "sink_linger": 0.2, "host_delay": 0.0, **changed}
    settings = Settings(prefix=f"t{secrets.token_hex(5)}", kafka=kafka, elasticsearch=elasticsearch, data=str(folder / "data"), **values)
    try:
        with Stack(settings, folder / "logs") as made:
            yield made.prepare()
    finally:
        remove_topics(kafka, settings.prefix)
        with suppress(ApiError, TransportError), Elasticsearch(elasticsearch, request_timeout=30) as client:
            indices.remove(client, settings.prefix)


def remove_topics(kafka: str, prefix: str) -> None:
    """Every topic under a prefix; nothing happens when the broker is gone."""
    with suppress(KafkaError, OSError, ValueError), closing(KafkaAdminClient(bootstrap_servers=kafka, bootstrap_timeout_ms=5_000)) as admin:
        if names := [name for name in admin.list_topics() if name.startswith(f"{prefix}-")]:
            admin.delete_topics(names, timeout_ms=10_000)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings."""
    return {**os.environ, **{f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}}
