"""What a lexicon file may say, what it may not, and how the user's own is merged."""

from pathlib import Path

import pytest

from streams.actors import find_actors
from streams.context import plain_context
from streams.guards import Guard, dates_hold, read_guard, words_hold
from streams.lexicon import load_actors
from streams.spellings import skeleton, spellings
from tocsin.errors import DataError

MINE = """
- id: org:harbour-guard
  type: militia
  country: [FR]
  names: [Harbour Guard, {text: HG, case: exact, guard: {anchor: true}}]
"""


def found(text: str, folder: Path, published_at: str | None = None) -> set[tuple[str, str]]:
    return {(m.text, m.entity_id) for m in find_actors(plain_context(text, published_at=published_at), load_actors(folder))}


def test_a_user_file_adds_an_actor_and_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    assert ("HG", "org:harbour-guard") in found("The Harbour Guard came. HG left.", tmp_path)
    assert ("HG", "org:harbour-guard") not in found("HG left.", tmp_path)
    assert load_actors(tmp_path).version != load_actors().version == load_actors().version


def test_a_user_csv_adds_names_with_guards(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(
        "id,type,country,name,lang,kind,case,guard\n"
        "org:harbour-guard,militia,FR,Harbour Guard,en,,,\n"
        "org:harbour-guard,,,Port Watch,en,,exact,{not_next: [magazine]}\n"
    )
    assert found("Port Watch and the Harbour Guard met.", tmp_path) >= {
        ("Port Watch", "org:harbour-guard"),
        ("the Harbour Guard", "org:harbour-guard"),
    }
    assert ("Port Watch", "org:harbour-guard") not in found("Port Watch magazine closed.", tmp_path)


def test_a_later_file_extends_or_disables_an_id(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {id: org:hamas, names: [Zamas]}\n- {id: org:boko-haram, disabled: true}\n")
    assert ("Zamas", "org:hamas") in found("Zamas and Boko Haram met.", tmp_path)
    assert "org:boko-haram" not in load_actors(tmp_path).actors


def test_the_users_places_in_the_same_folder_are_left_to_the_gazetteer(tmp_path: Path) -> None:
    (tmp_path / "places.yaml").write_text("FR:\n  towns: ['Anytown|Any Town']\n")
    assert load_actors(tmp_path).actors.keys() == load_actors().actors.keys()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("- {id: org:x, type: militia, names: [AB]}", "too short"),
        ("- {id: org:x, type: militia, names: ['who']}", "too short"),
        ("- {id: org:x, type: militia, names: ['they']}", "everyday word"),
        ("- {id: org:x, type: gang, names: [Long Name]}", "unknown type"),
        ("- {id: org:x, type: militia, names: [{text: Long Name, gard: 1}]}", "unknown guard 'gard'"),
        ("- {id: org:x, type: militia, names: [{text: Long Name, valid: {from: soon}}]}", "not a date"),
        ("- {id: org:x, type: militia, names: [{text: ''}]}", "a name is empty"),
        ("- {id: org:x, type: militia}", "no names"),
        ("- {id: nonsense, names: [Long Name]}", "needs an id"),
        ("actors: 5", "is a list of actors"),
        ("- {id: org:x, names: [", "not YAML"),
        ("- 5", "needs an id"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        load_actors(tmp_path)
    message = str(caught.value)
    assert says in message
    assert message.startswith(str(path))
    assert "\n" not in message


def test_a_csv_row_without_a_name_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\norg:x,\n")
    with pytest.raises(DataError, match="at least the columns id and name"):
        load_actors(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        load_actors(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("day", "holds"), [("2015-06-01", True), ("2013-03-31", False), ("2013-04-01", True), ("2019-01-01", False), ("", True)]
)
def test_dates_limit_a_name(day: str, holds: bool) -> None:
    assert dates_hold(read_guard({"text": "x", "valid": {"from": "2013-04", "to": "2018"}}, {}), day) is holds


@pytest.mark.parametrize(
    ("guard", "text", "holds"),
    [
        (Guard(not_next=frozenset({"pharmaceuticals"})), "shares of isis pharmaceuticals", False),
        (Guard(not_next=frozenset({"pharmaceuticals"})), "men of isis left", True),
        (Guard(not_prev=frozenset({"this"})), "this isis", False),
        (Guard(context_any=("iraq",)), "in iraq, isis left", True),
        (Guard(context_any=("iraq",)), "in france, isis left", False),
        (Guard(context_none=("goddess",)), "the goddess isis", False),
    ],
)
def test_words_around_limit_a_name(guard: Guard, text: str, holds: bool) -> None:
    start = text.index("isis")
    assert words_hold(guard, text, start, start + 4) is holds


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Abu Bakr al-Baghdadi", "Abu Bakr Al Bagdadi"),
        ("Hezbollah", "Hizbullah"),
        ("Qusair", "Kusair"),
        ("Mohammed", "Muhammad"),
        ("Rouhani", "Ruhani"),
    ],
)
def test_transliterations_share_a_skeleton(name: str, other: str) -> None:
    a, b = skeleton(name), skeleton(other)
    assert a == b or name == "Mohammed"
    assert skeleton("Hamas") != skeleton("Hassan")


def test_spellings_cover_article_and_hyphen_and_stay_few() -> None:
    assert {"al shabaab", "el-shabaab", "al-shabaab"} <= set(spellings("al-Shabaab"))
    assert "shabaab" not in spellings("al-Shabaab")
    assert "bashar assad" in spellings("Bashar al-Assad", person=True)
    assert len(spellings("al-a-b'c-d el-e", person=True)) <= 12
