"""Copies of one text meet in one cluster; other news told with the same words does not."""

import contextlib
import itertools
import random

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from streams.cluster import LONG, Clusters, Member, alike, in_cluster
from streams.overlay import Overlay
from streams.rows import encoded
from tests.builders import article, clustered, tagged
from tocsin.records import Article, Sentence
from tocsin.sketch import COMPARED, sentence_hash, sentence_hashes, sketch

WIRE = (
    "Shelling hit a market in the old quarter of the town on Tuesday, killing 14 people and wounding 32, a hospital director said. "
    "Rescuers dug through collapsed stalls for most of the afternoon while relatives waited behind a police line. "
    "The municipality said that water had been cut to four neighbourhoods after a main burst, and asked residents to boil theirs. "
    "No party took responsibility for the attack. A ceasefire agreed last month has been broken repeatedly, monitors said. "
    "Two bakeries and a primary school were among the buildings that burned, according to the civil defence. "
    "Talks between the two sides were due to resume in a neighbouring capital later in the week."
)
SITREP = (
    "Daily situation report. On {day} the mission recorded {count} ceasefire violations along the line of contact. "
    "Monitors heard artillery from the eastern outskirts between six and nine in the evening. Patrols continued on all routes. "
    "The mission reminds all parties of their obligation to grant it free and safe movement throughout the area."
)


def clusters_of(articles: list[Article]) -> dict[str, str]:
    """url -> cluster, after the articles passed in this order."""
    door = Clusters({})
    return {a.url: door.assign(a).cluster_id for a in articles}


def partition(of: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset(url for url, k in of.items() if k == cluster) for cluster in of.values()}


def test_a_copy_with_small_edits_joins_its_leader() -> None:
    copy = WIRE.replace("most of the afternoon", "much of the afternoon").replace("Two bakeries", "A bakery")
    found = clusters_of([article(WIRE, url="u:1"), article(copy, url="u:2")])
    assert found["u:1"] == found["u:2"]


def test_a_truncated_copy_joins_its_leader_and_an_extended_one_too() -> None:
    short = WIRE[: WIRE.index("No party")]
    assert len(partition(clusters_of([article(WIRE, url="u:1"), article(short, url="u:2")]))) == 1
    assert len(partition(clusters_of([article(short, url="u:2"), article(WIRE, url="u:1")]))) == 1


def test_a_copy_with_one_changed_toll_is_a_correction_in_the_same_cluster() -> None:
    door = Clusters({})
    first = door.assign(article(WIRE, url="u:1"))
    second = door.assign(article(WIRE.replace("killing 14", "killing 19"), url="u:2"))
    assert (second.cluster_id, second.correction, first.correction) == (first.cluster_id, True, False)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(SITREP.format(day="12 March", count=40), SITREP.format(day="13 March", count=40), id="another date"),
        pytest.param(SITREP.format(day="Monday", count=40), SITREP.format(day="Tuesday", count=57), id="another weekday and figure"),
        pytest.param(WIRE, WIRE.replace("killing 14", "killing 3").replace("wounding 32", "wounding 8"), id="two other figures"),
        pytest.param(WIRE, "An election was held. " * 30, id="another text"),
    ],
)
def test_the_same_boilerplate_with_other_news_is_a_new_cluster(left: str, right: str) -> None:
    assert len(partition(clusters_of([article(left, url="u:1"), article(right, url="u:2")]))) == 2


def test_a_text_published_again_after_the_window_is_news_again() -> None:
    later = article(WIRE, url="u:2", at="2018-01-12T10:00:00Z")
    assert len(partition(clusters_of([article(WIRE, url="u:1"), later]))) == 2


def test_short_texts_are_copies_only_when_equal() -> None:
    assert alike(sketch(None, "Protesters gathered in the main square."), sketch(None, "Protesters gathered in the main square."))
    assert not alike(sketch(None, "Protesters gathered in the main square."), sketch(None, "Protesters gathered in the old square."))


