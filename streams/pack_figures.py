"""Figures of claims in the language packs: each number goes to the nearest trigger that wants its unit; duals count two."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from streams.claim_matches import Found
from streams.claim_rules import ClaimRules
from streams.clauses import Scene
from streams.inflect import VERBAL, Form
from streams.numbers import Number, as_quantity
from tocsin.records import Quantity

__all__ = ["counted"]

_FAR = 75  # the price up to which a number with a noun belongs to a trigger
_BARE = 34  # the same for a number without one
_STRANGE = 12  # the same where nobody knows what it counts
_BREAK, _RIVAL, _NUMBER = 14, 26, 10  # prices of what stands between
_BESIDE = 22  # characters between a trigger and the dual or single noun it counts by
_RISE = re.compile(r"(?:вырос|возрос|увелич|достиг|поднял)\w*\s(?:до\s)?$")
_RISEN = re.compile(r"\s(?:\w+\s)?(?:вырос|возрос|увелич|поднял)")
_REACHED = re.compile(
    r"(?:(?:вырос|возрос|увелич|достиг|поднял|превыс|состав)\w*\s(?:до\s)?|(?:الي|بلغ|بلغت|تجاوز|تجاوزت) (?:\w+ ){0,2})(?:до\s)?$"
)


def counted(scene: Scene, item: Found, kept: Sequence[Found], rules: ClaimRules) -> tuple[Quantity, ...]:
    """The quantities of one accepted trigger, in order."""
    wanted = item.rule.quantity
    if not wanted:
        return ()
    rivals = [other for other in kept if other.rule.quantity]
    found = []
    for number in scene.numbers:
        prices = [(_price(scene, other, number, rivals, rules.bits["cumulative"]), n) for n, other in enumerate(rivals)]
        price, n = min(prices, default=(_FAR + 1.0, 0))
        limit = _STRANGE if number.noun and number.unit == "other" else _FAR if number.noun else _BARE
        if price > limit or not (rivals[n] is item or rivals[n].trigger == item.trigger):
            continue
        role = wanted.get(number.unit) or wanted.get("*") or (wanted.get("person") if number.unit == "other" else None)
        if role is not None:
            quantity = as_quantity(_reached(scene, number), role)
            if quantity.unit == "other" and "person" in wanted:
                quantity = Quantity(**{**{f: getattr(quantity, f) for f in quantity.__struct_fields__}, "unit": "person"})
            found.append(quantity)
    return tuple(found) or _shared(scene, item, rivals, rules) or _by_form(scene, item, rules)


def _shared(scene: Scene, item: Found, rivals: Sequence[Found], rules: ClaimRules) -> tuple[Quantity, ...]:
    """The figure of the trigger right before, for "dozens of dead and wounded" in one breath."""
    role = item.rule.quantity.get("person")
    if role is None or item.form & VERBAL:
        return ()
    for other in rivals:
        if 0 < item.trigger.start - other.trigger.end <= len(" и ") and not other.form & VERBAL and not other.form & Form.DUAL:
            alone = [r for r in rivals if r.trigger.start <= other.trigger.start]
            return tuple(replace(q, role=role) for q in counted(scene, other, alone, rules) if q.start < other.trigger.start)
    return ()


def _price(scene: Scene, item: Found, number: Number, rivals: Sequence[Found], totals: int) -> float:
    """Characters between a number's noun phrase and a trigger, with prices for what parts them; a trigger inside it is nearest."""
    wanted = item.rule.quantity
    if not (wanted.get(number.unit) or wanted.get("*") or (number.unit == "other" and "person" in wanted)):
        return _FAR + 1.0
    trigger = item.trigger
    start, end = number.start, max(number.end, number.noun_end)
    if trigger.start < end and start < trigger.end:
        return 0.0
    if start > trigger.end and _is_total(scene, trigger.start, totals) and _reaches(scene, start):
        return 1.0  # "the number of the dead in X rose to 29"
    low, high = (end, trigger.start) if end <= trigger.start else (trigger.end, start)
    price = float(high - low)
    price += _BREAK * sum(low <= at < high for at, _, _ in scene.breaks)
    price += _RIVAL * sum(low <= o.trigger.start < high for o in rivals)
    price += _NUMBER * sum(low <= n.start < high for n in scene.numbers if n is not number)
    return price


def _reaches(scene: Scene, start: int) -> bool:
    """Whether a figure that begins at `start` (its "up to" included or not) is what a count has come to."""
    return any(_REACHED.search(scene.low, max(0, start - 24), end) for end in (start, start + len("до ")))


def _is_total(scene: Scene, start: int, totals: int) -> bool:
    """Whether a word for a total stands right before."""
    return bool(scene.mask & totals) and any(h.mask & totals and 0 <= start - h.end <= 2 for h in scene.hits)


def _reached(scene: Scene, number: Number) -> Number:
    """Of "rose to 29": here the word for "up to" tells where a count has arrived, not its bound."""
    risen = _RISE.search(scene.low, max(0, number.start - 24), number.start + 3) or _RISEN.match(scene.low, number.end)
    if number.approx == "at_most" and risen:
        return Number(**{**{f: getattr(number, f) for f in number.__struct_fields__}, "min": number.value, "approx": None})
    return number


def _by_form(scene: Scene, item: Found, rules: ClaimRules) -> tuple[Quantity, ...]:
    """Two or one, where a noun's own form says so: "two dead" in one word; one person killed."""
    role = item.rule.quantity.get("person")
    if role is None:
        return ()
    trigger = item.trigger
    if trigger.mask & rules.bits["one"] and not item.form & Form.DUAL:
        return (_quantity(scene, trigger.start, trigger.end, 1, role),)
    if item.form & Form.DUAL:
        return (_quantity(scene, trigger.start, trigger.end, 2, role),)
    bits = rules.bits
    after = [h for h in scene.hits if 0 <= h.start - trigger.end <= _BESIDE]
    for hit in (*after, *(h for h in scene.hits if 0 <= trigger.start - h.end <= 2)):
        if hit.mask & (bits["two"] | bits["one"]) and not any(n.start <= hit.start < max(n.end, n.noun_end) for n in scene.numbers):
            return (_quantity(scene, hit.start, hit.end, 2 if hit.mask & bits["two"] else 1, role),)
    return ()


def _quantity(scene: Scene, start: int, end: int, value: float, role: str) -> Quantity:
    return Quantity(
        text=scene.text[start:end], start=start, end=end, unit="person", value=value, min=value, max=value, approx=None, role=role
    )
