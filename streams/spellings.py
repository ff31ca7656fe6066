"""Spellings: the ways a name from another script is written in Latin letters.

`spellings` lists the regular variants of a name (article, hyphen, ou/u, q/k, gh/g, ...), each certain enough for an exact match.
`skeleton` reduces a name to what all its transliterations share; it joins more than it should, so it is used only for names
that nothing else matched, and with less confidence.
"""

import re
from functools import lru_cache

from tocsin.fold import fold_key

_ARTICLE = re.compile(r"\b(al|el|ar|as|ash|ad|an|at|az|ez|ed|es|er)([ -])(?=[a-z])")
_SOUNDS = (
    ("ou", "u"),
    ("oo", "u"),
    ("ei", "ai"),
    ("ay", "ai"),
    ("ey", "ai"),
    ("q", "k"),
    ("gh", "g"),
    ("kh", "x"),
    ("dh", "d"),
    ("th", "t"),
    ("iyy", "iy"),
    ("aa", "a"),
    ("ee", "i"),
    ("ph", "f"),
    ("tch", "ch"),
    ("sch", "sh"),
    ("w", "v"),
)
_DOUBLED = re.compile(r"([a-z])\1")
_VOWELS = str.maketrans({"o": "u", "e": "i", "y": "i"})
_NOT_LETTERS = re.compile(r"[^a-z0-9 ]")
_LIMIT = 12  # variants of one name


def spellings(name: str, person: bool = False) -> list[str]:
    """The name and its regular variants, the name first; at most twelve."""
    base = fold_key(name)
    out = [base]
    if "-" in base:
        out += [base.replace("-", " "), base.replace("-", "")] if base.count("-") == 1 else [base.replace("-", " ")]
    if "'" in base and not base.endswith("'s"):
        out += [form.replace("'", "") for form in list(out)]
    if _ARTICLE.search(base) and " of " not in base and " the " not in base:
        for article in ("al-", "al ", "el-", "el "):
            out.append(_ARTICLE.sub(article, base))
        bare = _ARTICLE.sub("", base)
        if person and " " in bare:  # "Bashar Assad"; a lone "Assad" or "Shabaab" must be listed to count
            out.append(bare)
    return list(dict.fromkeys(out))[:_LIMIT]


@lru_cache(maxsize=1 << 16)
def skeleton(name: str) -> str:
    """What transliterations of a name share: "al-Baghdadi", "Al Bagdadi" and "el-Baghdady" all give "bagdadi"."""
    key = _ARTICLE.sub("", fold_key(name))
    key = _NOT_LETTERS.sub("", key.replace("-", " "))
    for written, sound in _SOUNDS:
        key = key.replace(written, sound)
    key = _DOUBLED.sub(r"\1", key.translate(_VOWELS))
    key = _DOUBLED.sub(r"\1", key)
    words = [w[:-1] if len(w) > 4 and w.endswith("h") else w for w in key.split()]
    return "".join(words)
