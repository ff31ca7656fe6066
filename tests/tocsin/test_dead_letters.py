"""Whatever broke, its dead letter can be sent."""

import pytest

from tocsin import topics, wire
from tocsin.dead_letters import dead_letter
from tocsin.errors import Quarantine
from tocsin.messages import DeadLetter

HALF = topics.MAX_BYTES // 2


def letter_of(key: bytes | None, body: bytes | None, error: str = "it broke") -> DeadLetter:
    return dead_letter("sink", Quarantine(error), topic="tocsin-tagged-1", partition=3, offset=7, key=key, body=body)


@pytest.mark.parametrize(
    ("key", "body", "left"),
    [
        pytest.param(b"k", b"x" * HALF, (b"k", b"x" * HALF), id="fits"),
        pytest.param(b"k", b"x" * (topics.MAX_BYTES - 1000), (b"k", None), id="too large as base64"),
        pytest.param(b"k" * (topics.MAX_BYTES - 1000), b"x", (None, None), id="a key too large"),
        pytest.param(None, None, (None, None), id="nothing"),
    ],
)
def test_a_dead_letter_always_fits_into_a_message(key: bytes | None, body: bytes | None, left: tuple[bytes | None, bytes | None]) -> None:
    letter = letter_of(key, body)
    assert (letter.key, letter.body) == left
    assert len(wire.encode(letter)) <= topics.MAX_BYTES - 1000
    assert ("too large" in letter.error) == (left != (key, body))
    assert (letter.topic, letter.partition, letter.offset) == ("tocsin-tagged-1", 3, 7)


def test_an_error_is_one_line_that_can_be_sent_and_shown_whatever_it_quotes() -> None:
    letter = letter_of(b"k", b"body", "strange: \ud800 \x1b[2J\r\n2018-01-06 all is well \u0645\u0648\u0635\u0644")
    assert wire.decode(wire.encode(letter), DeadLetter).error == (
        "Quarantine: strange: \\ud800 \\x1b[2J 2018-01-06 all is well \u0645\u0648\u0635\u0644"
    )
