"""Rules ring once, for the right thing, and say why."""

import copy
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.alerts import Hour, Rung, Seen, State, judge
from streams.overlay import Overlay
from streams.rules import MAX_HOURS, Rules, load_rules
from streams.sightings import sightings
from tests.builders import actor, article, claim, clustered, place, tagged
from tocsin.alerting import Alert
from tocsin.clock import iso_of, parse
from tocsin.errors import DataError
from tocsin.records import Article, Sighting
from tocsin.sketch import sentence_hash

WEEK = timedelta(days=7)
KNOWN = {"mosul": ("loc:mosul",), "islamic state": ("org:islamic-state",), "iraq": ("loc:iraq",)}


def resolve(name: str) -> tuple[str, ...]:
    return KNOWN.get(name.lower(), ())


def rules(tmp_path: Path, text: str) -> Rules:
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules(tmp_path, resolve)


def state() -> State:
    return State({}, {}, {})


TEXT = "Shells fell on Mosul at dawn."


def see(of: Article, cluster: str = "k_1", known: tuple[str, ...] = (), name: str = "Mosul", sure: bool = True) -> tuple[Sighting, ...]:
    mention = place(of.text, name, "loc:mosul", sure=sure)
    return sightings(tagged(of, (mention,)), clustered(of, cluster, known))


def test_a_watched_place_rings_at_its_first_mention_with_the_sentence(tmp_path: Path) -> None:
    (alert,) = judge(see(article(TEXT)), rules(tmp_path, "watch: [Mosul]"), state())
    assert (alert.subject, alert.quote) == ("loc:mosul", TEXT)
    assert alert.quote[slice(*alert.highlight)] == "Mosul"
    assert "First mention" in alert.headline


def test_the_second_mention_and_every_copy_stay_silent(tmp_path: Path) -> None:
    watch, memory = rules(tmp_path, "watch: [Mosul]"), state()
    assert judge(see(article(TEXT, url="u:1")), watch, memory)
    assert not judge(see(article(TEXT, url="u:2")), watch, memory)
    assert not judge(see(article("Mosul again.", url="u:3"), "k_2"), watch, memory)


def test_a_quiet_month_makes_it_news_again(tmp_path: Path) -> None:
    watch, memory = rules(tmp_path, "watch: [Mosul]"), state()
    judge(see(article(TEXT, url="u:1")), watch, memory)
    assert not judge(see(article(TEXT, url="u:2", at="2018-02-01T00:00:00Z"), "k_2"), watch, memory)
    (alert,) = judge(see(article(TEXT, url="u:3", at="2018-03-05T00:00:00Z"), "k_3"), watch, memory)
    assert "32 days" in alert.headline


def test_redelivery_rings_the_same_alert_and_counts_nothing_twice(tmp_path: Path) -> None:
    watch, memory = rules(tmp_path, "watch: [Mosul]"), state()
    first = judge(see(article(TEXT)), watch, memory)
    before = (dict(memory.seen), dict(memory.hours))
    assert judge(see(article(TEXT)), watch, memory) == first
    assert (memory.seen, memory.hours) == before


