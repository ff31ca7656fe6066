"""Bytes to text: which charset a page is in, and how sure that is.

Order: byte order mark > HTTP header > <meta> > detection. Bytes decide over a label they contradict: text that is valid UTF-8 with
multi-byte letters is UTF-8 whatever the label says (and no guess where there is no label: nothing else looks like that), and text
that is not valid in its labelled charset is detected. Labels mean what browsers make of them (WHATWG: "iso-8859-1" is windows-1252).
"""

import codecs
import re
from typing import NamedTuple

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{2,40})", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:+-]{2,40})", re.IGNORECASE)
_META_WINDOW = 16384  # bytes; browsers look at 1024, many pages put scripts before
_SAMPLE = 65536  # bytes given to detection


class Decoded(NamedTuple):
    """Text, the Python codec that gave it, and whether the charset was guessed against or without a label."""

    text: str
    charset: str
    guessed: bool


def decode(data: bytes, content_type: str | None = None) -> Decoded:
    """Decode a page; never raises: what no charset explains becomes U+FFFD and counts as guessed."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return Decoded(data[len(mark) :].decode(name, "replace"), name, guessed=False)
    declared, told = _labels(data, content_type)
    # Servers send "iso-8859-1" for every file unless told otherwise; a page that names another charset knows better.
    doubtful = declared == "cp1252" and told is not None and told != declared and _strictly(data, told) is not None
    label = told if doubtful or declared is None else declared
    utf8 = _strictly(data, "utf-8")
    # ASCII letters in UTF-16 are valid UTF-8 too, with a NUL beside each.
    wide = label is not None and label.startswith("utf-16") and b"\x00" in data[:64]
    if utf8 is not None and not wide and (label in (None, "utf-8") or not data.isascii()):
        return Decoded(utf8, "utf-8", guessed=label not in (None, "utf-8"))
    if label is not None:
        text = _strictly(data, label)
        if text is not None:
            return Decoded(text, label, guessed=doubtful)
        if label == "utf-8" and _mostly(data):
            # A few bytes broken in transit or by a careless cut: the label is right, the bytes are not.
            return Decoded(data.decode("utf-8", "replace"), "utf-8", guessed=True)
    found = _codec(_detected(data)) or "windows-1252"
    return Decoded(data.decode(found, "replace"), found, guessed=True)


def _labels(data: bytes, content_type: str | None) -> tuple[str | None, str | None]:
    """Python codecs that the HTTP header and the page itself name; none where the label is missing or unknown to browsers."""
    match = _HEADER.search(content_type) if content_type else None
    declared = _codec(match[1]) if match else None
    head = data[:_META_WINDOW]
    for pattern in (_META, _XML):
        found = pattern.search(head)
        if found and (name := _codec(found[1].decode("ascii", "replace"))):
            # A page whose <meta> could be read as ASCII is not UTF-16, whatever it says (WHATWG).
            return declared, "utf-8" if name.startswith("utf-16") else name
    return declared, None


def _codec(label: str) -> str | None:
    """Python codec for a label as browsers read it; None for labels nobody knows."""
    try:
        name = map_encoding_to_html5(label.strip().lower(), fallback_utf8=False)
        return codecs.lookup(name).name if name else None
    except (LookupError, ValueError, TypeError):
        return None


def _strictly(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None


def _mostly(data: bytes) -> bool:
    """True if broken UTF-8 sequences are rare: at most one in a hundred non-ASCII letters, or three in all."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    other = sum(char > "\x7f" for char in text) - broken
    return other > 0 and broken <= max(3, other // 100) and broken < other


def _detected(data: bytes) -> str:
    try:
        return str(detect_encoding(data[:_SAMPLE]))
    except (ValueError, TypeError, RuntimeError):
        return "windows-1252"
