"""Beside the embedded run a notifier with webhooks needs none of the services' packages, nor Apprise."""

import os
import subprocess
import sys
from pathlib import Path

from tests.sinks.notify.alerts import alert, channels_file, hook
from tests.sinks.notify.processes import Notifier
from tests.sinks.notify.receivers import receiver

MISSING = ("apprise", "requests", "kafka", "aiokafka", "faust", "elasticsearch", "prometheus_client")


def test_a_webhook_beside_the_embedded_run_works_without_them(tmp_path: Path) -> None:
    (tmp_path / "missing").mkdir()
    for name in MISSING:
        (tmp_path / "missing" / f"{name}.py").write_text("raise ImportError('not installed here')\n")
    with receiver() as web, Notifier(tmp_path, channels_file(tmp_path / "etc", soc=hook(web.url))) as notifier:
        notifier.environment["PYTHONPATH"] = f"{tmp_path / 'missing'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        check = subprocess.run([sys.executable, "-c", "import kafka"], env=notifier.environment, capture_output=True, text=True)
        assert "not installed here" in check.stderr
        notifier.rings(alert())
        done = notifier.once()
        assert done.returncode == 0, done.stderr
        assert len(web.got) == 1
        (tmp_path / "etc" / "chat").write_text("jsons://chat.example/x")
        channels_file(tmp_path / "etc", chat="apprise: {file: chat}")
        refused = notifier.once()
        assert refused.returncode == 2
        assert "run `make notify`" in refused.stderr
