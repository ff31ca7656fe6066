"""Alerts reach real receivers: each once, whatever the receivers and the notifier's own end do."""

import random
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from sinks.notify.signature import verify
from tests.sinks.notify.alerts import SECRET, alert, channels_file, hook, mail, raised
from tests.sinks.notify.processes import Notifier
from tests.sinks.notify.receivers import mail_server, receiver, wait_until

pytestmark = pytest.mark.timeout(120)


def test_each_alert_reaches_each_channel_once_signed_and_later_runs_repeat_nothing(tmp_path: Path) -> None:
    with receiver() as web, mail_server() as (mails, port):
        channels = channels_file(tmp_path / "etc", soc=hook(web.url), desk=mail(tmp_path / "etc", port, ", minimum: warning"))
        with Notifier(tmp_path, channels) as notifier:
            notifier.rings(alert(1), alert(2, severity="critical"))
            assert notifier.once().returncode == 0
            assert notifier.once().returncode == 0
            notifier.rings(alert(1), alert(2, severity="critical", clusters=("k_7", "k_8")))
            assert notifier.once().returncode == 0
            assert sorted(web.keys()) == sorted([f"{alert(1).alert_id}:soc", f"{alert(2).alert_id}:soc"])
            assert all(verify(SECRET, got.headers, got.body, time.time()) for got in web.got)
            assert not any(verify("another secret", got.headers, got.body, time.time()) for got in web.got)
            (letter,) = mails.got
            assert letter["Subject"] == "[CRITICAL] First mention of Zamzam"
            assert "<b>Zamzam</b>" in letter.get_body().get_content()  # type: ignore[attr-defined]
            assert set(notifier.states().values()) == {"sent"}


