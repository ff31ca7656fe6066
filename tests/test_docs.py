"""What the documents promise is there."""

import re
import runpy
from pathlib import Path

import pytest

from tocsin import topics
from tocsin.cli import COMMANDS
from tocsin.cli.settings import as_markdown

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_named_in_the_text_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:tocsin|producers|streams|sinks|tests|benchmarks|docs|deploy|requirements)/[\w./-]+\.\w+)`", text)
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_named_in_the_text_exists(document: Path) -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?tocsin ([a-z-]+)", document.read_text(encoding="utf-8")))
    assert named <= set(COMMANDS)


def test_the_settings_are_documented_as_they_are() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown()


def test_the_settings_page_tells_no_secret_of_this_machine() -> None:
    assert str(Path.home()) not in as_markdown()


def test_every_module_stands_in_the_list_with_its_purpose() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_modules.py"))["as_markdown"]()
    assert (ROOT / "docs" / "modules.md").read_text(encoding="utf-8") == made, "run `python docs/make_modules.py`"
    assert "| |" not in made.replace("|  |", "| |"), "a module has no docstring"


def test_every_topic_stands_in_the_list_as_it_is() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_topics.py"))["as_markdown"]()
    assert (ROOT / "docs" / "topics.md").read_text(encoding="utf-8") == made, "run `python docs/make_topics.py`"


def test_the_architecture_shows_the_topics_as_they_are() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_topics.py"))["with_table"](text)
    assert text == made, "run `python docs/make_topics.py`"
    assert all(f"| `{topic.name}`" in text for topic in topics.ALL)
