"""The real scheduler and fetcher on the sample site, over real HTTP: every address is accounted for."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from producers import schedule
from producers.fetch import open_fetcher
from producers.frontier import Frontier, Rhythm, due
from producers.sample.server import Site, serve
from producers.sample.site import OTHER, catalogue, current
from producers.sources import load_sources
from tocsin.records import Dropped, Fate, Page
from tocsin.settings import load

RHYTHM = Rhythm(host_delay=0.0, retries=(60.0,))
HOUR = 3600.0


@dataclass
class Crawled:
    """What one or more rounds brought, by path."""

    pages: dict[str, Page] = field(default_factory=dict)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    fates: dict[str, list[Fate]] = field(default_factory=lambda: defaultdict(list))


def path_of(site: Site, url: str) -> str:
    prefix = OTHER if url.startswith(site.other_url) else ""
    return prefix + urlsplit(url).path


async def _rounds(site: Site, frontier: Frontier, folder: Path, start: float, moments: list[float]) -> Crawled:
    """Ask for whatever is due at each moment (seconds after `start`) until nothing more is."""
    file = folder / "sources.yaml"
    file.write_text(site.sources(), "utf-8")
    listed = load_sources(file)
    allowed = f"{urlsplit(site.base_url).netloc},{urlsplit(site.other_url).netloc}"
    settings, _ = load(environment={}, given={"allow_private": allowed, "host_delay": 0.0})
    found = Crawled()
    async with open_fetcher(settings, listed) as fetcher:
        for moment in moments:
            now = start + moment
            schedule.plan(frontier, listed, now, RHYTHM, at_once=True)
            while requests := due(frontier, now):
                for request in requests:
                    fetch = await fetcher.fetch(request)
                    learned = schedule.learn(frontier, fetch.fetched, now, RHYTHM)
                    for fate in learned.fates:
                        found.fates[path_of(site, fate.url)].append(fate)
                    for drop in learned.dropped:
                        found.dropped[path_of(site, drop.url)] = drop
                    if fetch.page is not None:
                        found.pages[path_of(site, fetch.page.final_url)] = fetch.page
    return found


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


def test_every_address_is_fetched_or_refused_with_its_reason(site: Site, tmp_path: Path) -> None:
    found = asyncio.run(
        _rounds(
            site, Frontier({}, {}, {}), tmp_path, time.time(), [0.0, HOUR / 2, 80 * HOUR, 160 * HOUR, 240 * HOUR, 320 * HOUR, 400 * HOUR]
        )
    )
    articles = {page.path for page in current(1)}
    special = {route["path"] for route in catalogue()["routes"]}
    assert articles <= set(found.pages)
    assert special - set(found.fates) == set()
    assert site.requests["/tigris/private/desk-notes.html"] == 0
    reasons = {path: drop.reason for path, drop in found.dropped.items()}
    assert reasons == {
        "/tigris/2017/02/19/removed.html": "gone",
        "/tigris/private/desk-notes.html": "robots",
        "/tigris/documents/humanitarian-note.pdf": "not-html",
        "/courier/world/2017/broken": "http-5xx",
        "/courier/world/2017/empty": "empty",
    }


def test_redirects_keep_the_address_that_was_asked(site: Site, tmp_path: Path) -> None:
    found = asyncio.run(_rounds(site, Frontier({}, {}, {}), tmp_path, time.time(), [0.0, 5.0]))
    assert found.pages["/tigris/2017/01/24/east-mosul.html"].url == site.base_url + "/tigris/old/east-mosul"
    assert found.pages["other:/mirror/raqqa-displaced.html"].url == site.base_url + "/courier/go/raqqa-displaced"
    assert site.requests["other:/robots.txt"] == 1


def test_a_second_round_fetches_the_edited_pages_and_no_other_body(site: Site, tmp_path: Path) -> None:
    frontier, start = Frontier({}, {}, {}), time.time()
    asyncio.run(_rounds(site, frontier, tmp_path, start, [0.0, 5.0]))
    site.edition = 2
    second = asyncio.run(_rounds(site, frontier, tmp_path, start, [2 * HOUR]))
    edited = {page.path for page in current(2) if page.edition == 2}
    assert set(second.pages) == edited
