"""How claims fare on hand-written sentences: tests/golden/claims_*.yaml and quiet_*.yaml, written apart from the rules.

    python -m benchmarks.sentences [--half development|test] [--misses] [en ar ru quiet]

Entries with an odd number are for development: look at their misses, mend rules by what holds for the world. Entries with an even
number are the test half: `--misses` refuses to show them, so that they stay a fair measure.
A claim is found when one of an accepted type overlaps the words. Loud types (the six that alert most) are listed completely, so their
precision is measured too; on quiet text every claim outside `allowed` is a false alarm.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from streams.resources import resources_for
from streams.tag import tag_line
from tocsin.settings import load

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
LOUD = frozenset(("casualties", "displacement", "territorial_control", "remote_strike", "targeted_attack", "armed_clash"))
AT = "2024-01-01T00:00:00Z"
Json = dict[str, Any]


def entries(name: str) -> list[Json]:
    """The entries of one golden file."""
    path = GOLDEN / (f"{name}_en.yaml" if name == "quiet" else f"claims_{name}.yaml")
    found: list[Json] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def half_of(entry: Json) -> str:
    """Development (odd) or test (even)."""
    return "development" if int(entry["id"].rpartition("-")[2]) % 2 else "test"


def options(value: Any) -> list[Any]:
    """Equally good answers."""
    return value if isinstance(value, list) else [value]


def overlaps(text: str, words: str, start: int, end: int) -> bool:
    """Whether a span touches the words, which stand once in the text."""
    at = text.find(words)
    return at >= 0 and start < at + len(words) and at < end


def quantity_fits(wanted: Any, claim: Json) -> bool:
    """Whether one of the claim's quantities has the wanted bounds and role."""
    for one in options(wanted):
        for quantity in claim["quantities"]:
            bounds = all(quantity.get(key) in options(one[key]) for key in ("value", "min", "max") if one.get(key) is not None)
            role = one.get("role") is None or quantity["role"] in options(one["role"])
            if bounds and role:
                return True
    return False


def attribution_fits(text: str, wanted: Any, claim: Json) -> bool:
    """Whether the source found is one of the wanted ones; null = the author's own words."""
    found = claim["attribution"]
    for one in options(wanted):
        if one is None and found is None:
            return True
        if one and found and found.get("start") is not None and overlaps(text, one, found["start"], found["end"]):
            return True
    return False


def score(entry: Json, document: Json, counts: Counter[str], misses: list[str]) -> None:
    """Add one entry's hits and misses."""
    text, found = entry["text"], document["claims"]
    allowed = {*entry.get("allowed", ())}
    explained: set[int] = set()
    for wanted in entry.get("claims", ()):
        types = options(wanted["type"])
        near = [
            n for n, claim in enumerate(found) if claim["type"] in types and overlaps(text, wanted["words"], claim["start"], claim["end"])
        ]
        explained.update(near)
        if wanted.get("level", entry.get("level")) != "must":
            continue
        counts["asked"] += 1
        if not near:
            misses.append(f"{entry['id']} missed {types[0]}: {wanted['words']}")
            continue
        counts["found"] += 1

        def best(n: int, wanted: Json = wanted) -> tuple[bool, ...]:
            claim = found[n]
            return (
                claim["modality"] in options(wanted["modality"]),
                claim["polarity"] in options(wanted["polarity"]),
                attribution_fits(text, wanted["attribution"], claim) if "attribution" in wanted else True,
                quantity_fits(wanted["quantity"], claim) if "quantity" in wanted else True,
            )

        parts = max(map(best, near), key=sum)
        for name, asked, right in zip(
            ("modality", "polarity", "attribution", "quantity"),
            (True, True, "attribution" in wanted, "quantity" in wanted),
            parts,
            strict=True,
        ):
            counts[f"{name} asked"] += asked
            counts[f"{name} right"] += asked and right
            if asked and not right:
                misses.append(f"{entry['id']} wrong {name} of {types[0]}: {text}")
    quiet = not entry.get("claims")
    for n, claim in enumerate(found):
        if claim["type"] in LOUD or quiet:
            counts["loud"] += 1
            if n in explained or claim["type"] in allowed:
                counts["loud right"] += 1
            else:
                misses.append(f"{entry['id']} extra {claim['type']} on {claim['trigger']['text']!r}: {text}")
    if quiet:
        counts["quiet entries"] += 1
        counts["false alarms"] += any(claim["type"] not in allowed for claim in found)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="en, ar, ru, en2, ar2, ru2, quiet; default: en and quiet")
    parser.add_argument("--half", choices=("development", "test"), help="only this half; default: both, side by side")
    parser.add_argument("--misses", action="store_true", help="list what went wrong in the development half")
    given = parser.parse_args(arguments)
    resources = resources_for(load(environment={})[0])
    table = Table(
        "sentences", "half", "claims", "found", "modality", "polarity", "attribution", "quantity", "loud precision", "false alarms"
    )
    console = Console()
    for name in given.names or ["en", "quiet"]:
        for half in (given.half,) if given.half else ("development", "test"):
            counts: Counter[str] = Counter()
            misses: list[str] = []
            for entry in entries(name):
                if half_of(entry) == half:
                    line = {"id": entry["id"], "text": entry["text"], "published_at": entry.get("published_at")}
                    score(entry, tag_line(line, resources, AT), counts, misses)

            def share(part: str, whole: str, counts: Counter[str] = counts) -> str:
                return f"{counts[part] / counts[whole]:.2f}" if counts[whole] else ""

            table.add_row(
                name,
                half,
                str(counts["asked"]),
                share("found", "asked"),
                *(share(f"{part} right", f"{part} asked") for part in ("modality", "polarity", "attribution", "quantity")),
                share("loud right", "loud"),
                share("false alarms", "quiet entries"),
            )
            if given.misses and half == "development":
                console.print("\n".join(misses), markup=False, highlight=False)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
