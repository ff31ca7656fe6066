"""What the panels of the dashboards ask and how they are drawn, as data: charts, saved searches, the map.

The line under each title is shown in Kibana behind the small i of its panel: it says how to read it, and what it cannot tell.
"""

from deploy.kibana.charts import bars, cloud, count, curves, figure, heatmap, moment, number, over_time, percentile, table, values
from deploy.kibana.maps import Map
from deploy.kibana.objects import Search

_CLAIMS = count("Claims")
_STORIES = figure("unique_count", "cluster_id", "Stories")
_SOURCES = figure("unique_count", "owner", "Sources")
_FIRST, _LAST = moment("min", "@timestamp", "First seen"), moment("max", "@timestamp", "Last seen")
_SAID = {"n": _CLAIMS, "stories": _STORIES, "sources": _SOURCES, "last": _LAST}
_SEEN = {"n": _CLAIMS, "stories": _STORIES, "first": _FIRST, "last": _LAST}

# --- claims ---

CLAIMS_TOTAL = number("claims", "Claims", "How many things were said to have happened, each time they were said.", "claims", _CLAIMS)
STORIES_TOTAL = number(
    "stories", "Stories", "Copies of one text counted once: an estimate above some thousands.", "claims", _STORIES, color="#54b399"
)
CLAIMS_OVER_TIME = bars(
    "claims-over-time",
    "Claims over time by type",
    "When it was published. Copies of a text count each time: compare with the number of stories.",
    "claims",
    over_time(),
    _CLAIMS,
    values("type", 8, "y", "Claim type", other=True),
)
TOP_ACTORS = table(
    "top-actors",
    "Top actors",
    "Who is spoken of most, as doer, sufferer or speaker. Sources: different owners.",
    "claims",
    {"actor": values("actor_names", 25, "n", "Actor"), **_SAID},
    by="n",
)
TYPE_BY_PLACE = heatmap(
    "type-by-place",
    "Claim type by place",
    "What happens where: the fifteen places most spoken of.",
    "claims",
    values("place_names", 15, "n", "Place"),
    values("type", 12, "n", "Claim type"),
    _CLAIMS,
)
ACTOR_CLOUD = cloud("actors", "Actors (cloud)", "The larger, the more claims.", "claims", values("actor_names", 30, "n", "Actor"), _CLAIMS)
CLAIMS_MAP = Map(
    "claims",
    "Claims on the map",
    "Clusters from afar, single claims from near (zoom in). Claims of a whole country are left out: they would all lie on its middle.",
    "claims",
    "geo",
    "type",
    ("type", "actor_names", "place_names", "sentence", "modality", "said_by", "url"),
    query='not precision: ("country" or "vague")',
)
LATEST_CLAIMS = Search(
    "claims",
    "Latest claims",
    "Every claim with its sentence, how it is said, who says so, and the page.",
    "claims",
    ("type", "actor_names", "place_names", "sentence", "modality", "said_by", "source_name", "url"),
    breakdown="type",
    widths=(("sentence", 480), ("type", 130), ("modality", 90), ("url", 70)),
)

# --- figures ---

_EVENTS = 'not total: * and not status: "withdrawn"'
_INCIDENTS = count("Incidents")


def _toll(role: str, label: str) -> dict[str, dict[str, object]]:
    """Low, best and high of a role, added up over incidents."""
    ends = (("low", "low"), ("best", "best"), ("high", "high"))
    return {end: figure("sum", f"{role}_{end}", f"{label}, {word}") for end, word in ends}


