"""One server: a process group that this script started, its folder, and the signals a drill sends it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.servers import programs
from deploy.servers.programs import Missing


class Server(ABC):
    """A server on loopback. Its folder holds `data`, its configuration, `server.log` and `pid.json` (who was started).

    `tied`: the server dies with the process that started it, should that be killed before it can stop the server (Linux).
    """

    kind: str
    unprivileged = False  # refuses to run as root

    def __init__(self, port: int, folder: Path | None, *, tied: bool = False) -> None:
        self.port = port
        self.folder = (folder or programs.base() / f"{self.kind}-on-{port}").absolute()
        self.log = self.folder / "server.log"
        self._tied = tied
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """What a client connects to."""

    @abstractmethod
    def prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Bring the programs, write the configuration, and return the command with what its environment needs. Raises Missing."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def start(self, patience: float = 180.0) -> Self:
        """Start it with the data it has, and wait until it answers; nothing happens when it is up.

        Raises Missing when a program is missing, the port is taken, or it does not come up within `patience` seconds.
        """
        if self.pid() is not None:
            return self.wait_until_ready(patience)
        if listening(self.port):
            raise Missing(f"port {self.port} is taken by a process that this script did not start: choose another with --port")
        self.folder.mkdir(parents=True, exist_ok=True)
        command, environment = self.prepare()
        user = programs.unprivileged() if self.unprivileged else None
        if user is not None:
            _give(self.folder, user.pw_uid, user.pw_gid)
        # The kernel ties a child to the thread that started it: one started by a drill's passing thread must outlive that thread.
        if self._tied and threading.current_thread() is threading.main_thread() and (setpriv := shutil.which("setpriv")):
            command = (setpriv, "--pdeathsig", "KILL", *command)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its own group: Ctrl-C at the terminal is ours, and a signal reaches all its processes
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        note = {"pid": self._child.pid, "started": _started(self._child.pid), "address": self.address}
        (self.folder / "pid.json").write_text(json.dumps(note), encoding="utf-8")
        return self.wait_until_ready(patience)

    def wait_until_ready(self, patience: float = 180.0) -> Self:
        """Wait until it answers. Raises Missing with the end of its log when it does not."""
        end = time.monotonic() + patience
        while not self.ready():
            if self.pid() is None:
                raise Missing(f"{self.kind} ended while starting; the end of {self.log}: {self._last_words()}")
            if time.monotonic() > end:
                raise Missing(f"{self.kind} does not answer after {patience:.0f} s; the end of {self.log}: {self._last_words()}")
            time.sleep(0.2)
        return self

    def pid(self) -> int | None:
        """Process id, and group, of the server that was started here and still runs."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            note = json.loads((self.folder / "pid.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        pid = note["pid"]
        return pid if note["started"] and _started(pid) == note["started"] else None

    def signal(self, number: int) -> None:
        """Send a signal to the server and its children; nothing happens when it is down."""
        pid = self.pid()
        if pid is not None:
            os.killpg(pid, number)

    def stop(self, patience: float = 60.0) -> bool:
        """End it in good order (SIGTERM), by force after `patience` seconds. Returns whether it was up."""
        return self._end(signal.SIGTERM, patience)

    def kill(self) -> bool:
        """End it at once (SIGKILL), as a failing machine would. Returns whether it was up."""
        return self._end(signal.SIGKILL, 10.0)

    def pause(self) -> None:
        """Stop its clock (SIGSTOP): connections stay open and nothing answers, as with a hanging machine."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self.signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Stop it and remove its folder, which this script must have made."""
        made = (self.folder / "pid.json").exists()
        self.stop()
        if made:
            shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _end(self, number: int, patience: float) -> bool:
        pid = self.pid()
        if pid is None:
            return False
        os.killpg(pid, number)
        os.killpg(pid, signal.SIGCONT)  # a paused server cannot end
        end = time.monotonic() + patience
        while self.pid() is not None or _group_lives(pid):
            if time.monotonic() > end:
                os.killpg(pid, signal.SIGKILL)
                end = time.monotonic() + 10
            time.sleep(0.05)
        return True

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "(no log)"
        telling = [line for line in lines if "ERROR" in line or "Exception" in line or "exception" in line] or lines
        return " | ".join(telling[-3:])[:800]


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listening(port: int) -> bool:
    """Whether something takes connections on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _started(pid: int) -> str:
    """When a process started, in whatever unit the system tells it: the same pid with another start is another process. "": it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # macOS
        return told.stdout.strip()
    return "" if _is_gone(fields) else fields[19]


def _is_gone(fields: list[str]) -> bool:
    """Whether a process is a zombie with no thread left: a killed one holds its port while others of its threads end."""
    return fields[0] == "Z" and int(fields[17]) <= 1


def _group_lives(group: int) -> bool:
    """Whether any process of the group is left that is not a zombie."""
    proc = Path("/proc")
    if not (proc / "self").exists():
        return False
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(group) and not _is_gone(fields):
            return True
    return False


def _give(folder: Path, user: int, group: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)
