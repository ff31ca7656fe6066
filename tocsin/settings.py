"""One settings table: defaults, then a TOML file, then the environment, then the command line.

`tocsin settings` prints it with the origin of every value; docs/settings.md is generated from it.
Every setting NAME can be given as TOCSIN_NAME, or TOCSIN_NAME_FILE naming a file that holds it (Docker secrets).
"""

import os
import re
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from tocsin.errors import DataError, UsageError

_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"  # of a folder
_SECRET = {"secret": True}


def _default_cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, read once and passed down."""

    data: Annotated[str, Meta(description="folder of the embedded store, archive and state")] = "data"
    sources: Annotated[str, Meta(description="YAML file that lists the sources")] = "sources.yaml"
    rules: Annotated[str, Meta(description="folder of alert rules (YAML); empty: the shipped rules")] = ""
    lexicon: Annotated[str, Meta(description="folder of your own actors and places (YAML, CSV), merged over the shipped ones")] = ""
    focus_countries: Annotated[str, Meta(description="comma-separated ISO 3166 codes whose small towns are recognised too")] = (
        "IQ,SY,UA,SD,PS,YE,LB,LY,ML,AF"
    )
    cache: Annotated[str, Meta(description="folder for compiled names; empty: the user's cache folder (XDG_CACHE_HOME)")] = ""
    workers: Annotated[int, Meta(ge=1, le=256, description="processes that clean and tag")] = msgspec.field(default_factory=_default_cores)
    user_agent: Annotated[str, Meta(description="how the fetcher introduces itself; put an address for complaints in it")] = (
        "Tocsin/0.1 (+https://example.org/tocsin; news monitoring)"
    )
    host_delay: Annotated[float, Meta(ge=0, description="seconds between two requests to one host")] = 5.0
    fetch_concurrency: Annotated[int, Meta(ge=1, le=1000, description="hosts asked at the same time")] = 32
    fetch_timeout: Annotated[float, Meta(gt=0, description="seconds for one whole request")] = 30.0
    max_body: Annotated[int, Meta(gt=0, description="bytes of one response after decompression")] = 5_000_000
    max_html: Annotated[
        int, Meta(gt=0, description="characters of HTML given to the extractor; above it the fast fallback reads the page")
    ] = 2_000_000
    clean_timeout: Annotated[float, Meta(gt=0, description="seconds for cleaning and tagging one page before its worker is killed")] = 20.0
    allow_private: Annotated[str, Meta(description="comma-separated host:port of private addresses that may be fetched (tests, demo)")] = ""
    feed_interval: Annotated[float, Meta(gt=0, description="seconds between two polls of a feed, before its rhythm is known")] = 900.0
    channels: Annotated[str, Meta(description="YAML file that lists where alerts are told; see docs/notifications.md")] = "channels.yaml"
    notify_gather: Annotated[
        float, Meta(ge=0, description="seconds to wait for further rules that ring for the same story, before it is told (distributed run)")
    ] = 2.0
    notify_retry_most: Annotated[float, Meta(gt=0, description="longest seconds between two tries of a channel that fails")] = 600.0
    notify_give_up: Annotated[
        float, Meta(gt=0, description="seconds after which notifications to a channel that fails all the time are given up")
    ] = 86_400.0
    # --- the distributed services ---
    kafka: Annotated[str, Meta(description="comma-separated host:port of Kafka brokers")] = "127.0.0.1:9092"
    kafka_security: Annotated[Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Meta(description="how Kafka is spoken to")] = (
        "PLAINTEXT"
    )
    kafka_user: Annotated[str, Meta(description="SASL user (SCRAM-SHA-512)")] = ""
    kafka_password: Annotated[str, Meta(description="SASL password; better TOCSIN_KAFKA_PASSWORD_FILE", extra=_SECRET)] = ""
    kafka_ca: Annotated[str, Meta(description="file with the certificate authority of Kafka; empty: the system's")] = ""
    elasticsearch: Annotated[str, Meta(description="comma-separated addresses of Elasticsearch")] = "http://127.0.0.1:9200"
    elasticsearch_user: Annotated[str, Meta(description="user of Elasticsearch; empty: none")] = ""
    elasticsearch_password: Annotated[str, Meta(description="its password; better TOCSIN_ELASTICSEARCH_PASSWORD_FILE", extra=_SECRET)] = ""
    elasticsearch_ca: Annotated[str, Meta(description="file with the certificate authority of Elasticsearch; empty: the system's")] = ""
    kibana: Annotated[str, Meta(description="address of Kibana, with its base path where it has one")] = "http://127.0.0.1:5601"
    kibana_user: Annotated[str, Meta(description="user of Kibana; empty: none")] = ""
    kibana_password: Annotated[str, Meta(description="its password; better TOCSIN_KIBANA_PASSWORD_FILE", extra=_SECRET)] = ""
    kibana_ca: Annotated[str, Meta(description="file with the certificate authority of Kibana; empty: the system's")] = ""
    store: Annotated[Literal["sqlite", "elasticsearch"], Meta(description="where search, show, alerts, incidents and trace look")] = (
        "sqlite"
    )
    prefix: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="first part of the names of topics, groups and indices")
    ] = "tocsin"
    topic_generation: Annotated[
        int, Meta(ge=1, description="generation of topics and state: a new one starts empty and is filled by replay")
    ] = 1
    partitions: Annotated[int, Meta(ge=1, le=1000, description="partitions of a keyed topic; can never be changed within a generation")] = (
        24
    )
    replication: Annotated[int, Meta(ge=1, description="copies of each partition on different brokers")] = 1
    index_generation: Annotated[int, Meta(ge=1, description="generation of the indices that sinks write: replay fills a new one")] = 1
    node: Annotated[str, Meta(description="name of this replica: its state and archive lie in folders of that name")] = msgspec.field(
        default_factory=socket.gethostname
    )
    health_bind: Annotated[str, Meta(description="address of a service's /live, /ready and /metrics")] = "127.0.0.1"
    health_port: Annotated[int, Meta(ge=0, le=65535, description="its port; 0: none")] = 0
    sink_batch: Annotated[int, Meta(ge=1, description="most messages a sink writes at once")] = 500
    sink_bytes: Annotated[int, Meta(ge=1, description="most bytes a sink writes at once, before compression")] = 8_000_000
    sink_linger: Annotated[float, Meta(ge=0, description="seconds a sink waits to fill a batch")] = 0.5


def cache_folder(settings: Settings) -> Path:
    """Where compiled names are kept between runs: only what can be made again."""
    if settings.cache:
        return Path(settings.cache)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tocsin"


def folder_of(settings: Settings, service: str, replica: str = "") -> Path:
    """The folder of one replica's state, archive or files: data/SERVICE/NODE. Raises UsageError when the node's name cannot name one."""
    name = replica or settings.node
    if not name or name[0] in "._-" or set(name) - set(_NAME):
        raise UsageError(f"setting node: {name!r} cannot name a folder; use letters, digits, dots and dashes (TOCSIN_NODE)")
    return Path(settings.data) / service / name


_DEFAULTS = {"workers": "number of cores", "node": "name of the machine"}


def describe() -> list[tuple[str, str, str, Any]]:
    """Return (name, type, description, default) of every setting, in order."""
    rows: list[tuple[str, str, str, Any]] = []
    hints = get_type_hints(Settings, include_extras=True)
    for item in msgspec.structs.fields(Settings):
        hint = hints[item.name]
        kind = " or ".join(get_args(hint.__origin__)) if get_origin(hint.__origin__) is Literal else hint.__origin__.__name__
        default = item.default if item.default is not msgspec.NODEFAULT else _DEFAULTS[item.name]
        rows.append((item.name, kind, _meta(hint).description or "", default))
    return rows


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting's value as it may be printed: of a secret only whether it is set, of addresses no password that is in them."""
    hints = get_type_hints(Settings, include_extras=True)
    secret = {name for name, hint in hints.items() if _meta(hint).extra == _SECRET}
    return {
        name: "(set)" if name in secret and value else _without_password(value) for name, value in msgspec.structs.asdict(settings).items()
    }


