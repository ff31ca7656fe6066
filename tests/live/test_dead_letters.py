"""Dead letters on a real Kafka: read, shown and sent again with nothing else up."""

import json
import os
import subprocess
import sys

import pytest
from msgspec import structs

from tests.builders import article
from tests.live.stream import create_topics, messages, records, send, send_bytes, stop, wait_until_read, worker
from tocsin import topics, wire
from tocsin.records import Article
from tocsin.settings import Settings

pytestmark = pytest.mark.timeout(200)


def tocsin(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments], env={**os.environ, **given}, capture_output=True, text=True, timeout=60
    )


def lines(done: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def processed(settings: Settings) -> None:
    with worker(settings, "--stage", "cluster") as running:
        wait_until_read(settings, "cluster")
        assert stop(running)[0] == 0


def test_what_broke_is_listed_shown_and_sent_again_and_breaking_again_is_counted(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    assert tocsin(settings, "dead-letters", "list").returncode == 1
    bad = article("Raises.", url="u:bad", fetched_at="soon")
    send_bytes(settings, topics.INCOMING, [b"not json", None, b"also not json"])
    send(settings, topics.INCOMING, [("", bad), ("", article("Shells fell on Mosul.", url="u:1"))])
    processed(settings)

    groups = lines(tocsin(settings, "dead-letters", "list", "--json"))
    assert sorted((group["letters"], group["waiting"]) for group in groups) == [(1, 1), (1, 1), (2, 2)]
    people = tocsin(settings, "dead-letters", "list")
    assert people.returncode == 0
    assert "2 waiting of 2" in people.stdout

    each = {letter["offset"]: letter for letter in lines(tocsin(settings, "dead-letters", "list", "--each", "--json"))}
    assert {number: (letter["topic"], letter["stage"]) for number, letter in each.items()} == dict.fromkeys(
        (0, 1, 2, 3), (topics.full_name(settings, topics.INCOMING), "cluster")
    )
    (shown,) = lines(tocsin(settings, "dead-letters", "show", str(each[3]["letter_id"]), "--json"))
    assert shown["decoded"]["url"] == "u:bad"  # type: ignore[index]
    raw = tocsin(settings, "dead-letters", "show", f"{each[3]['topic']}/0/3", "--body")
    assert wire.decode(raw.stdout, Article) == bad
    told = tocsin(settings, "dead-letters", "show", str(each[0]["letter_id"])).stdout
    assert all(words in told for words in ("not a Article", "partition 0, offset 0", "not json", "stage"))

    # The cause is not mended: it breaks again, and says so.
    plan = tocsin(settings, "dead-letters", "redrive", "--all", "--dry-run")
    assert (plan.returncode, plan.stdout.count("would send")) == (0, 4)
    assert len(messages(settings, topics.full_name(settings, topics.INCOMING))) == 5
    done = tocsin(settings, "dead-letters", "redrive", "--all")
    assert done.returncode == 1  # one has no message
    assert "sent 3, refused 1" in done.stderr
    again = messages(settings, topics.full_name(settings, topics.INCOMING))[5:]
    before = messages(settings, topics.full_name(settings, topics.INCOMING))
    assert {(one.key, one.value) for one in again} == {(one.key, one.value) for one in before if one.offset in (0, 2, 3)}
    processed(settings)
    newer = [letter for letter in records(settings, topics.DEAD_LETTERS) if letter.redriven_at is None and letter.offset > 4]
    assert {letter.offset: letter.redrives for letter in newer} == {5: 1, 6: 1, 7: 1}
    waiting = {letter["offset"]: letter["redrives"] for letter in lines(tocsin(settings, "dead-letters", "list", "--each", "--json"))}
    assert waiting == {1: 0, 5: 1, 6: 1, 7: 1}
    everything = lines(tocsin(settings, "dead-letters", "list", "--each", "--json", "--redriven"))
    assert {letter["offset"]: letter["sent_again"] for letter in everything if letter["redriven_at"]} == {0: 1, 2: 1, 3: 1}

    (second,) = [letter for letter in everything if letter["offset"] == 7]
    named = lines(tocsin(settings, "dead-letters", "redrive", str(second["letter_id"]), "--json"))
    assert [(one["letter_id"], one["done"]) for one in named] == [(second["letter_id"], "sent")]
    processed(settings)
    assert max(letter.redrives for letter in records(settings, topics.DEAD_LETTERS) if letter.redriven_at is None) == 2


def test_a_message_too_large_for_a_letter_is_sent_again_from_its_origin(settings: Settings, kafka: str) -> None:
    create_topics(settings)
    large = b"x" * (topics.MAX_BYTES - 10_000)
    send_bytes(settings, topics.INCOMING, [large])
    processed(settings)
    done = tocsin(settings, "dead-letters", "redrive", "--all")
    assert (done.returncode, done.stderr) == (0, "sent 1, refused 0\n")
    assert messages(settings, topics.full_name(settings, topics.INCOMING))[1].value == large


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("redrive",), "say which"),
        (("redrive", "--all", "--fingerprint", "a"), "say which"),
        (("redrive", "d_nothing"), "no dead letter d_nothing"),
        (("show", "d_nothing"), "no dead letter d_nothing"),
        (("redrive", "--fingerprint", "zz"), "no fingerprints begin with zz"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_said_in_a_line(settings: Settings, kafka: str, arguments: tuple[str, ...], said: str) -> None:
    create_topics(settings)
    done = tocsin(settings, "dead-letters", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_without_kafka_or_its_topics_the_way_out_is_said(settings: Settings, kafka: str) -> None:
    missing = tocsin(settings, "dead-letters", "list")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "tocsin topics create" in missing.stderr
    nobody = tocsin(structs.replace(settings, kafka="127.0.0.1:1"), "dead-letters", "list")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1)
    assert "no Kafka answers" in nobody.stderr
