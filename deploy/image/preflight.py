"""Whether this machine can carry the services of compose.yaml: memory, and memory maps for Elasticsearch. Standard library only.

    python3 deploy/image/preflight.py [--proc /proc] [--memory MIB]

Exit code 0, or 1 with a line for everything to change. It runs as the first job of compose.yaml, and on the machine itself as well.
"""

import argparse
import sys
from pathlib import Path

MAPS = 262_144
"""vm.max_map_count that Elasticsearch asks for."""
MEMORY = 7_500
"""MiB that the services have in use when all are at work, page cache of Kafka and Elasticsearch not counted (deploy/README.md)."""


def lacking(proc: Path, memory: int = MEMORY) -> list[str]:
    """What must change, a line each. `proc`: the kernel's /proc; `memory`: MiB wanted."""
    found: list[str] = []
    total = next((line.split()[1] for line in (proc / "meminfo").read_text("ascii").splitlines() if line.startswith("MemTotal:")), "0")
    mebibytes = int(total) // 1024
    if mebibytes < memory:
        found.append(
            f"this machine has {mebibytes:,} MiB of memory, {memory:,} are wanted: take a larger one, or lower ELASTICSEARCH_HEAP and "
            "the number of services and set PREFLIGHT_MEMORY"
        )
    maps = proc / "sys" / "vm" / "max_map_count"
    count = int(maps.read_text("ascii")) if maps.exists() else 0
    if count < MAPS:
        found.append(
            f"vm.max_map_count is {count:,}, Elasticsearch wants {MAPS:,}: run `sudo sysctl -w vm.max_map_count={MAPS}`, "
            "and write it into /etc/sysctl.d/ to keep it"
        )
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Can this machine carry the services?")
    parser.add_argument("--proc", type=Path, default=Path("/proc"))
    parser.add_argument("--memory", type=int, default=MEMORY, help="MiB wanted")
    given = parser.parse_args()
    found = lacking(given.proc, given.memory)
    for line in found:
        print(f"preflight: {line}", file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
