"""channels.yaml: what it takes, and that no secret in it is ever shown."""

from pathlib import Path

import pytest

from sinks.notify.apprise_service import AppriseService
from sinks.notify.channels import Channels, Secret, read_channels
from sinks.notify.webhook import Webhook
from tests.sinks.notify.alerts import alert, channels_file
from tocsin.errors import DataError, UsageError

HOOK = "webhook: 'https://soc.example.org/hook', secret: {file: signing}"


def read(folder: Path, text: str, **environment: str) -> Channels:
    return read_channels(channels_file(folder, desk=text), environment)


def test_secrets_come_from_files_beside_the_list_and_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts\n")
    path = channels_file(
        tmp_path,
        a="apprise: {file: address}",
        b="apprise: {env: CHAT}, minimum: warning, rules: ['first-*']",
        c=HOOK,
        d=HOOK,
    )
    found = read_channels(path, {"CHAT": " json://chat.example/secret-path "})
    assert [channel.name for channel in found.all] == ["a", "b", "c", "d"]
    assert found.all[0].address.value.startswith("slack://")
    assert found.all[1].address.value == "json://chat.example/secret-path"
    assert found.all[2].secret is not None
    shown = f"{found} {found.all!r} {found.all[0]}"
    assert not [word for word in ("TIiajkdnlazkcOXrIdevi7FQ", "secret-path", "thirty-two", "soc.example") if word in shown]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apprise: 'slack://token'", "a secret is not written here"),
        ("webhook: 'https://soc.example.org/hook', secret: 'abc'", "a secret is not written here"),
        ("webhook: 'https://soc.example.org/hook'", "secret: missing"),
        ("apprise: {file: nothing}", "cannot read nothing: No such file"),
        ("apprise: {env: NOTHING}", "the variable NOTHING is not set"),
        ("apprise: {env: A, file: b}", "a secret is not written here"),
        ("apprise: {env: A}, webhook: {env: A}", "give it either apprise or webhook"),
        ("minimum: warning", "give it either apprise or webhook"),
        ("apprise: {env: A}, secret: {env: A}", "belong to a webhook"),
        ("webhook: 'http://soc.example.org/hook', secret: {file: signing}", "https, please"),
        ("webhook: 'https://me:pw@soc.example.org/hook', secret: {file: signing}", "no user or password in the address"),
        ("webhook: 'ftp://soc.example.org', secret: {file: signing}", "not an http(s) address"),
        ("webhook: 'https://soc.example.org:99999/', secret: {file: signing}", "not an http(s) address"),
        ("webhook: 'https://soc.example.org/', secret: {env: A}", "at least 16 bytes"),
        (f"{HOOK}, minimum: loud", "minimum"),
        (f"{HOOK}, colour: red", "colour: unknown key"),
        (f"{HOOK}, timeout: 0", "timeout"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line_and_without_the_secret(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text, A="short-secret")
    assert said in str(caught.value)
    assert "channels.yaml:2" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "short-secret" not in str(caught.value)
    assert "me:pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "more", "said"),
    [
        ("nothing://here", "", "Apprise does not take this address"),
        ("json://chat.example/hidden-token", "", "without encryption"),
        ("jsons://chat.example/hidden-token?verify=no", "", "verify=no is not taken"),
        ("jsons://chat.example/hidden-token?redirect=yes", "", "redirect=yes is not taken"),
        ("mailtos://me:hidden-token@mail.example?to=a@b.example,c@d.example", "", "2 receivers"),
        ("mailto://me:hidden-token@mail.example?mode=insecure", "", "without encryption"),
    ],
)
def test_addresses_that_apprise_would_take_too_lightly_are_refused(tmp_path: Path, address: str, more: str, said: str) -> None:
    (channel,) = read(tmp_path, f"apprise: {{env: A}}{more}", A=address).all
    with pytest.raises(UsageError) as caught:
        AppriseService(channel)
    assert said in str(caught.value)
    assert "hidden-token" not in str(caught.value)


def test_common_services_are_taken_without_link_previews(tmp_path: Path) -> None:
    for address in (
        "tgram://123456789:AAG-abcdefghijklmnopqrstuvwxyz01234/12315544?preview=yes",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
        "mailtos://me:pw@mail.example?to=a@b.example",
        "signals://signal.example/+15551234567/+15557654321",
        "matrixs://token@matrix.example/#room",
    ):
        (channel,) = read(tmp_path, "apprise: {env: A}", A=address).all
        plugin = AppriseService(channel)._plugin
        assert getattr(plugin, "preview", False) is False
        if address.startswith("discord"):
            assert plugin.flags & 4


def test_a_certificate_authority_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (channel,) = read(tmp_path, f"{HOOK}, ca: nothing.pem").all
    with pytest.raises(UsageError, match=r"channel desk: ca: cannot read nothing\.pem"):
        Webhook(channel)


@pytest.mark.parametrize(
    ("filters", "severity", "rule", "taken"),
    [
        ("", "info", "any", True),
        (", minimum: warning", "notice", "any", False),
        (", minimum: warning", "warning", "any", True),
        (", minimum: warning", "critical", "any", True),
        (", rules: ['first-*', toll]", "info", "first-place", True),
        (", rules: ['first-*', toll]", "info", "toll", True),
        (", rules: ['first-*', toll]", "critical", "spike", False),
    ],
)
def test_filters(tmp_path: Path, filters: str, severity: str, rule: str, taken: bool) -> None:
    (channel,) = read(tmp_path, HOOK + filters).all
    assert channel.takes(alert(severity=severity, rule_id=rule)) is taken


def test_the_archive_link_is_made_of_the_alert(tmp_path: Path) -> None:
    found = read_channels(channels_file(tmp_path, archive="https://archive.example/{article_id}?u={url}", desk=HOOK))
    one = alert(url="https://news.example/a b?x=1&y=2")
    assert found.archive_link(one) == f"https://archive.example/{one.article_id}?u=https://news.example/a%20b%3Fx%3D1%26y%3D2"
    with pytest.raises(DataError, match=r"archive: \{nothing\} is not known"):
        read_channels(channels_file(tmp_path, archive="https://archive.example/{nothing}", desk=HOOK))


def test_every_telling_part_of_a_secret_is_taken_out_of_what_is_said() -> None:
    secret = Secret("slack://T1JJ3T3L2/A1BRTD4JD/TIiaj%2Bkdnlaz?x=hidden1")
    said = secret.hidden_in("POST https://hooks.slack.com/T1JJ3T3L2/A1BRTD4JD/TIiaj+kdnlaz failed: hidden1, TIiaj%2Bkdnlaz")
    assert said == "POST https://hooks.(secret).com/(secret)/(secret)/(secret)+(secret) failed: (secret), (secret)"
