import gzip
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from msgspec.structs import replace

from producers.archive import Archive, read_body
from producers.read import read_inputs
from tocsin.errors import DataError, Quarantine, UsageError
from tocsin.records import Page

ROOT = Path(__file__).parents[2]


def page(body: bytes = b"<html>news</html>", url: str = "https://post.example/1", **more) -> Page:
    known = {"url": url, "final_url": url, "source_id": "post", "source_name": "Post", "owner": "O", "status": 200}
    return Page(**{**known, "content_type": "text/html; charset=utf-8", "body": body, "fetched_at": "2018-01-06T10:00:00Z", **more})


def records(path: Path) -> list[tuple[str, bytes]]:
    """Read the pages of a WARC file with another program's reader: digests checked, each behind its metadata record."""
    with path.open("rb") as file:
        found, about = [], None
        for record in ArchiveIterator(file, parse_http=False):
            assert record.verify_block_digest()
            if record.record_type == WarcRecordType.metadata:
                about = record.headers["WARC-Concurrent-To"]
                continue
            assert about == record.headers["WARC-Record-ID"]
            if record.is_http:
                record.parse_http()
                assert record.verify_payload_digest()
            found.append((record.headers["WARC-Target-URI"], record.reader.read()))
        return found


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"<html>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "داعش".encode(), bytes(range(256)) * 1000])
def test_what_is_archived_comes_back_to_the_byte(tmp_path, body):
    with Archive(tmp_path) as archive:
        refs = [archive.append(page(body, url)) for url in ("https://post.example/1", "file:saved/a.html")]
        assert [archive.read(ref) for ref in refs] == [body, body]
        assert refs[0].length == len(body)
    assert [content for _, content in records(tmp_path / "tocsin-000001.warc.gz")] == [body, body]


def test_headers_are_kept_but_cookies_and_forged_lines_are_not(tmp_path):
    headers = [
        ("Server", "x\r\nX-Forged: 1"),
        ("Content-Encoding", "gzip"),
        ("Set-Cookie", "id=1"),
        ("Content-Length", "3"),
        ("ETag", "\udcff"),
    ]
    with Archive(tmp_path) as archive:
        ref = archive.append(page(), headers)
        assert archive.read(ref) == page().body
    raw = gzip.decompress((tmp_path / "tocsin-000001.warc.gz").read_bytes())
    assert b"X-Archive-Orig-Content-Encoding: gzip\r\n" in raw
    assert b"Cookie" not in raw
    assert b"\r\nX-Forged" not in raw
    assert b"\r\nContent-Length: 17\r\n" in raw
    assert b"ETag: \xff\r\n" in raw


def test_a_url_cannot_forge_a_record(tmp_path):
    with Archive(tmp_path) as archive:
        archive.append(page(url="https://post.example/\r\nWARC-Type: warcinfo"))
    ((target, _),) = records(tmp_path / "tocsin-000001.warc.gz")
    assert target == "https://post.example/ WARC-Type: warcinfo"


def test_what_was_not_committed_is_cut_off_at_the_next_start(tmp_path):
    with Archive(tmp_path) as archive:
        kept = archive.append(page(b"kept"))
        position = archive.position()
        archive.append(page(b"lost"))
    with Archive(tmp_path, position) as archive:
        again = archive.append(page(b"again"))
        assert [archive.read(ref) for ref in (kept, again)] == [b"kept", b"again"]
        assert archive.position() > position
    assert [body for _, body in records(tmp_path / position[0])] == [b"kept", b"again"]


def test_half_a_record_at_the_end_does_no_harm(tmp_path):
    with Archive(tmp_path) as archive:
        archive.append(page(b"kept"))
        position = archive.position()
        archive.append(page(os.urandom(5000)))
    path = tmp_path / position[0]
    path.write_bytes(path.read_bytes()[:-700])
    with Archive(tmp_path, position) as archive:
        archive.append(page(b"next"))
    assert [body for _, body in records(path)] == [b"kept", b"next"]


