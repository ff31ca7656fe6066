"""Bad input: one line that says what to do, an exit code that is not zero, and nothing lost."""

import os
import random
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.sqlite import open_store
from tocsin.embedded.session import Session
from tocsin.errors import UsageError
from tocsin.settings import load

TOCSIN = Path(sys.executable).parent / "tocsin"
GOOD = (
    "<html><head><title>Bridge reopened</title></head><body><article><h1>Bridge reopened</h1>"
    + "<p>Engineers reopened the old bridge in Mosul on Monday, the municipality said, after two years of repairs.</p>" * 3
    + "</article></body></html>"
)
pytestmark = pytest.mark.xdist_group("cli")


def tocsin(*arguments: object, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [TOCSIN, *map(str, arguments)], input=given, capture_output=True, timeout=240, env={**os.environ, **environment}, check=False
    )


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    """The complaint: a single line on stderr, and a code that says it failed."""
    assert done.returncode not in (0, 70), done.stderr
    lines = done.stderr.decode().strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("tocsin: ")
    return lines[0]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("broken.yaml", "sources:\n  - id: [", "broken.yaml:"),
        ("unknown.yaml", "sources:\n  - {id: a, name: A, owner: A, feeds: ['https://a.example/rss'], colour: red}\n", "colour"),
        ("shape.yaml", "just text", "sources"),
        ("missing.yaml", None, "missing.yaml"),
    ],
)
def test_a_broken_or_missing_sources_file(tmp_path: Path, name: str, text: str | None, complaint: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert complaint in one_line(tocsin("run", "--once", "-q", "--sources", tmp_path / name, "--data", tmp_path / "data"))


@pytest.mark.parametrize(
    ("text", "complaint"), [("rules: [", "not YAML"), ("watch: [Xyzzyville]", "Xyzzyville"), ("rules: [{id: x, kind: bell}]", "bell")]
)
def test_broken_rules(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "page.html").write_text(GOOD, encoding="utf-8")
    done = tocsin("ingest", "-q", tmp_path / "page.html", "--rules", tmp_path / "rules", "--data", tmp_path / "data")
    assert complaint in one_line(done)
    assert "mine.yaml" in one_line(done)


def test_a_missing_input_file(tmp_path: Path) -> None:
    assert "nowhere.html" in one_line(tocsin("ingest", "-q", tmp_path / "nowhere.html", "--data", tmp_path / "data"))


def test_hostile_inputs_are_dropped_with_reasons_and_the_good_one_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a-good.html").write_text(GOOD, encoding="utf-8")
    (folder / "b-empty.html").write_bytes(b"")
    (folder / "c-binary.html").write_bytes(bytes(range(256)) * 400)
    (folder / "d-huge.html").write_bytes(b"<html><body>" + b"<p>x</p>" * 6_500_000)
    (folder / "e-not-html.txt").write_text("A plain note without any markup.", encoding="utf-8")
    (folder / "f-deep.html").write_bytes(b"<html><body>" + b"<div>" * 200_000 + b"deep" + b"</div>" * 200_000)
    (folder / "g-charset.html").write_bytes(GOOD.replace("municipality", "муниципалитет").encode("cp1251"))
    (folder / "h-nul.html").write_bytes(b"\x00" * 5000)
    done = tocsin("ingest", "-q", folder, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    with open_store(tmp_path / "data", read_only=True) as store:
        report = store.report()
    assert report.articles >= 1
    assert report.articles + sum(report.dropped.values()) == 8


def test_everything_dropped_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "empty.html").write_bytes(b"")
    assert "every input was dropped" in one_line(tocsin("ingest", "-q", tmp_path / "empty.html", "--data", tmp_path / "data"))


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "page.html").write_text(GOOD, encoding="utf-8")
    assert "file" in one_line(tocsin("ingest", "-q", tmp_path / "page.html", "--data", tmp_path / "file"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(stat.S_IRUSR | stat.S_IXUSR)
    (tmp_path / "page.html").write_text(GOOD, encoding="utf-8")
    assert "data" in one_line(tocsin("ingest", "-q", tmp_path / "page.html", "--data", tmp_path / "data"))


def test_two_writers_on_one_folder(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(GOOD, encoding="utf-8")
    with open_store(tmp_path / "data"):
        assert "data" in one_line(tocsin("ingest", "-q", tmp_path / "page.html", "--data", tmp_path / "data"))


def test_a_full_disk_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    words = random.Random(5)  # noqa: S311  # text that does not compress away
    long = " ".join(f"{words.choice(('report', 'column', 'depot', 'river'))}{words.randrange(10**6)}" for _ in range(60_000))
    (tmp_path / "page.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "long.html").write_text(GOOD.replace("</article>", f"<p>{long}</p></article>"), encoding="utf-8")
    settings, _ = load(environment={}, given={"data": str(tmp_path / "data"), "workers": 1})
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        with Session(settings) as session:
            session.ingest([str(tmp_path / "page.html")])
            # A limit on the size of any file stands for the full disk: the same system calls fail.
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, usual[1]))
            session.ingest([str(tmp_path / "long.html")])

    try:
        with pytest.raises(UsageError, match=r"space|full|large"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    with open_store(tmp_path / "data", read_only=True) as store:
        assert store.report().articles == 1
    assert tocsin("ingest", "-q", tmp_path / "long.html", "--data", tmp_path / "data").returncode == 0
    with open_store(tmp_path / "data", read_only=True) as store:
        assert store.report().articles == 2


def test_reading_before_anything_was_ingested(tmp_path: Path) -> None:
    for command in (("search", "x"), ("show", "a_1"), ("alerts",), ("trace", "https://a.example/"), ("report",)):
        assert "no data in" in one_line(tocsin(*command, "--data", tmp_path / "none"))


def test_the_port_of_the_demo_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = tocsin("demo", "--port", taken.getsockname()[1], "--data", tmp_path / "demo")
    assert "taken" in one_line(done)


def test_the_demo_never_removes_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").touch()
    assert "not a demo" in one_line(tocsin("demo", "--data", tmp_path))
    assert (tmp_path / "precious.txt").exists()


@pytest.mark.parametrize("command", ["clean", "tag"])
def test_a_filter_answers_every_line_and_bad_lines_lose_no_good_ones(command: str) -> None:
    good = b'{"id": 7, "html": "<p>x</p>", "text": "Rebels took the town."}'
    given = b"\n".join([good, b"not json", b"[1]", b"{}", b'{"id": 8, "text": 5, "html": 5}', b'\xff\xfe{"id": 9}', b"", good])
    done = tocsin(command, given=given)
    answers = done.stdout.splitlines()
    assert len(answers) == 7
    assert done.returncode == 1
    assert sum(b'"error"' in answer for answer in answers) >= 5
    assert b'"id":7' in answers[-1].replace(b" ", b"")


def test_an_unknown_setting_or_a_wrong_value_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("colour = 1", encoding="utf-8")
    assert "colour" in one_line(tocsin("settings", "--config", tmp_path / "bad.toml"))
    assert "workers" in one_line(tocsin("settings", TOCSIN_WORKERS="many"))


def test_output_to_a_full_disk_is_one_clear_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([TOCSIN, "settings"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert len(done.stderr.decode().strip().splitlines()) == 1
