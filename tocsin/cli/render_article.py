"""One article for people: its text with the claims marked, and a table of who says what."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tocsin.cli import render_incidents
from tocsin.cli.screen import one_line, safe
from tocsin.cli.style import day, joined, minute, plural, raised, short
from tocsin.incidents import Incident
from tocsin.records import Attribution, Claim, Quantity, Tagged
from tocsin.store import Stored

_UNITS = {"person": "people", "party": "parties", "destruction": "destructions"}
_SURE = {"asserted": "good", "reported": "good", "claimed": "doubt"}


def article(screen: Console, stored: Stored) -> None:
    """Print an article with its claims, versions, copies and alerts."""
    tagged = stored.tagged
    page = tagged.article
    numbered = list(enumerate((*tagged.title_claims, *tagged.claims), 1))
    in_title = numbered[: len(tagged.title_claims)]
    in_text = numbered[len(tagged.title_claims) :]
    title = marked(page.title or "(no title)", [(claim.start, claim.end, number) for number, claim in in_title])
    title.stylize_before("title")
    screen.print(title)
    published = f"{minute(page.published_at)} (from {page.published_source})" if page.published_at else "no date"
    screen.print(
        joined(
            [
                Text(one_line(page.source_name), "meta"),
                Text(f"by {one_line(page.author)}" if page.author else "", "meta"),
                Text(published, "meta"),
                Text(f"language {one_line(tagged.lang)}", "meta"),
                Text(", ".join(map(one_line, page.flags)), "doubt"),
            ]
        )
    )
    screen.print(Text(one_line(page.url), "link"), soft_wrap=True)
    screen.print(Text(f"{page.article_id}  {page.version_id}", "id"))
    screen.print()
    for paragraph in _paragraphs(marked(page.text, [(claim.start, claim.end, number) for number, claim in in_text])):
        screen.print(paragraph)
        screen.print()
    if not tagged.claims_attempted:
        screen.print(Text(f"No claims were looked for: there are no claim rules for language {one_line(tagged.lang)} yet.", "doubt"))
    elif numbered:
        screen.print(table(numbered))
    else:
        screen.print(Text("No claims found.", "meta"))
    _surroundings(screen, stored)


def marked(text: str, places: Iterable[tuple[int, int, int]]) -> Text:
    """Text with brackets around each claim and its number behind: [killed 30 fighters]². Nested claims nest; offsets are of `text`."""
    numbers: dict[tuple[int, int], list[str]] = {}
    for start, end, number in places:
        if 0 <= start < end <= len(text):
            numbers.setdefault((start, end), []).append(raised(number))
    cuts = [(start, 1, -end, "[") for start, end in numbers]
    cuts += [(end, 0, -start, f"]{','.join(signs)}") for (start, end), signs in numbers.items()]
    shown, at, depth = Text(), 0, 0
    for position, _, _, sign in sorted(cuts):
        shown.append(safe(text[at:position]), "claim" if depth else "")
        shown.append(sign, "number")
        depth += 1 if sign == "[" else -1
        at = position
    return shown.append(safe(text[at:]))


def _paragraphs(text: Text) -> list[Text]:
    return [line for line in text.split("\n") if line.plain.strip()]


def table(numbered: Sequence[tuple[int, Claim]]) -> Table:
    """Claims with who says so, how sure, how many and where."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=True, header_style="label", show_edge=False)
    shown.add_column("", style="number", justify="right", no_wrap=True)
    shown.add_column("Claim", ratio=6, overflow="fold")
    shown.add_column("Who says so", ratio=5, overflow="fold")
    shown.add_column("How sure", width=11, overflow="fold")  # "conditional" is the longest modality
    shown.add_column("How many", ratio=4, overflow="fold")
    shown.add_column("Where, when", ratio=4, overflow="fold")
    for number, claim in numbered:
        shown.add_row(str(number), _what(claim), _who(claim.attribution), _sure(claim), _many(claim.quantities), _where(claim))
    return shown


def _what(claim: Claim) -> Text:
    text = Text(claim.type.replace("_", " "))
    if claim.subtype:
        text.append(f"\n{claim.subtype.replace('_', ' ')}", "meta")
    for actor in claim.actors:
        name = one_line(actor.name or actor.text or actor.entity_id or "?")
        text.append(f"\n{actor.role.replace('_', ' ')}: ", "meta").append(name)
    if claim.background:
        text.append("\nbackground", "doubt")
    return text


