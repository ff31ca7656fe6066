"""`tocsin rules`: alert rules are checked, tried on their examples and on what is stored, and explained."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tocsin.cli.options import config_option, rules_option, settings_from
from tocsin.cli.read import FOUND, NOTHING, data_option, nothing, opened
from tocsin.cli.screen import one_line

if TYPE_CHECKING:
    from streams.alerts_preview import Tally, Version
    from streams.ledger_claims import Sides
    from streams.rules import Rules
    from tocsin.store import Reader

_PAGE = 500  # articles asked for at once


@click.group(
    epilog="""\b
Examples:
  tocsin rules schema > rules.schema.json
  tocsin rules check --rules rules.d
  tocsin rules test --rules rules.d
  tocsin rules explain rsf-in-zamzam https://example.org/darfur
  tocsin rules backtest rsf-in-zamzam --since 30d"""
)
def rules() -> None:
    """Alert rules: check them, try their examples, see what they would have rung, and why one did not ring."""


@rules.command()
def schema() -> None:
    """Print the JSON schema of a file of rules, for completion in editors.

    The first line of a rule file may name it: `# yaml-language-server: $schema=rules.schema.json`.
    """
    from streams.rules import schema as made

    click.echo(schema_text(made()), nl=False)


def schema_text(schema: object) -> str:
    """The schema as it is kept in docs/rules.schema.json."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


@rules.command()
@rules_option
@config_option
def check(rules: str | None, config: Path | None) -> int:
    """Read all rules; exit code 2 and file, line and reason where one is wrong."""
    from streams.resources import rules_for

    found = rules_for(settings_from(config, rules=rules))
    untried = [rule.id for rule in found.all if not (rule.should_fire and rule.should_not_fire) and not rule.id.startswith("watch-")]
    click.echo(f"{len(found.all)} rules, version {found.version}")
    if untried:
        click.echo(f"without examples of both kinds (should_fire, should_not_fire): {', '.join(untried)}")
    return FOUND


@rules.command()
@rules_option
@config_option
def test(rules: str | None, config: Path | None) -> int:
    """Try each rule, alone, on its own examples (should_fire, should_not_fire); exit code 1 where one does not do what it should."""
    from streams.alerts_preview import failures
    from streams.ledger_claims import sides_of
    from streams.resources import resources_for, rules_for

    settings = settings_from(config, rules=rules)
    resources = resources_for(settings)
    found = rules_for(settings, resources)
    examples = sum(len(rule.should_fire) + len(rule.should_not_fire) for rule in found.all)
    failed = list(failures(found, resources, sides_of(resources.lexicon)))
    for one in failed:
        did = "did not ring" if one.should else "rang"
        click.echo(one_line(f"{one.rule_id}: {did}: {one.text}"))
        for why in one.why if one.should else ():
            click.echo(f"    {one_line(why)}")
    click.echo(f"{examples - len(failed)} of {examples} examples as they should be")
    return NOTHING if failed else FOUND


@rules.command()
@click.argument("rule_id", metavar="RULE")
@click.argument("url")
@rules_option
@config_option
@data_option
def explain(rule_id: str, url: str, rules: str | None, config: Path | None, data: str | None) -> int:
    """Why a rule rang for an article, or why not: throttled, unsure, a copy, comment only, out of scope, warm-up, refused."""
    from streams.alerts_preview import replay, unmet

    found, sides = _loaded(config, rules, data)
    rule = found.by_id.get(rule_id)
    if rule is None:
        return nothing(f"no rule {rule_id}; there are {', '.join(one.id for one in found.all)}")
    with opened(data) as store:
        stored = store.article(url)
        if stored is None:
            events = [fate for fate in store.trace(url) if fate.outcome in ("dropped", "failed", "dead-letter")]
            last = f"; it was {events[-1].outcome} at {events[-1].stage}: {events[-1].detail}" if events else ""
            return nothing(f"{url} is not in the store, so no rule saw it{last}")
        wanted = stored.tagged.article.article_id
        told = False
        for one in replay(found.only(rule_id), _versions(store), sides):
            if one.version.tagged.article.article_id != wanted:
                continue
            told = True
            article = one.version.tagged.article
            click.echo(one_line(f"{one.version.clustered.at or article.fetched_at}  {article.version_id}  {article.title or ''}"))
            for alert in one.alerts:
                for reason in alert.rules:
                    click.echo(one_line(f"    rang: {reason.headline}: {reason.why}"))
                    click.echo(one_line(f"    “{reason.quote}”" + (f"  ({reason.clause})" if reason.clause else "")))
            whys = dict.fromkeys((verdict.why, verdict.quote) for verdict in one.verdicts)
            for why, quote in whys if not one.alerts else ():
                click.echo(one_line(f"    did not ring: {why}" + (f": “{quote}”" if quote else "")))
            if not one.alerts and not whys:
                for why in unmet(rule, one.version, found.resolver) or ("nothing in it is about this rule, in one claim or mention",):
                    click.echo(one_line(f"    did not ring: {why}"))
            if one.version.clustered.leader_id != article.article_id:
                click.echo(f"    it is a copy of {one.version.clustered.leader_id}: copies count once")
    return FOUND if told else NOTHING


