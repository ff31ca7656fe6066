"""What is the article's own voice, and where its sentences end."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.segment import segment, sentences

BODY = (
    "Fighting resumed near the river on Monday, officials said.\n\n"
    "The army told reporters that two bridges had been closed.\n\n"
    "Residents said the market reopened at noon on Tuesday."
)
BIO = "Anna Kovacs is a freelance journalist based in Tbilisi. She holds a degree in law and contributes to several magazines."
FIRST_PERSON_BIO = (
    "Editor of a student weekly, founding member of the press club. I work as a photographer and hold a certificate in design."
)
COMMENT_A = "I agree with you, my friend. It is time they told us why the bridge is shut!!"
COMMENT_B = "Thanks for this. I think you forget the ferry, which I use every day."


def kinds(text):
    return [(s.kind, text[s.start : s.end]) for s in segment(text)]


def test_a_headline_on_the_first_line_is_a_title():
    assert kinds("Fighting resumes near river\n\n" + BODY)[0] == ("title", "Fighting resumes near river")


def test_a_first_line_that_is_a_sentence_is_body():
    assert [kind for kind, _ in kinds(BODY)] == ["body"]


@pytest.mark.parametrize("bio", [BIO, FIRST_PERSON_BIO, "About the author: she writes from Tbilisi."])
def test_a_closing_biography_is_no_body(bio):
    assert kinds(f"{BODY}\n\n{bio}")[1:] == [("bio", bio)]


@pytest.mark.parametrize(
    "last",
    [
        "Omar Haddad is a journalist who was killed near the bridge on Monday, the union said.",
        "The director of the hospital said eleven people were treated. He told Reuters that most were children.",
        "She is a member of the council, which meets on Friday.",
        "Five people were killed.",
    ],
)
def test_a_real_last_paragraph_stays_body(last):
    assert kinds(f"{BODY}\n\n{last}") == [("body", f"{BODY}\n\n{last}")]


def test_comments_under_names_are_found_with_their_authors():
    text = f"{BODY}\n\nMaria Lopez\n\n{COMMENT_A}\n\nKim Aasen\n\n{COMMENT_B}"
    assert kinds(text)[1:] == [
        ("comment_author", "Maria Lopez"),
        ("comment", COMMENT_A),
        ("comment_author", "Kim Aasen"),
        ("comment", COMMENT_B),
    ]


@pytest.mark.parametrize("heading", ["Comments", "3 comments", "Leave a reply", "Reader comments"])
def test_everything_after_a_comment_heading_is_comments(heading):
    assert [kind for kind, _ in kinds(f"{BODY}\n\n{heading}\n\n{COMMENT_A}")] == ["body", "comment_author", "comment"]


def test_a_subheading_in_title_case_does_not_start_the_comments():
    text = f"{BODY}\n\nMarkets Reopen\n\nTraders said prices had doubled. The ministry confirmed the figures on Friday."
    assert [kind for kind, _ in kinds(text)] == ["body"]


def test_one_paragraph_a_line_is_read_like_paragraphs():
    text = "\n".join([*BODY.split("\n\n"), "The road is open.", "The school is shut.", BIO])
    assert kinds(text)[-1] == ("bio", BIO)


SPLIT = [
    ("The road is open. The school is shut.", ["The road is open.", "The school is shut."]),
    ("Gen. Omar Haddad met Dr. Lee. They spoke.", ["Gen. Omar Haddad met Dr. Lee.", "They spoke."]),
    ("It cost 3.5 million. It broke.", ["It cost 3.5 million.", "It broke."]),
    ("The U.S. army left. It rained.", ["The U.S. army left.", "It rained."]),
    ("It left the U.S. The army stayed.", ["It left the U.S.", "The army stayed."]),
    ("J. R. Okafor spoke at 5 p.m. on Monday. He left.", ["J. R. Okafor spoke at 5 p.m. on Monday.", "He left."]),
    ("“We left.” He nodded.", ["“We left.”", "He nodded."]),
    ("Is it open? Yes! Good.", ["Is it open?", "Yes!", "Good."]),
    ("A headline\nA sentence.", ["A headline", "A sentence."]),
    ("هل سقطت المدينة؟ نعم۔ انتهى.", ["هل سقطت المدينة؟", "نعم۔", "انتهى."]),
    ("停火开始。双方同意。", ["停火开始。", "双方同意。"]),
    ("It ended.Then it began again.", ["It ended.", "Then it began again."]),
    ("See example.com for more.", ["See example.com for more."]),
    ("Погибли 5 тыс. человек. Город занят.", ["Погибли 5 тыс. человек.", "Город занят."]),
]


@pytest.mark.parametrize(("text", "expected"), SPLIT)
def test_sentences_end_where_they_end(text, expected):
    assert [text[s.start : s.end] for s in sentences(text, segment(text))] == expected


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400) | st.text(alphabet="Aa .\n\u200b\u202e?!Ü、。١", max_size=400))
@settings(max_examples=150, deadline=None)
def test_segments_and_sentences_are_ordered_and_inside_the_text(text):
    parts = segment(text)
    assert all(0 <= a.start < a.end <= len(text) for a in parts)
    assert all(a.end <= b.start for a, b in pairwise(parts))
    found = sentences(text, parts)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(text[s.start : s.end].strip() == text[s.start : s.end] != "" for s in found)
