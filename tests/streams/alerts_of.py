"""Alert rules fed with sentences through the real tagger, clusters and ledger, as the pipeline does it, for tests."""

from pathlib import Path

from streams.alerts_engine import Engine
from streams.alerts_preview import Version
from streams.cluster import Clusters, in_cluster
from streams.ledger_claims import blocks_of
from streams.names import resolver
from streams.rules import Rules, load_rules
from streams.rules_places import places_near
from streams.tag import tag
from tests.builders import article
from tests.streams.ledger_of import resources, sides
from tocsin.alerting import Alert
from tocsin.incidents import Incident
from tocsin.records import Tagged


def rules_of(folder: Path, text: str) -> Rules:
    """The rules of a file with this text."""
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules(folder, resolver(resources()), places_near(resources()))


class Feed:
    """Everything between an article's text and what it rings."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.engine = Engine(rules, sides=sides())
        self.clusters = Clusters({})
        self.versions: dict[str, Tagged] = {}
        self.incidents: dict[str, Incident] = {}
        self.passed: list[Version] = []
        self.rang: list[Alert] = []

    def read(
        self, text: str, *, owner: str = "daily", url: str = "", title: str | None = None, at: str = "2024-05-10T10:00:00Z", **more: object
    ) -> tuple[Alert, ...]:
        """Take an article in, published at `at` unless `published_at` is given; return what rings."""
        given = {"published_at": at, "source_id": owner, "source_name": owner.title(), "owner": owner, **more}
        page = article(text, url=url or f"https://{owner}.example/{len(self.passed)}", title=title, at=at, **given)  # type: ignore[arg-type]
        tagged = tag(page, resources())
        clustered = self.clusters.assign(page)
        tagged = in_cluster(tagged, clustered)
        earlier = self.versions.get(page.article_id)
        self.versions[page.article_id] = tagged
        made = self.engine.take(tagged, clustered, blocks_of(earlier, sides()) if earlier is not None else ())
        self.incidents.update({incident.incident_id: incident for incident in made.incidents})
        self.passed.append(Version(tagged, clustered))
        self.rang += made.alerts
        return made.alerts