def test_files_begun_after_the_last_commit_go_too(tmp_path):
    with Archive(tmp_path, max_file=100) as archive:
        archive.append(page(b"kept"))
        position = archive.position()
        for _ in range(3):
            archive.append(page(b"lost"))
    assert len(list(tmp_path.glob("*.warc.gz"))) == 4
    with Archive(tmp_path, position) as archive:
        assert archive.position() == position
    assert [path.name for path in tmp_path.glob("*.warc.gz")] == [position[0]]


def test_a_position_kept_before_the_first_record_leaves_nothing_after_a_crash(tmp_path):
    with Archive(tmp_path) as archive:
        position = archive.position()
        archive.append(page(b"lost"))
    with Archive(tmp_path, position) as archive:
        assert archive.position() == position == ("tocsin-000001.warc.gz", 0)


def test_an_archive_without_a_position_is_never_overwritten(tmp_path):
    with Archive(tmp_path) as archive:
        ref = archive.append(page(b"evidence"))
    with Archive(tmp_path) as archive:
        other = archive.append(page(b"new"))
        assert other.uri.startswith("warc:tocsin-000002")
        assert archive.read(ref) == b"evidence"


def test_a_full_file_is_followed_by_the_next(tmp_path):
    with Archive(tmp_path, max_file=2000) as archive:
        refs = [archive.append(page(os.urandom(700))) for _ in range(8)]
        assert len({ref.uri.partition("#")[0] for ref in refs}) == 4
        assert all(len(archive.read(ref)) == 700 for ref in refs)


def test_a_second_process_is_told_so_in_one_line(tmp_path):
    with Archive(tmp_path), pytest.raises(UsageError, match="another Tocsin is writing here") as error:
        Archive(tmp_path)
    assert "\n" not in str(error.value)
    Archive(tmp_path).close()


def test_a_second_process_may_read_meanwhile(tmp_path):
    with Archive(tmp_path) as archive:
        ref = archive.append(page())
        assert read_body(tmp_path, ref) == page().body


@pytest.mark.parametrize("committed", [("tocsin-000001.warc.gz", 10_000), ("tocsin-000007.warc.gz", 5), ("../../etc/passwd", 0), ("x", -1)])
def test_missing_bytes_are_an_error_that_says_what_to_do(tmp_path, committed):
    with Archive(tmp_path) as archive:
        archive.append(page())
    with pytest.raises(DataError, match="restore"):
        Archive(tmp_path, committed)
    Archive(tmp_path).close()  # the lock was given back


def test_an_altered_record_is_found_out(tmp_path):
    with Archive(tmp_path) as archive:
        ref = archive.append(page(b"12 killed"))
        path = tmp_path / "tocsin-000001.warc.gz"
        start = int(ref.uri.partition("#")[2])
        before, record = path.read_bytes()[:start], path.read_bytes()[start:]
        path.write_bytes(before + gzip.compress(gzip.decompress(record).replace(b"12 killed", b"10 killed")))
        with pytest.raises(Quarantine, match="SHA-256"):
            archive.read(ref)


def test_a_reference_to_nowhere_is_refused(tmp_path):
    with Archive(tmp_path) as archive:
        ref = archive.append(page())
        for uri in ("warc:../x.warc.gz#0", "file:/etc/passwd", "warc:tocsin-000009.warc.gz#0", f"{ref.uri}7"):
            with pytest.raises(Quarantine):
                archive.read(type(ref)(sha256=ref.sha256, uri=uri, length=ref.length))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line_of_advice(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="cannot write the archive: Permission denied"):
            Archive(tmp_path / "archive")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_a_file_is_one_line_of_advice(tmp_path):
    (tmp_path / "archive").write_text("x")
    with pytest.raises(UsageError, match="choose another folder with --data"):
        Archive(tmp_path / "archive")


FULL = """
import resource, signal, sys
sys.path.insert(0, {root!r})
from producers.archive import Archive
from tocsin.errors import UsageError
from tocsin.records import Page
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
import os
url = "https://post.example/1"
with Archive(sys.argv[1]) as archive:
    refs, problem = [], None
    while problem is None:
        page = Page(url=url, final_url=url, source_id="s", source_name="s", owner="o", status=200, content_type="text/html",
                    body=os.urandom(900), fetched_at="2018-01-06T10:00:00Z")
        try:
            refs.append((archive.append(page), page.body))
        except UsageError as error:
            problem = str(error)
    assert all(archive.read(ref) == body for ref, body in refs)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    refs.append((archive.append(page), page.body))
    assert all(archive.read(ref) == body for ref, body in refs)
    print(len(refs), problem)
"""


