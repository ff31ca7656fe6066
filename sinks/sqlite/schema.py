"""The tables, and which schema version a file has.

Every version of an article is kept; `version.current` marks the one that search sees. Only current versions have rows in `tag`,
for filtering, and numbers in `terms`, for counting: adding up 100,000 short arrays takes a tenth of the time of GROUP BY.
The full-text table is contentless (the text lives once, compressed, in `document`) and only ever grows: an old version stays
indexed and is left out by `current`.
"""

import sqlite3

from sinks.sqlite.incidents import TABLES as INCIDENT_TABLES
from tocsin.sqlite_file import schema_version
from tocsin.state_table import TABLE as STATE_TABLE

SCHEMA = 3
"""PRAGMA user_version. Raise it with every change of the tables: an older Tocsin then says so instead of failing."""

APPLICATION = 0x746F6373
"""PRAGMA application_id ("tocs"): tells our file from any other SQLite file."""

TABLES = """
CREATE TABLE version (
    id INTEGER PRIMARY KEY,             -- rowid of document and words
    version_id TEXT NOT NULL UNIQUE,
    article_id TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    lang TEXT NOT NULL,
    at INTEGER NOT NULL,                -- seconds since 1970: published, else first fetched
    first_seen TEXT NOT NULL,           -- earliest and latest fetched_at of this very text
    last_seen TEXT NOT NULL,
    claims INTEGER NOT NULL,
    current INTEGER NOT NULL,           -- 1: what the page says now
    terms BLOB NOT NULL DEFAULT ''      -- of a current one: numbers of its terms, 4 bytes each, little-endian; unsure ones negative
);
CREATE INDEX version_article ON version(article_id);
CREATE UNIQUE INDEX version_current ON version(article_id) WHERE current;
CREATE INDEX version_cluster ON version(cluster_id) WHERE current;
CREATE INDEX version_at ON version(at, id) WHERE current;

CREATE TABLE document (
    id INTEGER PRIMARY KEY REFERENCES version(id),
    url TEXT NOT NULL,
    canonical_url TEXT NOT NULL,
    title TEXT,
    tagged BLOB NOT NULL,               -- zlib of the record's JSON
    clustered BLOB NOT NULL             -- the record's JSON
);
CREATE INDEX document_url ON document(url);
CREATE INDEX document_canonical ON document(canonical_url);

CREATE VIRTUAL TABLE words USING fts5(title, body, content='', tokenize='ascii');

CREATE TABLE term (                     -- what can be filtered by and counted
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- actor class place claim_type claim_subtype modality source lang
    value TEXT NOT NULL,                -- entity id, type, source id, ...
    name TEXT,
    UNIQUE (kind, value)
);
CREATE TABLE name (                     -- folded names and aliases of a term
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    term INTEGER NOT NULL REFERENCES term(id),
    PRIMARY KEY (kind, key, term)
) WITHOUT ROWID;
CREATE TABLE tag (                      -- current versions only
    doc INTEGER NOT NULL REFERENCES version(id),
    term INTEGER NOT NULL REFERENCES term(id),
    sure INTEGER NOT NULL,              -- 0: found by filters, not counted
    PRIMARY KEY (term, doc)
) WITHOUT ROWID;

CREATE TABLE claim (                    -- of every version; join version.current to leave history out
    claim_id TEXT PRIMARY KEY,
    doc INTEGER NOT NULL REFERENCES version(id),
    type TEXT NOT NULL,
    subtype TEXT NOT NULL,
    modality TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX claim_doc ON claim(doc);
CREATE INDEX claim_type ON claim(type, subtype, modality, doc);
CREATE INDEX claim_modality ON claim(modality, doc);

CREATE TABLE alert (
    alert_id TEXT PRIMARY KEY,
    rule_id TEXT NOT NULL,
    at TEXT NOT NULL,
    article_id TEXT NOT NULL,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX alert_at ON alert(at);
CREATE INDEX alert_article ON alert(article_id);
CREATE TABLE alert_subject (            -- the subject, the parts of a pair, the folded name
    key TEXT NOT NULL,
    alert_id TEXT NOT NULL REFERENCES alert(alert_id),
    PRIMARY KEY (key, alert_id)
) WITHOUT ROWID;

CREATE TABLE dropped (
    url TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    source_id TEXT,
    at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (url, stage, reason)
) WITHOUT ROWID;

CREATE TABLE fate (
    id INTEGER PRIMARY KEY,             -- order of arrival
    url TEXT NOT NULL,
    stage TEXT NOT NULL,
    outcome TEXT NOT NULL,
    version_id TEXT NOT NULL,           -- '' when there is none
    article_id TEXT,
    source_id TEXT,
    detail TEXT NOT NULL,
    at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    times INTEGER NOT NULL,             -- moments at which it happened
    about TEXT NOT NULL,                -- what tells two of the same outcome apart: alert, redirect target, reason of a refusal
    UNIQUE (url, stage, outcome, version_id, about)
);
CREATE INDEX fate_article ON fate(article_id);
"""


ALERT_CHANGES = """
CREATE TABLE alert_change (             -- the last change of each alert, in the order of commits: what a notifier has not seen yet
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL UNIQUE
);
CREATE TRIGGER alert_new AFTER INSERT ON alert BEGIN
    INSERT OR REPLACE INTO alert_change (alert_id) VALUES (new.alert_id);
END;
CREATE TRIGGER alert_grown AFTER UPDATE OF record ON alert BEGIN
    INSERT OR REPLACE INTO alert_change (alert_id) VALUES (new.alert_id);
END;
INSERT INTO alert_change (alert_id) SELECT alert_id FROM alert ORDER BY at, alert_id;
"""


STEPS = {1: INCIDENT_TABLES, 2: ALERT_CHANGES}
"""Older schema version -> what makes it the next one. A version without a step is read by the Tocsin that wrote it."""


def create(connection: sqlite3.Connection) -> None:
    """Make all tables in an empty file, in one transaction."""
    marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA};"
    connection.executescript(f"BEGIN IMMEDIATE; {TABLES} {INCIDENT_TABLES} {ALERT_CHANGES} {STATE_TABLE} {marks} COMMIT;")


def upgrade(connection: sqlite3.Connection, version: int) -> int:
    """Take a file as far up as there are steps, each in one transaction; return the version it has then."""
    while version in STEPS and version < SCHEMA:
        connection.executescript(f"BEGIN IMMEDIATE; {STEPS[version]} PRAGMA user_version={version + 1}; COMMIT;")
        version += 1
    return version


def found(connection: sqlite3.Connection) -> int | None:
    """Schema version of the file: 0 when it is empty, None when it belongs to another program."""
    return schema_version(connection, APPLICATION)
