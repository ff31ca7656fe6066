"""A claim as one English line, made of its fields alone: whatever language the article is in, the line is English, and says who says so."""

import re
from functools import cache
from pathlib import Path

import msgspec

from sinks.notify.text import foreign
from tocsin.alerting import Reason
from tocsin.records import Attribution, Claim, Quantity
from tocsin.yaml_file import load_yaml

_HERE = Path(__file__).parent
_MOST = 3  # names in one place
_COUNTS = frozenset(
    {"new_mention", "threshold", "frequency", "spike", "correction", "retraction"}
)  # their headlines speak of the news, not of the event
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_OTHER_LETTERS = re.compile(r"[^\W\d_A-Za-zÀ-ɏḀ-ỿ]")
_BOUND = {"at_least": "at least ", "over": "more than ", "at_most": "at most ", "under": "fewer than ", "about": "about "}
_UNITS = {"person": "people", "household": "households", "fighter": "fighters"}


class _Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    types: dict[str, str]
    figures: dict[str, str]
    modality: dict[str, str]
    roles: dict[str, str]
    kinds: dict[str, str]
    denials: tuple[str, ...]


@cache
def _phrases() -> _Phrases:
    return load_yaml(_HERE / "phrases.yaml", _Phrases)


@cache
def _labels() -> re.Pattern[str]:
    words = load_yaml(_HERE / "labels.yaml", list[str])
    return re.compile(rf"(?i)(?<![\w“\"-])(?:{'|'.join(map(re.escape, words))})s?(?![\w”\"-])")


def neutral(text: str) -> str:
    """Words that judge ("terrorists") in quotation marks, unless they stand in them already: they are somebody's words, not ours."""
    pieces = re.split(r"(“[^”]*”|\"[^\"]*\")", text)
    return "".join(piece if number % 2 else _labels().sub(_quoted, piece) for number, piece in enumerate(pieces))


def _quoted(found: re.Match[str]) -> str:
    """In quotation marks, unless it is part of a name: "Al-Aqsa Martyrs' Brigades"."""
    word, before, after = found.group(), found.string[: found.start()], found.string[found.end() :]
    in_name = word[:1].isupper() and (re.search(r"\b[A-Z]\w* $", before) or re.match(r"['’]?s?['’]? [A-Z]", after))
    return word if in_name else f"“{word}”"


def said(claim: Claim) -> str:
    """Who says what: "Sudan Doctors Network claims: strike in Nyala, at least 27 people killed"."""
    voice, phrase = _voice(claim), _what(claim)
    line = f"{voice}: {phrase}" if voice else phrase
    return line[:1].upper() + line[1:]


def voiced(reason: Reason) -> str:
    """A reason's headline with who says so, where only the reason is known and not the claim behind it.

    The stage that rang writes claims, denials and fears into the headline; what is plainly reported gets its source here.
    """
    head, who = reason.headline, reason.said_by.strip()
    if who and _OTHER_LETTERS.search(who):
        for verb in ("claims: ", "denies: "):
            head = f"A source {verb}{head.removeprefix(who + ' ' + verb)}" if head.startswith(f"{who} {verb}") else head
        who = ""
    if reason.rule_kind in _COUNTS or reason.polarity == "negative":
        return head
    if reason.modality == "reported" and who:
        name, many = _named(who)
        return f"{name[:1].upper()}{name[1:]} {'say' if many else 'says'}: {head}"
    return f"Reportedly: {head}" if reason.modality in ("reported", "asserted") else head


def _voice(claim: Claim) -> str:
    by, phrases = claim.attribution, _phrases()
    negative = claim.polarity == "negative"
    if by is None or by.kind == "author":
        return "reportedly not" if negative else "reportedly"
    name, many = _speaker(by, claim)
    if negative and (by.verb.strip().lower() in phrases.denials or claim.modality == "claimed" or claim.subtype == "denial"):
        return f"{name} {'deny' if many else 'denies'}"
    if claim.modality == "claimed":
        verb = "claim" if many else "claims"
    elif not by.source_id and by.kind in ("unnamed", "media_generic"):
        return "reportedly not" if negative else f"{name}, reportedly" if by.source_text and _LATIN.search(by.source_text) else "reportedly"
    elif by.kind in ("media", "media_generic"):
        verb = "report" if many else "reports"
    else:
        verb = "say" if many else "says"
    return f"{name} {verb} there was not" if negative else f"{name} {verb}"


