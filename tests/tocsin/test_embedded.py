"""The embedded run survives being killed, and gives the same answer twice and in another order."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from sinks.sqlite import open_store
from sinks.sqlite.connect import FILE
from tests.sample_run import poll, sample_site, settings_for
from tocsin.alerting import rules_of
from tocsin.embedded.session import Session
from tocsin.errors import UsageError
from tocsin.records import Tagged
from tocsin.settings import load
from tocsin.store import Query

TOCSIN = Path(sys.executable).parent / "tocsin"
PAGES = Path(__file__).parents[2] / "producers" / "sample" / "pages"
KILLS = 3
WALL_TIME = ("fetched_at", "observed_at")  # the only fields that may differ between two runs


def timeless(value: Any) -> Any:
    """A record as plain data, without the fields that hold the time of the run."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in WALL_TIME and key != "raw" and key != "cluster_id"}
    return [timeless(item) for item in value] if isinstance(value, list | tuple) else value


def contents(data: Path) -> dict[str, Any]:
    """What a store holds, comparable between runs: articles with claims, clusters as a partition, alerts by rule and subject."""
    with open_store(data, read_only=True) as store:
        hits = store.search(Query(limit=10_000, all_copies=True)).hits
        kept = [store.article(hit.article_id) for hit in hits]
        documents: dict[str, Tagged] = {one.tagged.article.version_id: one.tagged for one in kept if one is not None}
        clusters: dict[str, set[str]] = {}
        for one in kept:
            assert one is not None
            clusters.setdefault(one.clustered.cluster_id, set()).add(one.tagged.article.article_id)
        return {
            "articles": {version: timeless(msgspec.to_builtins(tagged)) for version, tagged in documents.items()},
            "clusters": {frozenset(members) for members in clusters.values()},
            "alerts": {told for alert in store.alerts(limit=10_000) for told in rules_of(alert)},
            "report": store.report(0).articles,
        }


def assert_same(one: dict[str, Any], other: dict[str, Any], *parts: str) -> None:
    """Two contents agree; says which fields of which article differ."""
    for part in parts or one:
        if part != "articles":
            assert one[part] == other[part]
            continue
        assert one[part].keys() == other[part].keys()
        for version, document in one[part].items():
            differing = {key: (document[key], other[part][version][key]) for key in document if document[key] != other[part][version][key]}
            assert not differing, (version, differing)


def saved_pages(folder: Path, *, reverse: bool = False) -> list[str]:
    """The sample pages as files, as a person might have saved them."""
    from producers.sample.site import answers

    folder.mkdir()
    for number, (path, answer) in enumerate(sorted(answers("http://127.0.0.1:1", "http://127.0.0.1:2", 1).items())):
        if answer.status == 200 and b"<html" in answer.body and "robots" not in path:
            (folder / f"{number:03}.html").write_bytes(answer.body)
    return sorted(map(str, folder.iterdir()), reverse=reverse)


def ingest(data: Path, inputs: list[str]) -> dict[str, int]:
    settings, _ = load(environment={}, given={"data": str(data), "workers": 2})
    with Session(settings) as session:
        session.ingest(inputs)
    return dict(session.progress.counts)


@pytest.mark.xdist_group("embedded")
def test_the_same_input_twice_changes_nothing_and_another_order_gives_the_same(tmp_path: Path) -> None:
    files = saved_pages(tmp_path / "pages")
    counts = ingest(tmp_path / "once", files)
    assert sum(counts[o] for o in counts if o != "alerts") == len(files)
    once = contents(tmp_path / "once")
    shutil.copytree(tmp_path / "once", tmp_path / "twice")
    again = ingest(tmp_path / "twice", files)
    assert set(again) <= {"unchanged", "dropped"}
    assert_same(contents(tmp_path / "twice"), once)
    archive = sum(f.stat().st_size for f in (tmp_path / "once" / "archive").iterdir())
    assert sum(f.stat().st_size for f in (tmp_path / "twice" / "archive").iterdir()) == archive
    ingest(tmp_path / "reversed", files[::-1])
    assert_same(contents(tmp_path / "reversed"), once, "articles", "clusters", "alerts")


