"""Speed of the embedded store: writing with and without the disk's word for it, and searching.

    python -m benchmarks.store [--articles N] [--keep DIR]

Writes N made-up articles (450 words from a vocabulary with the usual skew, 8 mentions, 6 claims each), one transaction an article,
and prints articles a second; then what the disk's word costs (PRAGMA synchronous FULL against NORMAL); then milliseconds for
searches of rising size. Articles are made before the clock starts. With --keep the store stays in DIR, and is used again.
"""

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sinks.sqlite import SqliteStore, open_store
from sinks.sqlite.connect import FILE
from tocsin import ids
from tocsin.records import Article, Claim, Mention, Tagged, Trigger
from tocsin.store import Batch, Query

WORDS = 30_000
BATCH = 500
KINDS = ("casualties", "displacement", "territorial_control", "remote_strike", "statement", "armed_clash")


def articles(count: int, seed: int = 1) -> Iterator[Batch]:
    """Made-up articles, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    vocabulary = words()
    odds = list(itertools.accumulate(1 / (rank + 2) for rank in range(WORDS)))
    for number in range(count):
        text = " ".join(chance.choices(vocabulary, cum_weights=odds, k=450))
        title = " ".join(chance.choices(vocabulary, cum_weights=odds, k=8))
        yield Batch(tagged=tagged(number, title, text, chance))


def words(seed: int = 2) -> list[str]:
    """The vocabulary, most frequent first."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = {"".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(4, 10))): None for _ in range(WORDS * 2)}
    return list(found)[:WORDS]


def tagged(number: int, title: str, text: str, chance: random.Random) -> Tagged:
    """One article with mentions of 600 places in 12 countries and of 300 actors, and claims."""
    url = f"https://example.org/{seed_of(number)}/{number}"
    article_id = ids.article_id(url)
    version_id = ids.version_id(article_id, title, text)
    day = f"2017-{1 + number % 12:02}-{1 + number % 28:02}"
    mentions = [place(chance.randrange(600), at) for at in range(4)] + [actor(chance.randrange(300), at) for at in range(4, 8)]
    claims = tuple(
        Claim(
            claim_id=ids.claim_id(version_id, "text", at * 40, at * 40 + 30, KINDS[at]),
            article_id=article_id,
            version_id=version_id,
            type=chance.choice(KINDS),
            text=text[at * 40 : at * 40 + 30],
            start=at * 40,
            end=at * 40 + 30,
            sentence_index=0,
            sentence_start=0,
            sentence_end=300,
            trigger=Trigger(text=text[at * 40 : at * 40 + 5], start=at * 40, end=at * 40 + 5),
            modality=chance.choice(("asserted", "reported", "claimed")),
        )
        for at in range(6)
    )
    article = Article(
        article_id=article_id,
        version_id=version_id,
        url=url,
        canonical_url=url,
        source_id=f"source{number % 50}",
        source_name=f"Source {number % 50}",
        owner=f"owner{number % 20}",
        title=title,
        text=text,
        author=None,
        published_at=f"{day}T07:00:00Z",
        published_source="feed",
        published_precision="second",
        fetched_at=f"{day}T08:00:00Z",
        text_sha256=ids.sha256(text.encode()),
    )
    return Tagged(
        article=article,
        lang="en",
        lang_confidence=1.0,
        claims_attempted=True,
        segments=(),
        sentences=(),
        mentions=tuple(mentions),
        claims=claims,
        tagger_version="1",
        lexicon_version="1",
    )


def seed_of(number: int) -> str:
    """A folder name, so that addresses do not all begin alike."""
    return ids.digest(str(number // 100))[:6]


def place(number: int, at: int) -> Mention:
    """Mention of one of 600 towns, each in a province and a country."""
    parents = (f"loc:xx-province{number % 40}", f"loc:country{number % 12}")
    return mention("place", f"loc:town{number}", f"Town{number}", "town", at, parents)


def actor(number: int, at: int) -> Mention:
    """Mention of one of 300 groups."""
    return mention("actor", f"org:group{number}", f"Group{number}", "militia", at, ())


def mention(kind: str, entity: str, name: str, kind_of: str, at: int, parents: tuple[str, ...]) -> Mention:
    """A mention somewhere in the text."""
    start, end = at * 50, at * 50 + len(name)
    return Mention(
        mention_id=f"m{start}-{end}",
        kind="place" if kind == "place" else "actor",
        entity_id=entity,
        name=name,
        type=kind_of,
        text=name,
        start=start,
        end=end,
        parent_ids=parents,
    )


def write(store: SqliteStore, count: int, seed: int) -> float:
    """Seconds to write `count` articles, one transaction each, without the time to make them."""
    total, source = 0.0, articles(count, seed)
    while chunk := list(itertools.islice(source, BATCH)):
        start = time.perf_counter()
        for batch in chunk:
            store.write(batch)
        total += time.perf_counter() - start
    return total


def cost_of_certainty(folder: Path, count: int = 500) -> Iterator[tuple[str, float]]:
    """Milliseconds an article with each PRAGMA synchronous, in turns, because machines are noisy; the best of three."""
    best: dict[str, float] = {}
    for turn in range(3):
        for level in ("FULL", "NORMAL"):
            with open_store(folder / f"{level}{turn}") as store:
                store.connection.execute(f"PRAGMA synchronous={level}")
                best[level] = min(best.get(level, 9e9), write(store, count, turn) / count * 1000)
    yield from best.items()


def searches() -> list[tuple[str, Query]]:
    """Searches of rising size."""
    vocabulary = words()
    return [
        ("a rare word", Query(text=vocabulary[5000])),
        ("a word, a place, since", Query(text=vocabulary[60], places=("Province3",), since="2017-03")),
        ("an actor and a claim type", Query(actors=("Group7",), claim_types=("casualties",))),
        ("a usual word", Query(text=vocabulary[400])),
        ("a phrase of two frequent words", Query(text=f'"{vocabulary[3]} {vocabulary[4]}"')),
        ("a country", Query(places=("Country3",))),
        ("a word of every second article", Query(text=vocabulary[60])),
        ("a word of every article", Query(text=vocabulary[0])),
        ("everything", Query()),
    ]


def milliseconds(store: SqliteStore, query: Query, times: int = 3) -> tuple[int, float]:
    """(articles found, the best time)."""
    best, total = 9e9, 0
    for _ in range(times):
        start = time.perf_counter()
        total = store.search(query).total
        best = min(best, (time.perf_counter() - start) * 1000)
    return total, best


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    screen = Console()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "store"
        if not (folder / FILE).exists():
            with open_store(folder) as store:
                spent = write(store, options.articles, 1)
            size = (folder / FILE).stat().st_size / 1e6
            screen.print(
                f"write: {options.articles / spent:,.0f} articles/s, {spent / options.articles * 1000:.2f} ms each, {size:,.0f} MB"
            )
        for level, each in cost_of_certainty(Path(temporary)):
            screen.print(f"synchronous={level}: {each:.2f} ms an article")
        table = Table("search", "articles found", "ms", title=f"best of three, {folder}")
        with open_store(folder, read_only=True) as store:
            for name, query in searches():
                found, best = milliseconds(store, query)
                table.add_row(name, f"{found:,}", f"{best:.1f}")
        screen.print(table)


if __name__ == "__main__":
    main()
