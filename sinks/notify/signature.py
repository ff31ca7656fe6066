"""The signature of a webhook: HMAC-SHA-256 over the time and the body, so that nobody else can write it, nor send it again later.

A receiver may copy `verify`, or do in its own language what it does:

    Tocsin-Timestamp: 1767225600
    Tocsin-Signature: v1=<hex of HMAC-SHA-256(secret, timestamp + "." + body)>
"""

import hashlib
import hmac
from collections.abc import Mapping

TIMESTAMP = "Tocsin-Timestamp"
SIGNATURE = "Tocsin-Signature"
KEY = "Idempotency-Key"
WINDOW = 300
"""Seconds that sender's and receiver's clocks, and the way between them, may take."""


def sign(secret: str, body: bytes, at: int) -> dict[str, str]:
    """Headers that sign a body. `at`: Unix seconds."""
    return {TIMESTAMP: str(at), SIGNATURE: f"v1={_digest(secret, body, str(at))}"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float, window: int = WINDOW) -> bool:
    """Whether a body comes from who knows the secret, and was sent within the window. `headers`: looked up as written here."""
    stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > window:
        return False
    wanted = f"v1={_digest(secret, body, stamp)}".encode()
    return any(hmac.compare_digest(wanted, one.strip().encode()) for one in given.split(","))


def _digest(secret: str, body: bytes, stamp: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
