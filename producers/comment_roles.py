"""The part an element plays in a comment section, read from the names sites give it (`rules/comments.yaml`).

Roles: container (a row of comments), item (one comment), body (what the reader wrote), author, time, noise (buttons, counts, forms),
wrap (a frame that says nothing by itself).
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from lxml.etree import _Element as Element

from producers.render import SILENT
from tocsin.yaml_file import read_yaml

RULES: dict[str, Any] = read_yaml(Path(__file__).parent / "rules" / "comments.yaml").value
_SINGULAR = frozenset(RULES["singular"])
_PLURAL = frozenset(RULES["plural"])
_NEVER = tuple(RULES["never"])
_NOT_AFTER = frozenset(RULES["not_after"])
_SUFFIX_ROLE: dict[str, str] = {word: role for role, words in RULES["roles"].items() for word in words}
_INSIDE: dict[str, str] = {word: role for role, words in RULES["inside"].items() for word in words}
_ALL = _SINGULAR | _PLURAL
# The shortest words that all others contain: a cheap first look at an attribute.
_STEMS = tuple(sorted(word for word in _ALL if not any(other != word and other in word for other in _ALL)))
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zà-ÿ]+|[A-Z]+|\d+")
_COMMENT_WORD = re.compile("(" + "|".join(sorted(_ALL, key=len, reverse=True)) + ")(.*)$")
_SCHEMA_ITEM = re.compile(r"schema\.org/(?:User)?Comments?$", re.IGNORECASE)
_PRIORITY = ("item", "container", "body", "author", "time", "noise", "wrap")

_NEVER_ROLE = SILENT | {"html", "body", "head", "main", "link", "meta", "img", "i", "use", "path"}


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


def role_inside(element: Element, marked: Marked) -> str:
    """Role of an element inside a comment, where plain names like "author" or <time> are enough."""
    tag = element.tag
    if tag in SILENT:
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
