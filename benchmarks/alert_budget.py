"""How often the shipped rules ring on a busy feed: `python -m benchmarks.alert_budget [DAYS] [ARTICLES A DAY]`.

A month of made-up news in which events are what they are in wars: most are small, a few are large, places come back again and again, and
one event is told by several papers in words of their own, with tolls that differ and grow, by two or three sources; every fifth article
is a copy of another. Half of the articles are about none of it. Printed: rings a day (mean, median, most), by rule, and what a throttle
held back; the goal is at most 20 a day. The first three days fill the memory (warm-up) and are not counted.
"""

import random
import statistics
import sys
from collections import Counter
from collections.abc import Iterator

from msgspec.structs import replace

from streams.alerts_engine import Engine
from streams.cluster import Clusters, in_cluster
from streams.ledger_claims import sides_of
from streams.resources import resources_for, rules_for
from streams.tag import given_article, tag
from tocsin.clock import iso_of
from tocsin.records import Article
from tocsin.settings import load
from tocsin.sketch import sketch

START = 1_714_521_600.0  # 1 May 2024
DAY = 86_400
WARM_UP = 3  # days
GOAL = 20
PAPERS = 60
PLACES = (
    *("El Fasher", "Khartoum", "Omdurman", "Nyala", "Wad Madani", "El Obeid", "Zalingei", "Port Sudan", "Kassala", "Aleppo", "Idlib"),
    *("Deir ez-Zor", "Raqqa", "Homs", "Mosul", "Kirkuk", "Baghdad", "Bakhmut", "Kharkiv", "Kherson", "Zaporizhzhia", "Odesa", "Kyiv"),
    *("Goma", "Bukavu", "Bamako", "Gao", "Kidal", "Timbuktu", "Ouagadougou", "Maiduguri", "Mogadishu", "Kismayo", "Gaza City", "Rafah"),
    *("Khan Younis", "Jenin", "Sanaa", "Aden", "Marib", "Hodeidah", "Kabul", "Kandahar", "Mekelle", "Beirut", "Tyre"),
)
ACTORS = (
    "The Rapid Support Forces",
    "The Sudanese army",
    "Russian forces",
    "Ukrainian forces",
    "The Islamic State",
    "Al-Shabaab",
    "The Houthis",
)
ORIGINS = ("the Red Crescent", "Doctors Without Borders", "residents", "medics", "the governor", "local officials", "the United Nations")
DEEDS = (
    "An air strike on {place} killed {n} people on {day}, {origin} said.",
    "{n} people were killed by shelling in {place} on {day}, {origin} said.",
    "Shells that hit a market of {place} on {day} killed {n}, according to {origin}.",
    "A drone strike killed {n} people in {place} on {day}, {origin} reported.",
    "{origin} said that {n} people died in the strike on {place} on {day}.",
)
FIGHTS = (
    "{actor} captured {place} on {day}, {origin} said.",
    "{actor} attacked army positions near {place} on {day}, {origin} said.",
    "{actor} shelled {place} on {day}, {origin} said.",
    "{actor} withdrew from {place} on {day}, {origin} said.",
)
MOVES = ("Fighting displaced {n} people from {place}, {origin} said.", "{n} families fled {place} this week, {origin} said.")
REST = (
    "The port of {place} handled more grain than last year, its director said on {day}.",
    "A football club of {place} won the cup on {day} after extra time.",
    "The price of bread in {place} rose again, traders said on {day}.",
    "Teachers in {place} asked for their wages on {day} and met the minister.",
    "Heavy rain closed the road to {place} on {day} for six hours.",
)
FILLER = (
    "The road had been closed since the morning. Shops opened again in the afternoon.",
    "Buses waited at the edge of the town. A school was used as a shelter.",
    "Nobody could be reached for comment. The telephone network worked at times.",
    "Prices have risen since the winter. The harvest is expected in autumn.",
)
_WEEKDAYS = ("Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday")