def _without_password(value: Any) -> Any:
    return re.sub(r"(://)[^/,\s]*@", r"\1(set)@", value) if isinstance(value, str) else value


def _meta(hint: Any) -> Meta:
    return next(m for m in hint.__metadata__ if isinstance(m, Meta))


def load(
    file: Path | None = None, environment: Mapping[str, str] | None = None, given: Mapping[str, Any] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Read all settings once. Returns them with the origin of each value: default, file, environment or command line.

    `file` defaults to TOCSIN_CONFIG, then `tocsin.toml` if it exists. Raises UsageError or DataError.
    """
    environment = os.environ if environment is None else environment
    names = [item.name for item in msgspec.structs.fields(Settings)]
    values: dict[str, Any] = {}
    origin = dict.fromkeys(names, "default")
    named = file or (Path(environment["TOCSIN_CONFIG"]) if environment.get("TOCSIN_CONFIG") else None)
    path = named or Path("tocsin.toml")
    if named or path.exists():
        values |= _read_file(path, names)
        origin |= dict.fromkeys(values, f"file {path}")
    for name in names:
        from_environment = _read_environment(name, environment)
        if from_environment is not None:
            values[name], origin[name] = from_environment, "environment"
    for name, value in (given or {}).items():
        if value is not None:
            values[name], origin[name] = value, "command line"
    try:
        return msgspec.convert(values, Settings, strict=False), origin
    except msgspec.ValidationError as error:
        raise UsageError(f"settings: {error}; run `tocsin settings` to see each setting's type") from error


def _read_file(path: Path, names: list[str]) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(path, f"cannot read settings: {error}") from error
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise DataError(path, f"unknown setting {unknown[0]!r}; `tocsin settings` lists all")
    return values


def _read_environment(name: str, environment: Mapping[str, str]) -> str | None:
    variable = f"TOCSIN_{name.upper()}"
    if (secret := environment.get(f"{variable}_FILE")) is not None:
        try:
            return Path(secret).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"{variable}_FILE: cannot read {secret}: {error.strerror}") from error
    return environment.get(variable)
