"""Counts in running text: digits, words, ranges and vague amounts, with what they count."""

import msgspec

from streams.context import Context
from tocsin.records import Quantity


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """One count. Offsets are code points in `Context.text`; `text` is that slice, approximator included ("Over 8,000").

    `min` and `max` bound what the words say: "over 8,000" is value 8000, min 8000, max null; "up to 60" is value 60, min null,
    max 60; "dozens" is value null, min 24, max 99; an exact figure leaves both null.
    """

    start: int
    end: int
    text: str
    value: float | None = None
    min: float | None = None
    max: float | None = None
    approx: str | None = None  # over under at_least at_most about range order_of_magnitude vague
    unit: str = "other"  # as in tocsin.records.Quantity
    noun: str = ""  # head noun of what is counted, folded ("civilians"); "" when the figure stands alone
    noun_start: int = -1
    noun_end: int = -1  # end of the noun phrase "8,000 Iraqi civilians"; -1 without noun
    modifiers: tuple[str, ...] = ()  # folded words between figure and noun ("iraqi", "displaced")


def find_numbers(context: Context) -> list[Number]:
    """Every count of `context`, in order of start, none overlapping."""
    del context
    return []


def as_quantity(number: Number, role: str = "other") -> Quantity:
    """The record of a number that plays `role` in a claim."""
    return Quantity(
        text=number.text,
        start=number.start,
        end=number.end,
        unit=number.unit,
        value=number.value,
        min=number.min,
        max=number.max,
        approx=number.approx,
        role=role,
    )
