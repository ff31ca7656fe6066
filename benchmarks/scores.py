"""All scores on the development sets in one table, with the goals beside them: `make eval`.

The gold data and its scorer lie outside the project, in ../shared/eval (its README defines every figure). Predictions are made by
the command line, `tocsin tag` and `tocsin clean`, exactly as a user would, and kept in .eval/ for a closer look.

    python -m benchmarks.scores [--json] [SET ...]
"""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
EVAL = ROOT.parent / "shared" / "eval"
OUT = ROOT / ".eval"
TOCSIN = Path(sys.executable).parent / "tocsin"

Row = tuple[str, Callable[[dict[str, Any]], float], str]  # what, how to read it from the scorer's answer, goal ("" = none)


class Set(NamedTuple):
    """One gold file: the scorer's mode, the filter that answers it, and the rows to show."""

    name: str
    mode: str
    filter: str
    rows: tuple[Row, ...]
    file: str = ""

    @property
    def gold(self) -> Path:
        """Where the gold lies."""
        return EVAL / (self.file or f"dev/{self.name}.jsonl")


def _at(*path: str) -> Callable[[dict[str, Any]], float]:
    def read(answer: dict[str, Any]) -> float:
        value: Any = answer
        for key in path:
            value = value[key]
        return float(value)

    return read


def _coref(answer: dict[str, Any]) -> float:
    found, all_ = str(answer["coref"]).split("/")
    return int(found) / int(all_)


def _share(part: str, rest: str) -> Callable[[dict[str, Any]], float]:
    def read(answer: dict[str, Any]) -> float:
        segments = answer["segments"]
        return float(segments.get(part, 0) / ((segments.get(part, 0) + segments.get(rest, 0)) or 1))

    return read


def _found(answer: dict[str, Any]) -> float:
    segments = answer["segments"]
    return float(segments.get("comment_found", 0) / (segments.get("comment_out_of_body", 0) + segments.get("comment_in_body", 0)))


_PLACES: tuple[Row, ...] = (
    ("exact F1", _at("exact", "f1"), ">= 0.85"),
    ("end to end within 161 km", _at("e2e161"), ">= 0.75"),
    ("sure: precision", _at("sure_overlap", "p"), ">= 0.95"),
    ("sure: recall", _at("sure_overlap", "r"), ">= 0.5"),
)
SETS = (
    Set(
        "seeds",
        "seeds",
        "tag",
        (
            ("must-claims found", _at("must_recall"), ">= 0.90"),
            ("modality", _at("modality"), ">= 0.95"),
            ("polarity", _at("polarity"), ">= 1"),
            ("quantities", _at("quantities"), ">= 1"),
            ("attribution", _at("attribution"), ">= 0.95"),
            ("extra claims", _at("extra_share"), "<= 0.20"),
            ("claims outside the body", _at("claims_outside_body"), "<= 0"),
            ("must-not violations", _at("must_not"), "<= 0"),
            ("coreference", _coref, ">= 1"),
            ("actors found", _at("actors"), ">= 0.95"),
            ("actors precision", _at("actors_precision"), ">= 0.90"),
            ("places found", _at("places"), ">= 1"),
            ("places precision", _at("places_precision"), ">= 0.90"),
        ),
        "seeds.jsonl",
    ),
    Set(
        "re3d",
        "spans",
        "tag",
        (
            ("named exact F1", _at("named_exact", "f1"), ">= 0.75"),
            ("all exact F1", _at("all_exact", "f1"), ">= 0.62"),
            ("sure: precision", _at("sure_overlap_vs_all", "p"), ">= 0.95"),
            ("sure: recall", _at("sure_overlap_vs_all", "r"), ">= 0.5"),
        ),
    ),
    Set("trnews", "places", "tag", _PLACES),
    Set("geovirus", "places", "tag", _PLACES[:2]),
    Set("humset_toponyms", "places", "tag", (("exact F1", _at("exact", "f1"), ">= 0.75"),)),
    Set(
        "case2021_task2",
        "events",
        "tag",
        (
            ("weighted F1", _at("weighted_f1"), ">= 0.75"),
            ("any-claim recall", _at("any_claim_recall"), ">= 0.85"),
            ("distinct sub-events a snippet", _at("distinct_sub_events_per_snippet"), "<= 1.5"),
        ),
    ),
    Set(
        "idetect_displacement",
        "figures",
        "tag",
        (
            ("figure and unit recall", _at("figure_and_unit_recall"), ">= 0.93"),
            ("precision", _at("precision"), ">= 0.80"),
            ("with place recall", _at("with_place_recall"), ">= 0.80"),
        ),
    ),
    Set("extract_aeb", "clean", "clean", (("shingle F1", _at("shingle", "f1"), ">= 0.955"),)),
    Set(
        "extract_segments",
        "clean",
        "clean",
        (
            ("comments left in body", _share("comment_in_body", "comment_out_of_body"), "<= 0.03"),
            ("comments found", _found, ">= 0.90"),
            ("segment F1", _at("segments", "f1"), ""),
        ),
    ),
)
_GIVEN_TO_TAG = ("id", "text", "title", "lang", "published_at")


