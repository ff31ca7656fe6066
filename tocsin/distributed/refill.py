"""A new generation of topics gets its state from an older one: article versions are sent once more, through the lane for old material.

More partitions need a new generation, and that begins without state: to its rules every place would be new. The lane updates state and
rings nothing. What an older generation of the services still has to do, they finish.
"""

from collections import Counter
from collections.abc import Callable

from msgspec.structs import replace

from tocsin import topics
from tocsin.broker import Publisher
from tocsin.distributed.log import Log
from tocsin.distributed.material import from_topic
from tocsin.errors import Quarantine, UsageError
from tocsin.records import Page
from tocsin.settings import Settings
from tocsin.sketch import sketch

_FLUSH = 500  # messages between two acknowledgements


def refill(settings: Settings, log: Log, topic: topics.Topic, older: int, told: Callable[[str], None] = lambda _: None) -> Counter[str]:
    """Send every article version that a topic of the generation `older` keeps into the settings' generation, as old material.

    `topic`: articles or incoming. Sent twice, nothing changes (ids). Raises UsageError when a topic is missing, BrokerError.
    """
    if older >= settings.topic_generation:
        raise UsageError(f"topic_generation is {settings.topic_generation}: set it to the new generation, which must come after {older}")
    counts: Counter[str] = Counter()
    name = topics.full_name(settings, topics.INCOMING, "backfill")
    log.end([name])  # raises when it is missing
    publisher = Publisher(settings, "replay")
    try:
        for _, article in from_topic(replace(settings, topic_generation=older), log, topic, counts):
            if isinstance(article, Page):
                continue
            known = article.sketch or sketch(article.title, article.text)
            try:
                publisher.send(topics.INCOMING, "", replace(article, sketch=known, backfill=True), backfill=True)
            except Quarantine:
                counts["too large"] += 1
                continue
            counts["sent"] += 1
            if counts["sent"] % _FLUSH == 0:
                publisher.flush()
                told(f"sent: {counts['sent']:,} article versions")
        publisher.flush()
    finally:
        publisher.close()
    return counts
