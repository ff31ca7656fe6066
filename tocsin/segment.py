"""Split a text into stretches with one voice, and the stretches into sentences. Offsets are code points, half-open.

A cleaned page may still end with its author's biography or its readers' comments. Nobody's claims are taken from those, so they are
found here by general cues only, and only at the tail: a last paragraph is news until it clearly is not.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from msgspec import Struct

from tocsin.records import Segment, Sentence

__all__ = ["segment", "sentences"]

_TITLE_LIMIT = 120  # characters; a headline on the first line, followed by an empty line
_NAME_LIMIT = 40  # characters of a comment author's line
_BIO_LIMIT = 2000  # characters of a bio paragraph
_FIRST_PERSON_GAIN = 2.0  # comments must be this many times denser in first person and address than the article before them


class _Block(Struct, frozen=True, gc=False):
    """One paragraph: its trimmed extent."""

    start: int
    end: int


_BLANK = re.compile(r"\n[ \t\r\xa0]*\n")
_LINE = re.compile(r"\n")
_NAME_LINE = re.compile(r"[^\W\d_][\w'’.-]{0,20}(?: [^\W\d_][\w'’.-]{0,20}){0,3}")
_NOT_A_NAME_WORDS = (
    "a an and are as at be but by for from how in into is it its more new no not of on or our out over say says that the their "
    "this to under up was were what when where who why will with you your after against amid background conclusion summary "
    "introduction analysis update video photos related read also comments comment reply share tags source sources contact about"
)
_NOT_A_NAME = frozenset(_NOT_A_NAME_WORDS.split())
_COMMENT_HEADING = re.compile(
    r"(?:\d+ )?(?:(?:reader|user|readers'?|latest|all) )?(?:comments?|responses?|replies|discussion)(?: \(\d+\))?|leave a (?:reply|comment)"
    r"|(?:join|start) the (?:discussion|conversation)|what do you think\?|post a comment|comments? (?:are|on) .{0,40}",
    re.IGNORECASE,
)
_SAYS_LINE = re.compile(
    # "Minister X said:" opens a quotation of the article's own; with a date behind it, it opens a comment.
    r"[^\n]{2,40}? (?:says|wrote|commented|replied|posted)(?: on [^\n]{4,40})?:"
    r"|[^\n]{2,40}? said on [^\n]{4,40}:"
    r"|[^\n]{2,40}? \d+ (?:minutes?|hours?|days?|weeks?|months?|years?) ago"
)
# What parts words in front is sought faster than a word boundary: these are sought in a text with a line end before it.
_OPINION = re.compile(
    r"\W(?:I|I'm|I’m|I've|I’ve|me|my|you|your|you're|lol|imho|good (?:example|article|point|job)|great (?:article|post|job)"
    r"|(?:it is|it's|it’s|is) time|everyone knows|wake up|shame on|agree|disagree|thanks?)\b"
)
_OUTCRY = re.compile(r"[?!](?:(?<=\?)(?:\?+|\s*!)|(?<=!)!+)")
_REPORTING = re.compile(
    r"\W(?:said|says|told|reported|reports|according to|announced|confirmed|spokes(?:man|woman|person)"
    r"|Reuters|AFP|AP|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b"
)
_BIO = re.compile(  # of lower-cased text: alternatives that begin with letters as they are can be refused at a glance
    r"\b(?:i (?:work|worked|hold|holds|am a|studied|write|cover|graduated|teach|report)\b"
    r"|(?:founding member|founder|co-founder|director|editor|graduate|student|alumn\w+|member) (?:of|at|and)\b"
    r"|(?:is|was) an? (?:\w+[ -]){0,4}(?:journalist|reporter|writer|author|correspondent|researcher|analyst|fellow|professor|lecturer"
    r"|editor|columnist|blogger|photographer|photojournalist|activist|academic|scholar|consultant|contributor|historian|commentator)\b"
    r"|(?:media|human rights|citizen) (?:activist|journalist)\b|freelance\b|(?:follow|tweets?|find|contact) (?:him|her|me|them|at|@)"
    r"|(?:holds?|received|earned|completed) (?:a|an|his|her|their) (?:\w+[ -]){0,3}"
    r"(?:degree|diploma|certificate|master'?s?|ma|msc|phd|ba|doctorate)\b"
    r"|(?:certificate|degree|diploma|phd|ma|ba) in\b|(?:faculty|school|department|institute) of \w+"
    r"|(?:his|her|my|their) (?:work|writing|articles|research|books?|reporting) (?:has|have|appears?|focus\w*|include\w*|cover\w*)\b"
    r"|views expressed\b|about the author\b|(?:contributes|contributor|contributed) to\b)|@\w{3,}"
)
_BIO_START = re.compile(r"about the author|the author is|the writer is|the views expressed", re.IGNORECASE)


def _blocks(text: str) -> list[_Block]:
    """Paragraphs, trimmed, in order: between empty lines, or one a line where empty lines are rare (extractors print it so)."""
    found: list[_Block] = []
    at = 0
    gaps = [gap.span() for gap in _BLANK.finditer(text)]
    if text.count("\n") > 4 * len(gaps) + 2:
        gaps = [gap.span() for gap in _LINE.finditer(text)]
    for start, end in [*gaps, (len(text), len(text))]:
        piece = text[at:start]
        left = at + len(piece) - len(piece.lstrip())
        right = at + len(piece.rstrip())
        if left < right:
            found.append(_Block(left, right))
        at = end
    return found


def _is_name_line(line: str) -> bool:
    """A line that could be nothing but somebody's name or nickname."""
    if len(line) > _NAME_LIMIT or not _NAME_LINE.fullmatch(line):
        return False
    words = line.split()
    return all(w[0].isupper() or not w[0].isascii() for w in words) and not any(w.lower() in _NOT_A_NAME for w in words) and len(words) > 1


