"""The commands that read: what they print, their exit codes, and that no page can steer the terminal."""

import json
import os
import pty
import re
import resource
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from sinks.sqlite import open_store
from tests.sinks import samples
from tocsin.cli import COMMANDS, available, main
from tocsin.cli.screen import one_line, safe
from tocsin.records import Dropped, Fate
from tocsin.store import Batch

ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a story and its copy, an edited article, an Arabic one, a refusal and two alerts."""
    folder = tmp_path_factory.mktemp("data")
    story = samples.mosul(cluster="k_1")
    quote = "Iraqi forces took the district of Sumar in eastern Mosul on Tuesday."
    alerts = (
        samples.alert(story, "loc:mosul/sumar", "Sumar", quote=quote, highlight=(34, 39), why="no mention of Sumar in 30 days"),
        samples.alert(story, "loc:mosul", "Mosul", "k_2", severity="critical", rule_id="toll", at="2017-01-09T00:00:00Z"),
    )
    fates = (
        Fate(
            url="https://short.example/x",
            at="2017-01-10T07:00:00Z",
            stage="fetch",
            outcome="redirected",
            detail="301 to https://example.org/mosul",
        ),
        Fate(url="https://example.org/mosul", at="2017-01-10T08:00:00Z", stage="fetch", outcome="fetched", detail="200, text/html"),
    )
    with open_store(folder) as store:
        store.write(replace(story, alerts=alerts, fates=fates))
        store.write(samples.mosul(url="https://wire.example/copy", source=("wire", "Wire Service"), cluster="k_1"))
        for count, at in (("12", "2017-06-01T10:00:00Z"), ("17", "2017-06-02T10:00:00Z")):
            text = f"Officials said {count} people were killed. The bridge stands."
            claims: list[tuple[str, str, dict[str, object]]] = [
                (f"{count} people were killed", "casualties", {}),
                ("The bridge stands", "assessment", {}),
            ]
            store.write(samples.batch("https://example.org/edited", "Bridge struck", text, fetched_at=at, claims=claims))
        arabic = "قالت الأمم المتحدة إن آلاف الأشخاص نزحوا من الموصل."
        store.write(
            samples.batch(
                "https://arabic.example/1", "نزوح من الموصل", arabic, lang="ar", source=("ar", "أخبار"), places=[("الموصل", samples.MOSUL)]
            )
        )
        store.write(samples.batch("https://evil.example/1", EVIL, f"Evil text {EVIL} goes on.", claims=[(f"text {EVIL}", "statement", {})]))
        store.write(
            Batch(
                dropped=(Dropped(url="https://example.org/p", stage="fetch", reason="http-404", detail="gone", at="2017-01-10T08:00:00Z"),)
            )
        )
    return folder


EVIL = "news \x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\click\x1b[2J\x1b[31mred\x9b5n\x07 \u202egnp.exe\r [bold]x[/bold] :smile:"


@pytest.fixture
def run(data: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the sample store: exit code, standard output, standard error."""

    def _run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main([*arguments, "--data", str(data)])
        out, err = capfd.readouterr()
        assert isinstance(leaving.value.code, int)
        return leaving.value.code, out, err

    return _run


def test_search_prints_hits_with_their_story_and_facets(run: Run) -> None:
    code, out, err = run("search", "mosul", "--claim", "displacement")
    assert (code, err) == (0, "")
    assert "2 articles in 1 story for mosul" in out
    assert "Iraqi forces take district in east Mosul" in out
    assert "2 copies" in out
    assert "▸ More than 135,000 people have fled" in out
    assert re.search(r"Sources +Example News 1 · Wire Service 1", out)
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--place", "Iraq"],
        ["--actor", "Islamic State", "--claim", "casualties", "--modality", "claimed"],
        ["نزحوا"],
        ["--lang", "ar"],
        ["--source", "wire"],
        ["--since", "2017-01-10", "--until", "2017-01"],
        ["sumar", "OR", "raqqa"],
        ["mosul", "-hospital", "-football"],
        ["--all-copies", "--limit", "1", "mosul"],
    ],
)
def test_search_finds(run: Run, arguments: list[str]) -> None:
    code, out, _ = run("search", *arguments)
    assert code == 0
    assert out


