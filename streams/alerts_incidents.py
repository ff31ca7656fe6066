"""Rules about incidents: tolls, changes of control, contradictions, confirmations, corrections. Decided where claims meet (the ledger).

State: a `told` row a rule and incident (a rule and place for changes of control): what it rang for last; and one an incident that rang at
all, so that a correction reaches those rules. Only what a version says in sentences that are new in it can ring, but for corrections.
Delivered again, the version that rang last rings the same; the backfill lane fills the state and rings nothing.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from msgspec.structs import replace

from streams.alerts_reasons import Heard, Verdict, lateness, stance
from streams.ledger_figures import written
from streams.rules import Rule, Rules
from streams.rules_match import Matches
from tocsin import ids
from tocsin.alerting import Alert, Reason, led_by, together
from tocsin.clock import parse
from tocsin.incidents import ClaimNote, Contradiction, Correction, Incident, LedgerClaim, LedgerClaims, LedgerFigure
from tocsin.quoting import quoted, shortened
from tocsin.records import Claim, Clustered, Named, Record, Tagged
from tocsin.sketch import sentence_hash

_DISPUTED = {
    "figure": "the figure is disputed",
    "perpetrator": "who did it is disputed",
    "holder": "who holds it is disputed",
    "polarity": "whether it happened is disputed",
    "date": "the day is disputed",
}
_TAKEN, _LOST = frozenset({"captured"}), frozenset({"lost"})
_LISTED = 64


class Told(Record, frozen=True, kw_only=True):
    """What a rule rang for last."""

    at: str
    version_id: str
    value: float | None = None  # the toll
    before: float | None = None  # the one it rang for before
    what: tuple[str, ...] = ()  # disputes, holder; of a thread: rules


def noted(said: Sequence[LedgerClaims], tagged: Tagged, clustered: Clustered, matches: Matches) -> tuple[LedgerClaims, ...]:
    """What an article version says in its blocks, with what rules need to know of it."""
    if not said:
        return ()
    article, known = tagged.article, frozenset(clustered.known_sentences)
    claims = {claim.claim_id: (article.text, claim) for claim in tagged.claims}
    claims |= {claim.claim_id: (article.title or "", claim) for claim in tagged.title_claims}
    fresh = {name: claim for name, (text, claim) in claims.items() if not known or _sentence_hash(text, claim) not in known}

    def notes(part: LedgerClaims) -> Iterator[ClaimNote]:
        for told in part.claims:
            claim = fresh.get(told.claim_id)
            if claim is not None:
                start = claim.trigger.start - (claim.sentence_start if claim.scope != "title" else 0)
                end = start + claim.trigger.end - claim.trigger.start
                met = matches.by_claim.get(claim.claim_id, ())
                yield ClaimNote(claim_id=claim.claim_id, modality=claim.modality, met=met, start=start, end=end)

    return tuple(
        replace(
            part,
            notes=tuple(notes(part)),
            url=article.url,
            title=shortened(article.title),
            episode=article.version_id if clustered.previous_version or clustered.correction else "",
            archived=article.raw.uri if article.raw else None,
            versions=f"tagger {tagged.tagger_version}, lexicon {tagged.lexicon_version}",
        )
        for part in said
    )


def _sentence_hash(text: str, claim: Claim) -> str:
    return sentence_hash(text if claim.scope == "title" else text[claim.sentence_start : claim.sentence_end])


class Case(NamedTuple):
    """A rule, an incident that changed, and what this version says of it anew."""

    rule: Rule
    incident: Incident
    said: LedgerClaims
    claims: Sequence[LedgerClaim]
    notes: Mapping[str, ClaimNote]
    told: MutableMapping[str, Told]

    def last(self, subject: str = "") -> Told | None:
        """What the rule rang for last, of this incident."""
        return self.told.get(self.key(subject))

    def tell(self, subject: str = "", *, value: float | None = None, before: float | None = None, what: tuple[str, ...] = ()) -> None:
        """Remember it."""
        self.told[self.key(subject)] = Told(
            at=self.said.at, version_id=self.said.version_id, value=value, before=before, what=what[-_LISTED:]
        )

    def key(self, subject: str) -> str:
        """Of the row."""
        return f"{self.rule.id} {subject or self.incident.incident_id}"

    def reason(self, claim: LedgerClaim, headline: str, why: str, severity: str = "") -> Reason:
        """The card."""
        note = self.notes[claim.claim_id]
        who = claim.source_name if claim.source != self.said.source_id else ""
        subject, name = _subject(self.incident)
        if late := lateness(self.said.at, self.said.published_at, claim.day_from if claim.precision == "day" else None):
            why += f"; {late}"
        if self.incident.independent > 1:
            why += f"; {self.incident.independent} independent origins: {', '.join(self.incident.origins[:5])}"
        return Reason(
            rule_id=self.rule.id,
            rule_kind=self.rule.kind,
            severity=severity or self.rule.severity,  # type: ignore[arg-type]  # one of the four
            subject=subject,
            subject_name=name,
            headline=stance(note.modality, "negative" if claim.stance == "denies" else "affirmative", who) + headline,
            why=why,
            clause=self._clause(claim),
            quote=claim.quote,
            highlight=(note.start, note.end) if note.end <= len(claim.quote) else (0, 0),
            named=tuple(_named(claim)),
            modality=note.modality,
            polarity="negative" if claim.stance == "denies" else "affirmative",
            said_by=who,
            claim_ids=(claim.claim_id,),
            incident_id=self.incident.incident_id,
            independent=self.incident.independent,
        )

    def _clause(self, claim: LedgerClaim) -> str:
        kind = f"claim {claim.type}/{claim.subtype}" if claim.subtype else f"claim {claim.type}"
        return kind if self.rule.when is not None else ""


def _named(claim: LedgerClaim) -> Iterator[Named]:
    """Names of the claim that stand in its sentence as they are."""
    for name, entity_id in (*((a.name, a.entity_id) for a in claim.actors), *((p.name, p.entity_id) for p in claim.places)):
        at = claim.quote.find(name) if name else -1
        if at >= 0:
            yield Named(start=at, end=at + len(name), name=name, entity_id=entity_id)


def judge_incidents(
    said: LedgerClaims,
    changed: Sequence[Incident],
    rules: Rules,
    told: MutableMapping[str, Told],
    heard: Heard | None = None,
) -> tuple[Alert, ...]:
    """What the incidents that one version changed ring. `heard` is told why a rule did not ring."""
    silent = said.backfill or bool(rules.warm_up_until and parse(said.at) < parse(rules.warm_up_until))
    notes = {note.claim_id: note for note in said.notes}
    alerts: list[Alert] = []
    for incident in changed:
        inside = frozenset(incident.claim_ids)
        fresh = [claim for claim in said.claims if claim.claim_id in inside and claim.claim_id in notes]
        reasons: list[Reason] = []
        for rule in _concerned(fresh, notes, rules):
            claims = [claim for claim in fresh if rule.when is None or rule.id in notes[claim.claim_id].met]
            case = Case(rule, incident, said, claims, notes, told)
            found = _KINDS[rule.kind](case)
            if isinstance(found, Reason) and rule.throttle and not silent:
                found = _paced(case, found, rule.throttle)
            if isinstance(found, Reason):
                reasons.append(found)
            elif heard is not None:
                heard(Verdict(rule.id, incident.headline, claims[0].quote if claims else "", found))
        thread = f"thread {incident.incident_id}"
        before = told.get(thread)
        corrected = [*_corrections(incident, said, before, rules)]
        rang = () if silent else _rang(before, reasons, fresh, notes, rules)
        if rang and (before is None or rang != before.what):
            told[thread] = Told(at=said.at, version_id=said.version_id, what=rang)
        if silent:
            if heard is not None:
                for reason in reasons:
                    heard(Verdict(reason.rule_id, incident.headline, reason.quote, "it came through the backfill lane or in the warm-up"))
            continue
        alerts += [_alert(reason, said, incident, rules.version) for reason in (*reasons, *corrected)]
    return together(alerts)


def _rang(
    before: Told | None, reasons: Sequence[Reason], fresh: Sequence[LedgerClaim], notes: Mapping[str, ClaimNote], rules: Rules
) -> tuple[str, ...]:
    """Rules that rang for an incident, so that a correction reaches them; those of kind `any` by the claims that met them."""
    met = [name for claim in fresh for name in notes[claim.claim_id].met if name in rules.by_id and rules.by_id[name].kind == "any"]
    rang = (*(before.what if before is not None else ()), *(reason.rule_id for reason in reasons), *met)
    return tuple(dict.fromkeys(rang))[-_LISTED:]


def _concerned(fresh: Sequence[LedgerClaim], notes: Mapping[str, ClaimNote], rules: Rules) -> Sequence[Rule]:
    if not fresh:
        return ()
    met = dict.fromkeys(name for claim in fresh for name in notes[claim.claim_id].met)
    return [*rules.unconditional, *(rule for name in met if (rule := rules.by_id.get(name)) is not None and rule.kind in _KINDS)]


def _paced(case: Case, reason: Reason, hours: int) -> Reason | str:
    """Hold a ring back for so many hours after the rule's last one for the same place; the next says how many were held."""
    key = f"pause {reason.subject}"
    last, said = case.last(key), case.said
    if last is not None and last.version_id != said.version_id:
        if parse(said.at) - parse(last.at) < timedelta(hours=hours):
            if said.version_id not in last.what:
                case.told[case.key(key)] = replace(last, what=(*last.what, said.version_id)[-_LISTED:])
            return f"throttled: the rule rang for this at {last.at} and then keeps silent for {hours} h"
        case.tell(key, value=float(len(last.what)))
    elif last is None:
        case.tell(key, value=0.0)
    held = int((case.told[case.key(key)].value) or 0)
    return replace(reason, suppressed=held, why=f"{reason.why}; {held} more were held back since it last rang") if held else reason