class _Density:
    """Matches of a pattern per thousand characters of any stretch, counted once."""

    def __init__(self, text: str, *patterns: re.Pattern[str]) -> None:
        """`patterns`: each begins with what parts words."""
        self._starts = [match.start() for pattern in patterns for match in pattern.finditer(text)]
        if len(patterns) > 1:
            self._starts.sort()

    def __call__(self, start: int, end: int) -> float:
        count = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        return 1000.0 * count / max(end - start, 200)


def _comments_start(text: str, blocks: list[_Block]) -> int:
    """Index of the first block that belongs to the comments; len(blocks) if there are none."""
    for index, block in enumerate(blocks):
        line = text[block.start : block.end]
        if index and len(line) <= 60 and index + 1 < len(blocks) and _COMMENT_HEADING.fullmatch(line.rstrip(":. ")):
            return index
    reporting = opinions = None
    for index, block in enumerate(blocks):
        line = text[block.start : min(block.end, block.start + _NAME_LIMIT + 41)]
        if not index or index + 1 >= len(blocks) or block.end - block.start > _NAME_LIMIT + 40:
            continue
        if _SAYS_LINE.fullmatch(line):
            return index
        if not _is_name_line(line):
            continue
        begin, end = blocks[index + 1].start, blocks[-1].end
        if reporting is None or opinions is None:
            padded = f"\n{text}"
            reporting, opinions = _Density(padded, _REPORTING), _Density(padded, _OPINION, _OUTCRY)
        if _is_name_line(text[begin : min(blocks[index + 1].end, begin + _NAME_LIMIT + 1)].split("\n", 1)[0]):
            continue
        opinion, news = opinions(begin, end), reporting(begin, end)
        if news > 0.5 and opinion < _FIRST_PERSON_GAIN**2 * news:
            continue
        if opinion >= 1.0 and opinion > _FIRST_PERSON_GAIN * opinions(blocks[0].start, blocks[index - 1].end):
            return index
    return len(blocks)


def _bio_start(text: str, blocks: list[_Block], stop: int) -> int:
    """Index of the first of the trailing bio paragraphs before block `stop`; `stop` if there is none."""
    first = stop
    for index in range(stop - 1, max(stop - 4, 0), -1):
        block = blocks[index]
        if block.end - block.start > _BIO_LIMIT:
            break
        if not _BIO_START.match(text, block.start):
            news = _Density(f"\n{text[block.start : block.end]}", _REPORTING)(0, block.end - block.start)
            if news >= 2.0:
                break  # the cues are sought last, where they can matter: that costs as much as all else
            cues = {match.group() for match in _BIO.finditer(text[block.start : block.end].lower())}
            if len(cues) < (2 if news < 1.0 else 4):
                break
        first = index
    return first


def segment(text: str, titled: bool = False) -> tuple[Segment, ...]:
    """Segments of `text` in order, without overlap: title, body, bio, comment_author, comment. Linear in its length.

    `titled`: the first block is known to be a title, however it looks.
    """
    blocks = _blocks(text)
    if not blocks:
        return ()
    comments = _comments_start(text, blocks)
    bio = _bio_start(text, blocks, comments) if comments > 1 else comments
    found: list[Segment] = []
    body = 0
    line = text[blocks[0].start : blocks[0].end]
    if len(blocks) > 1 and bio > 1 and "\n" not in line and (titled or (len(line) <= _TITLE_LIMIT and line[-1] not in ".?!:;,…”\"'")):
        found.append(Segment(kind="title", start=blocks[0].start, end=blocks[0].end))
        body = 1
    if body < bio:
        found.append(Segment(kind="body", start=blocks[body].start, end=blocks[bio - 1].end))
    if bio < comments:
        found.append(Segment(kind="bio", start=blocks[bio].start, end=blocks[comments - 1].end))
    found.extend(_comment_segments(text, blocks[comments:]))
    return tuple(found)


