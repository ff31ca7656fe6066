"""Running a real scheduler and real fetchers on the sample site."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import structs
from msgspec.structs import replace

from producers.sample.server import Site
from sinks.sqlite import open_store
from tests.live.stream import messages, stop
from tests.sample_run import poll, settings_for
from tocsin import topics, wire
from tocsin.records import Article
from tocsin.settings import Settings
from tocsin.store import Query

Process = subprocess.Popen[str]


def for_site(settings: Settings, site: Site, *, pause: float = 0.0) -> Settings:
    """Settings that let fetchers reach the loopback site; `pause`: seconds between two requests to a host."""
    allowed = ",".join(urlsplit(url).netloc for url in (site.base_url, site.other_url))
    folder = Path(settings.data)
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.yaml"
    sources.write_text(site.sources(), encoding="utf-8")
    return replace(settings, sources=str(sources), allow_private=allowed, host_delay=pause)


def begin(settings: Settings, command: str, *arguments: str) -> Process:
    """`tocsin COMMAND` with these settings."""
    given = {f"TOCSIN_{name.upper()}": str(value) for name, value in structs.asdict(settings).items()}
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin", command, *arguments], env={**os.environ, **given}, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def running(settings: Settings, *commands: str) -> Iterator[list[Process]]:
    """Services that end with the block, whatever happens in it."""
    with ExitStack() as undo:
        started = []
        for command in commands:
            started.append(process := begin(settings, command))
            undo.callback(killed, process)
        yield started


def killed(process: Process) -> None:
    if process.poll() is None:
        stop(process, signal.SIGKILL)


def incoming(settings: Settings, *lanes: topics.Lane) -> list[Article]:
    """Articles of the lanes named, both if none is; one outlet of the sample site is declared as old material."""
    names = [topics.full_name(settings, topics.INCOMING, lane) for lane in lanes or ("live", "backfill")]
    return [wire.decode(message.value, Article) for name in names for message in messages(settings, name)]


def embedded(site: Site, folder: Path) -> dict[str, Article]:
    """What the embedded run makes of the site in one round, by version id."""
    poll(site, settings_for(site, folder))
    with open_store(folder, read_only=True) as store:
        hits = store.search(Query(limit=10_000, all_copies=True)).hits
        kept = [store.article(hit.article_id) for hit in hits]
    return {one.tagged.article.version_id: one.tagged.article for one in kept if one is not None}


def comparable(article: Article) -> Article:
    """Without what depends on when and where it was fetched, and the sketch, which the embedded run has used up."""
    return replace(article, fetched_at="", raw=None, sketch=None)
