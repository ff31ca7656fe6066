"""Places that a claim names and no gazetteer knows: "in Tsholotsho district", "fled Bimbwi and Kamandi for the coast".

Only the shape speaks: a capitalised name after a word of place, or beside a noun of place, that no known mention covers. Such a place
has no coordinates and an id of its own ("loc:x-bimbwi"); it is kept because a village too small for any list is often the news.
"""

import re
from collections.abc import Sequence

from streams.found import slug
from tocsin.records import Mention

_NAME = r"(?:[A-Z](?:[a-zà-öø-ÿāīūḥ]|['’](?!s\b)[A-Z]?[a-z]|-[A-Za-z]?)+)"
_NAMES = rf"{_NAME}(?: (?:al|el|de|del|da|du|la|d'){{0,1}} ?{_NAME}){{0,2}}"
_NOUNS = (
    "(?:district|province|governorate|state|county|prefecture|region|area|territory|department|municipality|village|town|city|island|"
    "valley|commune|ward|canton|locality|oblast|raion|camp|sub-district|subdistrict)s?"
)
_BEFORE = (
    "(?:[Ii]n|[Ff]rom|[Nn]ear|[Aa]round|[Aa]t|into|to|[Aa]cross|towards?|[Oo]utside|[Ii]nside|leaving|left|fled|[Ww]ithin|hit|affecting|"
    "struck|capital,|(?:of the )?(?:town|city|village|district|province|island|canton|peninsula|valley|region|state|county|municipality|"
    "governorate|prefecture|commune|port|suburb|neighbou?rhood|outskirt|camp)s? of|"
    "(?:strike|attack|raid|assault|bombing|shelling|bombardment|offensive|march|advance)s? (?:on|of|in|against)|"
    "(?:area|region|village|town|place|zone|camp|neighbou?rhood|site|settlement|highlands?|district) ?(?:known|called|named)(?: ?as)?)"
)
_SIDE = "(?:(?:north|south|east|west|central|neighbouring|neighboring|nearby|rural)[a-z-]* )?"
# A word of place, a name, and the names listed after it.
_LIST = rf"(?P<names>{_NAMES}(?:(?:, | and |, and ){_NAMES})*)"
_GLUED = "(?:in|from|near|at|to|of|around|as)(?=[A-Z][a-z]{3})"  # PDF text loses the space: "inHodeidah"
_SHAPE = re.compile(rf"\b(?:{_BEFORE} (?:the )?{_SIDE}|{_GLUED}){_LIST}(?: {_NOUNS}\b)?")
# "Socotra, the largest island of Yemen": the apposition says that it is a place.
_APPOSITION = re.compile(rf", (?:a|an|the) (?:[a-z-]+ ){{0,3}}{_NOUNS}\b")
_BEFORE_APPOSITION = re.compile(rf"(?<![\w'’-])(?P<names>{_NAMES})$")
_NAME_REACH = 50  # characters
_SPLIT = re.compile(r", and |, | and ")
_LEAST = 4  # letters of a name
_CONFIDENCE = 0.4
_NOT_PLACES = frozenset(
    re.findall(
        r"\w+",
        "january february march april may june july august september october november december monday tuesday wednesday thursday friday "
        "saturday sunday ramadan eid easter christmas operation tropical storm typhoon hurricane cyclone police army government ministry "
        "islamic state united nations world red cross president minister general colonel captain internet twitter facebook god they this "
        "that these those there their after before since during while when with",
    )
)


def named_places(text: str, start: int, end: int, taken: Sequence[tuple[int, int]]) -> list[Mention]:
    """Names in the shape of a place within [start, end), in order; `taken`: spans already known to be something."""
    found: list[Mention] = []
    shapes = list(_SHAPE.finditer(text, start, end))
    for apposition in _APPOSITION.finditer(text, start, end):
        apposed = _BEFORE_APPOSITION.search(text, max(start, apposition.start() - _NAME_REACH), apposition.start())
        shapes += [apposed] if apposed else []
    for shape in sorted(shapes, key=lambda shape: shape.start("names")):
        at = shape.start("names")
        for name in _SPLIT.split(shape["names"]):
            begin = text.index(name, at)
            at = stop = begin + len(name)
            if len(name) < _LEAST or name.split()[0].lower() in _NOT_PLACES or any(s < stop and begin < e for s, e in taken):
                continue
            if found and begin < found[-1].end:
                continue
            found.append(
                Mention(
                    mention_id="",
                    kind="place",
                    entity_id=f"loc:x-{slug(name)}",
                    name=name,
                    type="",
                    text=name,
                    start=begin,
                    end=stop,
                    how="pattern",
                    confidence=_CONFIDENCE,
                    sure=False,
                    reason="named like a place, in no gazetteer",
                )
            )
    return found
