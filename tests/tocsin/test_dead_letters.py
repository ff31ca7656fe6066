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


def test_an_error_that_names_half_a_character_can_be_sent() -> None:
    letter = letter_of(b"k", b"body", "strange: \ud800")
    assert wire.decode(wire.encode(letter), DeadLetter).error == "Quarantine: strange: \\ud800"