def test_a_full_disk_is_one_line_of_advice_and_leaves_no_part_of_a_record(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL.format(root=str(ROOT)), tmp_path / "a"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, _, problem = done.stdout.strip().partition(" ")
    assert "free space, then start again" in problem
    assert len(records(tmp_path / "a" / "tocsin-000001.warc.gz")) == int(count)


WRITER = """
import json, sys, os
from pathlib import Path
sys.path.insert(0, {root!r})
from producers.archive import Archive
from tocsin.records import Page
folder, state = Path(sys.argv[1]), Path(sys.argv[2])
known = json.loads(state.read_text()) if state.exists() else {{"position": None, "uris": []}}
with Archive(folder, tuple(known["position"]) if known["position"] else None, max_file=20_000) as archive:
    def commit():
        known["position"] = archive.position()
        part = state.with_suffix(".part")
        part.write_text(json.dumps(known))
        os.replace(part, state)
    commit()
    print("ready", flush=True)
    while True:
        number = len(known["uris"])
        body = (b"%d " % number) * 200
        url = "https://post.example/%d" % number
        ref = archive.append(Page(url=url, final_url=url, source_id="s", source_name="s", owner="o", status=200, content_type="text/html",
                                  body=body, fetched_at="2018-01-06T10:00:00Z"))
        known["uris"].append(ref.uri)
        commit()
"""


def test_killing_the_writer_again_and_again_leaves_each_record_once(tmp_path):
    import json

    folder, state = tmp_path / "archive", tmp_path / "state.json"
    chance = random.Random(3)  # noqa: S311 - not for secrets
    for turn in range(60):
        process = subprocess.Popen([sys.executable, "-c", WRITER.format(root=str(ROOT)), folder, state], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            process.wait(chance.uniform(0.02, 0.15))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if turn >= 5 and len(json.loads(state.read_text())["uris"]) > 10:  # a loaded machine writes little between two kills
            break
    known = json.loads(state.read_text())
    Archive(folder, tuple(known["position"])).close()
    found = [target for path in sorted(folder.glob("*.warc.gz")) for target, _ in records(path)]
    assert found == [f"https://post.example/{n}" for n in range(len(known["uris"]))]
    assert len(found) > 10


def test_replicas_archive_beside_each_other_and_references_name_theirs(tmp_path: Path) -> None:
    with Archive(tmp_path / "one", replica=True) as one, Archive(tmp_path / "two", replica=True) as two:
        refs = one.append(page(b"<html>1</html>")), two.append(page(b"<html>2</html>"))
        assert [ref.uri.partition("#")[0] for ref in refs] == ["warc:one/tocsin-000001.warc.gz", "warc:two/tocsin-000001.warc.gz"]
        assert one.read(refs[0]) == b"<html>1</html>"
        assert [read_body(tmp_path, ref) for ref in refs] == [b"<html>1</html>", b"<html>2</html>"]
        for uri in ("warc:../one/tocsin-000001.warc.gz#0", "warc:./tocsin-000001.warc.gz#0", "warc:one/../two/tocsin-000001.warc.gz#0"):
            with pytest.raises(Quarantine, match="not an address"):
                read_body(tmp_path, replace(refs[0], uri=uri))


def test_half_a_character_in_what_is_known_of_a_page_does_not_make_its_record_somebody_elses(tmp_path: Path) -> None:
    with Archive(tmp_path) as archive:
        archive.append(
            page(b"<html><p>News of the day.</p></html>", source_id="post", source_name="Po\ud800st \u062f\U0001f600\n", owner="Owner")
        )
    (again,) = read_inputs([tmp_path / "tocsin-000001.warc.gz"])
    assert isinstance(again, Page)
    assert (again.source_id, again.source_name, again.owner) == ("post", "Po?st \u062f\U0001f600\n", "Owner")