class Logged(dict[str, Any]):
    """A table that remembers which keys were written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def __setitem__(self, key: str, value: object) -> None:
        self.written.append(key)
        super().__setitem__(key, value)

    def pop(self, key: str, *default: Any) -> Any:
        self.written.append(key)
        return super().pop(key, *default)


def test_a_subject_seen_again_within_the_hour_writes_nothing(tmp_path: Path) -> None:
    watch, seen, hours = rules(tmp_path, "watch: [Mosul]"), Logged(), Logged()
    memory = State(seen, hours, {})
    for n, at in enumerate(["10:05", "10:00", "10:59", "11:00", "11:30", "10:30"]):
        judge(see(article(TEXT, url=f"u:{n}", at=f"2018-01-06T{at}:00Z"), f"k_{n}"), watch, memory)
    assert [key for key in seen.written if key == "loc:mosul"] == ["loc:mosul", "loc:mosul"]  # at 10:05 and at 11:00
    assert hours.written == []  # no rule counts


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        pytest.param("of: [place]", {"loc:mosul", "loc:iraq"}, id="any place"),
        pytest.param("of: [place], subjects: [Mosul]", {"loc:mosul"}, id="this place"),
        pytest.param("of: [place], sources: [another], subjects: [Iraq]", {"loc:iraq"}, id="all sources count, whichever rings"),
        pytest.param("of: [place], countries: [Islamic State]", set(), id="another country"),
        pytest.param("of: [actor]", set(), id="another kind"),
        pytest.param("of: [place_claim], claim_types: [casualties]", {"loc:mosul|casualties", "loc:iraq|casualties"}, id="a claim type"),
        pytest.param("of: [place_claim], claim_types: [protest]", set(), id="another claim type"),
    ],
)
def test_counts_are_kept_only_where_a_threshold_rule_could_ring(tmp_path: Path, rule: str, kept: set[str]) -> None:
    memory = state()
    judge(casualty_sightings(2, "k1", "a"), rules(tmp_path, f"rules: [{{id: x, kind: threshold, at_least: 9, {rule}}}]"), memory)
    assert {key.partition("@")[0] for key in memory.hours} == kept
    assert {"loc:mosul", "loc:mosul|casualties"} <= set(memory.seen)


def test_counts_are_let_go_when_they_have_left_every_window(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    for n in range(2, 14):
        judge(casualty_sightings(n, f"k{n}", "a", f"2018-01-{n:02}T10:00:00Z"), many, memory)
    assert len([key for key in memory.hours if key.startswith("loc:mosul|casualties@")]) == 8
    judge(casualty_sightings(20, "k20", "a", "2018-02-20T10:00:00Z"), rules(tmp_path, "watch: [Mosul]"), memory)
    assert memory.hours == {}


def test_records_in_reverse_order_of_time_keep_no_more_than_eight_days(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    rang = [judge(casualty_sightings(n + 2, f"k{n}", "a", iso_of(1_515_000_000 - 3600 * n)), many, memory) for n in range(250)]
    assert sum(map(len, rang)) == 1
    kept = {key for key in memory.hours if key.startswith("loc:mosul|casualties@")}
    assert kept == {f"loc:mosul|casualties@{hour}" for hour in memory.seen["loc:mosul|casualties"].hours}
    assert len(kept) == MAX_HOURS


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_reports_that_come_in_another_order_than_they_were_seen_ring_all_the_same(tmp_path: Path, order: tuple[int, ...]) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    found = [casualty_sightings(n + 2, f"k{n}", "a", iso_of(1_515_000_000 + 5 * 3600 * n)) for n in range(3)]
    assert [len(judge(found[n], many, memory)) for n in order] == [0, 0, 1]


def test_a_batch_over_overlays_gives_the_same_alerts_and_state(tmp_path: Path) -> None:
    many = rules(tmp_path, "watch: [Mosul]" + CASUALTIES.replace("COUNT", "clusters"))
    found = [casualty_sightings(n, f"k{n}", "a", f"2018-01-06T{8 + n}:30:00Z") for n in range(2, 9)]
    one = state()
    rang = [alert for version in found for alert in judge(version, many, one)]
    seen, hours, rung = Overlay[Seen]({}), Overlay[Hour]({}), Overlay[Rung]({})
    assert [alert for version in found for alert in judge(version, many, State(seen, hours, rung))] == rang
    assert (seen.changes(), hours.changes(), rung.changes()) == (one.seen, one.hours, one.rung)


reports = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4), st.sampled_from("ab")), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None)
@given(reports)
def test_everything_delivered_again_rings_nothing_new_and_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[int, int, str]]
) -> None:
    """`made`: minutes since the report before in tenths of an hour, cluster, origin."""
    both = "watch: [Mosul]" + CASUALTIES.replace("COUNT", "origins").replace("at_least: 3", "at_least: 2")
    many, memory, minute, found = rules(tmp_path_factory.mktemp("rules"), both), state(), 0, []
    for n, (pause, cluster, origin) in enumerate(made):
        minute += 6 * pause
        found.append(casualty_sightings(n + 2, f"k{cluster}", origin, iso_of(1_515_000_000 + 60 * minute)))
    rang: dict[str, Alert] = {}
    for version in found:
        alerts = judge(version, many, memory)
        before = copy.deepcopy(vars(memory))
        assert judge(version, many, memory) == alerts
        assert vars(memory) == before
        rang |= {alert.alert_id: alert for alert in alerts}
    before = copy.deepcopy(vars(memory))
    again = [alert for version in found if parse(version[0].at) > parse(found[-1][0].at) - WEEK for alert in judge(version, many, memory)]
    assert {alert.alert_id for alert in again} <= rang.keys()
    assert vars(memory) == before


def test_a_district_stands_for_its_city_and_says_so(tmp_path: Path) -> None:
    text = "Patrols entered al-Intisar."
    of = article(text)
    found = sightings(tagged(of, (place(text, "al-Intisar", "loc:mosul/al-intisar", ("loc:mosul", "loc:iraq")),)), clustered(of))
    (alert,) = judge(found, rules(tmp_path, "watch: [Mosul]"), state())
    assert "mentioned as al-Intisar" in alert.why


def test_an_unsure_tag_does_not_ring_and_does_not_make_the_sure_one_look_old(tmp_path: Path) -> None:
    watch, memory = rules(tmp_path, "watch: [Mosul]"), state()
    assert not judge(see(article(TEXT, url="u:1"), sure=False), watch, memory)
    assert judge(see(article(TEXT, url="u:2"), "k_2"), watch, memory)


def test_only_what_an_edit_added_can_ring(tmp_path: Path) -> None:
    watch = rules(tmp_path, "watch: [Mosul]")
    edited = article(f"{TEXT}\nA clinic was hit too.")
    assert not judge(see(edited, known=(sentence_hash(TEXT),)), watch, state())
    added = article(f"A clinic was hit.\n{TEXT}")
    assert judge(see(added, known=(sentence_hash("A clinic was hit."),)), watch, state())


def test_a_changed_comma_is_no_edit() -> None:
    assert sentence_hash("Shells fell, on Mosul at dawn") == sentence_hash("Shells fell on  Mosul at dawn.")
    assert sentence_hash("Shells fell on Mosul at dawn") != sentence_hash("Shells fell on Mosul at dusk")


def test_the_backfill_lane_updates_state_and_is_silent(tmp_path: Path) -> None:
    watch, memory = rules(tmp_path, "watch: [Mosul]"), state()
    assert not judge(see(article(TEXT, url="u:1", backfill=True)), watch, memory)
    assert not judge(see(article(TEXT, url="u:2"), "k_2"), watch, memory)


CASUALTIES = """
rules:
  - {id: many, kind: threshold, of: [place_claim], claim_types: [casualties], count: COUNT, at_least: 3, hours: 24}
