"""`tocsin incidents`: what articles together say happened."""

import click

from tocsin.cli.read import FOUND, data_option, json_option, lines, nothing, opened


@click.command(
    epilog="""\b
An incident is one event as all articles tell it: figures with who gives them, who says so, who denies it, what is disputed.
TOTAL marks a sum (a roundup, "since January"): never add it to incidents.

\b
Examples:
  tocsin incidents --place Mosul
  tocsin incidents --actor 'Islamic State' --claim remote_strike --since 2017-01-01
  tocsin incidents --json | jq -r 'select(.disputed != []) | [.event_from, .headline] | @tsv'"""
)
@click.option("--place", metavar="NAME", help="At this place or one inside it: name, alias or id.")
@click.option("--actor", metavar="NAME", help="This actor takes part, says so or denies it.")
@click.option(
    "--claim", "claim_type", metavar="TYPE", help="With claims of this type, or of a family: violence, control, displacement, ..."
)
@click.option("--since", metavar="DATE", help="Spoken of on or after.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Incidents to show, the last spoken of first.")
@json_option
@data_option
def incidents(
    place: str | None, actor: str | None, claim_type: str | None, since: str | None, limit: int, as_json: bool, data: str | None
) -> int:
    """What is said to have happened: one incident for all articles that speak of it, the last spoken of first.

    With --json one incident a line. Exit code 1: nothing found.
    """
    with opened(data) as store:
        found = store.incidents(place=place, actor=actor, type=claim_type, since=since, limit=limit)
        asked = (("place", place), ("actor", actor)) if not found else ()
        near = [name for kind, wanted in asked if wanted for name in store.closest(kind, wanted)]
    if not found:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return nothing(("no incident fits" if place or actor or claim_type or since else "no incident so far") + hint)
    if as_json:
        lines(found)
        return FOUND
    from tocsin.cli import render_incidents, style

    render_incidents.incidents(style.console(), found)
    return FOUND
