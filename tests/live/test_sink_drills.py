"""Sinks whose servers and processes are killed: everything is kept once all the same."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from sinks.jsonl import read
from tests.live import stream
from tests.live.conftest import Servers
from tests.live.indices import everything, left, of_kind, set_up, start
from tests.live.test_sink import document
from tocsin import topics
from tocsin.settings import Settings


def send(settings: Settings, numbers: range) -> None:
    stream.send(settings, topics.TAGGED, [(found.clustered.article_id, found) for found in map(document, numbers)])


def stop_all(processes: list["subprocess.Popen[str]"]) -> list[tuple[int, str]]:
    return [stream.stop(process) for process in processes]


def addresses(articles: dict[str, dict[str, Any]]) -> list[int]:
    return sorted(int(article["url"].rsplit("/", 1)[1]) for article in articles.values())


@pytest.mark.slow
@pytest.mark.timeout(600)  # a server is started twice
def test_elasticsearch_is_killed_and_comes_back(settings: Settings, kafka: str, servers: Servers) -> None:
    server = servers.elasticsearch()
    settings = structs.replace(settings, elasticsearch=server.address)
    stream.create_topics(settings)
    with set_up(settings) as client:
        send(settings, range(20))
        process = start(settings)
        stream.wait_for(lambda: not left(settings))
        server.kill()
        send(settings, range(20, 60))
        time.sleep(10)
        assert process.poll() is None
        server.start()
        stream.wait_for(lambda: not left(settings), 120)
        code, said = stream.stop(process)
        found = everything(client, settings)
    assert (code, "dead letter" in said, said.count("waiting:")) == (0, False, 1)
    assert addresses(of_kind(found, "articles")) == list(range(60))
    assert [len(of_kind(found, kind)) for kind in ("versions", "claims")] == [60, 60]


def test_two_sinks_share_the_work_while_one_is_killed_and_started_again(settings: Settings, kafka: str, elasticsearch: str) -> None:
    stream.create_topics(settings)
    one, two = (structs.replace(settings, node=name, sink_batch=5) for name in ("one", "two"))
    with set_up(settings) as client:
        processes = [start(one), start(two)]
        try:
            for first in range(0, 60, 20):
                send(settings, range(first, first + 20))
                time.sleep(1)
                killed = processes.pop(0)
                code, said = stream.stop(killed, signal.SIGKILL)
                assert code == -signal.SIGKILL, said  # not ended by itself before
                processes.append(start(one if first % 40 == 0 else two))
            stream.wait_for(lambda: not left(settings), 90)
        finally:
            told = stop_all(processes)
        found = everything(client, settings)
    assert [code for code, _ in told] == [0, 0], told
    assert addresses(of_kind(found, "articles")) == list(range(60))
    assert stream.records(settings, topics.DEAD_LETTERS) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked to stop", "killed"])
def test_files_of_lines_hold_everything_once(number: signal.Signals, settings: Settings, kafka: str) -> None:
    settings = structs.replace(settings, sink_batch=7)
    stream.create_topics(settings)
    send(settings, range(30))
    stream.send_bytes(settings, topics.TAGGED, [b"not JSON"])
    folder = Path(settings.data) / "jsonl" / settings.node
    process = start(settings, "jsonl")
    stream.wait_for(lambda: any(folder.glob("articles-*.jsonl")))
    stream.stop(process, number)
    send(settings, range(30, 40))
    process = start(settings, "jsonl")
    try:
        stream.wait_for(lambda: not left(settings, "sink-jsonl"))
    finally:
        stream.stop(process)
    assert sorted(int(article["url"].rsplit("/", 1)[1]) for article in read(folder, "articles")) == list(range(40))
    assert [letter.body for letter in stream.records(settings, topics.DEAD_LETTERS)] == [b"not JSON"]
    assert len(read(folder, "dead-letters")) == 1
