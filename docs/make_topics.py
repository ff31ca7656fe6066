"""Write docs/topics.md, and the table of topics in ARCHITECTURE.md. `python docs/make_topics.py`; a test compares both."""

from pathlib import Path

from tocsin import topics
from tocsin.settings import Settings
from tocsin.topic_plan import LIMIT

HEAD = """# Topics of the distributed run

Made by `python docs/make_topics.py` from `tocsin/topics.py`; a test compares the two. Names are of the default prefix and generation.
`tocsin topics create` makes them all, before any service starts; it is safe on every deploy, shows its plan with `--dry-run`, and sets
retention and limits of existing topics only with `--update`.
"""

MIDDLE = """
Every message is one record as JSON, at most {limit:,} bytes. Topics marked "and backfill" have a twin (`{twin}`):
old material travels there, through the same code, and rings nothing. A message is kept for its time since it came to the broker.

## State of the workers

Changelogs are compacted: the broker keeps the last value of each key, from which a worker that takes over a partition reads its state.
"""

TAIL = """
## More partitions

The partition of a key decides where its state lies. The count of an existing topic is therefore never changed: `tocsin topics create`
refuses it. To grow, set `partitions` and the next `topic_generation`, create the topics of that generation, fill its state with
`tocsin replay --from articles --topics 1`, and let the services of the old generation finish ([how](distributed.md#more-partitions)).

## When a service is down for long

Nothing is lost while a service (or Elasticsearch behind the sink) is down for less than the retention: it goes on where it had committed.
Sinks read topics that keep {kept} days or more. When the oldest message that a group has not committed is older than {share:.0%} of its
topic's retention,

- `tocsin topics list --check` leaves with 1 and says which group, how far behind, and what can be done,
- `tocsin topics watch` (a service) is no longer ready, and its /metrics show `tocsin_retention_used_ratio` (1: deleted unread) and
  `tocsin_lag_messages` by group and topic.

That leaves as long again to mend it, or to keep more meanwhile: raise `retention.ms` of the topic on the broker with `kafka-configs`
(`tocsin topics create` reports that it differs and leaves it so). What was deleted unread is counted and named as lost; the archive still
has the pages.
"""


START, END = "<!-- topics: made by docs/make_topics.py -->\n", "<!-- end of topics -->\n"


def short_table() -> str:
    """The topics for ARCHITECTURE.md: what travels, keyed by what, kept how long, whose, read by whom."""
    rows = ["| topic | record | key | kept | owner (writes it) | read by |\n|---|---|---|---|---|---|\n"]
    for topic in topics.ALL:
        marks = ", one partition" * topic.serial + ", with a twin" * topic.twin
        days = f"{topic.retention / topics.DAY:g} days"
        readers = ", ".join(topic.readers)
        rows.append(f"| `{topic.name}`{marks} | `{topic.record.__name__}` | {topic.key} | {days} | {topic.owner} | {readers} |\n")
    for table in topics.TABLES:
        one = ", one partition" if table.serial else ""
        rows.append(
            f"| changelog of `{table.name}` ({table.stage}){one} | a row | its key | last of each key | {table.stage} | {table.stage} |\n"
        )
    return "".join(rows)


def with_table(text: str) -> str:
    """ARCHITECTURE.md with the table as it must be."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{short_table()}{END}{after}"


def as_markdown() -> str:
    """docs/topics.md, whole."""
    settings = Settings(node="any")
    parts = [HEAD, "\n| topic | record | key | partitions | kept | written by | read by |\n|---|---|---|---|---|---|---|\n"]
    for topic in topics.ALL:
        name = f"`{topics.full_name(settings, topic)}`" + (" and backfill" if topic.twin else "")
        days = f"{topic.retention / topics.DAY:g} days"
        parts.append(
            f"| {name} | `{topic.record.__name__}` | {topic.key} | {topics.count_of(settings, topic)} | {days} | {topic.owner} "
            f"| {', '.join(topic.readers)} |\n"
        )
    parts.append(MIDDLE.format(limit=topics.MAX_BYTES, twin=topics.full_name(settings, topics.REQUESTS, "backfill")))
    parts.append("\n| changelog | stage | partitions |\n|---|---|---|\n")
    parts += [
        f"| `{topics.changelog(settings, table)}` | {table.stage} | {topics.count_of(settings, table)} |\n" for table in topics.TABLES
    ]
    kept = min(topic.retention for topic in topics.ALL if "sink" in topic.readers) // topics.DAY
    parts.append(TAIL.format(kept=kept, share=LIMIT))
    return "".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent / "topics.md").write_text(as_markdown(), encoding="utf-8")
    architecture = Path(__file__).parents[1] / "ARCHITECTURE.md"
    architecture.write_text(with_table(architecture.read_text(encoding="utf-8")), encoding="utf-8")
