"""The vocabulary of the number grammar, read once from data/numbers.yaml and folded for matching."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from tocsin.errors import DataError
from tocsin.fold import fold_key
from tocsin.yaml_file import read_yaml

PATH = Path(__file__).parent / "data" / "numbers.yaml"

# Words of these languages look like English ones ("sept", "once"): they count only in a text of that language.
_LATIN_LANGUAGES = ("es", "fr", "pt", "de", "tr")
ROMANCE = frozenset(("es", "fr", "pt"))  # "de" is their "of"
_ENGLISH = "en"

_LOST = "\ufffd"

Kind = Literal["word", "scale", "magnitude", "vague", "one"]


class Word(NamedTuple):
    """A number word: its kind, its value or bounds, the language it belongs to ("" for all)."""

    kind: Kind
    value: float
    most: float  # upper bound of a magnitude, else `value`
    lang: str


class Vocabulary(NamedTuple):
    """Everything of data/numbers.yaml, keyed by folded text."""

    automaton: AhoCorasick
    known: frozenset[str]  # all number words
    plural_scales: frozenset[str]
    words: tuple[tuple[Word, ...], ...]  # by index of pattern
    approximators: dict[str, str]
    approximator_ends: frozenset[str]  # their last words
    fillers: frozenset[str]
    not_after: frozenset[str]
    not_before: frozenset[str]
    year_before: frozenset[str]
    months: frozenset[str]
    stop: frozenset[str]
    stop_in: dict[str, frozenset[str]]  # of one language only
    light: frozenset[str]
    units: dict[str, str]  # noun -> unit
    demonym_endings: tuple[str, ...]
    person_participles: frozenset[str]
    building_participles: frozenset[str]
    person_verbs_before: frozenset[str]


def written(word: str) -> tuple[str, ...]:
    """A word folded, and as text that lost its encoding has it: every accented letter a replacement character ("m\ufffdnages")."""
    key = fold_key(word)
    broken = "".join(_LOST if "À" <= char <= "ɏ" else char for char in word.lower())
    return (key, broken) if _LOST in broken else (key,)


def _folded(data: dict[str, Any], key: str) -> frozenset[str]:
    words = data[key]
    bad = [w for w in words if not isinstance(w, str)]
    if bad:
        raise DataError(PATH, f"{key} holds {bad[0]!r}, which YAML does not read as a word: put it in quotes")
    return frozenset(fold_key(w) for w in words)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read the vocabulary; raises DataError when the file is not what it should be."""
    data = read_yaml(PATH).value
    found: dict[str, list[Word]] = {}

    def add(text: str, kind: Kind, least: float, most: float, lang: str) -> None:
        found.setdefault(fold_key(text), []).append(Word(kind, least, most, lang if lang in _LATIN_LANGUAGES else ""))

    for lang, words in data["words"].items():
        for text, value in words.items():
            add(text, "word", value, value, lang)
    for lang, words in data["scales"].items():
        for text, value in words.items():
            add(text, "scale", value, value, lang)
    for lang, words in data["magnitudes"].items():
        for text, (least, most) in words.items():
            add(text, "magnitude", least, most, lang)
    for lang, words in data["vague"].items():
        for text, least in words.items():
            add(text, "vague", least or 0, least or 0, lang)
    for text in data["one_of"]:
        add(text, "one", 1, 1, _ENGLISH)
    units = {form: unit for unit, nouns in data["units"].items() for noun in nouns for form in written(noun)}
    approximators = {fold_key(text): name for name, texts in data["approximators"].items() for text in texts}
    return Vocabulary(
        automaton=AhoCorasick(list(found), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA),
        known=frozenset(found),
        plural_scales=_folded(data, "plural_scales"),
        words=tuple(tuple(entries) for entries in found.values()),
        approximators=approximators,
        approximator_ends=frozenset(text.split()[-1] for text in approximators),
        fillers=_folded(data, "fillers"),
        not_after=_folded(data, "not_count_after"),
        not_before=_folded(data, "not_count_before"),
        year_before=_folded(data, "year_before"),
        months=_folded(data, "months"),
        stop=_folded(data, "stop"),
        stop_in={lang: _folded(data["stop_in"], lang) for lang in data["stop_in"]},
        light=_folded(data, "light"),
        units=units,
        demonym_endings=tuple(sorted(_folded(data, "demonym_endings"))),
        person_participles=_folded(data, "person_participles"),
        building_participles=_folded(data, "building_participles"),
        person_verbs_before=_folded(data, "person_verbs_before"),
    )
