"""Alert rules fed with sentences through the real tagger, clusters and ledger, as the pipeline does it, for tests."""

from pathlib import Path

from streams.alerts import Hour, Rung, Seen, State, judge
from streams.alerts_incidents import Told, judge_incidents, noted
from streams.cluster import Clusters, in_cluster
from streams.ledger import LedgerState, settle
from streams.ledger_claims import blocks_of, ledger_claims
from streams.names import resolver
from streams.rules import Rules, load_rules
from streams.sightings import sightings
from streams.tag import tag
from tests.builders import article
from tests.streams.ledger_of import resources, sides
from tocsin.alerting import together
from tocsin.incidents import Incident
from tocsin.records import Alert, Tagged


def rules_of(folder: Path, text: str) -> Rules:
    """The rules of a file with this text."""
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules(folder, resolver(resources()))


class Feed:
    """Everything between an article's text and what it rings."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        seen: dict[str, Seen] = {}
        hours: dict[str, Hour] = {}
        rung: dict[str, Rung] = {}
        self.told: dict[str, Told] = {}
        self.state, self.ledger = State(seen, hours, rung), LedgerState({}, {})
        self.clusters = Clusters({})
        self.versions: dict[str, Tagged] = {}
        self.incidents: dict[str, Incident] = {}
        self.articles = 0

    def read(
        self, text: str, *, owner: str = "daily", url: str = "", title: str | None = None, at: str = "2024-05-10T10:00:00Z", **more: object
    ) -> tuple[Alert, ...]:
        """Take an article in, published at `at` unless `published_at` is given; return what rings."""
        self.articles += 1
        given = {"published_at": at, "source_id": owner, "source_name": owner.title(), "owner": owner, **more}
        page = article(text, url=url or f"https://{owner}.example/{self.articles}", title=title, at=at, **given)  # type: ignore[arg-type]
        tagged = tag(page, resources())
        clustered = self.clusters.assign(page)
        tagged = in_cluster(tagged, clustered)
        matches = self.rules.conditions.matches(tagged, clustered)
        alerts = [*judge(sightings(tagged, clustered, self.rules, matches), self.rules, self.state)]
        earlier = self.versions.get(page.article_id)
        before = blocks_of(earlier, sides()) if earlier is not None else ()
        self.versions[page.article_id] = tagged
        for said in noted(ledger_claims(tagged, clustered, sides(), before), tagged, clustered, matches):
            changed = settle(said, self.ledger)
            self.incidents.update({incident.incident_id: incident for incident in changed})
            alerts += judge_incidents(said, changed, self.rules, self.told)
        return together(alerts)
