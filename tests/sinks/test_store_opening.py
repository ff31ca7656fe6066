"""Opening: one writer, many readers, and one line that says what to do when the disk or the file is at fault."""

import ctypes
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sinks.sqlite import open_store, schema
from tests.sinks import samples
from tocsin.errors import UsageError
from tocsin.store import Query

ROOT = Path(__file__).parents[2]


def one_line(caught: pytest.ExceptionInfo[UsageError]) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_second_writer_is_refused_and_may_write_when_the_first_has_closed(tmp_path: Path) -> None:
    with open_store(tmp_path), pytest.raises(UsageError, match=f"process {os.getpid()} is writing here: stop it first") as caught:
        open_store(tmp_path)
    assert one_line(caught)
    open_store(tmp_path).close()


def test_readers_see_what_is_committed_while_a_writer_works(tmp_path: Path) -> None:
    with open_store(tmp_path) as writer, open_store(tmp_path, read_only=True) as reader:
        writer.write(samples.mosul())
        assert reader.search(Query(text="mosul")).total == 1
        with writer.transaction():
            writer.write(samples.batch(text="Half done."))
            assert reader.search(Query(text="half")).total == 0
        assert reader.search(Query(text="half")).total == 1


def test_a_missing_store_says_how_to_fill_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `tocsin run` or `make demo` first") as caught:
        open_store(tmp_path / "nowhere", read_only=True)
    assert one_line(caught)
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_file_has_no_data_for_a_reader_and_is_filled_by_a_writer(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").touch()
    with pytest.raises(UsageError, match="no data in"):
        open_store(tmp_path, read_only=True)
    with open_store(tmp_path) as store:
        store.write(samples.mosul())


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"This is a letter to my aunt. " * 200, "not a SQLite database: move it away"),
        (b"SQLite format 3\x00" + b"\xff" * 8000, "move it away"),
    ],
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes, expected: str, read_only: bool) -> None:
    (tmp_path / "store.sqlite3").write_bytes(content)
    with pytest.raises(UsageError, match=expected) as caught:
        open_store(tmp_path, read_only=read_only)
    assert one_line(caught)
    assert (tmp_path / "store.sqlite3").read_bytes() == content


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_of_another_program_is_left_alone(tmp_path: Path, read_only: bool) -> None:
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute("CREATE TABLE recipes (id)")
    connection.close()
    with pytest.raises(UsageError, match="a database of another program"):
        open_store(tmp_path, read_only=read_only)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_store_of_a_newer_version_asks_for_an_upgrade(tmp_path: Path, read_only: bool) -> None:
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "store.sqlite3") as connection:
        connection.execute(f"PRAGMA user_version={schema.SCHEMA + 1}")
    connection.close()
    with pytest.raises(UsageError, match=r"written by a newer Tocsin .* upgrade Tocsin"):
        open_store(tmp_path, read_only=read_only)


def test_a_store_of_an_older_version_says_how_to_fill_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close()
    monkeypatch.setattr(schema, "SCHEMA", schema.SCHEMA + 1)
    with pytest.raises(UsageError, match=r"older Tocsin .* ingest its archive into a new folder with --data") as caught:
        open_store(tmp_path)
    assert one_line(caught)


def test_damage_in_the_middle_is_reported_and_says_what_to_do(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for number in range(200):
            store.write(samples.batch(f"https://example.org/{number}", text=f"Mosul {number}. " * 50))
    path = tmp_path / "store.sqlite3"
    data = bytearray(path.read_bytes())
    data[4096 * 3 : -4096] = b"\xa5" * (len(data) - 4096 * 4)
    path.write_bytes(data)
    with (
        pytest.raises(UsageError, match=r"damaged .*move it away, then ingest the archive again") as caught,
        open_store(tmp_path, read_only=True) as store,
    ):
        store.search(Query(text="mosul"))
    assert one_line(caught)


def test_a_folder_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UsageError, match="choose another folder with --data") as caught:
        open_store(tmp_path / "data")
    assert one_line(caught)


def bound_by_permissions() -> None:
    """In a child of root, before it starts: give up the right to ignore file permissions."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.parametrize("clean", [True, False], ids=["closed", "killed"])
def test_a_folder_without_write_permission_is_read_and_refused_for_writing(tmp_path: Path, clean: bool) -> None:
    folder = tmp_path / "data"
    store = open_store(folder)
    store.write(samples.mosul())
    if clean:
        store.close()
    else:  # what a killed writer leaves: a log that is not yet folded in
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in folder.glob("store.sqlite3*"):
            (copy / file.name).write_bytes(file.read_bytes())
        store.close()
        folder = copy
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    script = textwrap.dedent(f"""
        from pathlib import Path
        from sinks.sqlite import open_store
        from tocsin.errors import UsageError
        from tocsin.store import Query
        try:
            open_store(Path({str(folder)!r}))
        except UsageError as error:
            print(error)
        with open_store(Path({str(folder)!r}), read_only=True) as store:
            print(store.search(Query(text="mosul")).total)
    """)
    prepare = bound_by_permissions if os.getuid() == 0 else None
    try:
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, preexec_fn=prepare, timeout=60)
    finally:
        folder.chmod(0o755)
    assert result.stderr == ""
    refusal, total = result.stdout.splitlines()
    assert "choose another folder with --data" in refusal
    assert total == "1"


def test_a_full_disk_loses_nothing_reported_and_says_so(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import signal, sys
        from pathlib import Path
        from sinks.sqlite import open_store
        from tests.sinks import samples
        from tocsin.errors import UsageError
        with open_store(Path({str(tmp_path)!r})) as store:
            for number in range(10_000):
                try:
                    store.write(samples.batch(f"https://example.org/{{number}}", text=f"Mosul {{number}}. " * 50))
                except UsageError as error:
                    sys.exit(str(error))
                print(number, flush=True)
    """)

    def limited() -> None:
        """Files may not grow over 600 kB: the nearest to a full disk that needs no disk."""
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, preexec_fn=limited, timeout=120)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "the disk is full; nothing already reported is lost: free some space" in line
    reported = int(result.stdout.split()[-1])
    assert reported > 5
    with open_store(tmp_path) as store:
        assert store.report().articles == reported + 1
        store.write(samples.mosul())
