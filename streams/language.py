"""Which language a text is in: by script where the script decides, by its function words for plain English, else by py3langid.

py3langid 0.4 (naive Bayes on byte n-grams) was chosen by measurement: some 2,000 texts of 1,000 characters a second a core. It sees
only the languages of the text's script, its regional labels are merged to ISO 639-1, a hint from page or source breaks ties, and for
Cyrillic letters alphabets and function words weigh in (`streams.cyrillic`).
"""

import re
from collections import Counter
from functools import lru_cache
from typing import Any

from streams.cyrillic import weighed

_SAMPLE = 800  # code points: more adds time, not certainty
_FEW_LETTERS = 3  # fewer letters than this are no text
_SURE_WORDS = 5  # function words that make a text English without the model
_SURE_SHARE = 0.16  # of all words
_TIE = 0.5  # below this likelihood a hint may decide
_TIE_FACTOR = 8.0  # a hint this much less likely than the best still wins a tie
_UNDECIDED = 0.12  # likelihood below which nothing is said

# Labels of the model without an ISO 639-1 code, or nearer to a bigger language than a reader cares: where they belong.
_MERGED = {"pcm": "en", "wuu": "zh", "yue": "zh", "sdh": "ku", "arz": "ar", "ary": "ar", "nn": "no", "uzs": "uz", "hbo": "he", "grc": "el"}

_SCRIPTS = (
    (0x0041, 0x024F, "latin"),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0xFB50, 0xFEFF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"),
    (0x0A00, 0x0A7F, "gurmukhi"),
    (0x0A80, 0x0AFF, "gujarati"),
    (0x0B00, 0x0B7F, "oriya"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x0C00, 0x0C7F, "telugu"),
    (0x0C80, 0x0CFF, "kannada"),
    (0x0D00, 0x0D7F, "malayalam"),
    (0x0D80, 0x0DFF, "sinhala"),
    (0x0E00, 0x0E7F, "thai"),
    (0x0E80, 0x0EFF, "lao"),
    (0x1000, 0x109F, "myanmar"),
    (0x10A0, 0x10FF, "georgian"),
    (0x1100, 0x11FF, "hangul"),
    (0x1200, 0x139F, "ethiopic"),
    (0x1780, 0x17FF, "khmer"),
    (0x1E00, 0x1EFF, "latin"),
    (0x3040, 0x30FF, "kana"),
    (0x3400, 0x9FFF, "han"),
    (0xAC00, 0xD7AF, "hangul"),
)
# Scripts of one written language (as far as news goes).
_ONE_LANGUAGE = {
    "greek": "el",
    "armenian": "hy",
    "hebrew": "he",
    "gurmukhi": "pa",
    "gujarati": "gu",
    "oriya": "or",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "sinhala": "si",
    "thai": "th",
    "lao": "lo",
    "myanmar": "my",
    "georgian": "ka",
    "hangul": "ko",
    "khmer": "km",
    "kana": "ja",
    "han": "zh",
}
_OF_SCRIPT = {
    "cyrillic": frozenset(("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt", "ba", "uz", "az")),
    "arabic": frozenset(("ar", "fa", "ur", "ps", "ku", "ug", "uz", "az")),
    "devanagari": frozenset(("hi", "mr", "ne", "sa")),
    "bengali": frozenset(("bn", "as")),
    "ethiopic": frozenset(("am",)),
}
_OF_SCRIPT_OTHERS = frozenset(lang for langs in _OF_SCRIPT.values() for lang in langs) - frozenset(("sr", "ku", "uz", "az", "tg", "tt"))
# Languages written in Latin letters too keep their place among the Latin ones.
_NOT_LATIN = (_OF_SCRIPT_OTHERS | frozenset(_ONE_LANGUAGE.values())) - frozenset(("la",))

