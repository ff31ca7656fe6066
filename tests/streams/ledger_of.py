"""A ledger fed with sentences through the real tagger, for tests."""

from functools import cache

from streams.cluster import Clusters
from streams.ledger import LedgerState, settle
from streams.ledger_claims import Sides, blocks_of, ledger_claims, sides_of
from streams.resources import resources_for
from streams.tag import Resources, tag
from tests.builders import article
from tocsin.incidents import Incident, LedgerClaims
from tocsin.records import Tagged
from tocsin.settings import load

AT = "2024-05-10T10:00:00Z"


@cache
def resources() -> Resources:
    """Lexicon, gazetteer and rules, loaded once."""
    return resources_for(load(environment={})[0])


@cache
def sides() -> Sides:
    """Whose organ each known actor is."""
    return sides_of(resources().lexicon)


class Ledger:
    """Everything between an article's text and its incidents, as the pipeline does it."""

    def __init__(self) -> None:
        self.state = LedgerState({}, {})
        self.clusters = Clusters({})
        self.versions: dict[str, Tagged] = {}
        self.incidents: dict[str, Incident] = {}
        self.delivered: list[LedgerClaims] = []

    def read(
        self, text: str, *, owner: str = "daily", url: str = "", title: str | None = None, at: str = AT, **more: object
    ) -> list[Incident]:
        """Take an article in, published at `at` unless `published_at` is given; return the incidents it changed."""
        given = {"published_at": at, "source_id": owner, "source_name": owner.title(), "owner": owner, "sketch": None, **more}
        page = article(text, url=url or f"https://{owner}.example/{len(self.delivered)}", title=title, at=at, **given)  # type: ignore[arg-type]
        tagged, clustered = tag(page, resources()), self.clusters.assign(page)
        earlier = self.versions.get(page.article_id)
        before = blocks_of(earlier, sides()) if earlier is not None else ()
        self.versions[page.article_id] = tagged
        return [incident for said in ledger_claims(tagged, clustered, sides(), before) for incident in self.settle(said)]

    def settle(self, said: LedgerClaims) -> tuple[Incident, ...]:
        """Deliver one message."""
        self.delivered.append(said)
        changed = settle(said, self.state)
        self.incidents.update({incident.incident_id: incident for incident in changed})
        return changed

    def one(self, family: str = "violence") -> Incident:
        """The only incident of a family that stands."""
        found = [incident for incident in self.incidents.values() if incident.family == family and not incident.total]
        assert len(found) == 1, [incident.headline for incident in found]
        return found[0]
