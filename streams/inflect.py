"""English inflection of trigger lemmas: regular by spelling rules, irregular from data. Nothing else: no parsing, no stemming."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["UNINFLECTED", "VERBAL", "Form", "Inflection", "english", "form_name", "misspellings", "plural", "verb_forms"]


class Form:
    """What a trigger's form can be, as bits; "attacked" is both past and participle. Plain ints: they are tested often."""

    BASE = 1
    PAST = 2
    PARTICIPLE = 4
    ING = 8
    NOUN = 16
    PHRASE = 32
    FUTURE = 64  # says by itself that it has not happened yet (Arabic sa-, Russian perfective non-past)
    DUAL = 128  # says by itself that there are two


class Inflection(NamedTuple):
    """The forms of a verb, of a noun and of fixed words in one language: lower-cased lemma -> every form with its `Form` bits."""

    verb: Callable[[str], Mapping[str, int]]
    noun: Callable[[str], Mapping[str, int]]
    phrase: Callable[[str], Mapping[str, int]]


VERBAL = Form.BASE | Form.PAST | Form.PARTICIPLE | Form.ING


@lru_cache(maxsize=256)
def form_name(form: int) -> str:
    """Readable names of the bits, for traces."""
    return "|".join(name.lower() for name, bit in vars(Form).items() if isinstance(bit, int) and form & bit)


_DOUBLING = re.compile(r"[^aeiou]*[aeiou][bcdfgklmnprstvz]")
_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$")
_MISSPELT_FROM = 8  # letters: below this one slip makes another word too often


def _third(verb: str) -> str:
    if _SIBILANT.search(verb) or verb.endswith("o"):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def _stem(verb: str) -> str:
    return verb + verb[-1] if _DOUBLING.fullmatch(verb) else verb


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if re.search(r"[^aeiou]y$", verb) else _stem(verb) + "ed"


def _ing(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return _stem(verb) + "ing"


def verb_forms(lemma: str, irregular: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Every form of a verb or phrasal verb; its first word inflects ("take control of" -> "taking control of").

    `irregular`: lemma -> (past, participle) or (past, participle, -ing form).
    """
    head, _, tail = lemma.partition(" ")
    parts = irregular.get(head, ())
    past, participle = (parts[0], parts[1]) if parts else (_past(head), _past(head))
    ing = parts[2] if len(parts) > 2 else _ing(head)
    forms: dict[str, int] = {}
    for word, form in ((head, Form.BASE), (_third(head), Form.BASE), (past, Form.PAST), (participle, Form.PARTICIPLE), (ing, Form.ING)):
        whole = f"{word} {tail}" if tail else word
        forms[whole] = forms.get(whole, 0) | form
    return forms


def plural(noun: str) -> str:
    """The plural of a noun or noun phrase; its last word inflects."""
    head, _, last = noun.rpartition(" ")
    if last.endswith("man"):
        last = last[:-3] + "men"
    elif _SIBILANT.search(last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}" if head else last


def misspellings(word: str) -> set[str]:
    """One letter lost or two neighbours swapped, first letter kept; empty for short words and phrases."""
    if len(word) < _MISSPELT_FROM or not word.isalpha():
        return set()
    lost = {word[:i] + word[i + 1 :] for i in range(1, len(word) - 1)}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1)}
    return (lost | swapped) - {word}


def english(irregular: Mapping[str, Sequence[str]]) -> Inflection:
    """English inflection; a noun that ends in "=" has no plural."""

    def noun(lemma: str) -> dict[str, int]:
        return {lemma[:-1]: Form.NOUN} if lemma.endswith("=") else {lemma: Form.NOUN, plural(lemma): Form.NOUN}

    return Inflection(lambda lemma: verb_forms(lemma.replace("-", " "), irregular), noun, lambda words: {words: Form.PHRASE})


UNINFLECTED = Inflection(lambda words: {words: Form.PARTICIPLE}, lambda words: {words: Form.NOUN}, lambda words: {words: Form.PHRASE})
