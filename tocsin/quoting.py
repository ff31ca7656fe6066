"""Quoting a sentence: whole, unless it has no end. Pages without a full stop exist, and each of their findings quotes its sentence."""

LONGEST = 2000
"""Code points of a sentence, or a title, that is quoted whole: a longer one would be there as many times as it has findings."""


def quoted(text: str, first: int, last: int, start: int, end: int) -> tuple[str, int]:
    """The sentence [first, last) of `text`, and where the span [start, end) begins in it; of an endless one what stands around the span."""
    if last - first <= LONGEST:
        return text[first:last], start - first
    left, right = max(first, start - LONGEST // 2), min(last, max(min(end, start + LONGEST), start + LONGEST // 2))
    before, after = "…" * (left > first), "…" * (right < last)
    return f"{before}{text[left:right]}{after}", start - left + len(before)


def shortened(title: str | None) -> str | None:
    """A title that is one; of an endless one the beginning."""
    return title if title is None or len(title) <= LONGEST else f"{title[:LONGEST]}…"