def test_a_hostile_page_is_text_in_a_mail(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\r\nBcc: all@news.example \u202e@everyone"
    with mail_server() as (mails, port), Notifier(tmp_path, channels_file(tmp_path / "etc", desk=mail(tmp_path / "etc", port))) as notifier:
        notifier.rings(alert(headline=hostile, quote=hostile, highlight=(0, 8), title=hostile, url="javascript:alert(1)"))
        assert notifier.once().returncode == 0
        (letter,) = mails.got
        assert letter["Bcc"] is None
        assert letter["To"] == "desk@news.example"
        for part in letter.walk():
            if not part.is_multipart():
                content = part.get_content()  # type: ignore[attr-defined]
                assert "\u202e" not in content
                assert "href" not in content
                assert part.get_content_type() == "text/plain" or "<script" not in content


def test_a_receiver_that_is_down_delays_its_own_alerts_only_and_has_them_once_when_it_is_back(tmp_path: Path) -> None:
    with receiver() as other, receiver() as web:
        port = web.port
        channels = channels_file(tmp_path / "etc", soc=hook(web.url), other=hook(other.url))
        web.stop()
        with Notifier(tmp_path, channels) as notifier:
            notifier.rings(*(alert(n) for n in range(5)))
            notifier.start()
            wait_until(lambda: len(other.got) == 5)
            wait_until(lambda: "Connect" in notifier.said())
            pending = notifier.command("list", "--pending")
            assert pending.stdout.count("pending  soc") == 5
            assert "soc 5 notifications pending; fails since" in pending.stdout
            with receiver(port) as back:
                wait_until(lambda: len(back.got) >= 5)
                wait_until(lambda: set(notifier.states().values()) == {"sent"})
                assert Counter(back.keys()) == {f"{alert(n).alert_id}:soc": 1 for n in range(5)}
            assert len(other.got) == 5


def test_retry_after_is_honoured_and_errors_are_tried_again_with_the_same_key_and_body(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        web.answers = [(429, {"Retry-After": "2"}), (500, {}), (502, {})]
        notifier.rings(alert())
        notifier.start()
        wait_until(lambda: set(notifier.states().values()) == {"sent"})
        assert len(web.got) == 4
        assert web.got[1].at - web.got[0].at >= 2.0
        assert len({(got.key, got.body) for got in web.got}) == 1
        assert "HTTP 429, asks to wait 2 s" in notifier.said()


def test_a_lost_acknowledgement_repeats_one_message_with_the_same_key(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        web.answers = ["reset"]
        notifier.rings(alert(1), alert(2))
        notifier.start()
        wait_until(lambda: set(notifier.states().values()) == {"sent"} and len(notifier.states()) == 2)
        assert web.keys() == [f"{alert(1).alert_id}:soc"] * 2 + [f"{alert(2).alert_id}:soc"]


def test_a_slow_receiver_is_given_up_on_after_its_timeout_and_asked_again(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        web.answers = ["slow"]
        notifier.rings(alert())
        notifier.start()
        wait_until(lambda: set(notifier.states().values()) == {"sent"})
        assert len(web.got) == 2
        assert "did not answer within 2 s" in notifier.said()


def test_a_message_that_its_receiver_refuses_is_given_up_after_three_tries_and_holds_up_no_other(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        first, second = f"{alert(1).alert_id}:soc", f"{alert(2).alert_id}:soc"
        web.by_key = {first: 422}
        notifier.rings(alert(1), alert(2), alert(3))
        notifier.start()
        wait_until(lambda: notifier.states().get(first) == "given-up")
        assert sorted(notifier.states().values()) == ["given-up", "sent", "sent"]
        assert web.keys().count(first) == 3
        assert web.keys().index(second) < 2
        assert "refused 3 times: HTTP 422" in notifier.command("list", "--given-up").stdout
        assert notifier.command("list").stdout.count("fails since") == 0


def test_a_message_that_breaks_its_receiver_holds_up_no_other_and_is_given_up_in_the_end(tmp_path: Path) -> None:
    settings = {"notify_retry_most": 0.2, "notify_give_up": 3}
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url)), **settings) as notifier:
        first = f"{alert(1).alert_id}:soc"
        web.by_key = {first: 500}
        notifier.rings(alert(1), alert(2), alert(3))
        notifier.start()
        wait_until(lambda: Counter(notifier.states().values()) == {"pending": 1, "sent": 2})
        for number in range(4, 100):  # others get through all the time
            notifier.rings(alert(number))
            if notifier.states()[first] == "given-up":
                break
            time.sleep(0.25)
        wait_until(lambda: notifier.states()[first] == "given-up")
        wait_until(lambda: Counter(notifier.states().values())["pending"] == 0)
        assert max(Counter(key for key in [*web.keys()] if key != first).values()) == 1


def test_a_mail_server_that_refuses_for_now_is_asked_again(tmp_path: Path) -> None:
    with mail_server() as (mails, port), Notifier(tmp_path, channels_file(tmp_path / "etc", desk=mail(tmp_path / "etc", port))) as notifier:
        mails.refusals = ["451 later"]
        notifier.rings(alert())
        notifier.start()
        wait_until(lambda: set(notifier.states().values()) == {"sent"}, 40)
        assert len(mails.got) == 1


def test_a_dead_channel_is_given_up_with_an_alarm_through_the_others_and_an_operator_can_try_again(tmp_path: Path) -> None:
    with receiver() as web, receiver() as dead:
        dead.always = (503, {})
        channels = channels_file(tmp_path / "etc", soc=hook(web.url), gone=hook(dead.url), desk=hook(web.url, ", minimum: critical"))
        with Notifier(tmp_path, channels, notify_give_up=2) as notifier:
            notifier.rings(alert())
            notifier.start()
            key = f"{alert().alert_id}:gone"
            wait_until(lambda: notifier.states().get(key) == "given-up")
            wait_until(lambda: sum(got.json["kind"] == "alarm" for got in web.got) == 2)
            assert {got.json["channel"] for got in web.got if got.json["kind"] == "alarm"} == {"soc", "desk"}
            assert all("gone" in got.json["title"] and "HTTP 503" in got.json["text"] for got in web.got if got.json["kind"] == "alarm")
            shown = notifier.command("list", "--given-up")
            assert "HTTP 503" in shown.stdout
            dead.always = (200, {})
            assert notifier.command("retry", alert().alert_id[:10]).stdout == "1 to be tried again\n"
            wait_until(lambda: notifier.states()[key] == "sent")
            time.sleep(0.5)
            assert sum(got.json["kind"] == "alarm" for got in web.got) == 2


@pytest.mark.slow
def test_a_notifier_killed_at_any_moment_tells_each_alert_once_or_repeats_the_one_under_way(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        kills = 0
        for round_ in range(10):
            notifier.rings(*(alert(n) for n in range(round_ * 4, round_ * 4 + 4)))
            before = len(web.got)
            process = notifier.start()
            # Every second time in the middle of a request, else anywhere after it.
            wait_until(lambda: len(web.got) > before)  # noqa: B023
            time.sleep(chance.random() * 0.08)
            process.kill()
            process.wait()
            kills += 1
        assert notifier.once().returncode == 0
        counts = Counter(web.keys())
        assert set(counts) == {f"{alert(n).alert_id}:soc" for n in range(40)}
        assert sum(counts.values()) - len(counts) <= kills, counts  # at each kill the one under way, never another
        assert set(notifier.states().values()) == {"sent"}


def test_a_kill_between_decision_and_delivery_loses_nothing(tmp_path: Path) -> None:
    with receiver() as web:
        web.always = (503, {"Retry-After": "600"})
        with Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
            notifier.rings(alert(1), alert(2))
            process = notifier.start()
            wait_until(lambda: len(notifier.states()) == 2 and "asks to wait 600 s" in notifier.said())
            process.kill()
            process.wait()
            assert set(notifier.states().values()) == {"pending"}
            web.always = (200, {})
            done = notifier.once()
            assert done.returncode == 1  # the receiver asked for ten minutes
            assert "2 notifications are pending" in done.stderr
            assert notifier.command("retry", alert(1).alert_id, alert(2).alert_id).returncode == 0
            assert notifier.once().returncode == 0
            assert Counter(web.keys()) == {f"{alert(1).alert_id}:soc": 2, f"{alert(2).alert_id}:soc": 1}


def test_a_stop_waits_for_what_is_being_sent(tmp_path: Path) -> None:
    with (
        receiver() as web,
        Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url, ", timeout: 6").replace("timeout: 2, ", ""))) as notifier,
    ):
        web.answers = ["slow"]
        notifier.rings(alert())
        process = notifier.start()
        wait_until(lambda: len(web.got) == 1)
        assert notifier.end(process) == 0
        assert set(notifier.states().values()) == {"sent"}
        assert len(web.got) == 1


