"""Text of a parsed element as a person reads it: one line per block."""

import re
from collections.abc import Collection

from lxml.etree import _Element as Element

# Elements whose text is no text of the page.
SILENT = frozenset(
    {"script", "style", "form", "button", "input", "textarea", "select", "svg", "iframe", "template", "nav", "label", "noscript"}
)
_BLOCK = frozenset(
    {"address", "article", "aside", "blockquote", "br", "center", "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption"}
    | {"figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary"}
    | {"table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_SPACE = re.compile(r"[^\S\n]+")


def render(element: Element, skip: Collection[Element] = frozenset(), replies: Collection[Element] = frozenset()) -> str:
    """Text of an element with one line per block; what `skip` and `replies` hold inside it is left out."""
    parts: list[str] = []
    # Each entry: an element to open, or a string to write (tails and line ends).
    stack: list[Element | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        tag = node.tag
        if not isinstance(tag, str) or tag in SILENT or (node is not element and (node in skip or node in replies)):
            parts.append(" ")
            continue
        block = tag in _BLOCK
        if block:
            parts.append("\n")
            stack.append("\n")
        for child in reversed(node):
            if child.tail:
                stack.append(_flat(child.tail))
            stack.append(child)
        if node.text:
            parts.append(_flat(node.text))
    lines = (_SPACE.sub(" ", line).strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")
