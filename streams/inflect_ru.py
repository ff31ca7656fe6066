"""Russian inflection of trigger lemmas: endings by the shape of the lemma, generously (a form nobody writes does no harm). No parsing.

verb   "захватить/захвачен"            infinitive; passive participles after "/"
       "взять/взят+возьмет,возьмут"    non-past forms after "+" where the infinitive does not give them
       "погибнуть|погиб"               past stem (or, with commas, past forms) after "|" likewise
       "~удерживать"                   "~": imperfective, so the non-past is the present and not the future
       "~!пытать"                      "~!": likewise, and its form in -ся is another verb ("пытаться", to try), not its passive
noun   "удар", "погибший", "боец/бойц" nominative; a second stem after "/"; "=" at the end: no endings; adjectives too;
       "мирный житель"                 in a pair both inflect
"""

from itertools import product

from streams.inflect import Form, Inflection

__all__ = ["RUSSIAN"]

_HARD = ("ый", "ая", "ое", "ые", "ого", "ому", "ым", "ом", "ой", "ую", "ых", "ыми")
_SOFT = ("ий", "ая", "ее", "ое", "ие", "его", "ого", "ему", "ому", "им", "ем", "ом", "ей", "ой", "ую", "их", "ими")
_ENDINGS = {
    "ия": ("ия", "ии", "ию", "ией", "ий", "иям", "иями", "иях"),
    "ие": ("ие", "ия", "ию", "ием", "ии", "ий", "иям", "иями", "иях"),
    "ье": ("ье", "ья", "ью", "ьем", "ий", "ьям", "ьями", "ьях"),
    "а": ("а", "ы", "и", "е", "у", "ой", "ей", "", "ам", "ами", "ах"),
    "я": ("я", "и", "е", "ю", "ей", "ь", "й", "ям", "ями", "ях"),
    "о": ("о", "а", "у", "ом", "е", "", "ам", "ами", "ах"),
    "е": ("е", "я", "ю", "ем", "ей", "ям", "ями", "ях"),
    "ь": ("ь", "и", "ью", "я", "ю", "ем", "е", "ей", "ям", "ями", "ях"),
    "й": ("й", "я", "ю", "ем", "е", "и", "ев", "ям", "ями", "ях"),
    "": ("", "а", "у", "ом", "ем", "е", "ы", "и", "ов", "ев", "ей", "ам", "ами", "ах"),
}


def _adjective(word: str) -> set[str] | None:
    """All forms of an adjective or participle, None for other words."""
    if word.endswith(("ый", "ой")) and len(word) > 4:
        return {word[:-2] + ending for ending in _HARD} | ({word} if word.endswith("ой") else set())
    if word.endswith("ий") and len(word) > 4:
        return {word[:-2] + ending for ending in _SOFT}
    return None


def _declined(word: str) -> set[str]:
    if (forms := _adjective(word)) is not None:
        return forms
    for end, endings in _ENDINGS.items():
        if word.endswith(end):
            return {word[: len(word) - len(end)] + ending for ending in endings}
    return {word}


def _noun(lemma: str) -> dict[str, int]:
    if lemma.endswith("="):
        return {lemma[:-1]: Form.NOUN}
    lemma, *stems = lemma.split("/")
    head, _, last = lemma.rpartition(" ")
    heads = _adjective(head) if head else None
    forms = _declined(last) | {stem + ending for stem in stems for ending in _ENDINGS[""]}
    if head:
        forms = {f"{first} {form}" for first, form in product(heads or {head}, forms)}
    return dict.fromkeys(forms, Form.NOUN)


def _non_past(infinitive: str) -> set[str]:
    """Third persons, and stems of the present active participle, as the infinitive's ending suggests."""
    stem = infinitive[:-2]
    if infinitive.endswith(("овать", "евать")) and len(infinitive) > 7:
        stem = infinitive[:-5] + "у"
        return {stem + ending for ending in ("ет", "ют")}
    if infinitive.endswith("нуть"):
        return {infinitive[:-3] + ending for ending in ("ет", "ут")}
    if infinitive.endswith("ить"):
        return {infinitive[:-3] + ending for ending in ("ит", "ят", "ат")}
    if infinitive.endswith("еть"):
        return {stem + "ет", stem + "ют", infinitive[:-3] + "ит", infinitive[:-3] + "ят"}
    if infinitive.endswith(("ать", "ять")):
        return {stem + "ет", stem + "ют"}
    return set()


def _verb(lemma: str) -> dict[str, int]:
    imperfective = lemma.startswith("~")
    passive = not lemma.startswith("~!")
    lemma, _, past = lemma.lstrip("~!").partition("|")
    past, _, given = past.partition("+") if past else ("", "", "")
    if not given:
        lemma, _, given = lemma.partition("+")
    lemma, _, passives = lemma.partition("/")
    reflexive = lemma.endswith(("ся", "сь"))
    bare = lemma[:-2] if reflexive else lemma
    forms: dict[str, int] = {}

    def add(words: set[str], form: int) -> None:
        for word in words:
            whole = (word + ("сь" if word[-1] in "аоеиуюяы" else "ся")) if reflexive else word
            forms[whole] = forms.get(whole, 0) | form

    add({bare}, Form.BASE)
    stem = bare[:-2]
    if "," in past:
        add(set(past.split(",")), Form.PAST)
    elif past:
        root = past.removesuffix("л")
        add({past, root + "ла", root + "ло", root + "ли"}, Form.PAST)
        past = root
        _add_adjective(forms, past + ("вший" if past[-1] in "аеиоуя" else "ший"), reflexive, Form.PAST)
    else:
        add({stem + ending for ending in ("л", "ла", "ло", "ли", "в", "вши")}, Form.PAST)
        _add_adjective(forms, stem + "вший", reflexive, Form.PAST)
    tense = Form.ING if imperfective else Form.FUTURE | Form.ING
    finite = set(given.split(",")) if given else _non_past(bare)
    add(finite, tense)
    if imperfective:
        for form in finite:
            if form.endswith(("ют", "ут", "ят", "ат")):
                _add_adjective(forms, form[:-1] + "щий", reflexive, Form.ING)
                add({form[:-2] + "я"}, Form.ING)
        if not reflexive and passive:
            for word in {form + "ся" for form in finite} | {stem + "лся", stem + "лась", stem + "лось", stem + "лись"}:
                forms[word] = forms.get(word, 0) | Form.PARTICIPLE
    for participle in filter(None, passives.split(",")):
        for word in {participle + ending for ending in ("", "а", "о", "ы")}:
            forms[word] = forms.get(word, 0) | Form.PARTICIPLE
        long = participle + ("ый" if participle.endswith("т") else "ный")
        for word in _adjective(long) or ():
            forms[word] = forms.get(word, 0) | Form.PARTICIPLE
    return forms


def _add_adjective(forms: dict[str, int], word: str, reflexive: bool, form: int) -> None:
    for one in _adjective(word) or ():
        whole = one + "ся" if reflexive else one
        forms[whole] = forms.get(whole, 0) | form


RUSSIAN = Inflection(_verb, _noun, lambda words: {words: Form.PHRASE})
