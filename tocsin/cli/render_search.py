"""Search results and the report, for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.screen import one_line
from tocsin.cli.style import day, joined, plural, short, spans
from tocsin.store import FacetValue, Hit, Query, Report, Results

_FACETS = {"actors": "Actors", "places": "Places", "claim_types": "Claims", "sources": "Sources", "langs": "Languages"}
_SHOWN = 8
_MANY = 50
"""The store lists no more values of a facet."""


def results(screen: Console, query: Query, found: Results) -> None:
    """Print hits, then facets."""
    screen.print(_count(query, found))
    for number, hit in enumerate(found.hits, query.offset + 1):
        screen.print()
        _hit(screen, number, hit)
    screen.print()
    for name, label in _FACETS.items():
        facet(screen, label, found.facets.get(name, ()))


def _count(query: Query, found: Results) -> Text:
    text = Text.assemble((plural(found.total, "article"), "title"))
    if found.stories != found.total:
        text.append(f" in {plural(found.stories, 'story', 'stories')}", "title")
    if query.text.strip():
        text.append(" for ", "meta").append(one_line(query.text), "hit")
    for label, values in (("actor", query.actors), ("place", query.places), ("claim", query.claim_types), ("said as", query.modalities)):
        if values:
            text.append(f" · {label} ", "meta").append(one_line(" or ".join(values)))
    last = query.offset + len(found.hits)
    entries = found.total if query.all_copies else found.stories
    if last < entries:
        text.append(f" · showing {query.offset + 1}-{last}, more with --limit or --offset {last}", "meta")
    return text


def _hit(screen: Console, number: int, hit: Hit) -> None:
    title = spans(hit.title_spans) if hit.title else Text("(no title)", "meta")
    title.stylize_before("title")
    screen.print(Text.assemble((f"{number:>2}  ", "number"), title))
    about = joined(
        [
            Text(one_line(hit.source_name), "meta"),
            Text(day(hit.published_at) if hit.published_at else f"fetched {day(hit.fetched_at)}", "meta"),
            Text(one_line(hit.lang), "meta"),
            Text(f"{hit.copies} copies", "doubt") if hit.copies > 1 else "",
            Text(short(hit.article_id), "id"),
        ]
    )
    _indented(screen, about)
    _indented(screen, spans(hit.snippet))
    for words in hit.claims:
        _indented(screen, Text.assemble(("▸ ", "good"), (one_line(words), "italic")))
    tags = joined([Text(one_line(", ".join(names)), style) for names, style in ((hit.actors, "actor"), (hit.places, "place")) if names])
    if tags.plain:
        _indented(screen, tags)


def _indented(screen: Console, text: Text) -> None:
    screen.print(Padding(text, (0, 0, 0, 4), expand=False))


def facet(screen: Console, label: str, values: Sequence[FacetValue], shown: int = _SHOWN) -> None:
    """One line of a facet: the most frequent values with their counts."""
    if not values:
        return
    line = Text.assemble((f"{label:<10}", "label"))
    for number, value in enumerate(values):
        entry = Text.assemble(("" if number == 0 else " · ", "meta"), one_line(value.name), (f" {value.count:,}", "meta"))
        left = len(values) - number
        more = f" · {left}{'+' if len(values) >= _MANY else ''} more"
        if number >= shown or (number and line.cell_len + entry.cell_len + len(more) > screen.width):
            line.append(more, "meta")
            break
        line.append_text(entry)
    screen.print(line, no_wrap=True, overflow="ellipsis")


def report(screen: Console, counted: Report) -> None:
    """Print what is in the store."""
    screen.print(
        joined(
            [
                Text(plural(counted.articles, "article"), "title"),
                plural(counted.clusters, "story", "stories"),
                plural(counted.versions, "version"),
                plural(counted.claims, "claim"),
                Text(plural(counted.alerts, "alert"), "warning" if counted.alerts else ""),
            ]
        )
    )
    refused = sum(counted.dropped.values())
    screen.print(Text(f"{plural(refused, 'page')} refused" if refused else "no page refused", "" if refused else "good"))
    for reason, count in counted.dropped.items():
        _indented(screen, Text.assemble((f"{count:>6,}  ", "bad"), one_line(reason)))
    for label, values in (
        ("Actors", counted.actors),
        ("Places", counted.places),
        ("Claim types", counted.claim_types),
        ("Sources", counted.sources),
        ("Languages", counted.langs),
    ):
        _bars(screen, label, values)


def _bars(screen: Console, label: str, values: Sequence[FacetValue]) -> None:
    if not values:
        return
    screen.print()
    screen.print(Text(label, "label"))
    names = [one_line(value.name) for value in values]
    wide = min(34, max(Text(name).cell_len for name in names))
    most = max(value.count for value in values)
    for name, value in zip(names, values, strict=True):
        cell = Text(name)
        cell.truncate(wide, overflow="ellipsis", pad=True)
        bar = "▇" * max(1, round(24 * value.count / most))
        screen.print(Text.assemble((f"{value.count:>8,}  ", "number"), cell, "  ", (bar, "info")), no_wrap=True, overflow="crop")
