import gzip
import zlib

import brotli
import pytest
from backports import zstd

from producers.decode import unchunk, unpack
from tocsin.errors import Quarantine

TEXT = b"News of the day. " * 50


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"5\r\nhello\r\n6;x=1\r\n world\r\n0\r\n\r\n", b"hello world"),
        (b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"0\r\n\r\n", b""),
        (b"<html>not chunked at all", b"<html>not chunked at all"),
        (b"", b""),
    ],
)
def test_chunks_are_joined(data, expected):
    assert unchunk(data) == expected


@pytest.mark.parametrize("data", [b"5\r\nhello\r\n", b"5\r\nhello\r\nzz\r\n", b"5\r\nhello\r\n9\r\nshort"])
def test_chunks_that_end_early_are_refused(data):
    with pytest.raises(Quarantine):
        unchunk(data)


PACKED = [
    ("gzip", gzip.compress(TEXT, mtime=0)),
    ("x-gzip", gzip.compress(TEXT, mtime=0)),
    ("deflate", zlib.compress(TEXT)),
    ("deflate", zlib.compress(TEXT)[2:-4]),
    ("br", brotli.compress(TEXT)),
    ("zstd", zstd.compress(TEXT)),
    ("gzip, br", brotli.compress(gzip.compress(TEXT, mtime=0))),
    ("identity", TEXT),
    ("", TEXT),
    ("gzip", TEXT),
]


@pytest.mark.parametrize(("encoding", "data"), PACKED)
def test_every_compression_of_the_web_is_undone(encoding, data):
    assert unpack(data, encoding, 10_000) == (TEXT, True)


@pytest.mark.parametrize(("encoding", "data"), [*PACKED[:3], *PACKED[4:6]])
def test_a_stream_that_ends_early_says_so(encoding, data):
    unpacked, whole = unpack(data[:-9], encoding, 10_000)
    assert TEXT.startswith(unpacked)
    assert not whole


def test_several_packed_files_in_one_body_are_one_body():
    assert unpack(gzip.compress(TEXT) + gzip.compress(b"More.") + b"\0\0", "gzip", 10_000) == (TEXT + b"More.", True)
    assert unpack(zstd.compress(TEXT) + zstd.compress(b"More."), "zstd", 10_000) == (TEXT + b"More.", True)
    with pytest.raises(Quarantine):
        unpack(gzip.compress(b"") * 1000, "gzip", 10_000)


@pytest.mark.parametrize(("encoding", "data"), PACKED[:6])
def test_nothing_is_unpacked_past_the_cap(encoding, data):
    assert unpack(data, encoding, 100) == (TEXT[:100], True)


@pytest.mark.parametrize(
    ("encoding", "data"), [("br", b"\xff" * 50), ("deflate", b"\xff" * 50), ("gzip", b"\x1f\x8b\xff" + b"x" * 50), ("rot13", TEXT)]
)
def test_what_cannot_be_undone_is_refused(encoding, data):
    with pytest.raises(Quarantine):
        unpack(data, encoding, 1000)
