"""What an answer means, when the next try is, and the signature."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.notify.outcome import back_off, of_status, retry_after
from sinks.notify.signature import SIGNATURE, TIMESTAMP, sign, verify

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "sent") for status in (200, 202, 204)),
        *((status, "failed") for status in (302, 401, 404, 429, 500, 503)),
        *((status, "refused") for status in (400, 413, 422)),
    ],
)
def test_a_status_speaks_of_the_channel_or_of_the_message(status: int, kind: str) -> None:
    outcome = of_status(status, {}, NOW)
    assert outcome.kind == kind
    assert (f"HTTP {status}" in outcome.why) is (kind != "sent")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("99999999999", 86_400.0),
        ("-5", 0.0),
        ("٣", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds
    assert of_status(429, {"Retry-After": value}, NOW).after == seconds


def test_the_back_off_doubles_up_to_its_limit_and_never_comes_before_what_was_asked() -> None:
    assert [back_off(n, 60, chance=1.0) for n in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]
    assert back_off(3, 60, chance=0.0) == 4
    assert back_off(1, 60, asked=300, chance=0.0) == 300
    assert back_off(10_000, 60, chance=1.0) == 60


@given(st.integers(1, 1000), st.floats(0.1, 3600), st.floats(0, 86_400))
def test_the_back_off_is_spread_and_bounded(failures: int, most: float, asked: float) -> None:
    assert min(most, 2) / 2 <= back_off(failures, most, asked) <= max(most, asked * 1.1)
    assert back_off(failures, most, asked) >= asked


def test_a_signature_is_what_the_documentation_says() -> None:
    headers = sign("secret", b'{"a":1}', int(NOW))
    by_hand = hmac.new(b"secret", b"1767225600." + b'{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {TIMESTAMP: "1767225600", SIGNATURE: f"v1={by_hand}"}
    assert verify("secret", headers, b'{"a":1}', NOW + 299)
    assert verify("secret", {**headers, SIGNATURE: f"v2=abc, v1={by_hand}"}, b'{"a":1}', NOW)


@pytest.mark.parametrize(
    ("changed", "body", "secret", "later"),
    [
        ({}, b'{"a":2}', "secret", 0),
        ({}, b'{"a":1}', "another", 0),
        ({}, b'{"a":1}', "secret", 301),
        ({}, b'{"a":1}', "secret", -301),
        ({TIMESTAMP: "1767225601"}, b'{"a":1}', "secret", 0),
        ({TIMESTAMP: ""}, b'{"a":1}', "secret", 0),
        ({TIMESTAMP: "²"}, b'{"a":1}', "secret", 0),
        ({SIGNATURE: ""}, b'{"a":1}', "secret", 0),
        ({SIGNATURE: "v1=é"}, b'{"a":1}', "secret", 0),
    ],
)
def test_nothing_else_is_verified(changed: dict[str, str], body: bytes, secret: str, later: int) -> None:
    headers = {**sign("secret", b'{"a":1}', int(NOW)), **changed}
    assert not verify(secret, headers, body, NOW + later)
