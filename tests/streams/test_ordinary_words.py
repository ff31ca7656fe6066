"""Words of force that tell of no deed: nouns that look like verbs, names, figures of speech; and the deeds beside them that count."""

from pathlib import Path

import pytest
import yaml

from streams.claim_rules import DATA
from streams.resources import resources_for
from streams.sightings import LIKELY
from streams.tag import tag_line
from tests.streams.claims_of import claims_of
from tocsin.settings import load
from tocsin.yaml_file import load_yaml

NOUNS = [
    "Grants are paid at the county level in Oregon schools.",
    "The majority whip counted votes in the office of the mayor.",
]
NAMES = [
    "The plant was run for years by Edward Burns and by Harriet Lynch of Denver.",
    "She volunteers at the Rape Crisis Centre in Leeds every week.",
    "The journalist wrote for Rolling Stone about the farmers of the valley.",
    "He later moved to the town of Battle Creek with his family.",
]
DEEDS = [
    ("The gunmen lynched a trader near Ansongo.", "targeted_attack"),
    ("Rebels in the eastern province destroy villages at night.", "destruction"),
    ("Army Shells Rebel Town, Killing 12", "remote_strike"),
]


@pytest.mark.parametrize("text", [*NOUNS, *NAMES])
def test_a_noun_or_a_name_is_no_deed(text):
    assert claims_of(text) == []


@pytest.mark.parametrize(("text", "kind"), DEEDS)
def test_the_deed_itself_still_counts(text, kind):
    assert kind in {claim.type for claim in claims_of(text)}


def test_the_examples_of_the_idioms_yield_no_claim():
    examples = load_yaml(DATA / "idioms.yaml", dict[str, object])["examples"]
    assert {text: [c.rule_id for c in claims_of(text)] for text in examples if claims_of(text)} == {}


LOUD = frozenset(
    (
        "casualties",
        "displacement",
        "territorial_control",
        "remote_strike",
        "targeted_attack",
        "armed_clash",
        "coercion",
        "unrest",
        "destruction",
    )
)
PAGES = yaml.safe_load((Path(__file__).parent.parent / "golden" / "ordinary_en.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=[page["id"] for page in PAGES])
def test_an_ordinary_page_gives_no_confident_claim_of_an_alerting_type(page):
    line = {"id": page["id"], "text": page["text"], "published_at": "2024-06-01T00:00:00Z"}
    found = tag_line(line, resources_for(load(environment={})[0]), "2024-06-02T00:00:00Z")["claims"]
    loud = {c["trigger"]["text"]: c["confidence"] for c in found if c["type"] in LOUD - {*page["allowed"]} and c["confidence"] >= LIKELY}
    assert loud == {}
