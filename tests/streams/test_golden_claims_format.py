"""The hand-written claim sentences are well formed, so that tests which compare the tagger with them can rely on them."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from tocsin.records import Claim

GOLDEN = Path(__file__).parent.parent / "golden"
LOUD = frozenset({"armed_clash", "remote_strike", "targeted_attack", "casualties", "displacement", "territorial_control"})
QUIETER = {"force_movement", "force_posture", "group_activity", "destruction", "humanitarian_response", "coercion", "unrest"}
TYPES = LOUD | QUIETER | {"political_action", "statement", "assessment"}
SUBTYPES = {
    "displacement": {"flow", "forecast", "in_camp", "return"},
    "territorial_control": {"captured", "lost", "holds", "contested", "hypothetical_capture"},
    "remote_strike": {"airstrike"},
    "statement": {"warning", "call", "demand", "threat", "accusation", "denial", "condemnation"},
}
HINTS = get_type_hints(Claim)
MODALITIES = frozenset(get_args(HINTS["modality"]))
POLARITIES = frozenset(get_args(HINTS["polarity"]))
LEVELS = {"must", "should", "optional"}
UNITS = {"person", "household", "fighter", "building", "camp", "vehicle", "party", "defence_line", "destruction", "weapon", "other"}
FIGURE_ROLES = {"killed", "injured", "missing", "detained", "displaced", "returned", "in_camp", "present", "other"}
ACTOR_ROLES = {"actor", "perpetrator", "victim", "affected", "winner", "loser", "holder", "speaker", "addressee", "partner", "about"}
ENTRY_KEYS = {"id", "text", "published_at", "level", "near_miss", "allowed", "claims"}
CLAIM_NEEDS = {"type", "words", "modality", "polarity", "attribution"}
CLAIM_KEYS = CLAIM_NEEDS | {"subtype", "quantity", "actors", "places", "background", "level"}

# file -> entries at least, claim types that it must hold, modalities, at most how many entries to one near miss
FILES = {
    "claims_ar.yaml": (75, LOUD, MODALITIES, 3),
    "claims_ru.yaml": (75, LOUD, MODALITIES, 3),
    "claims_en.yaml": (120, TYPES, MODALITIES, 3),
    "claims_ar2.yaml": (75, LOUD, MODALITIES - {"expected", "call"}, 4),
    "claims_ru2.yaml": (75, LOUD, MODALITIES - {"expected", "call"}, 4),
    "claims_en2.yaml": (150, TYPES, MODALITIES, 5),
}
# Of a second writer, who gives days without a time, and leaves out who says so where it is not asked.
BRIEF = frozenset(name for name in FILES if "2" in name)


@cache
def entries(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((GOLDEN / name).read_text(encoding="utf-8"))
    return loaded


def answers(value: Any) -> list[Any]:
    """A field is one answer or a list of equally good ones."""
    return value if isinstance(value, list) else [value]


def claims(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for entry in entries(name):
        for claim in entry["claims"]:
            yield entry, claim


@pytest.mark.parametrize("name", [*FILES, "quiet_en.yaml"])
def test_ids_and_texts_are_unique(name):
    ids, texts = zip(*((e["id"], e["text"]) for e in entries(name)), strict=True)
    assert len(set(ids)) == len(ids)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", FILES)
def test_an_entry_has_its_keys_a_time_and_a_level(name):
    for entry in entries(name):
        assert set(entry) <= ENTRY_KEYS, entry["id"]
        assert {"id", "text", "published_at", "level", "claims"} <= set(entry), entry["id"]
        assert (datetime.fromisoformat(entry["published_at"]).tzinfo is None) == (name in BRIEF), entry["id"]
        assert entry["level"] in LEVELS, entry["id"]
        assert set(entry.get("allowed", ())) <= TYPES, entry["id"]
        assert entry["claims"] or entry.get("near_miss"), f"{entry['id']}: no claim and no reason why"


@pytest.mark.parametrize("name", FILES)
def test_types_moods_and_roles_are_those_of_the_records(name):
    for entry, claim in claims(name):
        where = f"{entry['id']}: {claim['words']}"
        assert set(claim) <= CLAIM_KEYS, where
        assert set(claim) >= CLAIM_NEEDS - ({"attribution"} if name in BRIEF else set()), where
        assert set(answers(claim["type"])) <= TYPES, where
        assert set(answers(claim["modality"])) <= MODALITIES, where
        assert set(answers(claim["polarity"])) <= POLARITIES, where
        assert claim.get("level", "must") in LEVELS, where
        assert claim.get("background", True) is True, where
        legal = {s for t in answers(claim["type"]) for s in SUBTYPES.get(t, ())}
        assert set(answers(claim["subtype"])) <= legal if "subtype" in claim else True, where
        assert all(set(answers(a["role"])) <= ACTOR_ROLES for a in claim.get("actors", ())), where


@pytest.mark.parametrize("name", FILES)
def test_every_quoted_word_stands_in_its_text(name):
    for entry, claim in claims(name):
        sources = [s for s in answers(claim.get("attribution")) if s is not None]
        actors = [a["words"] for a in claim.get("actors", ())]
        for words in [claim["words"], *sources, *actors, *claim.get("places", ())]:
            assert words, entry["id"]
            assert words in entry["text"], f"{entry['id']}: {words}"
        assert entry["text"].count(claim["words"]) == 1, f"{entry['id']}: {claim['words']} stands there twice"


@pytest.mark.parametrize("name", FILES)
def test_no_two_claims_of_an_entry_share_type_and_words(name):
    for entry in entries(name):
        keys = sorted((str(c["type"]), c["words"]) for c in entry["claims"])
        assert all(a != b for a, b in pairwise(keys)), entry["id"]


@pytest.mark.parametrize("name", FILES)
def test_a_quantity_is_a_figure_with_unit_and_role(name):
    for entry, claim in claims(name):
        for quantity in answers(claim["quantity"]) if "quantity" in claim else ():
            assert set(quantity) <= {"value", "min", "max", "unit", "role"}, entry["id"]
            bounds = {k: answers(quantity[k]) for k in ("min", "value", "max") if k in quantity}
            assert bounds, entry["id"]
            assert all(isinstance(n, int) and n > 0 for ns in bounds.values() for n in ns), entry["id"]
            assert all(max(a) <= min(b) for a, b in pairwise(bounds.values())), entry["id"]
            assert set(answers(quantity["unit"])) <= UNITS, entry["id"]
            assert set(answers(quantity["role"])) <= FIGURE_ROLES, entry["id"]


@pytest.mark.parametrize("name", FILES)
def test_a_reported_claim_has_a_source_and_an_asserted_one_is_the_authors_own(name):
    for entry, claim in claims(name):
        if name in BRIEF and "attribution" not in claim:
            continue
        moods, sources = answers(claim["modality"]), answers(claim["attribution"])
        if moods == ["reported"]:
            assert None not in sources, f"{entry['id']}: {claim['words']}"
        if moods == ["asserted"]:
            assert None in sources, f"{entry['id']}: {claim['words']}"


@pytest.mark.parametrize(("name", "least", "types", "moods", "rarest"), [(n, *w) for n, w in FILES.items()])
def test_a_file_is_large_and_varied_enough(name, least, types, moods, rarest):
    all_entries = entries(name)
    assert len(all_entries) >= least
    assert {answers(c["type"])[0] for _, c in claims(name)} >= types
    assert {answers(c["modality"])[0] for _, c in claims(name)} == moods
    assert sum("near_miss" in e for e in all_entries) * rarest >= len(all_entries)


def test_ordinary_news_says_why_it_tempts_and_what_is_tolerable():
    quiet = entries("quiet_en.yaml")
    assert len(quiet) >= 120
    for entry in quiet:
        assert set(entry) == {"id", "text", "why", "allowed"}, entry["id"]
        assert entry["why"], entry["id"]
        assert set(entry["allowed"]) <= TYPES, entry["id"]
    assert sum(not e["allowed"] for e in quiet) * 2 >= len(quiet), "most of it must be silent outright"
