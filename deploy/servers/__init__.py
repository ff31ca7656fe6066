"""Real Kafka and real Elasticsearch on this machine, without containers: for tests, benchmarks and people who have no Docker.

    python -m deploy.servers start kafka
    python -m deploy.servers start elasticsearch --port 9201 --security --tls

The programs come through Maven, from wherever this machine's Maven takes its artifacts, once, into the user's cache folder. Needs Maven
and Java: 17 for Kafka, a whole 21 for Elasticsearch (the cut-down Java of some wheels lacks modules it asks for). Servers listen on
loopback only. Several may run side by side on different ports; a server is only ever stopped by the process id that was noted when this
script started it.

From Python: `Kafka(port, folder=...)` and `Elasticsearch(port, folder=...)`, both a `Server`, also usable as context managers.
"""

from deploy.servers.elasticsearch import Elasticsearch, User
from deploy.servers.kafka import Kafka
from deploy.servers.process import Server, free_port
from deploy.servers.programs import Missing

__all__ = ["Elasticsearch", "Kafka", "Missing", "Server", "User", "free_port"]