def test_the_order_of_arrival_does_not_change_the_partition() -> None:
    texts = [
        WIRE,
        WIRE.replace("stalls", "shops"),
        WIRE[: WIRE.index("Two bakeries")],
        WIRE.replace("killing 14", "killing 19"),
        SITREP.format(day="12 March", count=40),
        SITREP.format(day="13 March", count=41),
        "A different story about grain exports. " * 12,
    ]
    articles = [article(text, url=f"u:{n}") for n, text in enumerate(texts)]
    expected = partition(clusters_of(articles))
    assert len(expected) == 4
    order = random.Random(7)  # noqa: S311  # a fixed shuffle, not a secret
    for _ in range(20):
        order.shuffle(articles)
        assert partition(clusters_of(articles)) == expected


def test_delivering_everything_twice_gives_the_same_decisions_and_state() -> None:
    articles = [article(WIRE, url="u:1"), article(WIRE.replace("stalls", "shops"), url="u:2"), article(SITREP, url="u:3")]
    state: dict[str, Member] = {}
    door = Clusters(state)
    first = [door.assign(a) for a in articles]
    before = dict(state)
    assert [door.assign(a) for a in articles] == first
    assert state == before


def test_a_version_that_comes_again_after_an_edit_changes_nothing() -> None:
    first = article("One thing happened. Another did.", url="u:1")
    second = article("One thing happened. A third came.", url="u:1", at="2018-01-06T11:00:00Z")
    third = article("One thing happened. A third came. A fourth did.", url="u:1", at="2018-01-06T12:00:00Z")
    state: dict[str, Member] = {}
    door = Clusters(state)
    decided = [door.assign(version) for version in (first, second, third)]
    before = dict(state)
    assert [door.assign(version) for version in (second, first, third, first, second)] == [decided[at] for at in (1, 0, 2, 0, 1)]
    assert state == before
    assert [Clusters(state).assign(version) for version in (first, second, third)] == decided


EDITED = WIRE.replace("killing 14", "which killed 14").replace("most of the afternoon", "the afternoon").replace("stalls", "shops")
CORRECTED = "(Corrects the number of dead in the first paragraph) " + WIRE.replace("killing 14", "killing 19")


def test_original_edited_truncated_and_corrected_copy_meet_whichever_comes_first() -> None:
    texts = [WIRE, EDITED, WIRE[: WIRE.index("No party")], CORRECTED]
    articles = [article(text, url=f"u:{n}") for n, text in enumerate(texts)]
    for order in itertools.permutations(articles):
        assert len(partition(clusters_of(list(order)))) == 1


def test_the_index_is_rebuilt_from_the_state() -> None:
    state: dict[str, Member] = {}
    first = Clusters(state).assign(article(WIRE, url="u:1"))
    assert Clusters(state).assign(article(WIRE, url="u:2")).cluster_id == first.cluster_id


def test_an_edit_keeps_its_cluster_and_remembers_all_earlier_sentences() -> None:
    door = Clusters({})
    first = door.assign(article("One thing happened. Another did.", url="u:1"))
    second = door.assign(article("One thing happened. A third came.", url="u:1"))
    third = door.assign(article("One thing happened. Another did. A fourth came.", url="u:1"))
    assert first.cluster_id == second.cluster_id == third.cluster_id
    assert (first.previous_version, second.previous_version, third.previous_version) == (None, first.version_id, second.version_id)
    assert (len(first.known_sentences), len(second.known_sentences), len(third.known_sentences)) == (0, 2, 3)


def test_members_are_forgotten_after_their_time_so_that_state_stays_bounded() -> None:
    state: dict[str, Member] = {}
    door = Clusters(state)
    for month, day in itertools.product(range(1, 7), range(1, 29)):
        door.assign(article(f"Text {day} {month} " * 20, url=f"u:{month}-{day}", at=f"2018-{month:02}-{day:02}T00:00:00Z"))
    assert all(member.at >= "2018-05-2" for member in state.values())
    assert len(state) < 45


def test_a_text_of_endless_short_sentences_makes_no_row_that_a_changelog_cannot_carry() -> None:
    letters = "abcdefghijklmnopqrst"
    text = "\n".join(f"{''.join(four).capitalize()}." for four in itertools.islice(itertools.product(letters, repeat=4), 20_000))
    members: dict[str, Member] = {}
    door = Clusters(members)
    door.assign(article(text))
    edited = door.assign(article(f"{text}\nOne more.", at="2018-01-06T11:00:00Z"))
    assert len(edited.known_sentences) == 5000
    assert sentence_hash(text.rsplit("\n", 1)[-1]) in edited.known_sentences
    assert all(len(row) < 300_000 for member in members.values() if (row := encoded(member)) is not None)


