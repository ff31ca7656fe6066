"""Word lists and shapes around place names, read from `data/places/words.yaml` and `shapes.yaml`."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from tocsin.yaml_file import read_yaml

_DATA = Path(__file__).parent / "data" / "places"


@cache
def _file(name: str) -> dict[str, Any]:
    return dict(read_yaml(_DATA / name).value)


def words(name: str) -> frozenset[str]:
    """A word list of `words.yaml`, folded and lower case."""
    return frozenset(_file("words.yaml")[name])


def mapping(name: str) -> dict[str, str]:
    """A mapping of `shapes.yaml`."""
    return dict(_file("shapes.yaml")[name])


def _one_of(choices: dict[str, str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"\s").replace("\\-", "-") for word in sorted(choices, key=len, reverse=True))


LOCATIVE = words("locative")
FUNCTION = words("function")
TITLES = words("titles")
NEVER_BEFORE = words("never_before")
PLACE_NOUNS = words("place_nouns")
ORG_OF = words("org_of")
CALENDAR = words("calendar")
DISEASES = words("diseases")
AMBIGUOUS = words("ambiguous")
GIVEN = words("given")
FIRST_NAMES = words("first_names")
ORG_BEFORE = words("org_before")
NOT_UNLISTED = words("not_unlisted")
AFTER = mapping("after")
BEFORE_OF = mapping("before_of")
DIRECTIONS = mapping("directions")

# All of these run on folded text next to a name, never over the whole text.
NOUN_AFTER = re.compile(rf"[ -](?P<noun>{_one_of(AFTER)})(?![\w-])")
NOUN_BEFORE = re.compile(rf"(?:^|(?<=\W))(?:the )?(?P<noun>{_one_of(BEFORE_OF)}) of (?:the )?$")
DIRECTION_BEFORE = re.compile(rf"(?:^|(?<=[^\w-]))(?P<way>{_one_of(DIRECTIONS)})[ ]$")
PART_BEFORE = re.compile(
    rf"(?:^|(?<=\W))(?P<all>the (?P<way>{_one_of(DIRECTIONS)}) "
    r"(?P<part>parts?|side|half|countryside|outskirts|suburbs|districts|neighbou?rhoods|sector|bank|edge) of (?:the )?(?:city of )?)$"
)
COUNTRYSIDE_AFTER = re.compile(r"(?:'s)?[ ](?P<part>countryside|outskirts|suburbs)(?!\w)")
COUNTRYSIDE_BEFORE = re.compile(r"(?:^|(?<=\W))(?P<all>(?:the )?(?P<part>countryside|outskirts|suburbs) of )$")
# After a name that no gazetteer lists these say that it is a place.
UNLISTED_NOUN = re.compile(
    r"[ ](?:districts?|villages?|provinces?|governorates?|sub-?districts?|refugee camps?|idp camps?|camps?|lgas?|county|counties|"
    r"subdivision|municipality|neighbou?rhoods?|prefectures?|oblast|raion|commune|town|city|island|parish|settlement)(?![\w-])"
)
UNLISTED_HEAD = re.compile(
    r"(?<!\w)(?:village|town|city|hamlet|suburb|district|province|neighbou?rhood|camp|island)s? (?:of|called|named) (?:the )?$"
)
