"""The body of a parsed page: trafilatura first, resiliparse where trafilatura finds nothing or would take minutes."""

import re

from lxml import html as lxml_html
from lxml.etree import _Element as Element
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction
from trafilatura.settings import Document

from producers.render import render

_THIN = 250  # characters: a body shorter than this is worth a second opinion
_GAIN = 3  # the second opinion must be this many times longer
_WORTH = 60  # characters: shorter bodies count as this long in that comparison
# Levels of unclosed elements; 100,000 levels took resiliparse 192 s, 5,000 half a second.
_DEEPEST = 6_000
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p", "li", "option"}
)
# A body below this many characters may be the last resort of trafilatura, the whole page with its menus.
_SMALL = 1000
# Class names, as content systems give them, of the element that holds the body and nothing else.
_BODY_CLASS = re.compile(
    r"(?:^|[ _-])(?:entry|article|post|story|news|page|field-name|field--name)[-_]{1,2}(?:content|body|text)(?:$|[ _-])"
    r"|(?:^| )(?:articleBody|storytext)(?:$| )",
    re.IGNORECASE,
)


def extract_body(tree: Element, source: str, url: str | None, titles: tuple[str, ...], capped: bool, flags: list[str]) -> tuple[str, str]:
    """Body text and the extractor that found it; `source` is the page before parsing, `titles` its titles."""
    if capped:
        flags.append("capped-html")
        return _linear(_serialized(tree)) or _whole(source), "resiliparse"
    text = ""
    # trafilatura meets whatever pages hold; a failure there sends the page to the second extractor.
    try:
        document = bare_extraction(tree, url=url, fast=True, include_comments=False)
        text = (document.text or "") if isinstance(document, Document) else ""
    except Exception:  # noqa: BLE001
        flags.append("extractor-failed")
    if len(text) < _SMALL and _is_dump(text, titles) and (declared := _declared(tree, text)):
        return declared, "trafilatura"
    if len(text) >= _THIN:
        return text, "trafilatura"
    other = _linear(_serialized(tree))
    if len(other) < _THIN:
        # libxml2 gives up below some 250 levels of nesting, and what lies deeper is not in the tree.
        other = max(other, _whole(source), key=len)
    if len(other) > _GAIN * max(len(text), _WORTH):
        flags.append("fallback")
        return other, "resiliparse"
    return text, "trafilatura"


def _serialized(tree: Element) -> str:
    try:
        return str(lxml_html.tostring(tree, encoding="unicode"))
    except (ValueError, TypeError):  # names that are no XML names, from hostile markup
        return ""


def _whole(source: str) -> str:
    """Body of a page that libxml2 could not hold; nothing if it is nested so deeply that resiliparse would take minutes."""
    depth = deepest = 0
    for tag in _TAG.finditer(source):
        if tag[1]:
            depth = max(0, depth - 1)
        elif tag[2].lower() not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return _linear(source) if deepest <= _DEEPEST else ""


def _linear(source: str) -> str:
    """Body by resiliparse: time linear in length, though not in depth."""
    # resiliparse meets whatever pages hold; its failure means no text.
    try:
        text = str(
            extract_plain_text(source, preserve_formatting=True, main_content=True, list_bullets=False, alt_texts=False, comments=False)
        )
    except Exception:  # noqa: BLE001
        return ""
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)


def page_titles(tree: Element, title: str | None) -> tuple[str, ...]:
    """The title and the main heading of a page: what its body must not begin with. Several main headings are sections of the body."""
    headings = [" ".join("".join(heading.itertext()).split()) for heading in tree.iter("h1")]
    return tuple(text for text in (title or "", *(headings if len(headings) <= 2 else ())) if text)


def _is_dump(text: str, titles: tuple[str, ...]) -> bool:
    """True for trafilatura's last resort on very short articles: title, byline and text run together in one line."""
    first = text.partition("\n")[0]
    return any(first.startswith(title) and len(first) > len(title) for title in titles)


def _declared(tree: Element, found: str) -> str:
    """Paragraphs of the element that the page itself calls its body, where `found` holds them all and little else of substance."""
    best = ""
    for element in tree.iter("div", "section", "article", "main", "td"):
        if element.get("itemprop") == "articleBody" or _BODY_CLASS.search(element.get("class") or ""):
            text = "\n".join(filter(None, (render(paragraph) for paragraph in element.iter("p", "blockquote"))))
            if len(text) > len(best):
                best = text
    packed = "".join(found.split())
    held = best and all("".join(line.split()) in packed for line in best.split("\n"))
    return best if held and 3 * len(best) >= len(found) else ""
