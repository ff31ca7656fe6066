"""Whether confidence means something: bins of predicted confidence against measured precision.

    python -m benchmarks.calibration [--bins 5]

Two measures, side by side. Sentences: claims of the six loud types on the development half of tests/golden/claims_en.yaml, and every
claim on that of quiet_en.yaml; right if the sentence's list explains it. Codes: on the snippets of case2021 (development part), claims
that carry an ACLED sub-event; right if it is the snippet's. A snippet has one code, so a second event told beside it counts as wrong:
the level of that column is a lower bound, its slope is what matters. Bins hold equal numbers of claims.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.sentences import AT, LOUD, entries, half_of, options, overlaps
from streams.resources import resources_for
from streams.tag import Resources, tag_line
from tocsin.settings import load

SNIPPETS = Path(__file__).parents[2] / "shared" / "eval" / "dev" / "case2021_task2.jsonl"
Judged = tuple[float, bool]  # confidence, right


def on_sentences(resources: Resources) -> Iterator[Judged]:
    """Claims on the hand-written sentences of the development half."""
    for name in ("en", "quiet"):
        for entry in entries(name):
            if half_of(entry) != "development":
                continue
            text = entry["text"]
            line = {"id": entry["id"], "text": text, "published_at": entry.get("published_at")}
            quiet = not entry.get("claims")
            for claim in tag_line(line, resources, AT)["claims"]:
                if quiet or claim["type"] in LOUD:
                    told = claim["type"] in entry.get("allowed", ()) or any(
                        claim["type"] in options(wanted["type"]) and overlaps(text, wanted["words"], claim["start"], claim["end"])
                        for wanted in entry.get("claims", ())
                    )
                    yield claim["confidence"], told


def on_snippets(resources: Resources) -> Iterator[Judged]:
    """Claims with an ACLED sub-event on the snippets, right if it is the snippet's."""
    for row in SNIPPETS.read_text(encoding="utf-8").splitlines():
        record: dict[str, Any] = json.loads(row)
        wanted = {_LABELS[label] for label in record["label"] if label in _LABELS}
        if not wanted:
            continue
        for claim in tag_line({"id": record["id"], "text": record["text"]}, resources, AT)["claims"]:
            if code := claim["codes"].get("acled_sub_event"):
                yield claim["confidence"], code in wanted


# The snippets' labels -> ACLED's sub-events; snippets with other labels are left out.
_LABELS = {
    "ABDUCT_DISSAP": "Abduction/forced disappearance",
    "AGREEMENT": "Agreement",
    "AIR_STRIKE": "Air/drone strike",
    "ARMED_CLASH": "Armed clash",
    "ARREST": "Arrests",
    "ART_MISS_ATTACK": "Shelling/artillery/missile attack",
    "ATTACK": "Attack",
    "CHANGE_TO_GROUP_ACT": "Change to group/activity",
    "CHEM_WEAP": "Chemical weapon",
    "DISR_WEAP": "Disrupted weapons use",
    "FORCE_AGAINST_PROTEST": "Excessive force against protesters",
    "GOV_REGAINS_TERIT": "Government regains territory",
    "GRENADE": "Grenade",
    "HQ_ESTABLISHED": "Headquarters or base established",
    "MOB_VIOL": "Mob violence",
    "NON_STATE_ACTOR_OVERTAKES_TER": "Non-state actor overtakes territory",
    "NON_VIOL_TERRIT_TRANSFER": "Non-violent transfer of territory",
    "PEACE_PROTEST": "Peaceful protest",
    "PROPERTY_DISTRUCT": "Looting/property destruction",
    "PROTEST_WITH_INTER": "Protest with intervention",
    "REM_EXPLOS": "Remote explosive/landmine/IED",
    "SEX_VIOL": "Sexual violence",
    "SUIC_BOMB": "Suicide bomb",
    "VIOL_DEMONSTR": "Violent demonstration",
}


def bins_of(judged: Sequence[Judged], count: int) -> list[tuple[int, float, float, float]]:
    """Equal bins in order of confidence: claims, lowest and highest confidence, share that is right."""
    ordered = sorted(judged)
    edges = [round(len(ordered) * i / count) for i in range(count + 1)]
    found = []
    for low, high in itertools.pairwise(edges):
        part = ordered[low:high]
        if part:
            found.append((len(part), part[0][0], part[-1][0], sum(right for _, right in part) / len(part)))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bins", type=int, default=5, help="bins of equal size; default: %(default)s")
    given = parser.parse_args(arguments)
    resources = resources_for(load(environment={})[0])
    table = Table("measured on", "claims", "confidence", "right")
    measures = [("sentences (development half)", list(on_sentences(resources)))]
    if SNIPPETS.exists():
        measures.append(("case2021, sub-event", list(on_snippets(resources))))
    for name, judged in measures:
        for claims, low, high, right in bins_of(judged, given.bins):
            table.add_row(name, str(claims), f"{low:.2f}-{high:.2f}", f"{right:.2f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
