"""Readers' comments: found on the page by the names sites give them, taken out of the page, returned as records.

Works on the parsed page before the article is extracted, so that no comment can be mistaken for the article and no commenter for its
author. What the names mean is data: `rules/comments.yaml`. The steps: every element gets a role from its class, id and microdata
(container, item, body, author, time, noise); elements that are one comment form a unit; a unit's text is its body without nested
replies, names, times and buttons.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from lxml.etree import _Element as Element

from producers.comment_roles import RULES, Marked, mark, role_inside
from producers.render import render
from tocsin.records import Comment

_BEFORE_NAME = re.compile(RULES["before_name"], re.IGNORECASE)
_AFTER_NAME = re.compile(RULES["after_name"], re.IGNORECASE | re.DOTALL)
_BYLINE = re.compile(RULES["byline"], re.IGNORECASE)
_NAME_AND_DATE = re.compile(
    r"(?P<name>.{1,60}?)[\s,|·–—-]+(?P<time>(?:\d{1,2}[. /]|[^\W\d]{3,9} \d{1,2},).{0,20}(?:19|20)\d\d.*)", re.DOTALL
)
# A date or time of day among few words: the line under a commenter's name.
_WHEN = re.compile(r"(?:19|20)\d\d|\d{1,2}[:.h]\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\bago\b|\bvor \d", re.IGNORECASE)
_HEADING = re.compile("|".join(f"(?:{rule})" for rule in RULES["headings"]), re.IGNORECASE)
_INTERFACE = re.compile("|".join(f"(?:{rule})" for rule in RULES["interface"]), re.IGNORECASE)

# A container is removed whole unless this much text (characters) in it belongs to no comment and outweighs the comments:
# a class name like "comments" on the whole page must not take the article away.
_OTHER_TEXT = 1500
# One lone, long "comment" without name or time is more likely an opinion piece ("Kommentar") than a reader's comment.
_LONE_TEXT = 1200
# Share of a text without a commenter's name that is links in a list of the latest comments on other pages.
_LINKED = 0.6
# Siblings looked at on either side of an element: enough for a name, a body and a footer; bounds hostile pages.
_NEAR = 6


def take_comments(tree: Element) -> tuple[Comment, ...]:
    """Return the comments of a parsed page in page order and remove them from the tree."""
    marked = mark(tree)
    comments: list[Comment] = []
    units = _units(marked)
    unit_elements = set(units)
    taken: list[tuple[Element, Comment]] = []
    frames = {ancestor for unit in units for ancestor in unit.iterancestors()}
    for unit in units:
        comment = _comment(unit, marked, unit_elements, frames)
        if comment is not None:
            taken.append((unit, comment))
    if len(taken) == 1 and _is_lone_article(*taken[0], marked):
        taken = []
    comments.extend(comment for _, comment in taken)
    removable = [unit for unit, _ in taken]
    if not taken:
        for container in _outermost(element for element, role in marked.roles.items() if role in ("container", "wrap")):
            found = _unnamed(container)
            if found and not _holds_article(container, sum(len(comment.text) for comment in found)):
                comments.extend(found)
                removable.append(container)
    if not comments:
        region = _after_heading(tree)
        for element in region:
            comments.extend(_unnamed(element, single=True))
        if comments:
            removable.extend(region)
    _remove(removable, marked, sum(len(comment.text) for comment in comments))
    return tuple(_distinct(comments))


def _units(marked: Marked) -> list[Element]:
    """Outermost elements of each comment in page order: an item, or a body that no item of its own holds."""
    units: list[Element] = []
    chosen: set[Element] = set()
    for element, role in marked.roles.items():  # document order
        if role not in ("item", "body"):
            continue
        above = next((ancestor for ancestor in element.iterancestors() if ancestor in chosen), None)
        if above is None or not _same_comment(element, role, above, marked):
            units.append(element)
            chosen.add(element)
    return units


def _same_comment(element: Element, role: str, above: Element, marked: Marked) -> bool:
    """True if an element inside the unit `above` is part of it, false if it is a reply nested there."""
    number, outer = marked.numbers.get(element), marked.numbers.get(above)
    if number is not None and outer is not None:
        return number == outer
    if role == "body":
        return True
    if any(marked.roles.get(beside) == "item" for way in (True, False) for beside in islice(element.itersiblings(preceding=way), _NEAR)):
        return False  # one of a row
    for ancestor in element.iterancestors():
        if ancestor is above:
            break
        if ancestor.tag in ("ul", "ol") or marked.roles.get(ancestor) == "container":
            return False
    # <div class=comment> directly inside <li id=comment-1>: one comment; after a body of its own: a reply.
    return not any(marked.roles.get(before) == "body" for before in islice(element.itersiblings(preceding=True), _NEAR))


def _comment(unit: Element, marked: Marked, units: set[Element], frames: set[Element]) -> Comment | None:
    """The comment a unit holds; None when it holds only buttons, counts or other comments."""
    found: dict[str, list[Element]] = {"author": [], "time": [], "body": [], "noise": []}
    linked = 0
    for element in _own(unit, units):
        if element.tag == "a":
            linked += len("".join(element.itertext()).strip())
        role = marked.roles.get(element, "") if element is unit else role_inside(element, marked)
        if role in found:
            found[role].append(element)
    skip = {element for role in ("author", "time", "noise") for element in found[role] if element is not unit}
    name, time = _innermost(found["author"]), _innermost(found["time"])
    if marked.roles.get(unit) == "body" and name is None:
        name, time = _beside(unit, marked, time)
    if time is None:
        time = _when(found["noise"] + found["author"])
    text = ""
    around = {ancestor for body in found["body"] for ancestor in body.iterancestors()}
    inner = [body for body in found["body"] if body is not unit and body not in around]
    if inner:
        text = "\n".join(filter(None, (render(body, skip, units) for body in inner)))
    whole = render(unit, skip, units) if len(text) < 2 or marked.roles.get(unit) == "body" else ""
    if len(whole) > 2 * len(text):
        text = whole
    if not _is_said(text) or (name is None and linked > _LINKED * len(text)):
        return None
    if unit in frames and not found["body"] and name is None and time is None and unit not in marked.numbers:
        return None  # the frame around a row of comments, with its title and rules
    first, _, rest = text.partition("\n")
    if name is None and rest and len(first) <= 160 and (byline := _BYLINE.fullmatch(_opening_words(first))):
        name, time, text = byline["name"], time or byline["time"], rest
    if name and time is None and (both := _NAME_AND_DATE.fullmatch(name)):
        name, time = both["name"], both["time"].partition(" - ")[0].strip()
    return Comment(text=text, name=_tidy_name(name, time), time=time)


def _opening_words(line: str) -> str:
    """A line without the buttons in brackets at its end."""
    return line.partition(" [")[0].strip()


def _innermost(elements: list[Element]) -> str | None:
    """Text of the first element that holds none of the others."""
    around = {ancestor for element in elements for ancestor in element.iterancestors()}
    for element in elements:
        if element not in around and (text := _short(element) or element.get("datetime")):
            return text
    return None


def _when(elements: list[Element]) -> str | None:
    """The date among the lines around a comment, where no element is marked as one."""
    for element in elements:
        for inner in islice(element.iter(), 40):
            text = _short(inner) if isinstance(inner.tag, str) and len(inner) == 0 else None
            if text and len(text) <= 60 and _WHEN.search(text):
                return text
    return None


def _tidy_name(name: str | None, time: str | None) -> str | None:
    """A commenter's name without "says" and the date."""
    if name is None:
        return None
    if time:
        name = name.partition(time)[0]
    name = _AFTER_NAME.sub("", _BEFORE_NAME.sub("", name, count=1), count=1).strip(" :|·•,-–—")
    return name if 0 < len(name) <= 80 else None


