"""Speaking to Elasticsearch: the client, and every refusal as one line that says what to do."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from tocsin.errors import TocsinError, UsageError
from tocsin.settings import Settings

logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # every lost connection is logged again and again; we say it once

ROLES = "deploy/elasticsearch/roles.yml"
OVERLOADED = frozenset({429, 502, 503, 504})
"""HTTP statuses after which the same request may succeed later."""


class ClusterError(UsageError):
    """The cluster is not as it must be, or refuses us: stop; nothing that was under way is lost or set aside."""


def connect(settings: Settings, *, timeout: float = 60.0) -> Elasticsearch:
    """A client; nothing is asked yet. `timeout`: seconds for one request. Raises UsageError for settings that cannot work."""
    hosts = [address.strip() for address in settings.elasticsearch.split(",") if address.strip()]
    options: dict[str, Any] = {}
    for host in hosts:
        if "@" in host:
            raise UsageError("setting elasticsearch: no user or password in the address: set elasticsearch_user and elasticsearch_password")
        try:
            parts = urlsplit(host)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port
        except ValueError:
            whole = False
        if not whole:
            raise UsageError(f"setting elasticsearch: {host!r} is not an address: write http://host:9200 or https://host:9200")
    if not hosts:
        raise UsageError("setting elasticsearch is empty: write http://host:9200 or https://host:9200")
    if any(host.startswith("https:") for host in hosts):
        try:
            options["ssl_context"] = ssl.create_default_context(cafile=settings.elasticsearch_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"setting elasticsearch_ca: cannot read certificates from {settings.elasticsearch_ca}: {error}") from error
    if settings.elasticsearch_user:
        options["basic_auth"] = (settings.elasticsearch_user, settings.elasticsearch_password)
    # No retries in the client: who calls knows whether a request may be repeated, and for how long.
    return Elasticsearch(hosts, request_timeout=timeout, max_retries=0, retry_on_timeout=False, connections_per_node=8, **options)


def is_passing(error: Exception) -> bool:
    """May the same request succeed later? Overload, a lost connection, a server that starts; not a certificate that is wrong."""
    if isinstance(error, ApiError):
        return error.status_code in OVERLOADED and "cluster_block_exception" not in str(error)
    return isinstance(error, TransportError) and not isinstance(error, TlsError)


def explained(settings: Settings, error: Exception) -> TocsinError:
    """The one-line error for what a request raised."""
    where, user = settings.elasticsearch, settings.elasticsearch_user or "nobody"
    text = " ".join(str(getattr(error, "message", None) or error).split())[:300]
    if isinstance(error, TlsError):
        return ClusterError(_tls(where, settings, text))
    if isinstance(error, ConnectionTimeout):
        return ClusterError(f"Elasticsearch at {where} did not answer in time: is it overloaded?")
    if isinstance(error, UnsupportedProductError):
        return ClusterError(f"what answers at {where} is not Elasticsearch 8 or 9: check the setting elasticsearch")
    if isinstance(error, TransportError):
        return ClusterError(f"no Elasticsearch answers at {where} ({text}): is it started, and is the setting elasticsearch right?")
    if not isinstance(error, ApiError):
        raise error
    reason = reason_of(error)
    if error.status_code == 401:
        advice = "check elasticsearch_user and elasticsearch_password (or TOCSIN_ELASTICSEARCH_PASSWORD_FILE)"
        return ClusterError(f"Elasticsearch at {where} does not know user {user!r} with this password (401): {advice}")
    if "cluster_block_exception" in str(error):
        return blocked(reason)
    if error.status_code == 403:
        return ClusterError(f"Elasticsearch at {where} forbids this to user {user!r} (403): {reason}; {ROLES} lists what each role needs")
    if error.status_code == 404 and "index_not_found" in str(error):
        return missing(reason)
    return ClusterError(f"Elasticsearch at {where} answered {error.status_code}: {reason}")


def blocked(reason: str) -> ClusterError:
    """Writing is blocked: a full disk, or somebody's will."""
    return ClusterError(f"Elasticsearch is blocked for writing: {reason}; free disk space or lift the block, then start again")


def missing(reason: str) -> ClusterError:
    """An index or alias of ours is not there."""
    return ClusterError(f"{reason}: run `tocsin setup elasticsearch`")


def reason_of(error: ApiError) -> str:
    """Elasticsearch's own words, in one line."""
    body = error.body
    found = body.get("error") if isinstance(body, dict) else None
    if isinstance(found, dict):
        return " ".join(str(found.get("reason") or found.get("type") or error.message).split())[:300]
    return " ".join(str(found or error.message).split())[:300]


def _tls(where: str, settings: Settings, text: str) -> str:
    if "expired" in text:
        return f"the certificate of Elasticsearch at {where} has expired: renew it there"
    if "not yet valid" in text:
        return f"the certificate of Elasticsearch at {where} is not valid yet: check both clocks"
    if "ostname mismatch" in text or "IP address mismatch" in text or "doesn't match" in text:
        return f"the certificate of Elasticsearch at {where} is for another host: use a name that it lists"
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        named = settings.elasticsearch_ca or "the system's"
        return f"the certificate of Elasticsearch at {where} is not signed by an authority we trust ({named}): set elasticsearch_ca"
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
        return f"Elasticsearch at {where} does not speak TLS: write http:// in the setting elasticsearch"
    return f"no TLS with Elasticsearch at {where}: {text}"


@contextmanager
def explaining(settings: Settings) -> Iterator[None]:
    """Turn what the client raises inside into one line."""
    try:
        yield
    except (ApiError, TransportError) as error:
        raise explained(settings, error) from error
