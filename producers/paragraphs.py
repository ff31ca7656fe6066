"""Bodies made readable for extractors: paragraphs where there are only line breaks, one body where it was cut into pieces.

Extractors look for <p>; a body written as one <div> with <br><br> between its paragraphs, as many older and Arabic sites write it, looks
to them like a page without text. And they choose one element as the body; a body that advertisements cut into several loses all but one.
"""

import re
from itertools import islice

from lxml.etree import SubElement
from lxml.etree import _Element as Element

_HOLDERS = frozenset({"div", "td", "section", "article", "span", "font", "center", "main"})
_INLINE = frozenset({"a", "abbr", "b", "bdi", "big", "cite", "em", "font", "i", "mark", "q", "small", "span", "strong", "sub", "sup", "u"})
_PIECE = re.compile(r"body|content|text|chunk", re.IGNORECASE)
_LEVELS = 4  # how far above a piece the element that holds all pieces may be
_ENOUGH = 200  # characters of text directly in a holder


def split_breaks(tree: Element) -> None:
    """Turn runs of text between double line breaks into paragraphs, in place; holders with blocks of their own are left alone."""
    holders: dict[Element, None] = {}
    for line_break in tree.iter("br"):
        following = line_break.getnext()
        if following is not None and following.tag == "br" and not (line_break.tail or "").strip():
            holder = line_break.getparent()
            if holder is not None and holder.tag in _HOLDERS:
                holders[holder] = None
    for holder in holders:
        direct = len((holder.text or "").strip()) + sum(len((child.tail or "").strip()) for child in holder)
        if direct >= _ENOUGH and all(child.tag == "br" or child.tag in _INLINE for child in holder):
            _split(holder)


def _split(holder: Element) -> None:
    pieces: list[str | Element] = [holder.text or ""]
    for child in list(holder):
        pieces += [child, child.tail or ""]
        holder.remove(child)
        child.tail = None
    holder.text = None
    paragraph = SubElement(holder, "p")
    breaks = 0
    for piece in pieces:
        if not isinstance(piece, str) and piece.tag == "br":
            breaks += 1
        elif not isinstance(piece, str) or piece.strip() or breaks == 0:
            if breaks >= 2:
                paragraph = SubElement(holder, "p")
            elif breaks:
                _append(paragraph, " ")
            breaks = 0
            if isinstance(piece, str):
                _append(paragraph, piece)
            else:
                paragraph.append(piece)


def _append(paragraph: Element, text: str) -> None:
    if len(paragraph):
        paragraph[-1].tail = (paragraph[-1].tail or "") + text
    else:
        paragraph.text = (paragraph.text or "") + text


def join_pieces(tree: Element) -> None:
    """Move the pieces of one article's body into the first: same class, paragraphs of their own, close together in one <article>."""
    rows: dict[tuple[Element, str], list[Element]] = {}
    for element in tree.iter("div", "section"):
        names = element.get("class")
        if names and _PIECE.search(names) and len(element.findall("p")) > 1:
            # One paragraph is what a teaser has.
            article = next(element.iterancestors("article"), None)
            if article is not None:
                rows.setdefault((article, names), []).append(element)
    for first, *others in rows.values():
        above = set(islice(first.iterancestors(), _LEVELS))
        for piece in others:
            close = not above.isdisjoint(islice(piece.iterancestors(), _LEVELS))
            if close and first not in piece.iterancestors() and piece.find(".//h1") is None:
                for child in list(piece):
                    first.append(child)
