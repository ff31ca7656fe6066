"""Readers' comments: found on the page by the names sites give them, taken out of the page, returned as records.

Works on the parsed page before the article is extracted, so that no comment can be mistaken for the article and no commenter for its
author. What the names mean is data: `rules/comments.yaml`. The steps: every element gets a role from its class, id and microdata
(container, item, body, author, time, noise); elements that are one comment form a unit; a unit's text is its body without nested
replies, names, times and buttons.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from lxml.etree import _Element as Element

from tocsin.records import Comment

_RULES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "rules" / "comments.yaml").read_text("utf-8"))
_SINGULAR = frozenset(_RULES["singular"])
_PLURAL = frozenset(_RULES["plural"])
_NEVER = tuple(_RULES["never"])
_NOT_AFTER = frozenset(_RULES["not_after"])
_SUFFIX_ROLE: dict[str, str] = {word: role for role, words in _RULES["roles"].items() for word in words}
_INSIDE: dict[str, str] = {word: role for role, words in _RULES["inside"].items() for word in words}
_ALL = _SINGULAR | _PLURAL
# The shortest words that all others contain: a cheap first look at an attribute.
_STEMS = tuple(sorted(word for word in _ALL if not any(other != word and other in word for other in _ALL)))
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zà-ÿ]+|[A-Z]+|\d+")
_COMMENT_WORD = re.compile("(" + "|".join(sorted(_ALL, key=len, reverse=True)) + ")(.*)$")
_BEFORE_NAME = re.compile(_RULES["before_name"], re.IGNORECASE)
_AFTER_NAME = re.compile(_RULES["after_name"], re.IGNORECASE | re.DOTALL)
_BYLINE = re.compile(_RULES["byline"], re.IGNORECASE)
_NAME_AND_DATE = re.compile(
    r"(?P<name>.{1,60}?)[\s,|·–—-]+(?P<time>(?:\d{1,2}[. /]|[^\W\d]{3,9} \d{1,2},).{0,20}(?:19|20)\d\d.*)", re.DOTALL
)
# A date or time of day among few words: the line under a commenter's name.
_WHEN = re.compile(r"(?:19|20)\d\d|\d{1,2}[:.h]\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\bago\b|\bvor \d", re.IGNORECASE)
_HEADING = re.compile("|".join(f"(?:{rule})" for rule in _RULES["headings"]), re.IGNORECASE)
_INTERFACE = re.compile("|".join(f"(?:{rule})" for rule in _RULES["interface"]), re.IGNORECASE)

# Never a comment nor part of one, whatever they are called.
_SILENT = frozenset(
    {"script", "style", "form", "button", "input", "textarea", "select", "svg", "iframe", "template", "nav", "label", "noscript"}
)
_NEVER_ROLE = _SILENT | {"html", "body", "head", "main", "link", "meta", "img", "i", "use", "path"}
_BLOCK = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
    }
    | {"footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody"}
    | {"td", "tfoot", "th", "thead", "tr", "ul"}
)
_SCHEMA_ITEM = re.compile(r"schema\.org/(?:User)?Comments?$", re.IGNORECASE)
_SPACE = re.compile(r"[^\S\n]+")
_PRIORITY = ("item", "container", "body", "author", "time", "noise", "wrap")

# A container is removed whole unless this much text (characters) in it belongs to no comment and outweighs the comments:
# a class name like "comments" on the whole page must not take the article away.
_OTHER_TEXT = 1500
# One lone, long "comment" without name or time is more likely an opinion piece ("Kommentar") than a reader's comment.
_LONE_TEXT = 1200
# Share of a text without a commenter's name that is links in a list of the latest comments on other pages.
_LINKED = 0.6
# Siblings looked at on either side of an element: enough for a name, a body and a footer; bounds hostile pages.
_NEAR = 6


class Marked(NamedTuple):
    """Elements of one page by role; `roles` keeps the elements alive, so that they can be compared by identity."""

    roles: dict[Element, str]
    numbers: dict[Element, str]  # the comment's number, where a class or id gives one


@lru_cache(maxsize=8192)
def token_roles(attributes: str) -> tuple[str, str]:
    """Role and comment number that a class or id attribute gives by its words; ("", "") when it says nothing about comments."""
    lowered = attributes.lower()
    if not any(stem in lowered for stem in _STEMS):
        return "", ""
    roles = set()
    number = ""
    for token in attributes.split():
        role, digits = _token_role(token)
        if role:
            roles.add(role)
            number = number or digits
    return next((role for role in _PRIORITY if role in roles), ""), number


def _token_role(token: str) -> tuple[str, str]:
    words = [word.lower() for word in _WORDS.findall(token)]
    at, glued, suffix, plural = -1, "", "", False
    for index, word in enumerate(words):
        match = _COMMENT_WORD.search(word)
        if match is None or word.startswith(_NEVER):
            continue
        rest = match[2]
        if rest and rest not in _SUFFIX_ROLE:
            continue
        at, glued, suffix, plural = index, word[: match.start()], rest, match[1] in _PLURAL
    if at < 0 or glued in _NOT_AFTER or not _NOT_AFTER.isdisjoint(words[:at]):
        return "", ""
    tail = ([suffix] if suffix else []) + words[at + 1 :]
    number = next((word for word in tail if word.isdigit()), "")
    known = [_SUFFIX_ROLE[word] for word in tail if word in _SUFFIX_ROLE]
    if known:
        role = known[-1]
        if role == "wrap" and number:
            return "item", number
        return role, number
    if number:
        return "item", number
    if not tail:
        return ("container" if plural else "item"), ""
    # "disqus_thread" is caught above; "comments-open" or "comment-even" say nothing about this element's part.
    return "", ""


def mark(tree: Element) -> Marked:
    """Give every element of the page its role in a comment section, if it has one."""
    roles: dict[Element, str] = {}
    numbers: dict[Element, str] = {}
    main: list[Element] = []
    for element in tree.iter():
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if tag == "h1":
            main.append(element)
        names, ident, prop = element.get("class"), element.get("id"), element.get("itemprop")
        if names is None and ident is None and prop is None:
            continue
        if tag in _NEVER_ROLE:
            continue
        if prop == "articleBody":
            main.append(element)
        role = number = ""
        if names is not None:
            role, number = token_roles(names)
        if ident is not None:
            id_role, id_number = token_roles(ident)
            if id_role and (not role or _PRIORITY.index(id_role) < _PRIORITY.index(role)):
                role = id_role
            number = id_number or number
        if prop is not None and ("omment" in prop or "omment" in (element.get("itemtype") or "")):
            if prop == "comment" or _SCHEMA_ITEM.search(element.get("itemtype") or ""):
                role = "item"
            elif prop == "commentText":
                role = "body"
        if role:
            roles[element] = role
            if number:
                numbers[element] = number
    # What holds the page's main heading or the body the page itself declares is more than comments.
    for heading in main:
        for ancestor in (heading, *heading.iterancestors()):
            roles.pop(ancestor, None)
    return Marked(roles, numbers)


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
        role = marked.roles.get(element, "") if element is unit else _role_inside(element, marked)
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


def _role_inside(element: Element, marked: Marked) -> str:
    """Role of an element inside a comment, where plain names like "author" or <time> are enough."""
    tag = element.tag
    if tag in _SILENT:
        return "noise"
    role = marked.roles.get(element, "")
    if role in ("author", "time", "noise", "body"):
        return role
    if tag == "time":
        return "time"
    if tag == "cite":
        return "author"
    prop = element.get("itemprop")
    if prop in ("author", "creator"):
        return "author"
    if prop in ("datePublished", "dateCreated", "commentTime"):
        return "time"
    if prop in ("text", "reviewBody"):
        return "body"
    if element.get("rel") == "author":
        return "author"
    names = element.get("class")
    if names is not None and not role:
        for token in names.lower().split():
            if token in _INSIDE:
                return _INSIDE[token]
    return role


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
                inside = [
                    (element, _role_inside(element, marked)) for element in islice(sibling.iter(), 40) if isinstance(element.tag, str)
                ]
                name = name or _innermost([element for element, inner in inside if inner == "author"])
                time = time or _innermost([element for element, inner in inside if inner == "time"])
            if before and name:
                break
    return name, time


def render(
    element: Element, skip: set[Element] | frozenset[Element] = frozenset(), replies: set[Element] | frozenset[Element] = frozenset()
) -> str:
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
        if not isinstance(tag, str) or tag in _SILENT or (node is not element and (node in skip or node in replies)):
            parts.append(" ")
            continue
        block = tag in _BLOCK or tag == "br"
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
