"""Records travel as JSON; what cannot be read is set aside with a reason."""

import pytest

from tests.builders import article
from tocsin.errors import NewerSchema, Quarantine
from tocsin.records import SCHEMA_VERSION, Article
from tocsin.wire import decode, encode


def test_a_record_comes_back_as_it_went() -> None:
    of = article("Shells fell on Mosul.", title="Mosul")
    assert decode(encode(of), Article) == of


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"article_id": 5}',
        b"\xff",
        b'{"article_id": "\xff"}',
        b'{"other": ' + b"[" * 200_000,
        '{"article_id": "\ud800"}',
    ],
)
def test_bytes_of_another_shape_are_set_aside(data: bytes | str) -> None:
    with pytest.raises(Quarantine, match="not a Article"):
        decode(data, Article)


def test_a_record_of_a_newer_schema_is_refused_with_advice() -> None:
    newer = encode(article("Shells fell.", schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(NewerSchema, match="upgrade Tocsin"):
        decode(newer, Article)


def test_a_newer_schema_is_known_even_where_it_has_another_shape() -> None:
    with pytest.raises(NewerSchema, match="schema 9"):
        decode(b'{"article": {"id": 7}, "schema_version": 9}', Article)
