"""What stands in and around an article without being part of it: author boxes, related-story boxes, pointers, paywall notices.

`prune` works on the parsed page before extraction, the text functions on what extraction left. The words are data: `rules/furniture.yaml`.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lxml.etree import _Element as Element

from producers.edges import without_head, without_tail
from producers.render import render
from tocsin.yaml_file import read_yaml

_RULES: dict[str, Any] = read_yaml(Path(__file__).parent / "rules" / "furniture.yaml").value
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def _phrases(phrases: list[str]) -> re.Pattern[str]:
    return re.compile("(?:^| )(?:" + "|".join(map(re.escape, sorted(phrases, key=len, reverse=True))) + ")(?: |$)")


def _any(rules: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule})" for rule in rules), re.IGNORECASE | re.DOTALL)


_WHO, _WHAT = ("|".join(_RULES[key]) for key in ("bio_who", "bio_what"))
_BIO_BOX = re.compile(rf"(?:^| )(?:(?:{_WHO}) (?:{_WHAT})|(?:{_WHAT}) (?:{_WHO})|{'|'.join(_RULES['bio_phrases'])})(?: |$)")
_LINK_BOX = _phrases(_RULES["link_boxes"])
_BIO_OPENING = _any(_RULES["bio_openings"])
_AFTER_AUTHOR = _any(_RULES["after_author"])
_POINTER = _any(_RULES["pointer_lines"])
_CALL = _any(_RULES["call_lines"])
_PAYWALL = _any(_RULES["paywall_lines"])
_ERROR_TITLE = _any(_RULES["error_titles"])
_EMBEDS = ("twitter-", "instagram-", "tiktok-", "fb-post", "telegram-", "mastodon-", "bluesky-")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_BLOCKS = frozenset({"div", "section", "aside", "ul", "ol", "p", "footer", "header", "nav", "article", "table"})

# Characters. A bio is short; a box that holds more of its own words than this is an article that happens to be called "related".
_BIO_LIMIT = 1200
_BOX_LIMIT = 1500
_POINTER_LIMIT = 200
_CALL_LIMIT = 300
_OFFER_LIMIT = 800
_BIO_WORDS = 12  # words; a box with fewer is a byline ("By Jane Roe, Nov. 4")
_BYLINE_LIMIT = 100
_FRAMES, _CAPTION = 4, 20  # elements around an embedded post, and characters they may add to it
_BIO_LINES = 3  # lines at the end of a body that may be its author's bio
_PAYWALL_LIMIT = 2500


class Pruned(NamedTuple):
    """What pruning found: texts about the author, boxes that only name the author (still in the page), whether it has a paywall."""

    bios: list[str]
    bylines: list[Element]
    paywalled: bool


@lru_cache(maxsize=8192)
def _kind(attributes: str) -> str:
    for token in attributes.split():
        words = " ".join(word.lower() for word in _WORDS.findall(token))
        if _BIO_BOX.search(words):
            return "bio"
        if _LINK_BOX.search(words):
            return "links"
        if "paywall" in words or words == "piano":
            return "paywall"
    return ""


def prune(tree: Element) -> Pruned:
    """Remove author boxes, boxes of links and subscription offers from a parsed page; return what they said about the author."""
    bios: list[str] = []
    bylines: list[Element] = []
    inside: set[Element] = set()  # boxes whose parts are boxes by name too
    paywalled = False
    doomed: list[Element] = []
    for quote in tree.iter("blockquote"):
        if (quote.get("class") or "").startswith(_EMBEDS):
            _unlabel(quote)
    for element in tree.iter(*_BLOCKS):
        names, ident = element.get("class"), element.get("id")
        kind = (_kind(names) if names else "") or (_kind(ident) if ident else "")
        if not kind or any(around in inside for around in element.iterancestors()):
            continue
        if kind == "paywall":
            # Some sites call the offer so, others the text behind it: only the offer goes.
            paywalled = True
            if _PAYWALL.search(text := render(element)) and len(text) <= _OFFER_LIMIT:
                doomed.append(element)
        elif kind == "bio":
            text = render(element)
            if len(text) <= _BIO_LIMIT and element.find(".//h1") is None:
                if len(text.split()) >= _BIO_WORDS:
                    bios.append(text)
                    doomed.append(element)
                    inside.add(element)
                else:
                    bylines.append(element)
        elif _leads_elsewhere(element):
            doomed.append(element)
    doomed.extend(_link_paragraphs(tree))
    _drop(doomed)
    return Pruned(bios, bylines, paywalled)


def prune_author(tree: Element, pruned: Pruned, author: str | None) -> str | None:
    """Remove boxes and paragraphs that only name the author or speak about them, once the author is known; return the bio."""
    bios = list(pruned.bios)
    doomed = list(pruned.bylines)
    for paragraph in tree.iter("p") if author else ():
        text = " ".join("".join(paragraph.itertext()).split())
        if is_about(text, author):
            bios.append(text)
            doomed.append(paragraph)
    for moment in tree.iter("time"):
        line = moment.getparent()
        text = " ".join("".join(line.itertext()).split()) if line is not None and line.tag in ("p", "div", "span") else ""
        # A date with its year beside a few words is a byline; a time of day alone is an entry of a live ticker.
        if 0 < len(text) <= _BYLINE_LIMIT and _YEAR.search(text) and not text.endswith((".", "!", "?", "。", "؟")):
            doomed.append(line)
    _drop(doomed)
    return "\n".join(dict.fromkeys(bios)) or None


def _unlabel(quote: Element) -> None:
    """Take the class names off an embedded post and its frames: it is a quotation, and extractors drop it for those names."""
    quote.attrib.pop("class")
    said = len(render(quote))
    for frame in islice(quote.iterancestors("div", "figure", "section"), _FRAMES):
        if len(render(frame)) > said + _CAPTION:
            break
        for name in ("class", "id"):
            frame.attrib.pop(name, None)


def _drop(elements: list[Element]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _link_paragraphs(tree: Element) -> list[Element]:
    """Paragraphs that are one link and nothing else, between paragraphs of prose: they lead to other stories."""
    found: list[Element] = []
    prose = 0
    for paragraph in tree.iter("p"):
        links = paragraph.findall(".//a[@href]")
        if len(links) != 1:
            prose += 1
            continue
        said = "".join(paragraph.itertext()).strip()
        linked = "".join(links[0].itertext()).strip()
        if len(linked) >= 20 and len(said) - len(linked) <= 2:
            found.append(paragraph)
        else:
            prose += 1
    # A page made of such paragraphs is a list of links, and they are its text.
    return found if prose >= 3 * len(found) else []


def _leads_elsewhere(element: Element) -> bool:
    """True for a box made of links: more than half of its words are link text, or it holds few words at all."""
    if element.find(".//h1") is not None:
        return False
    total = len(render(element))
    if total > 4 * _BOX_LIMIT:
        return False
    links = sum(len(" ".join("".join(link.itertext()).split())) for link in element.iter("a"))
    return total - links <= max(80, links) and total - links < _BOX_LIMIT


def is_pointer(line: str) -> bool:
    """True for a line that only sends the reader to another story."""
    return len(line) <= _POINTER_LIMIT and _POINTER.match(line) is not None


def is_call(line: str) -> bool:
    """True for a line that asks the reader to do something else, or that only states rights."""
    return len(line) <= _CALL_LIMIT and _CALL.match(line) is not None


def is_paywalled(text: str) -> bool:
    """True if a short text ends in a notice that the rest is for subscribers."""
    return len(text) <= _PAYWALL_LIMIT and _PAYWALL.search(text[-600:]) is not None


def is_error_title(title: str) -> bool:
    """True for the title of an error page that was served as if all were well."""
    return _ERROR_TITLE.fullmatch(title.strip()) is not None


def is_bio(line: str, author: str | None) -> bool:
    """True for a line that speaks about the article's author."""
    return (len(line) <= _BIO_LIMIT and _BIO_OPENING.match(line) is not None) or is_about(line, author)


