"""The structure that ARCHITECTURE.md promises."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_producers_streams_and_sinks_never_import_each_other_and_only_the_worker_will_know_faust() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_packages_are_imported_from_this_checkout() -> None:
    import producers
    import sinks
    import streams

    assert all(Path(str(room.__file__)).is_relative_to(ROOT) for room in (producers, streams, sinks))


def test_no_source_file_is_too_long_to_read_in_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("tocsin", "producers", "streams", "sinks")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long
