"""Services on the broker of deploy/compose.yaml: TLS, and a password that its start script sets."""

import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from deploy import credentials
from deploy.checks.secure_kafka import SecureKafka
from deploy.servers import Missing, free_port
from tests.live.conftest import _lacking
from tests.live.stack import Ended, Stack
from tocsin.settings import Settings

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("secure")]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecureKafka, Settings]]:
    folder = tmp_path_factory.mktemp("secure")
    made = folder / "secrets"
    credentials.make(made)
    server = SecureKafka(free_port(), folder / "kafka", made, tied=True)
    try:
        server.start()
    except Missing as error:
        _lacking(str(error))
    sources = folder / "sources.yaml"
    sources.write_text("sources: [{id: a, name: A, owner: A, feeds: ['http://127.0.0.1:9/feed']}]\n", encoding="utf-8")
    yield (
        server,
        Settings(
            kafka=server.address,
            kafka_security="SASL_SSL",
            kafka_user="tocsin",
            kafka_password=(made / "kafka_password").read_text(encoding="ascii").strip(),
            kafka_ca=str(made / "ca.crt"),
            prefix=f"t{secrets.token_hex(5)}",
            data=str(folder / "data"),
            sources=str(sources),
            partitions=2,
            workers=1,
            node="one",
        ),
    )
    server.wipe()


def test_every_service_of_the_stream_comes_in_by_tls_and_password_and_leaves_in_good_order(
    broker: tuple[SecureKafka, Settings], tmp_path: Path
) -> None:
    _, settings = broker
    with Stack(settings, tmp_path) as stack:
        stack.command("topics", "create")
        started = stack.start("worker --stage cluster", "worker --stage alerts", "schedule", "fetch", "topics watch")
        stack.wait_until_ready(*started)
        assert [service.end(signal.SIGTERM, 10.0) for service in started] == [0] * len(started)


def test_a_wrong_password_is_one_line_and_no_service(broker: tuple[SecureKafka, Settings], tmp_path: Path) -> None:
    _, settings = broker
    wrong = replace(settings, kafka_password="guest")
    with Stack(wrong, tmp_path) as stack:
        (service,) = stack.start("topics watch")
        with pytest.raises((Ended, AssertionError)):
            stack.wait_until_ready(service, seconds=15)
        assert "guest" not in service.said()
