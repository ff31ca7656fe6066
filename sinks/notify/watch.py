"""What a notifier tells of itself: /live, /ready and /metrics where they are asked for, nothing where prometheus-client is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.health import Health


class Watch:
    """A `tocsin.health.Health` with a notifier's own figures, or nothing at all."""

    def __init__(self, health: Health | None = None) -> None:
        self._health = health
        if health is not None:
            from prometheus_client import Gauge

            self._pending = Gauge(
                "tocsin_notifications_pending", "Notifications decided and not sent", ("service", "channel"), registry=health.registry
            )
            self._failing = Gauge(
                "tocsin_channel_failing_seconds",
                "How long a channel has failed; 0: it works",
                ("service", "channel"),
                registry=health.registry,
            )

    def started(self) -> None:
        """The notifier has all it needs to begin."""
        if self._health:
            self._health.started()

    def beat(self) -> None:
        """The main loop is alive."""
        if self._health:
            self._health.beat()

    def waits(self, what: str, why: str) -> None:
        """Not ready, and why."""
        if self._health:
            self._health.waits(what, why)

    def works(self, what: str) -> None:
        """It works (again)."""
        if self._health:
            self._health.works(what)

    def count(self, outcome: str, number: int = 1) -> None:
        """Count notifications by outcome: decided, sent, failed, refused, given-up, dead-letter."""
        if self._health:
            self._health.count("notify", outcome, number)

    def channel(self, name: str, pending: int, failing: float) -> None:
        """How a channel is."""
        if self._health:
            self._pending.labels(self._health.service, name).set(pending)
            self._failing.labels(self._health.service, name).set(failing)
