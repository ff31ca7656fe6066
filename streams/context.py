"""What the tagging steps share about one document, beside its text."""

import msgspec

from tocsin.fold import Folded, fold
from tocsin.records import Segment, Sentence


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One discourse: the text under study and what is known about it. Offsets are code points in `text`.

    For a whole article `text` is title + two newlines + body, so that title and body share senses and references;
    `streams.tag` shifts the offsets back.
    """

    text: str
    folded: Folded
    lang: str  # ISO 639-1 or "und"
    title_length: int = 0  # code points of the title at the head of `text`, 0 if there is none
    published_at: str | None = None
    observed_at: str = ""
    source_id: str = ""
    owner: str = ""
    source_country: str | None = None  # ISO 3166 alpha-2
    affiliated_with: str | None = None  # entity id when the source is a belligerent's media
    author: str | None = None
    segments: tuple[Segment, ...] = ()
    sentences: tuple[Sentence, ...] = ()


def plain_context(text: str, lang: str = "en", published_at: str | None = None) -> Context:
    """Context for a bare text without segments: for tests and exploration."""
    return Context(text=text, folded=fold(text), lang=lang, published_at=published_at)
