"""Incidents, for people: what is said to have happened, how many by whom, who denies it, and the words it stands on."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.screen import one_line
from tocsin.cli.style import joined, minute, plural, short
from tocsin.incidents import FigureSaid, Incident, IncidentFigure

_MOST = 6  # names and lines in one place; --json has all


def incidents(screen: Console, found: Sequence[Incident]) -> None:
    """Print incidents with their figures, voices, disputes and best sentence."""
    for number, incident in enumerate(found):
        if number:
            screen.print()
        one(screen, incident)


def one(screen: Console, incident: Incident) -> None:
    """Print one incident."""
    screen.print(Text.assemble((f"{state(incident)} ", style(incident)), (one_line(incident.headline), "title")))
    lines = [_figure(figure) for figure in incident.figures[:_MOST]]
    lines.append(_voices(incident))
    lines += [Text.assemble(("disputed ", "bad"), (f"{c.kind}: ", "meta"), one_line(c.what)) for c in incident.contradictions[:_MOST]]
    for back in incident.corrections[-_MOST:]:
        after = f" by {back.after}" if back.kind == "revised" else ""
        lines.append(
            Text.assemble(
                (f"{back.kind} ", "doubt"), f"{back.before} {back.role.replace('_', ' ')}{after}", ("  ", ""), (minute(back.at), "meta")
            )
        )
    lines.append(Text.assemble(("“", "meta"), one_line(incident.best_quote.text), ("”", "meta")))
    lines.append(
        joined(
            [
                Text(f"first said {minute(incident.first_said)}", "meta"),
                Text(f"last {minute(incident.last_said)}" if incident.last_said != incident.first_said else "", "meta"),
                Text(plural(len(incident.articles), "article") + ("+" if incident.saturated else ""), "meta"),
                Text(short(incident.best_quote.article_id), "id"),
                Text(short(incident.incident_id), "id"),
            ]
        )
    )
    for line in lines:
        screen.print(Padding(line, (0, 0, 0, 4), expand=False))


def state(incident: Incident) -> str:
    """How far it stands, in a word."""
    if incident.status != "said":
        return incident.status.upper()
    if incident.total:
        return "TOTAL"
    if incident.disputed:
        return "DISPUTED"
    return "CONFIRMED" if incident.confirmed else "SAID"


def style(incident: Incident) -> str:
    """The style of that word."""
    return {"DISPUTED": "bad", "CONFIRMED": "good", "SAID": "info", "TOTAL": "meta"}.get(state(incident), "doubt")


def _figure(figure: IncidentFigure) -> Text:
    role = figure.role.replace("_", " ")
    unit = "" if figure.unit == "person" else f"{figure.unit.replace('_', ' ')}s "
    best = "no figure stands" if figure.best is None else f"{figure.best:,.10g}"
    line = Text.assemble((f"{best} {unit}{role}", "title"), (f" ({one_line(figure.extent)})" if figure.extent else "", "meta"))
    if figure.by:
        line.append(f"  by {', '.join(map(one_line, figure.by[:_MOST]))}", "meta")
    others = [said for said in figure.said if said.status != "stands" or said.value != figure.best]
    told = [
        f"{_number(said)} {one_line(said.source_name)}{'' if said.status == 'stands' else f' ({said.status})'}" for said in others[:_MOST]
    ]
    return line.append(f"; also {', '.join(told)}" if told else "", "meta")


def _number(said: FigureSaid) -> str:
    if said.value is not None:
        return f"{said.value:,.10g}"
    low, high = (f"{bound:,.10g}" if bound is not None else "" for bound in (said.low, said.high))
    return f"{low}-{high}" if low and high else f"at least {low}" if low else f"up to {high}"


def _voices(incident: Incident) -> Text:
    says = ", ".join(one_line(voice.name) for voice in incident.claims[:_MOST])
    line = Text.assemble(("said by ", "meta"), says) if says else Text()
    if incident.denies:
        line.append("; " if says else "").append("denied by ", "bad").append(", ".join(one_line(v.name) for v in incident.denies[:_MOST]))
    if incident.claims:
        line.append(f"  {plural(incident.independent, 'independent origin')}", "good" if incident.confirmed else "doubt")
    return line