def is_about(line: str, author: str | None) -> bool:
    """True for a line that begins with the name of an author and goes on about them; several authors are separated by ";"."""
    if not author or len(line) > _BIO_LIMIT:
        return False
    folded = line[: len(author)].casefold()
    return any(
        len(name) > 3 and folded.startswith(name.casefold()) and _AFTER_AUTHOR.match(line, len(name)) is not None
        for name in map(str.strip, author.split(";"))
    )


def trim(text: str, author: str | None, titles: Collection[str] = ()) -> tuple[str, str | None]:
    """Take out of a body what is not the article: (body, bio).

    Pointers and calls anywhere; titles, bylines and dates at the top; lists of links, credits, offers, contacts and a bio at the end.
    """
    lines = [line for line in text.split("\n") if line.strip() and not (is_pointer(line) or is_call(line))]
    while len(lines) > 1 and len(lines[-1]) <= _POINTER_LIMIT and _PAYWALL.match(lines[-1]):
        lines.pop()
    if not lines:
        return "", None
    lines, contacts = without_tail(without_head(lines, titles, author))
    cut = len(lines)
    for index in range(len(lines) - 1, max(len(lines) - _BIO_LINES - 1, 0), -1):
        if is_bio(lines[index], author):
            cut = index
    return "\n".join(lines[:cut]), "\n".join((*lines[cut:], *contacts)) or None
