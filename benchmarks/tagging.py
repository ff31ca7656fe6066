"""Speed of tagging alone: articles a second a core for the whole of tags and claims: `python -m benchmarks.tagging`.

    python -m benchmarks.tagging [--count N] [--rounds N] [--texts FILE ...] [--dump FILE] [--long]

Articles are real texts of some 4.5 KB: the longer ones of the development sets, cut at a line or sentence end, where those are, else
the pages of the sample site, joined. Printed are CPU time an article (each at its quickest of some rounds, since other work on the
machine only ever adds), the share of each stage, and a fingerprint of everything that was found: a change for speed alone leaves it as
it is. The fingerprint covers the articles, and every shorter text of the same files, and leaves out the versions of rules and
lexicons. `--long` measures one text of 1 MB, and 500 KB of nothing but figures.
"""

import argparse
import hashlib
import json
import platform
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec.json import encode
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from streams import entities, tag
from streams.tag import Resources, given_article
from tocsin.embedded.prepare import prepare, resources_for
from tocsin.records import Article, Page, Tagged
from tocsin.settings import load

ROOT = Path(__file__).parents[1]
TEXTS = ROOT.parent / "shared" / "eval" / "dev"
SAMPLE = ROOT / "producers" / "sample" / "pages"
SIZE = 4_500  # characters; the median of web news is shorter, wire roundups are as long
SHORTEST = 3_800  # a text shorter than this is no article of the usual length
_AT = "2024-01-01T00:00:00Z"
_CUT = re.compile(r"(?<=[.!?])\s|\n")
# Stages that are called once an article, in order; each is timed with all it calls.
STAGES: tuple[tuple[str, ModuleType, str], ...] = (
    ("language", tag, "detect"),
    ("segments", tag, "segment"),
    ("sentences", tag, "sentences"),
    ("folding", tag, "fold"),
    ("places", entities, "find_places"),
    ("actors", entities, "find_actors"),
    ("references", entities, "resolve_references"),
    ("overlaps", entities, "settle"),
    ("place references", tag, "resolve_place_references"),
    ("numbers", tag, "find_numbers"),
    ("times", tag, "find_times"),
    ("claims", tag, "find_claims"),
)


def given_texts(paths: Sequence[Path]) -> list[str]:
    """Every text of JSON lines files, or of the sample site's pages, in a fixed order."""
    if paths:
        return [text for path in paths for line in path.open(encoding="utf-8") if (text := json.loads(line).get("text"))]
    resources = resources_for(load(environment={})[0])
    found: list[str] = []
    for path in sorted(SAMPLE.rglob("*.html")):
        url = f"https://bench.example/{path.stem}"
        page = Page(
            url=url, final_url=url, source_id="bench", source_name="bench", owner="bench", status=200,
            content_type="text/html; charset=utf-8", body=path.read_bytes(), fetched_at=_AT,
        )  # fmt: skip
        tagged = prepare(page, resources, 2_000_000).tagged
        if tagged is not None:
            found.append(tagged.article.text)
    return [*found, *("\n\n".join(found[at : at + 4]) for at in range(0, len(found), 4))]


def as_article(number: int, text: str) -> Article:
    """An article of about SIZE characters of `text`; a short first line is its title."""
    if len(text) > SIZE:
        ends = [mark.start() for mark in _CUT.finditer(text, SIZE - 600, SIZE)]
        text = text[: ends[-1] if ends else SIZE]
    head, _, rest = text.partition("\n")
    title, text = (head, rest) if 10 < len(head) <= 150 and rest else (None, text)
    return given_article(f"id:{number}", text, title, lang=None, published_at=_AT, at=_AT)


