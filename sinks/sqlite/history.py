"""Reading one thing: an article with its history and copies, alerts, the trace of a URL, the report."""

import json
import re
import sqlite3
import zlib

from sinks.moments import lower
from sinks.spellings import spellings
from sinks.sqlite import incidents
from sinks.terms import facet_name, key
from tocsin import wire
from tocsin.alerting import Alert
from tocsin.errors import UsageError
from tocsin.records import Clustered, Fate, Tagged
from tocsin.store import FacetValue, Report, Stored, Version

_ID = re.compile(r"[avc]_[0-9a-f]*")
_URL = re.compile(r"https?://[^\s<>\"']+")
_HOPS = 20
_FATE = "SELECT id, url, stage, outcome, version_id, article_id, source_id, detail, at, last_at, times FROM fate WHERE "


def unpack(data: bytes) -> Tagged:
    """A tagged document as `document.tagged` keeps it."""
    return wire.decode(zlib.decompress(data), Tagged)


def article(connection: sqlite3.Connection, wanted: str) -> Stored | None:
    """Find an article; see `SqliteStore.article`."""
    number = _find(connection, wanted.strip())
    if number is None:
        return None
    (article_id, cluster_id) = connection.execute("SELECT article_id, cluster_id FROM version WHERE id=?", (number,)).fetchone()
    data, clustered = connection.execute("SELECT tagged, clustered FROM document WHERE id=?", (number,)).fetchone()
    versions = connection.execute(
        "SELECT v.version_id, v.first_seen, d.title, v.claims, v.current FROM version v JOIN document d USING (id)"
        " WHERE v.article_id=? ORDER BY v.last_seen, v.current, v.id",
        (article_id,),
    ).fetchall()
    copies = connection.execute(
        "SELECT article_id FROM version WHERE cluster_id=? AND current AND article_id<>? ORDER BY at, article_id", (cluster_id, article_id)
    ).fetchall()
    alerts_of = connection.execute("SELECT record FROM alert WHERE article_id=? ORDER BY at, alert_id", (article_id,)).fetchall()
    return Stored(
        tagged=unpack(data),
        clustered=wire.decode(clustered, Clustered),
        versions=tuple(Version(version_id=v, fetched_at=f, title=t, claims=c, current=bool(now)) for v, f, t, c, now in versions),
        copies=tuple(copy for (copy,) in copies),
        alerts=tuple(wire.decode(record, Alert) for (record,) in alerts_of),
        incidents=incidents.of_article(connection, article_id),
    )


def version(connection: sqlite3.Connection, version_id: str) -> Tagged | None:
    """One version, current or not."""
    row = connection.execute("SELECT d.tagged FROM document d JOIN version v USING (id) WHERE v.version_id=?", (version_id,)).fetchone()
    return None if row is None else unpack(row[0])


def _find(connection: sqlite3.Connection, wanted: str) -> int | None:
    """Row of the version meant: for an article the current one, for a version or claim that very one."""
    if _ID.fullmatch(wanted):
        after = wanted + "g"  # just behind every id that begins so: digits are hexadecimal
        article_rows = "SELECT article_id, max(id * current) FROM version WHERE article_id >= ? AND article_id < ? GROUP BY 1 LIMIT 2"
        queries = {
            "a": article_rows,
            "v": "SELECT version_id, id FROM version WHERE version_id >= ? AND version_id < ? LIMIT 2",
            "c": "SELECT claim_id, doc FROM claim WHERE claim_id >= ? AND claim_id < ? LIMIT 2",
        }
        rows = connection.execute(queries[wanted[0]], (wanted, after)).fetchall()
        if len(rows) > 1:
            raise UsageError(f"{wanted}: begins more than one id, such as {rows[0][0]} and {rows[1][0]}: give more digits")
        return int(rows[0][1]) if rows else None
    for url in spellings(wanted):
        row = connection.execute(
            "SELECT v.id FROM document d JOIN version v USING (id) WHERE (d.url=? OR d.canonical_url=?)"
            " ORDER BY v.current DESC, v.last_seen DESC LIMIT 1",
            (url, url),
        ).fetchone()
        if row:
            return int(row[0])
    return None


def alerts(connection: sqlite3.Connection, subject: str | None, rule: str | None, since: str | None, limit: int) -> list[Alert]:
    """Alerts, newest first; see `SqliteStore.alerts`."""
    where, values = ["1"], list[object]()
    if subject is not None:
        wanted = subject.strip().encode("utf-8", "replace").decode()
        keys = {wanted, key(wanted)}
        rows = connection.execute(
            "SELECT t.value FROM name n JOIN term t ON t.id=n.term WHERE n.kind IN ('actor','place') AND n.key=?", (key(wanted),)
        )
        keys |= {value for (value,) in rows}
        where.append("alert_id IN (SELECT alert_id FROM alert_subject WHERE key IN (SELECT value FROM json_each(?)))")
        values.append(json.dumps(sorted(keys)))
    if rule is not None:
        where.append("(rule_id=? OR alert_id IN (SELECT alert_id FROM alert_subject WHERE key=?))")
        wanted = rule.encode("utf-8", "replace").decode()
        values += [wanted, f"rule:{wanted}"]
    if since is not None:
        where.append("coalesce(CAST(strftime('%s', at) AS INTEGER), 0) >= ?")
        values.append(lower(since, "--since"))
    values.append(limit if limit > 0 else -1)
    records = connection.execute(f"SELECT record FROM alert WHERE {' AND '.join(where)} ORDER BY at DESC, alert_id LIMIT ?", values)  # noqa: S608 - fixed conditions, values bound
    return [wire.decode(record, Alert) for (record,) in records]


