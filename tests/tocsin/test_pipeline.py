"""The serial half of the embedded run, called directly: what each article becomes, what rings, and that a failure leaves nothing."""

from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from sinks.sqlite import open_store
from streams.rules import Rule, Rules
from tests import builders
from tocsin.clock import iso, parse
from tocsin.embedded.pipeline import Accepted, Pipeline
from tocsin.embedded.prepare import Prepared, Workers
from tocsin.records import Dropped, Fate, Page, RawRef
from tocsin.settings import load
from tocsin.store import Query

RULES = Rules([Rule(id="watch", kind="new_mention", subjects=("loc:mosul", "loc:tabqa"), of=("place",))])
MOSUL = (
    "Engineers reopened the oldest bridge of Mosul on Monday after two years of repairs. "
    "The municipality said 12 companies had worked on it and that buses would cross it again from next week. "
    "Shopkeepers on both banks welcomed the news and asked for the second bridge to follow soon."
)
ADDED = "\nRepairs of the dam at Tabqa will begin in spring."
IDS = {"Mosul": "loc:mosul", "Tabqa": "loc:tabqa"}
SECOND, MONTHS = timedelta(seconds=1), timedelta(days=100)


class Desk:
    """An open store and pipeline in a folder."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder)
        self.pipeline = Pipeline(self.store, RULES, folder / "archive")

    def close(self) -> None:
        self.pipeline.close()
        self.store.close()

    def accept(self, text: str, url: str = "https://wire.example/a", after: timedelta = timedelta()) -> Accepted:
        """One article, prepared by hand, and the page it came from."""
        at = iso(parse(builders.AT) + after)
        return self.pipeline.accept(prepared(text, url, at), page(text, url, at))

    def outcomes(self, url: str = "https://wire.example/a") -> list[str]:
        return [f"{fate.stage} {fate.outcome}" for fate in self.store.trace(url)]

    def state(self) -> list[tuple[object, ...]]:
        """Everything kept, of results and of the stages' memory."""
        tables = ["state", "version", "document", "alert", "dropped", "fate"]
        return [row for table in tables for row in self.store.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]  # noqa: S608


def prepared(text: str, url: str, at: str) -> Prepared:
    article = builders.article(text, url=url, title="Bridge", at=at)
    mentions = tuple(builders.place(text, name, entity) for name, entity in IDS.items() if name in text)
    return Prepared(tagged=builders.tagged(article, mentions))


def page(text: str, url: str, at: str) -> Page:
    return Page(
        url=url,
        final_url=url,
        source_id="wire",
        source_name="Sample Wire",
        owner="wire-group",
        status=200,
        content_type="text/html",
        body=f"<p>{text}</p>".encode(),
        fetched_at=at,
    )


def archived(folder: Path) -> list[bytes]:
    found = []
    for path in sorted((folder / "archive").glob("*.warc.gz")):
        with path.open("rb") as file:
            found += [record.reader.read() for record in ArchiveIterator(file, parse_http=True, record_types=WarcRecordType.response)]
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_a_first_article_is_indexed_rings_and_is_explained(desk: Desk) -> None:
    done = desk.accept(MOSUL)
    assert done.outcome == "indexed"
    assert [alert.subject for alert in done.alerts] == ["loc:mosul"]
    assert desk.outcomes() == ["clean cleaned", "cluster indexed", "tag tagged", "index indexed", "alert rang"]
    kept = desk.store.article("https://wire.example/a")
    assert kept is not None
    assert kept.tagged.article.raw is not None
    assert kept.tagged.article.sketch is None
    assert desk.store.search(Query(text="buses")).total == 1


@pytest.mark.parametrize("after", [timedelta(), SECOND, MONTHS], ids=str)
def test_the_same_article_again_is_unchanged_and_silent_however_late(desk: Desk, tmp_path: Path, after: timedelta) -> None:
    desk.accept(MOSUL)
    before = desk.store.report(0)
    if after > timedelta(days=30):  # other news make the cluster stage forget
        desk.accept("Nothing of note happened in Lisbon on the last day of the year.", "https://wire.example/b", after - SECOND)
        before = desk.store.report(0)
    assert desk.accept(MOSUL, after=after) == Accepted("unchanged")
    assert desk.store.report(0) == before
    assert len(desk.store.alerts()) == 1
    assert archived(tmp_path).count(page(MOSUL, "", "").body) == 1


@pytest.mark.parametrize("after", [SECOND, MONTHS], ids=str)
def test_an_edit_is_a_new_version_in_which_only_the_added_sentence_rings_however_late(desk: Desk, after: timedelta) -> None:
    desk.accept(MOSUL)
    if after > timedelta(days=30):
        desk.accept("Nothing of note happened in Lisbon on the last day of the year.", "https://wire.example/b", after - SECOND)
    done = desk.accept(MOSUL + ADDED, after=after)
    assert done.outcome == "new-version"
    assert [(alert.subject, alert.quote) for alert in done.alerts] == [("loc:tabqa", ADDED.strip())]
    kept = desk.store.article("https://wire.example/a")
    assert kept is not None
    assert [version.current for version in kept.versions] == [False, True]


def test_a_page_that_goes_back_to_an_earlier_text_shows_that_text_and_rings_nothing(desk: Desk) -> None:
    for number, (text, outcome) in enumerate([(MOSUL, "indexed"), (MOSUL + ADDED, "new-version"), (MOSUL, "unchanged")]):
        assert desk.accept(text, after=number * SECOND).outcome == outcome
    assert desk.store.search(Query(text="dam")).total == 0
    assert len(desk.store.alerts()) == 2
    assert desk.accept(MOSUL + ADDED + "\nIt will take a year.", after=3 * SECOND) == Accepted("new-version")


