"""Records that exist only on topics: what one service hands another, made of the records that the stages know (tocsin.records)."""

from tocsin.records import SCHEMA_VERSION, Article, Clustered, Record, Sighting, Tagged


class Placed(Record, frozen=True, kw_only=True):
    """An article version with its place among the others: what the clustering stage hands to the tagger."""

    article: Article
    clustered: Clustered
    schema_version: int = SCHEMA_VERSION


class Document(Record, frozen=True, kw_only=True):
    """Everything known of one article version once it is tagged: what sinks keep."""

    tagged: Tagged
    clustered: Clustered
    schema_version: int = SCHEMA_VERSION


class Sightings(Record, frozen=True, kw_only=True):
    """Sightings whose subjects share a partition, of one or several articles, in order: one message instead of many."""

    found: tuple[Sighting, ...]
    schema_version: int = SCHEMA_VERSION


class DeadLetter(Record, frozen=True, kw_only=True):
    """A message that broke a stage, whole, with where it came from: it can be looked at, and sent again once the cause is mended."""

    stage: str  # schedule | fetch | cluster | tag | alerts | ledger | sink
    error: str  # one line: the kind of error and what it said
    trace: str = ""  # where in our code, for whoever mends it
    at: str
    topic: str  # full name of the topic it was read from
    partition: int
    offset: int
    key: bytes | None = None
    body: bytes | None = None  # as it was read; null: the message had none
    fingerprint: str = ""  # of stage, error and topic: what broke alike is counted together
    redrives: int = 0  # times it was sent again
    redriven_at: str | None = None  # set: not a failure but the mark that the letter of this origin was sent again, and when
    schema_version: int = SCHEMA_VERSION
