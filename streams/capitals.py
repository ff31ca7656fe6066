"""Runs of capitalised words: the raw material of names that no lexicon knows."""

import re
from collections.abc import Container

from msgspec import Struct

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
_ABBREVIATED = "Gen|Lt|Col|Maj|Brig|Capt|Sgt|Cpl|Dr|Mr|Mrs|Ms|Prof|Sen|Rep|Gov|Adm|St|Cmdr|Pvt|Rev|Hon|Jr|Sr"
# One capitalised word: an initialism (U.S.), an initial or abbreviated title with its stop, or a word, perhaps with al- or a hyphen.
_WORD = (
    rf"(?:(?:[A-Z]\.){{2,}}|(?:{_ABBREVIATED})\.(?=\s)|[A-Z]\.(?=\s?[A-Z])"
    rf"|(?:(?:al|el|as|ash|an|ar|at|ad|az)-\s?|[dlO][’'])?[{_UPPER}]\w*(?:-\w+)*(?:[’'](?!s\b)\w+(?:-\w+)*)*)"
)
_PARTICLE = r"(?:(?:al|el|bin|ibn|bint|abu|de|van|von|der|da|di|la|le|du|ben|ould|ag|dos|del|den|ul|ur|Al)[ -])"
# Where a run may begin. One class of characters in front is sought four times faster than the whole pattern.
_BEGIN = re.compile(rf"[{_UPPER}aedl](?<![\w.&@#/-].)(?:(?<=[{_UPPER}])|(?=[lsntrdzh]{{1,2}}-|['’]))")
_RUN = re.compile(rf"{_WORD}(?:[ ]{_PARTICLE}{{0,2}}{_WORD})*")
# Most runs: plain words with nothing behind them that could go on. Possessive, so that what fails here fails at once.
_PLAIN = re.compile(
    rf"[A-Z][a-z]++(?: [A-Z][a-z]++)*+(?![\w.'’-])(?! (?:[{_UPPER}]|(?:al|el|as|ash|an|ar|at|ad|az)-|[dlO][’']|{_PARTICLE}))"
)
_UPPERS = frozenset(chr(code) for code in range(0x41, 0x180) if chr(code).isupper())
_CLOSERS = "\"'”’)]»"


class Token(Struct, frozen=True, gc=False):
    """One capitalised word of a run."""

    text: str  # without a final full stop, unless an initialism
    start: int
    end: int


class Run(Struct, frozen=True, gc=False):
    """Capitalised words in a row, particles such as "bin" and "van der" between them allowed."""

    start: int
    end: int
    tokens: tuple[Token, ...]
    opens: bool  # stands at the start of a sentence or line


def opens_sentence(text: str, start: int) -> bool:
    """Whether the word at `start` would be capitalised anyway."""
    at = start - 1
    while at >= 0 and text[at] in " \t\"'“‘«([*-–—•":
        at -= 1
    return at < 0 or text[at] in ".!?\n\r:;" or (text[at] in _CLOSERS and at > 0 and text[at - 1] in ".!?")


def _tokens(words: str, start: int) -> tuple[Token, ...]:
    """The capitalised words of a run; particles between them are left out."""
    if " " not in words:
        return (Token(words if words.count(".") > 1 else words.rstrip("."), start, start + len(words)),)
    out = []
    at = start
    glue = ""  # "al- Hashimi" is one word
    for word in words.split(" "):
        end = at + len(word)
        if glue:
            out.append(Token(f"{glue} {word}", at - len(glue) - 1, end))
            glue = ""
        elif word[0] in _UPPERS or (len(word) > 3 and ("-" in word or "’" in word or "'" in word) and word[-1] != "-"):
            out.append(Token(word if word.count(".") > 1 else word.rstrip("."), at, end))
        elif word[-1] == "-":
            glue = word
        at = end + 1
    return tuple(out)


def find_runs(text: str, skip: Container[str] = ()) -> list[Run]:
    """Every run, in order of start; a word of `skip` that stands alone is left out."""
    runs = []
    last = 0
    for begin in _BEGIN.finditer(text):
        at = begin.start()
        if at < last or (match := _PLAIN.match(text, at) or _RUN.match(text, at)) is None:
            continue
        last = match.end()
        words = match.group()
        if " " in words or words not in skip:
            start, end = match.span()
            runs.append(Run(start, end, _tokens(words, start), opens_sentence(text, start)))
    return runs