def _own(unit: Element, units: set[Element]) -> Iterator[Element]:
    """Elements of a unit, nested replies left out, in page order."""
    stack = [unit]
    while stack:
        element = stack.pop()
        if not isinstance(element.tag, str):
            continue
        yield element
        stack.extend(child for child in reversed(element) if child not in units)


def _beside(body: Element, marked: Marked, time: str | None) -> tuple[str | None, str | None]:
    """Name and time that stand before or after a body without an item around it (old Blogger: dt, dd, dd)."""
    name = None
    for before in (True, False):
        for sibling in islice(body.itersiblings(preceding=before), _NEAR):
            role = marked.roles.get(sibling)
            if role in ("body", "item") or (name and role == "author"):
                break  # the next comment begins, or the last one ended
            if role == "author":
                name = _short(sibling)
            elif role == "time":
                time = time or _short(sibling)
            elif role == "noise":
                inside = [(element, role_inside(element, marked)) for element in islice(sibling.iter(), 40) if isinstance(element.tag, str)]
                name = name or _innermost([element for element, inner in inside if inner == "author"])
                time = time or _innermost([element for element, inner in inside if inner == "time"])
            if before and name:
                break
    return name, time


def _short(element: Element) -> str | None:
    """Text of a name or time element: one line, at most 120 characters, or none."""
    text = " ".join("".join(element.itertext()).split()).strip(" :|·•,-–—")
    return text if 0 < len(text) <= 120 else None


