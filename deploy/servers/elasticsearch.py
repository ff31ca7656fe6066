"""A single Elasticsearch node, the real server less most of its modules; security and TLS by option."""

import base64
import hashlib
import os
import shutil
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple

from deploy.servers import certificates, programs
from deploy.servers.process import Server, free_port

VERSION = "9.5.3"
OLDER = "8.19.21"
_MODULES = ("jdk.jlink", "jdk.jdi", "jdk.incubator.vector")  # what it asks of its Java, and small ones lack


class User(NamedTuple):
    """Someone who may log in (Elasticsearch's file realm). The role "superuser" always exists; others stand in the roles file."""

    name: str
    password: str
    roles: tuple[str, ...] = ("superuser",)


class Elasticsearch(Server):
    """Elasticsearch on loopback.

    `users`: security is on when there are any. `roles`: a roles.yml that defines further roles. `tls`: HTTPS with a certificate that
    `authority` vouches for, valid for `days`. `extra`: further settings of elasticsearch.yml, by name.
    """

    kind = "elasticsearch"
    unprivileged = True

    def __init__(
        self,
        port: int = 9200,
        folder: Path | None = None,
        *,
        version: str = VERSION,
        heap: str = "1g",
        users: Sequence[User] = (),
        roles: Path | None = None,
        tls: bool = False,
        days: int = 30,
        extra: Mapping[str, str] | None = None,
        tied: bool = False,
    ) -> None:
        super().__init__(port, folder, tied=tied)
        self.version = version
        self._heap = heap
        self._users = tuple(users)
        self._roles = roles
        self._tls = tls
        self._days = days
        self._extra = dict(extra or {})

    @property
    def address(self) -> str:
        """URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """Certificate of the authority that a client must trust, with `tls`; readable once started."""
        return self.folder / "config" / "certificates" / "ca.crt"

    def prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Bring the server and write its configuration; certificates are made once and kept, delete them for new ones."""
        java = programs.java(21, modules=_MODULES, for_all=True)
        home = programs.elasticsearch_home(self.version)
        config, temporary = self.folder / "config", self.folder / "tmp"
        for folder in (config, temporary, self.folder / "data", self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("jvm.options", "log4j2.properties"):
            shutil.copyfile(home / "config" / name, config / name)
        settings = {
            "cluster.name": "local",
            "node.name": "local",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(free_port()),
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            # The share of free space on a developer's disk is no reason to stop a test.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "true" if self._users else "false",
        }
        if self._users:
            self._write_users(config)
        if self._tls:
            if not self.authority.exists():
                certificates.make(self.authority.parent, days=self._days)
            settings |= {
                "xpack.security.http.ssl.enabled": "true",
                "xpack.security.http.ssl.key": "certificates/http.key",
                "xpack.security.http.ssl.certificate": "certificates/http.crt",
            }
        settings |= self._extra
        (config / "elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()), encoding="utf-8")
        environment = {
            "ES_JAVA_HOME": str(java),
            "ES_PATH_CONF": str(config),
            "ES_TMPDIR": str(temporary),
            "ES_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap}",
            "HOME": str(self.folder),
        }
        return [str(home / "bin" / "elasticsearch")], environment

    def ready(self) -> bool:
        """Whether it answers a request for its health; with security, whether it asks who we are."""
        return _status(self.port, tls=self._tls) in ((200, 401) if self._users else (200,))

    def _write_users(self, config: Path) -> None:
        (config / "users").write_text("".join(f"{user.name}:{_hashed(user.password)}\n" for user in self._users), encoding="utf-8")
        of_role: dict[str, list[str]] = {}
        for user in self._users:
            for role in user.roles:
                of_role.setdefault(role, []).append(user.name)
        (config / "users_roles").write_text("".join(f"{role}:{','.join(names)}\n" for role, names in of_role.items()), encoding="utf-8")
        if self._roles is not None:
            shutil.copyfile(self._roles, config / "roles.yml")


def _hashed(password: str, cost: int = 10_000) -> str:
    """Return a password as Elasticsearch stores it: PBKDF2 with HMAC-SHA-512, 32 bytes of salt and of hash."""
    salt = os.urandom(32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, cost, 32)
    return f"{{PBKDF2}}{cost}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _status(port: int, *, tls: bool) -> int:
    """Return the HTTP status of a request for the cluster's health; 0: no answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only whether it is up; an expired certificate is up too
    client = HTTPSConnection("127.0.0.1", port, timeout=3, context=context) if tls else HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        client.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        return client.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        client.close()
