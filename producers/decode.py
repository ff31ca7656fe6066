"""Undo what HTTP did to a body: chunks (RFC 9112 section 7.1) and compression, never past a cap."""

import zlib
from collections.abc import Callable
from typing import Any

import brotli
from backports import zstd

from tocsin.errors import Quarantine

_MAX_MEMBERS = 256  # each restarts the decompressor over the rest of the data: thousands would take quadratic time


def unchunk(data: bytes) -> bytes:
    """Join the chunks of a body. Data that is not chunked comes back as it is: many archives undo the chunks and keep the header.

    Raises Quarantine when the chunks end early.
    """
    pieces: list[bytes] = []
    at = 0
    while True:
        line = data.find(b"\r\n", at)
        size = data[at:line].partition(b";")[0].strip() if line >= 0 else b""
        try:
            length = int(size, 16)
        except ValueError:
            length = -1
        if length < 0 or not size.isalnum():
            if not pieces:
                return data
            raise Quarantine("chunks that end early")
        if length == 0:
            return b"".join(pieces)
        start = line + 2
        if start + length > len(data):
            if not pieces:
                return data
            raise Quarantine("chunks that end early")
        pieces.append(data[start : start + length])
        at = start + length + 2


def unpack(data: bytes, encoding: str, cap: int) -> tuple[bytes, bool]:
    """Decompress a body, at most `cap` bytes of it; `encoding` is the Content-Encoding header. False: the compressed stream ends early.

    A body that is plain already comes back as it is: some servers, and many archives, unpack and keep the header.
    Raises Quarantine when it cannot be decompressed, or the encoding is unknown.
    """
    whole = True
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        try:
            data, complete = _unpack_one(data, name, cap)
        except (zlib.error, brotli.error, zstd.ZstdError) as error:
            raise Quarantine(f"{name}: cannot be decompressed: {error}") from error
        whole = whole and (complete or len(data) >= cap)
    return data, whole


def _unpack_one(data: bytes, name: str, cap: int) -> tuple[bytes, bool]:
    if name in ("gzip", "x-gzip"):
        return _members(data, cap, lambda: zlib.decompressobj(wbits=31), b"\x1f\x8b")
    if name == "zstd":
        return _members(data, cap, zstd.ZstdDecompressor, b"\x28\xb5\x2f\xfd")
    if name == "deflate":
        for bits in (15, -15):  # with the header, as it should be, or without, as some servers send it
            unpacker = zlib.decompressobj(wbits=bits)
            try:
                return unpacker.decompress(data, cap), unpacker.eof
            except zlib.error:
                if bits < 0:
                    raise
    if name == "br":
        brotlis = brotli.Decompressor()
        unpacked = bytes(brotlis.process(data, output_buffer_limit=cap))
        return unpacked[:cap], bool(brotlis.is_finished())
    if name == "identity":
        return data, True
    raise Quarantine(f"unknown content encoding {name[:40]!r}")


def _members(data: bytes, cap: int, unpacker: Callable[[], Any], magic: bytes) -> tuple[bytes, bool]:
    """Unpack a body that may be several compressed files one after the other; what follows the last is padding."""
    if not data.startswith(magic):
        return data, True
    pieces: list[bytes] = []
    room = cap
    for _ in range(_MAX_MEMBERS):
        member = unpacker()
        piece = member.decompress(data, room)
        pieces.append(piece)
        room -= len(piece)
        data = member.unused_data
        if not member.eof or room <= 0 or not data.startswith(magic):
            return b"".join(pieces), bool(member.eof)
    raise Quarantine(f"more than {_MAX_MEMBERS} compressed files in one body")