_WIDE = re.compile(r"[^\x00-\x7f]")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())
_WORD = re.compile(r"[^\W\d_]+")
# Words that other languages in Latin letters do not share.
_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "the of and to by with from says said after were has have had that at which was been who their this are they between under when "
        "will would could into while against amid over killed kills people forces for army attack attacks clashes fighting police "
        "government dead killing injured rebels troops near people families houses homes destroyed displaced evacuated wounded soldiers",
    )
)
_ENGLISH_WEIGHT = 2.0  # what one such word adds to the odds of English in a short text


def detect(text: str, hint: str | None = None) -> tuple[str, float]:
    """ISO 639-1 code of `text` ("und" when undecided or too short) and its likelihood, 0 to 1.

    `hint`: what page or source say ("en", "en-GB"); it decides only between close candidates.
    """
    sample = text[:_SAMPLE]
    letters = _letters(sample)
    total = sum(letters.values())
    hinted = _code(hint)
    if total < _FEW_LETTERS:
        return "und", 0.0
    if letters["kana"]:
        letters["kana"] += letters.pop("han", 0)
    script, count = letters.most_common(1)[0]
    share = count / total
    if script in _ONE_LANGUAGE:
        return _ONE_LANGUAGE[script], round(share, 4)
    words = _WORD.findall(sample.lower() if sample.isascii() else sample) if script == "latin" else []
    if not sample.isascii():
        words = [word.lower() for word in words]
    english = [word for word in words if word in _ENGLISH]
    if len(set(english)) >= _SURE_WORDS and len(english) >= _SURE_SHARE * len(words):
        return "en", 0.99
    return _by_model(sample, script, len(english), len(words), hinted)


def _by_model(sample: str, script: str, english: int, words: int, hinted: str | None) -> tuple[str, float]:
    scores = _likelihoods(sample, script)
    if not scores:
        return "und", 0.0
    if script == "cyrillic":
        scores = weighed(sample, scores, hinted)
    if english and "en" in scores:
        scores["en"] *= 1 + _ENGLISH_WEIGHT * english * min(1.0, 8 / max(words, 1))
    total = sum(scores.values())
    best = max(scores, key=scores.__getitem__)
    likelihood = scores[best] / total
    if likelihood < _TIE and hinted in scores and scores[hinted] * _TIE_FACTOR >= scores[best]:
        return hinted, scores[hinted] / total
    if likelihood < _UNDECIDED:
        return "und", likelihood
    return best, likelihood


def _likelihoods(sample: str, script: str) -> dict[str, float]:
    """Likelihood by ISO 639-1 code, among the languages of `script`."""
    allowed = _OF_SCRIPT.get(script)
    merged: dict[str, float] = {}
    for label, likelihood in _model().rank(sample):
        code = _MERGED.get(label, label)
        if len(code) == 2 and (code in allowed if allowed is not None else code not in _NOT_LATIN):
            merged[code] = merged.get(code, 0.0) + likelihood
    return merged


def _letters(sample: str) -> Counter[str]:
    found: Counter[str] = Counter()
    if sample.isascii():
        if count := sum(map(str.isalpha, sample)):
            found["latin"] = count
        return found
    ascii_letters = len(sample.encode("ascii", "ignore").translate(None, _NO_LETTERS))
    if ascii_letters:
        first = next(char for char in sample if char.isalpha())
        if first.isascii():  # of two scripts with as many letters the first one stays first
            found["latin"] = 0
    for char, count in Counter(_WIDE.findall(sample)).items():
        script = _script(char)
        if script:
            found[script] += count
    if ascii_letters:
        found["latin"] += ascii_letters
    return found


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    if not char.isalpha():
        return ""
    code = ord(char)
    for first, last, name in _SCRIPTS:
        if first <= code <= last:
            return name
    return "other"


def _code(hint: str | None) -> str | None:
    """ISO 639-1 code in a language tag, if it names one."""
    if not hint:
        return None
    code = re.split(r"[-_]", hint.strip().lower(), maxsplit=1)[0]
    code = _MERGED.get(code, code)
    return code if len(code) == 2 and code.isalpha() else None


@lru_cache(maxsize=1)
def _model() -> Any:
    """The identifier with probabilities; loading takes most of a second, so only a text that needs it pays."""
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
