"""A notifier on a real Kafka: each alert once, whatever is killed; one notifier at a time."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from sinks.notify.ledger import open_ledger
from tests.live.conftest import Servers
from tests.live.stream import behind, create_topics, records, send, send_bytes
from tests.sinks.notify.alerts import alert, channels_file, hook, raised
from tests.sinks.notify.receivers import receiver, wait_until
from tocsin import topics
from tocsin.errors import UsageError
from tocsin.settings import Settings

pytestmark = pytest.mark.timeout(200)


class Notifiers:
    """Processes of one test, each with its log."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.running: list[subprocess.Popen[bytes]] = []

    def environment(self, settings: Settings) -> dict[str, str]:
        given = {**structs.asdict(settings), "notify_retry_most": 0.5}
        return {**os.environ, **{f"TOCSIN_{name.upper()}": str(value) for name, value in given.items()}}

    def start(self, *arguments: str, **changed: object) -> "subprocess.Popen[bytes]":
        settings = structs.replace(self.settings, **changed)
        with (self.folder / f"{settings.node}.log").open("ab") as log:
            command = [sys.executable, "-m", "tocsin", "notify", "--from", "kafka", *arguments]
            process = subprocess.Popen(command, env=self.environment(settings), stdout=log, stderr=log)
        self.running.append(process)
        return process

    def said(self, node: str = "test") -> str:
        path = self.folder / f"{node}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def states(self) -> dict[str, str]:
        try:
            with open_ledger(Path(self.settings.data) / "notify", mode="reader") as ledger:
                return {row.key: row.state for row in ledger.rows()}
        except UsageError:
            return {}


@contextmanager
def notifiers(settings: Settings, folder: Path) -> Iterator[Notifiers]:
    made = Notifiers(settings, folder)
    try:
        yield made
    finally:
        for process in made.running:
            if process.poll() is None:
                process.kill()
                process.wait()


def ring(settings: Settings, *numbers: int) -> None:
    send(settings, topics.ALERTS, [(alert(n).alert_id, alert(n)) for n in numbers])


def test_killed_again_and_again_it_tells_each_alert_once_or_repeats_the_one_under_way(
    settings: Settings, kafka: str, tmp_path: Path
) -> None:
    create_topics(settings)
    with receiver() as web:
        settings = structs.replace(settings, channels=str(channels_file(tmp_path / "etc", soc=hook(web.url))))
        with notifiers(settings, tmp_path) as made:
            for round_ in range(4):
                ring(settings, *range(round_ * 5, round_ * 5 + 5))
                before = len(web.got)
                process = made.start()
                wait_until(lambda: len(web.got) > before + round_ % 3, 60)  # noqa: B023
                process.kill()
                process.wait()
            ring(settings, 3, 4)  # delivered again by the stage before
            send(settings, topics.ALERTS, [(alert(0).alert_id, raised(alert(0), "critical"))])
            process = made.start()
            wait_until(lambda: behind(settings, "notify", topics.ALERTS) == 0 and len(made.states()) == 21, 60)
            wait_until(lambda: set(made.states().values()) == {"sent"}, 30)
            process.terminate()
            assert process.wait(15) == 0
            counts = Counter(web.keys())
            assert set(counts) == {f"{alert(n).alert_id}:soc" for n in range(20)} | {f"{alert(0).alert_id}:soc:critical"}
            assert sum(counts.values()) - len(counts) <= 4  # at most the one under way at each kill


def test_a_dead_channel_and_a_broken_message_become_dead_letters_and_a_redrive_is_told(
    settings: Settings, kafka: str, tmp_path: Path
) -> None:
    create_topics(settings)
    with receiver() as web:
        web.always = (503, {})
        settings = structs.replace(settings, channels=str(channels_file(tmp_path / "etc", soc=hook(web.url))), notify_give_up=2.0)
        with notifiers(settings, tmp_path) as made:
            send_bytes(settings, topics.ALERTS, [b"not json"])
            ring(settings, 1)
            made.start()
            key = f"{alert(1).alert_id}:soc"
            wait_until(lambda: made.states().get(key) == "given-up", 60)
            letters = sorted(records(settings, topics.DEAD_LETTERS), key=lambda letter: letter.error)
            assert [letter.stage for letter in letters] == ["notify", "notify"]
            assert "not a Alert" in letters[0].error
            assert "channel soc" in letters[1].error
            assert "HTTP 503" in letters[1].error
            assert alert(1).alert_id.encode() in (letters[1].body or b"")
            web.always = (200, {})
            before = len(web.got)
            done = subprocess.run(
                [sys.executable, "-m", "tocsin", "dead-letters", "redrive", "--fingerprint", letters[1].fingerprint],
                env=made.environment(settings),
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            wait_until(lambda: made.states().get(key) == "sent", 30)
            assert web.keys()[before:] == [key]


def test_a_second_notifier_is_refused_on_the_same_folder_and_on_another_machine(settings: Settings, kafka: str, tmp_path: Path) -> None:
    create_topics(settings)
    with receiver() as web:
        settings = structs.replace(settings, channels=str(channels_file(tmp_path / "etc", soc=hook(web.url))))
        with notifiers(settings, tmp_path) as made:
            ring(settings, 1)
            made.start()
            wait_until(lambda: len(web.got) == 1, 60)
            same = made.start(node="beside")
            elsewhere = made.start(node="elsewhere", data=str(tmp_path / "other"))
            assert same.wait(30) == 2
            assert "is writing here: stop it first" in made.said("beside")
            ring(settings, *range(2, 12))
            began = time.monotonic()
            wait_until(lambda: len(web.got) == 11, 15)
            assert time.monotonic() - began < 10  # the second one disturbs nothing
            assert elsewhere.wait(60) == 2
            assert "another notifier works (notify-test): there is one at a time" in made.said("elsewhere")
            assert Counter(web.keys()) == {f"{alert(n).alert_id}:soc": 1 for n in range(1, 12)}


@pytest.mark.slow
def test_a_broker_that_is_away_delays_no_notification_and_loses_none(settings: Settings, servers: Servers, tmp_path: Path) -> None:
    broker = servers.kafka()
    with receiver() as web:
        web.always = (503, {})
        channels = str(channels_file(tmp_path / "etc", soc=hook(web.url)))
        settings = structs.replace(settings, kafka=broker.address, channels=channels)
        create_topics(settings)
        with notifiers(settings, tmp_path) as made:
            ring(settings, 1, 2)
            process = made.start()
            wait_until(lambda: len(made.states()) == 2 and len(web.got) > 0, 60)
            broker.kill()
            web.always = (200, {})
            wait_until(lambda: set(made.states().values()) == {"sent"}, 30)
            broker.start()
            ring(settings, 3)
            wait_until(lambda: set(made.states().values()) == {"sent"} and len(made.states()) == 3, 60)
            assert process.poll() is None
            assert {key: count for key, count in Counter(web.keys()).items() if key.startswith(alert(3).alert_id)} == {
                f"{alert(3).alert_id}:soc": 1
            }


def test_without_topics_the_way_out_is_said(settings: Settings, kafka: str, tmp_path: Path) -> None:
    settings = structs.replace(settings, channels=str(channels_file(tmp_path / "etc", soc=hook("http://127.0.0.1:1/"))))
    with notifiers(settings, tmp_path) as made:
        assert made.start("--once").wait(60) == 2
        assert "tocsin topics create" in made.said()