def test_search_for_nothing_known_exits_1_and_suggests_names(run: Run) -> None:
    code, out, err = run("search", "--place", "Mossul", "--claim", "casualty")
    assert (code, out) == (1, "")
    assert err == "nothing found; did you mean place Mosul?; did you mean claim type casualties?\n"
    code, out, err = run("alerts", "--subject", "Mossul")
    assert (code, out, err) == (1, "", "no alert fits; did you mean Mosul?\n")


def test_search_as_json_is_one_object_with_exit_code_1_when_empty(run: Run) -> None:
    code, out, _ = run("search", "mosul", "--json")
    answer = json.loads(out)
    assert (code, answer["total"], answer["stories"]) == (0, 2, 1)
    assert set(answer["facets"]) == {"actors", "places", "claim_types", "sources", "langs"}
    code, out, _ = run("search", "zzz", "--json")
    assert (code, json.loads(out)["total"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "mosul", "--plase", "x"], "No such option"),
        (["search", "!!!"], "no word to search for in '!!!'"),
        (["search", "--since", "yesterday"], "not a date: write 2018-01-06"),
        (["show", "a_"], "more than one id"),
        (["show", "https://example.org/edited", "--version-id", "v_f00"], "not a version of this article; it has v_"),
    ],
)
def test_what_the_person_must_change_is_one_line_and_exit_2(run: Run, arguments: list[str], message: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("tocsin: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [["search", "x"], ["show", "a_1"], ["alerts"], ["trace", "https://x.example/"], ["report"]])
def test_without_a_store_every_command_says_how_to_fill_one(tmp_path: Path, capfd: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([*command, "--data", str(tmp_path / "none")])
    assert leaving.value.code == 2
    assert capfd.readouterr().err == f"tocsin: no data in {tmp_path / 'none'}: run `tocsin run` or `make demo` first\n"


def test_show_marks_claims_in_the_text_and_tells_who_says_so(run: Run) -> None:
    code, out, _ = run("show", "https://example.org/mosul")
    assert code == 0
    flat = " ".join(out.split())
    assert "[Iraqi forces took the district of Sumar]¹ in eastern Mosul" in flat
    assert "[killed 30 fighters of the Islamic State]²" in flat
    assert "Counter Terrorism" in flat
    assert "135,000 or" in flat
    assert "Copies 1 more" in flat
    assert "critical First mention of Mosul" in flat


def test_show_removed_lists_what_an_edit_took_out(run: Run) -> None:
    code, out, _ = run("show", "https://example.org/edited", "--removed")
    assert code == 0
    assert "[17 people were killed]" in out
    removed = out[out.index("Removed") :]
    assert "“12 people were killed”" in removed
    assert "bridge" not in removed
    _, out, _ = run("show", "https://example.org/edited", "--removed", "--json")
    assert [claim["text"] for claim in json.loads(out)["removed"]] == ["12 people were killed"]


def test_show_an_earlier_version(run: Run, data: Path) -> None:
    with open_store(data, read_only=True) as store:
        stored = store.article("https://example.org/edited")
        assert stored is not None
    code, out, _ = run("show", "https://example.org/edited", "--version-id", stored.versions[0].version_id[:12])
    assert code == 0
    assert "[12 people were killed]" in out


def test_show_something_unknown_exits_1(run: Run) -> None:
    code, out, err = run("show", "https://example.org/nowhere")
    assert (code, out) == (1, "")
    assert "nothing known as https://example.org/nowhere" in err


def test_alerts_are_told_with_sentence_condition_and_link(run: Run) -> None:
    code, out, _ = run("alerts")
    assert code == 0
    assert out.index("First mention of Sumar") < out.index("First mention of Mosul")  # newest first
    for part in ("NOTICE", "“Iraqi forces took the district of Sumar", "no mention of Sumar in 30 days", "https://example.org/mosul"):
        assert part in out
    code, out, _ = run("alerts", "--rule", "toll", "--json")
    assert [json.loads(line)["subject"] for line in out.splitlines()] == ["loc:mosul"]
    assert run("alerts", "--subject", "Raqqa")[0] == 1
    assert run("alerts", "--since", "2018")[0] == 1


@pytest.mark.parametrize("command", ["show", "trace"])
@pytest.mark.parametrize(
    "given", ["http://www.example.org/mosul/?utm_source=x#top", "https://example.org/mosul?fbclid=1", " https://example.org/mosul"]
)
def test_a_link_copied_with_its_tracking_finds_the_page(run: Run, command: str, given: str) -> None:
    code, out, _ = run(command, given)
    assert code == 0
    assert "https://example.org/mosul" in out


def test_trace_follows_a_redirect_and_explains_a_refusal(run: Run) -> None:
    code, out, _ = run("trace", "https://short.example/x")
    assert code == 0
    assert out.index("redirected") < out.index("fetched")
    code, out, _ = run("trace", "https://example.org/p", "--json")
    assert [json.loads(line)["detail"] for line in out.splitlines()] == ["http-404: gone"]
    assert run("trace", "https://nowhere.example/")[0] == 1


def test_report_counts(run: Run) -> None:
    code, out, _ = run("report")
    assert code == 0
    assert "5 articles · 4 stories · 6 versions" in out
    assert "fetch: http-404" in out
    assert json.loads(run("report", "--json")[1])["articles"] == 5


@pytest.mark.parametrize("command", [["search", "evil"], ["show", "https://evil.example/1"]])
def test_a_page_cannot_steer_the_terminal(run: Run, command: list[str]) -> None:
    _, out, _ = run(*command)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out)
    assert "owned" not in out
    assert "[bold]x[/bold] :smile:" in " ".join(out.split())
    _, out, _ = run(*command, "--json")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out)
    answer = json.loads(out)
    title = answer["hits"][0]["title"] if command[0] == "search" else answer["tagged"]["article"]["title"]
    assert title == EVIL  # programs get every character


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mb\x1b[0mc", "abc"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x1b", "a"),
        ("a\x1b]52;c;never ended", "a52;c;never ended"),
        ("a\x08\x7f\x00b", "ab"),
        ("a\u202eb\u2066c", "abc"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("نزح\u200fسكان", "نزح\u200fسكان"),
    ],
)
def test_terminal_control_is_taken_out(text: str, expected: str) -> None:
    assert safe(text) == expected
    assert one_line("a\n b") == "a b"