KILLED_BY_PLACE = table(
    "killed-by-place",
    "Killed, by place",
    "Added up over incidents, so copies count once. An event with two places stands in two rows; totals of roundups are left out. "
    "Where the high end is open (at least 27) it is missing from the sum, which can then be below the low one.",
    "incidents",
    {"place": values("place_names", 50, "best", "Place"), **_toll("killed", "Killed"), "n": _INCIDENTS},
    by="best",
    query=_EVENTS,
)
DISPLACED_BY_PLACE = table(
    "displaced-by-place",
    "Displaced, by place",
    "People, added up over incidents; households are not counted as people.",
    "incidents",
    {"place": values("place_names", 50, "best", "Place"), **_toll("displaced", "Displaced"), "n": _INCIDENTS},
    by="best",
    query=_EVENTS,
)
KILLED_OVER_TIME = bars(
    "killed-over-time",
    "Killed, by day of the event",
    "The best figure of each incident, on the day it is said to have happened.",
    "incidents",
    over_time("event_from", "Day", every="1d"),
    figure("sum", "killed_best", "Killed, best"),
    query=_EVENTS,
)
FIGURES_BY_SOURCE = table(
    "figures-by-source",
    "Figures, by who says so",
    "The largest single figure that each voice gives, and its least: nothing is added up. A high end is missing where it is open.",
    "claims",
    {
        "voice": values("said_by", 50, "n", "Who says so"),
        "n": count("Claims with a figure"),
        "killed": figure("max", "killed_min", "Killed, at least"),
        "killed-most": figure("max", "killed_max", "Killed, at most"),
        "displaced": figure("max", "displaced_min", "Displaced, at least"),
        "displaced-most": figure("max", "displaced_max", "Displaced, at most"),
    },
    by="n",
    query='not type: "assessment" and (killed_min >= 0 or displaced_min >= 0)',
)
DISPUTES = table(
    "disputes",
    "Disputed, by kind",
    "In how many incidents perpetrator, holder, figure, day or the event itself is disputed.",
    "incidents",
    {"kind": values("disputed", 10, "n", "Disputed"), "n": _INCIDENTS, "notes": figure("sum", "contradictions", "Contradictions")},
    by="n",
)
CONTRADICTIONS = Search(
    "contradictions",
    "Contradictions",
    "Incidents of which two claims cannot both hold.",
    "incidents",
    ("headline", "contradiction_notes", "disputed", "killed_low", "killed_best", "killed_high", "claimed_by", "denied_by", "independent"),
    query="contradictions > 0 or disputed: *",
    widths=(("headline", 320), ("contradiction_notes", 280)),
)
TOTALS = Search(
    "totals",
    "Totals and roundups",
    'Sums that somebody gives ("since January"): never added to the events above.',
    "incidents",
    ("headline", "total", "place_names", "killed_low", "killed_best", "killed_high", "displaced_best", "figures_by"),
    query="total: *",
    widths=(("headline", 320),),
)
LATEST_INCIDENTS = Search(
    "incidents",
    "Incidents",
    "One row an event, last spoken of first.",
    "incidents",
    ("headline", "types", "place_names", "killed_low", "killed_best", "killed_high", "independent", "confirmed", "disputed", "best_quote"),
    breakdown="family",
    widths=(("headline", 320), ("best_quote", 400)),
)

# --- actors and places ---

_NEW = "Whoever stands on top was first spoken of last: new within the chosen time range, so choose a long one."
WITH_WHOM = table(
    "with-whom",
    "Who with whom",
    "Two actors of one claim, whatever their roles: who fights, meets, accuses whom.",
    "claims",
    {"pair": values("actor_pairs", 50, "n", "Actors"), **_SEEN},
    by="n",
)
WHO_WHERE = table(
    "who-where",
    "Who where",
    "An actor of a claim and where that is said to have happened.",
    "claims",
    {"pair": values("actor_places", 50, "n", "Actor and place"), **_SEEN},
    by="n",
)
NEW_PAIRS = table(
    "new-pairs",
    "New pairs of actors",
    _NEW,
    "claims",
    {"pair": values("actor_pairs", 25, "first", "Actors"), "first": _FIRST, "last": _LAST, "n": _CLAIMS, "stories": _STORIES},
    by="first",
)
NEW_PLACES = table(
    "new-actor-places",
    "New places of actors",
    _NEW,
    "claims",
    {"pair": values("actor_places", 25, "first", "Actor and place"), "first": _FIRST, "last": _LAST, "n": _CLAIMS, "stories": _STORIES},
    by="first",
)
DOES_WHAT = heatmap(
    "does-what",
    "Said to have done",
    "Claim types of those named as doers.",
    "claims",
    values("type", 12, "n", "Claim type"),
    values("perpetrator_names", 15, "n", "Doer"),
    _CLAIMS,
)
SUFFERS_WHAT = heatmap(
    "suffers-what",
    "Said to have suffered",
    "Claim types of those named as victims.",
    "claims",
    values("type", 12, "n", "Claim type"),
    values("victim_names", 15, "n", "Sufferer"),
    _CLAIMS,
)
WHO_SAYS = table(
    "who-says",
    "Who says so",
    "Voices as they are written; where nobody is cited, the article's source.",
    "claims",
    {"voice": values("said_by", 25, "n", "Who says so"), **_SAID},
    by="n",
)
PLACES = table(
    "places",
    "Places",
    "Where it is said to have happened, with the first and the last word in the time range.",
    "claims",
    {"place": values("place_names", 50, "n", "Place"), **_SEEN},
    by="n",
)
ACTORS_SEEN = table(
    "actors-seen",
    "Actors, first and last seen",
    "Within the time range.",
    "claims",
    {"actor": values("actor_names", 50, "n", "Actor"), **_SEEN},
    by="n",
)

