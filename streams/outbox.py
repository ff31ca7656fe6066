"""Sending a batch of messages and waiting until the broker has them. What is committed afterwards is safe.

The worker sends with this, not with Faust's producer: a record batch for each partition costs a twentieth of as many single messages,
and the producer is idempotent, so that a batch sent twice because an answer was lost is there once.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams.batches import Message
from tocsin import broker, topics
from tocsin.settings import Settings

_BATCH = 1_000_000  # bytes before compression; a larger message is a batch of its own
_PATIENCE = 60.0  # seconds until what nobody acknowledges is an error


def connection(settings: Settings) -> dict[str, Any]:
    """Options of aiokafka for addresses and security."""
    options = broker.access(settings)
    if settings.kafka_security.endswith("SSL"):
        options["ssl_context"] = ssl_context(settings)
    return options


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """The authority that Kafka's certificate must come from."""
    return ssl.create_default_context(cafile=settings.kafka_ca or None)


class Outbox:
    """Sends messages; `send` returns when all of them are acknowledged by every replica that must have them."""

    def __init__(self, settings: Settings, service: str) -> None:
        self._settings = settings
        self._options: dict[str, Any] = {
            **connection(settings),
            "client_id": f"{service}-{settings.node}",
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": "lz4",
            "linger_ms": 0,  # batches are whole when they come
            "max_batch_size": _BATCH,
            "max_request_size": topics.MAX_BYTES + 100_000,
            "request_timeout_ms": int(_PATIENCE * 1000),
        }
        self._producer: AIOKafkaProducer

    async def start(self) -> None:
        """Connect. Raises UsageError when no broker answers."""
        self._producer = AIOKafkaProducer(**self._options)
        try:
            await asyncio.wait_for(self._producer.start(), 15)
        except (KafkaError, OSError, ValueError, TimeoutError) as error:
            await self._producer.stop()
            raise broker.unreachable(self._settings, error) from error

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """How many partitions each topic has; what does not exist is left out."""
        known = await self._producer.client.fetch_all_metadata()
        found = {name: known.partitions_for_topic(name) for name in names}
        return {name: len(partitions) for name, partitions in found.items() if partitions}

    async def first_from(self, topic: str, partition: int, offset: int) -> int:
        """The offset of the first message that there is from `offset` on; waits for one. Raises BrokerError."""
        where = TopicPartition(topic, partition)
        reader = AIOKafkaConsumer(**connection(self._settings), enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            await reader.start()
            reader.assign([where])
            reader.seek(where, offset)
            async with asyncio.timeout(_PATIENCE):
                return int((await reader.getone(where)).offset)
        except (TimeoutError, KafkaError, OSError) as error:
            raise broker.BrokerError(f"cannot read {topic}/{partition} at {offset} ({type(error).__name__}: {error})") from error
        finally:
            await reader.stop()

    async def send(self, messages: Iterable[Message]) -> dict[tuple[str, int], int]:
        """Send, in order within each partition. Returns the offset of the last message by topic and partition.

        Raises BrokerError when the broker does not have all of them: commit nothing then.
        """
        together: dict[tuple[str, int], list[Message]] = {}
        for message in messages:
            together.setdefault((message.topic, message.partition), []).append(message)
        if not together:
            return {}
        try:
            async with asyncio.timeout(_PATIENCE):
                return dict(await asyncio.gather(*(self._send(*where, these) for where, these in together.items())))
        except TimeoutError as error:
            raise broker.BrokerError(f"Kafka at {self._settings.kafka} acknowledged nothing for {_PATIENCE:.0f} s") from error
        except KafkaError as error:
            raise broker.BrokerError(f"Kafka did not take a message: {type(error).__name__}: {error}") from error

    async def _send(self, topic: str, partition: int, messages: list[Message]) -> tuple[tuple[str, int], int]:
        futures = []
        batch = self._producer.create_batch()
        for message in messages:
            if batch.append(timestamp=None, key=message.key, value=message.body) is None:
                futures.append((batch, await self._producer.send_batch(batch, topic, partition=partition)))
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=message.key, value=message.body)
        futures.append((batch, await self._producer.send_batch(batch, topic, partition=partition)))
        last = -1
        for sent, future in futures:
            answer = await future
            last = answer.offset + sent.record_count() - 1 if answer.offset >= 0 else -1
        return (topic, partition), last
