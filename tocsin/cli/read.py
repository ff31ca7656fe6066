"""Commands that read: search, show, trace, report. They work while `tocsin run` is writing."""

import importlib.util
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import click

from sinks.sqlite import open_store
from tocsin import settings
from tocsin.cli.screen import is_terminal, one_line, write_json
from tocsin.errors import UsageError
from tocsin.fold import fold_key
from tocsin.records import Claim, Record, Tagged
from tocsin.store import Query, Reader, Stored

F = TypeVar("F", bound=Callable[..., Any])
FOUND, NOTHING = 0, 1
_STORE = "tocsin.store"  # key of the context under which --store is kept


def data_option(command: F) -> F:
    """`--data DIR` and `--store KIND`: where to look."""
    command = click.option("--data", metavar="DIR", help="Folder of the store (setting `data`).")(command)
    return click.option(
        "--store",
        type=click.Choice(("sqlite", "elasticsearch")),
        expose_value=False,
        callback=lambda context, _, kind: context.meta.__setitem__(_STORE, kind),
        help="Where to look (setting `store`).",
    )(command)


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def opened(data: str | None) -> AbstractContextManager[Reader]:
    """The store that the command line or the settings name. Raises UsageError when it is not there."""
    context = click.get_current_context(silent=True)
    values, _ = settings.load(given={"data": data, "store": context.meta.get(_STORE) if context else None})
    if values.store == "elasticsearch":
        if importlib.util.find_spec("elasticsearch") is None:
            raise UsageError("the Elasticsearch client is not installed: install tocsin[distributed]")
        from sinks.elasticsearch.store import ElasticsearchStore

        return ElasticsearchStore(values)
    return open_store(Path(values.data), read_only=True)


def _spellings(wanted: str) -> list[str]:
    """What was asked for, and for a web address its canonical form: a link copied with tracking parameters finds its page too."""
    from producers.urls import canonical, is_web

    return list(dict.fromkeys((wanted, canonical(wanted.strip())))) if is_web(wanted.strip()) else [wanted]


def lines(records: Sequence[Any]) -> None:
    """One JSON object a line."""
    for record in records:
        write_json(record)


def _object(record: Record) -> None:
    write_json(record, pretty=is_terminal())


def nothing(message: str) -> int:
    """Say that nothing was found; the exit code."""
    click.echo(one_line(message), err=True)
    return NOTHING


