"""One rule of Kibana's own over our alerts, for teams that watch everything there: it writes rows into an index (a free connector).

Kibana asks every few minutes for what came since, so it is later than Tocsin's own notifications and misses what came late; it knows
nothing of throttles or acknowledgements. The ringing stays ours.
"""

import hashlib
import uuid

from deploy.kibana.objects import MARK, Json, data_view_id, packed

NOTICES = "kibana-notices"
"""The index that the rule writes is {prefix}-kibana-notices; Kibana makes it with the first row."""


def fixed_uuid(*parts: str) -> str:
    """The same UUID (version 4, as Kibana wants it) for the same words. Ids of rules count in all spaces together, so the space is one."""
    return str(uuid.UUID(bytes=hashlib.sha256("\n".join(parts).encode()).digest()[:16], version=4))


def connector(prefix: str, space: str) -> tuple[str, Json]:
    """(id, body) of the index connector."""
    config = {"index": f"{prefix}-{NOTICES}", "refresh": True, "executionTimeField": "@timestamp"}
    body = {"name": f"{MARK} notices", "connector_type_id": ".index", "config": config, "secrets": {}}
    return fixed_uuid("connector", prefix, space), body


def rule(prefix: str, space: str) -> tuple[str, Json]:
    """(id, body) of the rule: whatever rang with severity warning or critical. Made switched off."""
    query = {"query": {"bool": {"filter": [{"terms": {"severity": ["warning", "critical"]}}]}}}
    row = {
        "rule": "{{rule.name}}",
        "rule_id": "{{rule.id}}",
        "when": "{{date}}",
        "message": "{{context.message}}",
        "hits": "{{context.value}}",
        "link": "{{context.link}}",
    }
    body = {
        "name": f"{MARK} Urgent alerts",
        "rule_type_id": ".es-query",
        "consumer": "stackAlerts",
        "schedule": {"interval": "5m"},
        "tags": [prefix],
        "enabled": False,
        "params": {
            "searchType": "esQuery",
            "index": [data_view_id(prefix, "alerts")],
            "timeField": "@timestamp",
            "esQuery": packed(query),
            "timeWindowSize": 1,
            "timeWindowUnit": "h",
            "threshold": [0],
            "thresholdComparator": ">",
            "size": 100,
            "aggType": "count",
            "groupBy": "all",
            "excludeHitsFromPreviousRun": True,
        },
        "actions": [
            {
                "group": "query matched",
                "id": connector(prefix, space)[0],
                "params": {"documents": [row]},
                "frequency": {"summary": False, "notify_when": "onActiveAlert", "throttle": None},
            }
        ],
    }
    return fixed_uuid("rule", prefix, space), body
