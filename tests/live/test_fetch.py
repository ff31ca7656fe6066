"""Scheduler and fetchers on a real Kafka and the sample site: what the embedded run gives, whatever is killed or broken."""

import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest
from msgspec.structs import replace

from producers.archive import read_body
from producers.sample.server import Site, serve
from producers.sample.site import catalogue
from tests.live.crawling import begin, comparable, embedded, for_site, incoming, killed, running
from tests.live.stream import behind, create_topics, messages, records, send, send_bytes, stop, wait_for
from tests.sample_run import EXPECTED, url_of
from tocsin import topics, wire
from tocsin.records import Article, Dropped, Fetched, Request
from tocsin.settings import Settings

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("fetch")]
INDEXED = sum(page["fate"] == "indexed" for page in EXPECTED["pages"].values())


@dataclass
class Crawled:
    """One undisturbed run, and what the embedded one made of the same site."""

    site: Site
    settings: Settings
    expected: dict[str, Article]
    stopped: list[tuple[int, str]]
    seconds: float  # to stop


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Article]]]:
    """The site, and what the embedded run makes of it."""
    with serve() as site:
        yield site, embedded(site, tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def crawled(kafka: str, known: tuple[Site, dict[str, Article]], tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    folder = tmp_path_factory.mktemp("crawled")
    settings = Settings(kafka=kafka, prefix=f"t{secrets.token_hex(5)}", data=str(folder / "data"), node="test", partitions=4, workers=2)
    site, expected = known
    settings = for_site(settings, site)
    create_topics(settings)
    site.requests.clear()  # pages that ask for patience first do so again
    with running(settings, "schedule", "fetch") as processes:
        wait_until_crawled(settings, expected)
        wait_for(lambda: behind(settings, "schedule", topics.FETCHED) == 0)
        started = time.monotonic()
        stopped = [stop(process) for process in processes]
        return Crawled(site, settings, expected, stopped, time.monotonic() - started)


def wait_until_crawled(settings: Settings, expected: dict[str, Article], seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while missing := set(expected) - {article.version_id for article in incoming(settings)}:
        told = sorted(expected[version].url for version in missing), records(settings, topics.DROPPED)
        assert time.monotonic() < until, f"not crawled within {seconds} s: {told}"
        time.sleep(0.5)
    wait_for(lambda: behind(settings, "fetch", topics.REQUESTS) == 0, 20)


def test_incoming_articles_are_those_of_the_embedded_run_field_by_field(crawled: Crawled) -> None:
    found = incoming(crawled.settings)
    assert len(crawled.expected) == INDEXED
    assert len(found) == INDEXED
    assert {a.version_id: comparable(a) for a in found} == {v: comparable(a) for v, a in crawled.expected.items()}
    assert all(article.sketch for article in found)
    assert {a.version_id for a in incoming(crawled.settings, "backfill")} == {v for v, a in crawled.expected.items() if a.backfill} != set()


def test_every_address_of_the_site_is_answered_and_refusals_have_their_reason(crawled: Crawled) -> None:
    answers: list[Fetched] = records(crawled.settings, topics.FETCHED)
    asked = {answer.request.url for answer in answers}
    assert {url_of(crawled.site, route["path"]) for route in catalogue()["routes"]} <= asked
    dropped: list[Dropped] = records(crawled.settings, topics.DROPPED)
    assert {one.url.removeprefix(crawled.site.base_url): (one.stage, one.reason) for one in dropped} == {
        "/tigris/2017/02/19/removed.html": ("fetch", "gone"),
        "/tigris/private/desk-notes.html": ("fetch", "robots"),
        "/tigris/documents/humanitarian-note.pdf": ("fetch", "not-html"),
        "/courier/world/2017/empty": ("fetch", "empty"),
    }
    assert Counter(answer.reason for answer in answers if answer.outcome == "failed") == {"http-5xx": 1}  # tried again in a minute
    assert records(crawled.settings, topics.DEAD_LETTERS) == []


def test_the_bytes_of_every_article_are_in_the_archive(crawled: Crawled) -> None:
    for article in incoming(crawled.settings):
        assert article.raw is not None
        assert len(read_body(Path(crawled.settings.data) / "archive", article.raw)) == article.raw.length
    noted = {answer.request.url for answer in records(crawled.settings, topics.FETCHED) if answer.raw is not None}
    assert len(noted) >= INDEXED


def test_a_page_costs_three_messages_and_a_host_keeps_to_one_partition(crawled: Crawled) -> None:
    settings = crawled.settings
    requests = [m for name in topics.lanes(settings, topics.REQUESTS) for m in messages(settings, name)]
    answers = messages(settings, topics.full_name(settings, topics.FETCHED))
    assert len(answers) == len(requests)
    assert len(incoming(settings)) + len(records(settings, topics.DROPPED)) <= len(requests)
    partitions = {(wire.decode(message.value, Request).host, message.partition) for message in requests}
    assert len(partitions) == len({host for host, _ in partitions}) == 2


def test_services_stop_in_good_order_and_go_on_where_they_were(crawled: Crawled) -> None:
    assert crawled.stopped == [(0, ""), (0, "")]
    assert crawled.seconds < 10
    before = crawled.site.requests.copy()
    with running(crawled.settings, "schedule", "fetch") as processes:
        time.sleep(4)
        assert [stop(process) for process in processes] == [(0, ""), (0, "")]
    again = crawled.site.requests - before
    assert set(again) <= {"/courier/world/2017/broken", "/robots.txt", "other:/robots.txt"}, "answered pages were asked for again"


def test_killing_scheduler_and_fetcher_again_and_again_loses_nothing(
    settings: Settings, kafka: str, known: tuple[Site, dict[str, Article]]
) -> None:
    kills = int(os.environ.get("TOCSIN_DRILL_KILLS", "4"))
    site, expected = known
    settings = for_site(settings, site, pause=0.04 * kills)
    create_topics(settings)
    site.requests.clear()
    processes = {command: begin(settings, command) for command in ("schedule", "fetch")}
    try:
        for number, victim in zip(range(kills), cycle(("fetch", "schedule")), strict=False):
            goal = 6 + number * 28 // kills
            wait_for(lambda goal=goal: sum(site.requests.values()) >= goal)  # type: ignore[misc]
            killed(processes[victim])
            processes[victim] = begin(settings, victim)
        wait_until_crawled(settings, expected)
        assert [stop(process) for process in processes.values()] == [(0, ""), (0, "")]
    finally:
        for process in processes.values():
            killed(process)
    found = incoming(settings)
    assert {a.version_id: comparable(a) for a in found} == {v: comparable(a) for v, a in expected.items()}
    # What was under way is asked again: a kill costs the answers of half a second, or the requests of one transaction.
    assert len(found) <= 2 * len(expected)
    assert max(site.requests.values()) <= kills + 2
    for article in found:
        assert article.raw is not None
        assert len(read_body(Path(settings.data) / "archive", article.raw)) == article.raw.length
    assert records(settings, topics.DEAD_LETTERS) == []


def test_fetchers_that_come_and_go_share_the_hosts_and_lose_nothing(
    settings: Settings, kafka: str, known: tuple[Site, dict[str, Article]]
) -> None:
    site, expected = known
    settings = for_site(settings, site, pause=0.3)
    create_topics(settings)
    site.requests.clear()
    other = replace(settings, node="other")
    with running(settings, "schedule", "fetch") as processes:
        wait_for(lambda: sum(site.requests.values()) >= 6)
        with running(other, "fetch") as (second,):
            wait_for((Path(settings.data) / "fetch" / "other" / "state.db").exists)
            time.sleep(4)
            assert stop(second) == (0, "")
            wait_until_crawled(settings, expected)
        assert [stop(process) for process in processes] == [(0, ""), (0, "")]
    found = incoming(settings)
    assert {a.version_id: comparable(a) for a in found} == {v: comparable(a) for v, a in expected.items()}
    assert len(found) <= 1.5 * len(expected)


def test_a_heap_of_old_material_does_not_keep_new_material_waiting(
    settings: Settings, kafka: str, known: tuple[Site, dict[str, Article]]
) -> None:
    site, _ = known
    settings = for_site(settings, site, pause=0.3)
    create_topics(settings)
    old, new = url_of(site, "/courier/world/2022/kherson"), url_of(site, "other:/mirror/raqqa-displaced.html")
    heap = [Request(url=old, host=f"old{number % 40}", source_id="s", kind="page", backfill=True) for number in range(1500)]
    send(settings, topics.REQUESTS, [(request.host, request) for request in heap], backfill=True)
    with running(settings, "fetch"):
        wait_for(lambda: incoming(settings, "backfill"))
        send(settings, topics.REQUESTS, [("new", Request(url=new, host="new", source_id="s", kind="page"))])
        wait_for(lambda: incoming(settings, "live"), 20)
        assert len(incoming(settings, "backfill")) < len(heap) // 2


POISON = [b"not JSON", b'{"url": 5}', b"", None, b"\xff\xfe", b"[" * 100_000]


@pytest.mark.parametrize("command", ["fetch", "schedule"])
def test_poison_becomes_a_dead_letter_with_its_origin_and_stops_nothing(settings: Settings, kafka: str, command: str) -> None:
    topic = {"fetch": topics.REQUESTS, "schedule": topics.FETCHED}[command]
    with serve() as site:
        settings = for_site(settings, site)
        create_topics(settings)
        send_bytes(settings, topic, POISON)
        with running(settings, "schedule", "fetch") as processes:
            wait_for(lambda: len(records(settings, topics.DEAD_LETTERS)) == len(POISON))
            wait_for(lambda: len(incoming(settings)) >= INDEXED)
            ended = [stop(process) for process in processes]
    assert [code for code, _ in ended] == [0, 0]
    letters = records(settings, topics.DEAD_LETTERS)
    assert {(one.stage, one.topic, one.partition) for one in letters} == {(command, topics.full_name(settings, topic), 0)}
    assert Counter(one.body or b"" for one in letters) == Counter(body or b"" for body in POISON)
    assert all(one.error for one in letters)


@pytest.mark.parametrize("command", ["fetch", "schedule"])
def test_a_message_of_a_newer_schema_stops_the_service_and_is_kept_for_the_newer_one(settings: Settings, kafka: str, command: str) -> None:
    asked = Request(url="https://a.example/1", host="a.example", source_id="a", kind="page", schema_version=99)
    answer = Fetched(request=replace(asked, schema_version=1), at="2018-01-06T10:00:00Z", outcome="fetched", schema_version=99)
    topic, record = {"fetch": (topics.REQUESTS, asked), "schedule": (topics.FETCHED, answer)}[command]
    with serve() as site:
        settings = for_site(settings, site)
        create_topics(settings)
        send(settings, topic, [("k", record)])
        process = begin(settings, command)
        _, said = process.communicate(timeout=60)
    assert process.returncode not in (0, 70)
    assert said.startswith("tocsin: schema 99 is newer than this Tocsin reads")
    assert said.count("\n") == 1
    assert records(settings, topics.DEAD_LETTERS) == []
    assert behind(settings, command, topic) == 1


@pytest.mark.parametrize("command", ["fetch", "schedule"])
def test_a_missing_topic_is_one_line_of_advice(settings: Settings, kafka: str, command: str) -> None:
    with serve() as site:
        process = begin(for_site(settings, site), command)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "does not exist: run `tocsin topics create` first" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["fetch", "schedule"])
def test_a_second_service_of_the_same_name_is_refused(settings: Settings, kafka: str, command: str) -> None:
    with serve() as site:
        settings = for_site(settings, site)
        create_topics(settings)
        with running(settings, command) as (first,):
            wait_for((Path(settings.data) / command / "test").exists)
            time.sleep(2)
            second = begin(settings, command)
            _, said = second.communicate(timeout=60)
            assert (second.returncode, said.count("\n")) == (2, 1)
            assert "is writing here" in said
            assert stop(first) == (0, "")


def test_a_fetcher_whose_name_another_machine_took_stops_and_says_so(
    settings: Settings, kafka: str, known: tuple[Site, dict[str, Article]], tmp_path: Path
) -> None:
    site, _ = known
    first = for_site(settings, site)
    second = for_site(replace(settings, data=str(tmp_path / "other machine")), site)
    create_topics(settings)
    with running(first, "fetch") as (older,), running(second, "fetch") as (newer,):
        for _ in range(60):  # which of the two joined last does not matter
            url = url_of(site, "/courier/world/2022/kherson")
            send(settings, topics.REQUESTS, [("h", Request(url=url, host="h", source_id="s", kind="page"))])
            if any(process.poll() is not None for process in (older, newer)):
                break
            time.sleep(1)
        ended = [process for process in (older, newer) if process.poll() is not None]
        assert len(ended) == 1
        code, said = stop(ended[0])
        assert (code, said.count("\n")) == (2, 1)
        assert "another fetch of the name test has taken over: give each replica its own name" in said
        wait_for(lambda: behind(settings, "fetch", topics.REQUESTS) == 0)


def submitted(settings: Settings, *arguments: str) -> tuple[int, str]:
    process = begin(settings, "submit", *arguments)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_submitted_pages_articles_and_addresses_travel_in_the_lane_asked_for(settings: Settings, kafka: str, tmp_path: Path) -> None:
    lines = [{"url": "https://a.example/1", "title": "Strike in Mosul", "text": "Twelve people were killed in Mosul. " * 5}]
    lines += [{"html": "<html><body><p>" + "Families fled the city on Monday. " * 20 + "</p></body></html>", "id": 7}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "{broken\n", encoding="utf-8")
    with serve() as site:
        settings = for_site(settings, site)
        create_topics(settings)
        page = url_of(site, "/courier/world/2022/kherson")
        assert submitted(settings, "--backfill", str(tmp_path / "in.jsonl"), page) == (
            0,
            "submitted: 1 requests, 2 articles, 1 dropped\n",
        )
        assert submitted(settings, str(tmp_path / "in.jsonl"))[0] == 0
        with running(settings, "fetch"):
            wait_for(lambda: len(incoming(settings, "backfill")) == 3)
    old, new = incoming(settings, "backfill"), incoming(settings, "live")
    assert {article.backfill for article in old} == {True}
    assert {article.backfill for article in new} == {False}
    assert {article.url for article in old} == {"https://a.example/1", "file:" + f"{tmp_path.name}/in.jsonl#7", page}
    assert {comparable(a) for a in new} == {replace(comparable(a), backfill=False) for a in old if a.url != page}
    assert all(article.sketch for article in (*old, *new))
    raws = [article.raw for article in old if article.raw is not None]
    assert len(raws) == 2
    for raw in raws:
        assert len(read_body(Path(settings.data) / "archive", raw)) == raw.length
    assert {one.reason for one in records(settings, topics.DROPPED)} == {"bad-json"}
    # The archive itself, submitted again: the same articles, and not one byte archived twice.
    archive = Path(settings.data) / "archive"
    size = sum(file.stat().st_size for file in archive.rglob("*.gz"))
    assert submitted(settings, "--backfill", str(archive))[0] == 0
    again = incoming(settings, "backfill")[len(old) :]
    assert {a.version_id for a in again} == {a.version_id for a in old if a.raw is not None}
    assert sum(file.stat().st_size for file in archive.rglob("*.gz")) == size
