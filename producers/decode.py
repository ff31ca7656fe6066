"""Undo what HTTP did to a body that was archived as it came: chunks (RFC 9112 section 7.1) and compression, never past a cap."""

import zlib

import brotli
from backports import zstd

from tocsin.errors import Quarantine


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


def unpack(data: bytes, encoding: str, cap: int) -> bytes:
    """Decompress a body, at most `cap` bytes of it; `encoding` is the Content-Encoding header.

    A body that is plain already comes back as it is: many archives unpack and keep the header.
    Raises Quarantine when it cannot be decompressed, or the encoding is unknown.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        try:
            data = _unpack_one(data, name, cap)
        except (zlib.error, brotli.error, zstd.ZstdError) as error:
            raise Quarantine(f"{name}: cannot be decompressed: {error}") from error
    return data


def _unpack_one(data: bytes, name: str, cap: int) -> bytes:
    if name in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=31).decompress(data, cap) if data.startswith(b"\x1f\x8b") else data
    if name == "deflate":
        try:
            return zlib.decompressobj().decompress(data, cap)
        except zlib.error:
            return zlib.decompressobj(wbits=-15).decompress(data, cap)  # without the header, as some servers send it
    if name == "br":
        return bytes(brotli.Decompressor().process(data, output_buffer_limit=cap))[:cap]
    if name == "zstd":
        return zstd.ZstdDecompressor().decompress(data, cap) if data.startswith(b"\x28\xb5\x2f\xfd") else data
    if name == "identity":
        return data
    raise Quarantine(f"unknown content encoding {name[:40]!r}")