# --- alerts ---

_ALERTS = count("Alerts")
_HELD = figure("sum", "suppressed", "Held back")
ALERTS_TOTAL = number("alerts", "Alerts", "What rang.", "alerts", _ALERTS, color="#e7664c")
HELD_TOTAL = number("held-back", "Held back by throttles", "Matches that a throttle kept from ringing again.", "alerts", _HELD)
ALERTS_OVER_TIME = bars(
    "alerts-over-time",
    "Alerts over time by severity",
    "When they rang.",
    "alerts",
    over_time(),
    _ALERTS,
    values("severity", 5, "y", "Severity"),
)
ALERTS_BY_RULE = table(
    "alerts-by-rule",
    "By rule",
    "An alert that several rules made counts for each. Held back: matches since each of these rang before.",
    "alerts",
    {
        "rule": values("rule_ids", 50, "n", "Rule"),
        "n": _ALERTS,
        "subjects": figure("unique_count", "subject", "Subjects"),
        "held": _HELD,
        "last": moment("max", "@timestamp", "Last rang"),
    },
    by="n",
)
ALERTS_BY_KIND = table(
    "alerts-by-kind",
    "Why: kinds of rules",
    "New mention, threshold, contradiction and so on, of the most urgent reason.",
    "alerts",
    {"kind": values("rule_kind", 20, "n", "Kind of rule"), "n": _ALERTS, "last": moment("max", "@timestamp", "Last rang")},
    by="n",
)
ALERTS_BY_SUBJECT = table(
    "alerts-by-subject",
    "About whom and what",
    "A subject that rings all day needs a throttle, or a narrower rule.",
    "alerts",
    {"subject": values("subject_name", 50, "n", "Subject"), "n": _ALERTS, "held": _HELD, "last": moment("max", "@timestamp", "Last rang")},
    by="n",
)
LATEST_ALERTS = Search(
    "alerts",
    "Latest alerts",
    "What rang and why, with the words that made it ring.",
    "alerts",
    ("severity", "headline", "why", "quote", "rule_ids", "late", "suppressed", "url"),
    breakdown="severity",
    widths=(("headline", 300), ("why", 260), ("quote", 380), ("url", 70)),
)

# --- coverage ---

