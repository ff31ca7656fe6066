"""Results as files of JSON lines: whole, durable, and not twice."""

from pathlib import Path

import pytest

from sinks.jsonl import POSITION, JsonLines, read
from tests.sinks import samples
from tocsin.errors import UsageError
from tocsin.messages import Document
from tocsin.records import Dropped, Record
from tocsin.settings import Settings


def document(url: str = "https://example.org/a", text: str = "Some text.") -> Document:
    batch = samples.batch(url, "Title", text)
    assert batch.tagged is not None
    assert batch.clustered is not None
    return Document(tagged=batch.tagged, clustered=batch.clustered)


def sink_in(folder: Path) -> JsonLines:
    return JsonLines(Settings(data=str(folder), node="n1"))


def write(sink: JsonLines, *records: Record, start: int = 0) -> None:
    origins = [("tagged/0", start + number) for number in range(len(records))]
    assert sink.write(sink.prepare(enumerate(records), origins)) == []


def test_every_record_is_a_line_in_the_file_of_its_kind_and_day(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    dropped = Dropped(url="u", stage="clean", reason="empty", at="2017-02-03T00:00:00Z")
    write(sink, document(), dropped, Dropped(url="u", stage="s", reason="r"))
    assert sorted(path.name for path in sink.folder.glob("*.jsonl")) == [
        "articles-2017-01-10.jsonl",
        "dropped-2017-02-03.jsonl",
        "dropped-undated.jsonl",
    ]
    (article,) = read(sink.folder, "articles")
    assert (article["title"], article["clustered"]["similarity"]) == ("Title", 1.0)


def test_line_separators_in_a_text_do_not_break_a_line(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, document(text="one\ntwo\r\nthree\u2028four"))
    assert [article["text"] for article in read(sink.folder, "articles")] == ["one\ntwo\r\nthree\u2028four"]


def test_what_is_delivered_again_is_not_written_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = sink_in(tmp_path)
    write(sink, document("https://example.org/0"), document("https://example.org/1"))
    sink.close()
    sink = sink_in(tmp_path)
    write(sink, document("https://example.org/1"), document("https://example.org/2"), start=1)
    assert [article["url"][-1] for article in read(sink.folder, "articles")] == ["0", "1", "2"]
    assert "1 messages stand in" in caplog.text, "nothing is left out silently"


def test_what_a_kill_left_unfinished_is_cut_off_and_written_whole_by_redelivery(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, document("https://example.org/0"))
    before = (sink.folder / POSITION).read_bytes()
    write(sink, document("https://example.org/1"), start=1)
    sink.close()
    (sink.folder / POSITION).write_bytes(before)  # the kill came between the lines and the position
    sink = sink_in(tmp_path)
    assert [article["url"][-1] for article in read(sink.folder, "articles")] == ["0"]
    write(sink, document("https://example.org/1"), start=1)
    assert [article["url"][-1] for article in read(sink.folder, "articles")] == ["0", "1"]


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    first = sink_in(tmp_path)
    with pytest.raises(UsageError, match="is writing here"):
        sink_in(tmp_path)
    first.close()


def test_a_file_that_lost_its_end_is_not_written_on(tmp_path: Path) -> None:
    sink = sink_in(tmp_path)
    write(sink, document())
    sink.close()
    (sink.folder / "articles-2017-01-10.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="shorter than"):
        sink_in(tmp_path)


@pytest.mark.parametrize("node", ["../up", "", "..", "a/b", "/etc"])
def test_a_node_that_cannot_name_a_folder_is_refused(tmp_path: Path, node: str) -> None:
    with pytest.raises(UsageError, match="setting node"):
        JsonLines(Settings(data=str(tmp_path / "data"), node=node))
    assert list(tmp_path.iterdir()) == []
