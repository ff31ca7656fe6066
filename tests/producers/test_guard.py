import asyncio
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from producers.guard import BLOCKED, BlockedAddress, is_public, parse_allowed, socket_factory
from tocsin.errors import UsageError


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_may_be_reached(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "255.255.255.255",
        "224.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001::1",
        "2001:db8::1",
        "not an address",
        "",
    ],
)
def test_everything_else_may_not(address):
    assert not is_public(address)


def info(host: str, port: int):
    return (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))


def test_no_socket_is_made_for_a_private_address():
    with pytest.raises(BlockedAddress, match=BLOCKED):
        socket_factory()(info("127.0.0.1", 80))


def test_an_allowed_pair_is_that_address_with_that_port_only():
    make = socket_factory(parse_allowed("127.0.0.1:8000, [::1]:9000"))
    make(info("127.0.0.1", 8000)).close()
    make(info("::1", 9000)).close()
    for host, port in (("127.0.0.1", 8001), ("127.0.0.2", 8000), ("::1", 8000)):
        with pytest.raises(BlockedAddress):
            make(info(host, port))


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1:", ":80", "127.0.0.1:http", "127.0.0.1:99999", "no such host.invalid:80"])
def test_a_setting_that_cannot_be_read_is_one_line_of_advice(text):
    with pytest.raises(UsageError, match="allow_private") as error:
        parse_allowed(text)
    assert "\n" not in str(error.value)


class Rebinding(AbstractResolver):
    """A hostile name server: a public address for whoever checks first, a private one for who connects."""

    def __init__(self, port: int) -> None:
        self.answers = ["93.184.216.34", "127.0.0.1"]
        self.port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [{"hostname": host, "host": address, "port": self.port, "family": family, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        pass


def test_a_name_that_changes_its_address_after_the_check_reaches_nothing():
    reached = []

    async def run() -> None:
        async def answer(_reader, writer) -> None:
            reached.append(1)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        resolver = Rebinding(server.sockets[0].getsockname()[1])
        assert is_public((await resolver.resolve("innocent.example"))[0]["host"]), "a check of the name alone is content"
        connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=socket_factory())
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientConnectorError, match=BLOCKED):
                await session.get("http://innocent.example/")
        server.close()

    asyncio.run(run())
    assert reached == []


def test_an_empty_setting_allows_nothing():
    assert parse_allowed(" , ") == frozenset()