_GOOD = 'outcome: ("fetched" or "not-modified")'
_BAD = 'outcome: ("failed" or "refused" or "gone" or "slow-down")'
_LOST = 'outcome: ("dropped" or "dead-letter")'
_ARTICLES = count("Articles")
ARTICLES_TOTAL = number("articles", "Articles", "Current versions.", "articles", _ARTICLES)
SOURCES_TOTAL = number(
    "sources-heard",
    "Sources heard",
    "Sources with at least one article in the time range.",
    "articles",
    figure("unique_count", "source_id", "Sources"),
)
FAILURES_TOTAL = number(
    "failures", "Failed requests", "Answers that were none: errors, refusals, gone pages.", "fates", count("Failed"), query=_BAD
)
LOST_TOTAL = number(
    "set-aside", "Refused or set aside", "Pages that were refused, and messages that broke a stage.", "fates", count("Lost"), query=_LOST
)
ARTICLES_OVER_TIME = bars(
    "articles-over-time",
    "Articles over time by source",
    "When they were published. A gap in every colour at once is ours; a gap in one is its source's, or its feed's.",
    "articles",
    over_time(),
    _ARTICLES,
    values("source_id", 12, "y", "Source", other=True),
)
AGAINST_USUAL = table(
    "volume-against-usual",
    "Volume against the weeks before",
    "The last 24 hours beside the same 24 hours one, two and three weeks before: that is the source's usual. From now on backwards, "
    "whatever range is chosen above.",
    "articles",
    {
        "source": values("source_id", 200, "n", "Source"),
        "day": count("Last 24 hours", where='@timestamp >= "now-1d"'),
        "one": count("A week before", where='@timestamp >= "now-8d" and @timestamp < "now-7d"'),
        "two": count("Two weeks before", where='@timestamp >= "now-15d" and @timestamp < "now-14d"'),
        "three": count("Three weeks before", where='@timestamp >= "now-22d" and @timestamp < "now-21d"'),
        "n": count("In four weeks"),
    },
    by="n",
)
SOURCE_BY_DAY = heatmap(
    "source-by-day",
    "Articles by source and time",
    "A row that turns pale is a source that has become quiet, or that we no longer get.",
    "articles",
    over_time(),
    values("source_id", 30, "n", "Source"),
    _ARTICLES,
)
SILENT = table(
    "silent-sources",
    "Longest silent",
    "Of the last thirty days, whoever has been silent longest first. One that never published in them is not in this table.",
    "articles",
    {"source": values("source_id", 50, "last", "Source", rising=True), "last": moment("max", "@timestamp", "Last article"), "n": _ARTICLES},
    by="last",
    rising=True,
)
QUIET_OR_BLIND = table(
    "quiet-or-blind",
    "Quiet or blind?",
    "Good answers and no articles: it is quiet. Failures and no good answer: we are blind. Neither: nobody asked (is the schedule up?).",
    "fates",
    {
        "source": values("source_id", 200, "n", "Source"),
        "n": count("All that happened"),
        "good": count("Good answers", where=_GOOD),
        "bad": count("Failures", where=_BAD),
        "lost": count("Refused or set aside", where=_LOST),
        "last-good": moment("max", "@timestamp", "Last good answer", where=_GOOD),
        "last-bad": moment("max", "@timestamp", "Last failure", where=_BAD),
    },
    by="bad",
)
FAILURES_OVER_TIME = bars(
    "failures-over-time",
    "Failures over time by reason",
    "One reason on many sources at once is our network; one source with one reason is that source.",
    "fates",
    over_time(),
    count("Failures"),
    values("reason", 10, "y", "Reason", other=True),
    query=f"{_BAD} or {_LOST}",
)
LAG_OVER_TIME = curves(
    "lag-over-time",
    "From publication to us, in minutes",
    "Of articles whose time of publication is known to the minute: half and nineteen of twenty came within that.",
    "articles",
    over_time(),
    {"half": figure("median", "lag_minutes", "Half within"), "most": percentile("lag_minutes", 95, "95 % within")},
)
LAG_BY_SOURCE = table(
    "lag-by-source",
    "Lag by source, in minutes",
    "A source that is slow here and fast elsewhere is polled too seldom.",
    "articles",
    {
        "source": values("source_id", 100, "n", "Source"),
        "half": figure("median", "lag_minutes", "Half within"),
        "most": percentile("lag_minutes", 95, "95 % within"),
        "n": figure("count", "lag_minutes", "Articles measured"),
    },
    by="half",
)
LATEST_FAILURES = Search(
    "failures",
    "Failures",
    "Every answer that was none, every refusal, every message that broke a stage.",
    "fates",
    ("source_id", "stage", "outcome", "reason", "status", "detail", "url"),
    breakdown="reason",
    query=f"{_BAD} or {_LOST}",
    widths=(("detail", 420), ("url", 70)),
)
LATEST_ARTICLES = Search(
    "articles",
    "Articles",
    "Every article, newest first.",
    "articles",
    ("title", "source_name", "lang", "actor_names", "place_names", "text", "url"),
    breakdown="source_id",
    widths=(("title", 320), ("text", 480), ("url", 70)),
)