@pytest.mark.slow
@pytest.mark.xdist_group("embedded-kill")
def test_a_run_killed_again_and_again_loses_nothing_reported_and_duplicates_nothing(tmp_path: Path) -> None:
    kills, order = 0, random.Random(11)  # noqa: S311  # fixed: a failure can be repeated
    with sample_site() as site:
        undisturbed = settings_for(site, tmp_path / "undisturbed")
        poll(site, undisturbed)
        data = tmp_path / "killed"
        sources = Path(undisturbed.data) / "sources.yaml"
        # The pause between requests keeps the run from ending before a loaded machine has killed it often enough.
        environment = {**os.environ, "TOCSIN_ALLOW_PRIVATE": undisturbed.allow_private, "TOCSIN_HOST_DELAY": "0.1"}
        command = [TOCSIN, "run", "--once", "--quiet", "--workers", "1", "--data", str(data), "--sources", str(sources)]
        reported: set[str] = set()
        while True:
            child = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE)
            enough = len(reported) + order.randint(1, 5) if kills < KILLS else 10_000
            deadline = time.monotonic() + 120
            while child.poll() is None and len(now := articles_in(data)) < enough:
                assert time.monotonic() < deadline, "no progress"
                assert now >= reported, "something reported was lost"
                time.sleep(0.02)
            time.sleep(order.random() * 0.1)
            if child.poll() is not None:
                assert child.returncode == 0, child.stderr.read() if child.stderr else ""
                break
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
            reported = articles_in(data)
            assert nobody_left(child.pid), "workers outlived the run that was killed"
    assert kills == KILLS
    assert_same(contents(data), contents(tmp_path / "undisturbed"), "articles", "clusters", "report")
    # Which article crosses a threshold depends on the order in which pages came: alerts are compared with a run that met the same
    # pages in the same order, undisturbed.
    ingest(tmp_path / "replayed", sorted(map(str, (data / "archive").glob("*.warc.gz"))))
    assert_same(contents(data), contents(tmp_path / "replayed"))


def articles_in(data: Path) -> set[str]:
    """Ids that a reader sees now."""
    if not (data / FILE).exists():
        return set()
    try:
        with open_store(data, read_only=True) as store:
            return {row[0] for row in store.connection.execute("SELECT article_id FROM version WHERE current")}
    except UsageError:  # the very first moments: the file is there, its tables are not yet
        return set()


def nobody_left(group: int, patience: float = 20.0) -> bool:
    """Whether the process group empties by itself; stops it if not."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    return False


@pytest.mark.xdist_group("embedded")
def test_an_address_that_is_dead_is_dropped_with_its_reason(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        port = taken.getsockname()[1]
        settings, _ = load(environment={}, given={"data": str(tmp_path), "workers": 1, "allow_private": f"127.0.0.1:{port}"})
        dead = {f"http://127.0.0.1:{port}/a": "connect", "http://10.0.0.1/b": "address", "http://no-such-host.invalid/c": "dns"}
        with Session(settings) as session:
            session.ingest([*dead, *dead])
    assert dict(session.progress.counts) == {"dropped": 3, "failed": 2}
    with open_store(tmp_path, read_only=True) as store:
        for url, reason in dead.items():
            last = store.trace(url)[-1]
            assert (last.outcome, last.detail.partition(":")[0]) == ("dropped", reason)
            assert last.detail.partition(":")[2].strip()
        assert sum(store.report(0).dropped.values()) == 3


@pytest.mark.xdist_group("embedded")
@pytest.mark.parametrize("pause", [0.0, 0.4])
def test_addresses_given_by_hand_keep_the_pause_that_the_settings_ask_for(tmp_path: Path, pause: float) -> None:
    with sample_site() as site:
        settings = replace(settings_for(site, tmp_path, workers=1), host_delay=pause)
        begun = time.monotonic()
        with Session(settings) as session:
            session.ingest([f"{site.base_url}/nothing/{number}" for number in range(6)])
        spent = time.monotonic() - begun
    assert session.progress.counts["dropped"] == 6
    assert spent >= 5 * pause
    assert spent < 25, "the default of 5 s was kept instead"


@pytest.mark.xdist_group("embedded")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["terminal", "service-manager"])
def test_a_stop_sent_to_all_processes_ends_in_good_order_and_the_next_start_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    with sample_site() as site:
        settings = settings_for(site, tmp_path / "data")
        sources = tmp_path / "sources.yaml"
        sources.write_text(site.sources(), encoding="utf-8")
        environment = {**os.environ, "TOCSIN_ALLOW_PRIVATE": settings.allow_private, "TOCSIN_HOST_DELAY": "0.1"}
        command = [TOCSIN, "run", "--quiet", "--workers", "1", "--data", settings.data, "--sources", str(sources)]
        child = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while not articles_in(Path(settings.data)):
            assert child.poll() is None, child.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(child.pid, number)
        _, errors = child.communicate(timeout=60)
        assert (child.returncode, errors) == (0, "")
        assert nobody_left(child.pid), "workers outlived the run that was stopped"
        kept = articles_in(Path(settings.data))
        assert kept
        if number is signal.SIGINT:  # once is enough: the kill test starts anew many times
            poll(site, settings)
            assert articles_in(Path(settings.data)) > kept
        with open_store(Path(settings.data), read_only=True) as store:
            assert not [reason for reason in store.report(0).dropped if "crashed" in reason], "a page went with the worker that held it"
