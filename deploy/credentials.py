"""Passwords, certificates and configuration that hold secrets, for deploy/compose.yaml: made once, renewed on demand.

    python3 -m deploy.credentials                        # whatever is missing in deploy/secrets; what is there stays
    python3 -m deploy.credentials --renew passwords      # new passwords (not of whoever logs in to Kibana: --renew people)
    python3 -m deploy.credentials --renew certificates   # of the servers, by the same authority; --renew authority: that too

Needs Python and the program `openssl`, nothing of Tocsin. The folder is closed to everybody but its owner; the files in it are readable by
all, because each is shown to one container only, whose user has another number. Files are rewritten in place: a container that has one
mounted sees the new text.
"""

import argparse
import base64
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"
DAYS = 825
"""Of certificates: the longest that browsers take for one of your own authority."""
SERVERS = ("elasticsearch", "kafka", "kibana")
PEOPLE = ("analyst", "operator")
"""Elasticsearch users that people log in as: `analyst` reads and has Kibana, `operator` may do everything."""
KINDS = ("passwords", "people", "certificates", "authority")
"""What can be renewed."""
ROLES = {
    "setup": ("tocsin_setup", "kibana_admin"),
    "sink": ("tocsin_sink",),
    "reader": ("tocsin_reader",),
    "kibana": ("kibana_system",),
    "analyst": ("tocsin_reader", "viewer"),
    "operator": ("superuser",),
}
"""Users of Elasticsearch and their roles: those of deploy/elasticsearch/roles.yml, and its own."""

_KIBANA = """server.name: kibana
server.host: 0.0.0.0
server.ssl.enabled: true
server.ssl.certificate: /run/secrets/kibana.crt
server.ssl.key: /run/secrets/kibana.key
elasticsearch.hosts: ["https://elasticsearch:9200"]
elasticsearch.ssl.certificateAuthorities: ["/run/secrets/ca.crt"]
elasticsearch.username: kibana
elasticsearch.password: {password}
xpack.encryptedSavedObjects.encryptionKey: {objects}
xpack.reporting.encryptionKey: {reporting}
xpack.security.encryptionKey: {sessions}
# Nothing is asked of the internet: no map service, no news, no telemetry.
map.includeElasticMapsService: false
newsfeed.enabled: false
telemetry.optIn: false
telemetry.allowChangingOptInStatus: false
"""


class Unable(Exception):
    """It cannot be done; the message says what to do."""


def make(folder: Path = FOLDER, renew: frozenset[str] = frozenset()) -> list[str]:
    """Make what is missing, and what `renew` names (see KINDS); return what was made, in order.

    Raises Unable without openssl, or when it fails.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made: list[str] = []

    def write(name: str, text: str) -> None:
        path = folder / name
        before = path.read_text(encoding="utf-8") if path.exists() else None
        if text == before:
            return
        path.touch(mode=0o644)
        path.chmod(0o644)
        path.write_text(text, encoding="utf-8")
        made.append(name)

    for name in ("kafka", *ROLES):
        path = folder / _password_file(name)
        kind = "people" if name in PEOPLE else "passwords"
        if kind in renew or not path.exists():
            write(path.name, secrets.token_urlsafe(24) + "\n")
    for name in ("objects", "reporting", "sessions"):  # never renewed: what Kibana keeps is encrypted with them
        if not (folder / f"kibana_{name}_key").exists():
            write(f"kibana_{name}_key", secrets.token_hex(24) + "\n")
    _certificates(folder, write, renew)
    _users(folder, write)
    keys = {name: _read(folder / f"kibana_{name}_key") for name in ("objects", "reporting", "sessions")}
    write("kibana.yml", _KIBANA.format(password=_read(folder / _password_file("kibana")), **keys))
    return made


def hashed(password: str, salt: bytes, cost: int = 10_000) -> str:
    """Return a password as Elasticsearch stores it: PBKDF2 with HMAC-SHA-512, 32 bytes of salt and of hash."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, cost, 32)
    return f"{{PBKDF2}}{cost}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _password_file(name: str) -> str:
    return "kafka_password" if name == "kafka" else f"elasticsearch_{name}_password"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _users(folder: Path, write: Callable[[str, str], None]) -> None:
    """The file realm of Elasticsearch: users are there before its first start, and a change is read within seconds."""
    path = folder / "users"
    known = dict(line.split(":", 1) for line in path.read_text(encoding="utf-8").splitlines()) if path.exists() else {}
    lines = []
    for name in ROLES:
        password, before = _read(folder / _password_file(name)), known.get(_user(name), "")
        salt = base64.b64decode(before.split("$")[1]) if before.count("$") == 2 else os.urandom(32)
        lines.append(f"{_user(name)}:{before if before == hashed(password, salt) else hashed(password, os.urandom(32))}\n")
    write("users", "".join(lines))
    of_role: dict[str, list[str]] = {}
    for name, roles in ROLES.items():
        for role in roles:
            of_role.setdefault(role, []).append(_user(name))
    write("users_roles", "".join(f"{role}:{','.join(names)}\n" for role, names in of_role.items()))


