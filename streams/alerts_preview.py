"""What rules would ring: their own examples, and articles that are stored. The same engine as the live run. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.alerts_engine import Engine
from streams.alerts_reasons import Verdict
from streams.cluster import Clusters, in_cluster
from streams.ledger_claims import Sides, blocks_of
from streams.rules import Example, Rule, Rules
from streams.rules_conditions import Condition, Resolver, compiled, words_of
from streams.rules_match import SCOPES, claim_facts
from streams.tag import Resources, given_article, tag
from tocsin.alerting import Alert, Reason
from tocsin.clock import iso_of, parse
from tocsin.fold import fold_key
from tocsin.records import Clustered, Tagged
from tocsin.sketch import sketch

_HOUR = 3600


class Failed(NamedTuple):
    """An example in which a rule did not do what it should."""

    rule_id: str
    text: str
    should: bool
    why: tuple[str, ...]


class Version(NamedTuple):
    """A stored article version."""

    tagged: Tagged
    clustered: Clustered


class Rang(NamedTuple):
    """What one version rang."""

    version: Version
    alerts: tuple[Alert, ...]
    verdicts: tuple[Verdict, ...]


class Tally(NamedTuple):
    """A preview, counted."""

    alerts: tuple[Alert, ...]
    by_day: dict[str, int]
    by_rule: dict[str, int]
    by_source: dict[str, int]
    throttled: dict[str, int]  # rule -> matches held back


def failures(rules: Rules, resources: Resources, sides: Sides) -> Iterator[Failed]:
    """Try each rule, alone, on its own examples."""
    for rule in rules.all:
        for should, examples in ((True, rule.should_fire), (False, rule.should_not_fire)):
            for given in examples:
                example = Example(text=given) if isinstance(given, str) else given
                fired, why = fires(rules, rule, example, resources, sides)
                if fired is not should:
                    yield Failed(rule.id, example.text, should, why)


def fires(rules: Rules, rule: Rule, example: Example, resources: Resources, sides: Sides) -> tuple[bool, tuple[str, ...]]:
    """Whether a rule rings for an example, and what it said when it did not."""
    engine, clusters = Engine(rules.only(rule.id), sides=sides), Clusters({})
    start = parse(example.at).timestamp() - _HOUR * len(example.before)
    verdicts: list[Verdict] = []
    alerts: tuple[Alert, ...] = ()
    for number, text in enumerate((*example.before, example.text)):
        last = number == len(example.before)
        title, source = (example.title, example.source) if last else (None, f"before-{number + 1}")
        verdicts = []
        at = iso_of(start + _HOUR * number)
        page = given_article(f"https://{source}.example/{number}", text, title, lang=example.lang, published_at=at, at=at)
        page = replace(page, source_id=source, source_name=source, owner=source, sketch=sketch(title, text))
        clustered = clusters.assign(page)
        alerts = engine.take(in_cluster(tag(page, resources), clustered), clustered, heard=verdicts.append).alerts
    return bool(alerts), tuple(dict.fromkeys(verdict.why for verdict in verdicts))


def replay(rules: Rules, versions: Iterable[Version], sides: Sides, *, silent_until: str = "") -> Iterator[Rang]:
    """Let stored versions, oldest first, pass the rules again. Before `silent_until` they fill the memory only."""
    engine = Engine(rules, sides=sides)
    latest: dict[str, Tagged] = {}
    for version in versions:
        article = version.tagged.article
        before = latest.get(article.article_id)
        latest[article.article_id] = version.tagged
        verdicts: list[Verdict] = []
        blocks = blocks_of(before, sides) if before is not None else ()
        made = engine.take(version.tagged, version.clustered, blocks, heard=verdicts.append)
        if not silent_until or parse(version.clustered.at or article.fetched_at) >= parse(silent_until):
            yield Rang(version, made.alerts, tuple(verdicts))


def tally(rang: Iterable[Rang]) -> Tally:
    """Count a preview: by day, rule and source."""
    alerts: dict[str, Alert] = {}
    days, rules, sources, held = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for one in rang:
        held.update(verdict.rule_id for verdict in one.verdicts if verdict.why.startswith("throttled"))
        for alert in one.alerts:
            if alert.alert_id not in alerts:
                alerts[alert.alert_id] = alert
                days[alert.at[:10]] += 1
                sources[alert.source_id] += 1
                rules.update({reason.rule_id for reason in alert.rules})
    return Tally(tuple(alerts.values()), dict(sorted(days.items())), dict(rules.most_common()), dict(sources.most_common(10)), dict(held))


def difference(old: Tally, new: Tally) -> tuple[list[Reason], list[Reason]]:
    """(what a change of rules adds, what it loses), by article, rule and subject."""
    before, after = (
        {(alert.version_id, r.rule_id, r.subject, r.headline): r for alert in one.alerts for r in alert.rules} for one in (old, new)
    )
    return [r for key, r in after.items() if key not in before], [r for key, r in before.items() if key not in after]


def unmet(rule: Rule, version: Version, resolver: Resolver) -> tuple[str, ...]:
    """Which parts of a rule's condition an article does not have, or has only where they do not count."""
    facts, unsure, outside = set[str](), set[str](), set[str]()
    tagged = version.tagged
    for mention in (*tagged.title_mentions, *tagged.mentions):
        found = {f"{mention.kind}:{one}" for one in (mention.entity_id, *mention.parent_ids)} | {f"{mention.kind}_type:{mention.type}"}
        (outside if mention.scope not in SCOPES else facts if mention.sure else unsure).update(found)
    for claim in (*tagged.title_claims, *tagged.claims):
        facts |= claim_facts(claim)
    facts |= {f"lang:{tagged.lang}", f"source:{tagged.article.source_id}"}
    words = fold_key(f"{tagged.article.title or ''}\n{tagged.article.text}")
    comments = fold_key(" \n".join((*(comment.text for comment in tagged.article.comments), tagged.article.bio or "")))
    told: list[str] = []
    for label, part, names in _parts(rule.when) if rule.when is not None else ():
        test = compiled(part, resolver)
        have = facts | {f"text:{fold_key(name)}" for name in names if fold_key(name) in words}
        if test.holds(have):
            continue
        if test.holds(have | unsure):
            told.append(f"{label}: only unsure; `unsure: true` lets a rule ring for it")
        elif test.holds(have | unsure | outside) or any(fold_key(name) in comments for name in names):
            told.append(f"{label}: only in comments, captions or the author's biography, which never ring")
        else:
            told.append(f"{label}: not in this article")
    return tuple(told)


def _parts(condition: Condition) -> Iterator[tuple[str, Condition, Sequence[str]]]:
    """(words, condition, names in it) of everything that must hold."""
    for field in condition.__struct_fields__:
        value = getattr(condition, field)
        if field in ("all", "any", "not_", "near") or not value:
            continue
        names = words_of(value)
        yield f"{field} {' or '.join(names)}", Condition(**{field: value}), names
    for part in condition.all:
        yield from _parts(part)
    if condition.any:
        inside = [one for part in condition.any for one in _parts(part)]
        yield " or ".join(label for label, _, _ in inside), Condition(any=condition.any), [n for _, _, names in inside for n in names]
    if condition.near is not None:
        yield f"within {condition.near.km:g} km", Condition(near=condition.near), ()
    if condition.not_ is not None:
        yield "not " + ", ".join(label for label, _, _ in _parts(condition.not_)), Condition(not_=condition.not_), ()