# --- kinds --------------------------------------------------------------------------------------------------------------


def _quantity(case: Case) -> Reason | str:
    """At least so many people; again when the toll has grown by a fifth. "Over 8,000" counts as 8,000, "up to 60" only as possible."""
    rule = case.rule
    given = [(claim, f) for claim in case.claims if _news(claim) for f in claim.figures if f.role == rule.of_people]
    certain = [(claim, f, least) for claim, f in given if (least := _least(f)) is not None]
    possible = [(claim, f, f.high) for claim, f in given if _least(f) is None and f.high is not None]
    for found, word, severity in ((certain, "", ""), (possible, "possibly ", "info")):
        claim, figure, value = max(found, key=lambda one: one[2], default=(None, None, 0.0))
        if claim is None or figure is None or value < rule.at_least:
            continue
        last = case.last()
        again = last is not None and last.version_id == case.said.version_id
        before = last.before if last is not None and again else last.value if last is not None else None
        if before is not None and not again and value <= before * (1 + rule.grown):
            return f"{before:,.0f} were told already; {value:,.0f} is not {rule.grown:.0%} more"
        case.tell(value=value, before=before)
        rest = f"; told before: {before:,.0f}" if before is not None else ""
        head = f"{word}{written(figure)} {rule.of_people}{_where(case.incident)}"
        return case.reason(claim, head, f"{written(figure)} {rule.of_people}; the rule asks for {rule.at_least:,}{rest}", severity)
    return f"no figure of at least {rule.at_least:,} {rule.of_people} in it"