def meets(value: float, goal: str) -> bool | None:
    """Whether a figure meets its goal (">= 0.9", "<= 0"); None without goal."""
    if not goal:
        return None
    sign, bound = goal.split()
    return value >= float(bound) if sign == ">=" else value <= float(bound)


def predict(gold: Set) -> tuple[Path, float]:
    """Run the filter over one set. Returns the predictions and the seconds it took."""
    OUT.mkdir(exist_ok=True)
    given, answer = OUT / f"{gold.name}.in.jsonl", OUT / f"{gold.name}.out.jsonl"
    with given.open("w", encoding="utf-8") as out:
        for line in gold.gold.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if gold.filter == "clean":
                html = gzip.decompress((EVAL / "dev" / record["html"]).read_bytes()).decode("utf-8", "replace")
                asked = {"id": record["id"], "url": record.get("url"), "html": html}
            else:
                asked = {key: record[key] for key in _GIVEN_TO_TAG if record.get(key)}
            out.write(json.dumps(asked, ensure_ascii=False) + "\n")
    started = time.perf_counter()
    with given.open("rb") as source, answer.open("wb") as sink:
        subprocess.run([TOCSIN, gold.filter], stdin=source, stdout=sink, check=True)
    return answer, time.perf_counter() - started


def score(gold: Set) -> tuple[dict[str, Any], float]:
    """Predict and score one set. Returns the scorer's whole answer and the seconds of the prediction."""
    answer, seconds = predict(gold)
    done = subprocess.run([sys.executable, EVAL / "score.py", gold.mode, gold.gold, answer], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    (OUT / f"{gold.name}.score.json").write_text(done.stdout, encoding="utf-8")
    return result, seconds


def main(arguments: list[str]) -> int:
    """Score the named sets, or all."""
    console = Console()
    if not EVAL.is_dir():
        console.print(
            f"The gold data is not here ({EVAL}): nothing to score. The published figures are in docs/quality.md.", style="yellow"
        )
        return 0
    names = [argument for argument in arguments if not argument.startswith("-")]
    chosen = [gold for gold in SETS if not names or gold.name in names]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(score, chosen))
    if "--json" in arguments:
        print(json.dumps({gold.name: answer for gold, (answer, _) in zip(chosen, answers, strict=True)}, indent=1))
        return 0
    table = Table(title="Scores on the development sets (held-out sets decide)")
    for column, side in (("set", "left"), ("what", "left"), ("score", "right"), ("goal", "right"), ("", "left")):
        table.add_column(column, justify=side)  # type: ignore[arg-type]
    for gold, (answer, seconds) in zip(chosen, answers, strict=True):
        for number, (what, read, goal) in enumerate(gold.rows):
            value = read(answer)
            met = meets(value, goal)
            mark = "" if met is None else "[green]met[/]" if met else "[red]below[/]" if goal.startswith(">") else "[red]above[/]"
            first = f"{gold.name} ({seconds:.0f} s)" if not number else ""
            table.add_row(first, what, f"{value:.3f}", goal, mark, end_section=number == len(gold.rows) - 1)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
