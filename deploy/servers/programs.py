"""The servers' programs: found on this machine, or brought by Maven once into the cache."""

import fcntl
import os
import pwd
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_SHARED = Path("/var/tmp/tocsin-servers")  # noqa: S108 - ours alone: `base` checks its owner

_POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-local</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
    <exclusions><exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion></exclusions>
  </dependency>
  <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""


class Missing(Exception):
    """Something this machine lacks; the message is one line and says how to get it."""


def base() -> Path:
    """Folder of programs and of instances without a folder of their own: the user's cache.

    Elasticsearch refuses to run as root. Root's servers therefore run as `nobody`, who may not enter root's home: their folder is in
    /var/tmp then.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin" / "servers"
    if os.geteuid() == 0 and not _open_to_all(folder):
        _SHARED.mkdir(mode=0o755, exist_ok=True)
        if _SHARED.stat().st_uid != 0 or _SHARED.is_symlink():
            raise Missing(f"{_SHARED} belongs to somebody else: remove it, or set XDG_CACHE_HOME to a folder that others may enter")
        return _SHARED
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def unprivileged() -> pwd.struct_passwd | None:
    """Whom a server that refuses root is run as; None: as we are."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def java(least: int, *, modules: tuple[str, ...] = (), for_all: bool = False) -> Path:
    """Home of a Java of at least this version that has these modules (small ones leave some out).

    `for_all`: one that an unprivileged user can read too (copied when need be). Looked for in JAVA_HOME, /usr/lib/jvm, and beside the
    `java` on PATH. Raises Missing.
    """
    fit = [home for home in _java_homes() if _java_version(home) >= least and _has(home, modules)]
    if not fit:
        whole = " whole (with jdk.jlink)" if modules else ""
        raise Missing(f"no{whole} Java {least} or later here: install one (Debian: `openjdk-21-jdk-headless`, Temurin), or set JAVA_HOME")
    if not for_all or os.geteuid() != 0:
        return fit[0]
    readable = next((home for home in fit if _open_to_all(home)), None)
    if readable is not None:
        return readable
    copy = base() / f"java-{_java_version(fit[0])}"
    with _alone(copy):
        if not copy.exists():
            unfinished = copy.with_name(f"{copy.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(fit[0], unfinished)
            unfinished.rename(copy)
    return copy


def kafka_libraries(version: str) -> Path:
    """Folder with the jars of a Kafka broker. Raises Missing."""
    folder = base() / f"kafka-{version}"
    with _alone(folder):
        if not folder.exists():
            unfinished = _emptied(folder)
            pom = unfinished / "pom.xml"
            pom.write_text(_POM.format(version=version), encoding="utf-8")
            _maven("-f", str(pom), f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={unfinished}")
            unfinished.rename(folder)
    return folder


def elasticsearch_home(version: str) -> Path:
    """Folder of an unpacked Elasticsearch: the real server, without most of its modules. Raises Missing."""
    folder = base() / f"elasticsearch-{version}"
    with _alone(folder):
        if not folder.exists():
            unfinished = _emptied(folder)
            artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
            _maven(f"{_PLUGIN}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={unfinished}")
            archive = next(unfinished.glob("*.zip"))
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(unfinished)
            archive.unlink()
            inner = next(path for path in unfinished.iterdir() if path.is_dir())
            for program in (inner / "bin").iterdir():
                program.chmod(0o755)
            inner.rename(folder)
            unfinished.rmdir()
    return folder


def _maven(*arguments: str) -> None:
    program = shutil.which("mvn")
    if program is None:
        raise Missing("no Maven here: install it (Debian: `apt-get install maven`), the servers' programs come through it")
    environment = dict(os.environ)
    if "JAVA_HOME" not in environment and shutil.which("java") is None:
        environment["JAVA_HOME"] = str(java(17))
    for attempt in (1, 2, 3):  # a download breaks off now and then; what has come is kept by Maven
        done = subprocess.run([program, "-B", "-q", *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        told = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        if attempt == 3:
            raise Missing(f"Maven could not bring it: {told[0] if told else done.stdout.strip()[-300:]}")


def _emptied(folder: Path) -> Path:
    unfinished = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished


def _java_homes() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    yield from sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]


@cache
def _java_version(home: Path) -> int:
    """Return the major version; 0: this is no Java."""
    try:
        told = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r'version "(\d+)', told)
    return int(version[1]) if version else 0


@cache
def _has(home: Path, modules: tuple[str, ...]) -> bool:
    if not modules:
        return True
    told = subprocess.run([home / "bin" / "java", "--list-modules"], capture_output=True, text=True, check=False).stdout
    return all(f"{module}@" in told for module in modules)


def _open_to_all(folder: Path) -> bool:
    """Whether any user may enter this folder and all above it."""
    return all(not part.exists() or part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process at a time makes this folder."""
    with (folder.with_name(f".{folder.name}.lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