def test_a_second_notifier_is_refused(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        notifier.rings(alert())
        notifier.start()
        wait_until(lambda: len(web.got) == 1)
        second = notifier.once()
        assert second.returncode == 2
        assert "is writing here: stop it first" in second.stderr
        assert second.stderr.count("\n") == 1


def test_an_alert_that_grows_more_urgent_is_told_once_more(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        notifier.rings(alert())
        notifier.once()
        with sqlite3.connect(notifier.data / "store.sqlite3") as store:  # as an engine would that raises severities
            from tocsin import wire

            store.execute("UPDATE alert SET record=?", (wire.encode(raised(alert(), "critical")),))
        store.close()
        notifier.once()
        notifier.once()
        assert [got.json["kind"] for got in web.got] == ["alert", "update"]
        assert web.got[1].json["title"] == "[UPDATE: CRITICAL, was NOTICE] First mention of Zamzam"
        assert web.got[1].key == f"{alert().alert_id}:soc:critical"


def test_private_addresses_are_refused_unless_the_channel_allows_them(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, tmp_path / "etc" / "channels.yaml") as notifier:
        channels_file(
            tmp_path / "etc", soc=hook(web.url.replace("http:", "https:")).replace("allow_private: true, ", ""), chat="apprise: {env: CHAT}"
        )
        notifier.environment["CHAT"] = f"jsons://localhost:{web.port}/hidden-token"
        for name in ("soc", "chat"):
            done = notifier.command("test", name)
            assert done.returncode == 1, done.stderr
            assert "not a public address: set allow_private: true" in done.stderr
            assert "hidden-token" not in done.stderr
        assert web.got == []


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with receiver() as inner, receiver() as web:
        web.always = (307, {"Location": inner.url})
        channels = channels_file(tmp_path / "etc", soc=hook(web.url), chat="apprise: {env: CHAT}, allow_private: true")
        with Notifier(tmp_path, channels) as notifier:
            notifier.environment["CHAT"] = f"json://127.0.0.1:{web.port}/x"
            for name in ("soc", "chat"):
                done = notifier.command("test", name)
                assert done.returncode == 1
                assert "it redirects, which is not followed" in done.stderr
        assert len(web.got) == 2
        assert inner.got == []


def test_a_first_start_with_a_flood_asks_what_to_do_with_it(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        notifier.rings(*(alert(n) for n in range(101)))
        asked = notifier.once()
        assert asked.returncode == 2
        assert "--backlog send" in asked.stderr
        assert notifier.command("--once", "--backlog", "skip").returncode == 0
        assert web.got == []
        notifier.rings(alert(500))
        assert notifier.once().returncode == 0
        assert web.keys() == [f"{alert(500).alert_id}:soc"]


def test_a_store_that_was_made_anew_is_read_from_its_beginning_and_repeats_nothing(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        notifier.rings(alert(1), alert(2), alert(3))
        notifier.once()
        for file in notifier.data.glob("store.sqlite3*"):
            file.rename(file.with_name("old-" + file.name))
        notifier.rings(alert(3), alert(4))
        notifier.once()
        assert Counter(web.keys()) == {f"{alert(n).alert_id}:soc": 1 for n in (1, 2, 3, 4)}


def test_health_and_metrics_say_which_channel_fails(tmp_path: Path) -> None:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    from deploy.servers import free_port

    port = free_port()

    def asked(path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url)), health_port=port) as notifier:
        notifier.start()
        wait_until(lambda: asked("/ready")[0] == 200)
        web.always = (503, {})
        notifier.rings(alert())
        wait_until(lambda: asked("/ready")[0] == 503)
        assert "HTTP 503" in asked("/ready")[1]
        wait_until(lambda: 'tocsin_notifications_pending{channel="soc",service="notify"} 1.0' in asked("/metrics")[1])
        web.always = (200, {})
        wait_until(lambda: asked("/ready")[0] == 200)
        wait_until(lambda: 'tocsin_notifications_pending{channel="soc",service="notify"} 0.0' in asked("/metrics")[1])
        assert 'tocsin_records_total{outcome="sent",service="notify",stage="notify"} 1.0' in asked("/metrics")[1]
        assert asked("/live")[0] == 200


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("test", "nobody"), 2, "no channel 'nobody' in"),
        (("list",), 2, "no notifications in"),
        (("retry",), 2, "say which"),
        (("retry", "n_1"), 2, "no notifications in"),
        (("--once",), 2, "no data in"),
        (("--channels", "nothing.yaml", "--once"), 2, "nothing.yaml: cannot read"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    with Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook("http://127.0.0.1:1/"))) as notifier:
        done = notifier.command(*arguments)
        assert done.returncode == code, done.stderr
        assert said in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_a_signal_ends_it_in_good_order(tmp_path: Path) -> None:
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        process = notifier.start()  # there is no store yet: it waits for one
        wait_until(lambda: "channels: soc" in notifier.said())
        notifier.rings(alert())
        wait_until(lambda: len(web.got) == 1)
        assert notifier.end(process, signal.SIGINT) == 0
        assert "stopped, 1 notifications sent" in notifier.said()
