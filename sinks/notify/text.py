"""Text from the web on its way into a message. All of it is hostile: it must not steer a terminal, a mail reader or a chat.

Control characters and those that reorder the text around them are taken out, "@everyone" pings nobody, a link in a quote is no link,
and what a target takes as markup is escaped. A message is a list of lines, a line a list of parts; a target writes them its own way.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

Format = Literal["text", "html", "markdown"]

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls, line breaks among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # those that reorder
    "\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"  # those that hide; joiners stay
)
_JOINER = "\u2060"  # invisible, and no part of a word
_PING = re.compile(r"@(?=\w)")
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*:(?=//)|www(?=\.)|mailto:|javascript:|data:)")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|#])")
_KEPT_IN_URL = "%/:=&?~#+!$,;'@()*[]"
_ISOLATE, _END = "\u2068", "\u2069"


def one_line(text: str | None, most: int = 0) -> str:
    """Text on one line without anything invisible; `most`: code points, cut with an ellipsis beyond (0: not cut)."""
    clean = " ".join(_UNSEEN.sub(" ", (text or "").encode("utf-8", "replace").decode()).split())
    return clean if not most or len(clean) <= most else f"{clean[: most - 1].rstrip()}…"


def harmless(text: str) -> str:
    """Clean text that pings nobody and links nowhere: an invisible character stands in each name to ping and each address."""
    return _LINK.sub(lambda found: found.group() + _JOINER, _PING.sub("@" + _JOINER, text))


def link(url: str | None) -> str:
    """A web address that may be followed, percent-encoded; "" for any other kind of address."""
    clean = one_line(url)
    try:
        parts = urlsplit(clean)
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.username is not None:
        return ""
    return quote(clean, safe=_KEPT_IN_URL)


class Part(NamedTuple):
    """A stretch of a line. `style`: "" plain, "strong" ours, "mark" the words that rang, "link" an address (from `link`)."""

    text: str
    style: Literal["", "strong", "mark", "link"] = ""


Line = Sequence[Part]


def strong(text: str) -> Part:
    """Words of ours that stand out."""
    return Part(text, "strong")


def marked(text: str, span: tuple[int, int], most: int) -> list[Part]:
    """A quotation, its span [start, end) marked; a longer one is cut around the span. Offsets count code points of `text` as it is."""
    start, end = span
    if not 0 <= start < end <= len(text):
        return [Part(_isolated(harmless(one_line(text, most))))]
    before, inside, after = one_line(text[:start]), one_line(text[start:end], most), one_line(text[end:])
    room = max(0, most - len(inside))
    kept_after = min(len(after), max(room // 2, room - len(before)))
    kept_before = min(len(before), room - kept_after)
    if kept_before < len(before):
        before = "…" + before[len(before) - kept_before :]
    if kept_after < len(after):
        after = after[:kept_after] + "…"
    parts: list[Part] = []
    if before:
        parts.append(Part(harmless(before) + (" " if text[:start][-1:].isspace() else "")))
    if inside:
        parts.append(Part(harmless(inside), "mark"))
    if after:
        parts.append(Part((" " if text[end : end + 1].isspace() else "") + harmless(after)))
    return [Part(_ISOLATE), *parts, Part(_END)] if _reorders(text) else parts


def _reorders(text: str) -> bool:
    return any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)


def _isolated(text: str) -> str:
    """Right-to-left text that does not move what stands around it."""
    return f"{_ISOLATE}{text}{_END}" if _reorders(text) else text


def foreign(text: str | None, most: int = 200) -> str:
    """Text of a page inside a line of ours: clean, harmless, and keeping its direction to itself."""
    return _isolated(harmless(one_line(text, most)))


def written(lines: Iterable[Line], kind: Format) -> str:
    """Lines as a target takes them."""
    if kind == "html":
        return "<br/>\n".join("".join(_html(part) for part in line) for line in lines)
    if kind == "markdown":
        return "  \n".join("".join(_markdown(part) for part in line) for line in lines)
    return "\n".join("".join(_plain(part) for part in line) for line in lines)


def _plain(part: Part) -> str:
    return f"»{part.text}«" if part.style == "mark" else part.text


def _html(part: Part) -> str:
    text = html.escape(part.text)
    if part.style == "link":
        return f'<a href="{text}">{text}</a>'
    return f"<b>{text}</b>" if part.style else text


def _markdown(part: Part) -> str:
    if part.style == "link":
        return "<" + part.text.replace("<", "%3C").replace(">", "%3E") + ">"
    text = _MARKDOWN.sub(r"\\\1", part.text)
    if not part.style or not text.strip():
        return text
    inside = text.strip()
    return text.replace(inside, f"**{inside}**", 1)  # no space inside the marks: they would not count
