"""Which language a short text in Cyrillic letters is in: by letters that some languages lack and by words and endings of few.

A model of byte n-grams takes five Russian words for Bulgarian as soon as none of them has a letter of its own; alphabets are certain.
Shares of letters are those of running text, rounded: they say how telling it is that a letter is missing.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["weighed"]

_COMMON = frozenset("абвгдежзиклмнопрстуфхцчш")
_EAST = _COMMON | frozenset("йьюя")
_RUSSIAN = _EAST | frozenset("щъыэё")


class _Alphabet(NamedTuple):
    letters: frozenset[str]
    own: frozenset[str]  # letters by which it is told from its neighbours
    share: float  # of `own` among the letters of running text


def _alphabet(letters: frozenset[str], own: str, share: float) -> _Alphabet:
    return _Alphabet(letters | frozenset(own), frozenset(own), share)


_ALPHABETS = {
    "ru": _alphabet(_RUSSIAN, "ыэъё", 0.024),
    "uk": _alphabet(_EAST | {"щ"}, "іїєґ", 0.075),
    "be": _alphabet((_EAST - {"и"}) | frozenset("ыэё"), "іў", 0.09),
    "bg": _alphabet(_EAST | {"щ"}, "ъ", 0.019),
    "sr": _alphabet(_COMMON, "јљњћђџ", 0.08),
    "mk": _alphabet(_COMMON, "јљњѓќѕџ", 0.05),
    "kk": _alphabet(_RUSSIAN, "әғқңөұүһі", 0.15),
    "ky": _alphabet(_RUSSIAN, "ңөү", 0.07),
    "mn": _alphabet(_RUSSIAN, "өү", 0.08),
    "tg": _alphabet(_RUSSIAN - frozenset("щы"), "ғӣқӯҳҷ", 0.08),
    "tt": _alphabet(_RUSSIAN, "әөүҗңһ", 0.12),
    "ba": _alphabet(_RUSSIAN, "ғҙҡңөҫүһә", 0.15),
    "uz": _alphabet(_RUSSIAN - frozenset("щы"), "ўқғҳ", 0.07),
    "az": _alphabet(_COMMON | {"ы"}, "әғҝөүһҹј", 0.15),
}
_ENOUGH = 240  # code points: the model is sure of longer texts
_FOREIGN = 0.02  # share of letters that names and quotes of another language may have
_UNLIKELY = 1e-4
_MOST_LETTERS = 120  # more letters add no certainty
_WORD_WEIGHT = 4.0  # odds of one telling word
_MOST_WORDS = 4

_WORD = re.compile(r"[^\W\d_]+")
_RUSSIAN_WORDS = (
    "в с и что чтобы из или его ее их это о об был была было были после еще уже для также к ко со они он она году года человек человека "
    "люди людей двое трое если когда перед между сообщил сообщила сообщили заявил заявила сообщает власти никто число сутки войска удар как"
)
_BULGARIAN_WORDS = "в с и се са е ще да със във след този тази това които който която беше бяха че или при от за към още как"
_SPELT = {
    "ru": _RUSSIAN_WORDS,
    "uk": "та що від це як із під було був була були які який яка або вже для до року й за у зі",
    "bg": _BULGARIAN_WORDS,
    "sr": "и је су се да од за који која које није након са у као али или",
    "mk": "и се е да од за кој која кои беше беа дека по со во ќе",
}
_WORDS = {lang: frozenset(words.split()) for lang, words in _SPELT.items()}
# Cases and reflexive verbs, which Bulgarian and Macedonian do not have; Serbian has other ones.
_EAST_SLAVIC = re.compile(
    r"\w{2,}(?:ого|ому|ами|ями|ыми|ими|ется|ются|ится|ятся|лся|лась|лось|лись|ости|ении)|\w{3,}(?:ой|ую|юю|ей|ий|ием|ах|ях)"
)
_SOFT = re.compile("ь(?!о)")  # a soft sign that Bulgarian does not write
# News of war and disaster in Russian outnumbers that in its neighbours without a telling letter or word many times over.
_PRIOR = {"ru": 2.5}
_HINTED = 4.0  # odds of the language that page or source name
_EAST_LANGUAGES = frozenset(("ru", "uk", "be"))


def weighed(sample: str, scores: Mapping[str, float], hint: str | None = None) -> dict[str, float]:
    """Likelihoods by ISO 639-1 code, multiplied by what the letters and words of `sample` (in Cyrillic) say, and by `hint`.

    They need not add up to 1.
    """
    low = sample[:_ENOUGH].lower()
    counts: dict[str, int] = {}
    for char in low:
        if "\u0400" <= char <= "\u052f":
            counts[char] = counts.get(char, 0) + 1
    total = sum(counts.values())
    words = _WORD.findall(low)
    east = min(sum(1 for word in words if _EAST_SLAVIC.fullmatch(word)), _MOST_WORDS)
    soft = _SOFT.search(low) is not None
    found: dict[str, float] = {}
    for lang, likelihood in scores.items():
        alphabet = _ALPHABETS.get(lang)
        score = max(likelihood, _UNLIKELY) * _PRIOR.get(lang, 1.0) * (_HINTED if lang == hint else 1.0)
        if alphabet is not None:
            strange = sum(count for char, count in counts.items() if char not in alphabet.letters)
            if strange > _FOREIGN * total:
                score *= _UNLIKELY
            if lang == "bg" and soft:
                score *= _UNLIKELY
            if not alphabet.own.intersection(counts):
                score *= (1.0 - alphabet.share) ** min(total, _MOST_LETTERS)
        score *= _WORD_WEIGHT ** min(sum(1 for word in words if word in _WORDS.get(lang, ())), _MOST_WORDS)
        if lang in _EAST_LANGUAGES:
            score *= _WORD_WEIGHT**east
        found[lang] = score
    return found
