"""Write docs/modules.md: every module in one line, from the first line of its docstring. `python docs/make_modules.py`; a test compares."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("tocsin", "producers", "streams", "sinks", "deploy", "benchmarks")
HEAD = """# Every module in a line

Made by `python docs/make_modules.py` from the first line of each module's docstring; a test compares the two. How they work together is
in [ARCHITECTURE.md](../ARCHITECTURE.md).
"""


def first_line(path: Path) -> str:
    """First line of a module's docstring, without its full stop."""
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return doc.partition("\n")[0].rstrip(".")


def as_markdown() -> str:
    """docs/modules.md, whole."""
    parts = [HEAD]
    for folder in FOLDERS:
        parts.append(f"\n## {folder}\n\n| module | what it does |\n|---|---|\n")
        described = [path for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "__init__.py" or first_line(path)]
        parts += [f"| `{path.relative_to(ROOT).as_posix()}` | {cell(first_line(path))} |\n" for path in described]
    return "".join(parts)


def cell(text: str) -> str:
    """Text as it stands in a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    (ROOT / "docs" / "modules.md").write_text(as_markdown(), encoding="utf-8")
