"""Topics between packages: name, record type, key. The embedded run passes the same records along in one process."""

from typing import NamedTuple

from tocsin import records as r


class Topic(NamedTuple):
    """One topic: what travels on it and what it is keyed by."""

    name: str
    record: type[r.Record]
    key: str  # attribute of the record; "" = one partition


REQUESTS = Topic("requests", r.Request, "host")
FETCHED = Topic("fetched", r.Fetched, "source_id")
INCOMING = Topic("incoming", r.Article, "")  # one partition: the serial stage
ARTICLES = Topic("articles", r.Clustered, "article_id")
TAGGED = Topic("tagged", r.Tagged, "article_id")
SIGHTINGS = Topic("sightings", r.Sighting, "subject")
ALERTS = Topic("alerts", r.Alert, "alert_id")
DROPPED = Topic("dropped", r.Dropped, "url")
FATES = Topic("fates", r.Fate, "url")

ALL = (REQUESTS, FETCHED, INCOMING, ARTICLES, TAGGED, SIGHTINGS, ALERTS, DROPPED, FATES)
