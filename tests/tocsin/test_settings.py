"""One table of settings: default, file, environment, command line, in that order."""

from pathlib import Path

import pytest

from tocsin.errors import UsageError
from tocsin.settings import describe, load, shown


def test_each_layer_wins_over_the_one_before_and_says_where_a_value_came_from(tmp_path: Path) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text('data = "from-file"\nhost_delay = 1.5\nworkers = 2\n', encoding="utf-8")
    settings, origin = load(file, {"TOCSIN_HOST_DELAY": "2.5", "TOCSIN_WORKERS": "3"}, {"workers": 4, "data": None})
    assert (settings.data, settings.host_delay, settings.workers) == ("from-file", 2.5, 4)
    assert (origin["data"], origin["host_delay"], origin["workers"]) == (f"file {file}", "environment", "command line")
    assert origin["sources"] == "default"


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "agent").write_text("bot@example.org\n", encoding="utf-8")
    settings, _ = load(None, {"TOCSIN_USER_AGENT_FILE": str(tmp_path / "agent")})
    assert settings.user_agent == "bot@example.org"


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"TOCSIN_WORKERS": "many"}, "workers"),
        ({"TOCSIN_WORKERS": "0"}, "workers"),
        ({"TOCSIN_HOST_DELAY": "-1"}, "host_delay"),
        ({"TOCSIN_USER_AGENT_FILE": "/nowhere/agent"}, "cannot read /nowhere/agent"),
    ],
)
def test_a_wrong_value_names_the_setting(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        load(None, environment)


@pytest.mark.parametrize(("text", "complaint"), [("workers = ", "cannot read settings"), ("colour = 1", "unknown setting 'colour'")])
def test_a_broken_file_names_itself(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "tocsin.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint):
        load(tmp_path / "tocsin.toml", {})


def test_every_setting_documents_itself() -> None:
    assert all(name and kind and description for name, kind, description, _ in describe())


def test_a_secret_is_never_printed() -> None:
    settings, _ = load(None, {"TOCSIN_KAFKA_PASSWORD": "open sesame", "TOCSIN_KAFKA_USER": "ali"})
    assert (settings.kafka_password, shown(settings)["kafka_password"], shown(settings)["kafka_user"]) == ("open sesame", "(set)", "ali")
    assert shown(settings)["elasticsearch_password"] == ""


def test_a_password_in_an_address_is_not_printed_either() -> None:
    settings, _ = load(None, {"TOCSIN_ELASTICSEARCH": "https://ali:open@sesame@one:9200, https://two:9200"})
    assert shown(settings)["elasticsearch"] == "https://(set)@one:9200, https://two:9200"
