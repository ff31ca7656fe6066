"""A writer killed at any moment: what it reported is there, whole, once; what it did not report is there whole or not at all."""

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from sinks.sqlite import open_store
from tests.sinks import samples
from tocsin.records import Sentence
from tocsin.store import Query

ROOT = Path(__file__).parents[2]
KILLS = 10
WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from sinks.sqlite import open_store
    from tests.sinks import samples
    from tests.sinks.test_store_crashes import article
    from tocsin.records import Sentence

    with open_store(Path(sys.argv[1])) as store:
        seen = store.table("seen", Sentence)
        number = 0
        while True:
            with store.transaction():  # results and state together, the way the embedded run writes
                store.write(article(number))
                seen[str(number)] = Sentence(start=number, end=number + 1)
            print(number, flush=True)
            number += 1
""")


def article(number: int) -> samples.Batch:
    """Article `number`; the same whenever it is asked for."""
    return samples.batch(
        f"https://example.org/{number}",
        f"Title {number}",
        f"In Mosul, {number} people died. " * 20,
        places=[("Mosul", samples.MOSUL)],
        claims=[(f"{number} people died", "casualties", {})],
    )


def test_killing_the_writer_at_any_moment_loses_nothing_reported_and_duplicates_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    most = 0
    for _ in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it starts again from 0 and meets what is there
        time.sleep(chance.uniform(0.0, 0.25))
        writer.send_signal(signal.SIGKILL)
        reported = [int(line) for line in (first, *writer.stdout) if line.endswith("\n")]
        writer.wait()
        most = max(most, reported[-1])
        with open_store(tmp_path, read_only=True) as store:  # before any writer has cleaned up
            assert store.search(Query(text="mosul", limit=1)).total >= most + 1
        with open_store(tmp_path) as store:
            here = store.report()
            # One article may have been committed before its report came out.
            assert here.articles in (most + 1, most + 2)
            most = here.articles - 1
            assert here.versions == here.claims == here.articles
            assert sorted(map(int, store.table("seen", Sentence))) == list(range(here.articles))
            found = store.search(Query(text="mosul", places=("Iraq",), claim_types=("casualties",), limit=0))
            assert found.total == here.articles
            assert store.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert store.connection.execute("PRAGMA foreign_key_check").fetchall() == []
            store.connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    assert most > KILLS
