"""Run the embedded pipeline on the sample site, as `tocsin demo` does, for tests."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from producers.sample.server import Site, serve
from producers.sources import load_sources
from tocsin.embedded.crawl import Progress
from tocsin.embedded.session import Session
from tocsin.settings import Settings, load

EXPECTED = yaml.safe_load((Path(__file__).parent / "golden" / "sample_expected.yaml").read_text(encoding="utf-8"))


def settings_for(site: Site, data: Path, rules: Path | None = None, workers: int = 2) -> Settings:
    """Settings that let the fetcher reach the loopback site, and nothing else that is private."""
    allowed = ",".join(urlsplit(url).netloc for url in (site.base_url, site.other_url))
    given = {"data": str(data), "allow_private": allowed, "host_delay": 0.0, "workers": workers, "rules": str(rules) if rules else ""}
    return load(environment={}, given=given)[0]


def poll(site: Site, settings: Settings, *, later: float = 0.0) -> Progress:
    """One round over the site; `later`: seconds by which the schedule's clock is ahead."""
    sources = Path(settings.data) / "sources.yaml"
    sources.parent.mkdir(parents=True, exist_ok=True)
    sources.write_text(site.sources(), encoding="utf-8")
    progress = Progress()
    with Session(settings, progress) as session:
        session.poll(load_sources(sources), once=True, clock=lambda: time.time() + later)
    return progress


@contextmanager
def sample_site() -> Iterator[Site]:
    """The site, on free ports."""
    with serve() as site:
        yield site


def url_of(site: Site, path: str) -> str:
    """Address of a page that the expectations name by path; "other:" is the second host."""
    return site.other_url + path.removeprefix("other:") if path.startswith("other:") else site.base_url + path
