"""Dead letters as an operator sees them."""

import pytest
from msgspec.structs import replace

from tocsin.dead_letters import dead_letter, redrive_headers, redrives_of
from tocsin.distributed.letters import chosen, decoded, gather, grouped, letter_id, mark_of, named
from tocsin.errors import UsageError
from tocsin.messages import DeadLetter


def letter(offset: int, *, error: str = "no date", stage: str = "cluster", body: bytes | None = b"{}", **more: object) -> DeadLetter:
    made = dead_letter(stage, ValueError(error), topic="tocsin-incoming-1", partition=0, offset=offset, key=b"k", body=body)
    return replace(made, at=f"2018-01-06T10:00:{offset:02d}Z", **more)


def placed(*letters: DeadLetter) -> list[tuple[DeadLetter, int, int]]:
    return [(one, 0, number) for number, one in enumerate(letters)]


def test_a_letter_told_twice_is_one() -> None:
    assert len(gather(placed(letter(1), letter(1), letter(2)))) == 2


def test_two_stages_that_break_on_one_message_are_two_letters() -> None:
    assert letter_id(letter(1)) != letter_id(letter(1, stage="sink"))


def test_a_mark_says_that_a_letter_was_sent_again_and_how_often() -> None:
    first = letter(1)
    once, twice = mark_of(first, 1, "2018-01-07T00:00:00Z"), mark_of(first, 2, "2018-01-08T00:00:00Z")
    (found,) = gather(placed(first, once, twice)).values()
    assert (found.waits, found.sent_again, found.redriven_at, found.redrives) == (False, 2, "2018-01-08T00:00:00Z", 0)
    assert twice.body is None


def test_a_letter_that_comes_again_after_its_mark_waits_again() -> None:
    first = letter(1)
    (found,) = gather(placed(first, mark_of(first, 1, "2018-01-07T00:00:00Z"), first)).values()
    assert found.waits


def test_a_mark_whose_letter_is_no_longer_kept_is_no_letter() -> None:
    assert gather(placed(mark_of(letter(1), 1, "2018-01-07T00:00:00Z"))) == {}


def test_what_broke_alike_is_counted_together() -> None:
    first, second = letter(1, error="no date: soon"), letter(2, error="no date: later", redrives=1)
    other = letter(3, stage="sink")
    found = grouped(gather(placed(first, second, other, mark_of(first, 1, "2018-01-07T00:00:00Z"))).values())
    (alike,) = [group for group in found if group.stage == "cluster"]
    assert (alike.letters, alike.waiting, alike.again, alike.error) == (2, 1, 1, "ValueError: no date: later")
    assert (alike.first_at, alike.last_at) == (first.at, second.at)
    assert len(found) == 2


def test_letters_are_named_by_the_beginning_of_their_id_or_by_their_origin() -> None:
    letters = gather(placed(letter(1), letter(2)))
    one = letters[letter_id(letter(1))]
    assert named(letters, one.letter_id[:8]) == named(letters, "tocsin-incoming-1/0/1") == one
    with pytest.raises(UsageError, match="no dead letter d_nothing"):
        named(letters, "d_nothing")
    with pytest.raises(UsageError, match="write more of it"):
        named(letters, "d_")


def test_all_and_a_fingerprint_take_what_waits_and_an_id_takes_the_letter_whatever_came_of_it() -> None:
    first, second, other = letter(1), letter(2), letter(3, stage="sink")
    letters = gather(placed(first, second, other, mark_of(first, 1, "2018-01-07T00:00:00Z")))
    assert {one.offset for one in chosen(letters, (), None, everything=True)} == {2, 3}
    assert {one.offset for one in chosen(letters, (), first.fingerprint[:6], everything=False)} == {2}
    assert {one.offset for one in chosen(letters, (letter_id(first), letter_id(first)), None, everything=False)} == {1}
    with pytest.raises(UsageError, match="no fingerprints begin with zz"):
        chosen(letters, (), "zz", everything=False)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, ("none", None)),
        (b'{"a": [1]}', ("json", {"a": [1]})),
        (b"not JSON", ("text", "not JSON")),
        (b"\xff\x00\x01", ("bytes", "ff00 01")),
        (b"[" * 100_000, ("text", "[" * 100_000)),
    ],
    ids=["none", "json", "text", "bytes", "deep"],
)
def test_a_message_is_decoded_where_it_can_be(body: bytes | None, expected: tuple[str, object]) -> None:
    kind, value = decoded(body)
    assert (kind, value) == expected or (kind == "bytes" and value.replace(" ", "") == "ff0001")


@pytest.mark.parametrize(
    ("headers", "count"),
    [(None, 0), ([], 0), (redrive_headers(3), 3), ([("other", b"9"), *redrive_headers(1)], 1), ([("tocsin-redrives", b"many")], 0)],
)
def test_how_often_a_message_was_sent_is_read_from_its_headers(headers: list[tuple[str, bytes]] | None, count: int) -> None:
    assert redrives_of(headers) == count