def _timed(call: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        started = time.process_time()
        try:
            return call(*given, **named)
        finally:
            spent[name] += time.process_time() - started

    return timed


def stages(articles: Sequence[Article], resources: Resources) -> dict[str, float]:
    """CPU seconds of each stage over all articles; what no stage has is "records"."""
    spent = {name: 0.0 for name, _, _ in STAGES}
    held = [(module, name, getattr(module, name)) for _, module, name in STAGES]
    try:
        for (label, module, name), (_, _, call) in zip(STAGES, held, strict=True):
            setattr(module, name, _timed(call, spent, label))
        started = time.process_time()
        for article in articles:
            tag.tag(article, resources)
        whole = time.process_time() - started
    finally:
        for module, name, call in held:
            setattr(module, name, call)
    return {**spent, "records": whole - sum(spent.values())}


def quickest(articles: Sequence[Article], resources: Resources, rounds: int) -> float:
    """CPU seconds of all articles, each at its quickest of `rounds` passes: what else the machine does only adds."""
    best = [float("inf")] * len(articles)
    for _ in range(rounds):
        for at, article in enumerate(articles):
            started = time.process_time()
            tag.tag(article, resources)
            best[at] = min(best[at], time.process_time() - started)
    return sum(best)


def findings(articles: Sequence[Article], resources: Resources) -> Iterator[bytes]:
    """What tagging finds in each article, as JSON, without the versions of rules and lexicons."""
    for article in articles:
        yield encode(_unversioned(tag.tag(article, resources)))


def _unversioned(tagged: Tagged) -> Tagged:
    claims, title_claims = (
        tuple(replace(claim, tagger_version="", lexicon_version="") for claim in part) for part in (tagged.claims, tagged.title_claims)
    )
    return replace(tagged, tagger_version="", lexicon_version="", claims=claims, title_claims=title_claims)


def long_texts(articles: Sequence[Article]) -> Iterator[tuple[str, str]]:
    """(what, text) of the texts that only a linear tagger reads in seconds."""
    joined = "\n\n".join(article.text for article in articles)
    while len(joined) < 1_000_000:
        joined += f"\n\n{joined}"
    yield "1 MB of news", joined[:1_000_000]
    yield "500 KB of figures", " ".join(f"{number} killed and {number * 7 % 1000} wounded," for number in range(20_000))[:500_000]
    yield "500 KB of deeds and figures", ("killed 12 and 13 people in May 2017, " * 20_000)[:500_000]
    yield "500 KB of bare figures", " ".join(str(number * 7919 % 100_003) for number in range(100_000))[:500_000]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=Path, nargs="*", default=sorted(TEXTS.glob("*.jsonl")))
    parser.add_argument("--dump", type=Path, help="write what was found there, one article a line, to compare two versions")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    resources = resources_for(load(environment={})[0])
    every = given_texts(options.texts)
    usual = [as_article(number, text) for number, text in enumerate(every) if len(text) >= SHORTEST][: options.count]
    short = [as_article(number, text) for number, text in enumerate(every) if len(text) < SHORTEST]
    console = Console()
    size = sum(len((article.title or "") + article.text) for article in usual) / len(usual)
    where = options.texts[0].parent.name if options.texts else "the sample site"
    console.print(f"{platform.machine()}, Python {platform.python_version()}; {len(usual)} articles of {size:,.0f} characters from {where}")
    digest = hashlib.sha256()
    lines = list(findings([*usual, *short], resources))
    for line in lines:
        digest.update(line)
    if options.dump:
        options.dump.write_bytes(b"\n".join(lines) + b"\n")
    each = quickest(usual, resources, options.rounds) / len(usual)
    table = Table("stage", "CPU ms an article", "share")
    spent = stages(usual, resources)
    for name, seconds in spent.items():
        table.add_row(name, f"{1000 * seconds / len(usual):.2f}", f"{100 * seconds / sum(spent.values()):.0f} %")
    console.print(table)
    console.print(f"tag and claims: {1000 * each:.2f} CPU ms an article, {1 / each:,.0f} articles a second a core")
    console.print(f"fingerprint of {len(lines)} articles: {digest.hexdigest()[:16]}")
    if options.long:
        for what, text in long_texts(usual):
            started = time.process_time()
            tag.tag(given_article("id:long", text, None, lang="en", published_at=_AT, at=_AT), resources)
            console.print(f"{what}: {time.process_time() - started:.2f} CPU s")


if __name__ == "__main__":
    main()
