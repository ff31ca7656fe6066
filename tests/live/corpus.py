"""Input for whole runs: the sample site's pages as they lie in a file, and many articles made from them, always the same for a seed."""

import json
import random
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from producers.clean import clean
from producers.sample.site import OTHER, answers
from tocsin.clock import iso_of, parse
from tocsin.records import Article, Page

Line = dict[str, Any]
_BASE, _OTHER = "https://outlets.example", "https://archive.example"
_START = int(parse("2026-03-02T06:00:00Z").timestamp())
_PLACES = ("Mosul", "Raqqa", "Tikrit", "Fallujah", "Aleppo", "Homs", "Kirkuk", "Ramadi", "Idlib", "Palmyra")
_FIGURE = re.compile(r"(?<![\d.,:/-])\d{1,3}(?:,\d{3})*(?![\d.,:/%-])")
_LONGEST = 6000  # characters of a text that others are made from


def captured() -> list[Line]:
    """Every page of the sample site, then what its second edition changed, with the moment it was read: JSON lines of `tocsin ingest`."""
    first, second = (answers(_BASE, _OTHER, edition) for edition in (1, 2))
    pages = [(path, found.body) for path, found in first.items() if _is_page(found)]
    pages += [(path, found.body) for path, found in second.items() if _is_page(found) and found.body != first[path].body]
    return [
        {
            "url": _OTHER + path.removeprefix(OTHER) if path.startswith(OTHER) else _BASE + path,
            "html": body.decode("utf-8", "replace"),
            "source": path.split("/")[1] or "front page",
            "owner": path.split("/")[1] or "front page",
            "fetched_at": iso_of(_START + 600 * number),
        }
        for number, (path, body) in enumerate(pages)
    ]


def made(count: int, seed: int = 1) -> list[Line]:
    """`count` clean articles: the sample's with other figures and places, every fifth a near-copy, every tenth an edit of one before."""
    chance = random.Random(seed)  # noqa: S311 - the same articles in every run are the point
    models = _models()
    lines: list[Line] = []
    for number in range(count):
        source = f"outlet-{chance.randrange(12)}"
        line = {
            "url": f"https://{source}.example/{seed}/{number}",
            "source": source,
            "owner": source,
            "fetched_at": iso_of(_START + 86_400 + 40 * number),
        }
        earlier = lines[chance.randrange(len(lines))] if lines else None
        if earlier is not None and number % 5 == 3:
            text = f"{earlier['text']}\nAlso told by {source}, number {number}."
            lines.append({**line, "title": earlier["title"], "text": text, "published_at": earlier["published_at"]})
        elif earlier is not None and number % 10 == 6:
            more = f"Officials said later that {chance.randrange(2, 60)} more people were killed in {chance.choice(_PLACES)}."
            lines.append({**earlier, "text": f"{earlier['text']}\n{more}", "fetched_at": line["fetched_at"]})
        else:
            model = models[chance.randrange(len(models))]
            moved = dict(zip(_PLACES, chance.sample(_PLACES, len(_PLACES)), strict=True))
            title, text = (_other(words, moved, chance) for words in (model.title or "Untitled", model.text))
            lines.append({**line, "title": title, "text": text, "published_at": iso_of(_START + 86_400 + 40 * number - 1800)})
    return lines


def write_lines(path: Path, lines: Iterable[Line]) -> Path:
    """As a file of JSON lines."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def _is_page(found: Any) -> bool:
    return found.status == 200 and found.content_type.startswith("text/html") and found.body != b""


@cache
def _models() -> tuple[Article, ...]:
    return tuple(article for article in _cleaned() if article.title and len(article.text) <= _LONGEST)


def _cleaned() -> Iterator[Article]:
    for line in captured():
        page = Page(
            url=line["url"],
            final_url=line["url"],
            source_id=line["source"],
            source_name=line["source"],
            owner=line["owner"],
            status=200,
            content_type=None,
            body=line["html"].encode(),
            fetched_at=line["fetched_at"],
        )
        article = clean(page)
        if isinstance(article, Article):
            yield article


def _other(text: str, moved: dict[str, str], chance: random.Random) -> str:
    def figure(found: re.Match[str]) -> str:
        value = int(found[0].replace(",", ""))
        return f"{max(2, round(value * chance.uniform(0.5, 2.0))):,}" if value > 1 else found[0]

    places = re.compile("|".join(moved))
    return _FIGURE.sub(figure, places.sub(lambda found: moved[found[0]], text))