@click.command(
    # So that -excluded needs no quoting; -h would take every excluded word that begins with h.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
    epilog="""\b
Words are joined by AND. "a phrase", -excluded, one OR another, begin*.
Upper and lower case, accents and Arabic spelling variants do not matter.

\b
Examples:
  tocsin search mosul '"civilian casualties"' -football
  tocsin search --place Mosul --claim displacement --since 2017-01-01
  tocsin search --actor 'Islamic State' --claim territorial_control/captured
  tocsin search raqqa OR الرقة --json | jq '.hits[].url'""",
)
@click.argument("words", nargs=-1, metavar="[QUERY]...")
@click.option("--actor", "actors", multiple=True, metavar="NAME", help="Mentions this actor: name, alias or id. Repeat for either.")
@click.option("--place", "places", multiple=True, metavar="NAME", help="Mentions this place or one inside it.")
@click.option("--claim", "claims", multiple=True, metavar="TYPE", help="Makes a claim of this TYPE or TYPE/SUBTYPE.")
@click.option("--modality", "modalities", multiple=True, metavar="HOW", help="... said this way: asserted, reported, claimed, ...")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Published by this source.")
@click.option("--lang", "langs", multiple=True, metavar="CODE", help="Written in this language (ISO 639-1).")
@click.option("--since", metavar="DATE", help="Published (else fetched) on or after: 2017, 2017-01, 2017-01-10, 2017-01-10T08:00Z.")
@click.option("--until", metavar="DATE", help="Published until the end of DATE.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0, 1000), help="Stories to show.")
@click.option("--offset", default=0, type=click.IntRange(0), help="Stories to skip.")
@click.option("--all-copies", is_flag=True, help="Show near-copies of a story one by one.")
@json_option
@data_option
def search(
    words: tuple[str, ...],
    actors: tuple[str, ...],
    places: tuple[str, ...],
    claims: tuple[str, ...],
    modalities: tuple[str, ...],
    sources: tuple[str, ...],
    langs: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    offset: int,
    all_copies: bool,
    as_json: bool,
    data: str | None,
) -> int:
    """Find articles by words, actors, places and claims.

    Near-copies of one story are folded into the best one; the lists below the hits count the whole result. Exit code 1: nothing found.
    """
    for word in words:
        if word.startswith("--"):
            raise click.NoSuchOption(word, ctx=click.get_current_context())
    query = Query(
        text=" ".join(words),
        actors=actors,
        places=places,
        claim_types=claims,
        modalities=modalities,
        sources=sources,
        langs=langs,
        since=since,
        until=until,
        limit=limit,
        offset=offset,
        all_copies=all_copies,
    )
    with opened(data) as store:
        found = store.search(query)
        if as_json:
            _object(found)
        elif found.total:
            from tocsin.cli import render_search, style

            render_search.results(style.console(), query, found)
        if found.total:
            return FOUND
        asked = (("actor", actors), ("place", places), ("source", sources), ("claim_type", [name.partition("/")[0] for name in claims]))
        hints = [
            f"; did you mean {kind.replace('_', ' ')} {' or '.join(near)}?"
            for kind, names in asked
            for name in names
            if (near := store.closest(kind, name))
        ]
    return nothing("nothing found" + "".join(hints))


@click.command(
    epilog="""\b
WANTED is an article, version or claim id (its first digits are enough) or a URL.

\b
Examples:
  tocsin show a_5c6c4152930a
  tocsin show https://example.org/mosul --removed
  tocsin show a_5c6c4152930a --json | jq '.tagged.claims[].text'"""
)
@click.argument("wanted", metavar="ID|URL")
@click.option("--version-id", metavar="ID", help="Show this version instead of the current one.")
@click.option("--removed", is_flag=True, help="Add the claims of earlier versions that the current one no longer makes.")
@json_option
@data_option
def show(wanted: str, version_id: str | None, removed: bool, as_json: bool, data: str | None) -> int:
    """One article with its claims marked in the text, who says so, how sure, how many and where."""
    with opened(data) as store:
        stored = next((one for spelling in _spellings(wanted) if (one := store.article(spelling)) is not None), None)
        if stored is None:
            return nothing(f"nothing known as {wanted}: `tocsin search` finds ids, `tocsin trace URL` tells what became of a page")
        if version_id is not None:
            stored = _version(store, stored, version_id)
        earlier = _removed(store, stored) if removed else []
    if as_json:
        _object(
            Shown(**{name: getattr(stored, name) for name in Stored.__struct_fields__}, removed=tuple(c for _, cs in earlier for c in cs))
        )
        return FOUND
    from tocsin.cli import render_article, style

    screen = style.console()
    render_article.article(screen, stored)
    if removed:
        render_article.removed(screen, earlier)
    return FOUND


class Shown(Stored, frozen=True, kw_only=True):
    """What `tocsin show --json` prints: an article, and with --removed the claims it no longer makes."""

    removed: tuple[Claim, ...] = ()


def _version(store: Reader, stored: Stored, version_id: str) -> Stored:
    if not any(version.version_id.startswith(version_id) for version in stored.versions):
        known = ", ".join(version.version_id for version in stored.versions)
        raise UsageError(f"{version_id}: not a version of this article; it has {known}")
    found = store.article(version_id)
    if found is None:
        raise UsageError(f"{version_id}: gone; run the command again")
    return found


def _removed(store: Reader, stored: Stored) -> list[tuple[Tagged, list[Claim]]]:
    """Per earlier version, latest first, the claims that the current one no longer makes (same type and words: the same claim)."""
    texts = [(version.current, store.version(version.version_id)) for version in stored.versions]
    told = {_said(claim) for current, tagged in texts if current and tagged for claim in (*tagged.title_claims, *tagged.claims)}
    found: list[tuple[Tagged, list[Claim]]] = []
    for current, tagged in reversed(texts):
        if tagged is None or current:
            continue
        gone = [claim for claim in (*tagged.title_claims, *tagged.claims) if _said(claim) not in told]
        told |= {_said(claim) for claim in gone}
        found.append((tagged, gone))
    return found


def _said(claim: Claim) -> tuple[str, str]:
    return claim.type, fold_key(claim.text)


@click.command(
    epilog="""\b
Examples:
  tocsin trace https://example.org/mosul
  tocsin trace https://example.org/mosul --json | jq -r '[.at, .stage, .outcome, .detail] | @tsv'"""
)
@click.argument("url")
@json_option
@data_option
def trace(url: str, as_json: bool, data: str | None) -> int:
    """Everything that happened to a URL, and why, oldest first; redirects are followed.

    With --json one event a line.
    """
    with opened(data) as store:
        found = next((fates for spelling in _spellings(url) if (fates := store.trace(spelling))), [])
    if not found:
        return nothing(f"{url}: never seen")
    if as_json:
        lines(found)
        return FOUND
    from tocsin.cli import render_events, style

    render_events.trace(style.console(), found)
    return FOUND


@click.command(
    epilog="""\b
Examples:
  tocsin report
  tocsin report --json | jq .dropped"""
)
@click.option("--top", default=10, show_default=True, type=click.IntRange(1, 1000), help="Lines of each list.")
@json_option
@data_option
def report(top: int, as_json: bool, data: str | None) -> int:
    """What is in the store, counted: articles, refusals, and the most frequent actors, places and claim types."""
    with opened(data) as store:
        counted = store.report(top)
    if as_json:
        _object(counted)
    else:
        from tocsin.cli import render_search, style

        render_search.report(style.console(), counted)
    return FOUND if counted.versions or counted.dropped else NOTHING