@rules.command()
@click.argument("rule_id", metavar="[RULE]", required=False)
@click.option("--since", default="30d", show_default=True, metavar="WHEN", help="A date, or so many days: 30d.")
@click.option("--against", metavar="DIR", help="Folder of the rules as they are now: lists what the change adds and loses.")
@rules_option
@config_option
@data_option
def backtest(rule_id: str | None, since: str, against: str | None, rules: str | None, config: Path | None, data: str | None) -> int:
    """What rules would have rung for what is stored: fires per day, what a throttle held back, top sources.

    The memory of the rules is filled with everything older than --since. Articles pass in the order in which they were first seen.
    """
    from streams.alerts_preview import difference, replay, tally

    found, sides = _loaded(config, rules, data)
    if rule_id is not None and rule_id not in found.by_id:
        return nothing(f"no rule {rule_id}; there are {', '.join(one.id for one in found.all)}")
    with opened(data) as store:
        versions = list(_versions(store))
    if not versions:
        return nothing("no article is stored")
    start = _start(since, versions[-1])
    new = tally(replay(found.only(rule_id) if rule_id else found, versions, sides, silent_until=start))
    _print(new)
    if against is not None:
        before, _ = _loaded(config, against, data)
        held = before.only(rule_id) if rule_id and rule_id in before.by_id else before
        added, lost = difference(tally(replay(held, versions, sides, silent_until=start)), new)
        for word, reasons in (("added", added), ("lost", lost)):
            click.echo(f"{word}: {len(reasons)}")
            for reason in reasons:
                click.echo(one_line(f"  {reason.rule_id}: {reason.headline}: “{reason.quote}”"))
    return FOUND


def _loaded(config: Path | None, rules: str | None, data: str | None) -> "tuple[Rules, Sides]":
    from streams.ledger_claims import sides_of
    from streams.resources import names_for, rules_for

    settings = settings_from(config, rules=rules, data=data)
    known = names_for(settings)
    return rules_for(settings, known), sides_of(known.lexicon)


def _versions(store: "Reader") -> "Iterator[Version]":
    """Every stored version, in the order in which they were first seen."""
    from streams.alerts_preview import Version
    from tocsin.store import Query

    found: list[Version] = []
    offset = 0
    while hits := store.search(Query(limit=_PAGE, offset=offset, all_copies=True)).hits:
        offset += len(hits)
        for hit in hits:
            whole = store.article(hit.article_id)
            for version in whole.versions if whole is not None else ():
                one = store.article(version.version_id)
                if one is not None:
                    found.append(Version(one.tagged, one.clustered))
    yield from sorted(found, key=lambda one: (one.clustered.at or one.tagged.article.fetched_at, one.tagged.article.fetched_at))


def _start(since: str, last: "Version") -> str:
    """A date, or days before the last article."""
    from datetime import timedelta

    from tocsin.clock import iso, parse
    from tocsin.errors import UsageError

    try:
        if since.endswith("d") and since[:-1].isdigit():
            return iso(parse(last.clustered.at or last.tagged.article.fetched_at) - timedelta(days=int(since[:-1])))
        return iso(parse(since))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--since {since}: give a date, such as 2024-05-01, or so many days: 30d") from error


def _print(found: "Tally") -> None:
    days = max(1, len(found.by_day))
    click.echo(f"{len(found.alerts)} alerts on {len(found.by_day)} days ({len(found.alerts) / days:.1f} a day)")
    for title, counts in (
        ("day", found.by_day),
        ("rule", found.by_rule),
        ("source", found.by_source),
        ("held back by throttle", found.throttled),
    ):
        for name, count in counts.items():
            click.echo(one_line(f"{title:22} {count:6}  {name}"))
