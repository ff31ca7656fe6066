"""What is made: data views, and the six dashboards with their controls, as data. Their panels are in deploy/kibana/panels.py.

Each dashboard answers one question of a monitoring desk; docs/kibana.md tells how to read them.
"""

from deploy.kibana import panels
from deploy.kibana.boards import Control, Dashboard, Panel, Row, Without
from deploy.kibana.objects import View

VIEWS = (
    View("articles", links=("url", "canonical_url")),
    View("claims", links=("url",), percents=("confidence",)),
    View("incidents"),
    View("alerts", links=("url",)),
    View("fates", links=("url",)),
)
DEFAULT_VIEW = "claims"
"""What Discover opens with."""

# What people say will happen, or think of it, is no event: it is a filter's click away from the dashboards that show events.
_NO_ASSESSMENTS = Without("type", "assessment", "without assessments")
DASHBOARDS = (
    Dashboard(
        "situation",
        "Situation",
        "What is said to be happening, where, and by whom?",
        "claims",
        (
            Control("actor_names", "Actor"),
            Control("place_names", "Place"),
            Control("type", "Claim type"),
            Control("modality", "How it is said"),
            Control("lang", "Language"),
            Control("source_name", "Source"),
        ),
        (
            Row(10, (Panel(panels.CLAIMS_TOTAL, 7), Panel(panels.STORIES_TOTAL, 7), Panel(panels.CLAIMS_OVER_TIME, 34))),
            Row(20, (Panel(panels.CLAIMS_MAP, 28), Panel(panels.TOP_ACTORS, 20))),
            Row(13, (Panel(panels.TYPE_BY_PLACE, 30), Panel(panels.ACTOR_CLOUD, 18))),
            Row(20, (Panel(panels.LATEST_CLAIMS, 48),)),
        ),
        without=_NO_ASSESSMENTS,
    ),
    Dashboard(
        "figures",
        "Figures",
        "How many were killed and displaced, where, according to whom, and what contradicts what?",
        "incidents",
        (Control("place_names", "Place"), Control("countries", "Country"), Control("actor_names", "Actor")),
        (
            Row(12, (Panel(panels.KILLED_OVER_TIME, 48),)),
            Row(15, (Panel(panels.KILLED_BY_PLACE, 24), Panel(panels.DISPLACED_BY_PLACE, 24))),
            Row(15, (Panel(panels.FIGURES_BY_SOURCE, 34), Panel(panels.DISPUTES, 14))),
            Row(16, (Panel(panels.CONTRADICTIONS, 48),)),
            Row(12, (Panel(panels.TOTALS, 48),)),
            Row(16, (Panel(panels.LATEST_INCIDENTS, 48),)),
        ),
        since="now-30d",
    ),
    Dashboard(
        "actor",
        "Actor",
        "What does an actor do, with whom, where, since when, and what is new about that?",
        "claims",
        (Control("actor_names", "Actor"), Control("type", "Claim type"), Control("countries", "Country")),
        (
            Row(11, (Panel(panels.CLAIMS_OVER_TIME, 34), Panel(panels.CLAIMS_TOTAL, 7), Panel(panels.STORIES_TOTAL, 7))),
            Row(15, (Panel(panels.WITH_WHOM, 24), Panel(panels.WHO_WHERE, 24))),
            Row(15, (Panel(panels.NEW_PAIRS, 24), Panel(panels.NEW_PLACES, 24))),
            Row(15, (Panel(panels.DOES_WHAT, 24), Panel(panels.SUFFERS_WHAT, 24))),
            Row(18, (Panel(panels.CLAIMS_MAP, 28), Panel(panels.WHO_SAYS, 20))),
            Row(18, (Panel(panels.LATEST_CLAIMS, 48),)),
        ),
        without=_NO_ASSESSMENTS,
        since="now-90d",
        refresh=300_000,
    ),
    Dashboard(
        "place",
        "Place",
        "Who is active in a place, since when, what happens there, and who has come new?",
        "claims",
        (Control("place_names", "Place"), Control("countries", "Country"), Control("type", "Claim type")),
        (
            Row(11, (Panel(panels.CLAIMS_OVER_TIME, 34), Panel(panels.CLAIMS_TOTAL, 7), Panel(panels.STORIES_TOTAL, 7))),
            Row(15, (Panel(panels.ACTORS_SEEN, 24), Panel(panels.PLACES, 24))),
            Row(15, (Panel(panels.NEW_PLACES, 24), Panel(panels.NEW_PAIRS, 24))),
            Row(18, (Panel(panels.CLAIMS_MAP, 24), Panel(panels.TYPE_BY_PLACE, 24))),
            Row(15, (Panel(panels.FIGURES_BY_SOURCE, 28), Panel(panels.WHO_SAYS, 20))),
            Row(18, (Panel(panels.LATEST_CLAIMS, 48),)),
        ),
        without=_NO_ASSESSMENTS,
        since="now-90d",
        refresh=300_000,
    ),
    Dashboard(
        "alerts",
        "Alerts",
        "What rang, why, how often, and what did throttles hold back?",
        "alerts",
        (Control("severity", "Severity"), Control("rule_ids", "Rule"), Control("subject_name", "Subject")),
        (
            Row(10, (Panel(panels.ALERTS_TOTAL, 7), Panel(panels.HELD_TOTAL, 7), Panel(panels.ALERTS_OVER_TIME, 34))),
            Row(14, (Panel(panels.ALERTS_BY_RULE, 24), Panel(panels.ALERTS_BY_SUBJECT, 24))),
            Row(18, (Panel(panels.LATEST_ALERTS, 36), Panel(panels.ALERTS_BY_KIND, 12))),
        ),
        since="now-7d",
    ),
    Dashboard(
        "coverage",
        "Coverage",
        "Is it quiet, or are we blind?",
        "articles",
        (Control("source_id", "Source"),),
        (
            Row(
                8,
                (
                    Panel(panels.ARTICLES_TOTAL, 12),
                    Panel(panels.SOURCES_TOTAL, 12),
                    Panel(panels.FAILURES_TOTAL, 12),
                    Panel(panels.LOST_TOTAL, 12),
                ),
            ),
            Row(12, (Panel(panels.ARTICLES_OVER_TIME, 48),)),
            Row(16, (Panel(panels.AGAINST_USUAL, 28, since="now-28d"), Panel(panels.SILENT, 20, since="now-30d"))),
            Row(14, (Panel(panels.SOURCE_BY_DAY, 48, since="now-28d"),)),
            Row(16, (Panel(panels.QUIET_OR_BLIND, 48),)),
            Row(12, (Panel(panels.FAILURES_OVER_TIME, 48),)),
            Row(13, (Panel(panels.LAG_OVER_TIME, 24), Panel(panels.LAG_BY_SOURCE, 24))),
            Row(14, (Panel(panels.LATEST_FAILURES, 48),)),
            Row(14, (Panel(panels.LATEST_ARTICLES, 48),)),
        ),
        since="now-7d",
    ),
)
