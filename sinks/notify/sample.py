"""A made-up alert for `tocsin notify test`, with everything that a real one has."""

from sinks.notify.notice import Notice
from tocsin import clock, ids
from tocsin.alerting import Alert
from tocsin.records import Attribution, Claim, ClaimActor, ClaimPlace, Quantity, Trigger

_QUOTE = "A drone struck the market of Sampleton on Monday, killing at least three people, the Sample Doctors Network said."


def sample() -> Notice:
    """The notice. It says that it is a test, and names no real place or party."""
    now = clock.now()
    article = ids.article_id("https://example.org/sample")
    version = ids.version_id(article, "Sample article", _QUOTE)
    start = _QUOTE.index("Sampleton")
    killing = _QUOTE.index("at least three")
    claim = Claim(
        claim_id=ids.claim_id(version, "text", 0, len(_QUOTE), "remote_strike"),
        article_id=article,
        version_id=version,
        type="remote_strike",
        text=_QUOTE,
        start=0,
        end=len(_QUOTE),
        sentence_index=0,
        sentence_start=0,
        sentence_end=len(_QUOTE),
        trigger=Trigger(text="struck", start=8, end=14),
        actors=(ClaimActor(role="speaker", entity_id="org:sample-doctors-network", name="Sample Doctors Network"),),
        places=(ClaimPlace(role="where", entity_id="loc:sampleton", name="Sampleton"),),
        quantities=(
            Quantity(
                text="at least three", start=killing, end=killing + 14, unit="person", value=3, min=3, approx="at_least", role="killed"
            ),
        ),
        attribution=Attribution(
            kind="organisation", source_id="org:sample-doctors-network", source_text="Sample Doctors Network", verb="said"
        ),
        modality="reported",
    )
    alert = Alert(
        alert_id="r_" + ids.digest("sample", now),
        rule_id="sample",
        rule_kind="new_mention",
        severity="notice",
        subject="loc:sampleton",
        subject_name="Sampleton",
        headline="First mention of Sampleton",
        why="this is a test: nothing of it happened",
        quote=_QUOTE,
        highlight=(start, start + len("Sampleton")),
        article_id=article,
        version_id=version,
        cluster_id=ids.cluster_id(version),
        url="https://example.org/sample",
        title="Sample article",
        source_id="sample",
        at=now,
        published_at=now,
        claim_ids=(claim.claim_id,),
    )
    return Notice(kind="test", alert=alert, claim=claim)