def test_two_versions_in_one_input_stay_in_their_order_when_it_is_read_again(desk: Desk) -> None:
    for run in range(3):
        for text in (MOSUL, MOSUL + ADDED):
            desk.accept(text, after=run * SECOND)
        kept = desk.store.article("https://wire.example/a")
        assert kept is not None
        assert kept.tagged.article.text == MOSUL + ADDED
        assert len(kept.versions) == 2
    assert len(desk.store.alerts()) == 2


def test_a_copy_joins_the_cluster_and_rings_nothing_and_one_with_another_figure_is_a_correction(desk: Desk) -> None:
    desk.accept(MOSUL)
    assert desk.accept(MOSUL, "https://other.example/copy", SECOND) == Accepted("duplicate")
    assert desk.accept(MOSUL.replace("12", "14"), "https://third.example/copy", 2 * SECOND) == Accepted("correction")
    assert desk.store.report(0).clusters == 1
    assert "cluster correction" in desk.outcomes("https://third.example/copy")


def test_a_copy_that_comes_again_when_its_original_is_long_forgotten_is_still_a_copy(desk: Desk) -> None:
    copy = "https://other.example/copy"
    desk.accept(MOSUL)
    desk.accept(MOSUL, copy)
    desk.accept("Nothing of note happened in Lisbon on the last day of the year.", "https://wire.example/b", MONTHS)
    assert desk.accept(MOSUL, copy, MONTHS) == Accepted("unchanged")
    assert len(desk.store.alerts()) == 1


def test_a_refusal_keeps_the_page_its_reason_and_what_happened_before(desk: Desk, tmp_path: Path) -> None:
    url = "https://wire.example/stub"
    refused = Dropped(url=url, stage="clean", reason="no-text", detail="only menus", source_id="wire", at=builders.AT)
    earlier = Fate(url=url, at=builders.AT, stage="fetch", outcome="fetched")
    assert desk.pipeline.accept(Prepared(dropped=refused), page("", url, builders.AT), fates=(earlier,)) == Accepted("dropped")
    assert [(fate.outcome, fate.detail) for fate in desk.store.trace(url)] == [("fetched", ""), ("dropped", "no-text: only menus")]
    assert desk.store.report(0).dropped == {"clean: no-text": 1}
    assert len(archived(tmp_path)) == 1


def test_bytes_that_lie_in_an_archive_already_are_not_archived_again(desk: Desk, tmp_path: Path) -> None:
    known = RawRef(sha256="0" * 64, uri="file:elsewhere.warc", length=3)
    url = "https://wire.example/a"
    given = Page(**{**{name: getattr(page(MOSUL, url, builders.AT), name) for name in Page.__struct_fields__}, "raw": known})
    desk.pipeline.accept(prepared(MOSUL, url, builders.AT), given)
    kept = desk.store.article(url)
    assert kept is not None
    assert kept.tagged.article.raw == known
    assert archived(tmp_path) == []


def test_a_failure_leaves_store_state_and_archive_as_they_were_and_the_next_start_goes_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.accept(MOSUL)
    before, pages = desk.state(), archived(tmp_path)

    def fail() -> None:
        with desk.store.transaction():
            assert desk.accept(MOSUL + ADDED, after=SECOND).alerts
            raise OSError("pulled the plug")

    with pytest.raises(OSError, match="plug"):
        fail()
    assert desk.state() == before
    desk.close()
    desk = Desk(tmp_path)
    assert archived(tmp_path) == pages, "bytes that nothing points to are cut off"
    done = desk.accept(MOSUL + ADDED, after=SECOND)
    assert (done.outcome, [alert.subject for alert in done.alerts]) == ("new-version", ["loc:tabqa"])
    assert len(archived(tmp_path)) == 2
    desk.close()


def test_a_failure_does_not_confuse_the_pipeline_that_met_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    def fail() -> None:
        with desk.store.transaction():
            desk.accept(MOSUL)
            raise OSError("pulled the plug")

    with pytest.raises(OSError, match="plug"):
        fail()
    assert desk.store.report(0).articles == 0
    copy = "https://other.example/copy"
    assert desk.accept(MOSUL, copy).outcome == "indexed", "no copy of what was never kept"
    assert desk.accept(MOSUL).outcome == "duplicate"
    assert len(desk.store.alerts()) == 1
    desk.close()


def test_a_restart_between_articles_changes_nothing(tmp_path: Path) -> None:
    steps = [(MOSUL, "a"), (MOSUL, "b"), (MOSUL + ADDED, "a"), (MOSUL, "b"), (MOSUL.replace("12", "14"), "c")]
    for folder, restarts in ((tmp_path / "one", False), (tmp_path / "many", True)):
        desk = Desk(folder)
        outcomes = []
        for number, (text, name) in enumerate(steps):
            outcomes.append(desk.accept(text, f"https://{name}.example/", number * SECOND).outcome)
            if restarts:
                desk.close()
                desk = Desk(folder)
        assert outcomes == ["indexed", "duplicate", "new-version", "unchanged", "correction"]
        assert len(desk.store.alerts()) == 2
        desk.close()


def test_a_page_that_breaks_the_tagger_is_dropped_loudly(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers(load(environment={}, given={"workers": 1})[0])
    broken: Future[bytes] = Future()
    broken.set_exception(KeyError("stop_in"))
    given = page(MOSUL, "file:\x1b[31m.html", builders.AT)
    dropped = workers.result(given, broken).dropped
    workers.close()
    assert dropped is not None
    assert (dropped.stage, dropped.reason, dropped.detail) == ("clean", "broke", "KeyError: 'stop_in'")
    assert "bug: 'file:\\x1b[31m.html' broke the worker" in caplog.text