def _speaker(by: Attribution, claim: Claim) -> tuple[str, bool]:
    """An English name, and whether a plural verb follows it."""
    named = next((actor.name for actor in claim.actors if by.source_id and actor.entity_id == by.source_id and actor.name), "")
    name = named or (by.source_text or "")
    if not name or _OTHER_LETTERS.search(name):
        name = _readable(by.source_id) if by.source_id else ""
    if not name:
        kinds = _phrases().kinds
        generic = kinds.get(by.kind, kinds["unnamed"])
        return generic, not generic.startswith(("a ", "the "))
    return _named(name)


def _named(name: str) -> tuple[str, bool]:
    clean = re.sub(r"^[Tt]he (?=[A-Z])", "", name.strip())
    last = clean.split()[-1] if clean.split() else ""
    return neutral(foreign(clean, 80)), last[:1].islower() and last.endswith("s") and not last.endswith("ss") and last == last.lower()


def _readable(entity_id: str | None) -> str:
    """An id as words: "org:sudan-doctors-network" is Sudan Doctors Network."""
    slug = (entity_id or "").rpartition(":")[2].rpartition("/")[2]
    return " ".join(word[:1].upper() + word[1:] for word in slug.split("-") if word)


def _name(name: str, text: str | None) -> str:
    """A name in English; one that is known only in its own script stands in quotation marks."""
    shown = name or text or ""
    return f"“{foreign(shown, 80)}”" if _OTHER_LETTERS.search(shown) or not name else neutral(foreign(shown, 80))


def _what(claim: Claim) -> str:
    phrases = _phrases()
    pattern = phrases.types.get(f"{claim.type}/{claim.subtype}") or phrases.types.get(claim.type) or claim.type.replace("_", " ")
    where = _listed([_name(place.name, place.text) for place in claim.places if place.role in ("where", "about")] or [])
    within = _listed([_name(place.name, place.text) for place in claim.places if place.role == "within"])
    parts = [pattern.replace("{where}", where or within or "territory")]
    if claim.type == "casualties" and claim.quantities:
        parts = []
    figures = [_figure(quantity) for quantity in claim.quantities if quantity.role in phrases.figures]
    for role, before in phrases.roles.items():
        names = [_name(actor.name, actor.text) for actor in claim.actors if actor.role == role and (actor.name or actor.text)]
        if names and parts:
            parts.append(f"{before} {_listed(names)}")
    if not parts:  # casualties: the figures are the news
        parts, figures = [", ".join(figures) or pattern], []
        by = [_name(a.name, a.text) for a in claim.actors if a.role in ("perpetrator", "actor") and (a.name or a.text)]
        parts += [f"by {_listed(by)}"] if by else []
    if where and "{where}" not in pattern:
        parts.append(f"in {where}")
    for role, before in (("origin", "from"), ("destination", "to")):
        names = [_name(place.name, place.text) for place in claim.places if place.role == role]
        parts += [f"{before} {_listed(names)}"] if names else []
    line = " ".join(parts)
    for figure in figures:
        line += f", {figure}"
    if claim.time and claim.time.event_from:
        until = claim.time.event_to
        line += f", {claim.time.event_from}" + (f" to {until}" if until and until != claim.time.event_from else "")
    return phrases.modality.get(claim.modality, "") + line


def _listed(names: list[str]) -> str:
    unique = list(dict.fromkeys(name for name in names if name))
    shown = unique[:_MOST]
    more = f" and {len(unique) - _MOST} more" if len(unique) > _MOST else ""
    return (", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 and not more else ", ".join(shown)) + more


def _figure(quantity: Quantity) -> str:
    low, high, value = quantity.min, quantity.max, quantity.value
    what = _phrases().figures[quantity.role]
    unit = _UNITS.get(quantity.unit, "")
    if low is not None and high is not None and low != high:
        number = f"{low:,.0f} to {high:,.0f}"
    elif (single := value if value is not None else low if low is not None else high) is not None:
        bound = _BOUND.get(
            quantity.approx or "", "at least " if high is None and low is not None else "up to " if low is None and high else ""
        )
        number = f"{bound}{single:,.0f}"
    else:
        number = f"“{foreign(quantity.text, 40)}”"
    return " ".join(word for word in (number, unit, what) if word)