class Event:
    """Something that happened: where, on which day, how bad."""

    def __init__(self, chance: random.Random, day: int) -> None:
        self.place = PLACES[min(len(PLACES) - 1, int(chance.paretovariate(0.7)) - 1)]
        self.day = _WEEKDAYS[day % 7]
        kind = chance.random()
        self.forms = DEEDS if kind < 0.6 else FIGHTS if kind < 0.9 else MOVES
        self.toll = min(300, max(1, int(chance.paretovariate(1.1)))) * (60 if self.forms is MOVES else 1)
        self.origins = chance.sample(ORIGINS, 2)
        self.actor = chance.choice(ACTORS)
        self.papers = min(12, int(chance.paretovariate(1.0)))


def feed(days: int, a_day: int, seed: int = 1) -> Iterator[Article]:
    """The articles of so many days, in the order in which they are fetched."""
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    number = 0
    for day in range(days):
        events: list[Event] = []
        reports: list[tuple[float, str]] = []
        while len(reports) < a_day // 2:
            event = Event(chance, day)
            events.append(event)
            told = event.toll
            for _ in range(event.papers):
                told += int(told * chance.choice((0, 0, 0, 0.1, 0.3)))
                n = str(told) if chance.random() < 0.7 else f"at least {told}"
                words = chance.choice(event.forms).format(
                    place=event.place, day=event.day, n=n, origin=chance.choice(event.origins), actor=event.actor
                )
                reports.append((chance.uniform(0, DAY), words[0].upper() + words[1:]))
        for _ in range(a_day - len(reports)):
            words = chance.choice(REST).format(place=chance.choice(PLACES), day=_WEEKDAYS[day % 7])
            reports.append((chance.uniform(0, DAY), words))
        before = ""
        for moment, lead in sorted(reports):
            number += 1
            copied = before and chance.random() < 0.2
            text = before if copied else f"{lead} {' '.join(chance.sample(FILLER, 2))} Report {number} of the desk in town {number % 97}."
            before = text
            paper = f"paper-{chance.randrange(PAPERS)}"
            at = iso_of(START + day * DAY + moment)
            page = given_article(f"https://{paper}.example/{number}", text, None, lang="en", published_at=at, at=at)
            yield replace(page, source_id=paper, source_name=paper, owner=paper, sketch=sketch(None, text))


def main(days: int = 30, a_day: int = 300) -> None:
    """Print the budget."""
    settings = load(environment={})[0]
    resources = resources_for(settings)
    engine, clusters = Engine(rules_for(settings, resources), sides=dict(sides_of(resources.lexicon))), Clusters({})
    rings: dict[str, int] = {}
    by_rule, held, ids = Counter[str](), Counter[str](), set[str]()
    articles = 0
    for page in feed(days + WARM_UP, a_day):
        clustered = clusters.assign(page)
        heard: list[str] = []
        made = engine.take(
            in_cluster(tag(page, resources), clustered),
            clustered,
            heard=lambda v, heard=heard: heard.append(v.rule_id + "|" + v.why),  # type: ignore[misc]
        )
        if page.fetched_at < iso_of(START + WARM_UP * DAY):
            continue
        articles += 1
        rings.setdefault(page.fetched_at[:10], 0)
        held.update(one.split("|")[0] for one in heard if "|throttled" in one)
        for alert in made.alerts:
            if alert.alert_id not in ids:
                ids.add(alert.alert_id)
                rings[page.fetched_at[:10]] += 1
                by_rule.update({reason.rule_id for reason in alert.rules})
    counts = list(rings.values())
    print(f"{articles} articles on {len(counts)} days: {sum(counts)} rings")
    print(
        f"rings a day: mean {statistics.mean(counts):.1f}, median {statistics.median(counts):g}, most {max(counts)} (goal: at most {GOAL})"
    )
    for rule, count in by_rule.most_common():
        print(f"  {rule}: {count} ({count / len(counts):.1f} a day); held back by throttle {held.get(rule, 0)}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:3]))
