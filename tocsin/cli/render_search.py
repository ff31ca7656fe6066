"""Search results and the report, for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.screen import one_line
from tocsin.cli.style import day, joined, plural, short, spans
from tocsin.store import FacetValue, Hit, Query, Report, Results

_FACETS = {"actors": "Actors", "places": "Places", "claim_types": "Claims", "sources": "Sources", "langs": "Languages"}
_SHOWN = 6


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
    text = Text(plural(found.total, "article"), "title")
    if found.stories != found.total:
        text.append(f" in {plural(found.stories, 'story', 'stories')}", "title")
    if query.text.strip():
        text.append(" for ", "meta").append(one_line(query.text), "hit")
    last = query.offset + len(found.hits)
    entries = found.total if query.all_copies else found.stories
    if last < entries:
        text.append(f" · showing {query.offset + 1}-{last}, more with --limit or --offset {last}", "meta")
    return text


def _hit(screen: Console, number: int, hit: Hit) -> None:
    title = spans(hit.title_spans) if hit.title else Text("(no title)", "meta")
    title.stylize_before("title")
    screen.print(Text(f"{number:>2}  ", "number") + title)
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
        _indented(screen, Text("▸ ", "good") + Text(one_line(words), "italic"))
    tags = joined([Text(one_line(", ".join(names)), "label") for names in (hit.actors, hit.places) if names])
    if tags.plain:
        _indented(screen, tags)


def _indented(screen: Console, text: Text) -> None:
    screen.print(Padding(text, (0, 0, 0, 4), expand=False))


def facet(screen: Console, label: str, values: Sequence[FacetValue], shown: int = _SHOWN) -> None:
    """One line of a facet: the most frequent values with their counts."""
    if not values:
        return
    line = Text(f"{label:<10}", "label")
    line.append_text(joined([Text(one_line(value.name)).append(f" {value.count:,}", "meta") for value in values[:shown]]))
    if len(values) > shown:
        line.append(f" · {len(values) - shown}{'+' if len(values) >= 50 else ''} more", "meta")
    line.no_wrap, line.overflow = True, "ellipsis"
    screen.print(line)


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
        _indented(screen, Text(f"{count:>6,}  ", "bad") + Text(one_line(reason)))
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
        line = Text(f"{value.count:>8,}  ", "number")
        cell = Text(name)
        cell.truncate(wide, overflow="ellipsis", pad=True)
        bar = max(1, round(24 * value.count / most))
        screen.print(line + cell + Text("  " + "▇" * bar, "info"), no_wrap=True, overflow="crop")
