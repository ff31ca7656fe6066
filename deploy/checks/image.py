"""Build the image and run every command of deploy/compose.yaml in it, without a container engine: `make image-check`.

    python -m deploy.checks.image [--base IMAGE] [--built] [--keep]

Needs root, buildah, debootstrap (Debian has both), openssl, Java and Maven. The base is a Debian made by debootstrap, kept for the next
time. Containers are `buildah run --isolation chroot`: the image's files and user, this machine's network. Kafka and Elasticsearch are
real ones on loopback, configured as in compose.yaml: the broker by deploy/kafka/start.sh and server.properties, with TLS and SCRAM;
Elasticsearch with TLS and the users of deploy.credentials.

What it shows: the image builds; it holds no compiler and nothing that its user can change; jobs end with 0; every service becomes healthy
by the image's own check; a sample page is found by search; SIGTERM ends each with 0 within 10 seconds; nothing was written outside /tmp
and /var/lib/tocsin. What it cannot show: Docker's own work (networks, read_only, limits, Compose).
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy import credentials
from deploy.checks.composition import ROOT, Service, services
from deploy.checks.secure_kafka import SecureKafka
from deploy.servers import Elasticsearch, Missing, User, free_port, programs
from deploy.servers.process import listening
from producers.sample.server import serve

IMAGE = "localhost/tocsin-image-check"
BASE = "localhost/tocsin-debian-bookworm"
DEBIAN = "http://deb.debian.org/debian"
PATIENCE = 240.0
"""Seconds for all services to become healthy."""
STOP = 10.0
"""Seconds for a service to end after SIGTERM."""
MORE = {"dashboards": ("--wait", "1")}
EXPECTED = {"preflight": "preflight: ", "dashboards": "no Kibana answers"}
"""What jobs may end with on a machine that is small and has no Kibana."""
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # of this machine: its registry may be behind an authority of its own


class Failed(Exception):
    """A check that failed, in one line."""


class Builder:
    """buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.command = ["buildah", "--root", str(folder / "store"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def __call__(self, *arguments: str, quiet: bool = True) -> str:
        """Run it to its end and return what it printed. Raises Failed."""
        done = subprocess.run(
            [*self.command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE if quiet else None, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"buildah {arguments[0]}: {(done.stderr or done.stdout or '').strip()[-1500:]}")
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        """Whether an image of this name is there."""
        return subprocess.run([*self.command, "inspect", "--type", "image", image], capture_output=True, check=False).returncode == 0

    def base(self) -> str:
        """A small Debian with Python, made once."""
        if not self.has(BASE):
            with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
                root = Path(temporary) / "root"
                made = subprocess.run(
                    ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm", str(root), DEBIAN],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if made.returncode:
                    raise Failed(f"debootstrap: {made.stdout.strip()[-500:]}")
                packed = Path(temporary) / "root.tar"
                for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
                    shutil.rmtree(root / folder)
                subprocess.run(["tar", "-C", str(root), "-cf", str(packed), "."], check=True)
                container = self("from", "scratch")
                self("add", "--quiet", container, str(packed), "/")
                self("commit", "--quiet", container, BASE)
                self("rm", container)
        return BASE

    def build(self, base: str) -> None:
        """deploy/Dockerfile, with pip as it is configured here."""
        given = ["--build-arg", f"BASE_IMAGE={base}"]
        if Path(_AUTHORITIES).exists():
            given += ["--volume", f"{_AUTHORITIES}:{_AUTHORITIES}:ro", "--build-arg", f"PIP_CERT={_AUTHORITIES}"]
        for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"):
            if os.environ.get(name):
                given += ["--build-arg", f"{name}={os.environ[name]}"]
        self(
            "bud",
            "--isolation",
            "chroot",
            "--format",
            "docker",
            *given,
            "--tag",
            IMAGE,
            "--file",
            "deploy/Dockerfile",
            str(ROOT),
            quiet=False,
        )


class Container:
    """The image's files, mounted; commands run in it as the image's user."""

    def __init__(self, builder: Builder, folder: Path) -> None:
        """`folder`: for logs and data."""
        self._builder, self._folder = builder, folder
        self.name = builder("from", IMAGE)
        self.root = Path(builder("mount", self.name))

    def close(self) -> None:
        """Remove it."""
        self._builder("umount", self.name)
        self._builder("rm", self.name)

    def begin(self, name: str, words: list[str], environment: Mapping[str, str], mounts: Mapping[str, Path]) -> "Running":
        """Start a command. `mounts`: path in the container -> path here."""
        given = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
        given += [part for inside, outside in mounts.items() for part in ("--volume", f"{outside}:{inside}")]
        log = self._folder / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*self._builder.command, "run", "--isolation", "chroot", *given, self.name, "--", *words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        return Running(name, process, log, words[0])


class Running:
    """One command under way."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path, program: str) -> None:
        self.name, self._process, self.log, self._program = name, process, log, program

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace").strip()[-700:]

    def wait(self, seconds: float) -> int:
        """Until it ends. Raises Failed when it takes longer."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} has not ended after {seconds:.0f} s: {self.said()}") from None

    def stop(self) -> float:
        """SIGTERM to the command itself, as an engine sends it; the seconds it took. Raises Failed unless it ends with 0 in time."""
        begun = time.monotonic()
        first = next((pid for pid in _descendants(self._process.pid) if _is_program(pid, self._program)), None)
        if self.code is not None or first is None:
            raise Failed(f"{self.name} has ended by itself with {self.code}: {self.said()}")
        os.kill(first, signal.SIGTERM)
        code = self.wait(STOP)
        if code != 0:
            raise Failed(f"{self.name} ended with {code} after SIGTERM: {self.said()}")
        return time.monotonic() - begun

    def kill(self) -> None:
        """Whatever is left of it."""
        if self.code is None:
            for pid in [*_descendants(self._process.pid), self._process.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._process.wait(10)


def _descendants(pid: int) -> Iterator[int]:
    """Children before their own children."""
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text("ascii").split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from _descendants(child)


def _is_program(pid: int, program: str) -> bool:
    """Whether a process runs the program of this name, itself or through the interpreter."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return False
    # buildah's own go-between has the command as its arguments, and answers SIGTERM with SIGKILL for its child.
    return not words[0].startswith("buildah") and program in [Path(word).name for word in words[:2]]


class Servers:
    """Kafka and Elasticsearch as compose.yaml configures them, on free ports of loopback."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        self._secrets = secrets
        self.kafka = SecureKafka(free_port(), folder / "kafka", secrets)
        names = {name: f"tocsin-{name}" if name in ("setup", "sink", "reader") else name for name in credentials.ROLES}
        users = [User(names[name], _text(secrets / f"elasticsearch_{name}_password"), roles) for name, roles in credentials.ROLES.items()]
        place = programs.base() / f"image-check-{os.getpid()}"  # where a user who is not root can read
        self.elasticsearch = Elasticsearch(free_port(), place, users=users, roles=ROOT / "deploy" / "elasticsearch" / "roles.yml", tls=True)

    def start(self) -> None:
        """Both, until they answer. Raises Missing."""
        self.kafka.start()
        certificates = self.elasticsearch.authority.parent
        certificates.mkdir(parents=True)
        for ours, its in (("ca.crt", "ca.crt"), ("elasticsearch.crt", "http.crt"), ("elasticsearch.key", "http.key")):
            shutil.copyfile(self._secrets / ours, certificates / its)
        self.elasticsearch.start()

    def stop(self) -> None:
        """Both, and remove what they wrote."""
        self.kafka.wipe()
        self.elasticsearch.wipe()


class Check:
    """One run over all services."""

    def __init__(self, container: Container, servers: Servers, folder: Path, secrets: Path, sources: Path, allowed: str) -> None:
        self._container, self._servers, self._folder, self._secrets = container, servers, folder, secrets
        self._sources, self._allowed = sources, allowed
        self._ports: dict[str, int] = {}
        self.running: dict[str, Running] = {}

    def start(self, service: Service, words: list[str] | None = None, name: str = "") -> Running:
        """One service as compose.yaml starts it, with this machine's addresses."""
        name = name or service.name
        port = self._ports.setdefault(name, free_port())
        environment = {key: self._here(value) for key, value in service.environment.items()} | {
            "TOCSIN_HEALTH_PORT": str(port),
            "TOCSIN_HEALTH_BIND": "127.0.0.1",
            "TOCSIN_PARTITIONS": "4",
            "TOCSIN_ALLOW_PRIVATE": self._allowed,
            "TOCSIN_HOST_DELAY": "0",
            "TOCSIN_WORKERS": "1",
        }
        environment.setdefault("TOCSIN_NODE", f"{name}-1")
        mounts = {inside: self._secrets / secret for secret, inside in service.secrets.items()}
        for outside, inside in service.mounts:
            if outside.endswith("sources.yaml"):
                mounts[inside] = self._sources
            elif outside == "./channels":
                mounts[inside] = self._channels()
            elif outside.startswith((".", "/")):
                mounts[inside] = (ROOT / "deploy" / outside).resolve()
            else:
                mounts[inside] = self._volume(outside or name)
        return self._container.begin(name, words or service.words, environment, mounts)

    def kill(self) -> None:
        """Whatever is left."""
        for running in self.running.values():
            running.kill()

    def is_healthy(self, service: Service) -> bool:
        """Whether the image's own check says so."""
        environment = {"TOCSIN_HEALTH_PORT": str(self._ports[service.name])}
        return self._container.begin(f"{service.name}-health", HEALTHCHECK, environment, {}).wait(30) == 0

    def _volume(self, name: str) -> Path:
        folder = self._folder / "volumes" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            os.chown(folder, 10001, 10001)
        return folder

    def _channels(self) -> Path:
        """A channel that nothing is sent to: the sample's alerts are told to a door where nobody is."""
        folder = self._folder / "channels"
        folder.mkdir(exist_ok=True)
        (folder / "desk_secret").write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
        address = f"http://127.0.0.1:{free_port()}/"
        (folder / "channels.yaml").write_text(
            f"channels:\n  desk: {{webhook: '{address}', secret: {{file: desk_secret}}, allow_private: true}}\n", encoding="utf-8"
        )
        return folder

    def _here(self, value: str) -> str:
        return value.replace("kafka:9092", self._servers.kafka.address).replace(
            "https://elasticsearch:9200", f"https://localhost:{self._servers.elasticsearch.port}"
        )


HEALTHCHECK = ["python", "-I", "/opt/tocsin/healthcheck.py"]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _until(what: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise Failed(f"not so after {seconds:.0f} s: {why()}")
        time.sleep(0.5)


@contextmanager
def _noted(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"  ok  {time.monotonic() - begun:6.1f} s  {what}", flush=True)


def _image_is_bare(container: Container) -> None:
    """No compiler, no installer, nothing that the image's user may change but its data."""
    found = [
        name
        for name in ("gcc", "cc", "g++", "make", "pip", "pip3")
        for part in ("usr/bin", "usr/local/bin", "opt/tocsin/bin")
        if (container.root / part / name).exists()
    ]
    if found:
        raise Failed(f"the image holds {found[0]}")
    if written := _written(container):
        raise Failed(f"its user may change {written[0]}")
    shown = container.begin("who", ["id", "-u"], {}, {})
    if shown.wait(60) != 0 or not shown.said().endswith("10001"):
        raise Failed(f"it runs as {shown.said()}")


def _written(container: Container) -> list[str]:
    """Files of the image's user, or open to all, outside of where data and temporary files belong."""
    pruned = [
        part
        for path in ("tmp", "var/tmp", "var/lib/tocsin", "proc", "sys", "dev", "run/lock")
        for part in ("-path", str(container.root / path), "-prune", "-o")
    ]
    wanted = ["(", "-uid", "10001", "-o", "-perm", "-0002", ")", "-not", "-type", "l", "-print"]
    done = subprocess.run(["find", str(container.root), "-xdev", *pruned, *wanted], capture_output=True, text=True, check=True)
    return [line.removeprefix(str(container.root)) for line in done.stdout.splitlines()]


def check(builder: Builder, folder: Path, base: str, *, built: bool) -> None:
    """Everything, in order, a line each; `built`: with the image of the run before. Raises Failed or Missing at the first failure."""
    ours = {name: service for name, service in services().items() if service.ours}
    jobs = [service for service in ours.values() if service.is_job and not service.spec.get("profiles")]
    lasting = [service for service in ours.values() if not service.is_job and service.name != "sample"]
    secrets = folder / "secrets"
    with _noted("credentials"):
        credentials.make(secrets)
        secrets.chmod(0o755)  # each file is mounted alone here too, but by a user who must get at it
    if not (built and builder.has(IMAGE)):
        with _noted("base image"):
            base = base or builder.base()
        with _noted("image built"):
            builder.build(base)
    with ExitStack() as undo:
        container = Container(builder, folder)
        undo.callback(container.close)
        with _noted("image: no compiler, no installer, not root, nothing to change"):
            _image_is_bare(container)
        servers = Servers(folder, secrets)
        undo.callback(servers.stop)
        with _noted("Kafka (TLS, SCRAM) and Elasticsearch (TLS, users) started"):
            servers.start()
        site = undo.enter_context(serve())
        sources = folder / "sources.yaml"
        sources.write_text(site.sources(), encoding="utf-8")
        allowed = ",".join(url.removeprefix("http://") for url in (site.base_url, site.other_url))
        run = Check(container, servers, folder, secrets, sources, allowed)
        undo.callback(run.kill)
        for service in jobs:
            with _noted(f"job {service.name}"):
                job = run.start(service, [*service.words, *MORE.get(service.name, ())])
                code = job.wait(180)
                if code and EXPECTED.get(service.name, "never") not in job.said():
                    raise Failed(f"job {service.name} ended with {code}: {job.said()}")
        with _noted(f"{len(lasting)} services healthy: {', '.join(service.name for service in lasting)}"):
            run.running |= {service.name: run.start(service) for service in lasting}
            waiting = list(lasting)
            _until(
                lambda: _all_healthy(run, waiting),
                PATIENCE,
                lambda: "; ".join(f"{one.name}: {run.running[one.name].said()}" for one in waiting),
            )
        with _noted("an article of the sample site is found by search"):
            tool = ours["tocsin"]
            _until(
                lambda: run.start(tool, ["tocsin", "search", "--limit", "1", "mosul"], "search").wait(60) == 0,
                120,
                lambda: _text(folder / "search.log")[-300:],
            )
        sample = ours["sample"]
        port = next(number for number in (free_port() for _ in range(99)) if not listening(number + 1))
        words = [*sample.spec["entrypoint"], "--host", "127.0.0.1", "--port", str(port)]
        with _noted("the sample site's service answers"):
            run.running["sample"] = run.start(sample, words)
            _until(lambda: listening(port), 60, run.running["sample"].said)
        run.running.pop("sample").kill()
        for name in list(run.running):
            seconds = run.running[name].stop()
            run.running.pop(name)
            print(f"  ok  {seconds:6.1f} s  {name}: SIGTERM, exit code 0", flush=True)
        with _noted("nothing was written into the image"):
            if written := _written(container):
                raise Failed(f"written outside of /tmp and /var/lib/tocsin: {', '.join(written[:5])}")


def _all_healthy(run: Check, waiting: list[Service]) -> bool:
    for service in list(waiting):
        if run.running[service.name].code is not None:
            raise Failed(f"{service.name} ended with {run.running[service.name].code}: {run.running[service.name].said()}")
        if run.is_healthy(service):
            waiting.remove(service)
    return not waiting


def lacking(base: str) -> list[str]:
    """What this machine lacks for the check: programs, or to be root. `base`: image to build on; "": one is made."""
    wanted = ("buildah", "openssl", "bash", *(() if base else ("debootstrap",)))
    return [*(["root"] if os.geteuid() else []), *(name for name in wanted if shutil.which(name) is None)]


def main() -> int:
    """The command line. Exit code 2: this machine lacks something."""
    parser = argparse.ArgumentParser(prog="python -m deploy.checks.image", description="Build the image and run every command of it.")
    parser.add_argument("--base", default="", help="image to build on, known to buildah; default: a Debian made by debootstrap")
    parser.add_argument("--built", action="store_true", help="take the image of the run before")
    parser.add_argument("--storage", type=Path, default=Path("/var/tmp/tocsin-image-check"), help="buildah's storage")  # noqa: S108 - named, and root's
    parser.add_argument("--keep", action="store_true", help="keep logs and data of the run")
    given = parser.parse_args()
    if missing := lacking(given.base):
        print(f"image-check: needs {', '.join(missing)}: as root, `apt-get install buildah debootstrap openssl`", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="tocsin-image-check-"))
    folder.chmod(0o755)
    begun = time.monotonic()
    try:
        check(Builder(given.storage), folder, given.base, built=given.built)
    except Missing as error:
        print(f"image-check: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"image-check: {error}\nlogs: {folder}", file=sys.stderr)
        return 1
    if not given.keep:
        shutil.rmtree(folder)
    print(f"image-check: all well after {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
