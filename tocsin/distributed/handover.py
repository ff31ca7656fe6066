"""Whether the sinks that are at work write the new generation of indices yet."""

from kafka import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, KafkaError

from sinks.service import generation_mark
from tocsin import topics
from tocsin.broker import BrokerError, connection, unreachable
from tocsin.settings import Settings

SINK = "sink-elasticsearch"


def old_sinks(settings: Settings) -> list[str]:
    """Client ids of the Elasticsearch sinks at work that write another generation than the settings say.

    A killed one counts until its session has run out (15 s). Raises UsageError, BrokerError.
    """
    group = topics.group(settings, SINK)
    try:
        admin = KafkaAdminClient(**connection(settings), client_id=f"replay-{settings.node}", bootstrap_timeout_ms=10_000)
    except (KafkaError, OSError, ValueError) as error:
        raise unreachable(settings, error) from error
    try:
        found = admin.describe_groups([group])[group]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):  # nobody has ever been in it
        return []
    except KafkaError as error:
        raise BrokerError(f"Kafka at {settings.kafka} does not tell who is in {group}: {type(error).__name__}: {error}") from error
    finally:
        admin.close()
    mark = f"-{generation_mark(settings)}"
    return sorted(member["client_id"] for member in found.get("members") or () if not member["client_id"].endswith(mark))