def _comment_segments(text: str, blocks: list[_Block]) -> Iterator[Segment]:
    """Comment authors and their comments; the paragraphs of one comment are one segment."""
    start = end = -1
    for index, block in enumerate(blocks):
        line = text[block.start : block.end]
        if index + 1 < len(blocks) and (
            _is_name_line(line) or _SAYS_LINE.fullmatch(line) or (not index and _COMMENT_HEADING.fullmatch(line))
        ):
            if start >= 0:
                yield Segment(kind="comment", start=start, end=end)
            yield Segment(kind="comment_author", start=block.start, end=block.end)
            start = -1
            continue
        if start < 0:
            start = block.start
        end = block.end
    if start >= 0:
        yield Segment(kind="comment", start=start, end=end)


# --- sentences ---------------------------------------------------------------------------------------------------------

# Where a sentence may end: full stops of several scripts, with closing quotes and brackets; a newline always ends one.
_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$|[A-Z“\"«])|[؟۔。！？।]+[\"'”’»)\]」』]*|\n+")
_STOP_STARTS = re.compile("[.!?…؟۔。！？।\n]")  # one class is sought five times faster than the pattern that begins so
_ABBREVIATIONS_WORDS = (
    "mr mrs ms dr prof gen lt col maj capt cpt sgt cpl pvt adm cmdr brig rev fr st mt ft sen rep gov pres jr sr hon amb dept inc "
    "ltd co corp bros no nos vs etc approx est fig al vol pp ed eds jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed "
    "thu fri sat sun u.s u.k u.n u.s.a e.g i.e a.m p.m a.k.a d.c b.c e.u m.p ph.d м г гг ул им тыс млн млрд руб см т.е т.к т.д др"
)
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_WORDS.split())
# After these a capital letter begins a new sentence more often than not.
_ENDS_ANYWAY_WORDS = "etc a.m p.m u.s u.k u.n u.s.a d.c e.u al jr sr inc ltd co corp"
_ENDS_ANYWAY = frozenset(_ENDS_ANYWAY_WORDS.split())
_STARTERS = re.compile(
    r"\s+[\"'“«(]*(?:The|A|An|It|He|She|They|We|I|In|On|At|But|And|This|That|These|Those|There|According|After|Since|However|Meanwhile|As|For|From|When|While|"
    r"Police|Officials|Some|Many|Several|Two|Three|Four|Five|Local|Earlier|Also|Its|His|Her|Their)\b"
)
_WORD_BACKWARDS = re.compile(r"\n?(\w[\w.]*)")  # read from right to left: the word before a stop
_LETTER = re.compile(r"[^\W_]")
_LOOKBACK = 24


def _ends_sentence(text: str, start: int, end: int, limit: int) -> bool:
    """Whether the stop at [start, end) ends a sentence that must lie before `limit`."""
    if text[start] != "." or end - start > 1:
        rest = text[end : end + 40].lstrip()
        return text[start] != "…" or not rest[:1].islower()
    if end >= limit:
        return True
    after = text[end : end + 40].lstrip(" \t\xa0\"'“«(")
    if after[:1].islower():
        return False
    head = text[max(0, start - _LOOKBACK) : start]
    word = head.rsplit(None, 1)[-1].lower() if head and not head[-1].isspace() else ""
    if not word.isalnum():
        match = _WORD_BACKWARDS.match(head[::-1])
        if match is None:
            return True
        word = match[1][::-1].lower()
    if text[end] not in " \t\xa0\r\n":  # "end.Next" without a space, but never "U.S" or a host name
        return len(word) > 2 and "." not in word and len(after) > 1 and after[0].isupper() and after[1:2].islower()
    if word in _ABBREVIATIONS:
        return word in _ENDS_ANYWAY and bool(_STARTERS.match(text, end))
    if len(word) == 1 and word.isalpha():  # an initial
        return word == "i" or not text[start - 1].isupper()
    # "no. 5" was caught above; "12. March": a short ordinal before a month or noun
    return not (word.isdigit() and len(word) <= 2 and after[:1].isdigit())


def sentences(text: str, segments: tuple[Segment, ...]) -> tuple[Sentence, ...]:
    """Sentences of every segment, in order, trimmed; `scope` is the segment's kind. Linear in the length of `text`."""
    found: list[Sentence] = []
    for part in segments:
        begin = part.start
        for at, end in _stops(text, part.start, part.end):
            if text[at] != "\n" and not _ends_sentence(text, at, end, part.end):
                continue
            _add(found, text, begin, at if text[at] == "\n" else end, part.kind)
            begin = end
        _add(found, text, begin, part.end, part.kind)
    return tuple(found)


def _stops(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where a sentence within [start, end) may end."""
    for mark in _STOP_STARTS.finditer(text, start, end):
        if mark.start() >= start and (stop := _STOP.match(text, mark.start(), end)) is not None:
            start = stop.end()
            yield stop.span()


def _add(found: list[Sentence], text: str, start: int, end: int, scope: str) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if left < right and (text[left].isalnum() or _LETTER.search(piece)):
        found.append(Sentence(start=left, end=right, scope=scope))