def alert_changes(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, Alert]]:
    """Alerts that are new or have grown; see `SqliteStore.alert_changes`."""
    rows = connection.execute(
        "SELECT seq, record FROM alert_change JOIN alert USING (alert_id) WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    return [(seq, wire.decode(record, Alert)) for seq, record in rows]


def trace(connection: sqlite3.Connection, url: str) -> list[Fate]:
    """Fates of a URL and of what it became; see `SqliteStore.trace`. A repeated one tells how often and when last."""
    todo, urls, articles = spellings(url), set[str](), set[str]()
    found: dict[int, tuple[object, ...]] = {}
    while todo and len(urls) < _HOPS * 8:
        here = todo.pop()
        if here in urls:
            continue
        urls.add(here)
        fates = connection.execute(_FATE + "url=?", (here,)).fetchall()
        known = {row[5] for row in fates if row[5]}
        known |= {
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT v.article_id FROM document d JOIN version v USING (id) WHERE d.url=? OR d.canonical_url=?", (here, here)
            )
        }
        for article_id in known - articles:
            articles.add(article_id)
            fates += connection.execute(_FATE + "article_id=?", (article_id,)).fetchall()
            for pair in connection.execute(
                "SELECT DISTINCT d.url, d.canonical_url FROM document d JOIN version v USING (id) WHERE v.article_id=?", (article_id,)
            ):
                todo += pair
        for row in fates:
            found[row[0]] = row
            todo.append(row[1])
            if row[3] == "redirected":
                todo += _URL.findall(row[7])
    rows = [*found.values(), *_refusals(connection, urls, found)]
    return [_fate(*row) for row in sorted(rows, key=lambda row: (str(row[8]), row[0]))]


def _refusals(connection: sqlite3.Connection, urls: set[str], fates: dict[int, tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Refusals that were written without a fate of their own, in its shape."""
    told = {(row[1], row[2]) for row in fates.values() if row[3] == "dropped"}
    rows = connection.execute(
        "SELECT 0, url, stage, 'dropped', '', NULL, source_id, reason || iif(detail='', '', ': ' || detail), at, last_at, times"
        " FROM dropped WHERE url IN (SELECT value FROM json_each(?)) ORDER BY url, at",
        (json.dumps(sorted(urls)),),
    )
    return [row for row in rows if (row[1], row[2]) not in told]


def _fate(*row: object) -> Fate:
    _, url, stage, outcome, version_id, article_id, source_id, detail, at, last_at, times = row
    again = f"{detail}{' ' if detail else ''}({times} times, last {last_at})" if isinstance(times, int) and times > 1 else detail
    return Fate(
        url=str(url),
        at=str(at),
        stage=str(stage),
        outcome=str(outcome),
        detail=str(again),
        article_id=str(article_id) if article_id else None,
        version_id=str(version_id) or None,
        source_id=str(source_id) if source_id else None,
    )


def report(connection: sqlite3.Connection, top: int) -> Report:
    """Count what is here; see `SqliteStore.report`."""

    def count(sql: str) -> int:
        return int(connection.execute(sql).fetchone()[0] or 0)

    dropped = connection.execute("SELECT stage || ': ' || reason, count(*) FROM dropped GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    return Report(
        articles=count("SELECT count(*) FROM version WHERE current"),
        versions=count("SELECT count(*) FROM version"),
        clusters=count("SELECT count(DISTINCT cluster_id) FROM version WHERE current"),
        claims=count("SELECT sum(claims) FROM version WHERE current"),
        alerts=count("SELECT count(*) FROM alert"),
        incidents=count("SELECT count(*) FROM incident"),
        dropped=dict(dropped),
        sources=_top(connection, "source", top),
        actors=_top(connection, "actor", top),
        places=_top(connection, "place", top),
        claim_types=_top(connection, "claim_type", top),
        langs=_top(connection, "lang", top),
    )


def _top(connection: sqlite3.Connection, kind: str, top: int) -> tuple[FacetValue, ...]:
    rows = connection.execute(
        "SELECT t.value, t.name, (SELECT sum(sure) FROM tag WHERE term=t.id) AS n FROM term t WHERE t.kind=? AND n > 0"
        " ORDER BY n DESC, t.value LIMIT ?",
        (kind, top),
    )
    return tuple(FacetValue(id=value, name=name or facet_name(kind, value), count=count) for value, name, count in rows)
