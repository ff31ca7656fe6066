"""Text from the web in messages: it steers nothing, pings nobody, links nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.notify.text import Format, Part, foreign, harmless, link, marked, one_line, strong, written

HOSTILE = (
    "\u202egnp.exe\u202c \x1b[31mred\x1b[0m <script>alert(1)</script> @everyone **bold** [x](https://evil.example) `tick` \u2066!\u2069"
)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("a\u202ecba\u202c", "a cba"),
        ("bell\x07 null\x00 escape\x1b[2J", "bell null escape [2J"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # joiners belong to the script
        ("half \ud800 character", "half ? character"),
        ("\U000e0041hidden tag", "hidden tag"),
        (None, ""),
    ],
)
def test_what_cannot_be_seen_is_taken_out(given: str | None, clean: str) -> None:
    assert one_line(given) == clean


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://news.example/a b?q=ä&x=1#top", "https://news.example/a%20b?q=%C3%A4&x=1#top"),
        ("https://news.example/a%20b", "https://news.example/a%20b"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("warc:data/archive/a.warc.gz#12", ""),
        ("https://bank.example@evil.example/", ""),
        ('https://news.example/"><script>', "https://news.example/%22%3E%3Cscript%3E"),
        ("https://[broken", ""),
        (None, ""),
    ],
)
def test_only_web_addresses_become_links(given: str | None, expected: str) -> None:
    assert link(given) == expected


def test_nothing_in_a_quote_pings_or_links() -> None:
    text = harmless("@everyone see https://evil.example www.evil.example javascript:x mail a@b.example")
    assert "@everyone" not in text
    assert "https://" not in text
    assert "www.evil" not in text
    assert text.replace("\u2060", "") == "@everyone see https://evil.example www.evil.example javascript:x mail a@b.example"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", "Title\n“»A« & b <c> *d* _e_”\nhttps://n.example/_x_"),
        (
            "html",
            '<b>Title</b><br/>\n“<b>A</b> &amp; b &lt;c&gt; *d* _e_”<br/>\n<a href="https://n.example/_x_">https://n.example/_x_</a>',
        ),
        ("markdown", "**Title**  \n“**A** & b \\<c\\> \\*d\\* \\_e\\_”  \n<https://n.example/_x_>"),
    ],
)
def test_each_target_gets_its_own_markup_and_no_other(kind: Format, expected: str) -> None:
    quote = [Part("“"), Part("A", "mark"), Part(" & b <c> *d* _e_"), Part("”")]
    assert written([[strong("Title")], quote, [Part(link("https://n.example/_x_"), "link")]], kind) == expected


def test_no_space_stands_inside_the_marks_of_markdown() -> None:
    assert written([[strong("Why: "), Part("so")]], "markdown") == "**Why:** so"


@pytest.mark.parametrize("kind", ["text", "html", "markdown"])
def test_hostile_text_stays_text(kind: Format) -> None:
    shown = written([[Part(foreign(HOSTILE, 500))], marked(HOSTILE, (10, 20), 500)], kind)
    assert not {"\u202e", "\u2066", "\x1b", "\x07"} & set(shown)
    assert "@everyone" not in shown
    assert "https://evil" not in shown
    if kind == "html":
        assert "<script" not in shown
    if kind == "markdown":
        assert "[x]" not in shown
        assert "`tick`" not in shown
        assert "<script" not in shown.replace("\\<", "")


@pytest.mark.parametrize(
    ("text", "span", "most", "shown"),
    [
        ("RSF entered Zamzam camp.", (12, 18), 100, "RSF entered »Zamzam« camp."),
        ("Zamzam fell.", (0, 6), 100, "»Zamzam« fell."),
        ("They took Zamzam", (10, 16), 100, "They took »Zamzam«"),
        ("a" * 50 + " Zamzam " + "b" * 50, (51, 57), 26, "…" + "a" * 10 + " »Zamzam« " + "b" * 10 + "…"),
        ("No span here", (0, 0), 100, "No span here"),
        ("Wrong span", (5, 99), 100, "Wrong span"),
        ("two\nlines of Zamzam\nhere", (13, 19), 100, "two lines of »Zamzam« here"),
    ],
)
def test_the_words_that_rang_are_marked_and_a_long_quote_is_cut_around_them(
    text: str, span: tuple[int, int], most: int, shown: str
) -> None:
    assert written([marked(text, span, most)], "text") == shown


def test_text_that_runs_from_right_to_left_keeps_that_to_itself() -> None:
    parts = marked("قال سكان زمزم", (9, 13), 100)
    shown = written([parts], "text")
    assert shown.startswith("\u2068")
    assert shown.endswith("\u2069")
    assert "»زمزم«" in shown


@given(st.text(max_size=200), st.integers(-5, 210), st.integers(-5, 210), st.integers(1, 100))
def test_any_text_with_any_span_can_be_marked(text: str, start: int, end: int, most: int) -> None:
    for kind in ("text", "html", "markdown"):
        shown = written([marked(text, (start, end), most)], kind)  # type: ignore[arg-type]
        assert "\n" not in shown
        shown.encode()
