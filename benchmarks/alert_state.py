"""What alert rules remember after a million sightings: `python -m benchmarks.alert_state [SIGHTINGS]`.

Sixty days of sightings of 40,000 subjects, a few of them most of the time, judged by a rule of every kind that counts. Printed as the
number grows: rows and encoded megabytes of each table, and microseconds a sighting. What grows with the subjects is `seen`; counts are
kept for eight days; rings are one row a rule and subject.
"""

import random
import sys
import time

import msgspec

from streams.alerts import State, judge
from streams.rules import Rule, Rules
from streams.rules_conditions import Condition
from tocsin.clock import iso_of
from tocsin.records import Sighting

SUBJECTS, DAYS, START = 40_000, 60, 1_714_521_600.0
RULES = Rules(
    [
        Rule(id="new", kind="new_mention", of=("place",)),
        Rule(id="many", kind="threshold", of=("place",), at_least=5),
        Rule(id="peak", kind="spike", of=("place",), at_least=5),
        Rule(id="each", kind="any", when=Condition(place="loc:0")),
    ]
)


def sighting(number: int, most: int, chance: random.Random) -> Sighting:
    """The one of that number; subjects come back by Zipf's law, every third story is a copy."""
    subject = f"loc:{min(SUBJECTS - 1, int(chance.paretovariate(0.5)) - 1)}"
    story = number - number % 3
    person = f"o{number % 50}"
    return Sighting(
        subject=subject,
        kind="place",
        name=subject,
        article_id=f"a_{number:024}",
        version_id=f"v_{number:024}",
        cluster_id=f"k_{story:024}",
        source_id="s",
        owner=person,
        origin_id=person,
        at=iso_of(START + number * DAYS * 86_400 / most),
        published_at=None,
        sure=True,
        fresh=True,
        backfill=False,
        quote="A sentence of it.",
        start=0,
        end=1,
        url="https://x.example/",
        title=None,
    )


def main(most: int = 1_000_000) -> None:
    """Print how the tables grow."""
    chance, state = random.Random(1), State({}, {}, {})  # noqa: S311 - the same in every run
    tables = {"seen": state.seen, "hours": state.hours, "rung": state.rung}
    start = time.process_time()
    for number in range(1, most + 1):
        judge((sighting(number, most, chance),), RULES, state)
        if number % (most // 5) == 0:
            taken = (time.process_time() - start) * 1e6 / number
            sizes = [
                f"{name} {len(table):,} rows {sum(len(msgspec.msgpack.encode(row)) for row in table.values()) / 1e6:.1f} MB"
                for name, table in tables.items()
            ]
            print(f"{number:,} sightings: {', '.join(sizes)}; {taken:.0f} us a sighting", flush=True)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