def _is_said(text: str) -> bool:
    """True for words of a reader: something with a letter that is not the interface speaking."""
    return any(char.isalpha() for char in text) and not all(_INTERFACE.fullmatch(line.strip()) for line in text.split("\n"))


def _outermost(elements: Iterable[Element]) -> list[Element]:
    kept: list[Element] = []
    chosen: set[Element] = set()
    for element in elements:
        if not any(ancestor in chosen for ancestor in element.iterancestors()):
            kept.append(element)
            chosen.add(element)
    return kept


def _is_lone_article(unit: Element, comment: Comment, marked: Marked) -> bool:
    if comment.name or comment.time or len(comment.text) < _LONE_TEXT:
        return False
    return not any(marked.roles.get(ancestor) == "container" for ancestor in unit.iterancestors())


def _holds_article(container: Element, said: int) -> bool:
    """True if removing a container would remove more than comments."""
    if container.find(".//h1") is not None or container.find(".//*[@itemprop='articleBody']") is not None:
        return True
    total = sum(len(text) for text in container.itertext())
    other = len(render(container)) - said if total > _OTHER_TEXT else 0
    return other > _OTHER_TEXT and other > said


def _unnamed(container: Element, *, single: bool = False) -> list[Comment]:
    """Comments of a section that names no items: its list items, else (with `single`) the whole block."""
    ordered = list(container.iter("li", "article"))
    items = set(ordered)
    found: list[Comment] = []
    for item in ordered:
        text = render(item, replies=items)
        links = sum(len("".join(link.itertext())) for link in item.iter("a"))
        if len(text.split()) >= 3 and links * 2 < len(text) and _is_said(text):
            found.append(Comment(text=text))
    if not found and single:
        text = render(container)
        if len(text.split()) >= 3 and _is_said(text):
            found.append(Comment(text=text))
    return found


def _after_heading(tree: Element) -> list[Element]:
    """Elements that follow a heading like "3 Comments", up to the next heading of its rank, on pages without telling names."""
    for heading in tree.iter("h2", "h3", "h4", "h5", "h6"):
        text = " ".join("".join(heading.itertext()).split())
        if not 0 < len(text) <= 120 or not _HEADING.fullmatch(text):
            continue
        region: list[Element] = []
        for sibling in heading.itersiblings():
            if not isinstance(sibling.tag, str):
                continue
            if sibling.tag in ("h1", "h2", "footer", "aside") or sibling.tag == heading.tag:
                break
            region.append(sibling)
        said = sum(len(render(element)) for element in region)
        if said and not any(_holds_article(element, said) for element in region) and _precedes(heading, tree) > said // 20:
            return region
    return []


def _precedes(heading: Element, tree: Element) -> int:
    """Characters of paragraphs before a heading: a comment section comes after something."""
    total = 0
    for paragraph in tree.iter("p", heading.tag):
        if paragraph is heading:
            break
        if paragraph.tag == "p":
            total += len("".join(paragraph.itertext()).strip())
    return total


def _remove(elements: list[Element], marked: Marked, said: int) -> None:
    """Take elements out of the tree, and the whole container around them where it holds nothing else."""
    gone: set[Element] = set()
    keeps: dict[Element, bool] = {}
    for element in elements:
        whole = element
        for ancestor in element.iterancestors():
            if marked.roles.get(ancestor) in ("container", "wrap", "item", "body"):
                if ancestor not in keeps:
                    keeps[ancestor] = _holds_article(ancestor, said)
                if not keeps[ancestor]:
                    whole = ancestor
        if whole not in gone and not any(ancestor in gone for ancestor in whole.iterancestors()):
            gone.add(whole)
    for element in gone:
        if element.getparent() is not None:
            element.drop_tree()


def _distinct(comments: Iterable[Comment]) -> Iterator[Comment]:
    """Each comment once: some pages print the section a second time for readers without scripts."""
    seen: set[tuple[str | None, str]] = set()
    for comment in comments:
        key = (comment.name, comment.text)
        if key not in seen:
            seen.add(key)
            yield comment
