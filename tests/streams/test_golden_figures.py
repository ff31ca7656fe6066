"""Figures of displacement and casualties in hand-written sentences: tests/golden/figures_*.yaml (the format stands there)."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.resources import resources_for
from streams.tag import Resources, tag_line
from tocsin.settings import load

GOLDEN = Path(__file__).parent.parent / "golden"
AT = "2024-01-01T00:00:00Z"
ROLES = frozenset(("killed", "injured", "missing"))
UNITS = frozenset(("person", "household", "fighter"))


def entries() -> list[dict[str, Any]]:
    return [entry for path in sorted(GOLDEN.glob("figures_*.yaml")) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


MUST = [entry for entry in entries() if entry.get("level", "must") == "must"]


@cache
def resources() -> Resources:
    return resources_for(load(environment={})[0])


def told(entry: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The figures of people found, each with its claim; a figure that two types of claim share counts once."""
    line = {key: entry[key] for key in ("id", "text", "title", "lang") if key in entry}
    found = {}
    for claim in tag_line(line, resources(), AT)["claims"]:
        if claim["type"] in ("displacement", "casualties", "targeted_attack"):
            for quantity in claim["quantities"]:
                if quantity["unit"] in UNITS and (quantity["role"] in ROLES or claim["type"] == "displacement"):
                    found.setdefault(quantity["start"], (quantity, claim))
    return list(found.values())


def is_told(wanted: dict[str, Any], quantity: dict[str, Any], claim: dict[str, Any]) -> bool:
    names = [name for place in claim["places"] for name in (place["name"], place["text"]) if name]
    return all(quantity[key] == wanted[key] for key in ("value", "min", "max", "unit", "role") if key in wanted) and all(
        any(word in name for name in names) for word in wanted.get("places", [])
    )


@pytest.mark.parametrize("entry", MUST, ids=[entry["id"] for entry in MUST])
def test_a_sentence_gives_its_figures_with_unit_role_and_place_and_no_others(entry: dict[str, Any]) -> None:
    found = told(entry)
    missed = [wanted for wanted in entry["figures"] if not any(is_told(wanted, *pair) for pair in found)]
    assert (missed, len(found)) == ([], len(entry["figures"])), [(q["text"], q["unit"], q["role"]) for q, _ in found]


def test_the_entries_are_well_formed() -> None:
    everything = entries()
    assert len({entry["id"] for entry in everything}) == len(everything) >= 60
    for entry in everything:
        for wanted in entry["figures"]:
            assert wanted["unit"] in UNITS
            assert all(place in entry["text"] or place in entry.get("title", "") for place in wanted.get("places", [])), entry["id"]