def _who(said: Attribution | None) -> Text:
    if said is None:
        return Text("the article itself", "meta")
    text = Text(one_line(said.source_text or said.source_id or ("an unnamed source" if said.anonymous else said.kind)))
    if said.verb:
        text.append(f"\n{one_line(said.verb)}", "meta")
    if said.affiliated_with:
        text.append(f"\nspeaks for {one_line(said.affiliated_with)}", "doubt")
    return text


def _sure(claim: Claim) -> Text:
    text = Text.assemble((claim.modality, _SURE.get(claim.modality, "doubt")))
    if claim.polarity == "negative":
        text.append("\nNOT so", "bad")
    return text.append(f"\n{claim.confidence:.0%}", "meta")


def _many(quantities: Sequence[Quantity]) -> Text:
    lines = []
    for quantity in quantities:
        line = Text.assemble((amount(quantity), "title"))
        units = _UNITS.get(quantity.unit, f"{quantity.unit}s")
        what = " ".join(part.replace("_", " ") for part in (units, quantity.role) if part not in ("", "other", "others"))
        lines.append(line.append(f" {what}" if what else "", "meta"))
    return Text("\n").join(lines)


def amount(quantity: Quantity) -> str:
    """A figure with its bounds: 30, over 8,000, 12-40, at least 3."""
    low, high = quantity.min, quantity.max
    if low is not None and high is not None:
        return f"{low:,.10g}" if low == high else f"{low:,.10g}-{high:,.10g}"
    if low is not None:
        return f"{low:,.10g} or more"
    if high is not None:
        return f"up to {high:,.10g}"
    return f"{quantity.value:,.10g}" if quantity.value is not None else one_line(quantity.text)


def _where(claim: Claim) -> Text:
    lines = []
    for place in claim.places:
        line = Text(one_line(place.name or place.text or place.entity_id))
        lines.append(line.append(f" ({place.role})" if place.role != "where" else "", "meta"))
    if claim.time and (claim.time.event_from or claim.time.text):
        lines.append(Text(one_line(claim.time.event_from or claim.time.text or ""), "meta"))
    return Text("\n").join(lines)


def _surroundings(screen: Console, stored: Stored) -> None:
    shown = stored.tagged.article.version_id
    if len(stored.versions) > 1:
        screen.print()
        screen.print(Text("Versions", "label"))
        for version in stored.versions:
            line = Text.assemble(("● ", "good") if version.current else ("○ ", "meta"))
            line.append(f"{minute(version.fetched_at)}  ").append(short(version.version_id), "id")
            line.append(f"  {plural(version.claims, 'claim')}", "meta").append(
                "  shown here" if version.version_id == shown else "", "info"
            )
            screen.print(Padding(line, (0, 0, 0, 2), expand=False))
    if stored.copies:
        screen.print()
        told = f"{len(stored.copies)} more with nearly this text: "
        screen.print(Text.assemble(("Copies  ", "label"), (told, "meta"), ("  ".join(short(copy) for copy in stored.copies), "id")))
    if stored.incidents:
        _incidents(screen, stored.incidents)
    if stored.alerts:
        screen.print()
        screen.print(Text("Alerts", "label"))
        for alert in stored.alerts:
            line = Text.assemble((f"{alert.severity} ", alert.severity), one_line(alert.headline), (f"  {one_line(alert.why)}", "meta"))
            screen.print(Padding(line, (0, 0, 0, 2), expand=False))


def _incidents(screen: Console, incidents: Sequence[Incident]) -> None:
    screen.print()
    screen.print(Text("Incidents", "label"))
    for incident in incidents:
        head = Text.assemble((f"{render_incidents.state(incident)} ", render_incidents.style(incident)), one_line(incident.headline))
        if len(incident.articles) > 1:
            head.append(f"  {plural(len(incident.articles), 'article')}, {plural(incident.independent, 'independent origin')}", "meta")
        screen.print(Padding(head.append(f"  {short(incident.incident_id)}", "id"), (0, 0, 0, 2), expand=False))


def removed(screen: Console, earlier: Sequence[tuple[Tagged, Sequence[Claim]]]) -> None:
    """Print claims of earlier versions that the current one no longer makes."""
    screen.print()
    if not any(claims for _, claims in earlier):
        screen.print(Text("No claim was removed.", "meta"))
    for tagged, claims in earlier:
        if claims:
            when = f"said in the version of {day(tagged.article.fetched_at)}, no longer"
            screen.print(Text.assemble(("Removed  ", "bad"), (when, "meta")))
            for claim in claims:
                screen.print(
                    Padding(
                        Text.assemble((f"“{one_line(claim.text)}”", "strike"), "  ", (claim.type.replace("_", " "), "meta")),
                        (0, 0, 0, 2),
                        expand=False,
                    )
                )
            screen.print(table(list(enumerate(claims, 1))))
