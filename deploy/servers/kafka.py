"""A single Kafka broker that is its own controller (KRaft)."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.servers import programs
from deploy.servers.process import Server, free_port, listening
from deploy.servers.programs import Missing

VERSION = "4.3.1"
_CLUSTER = "5L6g3nShT-eMCtK--X86sw"  # any 16 bytes in base64: a broker refuses the data folder of another cluster

_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=1
# A topic that nobody created is a mistake to be seen, not to be papered over.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.segment.bytes=134217728
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
{extra}
"""


class Kafka(Server):
    """Kafka on loopback. `extra`: further lines of its configuration, by name."""

    kind = "kafka"

    def __init__(
        self,
        port: int = 9092,
        folder: Path | None = None,
        *,
        version: str = VERSION,
        heap: str = "768m",
        extra: Mapping[str, str] | None = None,
        tied: bool = False,
    ) -> None:
        super().__init__(port, folder, tied=tied)
        self.version = version
        self._heap = heap
        self._extra = dict(extra or {})

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Bring the jars, write the configuration, format the data folder once."""
        java = programs.java(17) / "bin" / "java"
        jars = programs.kafka_libraries(self.version)
        data, temporary = self.folder / "data", self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        properties = self.folder / "server.properties"
        controller = self.folder / "controller-port"  # chosen once: it is written into the data too
        if not controller.exists():
            controller.write_text(str(free_port()), encoding="ascii")
        lines = "\n".join(f"{name}={value}" for name, value in self._extra.items())
        properties.write_text(
            _PROPERTIES.format(port=self.port, controller=controller.read_text(encoding="ascii"), data=data, extra=lines), encoding="utf-8"
        )
        command = [
            str(java),
            "-cp",
            f"{jars}/*",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            f"-Djava.io.tmpdir={temporary}",  # unpacked libraries that a killed broker leaves behind go with its folder
        ]
        if not (data / "meta.properties").exists():
            formatting = [*command, "-Xmx128m", "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)]
            done = subprocess.run(formatting, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Missing(f"Kafka could not format {data}: {(done.stderr or done.stdout).strip()[-500:]}")
        return [*command, "-Xms256m", f"-Xmx{self._heap}", "-XX:+UseG1GC", "-Djava.awt.headless=true", "kafka.Kafka", str(properties)], {}

    def ready(self) -> bool:
        """Whether it takes connections: it does so only when it can serve requests."""
        return listening(self.port)
