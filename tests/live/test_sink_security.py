"""An Elasticsearch with security on: the roles we ship are enough and no more; every refusal is one line that says what to do."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from elasticsearch import AuthorizationException
from msgspec import structs

from deploy.servers import Elasticsearch as Server
from deploy.servers import User
from sinks.elasticsearch import client as door
from sinks.elasticsearch import names, setup
from sinks.elasticsearch.client import ClusterError
from sinks.elasticsearch.sink import ElasticsearchSink
from sinks.elasticsearch.store import ElasticsearchStore
from tests.live import stream
from tests.live.conftest import Servers
from tests.live.indices import write
from tests.live.test_sink import document
from tocsin.errors import UsageError
from tocsin.settings import Settings
from tocsin.store import Query

ROLES = Path(__file__).parents[2] / "deploy" / "elasticsearch" / "roles.yml"
PASSWORD = "correct-horse"
USERS = [User(name, PASSWORD, (f"tocsin_{name}",)) for name in ("setup", "sink", "reader")]


class Secured(NamedTuple):
    server: Server
    settings: Settings  # of nobody yet

    def of(self, user: str, password: str = PASSWORD) -> Settings:
        return structs.replace(self.settings, elasticsearch_user=user, elasticsearch_password=password)


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    own = Servers()
    try:
        server = own.elasticsearch(users=[*USERS, User("admin", PASSWORD, ("superuser",))], roles=ROLES, tls=True)
        settings = Settings(prefix="tocsin", elasticsearch=server.address, elasticsearch_ca=str(server.authority))
        found = Secured(server, settings)
        with door.connect(found.of("setup")) as client:
            setup.setup(client, found.of("setup"))
        yield found
    finally:
        own.wipe()


def test_the_shipped_roles_are_enough(secured: Secured) -> None:
    with door.connect(secured.of("setup")) as client:
        assert {step.done for step in setup.setup(client, secured.of("setup"))} == {"kept"}
    sink = ElasticsearchSink(secured.of("sink"))
    sink.check()
    sink.close()
    # A month of its own, so that the sink has to make an index.
    assert write(secured.of("sink"), document(1, fetched_at="2016-05-01T00:00:00Z")) == []
    with ElasticsearchStore(secured.of("reader")) as store:
        stream.wait_for(lambda: store.article("https://example.org/1") is not None, 20)
        assert store.search(Query(text="nothing such")).total == 0
        assert store.report().versions >= 1


def test_a_reader_cannot_write_and_is_told_so(secured: Secured) -> None:
    with pytest.raises(ClusterError, match=r"forbids.*'reader'.*\(403\).*roles\.yml"):
        write(secured.of("reader"), document(2))


def test_a_sink_can_neither_set_up_nor_delete(secured: Secured) -> None:
    with door.connect(secured.of("sink")) as client:
        with pytest.raises(ClusterError, match="403"):
            setup.setup(client, secured.of("sink"))
        with pytest.raises(AuthorizationException):
            client.indices.delete(index=names.base(secured.settings, "articles"))


@pytest.mark.parametrize(("user", "password"), [("sink", "wrong"), ("stranger", PASSWORD), ("", "")], ids=["password", "user", "none"])
def test_a_wrong_password_stops_the_sink(user: str, password: str, secured: Secured) -> None:
    sink = ElasticsearchSink(secured.of(user, password))
    with pytest.raises(ClusterError, match=r"does not know user .* \(401\): check elasticsearch_user"):
        sink.check()
    sink.close()
    with ElasticsearchStore(secured.of(user, password)) as store, pytest.raises(ClusterError, match="401"):
        store.search(Query())


def test_a_missing_privilege_in_the_middle_stops_and_refuses_no_document(secured: Secured) -> None:
    """The documents are not to blame: they must not become dead letters."""
    with door.connect(secured.of("admin")) as client:
        index = f"other{secrets.token_hex(3)}"
        other = structs.replace(secured.of("admin"), prefix=index)
        setup.setup(client, other)
    with pytest.raises(ClusterError, match="403"):
        write(structs.replace(secured.of("sink"), prefix=index), document(3))


def test_an_unknown_authority_is_named(secured: Secured) -> None:
    settings = structs.replace(secured.of("sink"), elasticsearch_ca="")
    with pytest.raises(ClusterError, match=r"not signed by an authority we trust.*set elasticsearch_ca"):
        ElasticsearchSink(settings).check()


def test_a_missing_authority_file_is_named(secured: Secured) -> None:
    with pytest.raises(UsageError, match="setting elasticsearch_ca: cannot read"):
        door.connect(structs.replace(secured.settings, elasticsearch_ca="/nowhere/ca.crt"))


def test_plain_http_to_a_server_with_tls_is_explained(secured: Secured) -> None:
    settings = structs.replace(secured.of("sink"), elasticsearch=secured.server.address.replace("https", "http"))
    with pytest.raises(ClusterError, match="no Elasticsearch answers"):
        ElasticsearchSink(settings).check()


def test_an_expired_certificate_is_named() -> None:
    own = Servers()
    try:
        server = own.elasticsearch(users=USERS, roles=ROLES, tls=True, days=-1)
        settings = Settings(elasticsearch=server.address, elasticsearch_ca=str(server.authority), elasticsearch_user="sink")
        with pytest.raises(ClusterError, match="has expired: renew it"):
            ElasticsearchSink(settings).check()
    finally:
        own.wipe()


def test_nothing_that_answers_is_explained() -> None:
    with pytest.raises(ClusterError, match=r"no Elasticsearch answers at http://127\.0\.0\.1:9 "):
        ElasticsearchSink(Settings(elasticsearch="http://127.0.0.1:9")).check()