def _news(claim: LedgerClaim) -> bool:
    return claim.stance == "says" and not claim.background


def _least(figure: LedgerFigure) -> float | None:
    return figure.low if figure.low is not None else figure.value if figure.high is None else None


def _control_change(case: Case) -> Reason | str:
    """A place is said to be taken or lost, by another one than it was told of last."""
    for claim in case.claims:
        if (
            claim.type != "territorial_control"
            or claim.background
            or claim.stance != "says"
            or claim.subtype not in _TAKEN | _LOST
            or not claim.places
        ):
            continue
        place = claim.places[0]
        winner = next((a for a in claim.actors if a.role in ("winner", "holder", "actor")), None) if claim.subtype in _TAKEN else None
        loser = next((a for a in claim.actors if a.role == "loser"), None)
        holder = winner.side or winner.entity_id if winner else f"not {loser.side or loser.entity_id}" if loser else "somebody"
        last = case.last(f"@{place.entity_id}")
        again = last is not None and last.version_id == case.said.version_id and last.what == (holder, case.incident.incident_id)
        if last is not None and not again and _told_before(last, holder, case):
            return f"{place.name}: told already"
        case.tell(f"@{place.entity_id}", what=(holder, case.incident.incident_id))
        who = f" taken by {winner.name}" if winner else f" lost by {loser.name}" if loser else f" {claim.subtype}"
        was = f"; told before: {last.what[0]}" if last is not None and last.what and last.what[0] != holder else ""
        return case.reason(claim, f"{place.name}{who}", f"{place.name} is said to be{who}{was}")
    return "nobody takes or loses a place in it"