def test_control_characters_in_arguments_do_not_reach_the_terminal_in_errors(run: Run) -> None:
    _, _, err = run("show", "x\x1b]0;owned\x07y")
    assert "\x1b" not in err
    assert "owned" not in err


def test_colours_are_for_terminals(data: Path) -> None:
    command = [sys.executable, "-m", "tocsin", "search", "mosul", "--data", str(data)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdout=follower, cwd=ROOT, env=environment)
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], 30)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    assert process.wait(timeout=30) == 0
    assert b"\x1b[" in shown
    plain = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=60)
    assert b"\x1b[" not in plain.stdout


@pytest.mark.parametrize("arguments", [("search", "--json"), ("search",), ("report",), ("alerts",), ("settings",)], ids=" ".join)
def test_a_closed_pipe_is_no_error_and_never_looks_like_nothing_found(data: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    folder = () if arguments == ("settings",) else ("--data", str(data))
    command = [sys.executable, "-m", "tocsin", *arguments, *folder]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=60)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")
def test_a_full_disk_behind_standard_output_is_one_line(data: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tocsin", "report", "--data", str(data)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=60,
        )
    assert result.returncode == 2
    assert result.stderr == "tocsin: standard output: No space left on device\n"


def test_an_unknown_command_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["serch"])
    assert leaving.value.code == 2
    assert capfd.readouterr().err == "tocsin: No such command 'serch': `tocsin --help` tells how to call it\n"


def test_help_is_quick_and_names_every_command() -> None:
    def spent() -> float:
        """Seconds of processor time of finished children: what else the machine does is not counted."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    fastest = 9.0
    for _ in range(3):
        start = spent()
        result = subprocess.run([sys.executable, "-m", "tocsin", "--help"], capture_output=True, text=True, cwd=ROOT, timeout=60)
        fastest = min(fastest, spent() - start)
    assert result.returncode == 0
    assert fastest < 0.3
    for name in available():
        assert re.search(rf"^  {name} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, (where, _) in COMMANDS.items() if where.startswith("tocsin.cli.read:")])
def test_every_reading_command_explains_itself_with_examples(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([name, "--help"])
    assert leaving.value.code == 0
    assert f"  tocsin {name}" in capfd.readouterr().out.split("Examples:")[1]