def _user(name: str) -> str:
    return name if name in (*PEOPLE, "kibana") else f"tocsin-{name}"


_CONFIG = """[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}, DNS:localhost, IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def _certificates(folder: Path, write: Callable[[str, str], None], renew: frozenset[str]) -> None:
    fresh = "authority" in renew or not (folder / "ca.crt").exists()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        config, key, request, certificate = (work / name for name in ("openssl.cnf", "key.pem", "request.pem", "certificate.pem"))
        new_key = ("req", "-config", config, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key)
        if fresh:
            config.write_text(_CONFIG.format(name="Tocsin authority"), encoding="ascii")
            _openssl(*new_key, "-x509", "-extensions", "authority", "-days", "3650", "-out", certificate)
            write("ca.crt", certificate.read_text(encoding="ascii"))
            write("ca.key", key.read_text(encoding="ascii"))
            (folder / "ca.key").chmod(0o600)  # of all files the one that no container sees
        for name in SERVERS:
            if not (fresh or "certificates" in renew) and (folder / f"{name}.crt").exists():
                continue
            if not (folder / "ca.key").exists():
                raise Unable(f"{folder / 'ca.key'} is not there to sign with: put it back, or make all new with --renew authority")
            config.write_text(_CONFIG.format(name=name), encoding="ascii")
            _openssl(*new_key, "-out", request)
            signing = ("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-set_serial", f"0x{secrets.token_hex(15)}")
            extensions = ("-extfile", config, "-extensions", "server")
            _openssl("x509", "-req", "-in", request, *signing, "-days", str(DAYS), *extensions, "-out", certificate)
            write(f"{name}.key", key.read_text(encoding="ascii"))
            write(f"{name}.crt", certificate.read_text(encoding="ascii"))
    write("kafka.pem", _read(folder / "kafka.key") + "\n" + _read(folder / "kafka.crt") + "\n")


def _openssl(*arguments: object) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise Unable("no openssl here: install it (Debian: `apt-get install openssl`)")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        raise Unable(f"openssl {arguments[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy.credentials", description="Make or renew secrets for deploy/compose.yaml.")
    parser.add_argument("--renew", action="append", choices=KINDS, default=[], help="make these anew; may be given more than once")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: deploy/secrets")
    given = parser.parse_args()
    try:
        made = make(given.folder, frozenset(given.renew))
    except (Unable, OSError) as error:
        print(f"credentials: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(f"{given.folder}: {', '.join(made)}" if made else f"{given.folder}: all there, nothing made")  # noqa: T201
    if "elasticsearch_analyst_password" in made:
        print(f"Log in to Kibana as analyst; the password is in {given.folder / 'elasticsearch_analyst_password'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
