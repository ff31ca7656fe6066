"""The pictures of the documents: what the terminal shows, as SVG. `python -m benchmarks.pictures` after `make demo`.

Runs the real commands on the demo's data, so a picture never shows what the program does not print.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "pictures"
TOCSIN = Path(sys.executable).parent / "tocsin"
COLUMNS = 100
_FONT_FACES = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # they would fetch a font from elsewhere
_PORT = re.compile(r"127\.0\.0\.1:\d+")


def picture(name: str, arguments: list[str], lines: int) -> None:
    """Run one command and draw the first `lines` lines of what it prints."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    command = [str(TOCSIN), *arguments, "--data", ".demo"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    shown = _PORT.sub("127.0.0.1:8000", done.stdout).splitlines()[:lines]
    screen = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # lives as long as this run
    typed = " ".join(f"'{a}'" if " " in a else a for a in arguments)
    screen.print(Text(f"$ tocsin {typed}", "bold"))
    screen.print(Text.from_ansi("\n".join(shown)))
    svg = _FONT_FACES.sub("", screen.export_svg(title="tocsin", unique_id=name))
    (OUT / f"{name}.svg").write_text(svg.rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """Draw them all."""
    OUT.mkdir(parents=True, exist_ok=True)
    found = subprocess.run(
        [TOCSIN, "search", "nuri mosque", "--data", ".demo", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    article = re.search(r"a_[0-9a-f]{24}", found.stdout)
    assert article, "run `make demo` first"
    picture("search", ["search", "--place", "Mosul", "--claim", "casualties"], 34)
    picture("show", ["show", article.group()[:14]], 46)
    picture("alerts", ["alerts", "--limit", "3"], 28)


if __name__ == "__main__":
    main()
