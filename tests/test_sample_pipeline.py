"""The whole embedded pipeline on the sample site, against what a person found in its pages before any rule was written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from producers.sample.server import Site
from sinks.sqlite import SqliteStore, open_store
from streams.names import resolver
from streams.resources import resources_for
from tests.sample_run import EXPECTED, poll, sample_site, settings_for, url_of
from tocsin.records import Claim, Mention
from tocsin.settings import load
from tocsin.store import Query, Stored

PAGES: dict[str, dict[str, Any]] = EXPECTED["pages"]
INDEXED = [path for path, page in PAGES.items() if page["fate"] == "indexed"]
KNOWN = resolver(resources_for(load(environment={})[0]))
# A name that must stay silent and that nobody knows is silent by nature; a rule with it would rightly be refused.
WATCHED = [alert for alert in EXPECTED["alerts"] if alert["first_run"] or alert.get("second_run") or KNOWN(alert["watch"])]
pytestmark = pytest.mark.xdist_group("sample")


def watch_rule(alert: dict[str, Any]) -> str:
    name, kind = alert["watch"], alert["kind"]
    return f"  - {{id: 'watch {name}', kind: new_mention, subjects: ['{name}'], of: [{kind}]}}"


@dataclass
class Run:
    """The store after each edition of the site."""

    site: Site
    first: SqliteStore
    second: SqliteStore

    def page(self, path: str, store: SqliteStore | None = None) -> Stored:
        found = (store or self.first).article(url_of(self.site, path))
        assert found is not None, f"{path} is not in the store"
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("sample")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "watch.yaml").write_text("rules:\n" + "\n".join(map(watch_rule, WATCHED)), encoding="utf-8")
    with sample_site() as site:
        first, second = folder / "first", folder / "second"
        poll(site, settings_for(site, first, rules))
        poll(site, settings_for(site, second, rules))
        site.edition = 2
        poll(site, settings_for(site, second, rules), later=3700)
        with open_store(first, read_only=True) as one, open_store(second, read_only=True) as two:
            yield Run(site, one, two)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_fate_a_person_expects_and_trace_explains_it(run: Run, path: str) -> None:
    fates = run.first.trace(url_of(run.site, path))
    assert fates, "nothing is known of this page"
    outcomes = {fate.outcome for fate in fates}
    wanted = PAGES[path]["fate"]
    if wanted == "dropped":
        assert outcomes & {"dropped", "failed"}
        assert all(fate.detail for fate in fates if fate.outcome in ("dropped", "failed"))
    else:
        assert {"indexed": "indexed", "redirected": "redirected"}[wanted] in outcomes


@pytest.mark.parametrize("path", INDEXED)
def test_the_body_is_the_article_and_nothing_else(run: Run, path: str) -> None:
    article = run.page(path).tagged.article
    for words in PAGES[path].get("has", ()):
        assert words in article.text
    for words in PAGES[path].get("has_not", ()):
        assert words not in article.text
    for comment in PAGES[path].get("comments", ()):
        assert any(comment["has"] in kept.text for kept in article.comments)
    if PAGES[path].get("bio"):
        assert PAGES[path]["bio"] not in article.text


@pytest.mark.parametrize("path", INDEXED)
def test_title_and_date_are_what_the_page_says(run: Run, path: str) -> None:
    article = run.page(path).tagged.article
    assert article.title == PAGES[path]["title"]
    assert (article.published_at or "")[:10] == (str(PAGES[path]["published"]) if PAGES[path].get("published") else "")


def named(mentions: tuple[Mention, ...], words: str) -> bool:
    return any(words in m.text or m.text in words for m in mentions)


def test_nearly_all_names_that_must_be_found_are_found(run: Run) -> None:
    missed, asked = [], 0
    for path in INDEXED:
        tagged = run.page(path).tagged
        for mention in PAGES[path].get("mentions", ()):
            if mention.get("level") == "must":
                asked += 1
                if not named(tuple(m for m in tagged.mentions if m.kind == mention["kind"]), mention["text"]):
                    missed.append((path, mention["kind"], mention["text"]))
    assert asked > 50
    assert len(missed) <= 0.1 * asked, missed


def fits(claim: Claim, text: str, wanted: dict[str, Any]) -> bool:
    """Whether a claim stands on the wanted words and says the wanted thing."""
    at = text.find(wanted["words"])
    types = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
    return at >= 0 and claim.start < at + len(wanted["words"]) and at < claim.end and claim.type in types


def test_most_claims_that_must_be_found_are_found_in_english(run: Run) -> None:
    missed, asked = [], 0
    for path in INDEXED:
        tagged = run.page(path).tagged
        if tagged.lang != "en":
            continue
        for wanted in PAGES[path].get("claims", ()):
            if wanted.get("level") == "must":
                asked += 1
                if not any(fits(claim, tagged.article.text, wanted) for claim in tagged.claims):
                    missed.append((path, wanted["words"], wanted["type"]))
    assert asked > 30
    assert len(missed) <= 0.4 * asked, missed


def test_nothing_that_must_never_be_claimed_is_claimed(run: Run) -> None:
    wrong = []
    for path in INDEXED:
        tagged = run.page(path).tagged
        for never in PAGES[path].get("never", ()):
            if "mention" in never:
                wrong += [
                    (path, never["mention"]) for m in (*tagged.mentions, *tagged.title_mentions) if never["mention"] in (m.text, m.name)
                ]
                continue
            for claim in tagged.claims:
                differs = any(never.get(field) not in (None, getattr(claim, field)) for field in ("modality", "polarity"))
                if not differs and fits(claim, tagged.article.text, never):
                    wrong.append((path, claim.text, claim.type, claim.modality, claim.polarity))
    assert not wrong


def test_claims_are_taken_only_from_the_body(run: Run) -> None:
    for path in INDEXED:
        tagged = run.page(path).tagged
        for claim in tagged.claims:
            assert tagged.article.text[claim.start : claim.end] == claim.text
            assert claim.scope in ("body", "quote")
        for claim in tagged.title_claims:
            assert (tagged.article.title or "")[claim.start : claim.end] == claim.text


def test_copies_meet_in_one_cluster_the_corrected_one_marked_and_all_others_stand_alone(run: Run) -> None:
    cluster = {path: run.page(path).clustered for path in INDEXED}
    groups = EXPECTED["clusters"]
    members = groups["jadida-inquiry"]["members"]
    assert len({cluster[path].cluster_id for path in members}) == 1
    assert {path for path in members if cluster[path].correction} == set(groups["jadida-inquiry"]["correction"])
    others = [path for path in INDEXED if path not in members]
    assert len({cluster[path].cluster_id for path in others}) == len(others)


@pytest.mark.parametrize("alert", WATCHED, ids=lambda alert: str(alert["watch"]))
def test_a_watched_name_rings_once_for_a_page_that_brings_it_up(run: Run, alert: dict[str, Any]) -> None:
    rang = run.first.alerts(rule=f"watch {alert['watch']}", limit=100)
    pages = {run.page(path).tagged.article.article_id for path in alert["first_run"]}
    assert {a.article_id for a in rang} <= pages
    # A city that rings through its districts, or an actor with two ids, may ring for each of its subjects, once.
    assert len(rang) == len({a.subject for a in rang})
    assert bool(rang) == bool(pages)
    for a in rang:
        assert a.quote[slice(*a.highlight)]


@pytest.mark.parametrize("alert", [a for a in WATCHED if a.get("second_run") is not None], ids=lambda alert: str(alert["watch"]))
def test_an_edit_rings_only_for_what_it_added(run: Run, alert: dict[str, Any]) -> None:
    before = {a.alert_id for a in run.first.alerts(rule=f"watch {alert['watch']}", limit=100)}
    rang = [a for a in run.second.alerts(rule=f"watch {alert['watch']}", limit=100) if alert["first_run"] == [] or a.alert_id not in before]
    if not alert["second_run"]:
        assert alert["first_run"] or not rang
        return
    (one,) = {a.article_id: a for a in rang}.values()
    assert one.article_id == run.page(alert["second_run"][0]).tagged.article.article_id
    assert one.quote == alert["sentence"]


@pytest.mark.parametrize("path", [path for path in INDEXED if "edition_2" in PAGES[path]])
def test_an_edit_is_a_new_version_of_the_same_article_with_its_history(run: Run, path: str) -> None:
    before, after, wanted = run.page(path), run.page(path, run.second), PAGES[path]["edition_2"]
    assert before.tagged.article.article_id == after.tagged.article.article_id
    assert len(after.versions) == 2
    for words in wanted.get("has", ()):
        assert words in after.tagged.article.text
    for words in wanted.get("gone", ()):
        assert words not in after.tagged.article.text
        quoted = Query(text=f'"{words}"')
        assert run.first.search(quoted).total
        article = after.tagged.article.article_id
        assert article not in {hit.article_id for hit in run.second.search(quoted).hits}, "removed words are still found"


def test_searching_a_city_finds_its_districts(run: Run) -> None:
    found = run.second.search(Query(places=("Mosul",), limit=100))
    assert run.page("/tigris/2016/11/04/mosul-live.html").tagged.article.article_id in {hit.article_id for hit in found.hits}


def test_comments_are_never_found_by_search(run: Run) -> None:
    for path in INDEXED:
        for comment in PAGES[path].get("comments", ()):
            assert not run.first.search(Query(text=f'"{comment["has"]}"')).total


def test_the_very_long_report_is_kept_whole(run: Run) -> None:
    article = run.page("/courier/longread/battle-of-mosul-day-by-day").tagged.article
    assert len(article.text) > 150_000


def test_a_page_that_robots_forbids_was_never_asked_for(run: Run) -> None:
    assert run.site.requests["/tigris/private/desk-notes.html"] == 0


def test_the_report_accounts_for_every_page(run: Run) -> None:
    report = run.first.report()
    assert report.articles == len(INDEXED)
    assert sum(report.dropped.values()) >= sum(page["fate"] == "dropped" for page in PAGES.values()) - 1  # one is still being retried


def test_four_reports_of_one_inquiry_meet_in_one_incident_with_both_figures_and_are_no_four_witnesses(run: Run) -> None:
    pages = (
        "/tigris/2017/05/25/mosul-jadida-inquiry.html",
        "/tigris/2017/05/26/corrected-mosul-jadida-inquiry.html",
        "/courier/world/2017/mosul-strike-inquiry",
        "/euphrates/101-mosul-inquiry",
    )
    articles = {run.page(path).tagged.article.article_id for path in pages}
    told = [
        incident for incident in run.first.incidents(place="Mosul", type="casualties", limit=1000) if articles <= set(incident.articles)
    ]
    assert len(told) == 1
    killed = next(figure for figure in told[0].figures if figure.role == "killed")
    assert {said.value for said in killed.said} >= {101, 105}
    assert told[0].independent < len(pages) - 1
    assert all(any(one.incident_id == told[0].incident_id for one in run.page(path).incidents) for path in pages)


def test_reading_the_site_again_after_its_edits_leaves_one_incident_an_event(run: Run) -> None:
    first, second = ({i.incident_id: i for i in store.incidents(limit=1000)} for store in (run.first, run.second))
    same = [incident_id for incident_id in first if incident_id in second]
    assert len(same) >= len(first) * 0.9
    assert all(second[incident_id].revision >= first[incident_id].revision for incident_id in same)
