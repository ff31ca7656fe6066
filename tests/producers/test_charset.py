"""Bytes become the text their writer meant, and a guess is marked as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.charset import decode

RUSSIAN = "Число погибших при ударе по вокзалу выросло, сообщил глава области."
ARABIC = "عادت الكهرباء إلى الحي القديم في مدينة المثال يوم الأحد بعد انقطاع دام أسبوعين"
GERMAN = "Die Brücke über den Fluß ist für Züge gesperrt."


def page(text: str, charset: str | None = None) -> str:
    meta = f'<meta charset="{charset}">' if charset else ""
    return f"<html><head>{meta}</head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "encoding", "meta", "header", "guessed"),
    [
        (RUSSIAN, "utf-8", "utf-8", "text/html; charset=utf-8", False),
        (RUSSIAN, "utf-8", None, None, False),
        ("plain ascii", "utf-8", None, None, False),
        (RUSSIAN, "windows-1251", "windows-1251", None, False),
        (RUSSIAN, "windows-1251", None, "text/html; charset=windows-1251", False),
        (RUSSIAN, "windows-1251", "windows-1251", "text/html; charset=ISO-8859-1", True),
        (RUSSIAN, "windows-1251", "utf-8", "text/html; charset=utf-8", True),
        (ARABIC, "windows-1256", "windows-1256", "text/html", False),
        (GERMAN, "latin-1", None, "text/html; charset=iso-8859-1", False),
        (GERMAN, "utf-8", None, "text/html; charset=iso-8859-1", True),
        (GERMAN, "utf-8", "iso-8859-1", None, True),
        (GERMAN, "utf-8-sig", "iso-8859-1", "text/html; charset=koi8-r", False),
        (GERMAN, "utf-16", None, None, False),
        (GERMAN, "utf-8", "no-such-charset", None, False),
        (GERMAN, "utf-8", "utf-7", None, False),
        (RUSSIAN, "windows-1251", None, None, True),
    ],
)
def test_the_text_is_the_one_that_was_written(text: str, encoding: str, meta: str | None, header: str | None, guessed: bool) -> None:
    decoded = decode(page(text, meta).encode(encoding), header)
    assert text in decoded.text
    assert decoded.guessed is guessed


def test_a_few_broken_bytes_do_not_change_the_charset() -> None:
    data = page(GERMAN * 20, "utf-8").encode().replace("ü".encode(), b"\xc3", 1)
    decoded = decode(data, None)
    assert decoded.charset == "utf-8"
    assert decoded.guessed
    assert decoded.text.count("\ufffd") == 1


@given(st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=40)))
def test_any_bytes_decode(data: bytes, header: str | None) -> None:
    assert isinstance(decode(data, header).text, str)
