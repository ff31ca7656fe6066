"""Results as JSON lines."""

import io
import json

from msgspec.structs import replace

from sinks.jsonl import JsonLines
from tests.sinks import samples
from tocsin.records import Dropped, Fate
from tocsin.store import Batch


def test_every_record_of_a_batch_is_a_line_that_says_what_it_is() -> None:
    stream = io.BytesIO()
    batch = samples.mosul()
    extra = {"dropped": (Dropped(url="u", stage="clean", reason="empty"),), "fates": (Fate(url="u", at="t", stage="s", outcome="o"),)}
    JsonLines(stream).write(replace(batch, alerts=(samples.alert(batch),), **extra))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["kind"] for line in lines] == ["tagged", "alert", "dropped", "fate"]
    assert lines[0]["title"] == "Iraqi forces take district in east Mosul"
    assert lines[0]["clustered"]["similarity"] == 1.0
    assert len(lines[0]["claims"]) == 3


def test_line_separators_in_a_text_do_not_break_a_line() -> None:
    stream = io.BytesIO()
    JsonLines(stream).write(samples.batch(text="one\ntwo\r\nthree"))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["text"] == "one\ntwo\r\nthree"


def test_an_empty_batch_writes_nothing() -> None:
    stream = io.BytesIO()
    JsonLines(stream).write(Batch())
    assert stream.getvalue() == b""
