"""Passwords and certificates: made once, renewed on demand, readable by whom they are for."""

import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy import credentials
from deploy.checks.composition import ROOT


def _all(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_they_are_made_once_and_stay(tmp_path: Path) -> None:
    made = credentials.make(tmp_path / "secrets")
    before = _all(tmp_path / "secrets")
    assert set(made) == set(before)
    assert credentials.make(tmp_path / "secrets") == []
    assert _all(tmp_path / "secrets") == before


def test_nobody_else_enters_the_folder_and_the_authority_s_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    credentials.make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.pop("ca.key") == 0o600
    assert set(modes.values()) == {0o644}, "a container's user has another number"


def test_new_passwords_are_new_everywhere_and_change_nothing_else(tmp_path: Path) -> None:
    credentials.make(tmp_path)
    before = _all(tmp_path)
    inode = (tmp_path / "users").stat().st_ino
    made = credentials.make(tmp_path, frozenset({"passwords"}))
    after = _all(tmp_path)
    assert {name for name in after if after[name] != before[name]} == set(made)
    assert {"kafka_password", "elasticsearch_sink_password", "users", "kibana.yml"} <= set(made)
    assert not {"elasticsearch_analyst_password", "kibana_objects_key", "ca.crt", "kafka.pem"} & set(made)
    assert after["elasticsearch_kibana_password"].strip() in after["kibana.yml"]
    lines = dict(line.split(":", 1) for line in after["users"].splitlines())
    assert lines["analyst"] == dict(line.split(":", 1) for line in before["users"].splitlines())["analyst"]
    assert (tmp_path / "users").stat().st_ino == inode, "a mounted file is rewritten in place"


def test_users_are_stored_as_hashes_of_their_passwords(tmp_path: Path) -> None:
    import base64

    credentials.make(tmp_path)
    for line in (tmp_path / "users").read_text(encoding="utf-8").splitlines():
        user, _, stored = line.partition(":")
        password = (tmp_path / f"elasticsearch_{user.removeprefix('tocsin-')}_password").read_text(encoding="utf-8").strip()
        assert len(password) >= 32
        assert stored == credentials.hashed(password, base64.b64decode(stored.split("$")[1]))
        assert password not in stored


def test_certificates_are_by_one_authority_for_the_name_of_the_service(tmp_path: Path) -> None:
    x509 = pytest.importorskip("cryptography.x509")
    credentials.make(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for name in credentials.SERVERS:
        made = x509.load_pem_x509_certificate((tmp_path / f"{name}.crt").read_bytes())
        made.verify_directly_issued_by(authority)
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [name, "localhost"]
        ssl.create_default_context(cafile=str(tmp_path / "ca.crt")).load_cert_chain(tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
    assert (tmp_path / "kafka.pem").read_text("ascii").count("-----BEGIN") == 2


def test_renewed_certificates_keep_their_authority_until_it_is_renewed_too(tmp_path: Path) -> None:
    credentials.make(tmp_path)
    before = _all(tmp_path)
    assert {"kafka.crt", "kafka.key", "kafka.pem"} <= set(credentials.make(tmp_path, frozenset({"certificates"})))
    assert (tmp_path / "ca.crt").read_text(encoding="ascii") == before["ca.crt"]
    assert {"ca.crt", "kibana.crt"} <= set(credentials.make(tmp_path, frozenset({"authority"})))


def test_a_key_of_the_authority_that_is_kept_elsewhere_is_asked_for(tmp_path: Path) -> None:
    credentials.make(tmp_path)
    (tmp_path / "ca.key").unlink()
    assert credentials.make(tmp_path) == []
    with pytest.raises(credentials.Unable, match="put it back, or make all new with --renew authority"):
        credentials.make(tmp_path, frozenset({"certificates"}))


def test_kibana_s_file_asks_nothing_of_the_internet_and_keeps_its_keys(tmp_path: Path) -> None:
    credentials.make(tmp_path)
    before = yaml.safe_load((tmp_path / "kibana.yml").read_text("utf-8"))
    assert before["map.includeElasticMapsService"] is False
    assert before["telemetry.optIn"] is False
    assert all(len(before[f"xpack.{part}.encryptionKey"]) >= 32 for part in ("security", "reporting", "encryptedSavedObjects"))
    credentials.make(tmp_path, frozenset(credentials.KINDS))
    after = yaml.safe_load((tmp_path / "kibana.yml").read_text("utf-8"))
    assert {name for name in after if after[name] != before[name]} == {"elasticsearch.password"}


def test_the_command_prints_names_and_no_secret(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.credentials", "--folder", str(tmp_path / "s")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Log in to Kibana as analyst" in done.stdout
    for path in (tmp_path / "s").glob("*password"):
        assert path.read_text(encoding="utf-8").strip() not in done.stdout + done.stderr


def test_a_machine_without_openssl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(credentials.Unable, match="apt-get install openssl"):
        credentials.make(tmp_path / "s")
