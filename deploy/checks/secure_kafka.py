"""The broker of deploy/compose.yaml on this machine's loopback: its own start.sh and server.properties, with other ports and folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.checks.composition import ROOT
from deploy.servers import Missing, free_port, programs
from deploy.servers import kafka as plain
from deploy.servers.process import Server, listening

_PROGRAMS = {"storage": "kafka.tools.StorageTool", "configs": "kafka.admin.ConfigCommand", "server-start": "kafka.Kafka"}
"""What the scripts of a distribution start; the jars that Maven brings have no scripts."""


class SecureKafka(Server):
    """Kafka with TLS and SCRAM. `secrets`: a folder that deploy.credentials has filled."""

    kind = "kafka"

    def __init__(self, port: int, folder: Path, secrets: Path, *, tied: bool = False) -> None:
        super().__init__(port, folder, tied=tied)
        self._secrets = secrets

    @property
    def address(self) -> str:
        """Host and port; the certificate is for localhost too."""
        return f"localhost:{self.port}"

    def prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Write scripts and configuration. Raises Missing."""
        libraries, java = programs.kafka_libraries(plain.VERSION), programs.java(17) / "bin" / "java"
        scripts = self.folder / "bin"
        scripts.mkdir(exist_ok=True)
        for name, main in _PROGRAMS.items():
            path = scripts / f"kafka-{name}.sh"
            options = f"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Djava.io.tmpdir={self.folder}"
            path.write_text(f'#!/bin/sh\nexec {java} $KAFKA_HEAP_OPTS {options} -cp "{libraries}/*" {main} "$@"\n', encoding="utf-8")
            path.chmod(0o755)
        controller, local = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        text = (ROOT / "deploy" / "kafka" / "server.properties").read_text(encoding="utf-8")
        for there, here in (
            ("CLIENTS://0.0.0.0:9092", f"CLIENTS://127.0.0.1:{self.port}"),
            ("CLIENTS://kafka:9092", f"CLIENTS://localhost:{self.port}"),
            ("127.0.0.1:9093", controller),
            ("127.0.0.1:9094", local),
            ("/run/secrets/", f"{self._secrets}/"),
            ("/var/lib/kafka/data", str(self.folder / "data")),
        ):
            if there not in text:
                raise Missing(f"deploy/kafka/server.properties has no {there}")
            text = text.replace(there, here)
        properties = self.folder / "server.properties"
        properties.write_text(text, encoding="utf-8")
        environment = {
            "KAFKA_PROGRAMS": str(scripts),
            "KAFKA_PROPERTIES": str(properties),
            "KAFKA_PASSWORD_FILE": str(self._secrets / "kafka_password"),
            "KAFKA_LOCAL": local,
            "KAFKA_WORK": str(self.folder),
            "KAFKA_HEAP_OPTS": "-Xmx768m",
        }
        return ["bash", str(ROOT / "deploy" / "kafka" / "start.sh")], environment

    def ready(self) -> bool:
        """As its health check in compose.yaml: the password is set, and the door for clients is open."""
        return (self.folder / "READY").exists() and listening(self.port)