def _told_before(last: Told, holder: str, case: Case) -> bool:
    if "somebody" in (holder, *last.what[:1]):
        return case.incident.incident_id in last.what
    return last.what[:1] == (holder,)


def _contradiction(case: Case) -> Reason | str:
    """Claims that cannot both hold, once for each thing they disagree about."""
    last = case.last()
    again = last is not None and last.version_id == case.said.version_id
    before = frozenset(last.what) if last is not None and not again else frozenset()
    found = [one for one in case.incident.contradictions if one.kind not in before]
    mine = [one for one in found if {one.first, one.second} & {claim.claim_id for claim in case.claims}]
    if not mine:
        return "no contradiction that did not ring already"
    case.tell(what=tuple(dict.fromkeys((*before, *(one.kind for one in found)))))
    claim = next(claim for claim in case.claims if claim.claim_id in (mine[0].first, mine[0].second))
    return case.reason(claim, f"Contradiction{_where(case.incident)}: {mine[0].what}", "; ".join(dict.fromkeys(map(_disputed, mine))))


def _disputed(one: Contradiction) -> str:
    return f"{_DISPUTED[one.kind]}: {one.what}"


def _first_confirmation(case: Case) -> Reason | str:
    """A second independent origin says so."""
    last = case.last()
    if not case.incident.confirmed:
        return f"{case.incident.independent} independent origin says so"
    if last is not None and last.version_id != case.said.version_id:
        return "it was confirmed before"
    claim = next((claim for claim in case.claims if claim.stance == "says"), None)
    if claim is None:
        return "this article does not say so"
    case.tell()
    return case.reason(
        claim, f"Confirmed: {case.incident.headline}", f"{case.incident.independent} independent origins, told by different owners"
    )


def _toll_revised(case: Case) -> Reason | str:
    """The best figure of the event has changed by more than a fifth since this rule heard of it."""
    line = next((f for f in case.incident.figures if f.role == case.rule.of_people and not f.extent and f.best is not None), None)
    if line is None or line.best is None:
        return f"no toll of {case.rule.of_people}"
    last = case.last()
    again = last is not None and last.version_id == case.said.version_id
    before = last.before if last is not None and again else last.value if last is not None else None
    claim = next((c for c in case.claims if c.stance == "says" and any(f.role == case.rule.of_people for f in c.figures)), None)
    if before is None or claim is None:
        if last is None:
            case.tell(value=line.best)
        return "the first toll is no revision"
    if abs(line.best - before) <= before * case.rule.grown:
        return f"{line.best:,.0f} is not {case.rule.grown:.0%} from {before:,.0f}"
    case.tell(value=line.best, before=before)
    return case.reason(
        claim,
        f"Toll revised{_where(case.incident)}: {before:,.0f} to {line.best:,.0f} {case.rule.of_people}",
        f"best figure {line.best:,.0f} (by {', '.join(line.by)}) after {before:,.0f}",
    )


