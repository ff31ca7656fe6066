"""The tolls of an incident: low, best and high of what stands, who gives it, and what was revised or taken back. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.ledger_match import apart
from tocsin.incidents import FigureSaid, IncidentFigure, LedgerFigure

Line = tuple[str, str, str]  # role, unit, extent
_ORDER = ("killed", "injured", "missing", "detained", "displaced", "returned", "in_camp")


class Given(NamedTuple):
    """A figure as somebody gave it."""

    figure: LedgerFigure
    origin: str  # independence is counted by it
    source: str
    source_name: str
    claim_id: str
    article_id: str
    owner: str
    at: str  # published, else seen
    order: int  # of arrival
    retracted: bool = False


def figures_of(
    given: Sequence[Given], taken_back: Mapping[Line, Sequence[FigureSaid]], listed: int
) -> tuple[tuple[IncidentFigure, ...], tuple[tuple[Given, Given], ...]]:
    """The lines of the toll in a fixed order, and the pairs of standing figures that cannot both hold.

    What stands is the latest figure of each origin; of several in one version the highest ("20 killed, five of them children").
    """
    lines: dict[Line, list[Given]] = {}
    for one in sorted(given, key=lambda one: (one.at, one.order)):
        lines.setdefault(line_of(one.figure), []).append(one)
    figures: list[IncidentFigure] = []
    conflicts: list[tuple[Given, Given]] = []
    for line in sorted({*lines, *taken_back}, key=lambda at: (_ORDER.index(at[0]) if at[0] in _ORDER else len(_ORDER), at)):
        all_given = lines.get(line, [])
        standing = _standing(all_given)
        best, by = _best(standing)
        said = [_said(one, "stands") for one in reversed(standing)]
        gone = [one for one in all_given if one not in standing and not _repeated(one, standing)]
        said += [_said(one, "retracted" if one.retracted else "revised") for one in gone]
        said += taken_back.get(line, ())
        said.sort(key=lambda one: (one.status == "stands", one.at), reverse=True)
        figures.append(
            IncidentFigure(
                role=line[0],
                unit=line[1],
                extent=line[2],
                low=min((low for one in standing if (low := _low(one.figure)) is not None), default=None),
                best=best,
                high=_high(standing),
                by=tuple(dict.fromkeys(one.source_name for one in by)),
                origins=len({one.origin for one in by}),
                said=tuple(said[:listed]),
            )
        )
        conflicts += [
            (one, other)
            for index, one in enumerate(standing)
            for other in standing[index + 1 :]
            if one.origin != other.origin and apart(one.figure, other.figure)
        ]
    return tuple(figures), tuple(conflicts)


def line_of(figure: LedgerFigure) -> Line:
    """The line of a toll that a figure belongs to; whom people were counted as makes no difference."""
    return figure.role, "person" if figure.unit == "fighter" else figure.unit, figure.extent


def number_of(figure: LedgerFigure) -> float | None:
    """The one number that stands for a figure: "at least 27" is 27, "up to 60" is 60."""
    return next((n for n in (figure.value, figure.low, figure.high) if n is not None), None)


def written(figure: LedgerFigure) -> str:
    """A figure for a person: "27", "at least 27", "3 to 9"."""
    low, high = _low(figure), figure.high
    if figure.value is not None and (figure.low is None or figure.low == figure.value) and (high is None or high == figure.value):
        return f"{'at least ' if high is None and figure.low is not None else ''}{figure.value:,.0f}"
    if low is not None and high is not None:
        return f"{low:,.0f} to {high:,.0f}"
    return f"at least {low:,.0f}" if low is not None else f"up to {high:,.0f}"


def _standing(given: Sequence[Given]) -> list[Given]:
    latest: dict[str, Given] = {}
    for one in given:
        if one.retracted:
            continue
        held = latest.get(one.origin)
        same_text = held is not None and held.claim_id != one.claim_id and held.order == one.order
        if held is None or not same_text or (number_of(one.figure) or 0.0) > (number_of(held.figure) or 0.0):
            latest[one.origin] = one
    return sorted(latest.values(), key=lambda one: (one.at, one.order))


def _best(standing: Sequence[Given]) -> tuple[float | None, list[Given]]:
    """The number most independent origins give, the latest among equals; and who gives it."""
    groups: dict[float, list[Given]] = {}
    for one in standing:
        number = number_of(one.figure)
        if number is not None:
            groups.setdefault(number, []).append(one)
    if not groups:
        return None, []
    return max(groups.items(), key=lambda item: (len(item[1]), max((one.at, one.order) for one in item[1])))


def _low(figure: LedgerFigure) -> float | None:
    return figure.low if figure.low is not None else figure.value


def _high(standing: Sequence[Given]) -> float | None:
    """The highest bound; open as soon as the highest figure has none."""
    bounds = [(number_of(one.figure) or 0.0, one.figure.high) for one in standing]
    if not bounds:
        return None
    top = max(number for number, _ in bounds)
    if any(high is None and number == top for number, high in bounds):
        return None
    return max([high for _, high in bounds if high is not None], default=None)


def _repeated(one: Given, standing: Sequence[Given]) -> bool:
    """Whether a figure only says once more what stands."""
    return any(one.origin == other.origin and number_of(one.figure) == number_of(other.figure) for other in standing)


def _said(one: Given, status: str) -> FigureSaid:
    return FigureSaid(
        value=one.figure.value,
        low=one.figure.low,
        high=one.figure.high,
        source=one.source,
        source_name=one.source_name,
        claim_id=one.claim_id,
        article_id=one.article_id,
        at=one.at,
        status=status,  # type: ignore[arg-type]  # callers pass one of the three literals
    )
