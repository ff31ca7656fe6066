"""Readers' comments are found by name, told from the article, and taken out of the page."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import html as lxml_html

from producers.comment_roles import token_roles
from producers.comments import take_comments
from tocsin.records import Comment

RULES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "producers" / "rules" / "comments.yaml").read_text("utf-8"))
BODY = "<div class=article-body>" + "<p>The ferry crossed the lake on Tuesday for the first time since the flood.</p>" * 3 + "</div>"
RANK = ("item", "container", "body", "author", "time", "noise", "wrap", "")


def found(markup: str) -> tuple[list[Comment], str]:
    """The comments of a page and the text that stays in it."""
    tree = lxml_html.document_fromstring(f"<html><body><h1>Ferry</h1>{BODY}{markup}</body></html>")
    return list(take_comments(tree)), " ".join(tree.text_content().split())


@pytest.mark.parametrize("example", RULES["examples"], ids=lambda example: f"{example['class']}#{example.get('id', '')}")
def test_class_and_id_names_give_the_role_that_the_rules_promise(example: dict[str, str]) -> None:
    roles = [token_roles(example["class"])[0], token_roles(example.get("id", ""))[0]]
    assert min(roles, key=RANK.index) == example["role"]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            "<div class=comment><b class=author>Ann</b> <time>1 May</time><p>It was late.</p></div>",
            [Comment(text="It was late.", name="Ann", time="1 May")],
        ),
        (
            "<ul class=comments><li>It was late.</li><li>As ever, I fear.</li></ul>",
            [Comment(text="It was late."), Comment(text="As ever, I fear.")],
        ),
        (
            "<div class=comment id=comment-1><div class=comment-text>It was late.</div><div class=replies>"
            "<div class=comment id=comment-2><div class=comment-text>As ever.</div></div></div></div>",
            [Comment(text="It was late."), Comment(text="As ever.")],
        ),
        (
            "<div class=comment-item><b class=comment-author>Ann says:</b><div class=comment-body>It was late.<br>Very late.</div></div>",
            [Comment(text="It was late.\nVery late.", name="Ann")],
        ),
        (
            "<div class=comment><p>Par Anne M., le 3 mai 2019 à 10h12</p><p>En retard.</p></div>",
            [Comment(text="En retard.", name="Anne M.", time="3 mai 2019 à 10h12")],
        ),
        ("<div id=comments><div class=comment>Reply</div><p>Leave a comment</p></div>", []),
        ("<div class=comment><a href=/1>The old pier is to be torn down</a></div>", []),
        ("<div class=comment-count>12 comments</div><i class='fa fa-comment'></i>", []),
        ("<div class=widget_recent_comments><ul id=recentcomments><li>Ann on <a href=/x>Another</a></li></ul></div>", []),
        (
            "<div class=comment><p>It was late.</p></div>" * 2 + "<noscript><div class=comment><p>It was late.</p></div></noscript>",
            [Comment(text="It was late.")],
        ),
    ],
    ids=["name-time", "plain-list", "reply", "says", "byline", "buttons", "teaser", "counts", "recent", "twice"],
)
def test_comments_are_told_from_names_buttons_and_teasers(markup: str, expected: list[Comment]) -> None:
    assert found(markup)[0] == expected


def test_what_was_taken_is_no_longer_in_the_page_and_the_article_is() -> None:
    comments, rest = found(
        "<section id=comments><h3>1 comment</h3><div class=comment><p>It was late.</p></div><form>Write</form></section>"
    )
    assert [comment.text for comment in comments] == ["It was late."]
    assert "late" not in rest
    assert rest.count("The ferry crossed") == 3


def test_a_page_wholly_inside_something_called_comments_keeps_its_article() -> None:
    tree = lxml_html.document_fromstring(
        f"<html><body><div class=comments><h1>Ferry</h1>{BODY}<div class=comment><p>It was late.</p></div></div></body></html>"
    )
    assert [comment.text for comment in take_comments(tree)] == ["It was late."]
    assert tree.text_content().count("The ferry crossed") == 3


def test_one_long_nameless_comment_is_an_opinion_piece() -> None:
    opinion = "<p>" + "The city should build the bridge and stop talking about it. " * 30 + "</p>"
    tree = lxml_html.document_fromstring(f"<html><body><div class=kommentar>{opinion}</div></body></html>")
    assert take_comments(tree) == ()
    assert "stop talking" in tree.text_content()


@pytest.mark.parametrize(
    "heading", ["3 Comments", "Kommentare (2)", "Commentaires", "Комментарии", "التعليقات (2)", "2 Responses to Ferry"]
)
def test_a_heading_opens_the_comments_where_no_name_does(heading: str) -> None:
    comments, rest = found(
        f"<h3>{heading}</h3><div><p>It was late again today.</p></div><h3>Weather</h3><div><p>Rain is expected tonight.</p></div>"
    )
    assert [comment.text for comment in comments] == ["It was late again today."]
    assert "Rain is expected" in rest
    assert "late again" not in rest


def test_a_heading_that_only_contains_the_word_opens_nothing() -> None:
    assert found("<h3>Governor comments on ferry</h3><p>He was glad to see it return.</p>")[0] == []