_KINDS: Mapping[str, Callable[[Case], Reason | str]] = {
    "quantity": _quantity,
    "control_change": _control_change,
    "contradiction": _contradiction,
    "first_confirmation": _first_confirmation,
    "toll_revised": _toll_revised,
}


# --- corrections --------------------------------------------------------------------------------------------------------


def _corrections(incident: Incident, said: LedgerClaims, thread: Told | None, rules: Rules) -> Iterator[Reason]:
    """What a version takes back of an incident that rang goes to the rules that rang: one reason each."""
    if thread is None:
        return
    found = [one for one in incident.corrections if one.version_id == said.version_id and _matters(one, said)]
    if not found:
        return
    what = "; ".join(dict.fromkeys(_taken_back(one) for one in found))
    quote, start = quoted(said.note, 0, len(said.note), 0, 0) if said.note else (incident.first_quote.text, 0)
    now = next((f"; the toll is now {figure.best:,.0f}" for figure in incident.figures if figure.best is not None), "")
    subject, name = _subject(incident)
    for rule_id in thread.what:
        rule = rules.by_id.get(rule_id)
        yield Reason(
            rule_id=rule_id,
            rule_kind="correction",
            severity=rule.severity if rule is not None else "notice",
            subject=subject,
            subject_name=name,
            headline=f"Correction{_where(incident)}: {what}",
            why=f"this rang before: {incident.first_quote.text}{now}",
            quote=quote,
            highlight=(start, start),
            claim_ids=tuple(one.claim_id for one in found),
            incident_id=incident.incident_id,
            independent=incident.independent,
        )


def _matters(one: Correction, said: LedgerClaims) -> bool:
    """A text that no longer says something, or a toll that rises with an edit, takes nothing back by itself."""
    return one.kind == "retracted" or bool(said.note) or (one.kind == "revised" and _number(one.after) < _number(one.before))


def _number(words: str) -> float:
    digits = "".join(letter for letter in words if letter.isdigit())
    return float(digits or 0)


def _taken_back(one: Correction) -> str:
    after = f", now {one.after}" if one.after else ""
    return f"{one.before} {one.role} {one.kind}{after}"


def _subject(incident: Incident) -> tuple[str, str]:
    """What an alert about an incident is found by: id and name of its place, else of who did it."""
    known = [*((p.entity_id, p.name) for p in incident.places), *((a.entity_id, a.name) for a in incident.actors)]
    return known[0] if known else (incident.incident_id, incident.headline)


def _where(incident: Incident) -> str:
    place = next((place.name for place in incident.places), "")
    return f" in {place}" if place else ""


def _alert(reason: Reason, said: LedgerClaims, incident: Incident, version: str) -> Alert:
    alert = Alert(
        alert_id=ids.alert_id(said.cluster_id, *filter(None, (said.episode,))),
        rule_id="",
        rule_kind="",
        severity="info",
        subject="",
        subject_name="",
        headline="",
        why="",
        quote="",
        highlight=(0, 0),
        article_id=said.article_id,
        version_id=said.version_id,
        cluster_id=said.cluster_id,
        url=said.url,
        title=said.title,
        source_id=said.source_id,
        at=said.at,
        published_at=said.published_at,
        claim_ids=reason.claim_ids,
        rule_version=version,
        rules=(reason,),
        incidents=(incident.incident_id,),
        late=lateness(said.at, said.published_at),
        archived=said.archived,
        versions=said.versions,
    )
    return led_by(alert, reason)
