"""Arabic inflection of trigger lemmas: persons, numbers, and the small words written together with a word. No roots, no parsing.

Lemmas, unvowelled:

    verb   "قصف/يقصف"        past and imperfect of the third person; further forms after more slashes ("اصيب/يصاب/يصب")
    noun   "غارة/غارات"      singular and plurals; a listed plural in -ون keeps -ين from being read as a dual; "=" at the end: no endings
"""

from itertools import product

from streams.inflect import Form, Inflection

__all__ = ["ARABIC"]

_BEFORE_PAST = ("", "و", "ف", "ل")
_BEFORE_IMPERFECT = ("", "و", "ف", "ل", "ول")
_BEFORE_FUTURE = ("س", "وس", "فس")
_BEFORE_BARE = ("", "و", "ف", "ب", "ل", "ك", "وب", "ول", "فب")
_BEFORE_ARTICLE = ("ال", "وال", "فال", "بال", "وبال", "كال", "لل", "ولل")
_OBJECTS = ("ه", "ها", "هم")
_OWNERS = ("ه", "ها", "هم", "نا")
_PERSONS = "يتنا"  # letters that open an imperfect


def _weak(stem: str) -> bool:
    """Whether the last letter is a weak one that falls out before endings."""
    return stem[-1:] in "يىا"


def _past(stem: str) -> set[str]:
    if _weak(stem):
        base = stem[:-1]
        return {stem, base + "ت", base + "وا", base + "تا", *(base + "ا" + o for o in _OBJECTS), *(base + "ت" + o for o in _OBJECTS)}
    forms = {stem, stem + "ت", stem + "وا", stem + "ا", stem + "تا", stem + "نا", stem + "ن"}
    return forms | {stem + link + o for link, o in product(("", "ت", "و"), _OBJECTS)}


def _imperfect(form: str) -> set[str]:
    tail = form[1:]
    base = tail[:-1] if _weak(tail) else tail
    endings = {tail, base + "ون", base + "وا", tail + "ان", tail + "ا", tail + "ن", *(tail + o for o in _OBJECTS)}
    if _weak(tail):
        endings.add(base)  # jussive: لم ينف
    return {person + ending for person, ending in product(_PERSONS, endings)}


def _verb(lemma: str) -> dict[str, int]:
    past, _, rest = lemma.partition("/")
    forms = {before + form: Form.PAST for before, form in product(_BEFORE_PAST, _past(past))}
    for imperfect in filter(None, rest.split("/")):
        for form in _imperfect(imperfect):
            for before in _BEFORE_IMPERFECT:
                forms[before + form] = forms.get(before + form, 0) | Form.ING
            for before in _BEFORE_FUTURE:
                forms[before + form] = Form.FUTURE | Form.ING
    return forms


def _endings(word: str, plural_in_un: bool) -> dict[str, int]:
    bound = word[:-1] + "ت" if word[-1] in "ةه" else word  # the ending before anything written on to it
    forms = {word: Form.NOUN, bound + "ان": Form.NOUN | Form.DUAL}
    forms[bound + "ين"] = Form.NOUN if plural_in_un else Form.NOUN | Form.DUAL
    if bound == word:
        forms[word + "ا"] = Form.NOUN
    return forms


def _noun(lemma: str) -> dict[str, int]:
    fixed = lemma.endswith("=")
    words = lemma.rstrip("=").split("/")
    in_un = any(word.endswith(("ون", "ين")) for word in words)
    forms: dict[str, int] = {}
    for at, word in enumerate(words):
        inflected = {word: Form.NOUN} if fixed or at else _endings(word, in_un)
        for form, bits in inflected.items():
            for before in (*_BEFORE_BARE, *_BEFORE_ARTICLE):
                forms.setdefault(before + form, bits)
        if not fixed:
            bound = word[:-1] + "ت" if word[-1] in "ةه" else word
            for before, owner in product(_BEFORE_BARE, _OWNERS):
                forms.setdefault(before + bound + owner, Form.NOUN)
    return forms


def _phrase(words: str) -> dict[str, int]:
    return {before + words: Form.PHRASE for before in ("", "و", "ف")}


ARABIC = Inflection(_verb, _noun, _phrase)
