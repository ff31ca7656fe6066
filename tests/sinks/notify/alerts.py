"""Alerts, claims and channel files for tests of notifications."""

from pathlib import Path
from typing import Any

from msgspec import structs

from tocsin import ids
from tocsin.alerting import Alert
from tocsin.records import Attribution, Claim, ClaimActor, ClaimPlace, Quantity, Trigger

AT = "2024-06-05T10:00:00Z"
QUOTE = "RSF fighters entered Zamzam camp on Wednesday, residents said."
SECRET = "a secret of thirty-two characters"


def alert(number: int = 1, **more: Any) -> Alert:
    """An alert of an article of its own."""
    article = ids.article_id(f"https://news.example/{number}")
    start = QUOTE.index("Zamzam")
    values: dict[str, Any] = {
        "alert_id": "r_" + ids.digest("test", str(number)),
        "rule_id": "first-place",
        "rule_kind": "new_mention",
        "severity": "notice",
        "subject": "loc:zamzam",
        "subject_name": "Zamzam",
        "headline": "First mention of Zamzam",
        "why": "no mention of Zamzam was seen before",
        "quote": QUOTE,
        "highlight": (start, start + 6),
        "article_id": article,
        "version_id": ids.version_id(article, None, QUOTE),
        "cluster_id": f"k_{number}",
        "url": f"https://news.example/{number}",
        "title": "Camp entered",
        "source_id": "wire",
        "at": AT,
        "published_at": AT,
    }
    return Alert(**{**values, **more})


def claim(**more: Any) -> Claim:
    """RSF took Zamzam, residents said."""
    values: dict[str, Any] = {
        "claim_id": "c_1",
        "article_id": "a_1",
        "version_id": "v_1",
        "type": "territorial_control",
        "subtype": "captured",
        "text": QUOTE,
        "start": 0,
        "end": len(QUOTE),
        "sentence_index": 0,
        "sentence_start": 0,
        "sentence_end": len(QUOTE),
        "trigger": Trigger(text="entered", start=13, end=20),
        "actors": (ClaimActor(role="winner", entity_id="org:rsf", name="Rapid Support Forces"),),
        "places": (ClaimPlace(role="where", entity_id="loc:zamzam", name="Zamzam"),),
        "attribution": Attribution(kind="unnamed", source_text="residents", verb="said"),
        "modality": "reported",
    }
    return Claim(**{**values, **more})


def figure(role: str = "killed", **more: Any) -> Quantity:
    values: dict[str, Any] = {"text": "27", "start": 0, "end": 2, "unit": "person", "value": 27, "min": 27, "max": 27, "role": role}
    return Quantity(**{**values, **more})


def raised(of: Alert, severity: str) -> Alert:
    """The same alert, more urgent."""
    return structs.replace(of, severity=severity)


def channels_file(folder: Path, *, archive: str = "", **channels: str) -> Path:
    """A channels file; a channel is the YAML between its braces. Secrets lie beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "signing").write_text(SECRET)
    lines = ["channels:", *(f"  {name}: {{{text}}}" for name, text in channels.items())]
    if archive:
        lines.append(f"archive: '{archive}'")
    path = folder / "channels.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def hook(url: str, more: str = "", seconds: int = 2) -> str:
    """A webhook on this machine, as a channel."""
    return f"webhook: '{url}', secret: {{file: signing}}, allow_private: true, timeout: {seconds}{more}"


def mail(folder: Path, port: int, more: str = "") -> str:
    """A mail server on this machine, as a channel of Apprise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mail").write_text(f"mailto://127.0.0.1:{port}?from=tocsin@news.example&to=desk@news.example&mode=insecure")
    return f"apprise: {{file: mail}}, allow_private: true, timeout: 5{more}"