"""


def casualty_sightings(n: int, cluster: str, origin: str, at: str = "2018-01-06T10:00:00Z", **more: object) -> tuple[Sighting, ...]:
    text = f"{n} people were killed in Mosul."
    of = article(text, url=f"u:{n}", at=at)
    mosul = place(text, "Mosul", "loc:mosul")
    return sightings(
        tagged(of, (mosul,), (claim(text, "killed", "casualties", places=(mosul,), origin=origin, **more),)), clustered(of, cluster)
    )


@pytest.mark.parametrize(
    ("count", "reports", "rings"),
    [
        pytest.param("clusters", [("k1", "a"), ("k2", "a"), ("k3", "a")], True, id="three texts"),
        pytest.param("clusters", [("k1", "a"), ("k1", "b"), ("k1", "c")], False, id="three copies are one text"),
        pytest.param("origins", [("k1", "a"), ("k2", "a"), ("k3", "a")], False, id="three texts citing one origin"),
        pytest.param("origins", [("k1", "a"), ("k2", "b"), ("k3", "c")], True, id="three origins"),
    ],
)
def test_a_threshold_counts_texts_or_origins_never_copies(tmp_path: Path, count: str, reports: list[tuple[str, str]], rings: bool) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", count)), state()
    rang = [alert for n, (k, o) in enumerate(reports, 2) for alert in judge(casualty_sightings(n, k, o), many, memory)]
    assert {alert.subject for alert in rang} == ({"loc:mosul|casualties"} if rings else set())


def test_what_only_a_district_completed_rings_neither_then_nor_when_the_rest_is_delivered_again(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    direct = [casualty_sightings(n, f"k{n}", "a") for n in (2, 3)]
    district = tuple(replace(one, via="western Mosul") for one in casualty_sightings(4, "k4", "a"))
    for found in (*direct, district, *direct, district):
        assert judge(found, many, memory) == ()


def test_history_is_not_counted(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters").replace("at_least: 3", "at_least: 1")), state()
    assert not judge(casualty_sightings(2, "k1", "a", background=True), many, memory)


def test_a_threshold_rings_once_in_its_window(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    rang = [judge(casualty_sightings(n, f"k{n}", "a"), many, memory) for n in range(2, 9)]
    assert [bool(r) for r in rang] == [False, False, True, False, False, False, False]


def test_old_reports_leave_the_window(tmp_path: Path) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters")), state()
    for n, at in enumerate(["2018-01-06T10:00:00Z", "2018-01-07T09:00:00Z", "2018-01-07T11:00:00Z"], 2):
        assert not judge(casualty_sightings(n, f"k{n}", "a", at), many, memory)


@pytest.mark.parametrize("more", [{"modality": "conditional"}, {"modality": "question"}, {"polarity": "negative"}, {"confidence": 0.2}])
def test_what_is_only_feared_asked_or_denied_is_not_counted_as_happened(tmp_path: Path, more: dict[str, str]) -> None:
    many, memory = rules(tmp_path, CASUALTIES.replace("COUNT", "clusters").replace("at_least: 3", "at_least: 1")), state()
    assert not judge(casualty_sightings(2, "k1", "a", **more), many, memory)


def test_a_pair_rings_when_actor_and_place_meet_in_one_claim(tmp_path: Path) -> None:
    text = "Islamic State took Mosul."
    of = article(text)
    group, city = actor(text, "Islamic State", "org:islamic-state"), place(text, "Mosul", "loc:mosul")
    pair = rules(tmp_path, "rules: [{id: pair, kind: new_mention, of: [actor_place], subjects: [Islamic State]}]")
    memory = state()
    assert not judge(sightings(tagged(of, (group, city)), clustered(of)), pair, memory)
    found = sightings(
        tagged(of, (group, city), (claim(text, "took", "territorial_control", actors=(group,), places=(city,)),)), clustered(of)
    )
    assert "org:islamic-state|loc:mosul" in {alert.subject for alert in judge(found, pair, memory)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("watch: [Xyzzyville]", "nobody knows 'Xyzzyville'"),
        ("rules:\n  - id: x\n    kind: bell\n", r"rules.yaml:3: .*bell"),
        ("rules: [", r"rules.yaml:\d: not YAML"),
        ("rulez: []", "unknown key"),
        ("rules: [{id: x, kind: threshold, hours: 9999}]", "hours must be"),
        ("rules: [{id: x, kind: threshold}, {id: x, kind: threshold}]", "used twice"),
    ],
)
def test_a_broken_rule_file_says_where_and_what_to_do(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        rules(tmp_path, text)


def test_many_rules_cost_little_because_they_are_indexed_by_subject(tmp_path: Path) -> None:
    ids_ = [f"loc:{n}" for n in range(1000)]
    lines = "\n".join(f"  - {{id: r{n}, kind: new_mention, subjects: ['{name}']}}" for n, name in enumerate(ids_))
    (tmp_path / "many.yaml").write_text(f"rules:\n{lines}\n", encoding="utf-8")
    many = load_rules(tmp_path, lambda name: (name,))
    (sighting, *_) = see(article(TEXT))
    assert many.could_ring(sighting) == []