def test_of_a_text_of_a_million_sentences_only_the_end_is_read_and_a_flag_says_so() -> None:
    text = "".join(f"Go {number}. " for number in range(200_000))
    long, shorter = article(text), article(text[-COMPARED + 5000 :])
    assert len(text) > 2 * COMPARED
    known = sentence_hashes(None, text)
    assert known == sentence_hashes(None, text[-COMPARED:])
    assert sentence_hash("Go 199999.") in known
    assert len(known) < 60_000
    spans = (Sentence(start=0, end=5),)
    assert sentence_hashes(None, text, spans) == known  # both runs remember the same, whether they know all sentences or none
    assert [in_cluster(tagged(one), clustered(one)).article.flags for one in (long, shorter)] == [(*long.flags, LONG), shorter.flags]


def test_an_article_whose_sketch_came_without_sentences_is_decided_alike() -> None:
    # As the fetchers of an earlier version sent them, and as the clusterer keeps them.
    texts = ["One thing happened. Another did.", "One thing happened. A third came.", WIRE]
    given = [article(text, url=f"u:{at // 2}", title="A title", at=f"2018-01-06T1{at}:00:00Z") for at, text in enumerate(texts)]
    before = [replace(one, sketch=replace(one.sketch, sentences=UNSET)) for one in given if one.sketch is not None]
    states: list[dict[str, Member]] = [{}, {}, {}]
    versions = (given, before, [replace(one, sketch=None) for one in given])
    first, *others = [[door.assign(one) for one in these] for door, these in zip(map(Clusters, states), versions, strict=True)]
    assert others == [first, first]
    rows = [{key: encoded(member) for key, member in state.items()} for state in states]
    assert rows[1:] == rows[:1] * 2
    assert not any(b"sentences" in row for row in rows[0].values() if row is not None)


class _Breaks(Overlay[Member]):
    """A table that fails when so many rows more were deleted."""

    left = -1

    def __delitem__(self, key: str) -> None:
        if self.left == 0:
            raise TimeoutError
        self.left -= 1
        super().__delitem__(key)


@pytest.mark.parametrize("deletes", [-1, 0, 1, 2])
@pytest.mark.parametrize("month", ["03", "04", "12"])
def test_a_decision_that_was_rolled_back_leaves_nothing_in_the_index(month: str, deletes: int) -> None:
    texts = [SITREP.format(day=day, count=days) for days, day in enumerate(("Monday", "Tuesday", "Friday"), 7)]
    before = [article(text, url=f"u:{at}", at=f"2026-03-0{at}T00:00:00.000Z") for at, text in enumerate(texts, 1)]
    # One that is set aside: of a text others copy later, and so late that the rest is unindexed or forgotten.
    bad = article(WIRE, url="u:bad", at=f"2026-{month}-20T00:00:00.000Z")
    after = [
        article(texts[0], url="u:copy", at="2026-03-03T00:00:00.000Z"),
        article(WIRE, url="u:4", at="2026-03-04T00:00:00.000Z"),
        article(WIRE, url="u:5", at="2026-03-05T00:00:00.000Z"),
        article(WIRE, url="u:6", at="2026-04-02T12:00:00.000Z"),
        article(WIRE, url="u:7", at="2026-05-20T00:00:00.000Z"),
    ]
    hurt, whole = _Breaks({}), Overlay[Member]({})
    at_work, spared = Clusters(hurt), Clusters(whole)
    for one in before:
        assert at_work.assign(one) == spared.assign(one)
    for _ in range(2):
        hurt.begin()
        hurt.left = deletes
        with contextlib.suppress(TimeoutError):
            at_work.assign(bad)
        hurt.left = -1
        hurt.roll_back()
    for one in after:
        assert at_work.assign(one) == spared.assign(one)
        assert dict(hurt) == dict(whole)
