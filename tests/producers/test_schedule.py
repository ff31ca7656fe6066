import random
from collections import Counter
from itertools import pairwise

import pytest
from msgspec.structs import replace

from producers.frontier import Frontier, Rhythm, due, forget, next_due, resume, set_back, unfinished
from producers.schedule import learn, plan, submit
from producers.sources import Feed, Source
from tocsin import clock
from tocsin.errors import Quarantine
from tocsin.records import FeedItem, Fetched, Request

NOW = 1_515_240_000.0  # 2018-01-06T12:00:00Z
FEED = "https://post.example/rss"
POST = Source(id="post", name="Post", owner="O", feeds=(Feed(url=FEED),), host_delay=5.0)


@pytest.fixture
def frontier() -> Frontier:
    return Frontier({}, {}, {})


def answer(request: Request, outcome="fetched", at=NOW, **more) -> Fetched:
    return Fetched(request=request, at=clock.iso_of(at), outcome=outcome, **more)


def links(*paths: str, host: str = "post.example") -> tuple[FeedItem, ...]:
    return tuple(FeedItem(url=f"https://{host}{path}", title=path) for path in paths)


def poll(frontier: Frontier, now: float = NOW) -> Request:
    """Release the only request that is due."""
    (request,) = due(frontier, now)
    return request


def read_feed(frontier: Frontier, *paths: str, now: float = NOW, **more):
    """Plan the source, answer its feed with these links, and return what was learned."""
    plan(frontier, [POST], now)
    return learn(frontier, answer(poll(frontier, now), at=now, listing="feed", links=links(*paths), **more), now)


def released_later(frontier: Frontier, until: float) -> list[tuple[float, Request]]:
    """Everything released up to `until`, with the time it came due; answers are never given."""
    released = []
    while (moment := next_due(frontier)) is not None and moment <= until:
        requests = due(frontier, moment)
        assert requests, "next_due promised something"
        released += [(moment, request) for request in requests]
    return released


def test_a_new_source_is_asked_at_once_and_only_once(frontier):
    plan(frontier, [POST], NOW)
    assert [request.url for request in due(frontier, NOW)] == [FEED]
    assert due(frontier, NOW + 60) == ()


def test_each_listed_page_is_asked_once_and_one_host_is_never_rushed(frontier):
    learned = read_feed(frontier, "/1", "/2", "/3", "/2?utm_source=rss")
    released = released_later(frontier, NOW + 300)
    assert [request.url for _, request in released] == [f"https://post.example/{n}" for n in (1, 2, 3)]
    assert all(later - earlier >= POST.host_delay for (earlier, _), (later, _) in pairwise(released))
    assert [fate.outcome for fate in learned.fates] == ["fetched", "found", "found", "found"]


def test_a_page_listed_again_is_not_asked_again(frontier):
    read_feed(frontier, "/1")
    page = poll(frontier, NOW + 10)
    learn(frontier, answer(page), NOW + 10)
    feed = poll(frontier, NOW + 1000)
    assert feed.url == FEED
    learned = learn(frontier, answer(feed, links=links("/1")), NOW + 1000)
    assert len(learned.fates) == 1
    assert due(frontier, NOW + 1100) == ()


def test_a_page_is_read_again_for_edits_with_a_widening_rhythm_and_then_left_alone(frontier):
    submit(frontier, Request(url="https://post.example/1", host="post.example", source_id="post", kind="page"), NOW)
    times = []
    while (moment := next_due(frontier)) is not None:
        times.append(moment - NOW)
        learn(frontier, answer(poll(frontier, moment), etag='"1"'), moment)
    assert times == [0, 3600, 3600 + 21600, 3600 + 21600 + 86400]


def test_a_page_read_before_is_asked_conditionally(frontier):
    read_feed(frontier, "/1")
    learn(frontier, answer(poll(frontier, NOW + 10), etag='"x"', last_modified="yesterday"), NOW + 10)
    released = [request for _, request in released_later(frontier, NOW + 3700) if request.kind == "page"]
    assert (released[0].etag, released[0].last_modified) == ('"x"', "yesterday")


@pytest.mark.parametrize(
    "again",
    [
        FeedItem(url="https://post.example/1", title="Toll rises"),
        FeedItem(url="https://post.example/1", title="/1", updated_at=clock.iso_of(NOW + 900)),
    ],
)
def test_a_change_the_feed_tells_of_brings_the_next_reading_forward(frontier, again):
    read_feed(frontier, "/1")
    learn(frontier, answer(poll(frontier, NOW + 10)), NOW + 10)
    learn(frontier, answer(poll(frontier, NOW + 1000), links=(again,)), NOW + 1000)
    assert poll(frontier, NOW + 1010).url == "https://post.example/1"


def test_a_feed_that_changes_its_titles_at_every_poll_cannot_make_us_ask_for_ever(frontier):
    read_feed(frontier, "/1")
    reads = 0
    now = NOW
    for turn in range(200):
        now = max(now, next_due(frontier) or now)
        for request in due(frontier, now):
            reads += request.kind == "page"
            item = FeedItem(url="https://post.example/1", title=f"title {turn}")
            learn(frontier, answer(request, links=(item,) if request.kind == "feed" else ()), now)
    assert reads == Rhythm().max_fetches


def test_an_unchanged_feed_is_asked_less_often_and_a_busy_one_more_often(frontier):
    read_feed(frontier)
    now, gaps = NOW, []
    for turn in range(60):
        moment = next_due(frontier)
        gaps.append(moment - now)
        now = moment
        feed = next(request for request in due(frontier, now) if request.kind == "feed")
        fresh = links(f"/{turn}", host=f"h{turn}.example") if turn >= 30 else ()
        learn(frontier, answer(feed, "fetched" if fresh else "not-modified", links=fresh), now)
        for _, request in released_later(frontier, now):
            learn(frontier, answer(request, "gone", reason="gone"), now)
    assert gaps[29] == Rhythm().feed_slowest
    assert gaps[59] == Rhythm().feed_fastest


def test_a_failing_feed_is_asked_less_and_less_often_but_never_dropped(frontier):
    plan(frontier, [POST], NOW)
    now, gaps = NOW, []
    for _ in range(30):
        learned = learn(frontier, answer(poll(frontier, now), "failed", reason="http-5xx"), now)
        assert learned.dropped == ()
        gaps.append(next_due(frontier) - now)
        now = next_due(frontier)
    assert gaps[:3] == [900, 1800, 3600]
    assert gaps[-1] == Rhythm().feed_failing


def test_a_gone_feed_is_a_failing_feed(frontier):
    plan(frontier, [POST], NOW)
    assert learn(frontier, answer(poll(frontier), "gone", reason="gone"), NOW).dropped == ()
    assert next_due(frontier) is not None


def test_not_modified_after_unreadable_content_keeps_the_failure(frontier):
    read_feed(frontier, etag='"good"')
    learn(frontier, answer(poll(frontier, NOW + 1100), "failed", reason="not-feed", detail="an HTML page"), NOW + 1100)
    feed = poll(frontier, next_due(frontier))
    assert feed.etag is None, "the whole feed is wanted again"
    learned = learn(frontier, answer(feed, "not-modified"), NOW + 4000)
    assert "still failing: not-feed" in learned.fates[0].detail
    assert frontier.targets[FEED].failing == "not-feed"


def test_not_modified_after_a_lost_connection_is_well_again(frontier):
    read_feed(frontier, etag='"good"')
    learn(frontier, answer(poll(frontier, NOW + 1100), "failed", reason="connection-lost"), NOW + 1100)
    feed = poll(frontier, next_due(frontier))
    assert feed.etag == '"good"'
    learn(frontier, answer(feed, "not-modified"), NOW + 4000)
    assert frontier.targets[FEED].failing == ""
    assert frontier.targets[FEED].etag == '"good"'


@pytest.mark.parametrize(("retry_after", "wait"), [(120.0, 120.0), (None, 60.0), (10_000_000.0, 86400.0)])
def test_a_host_that_asks_for_time_gets_it_for_all_its_pages(frontier, retry_after, wait):
    read_feed(frontier, "/1", "/2")
    first = poll(frontier, NOW + 5)
    learn(frontier, answer(first, "slow-down", reason="slow-down", retry_after=retry_after), NOW + 5)
    assert due(frontier, NOW + wait) == ()
    pages = {request.url for _, request in released_later(frontier, NOW + 5 + wait + 60) if request.kind == "page"}
    assert pages == {"https://post.example/1", "https://post.example/2"}


def test_a_page_that_keeps_failing_is_dropped_once_with_its_reason(frontier):
    submit(frontier, Request(url="https://post.example/1", host="post.example", source_id="post", kind="page"), NOW)
    dropped = []
    tries = 0
    while (moment := next_due(frontier)) is not None:
        tries += 1
        dropped += learn(frontier, answer(poll(frontier, moment), "failed", reason="http-5xx", detail="HTTP 500"), moment).dropped
    assert tries == 1 + len(Rhythm().retries)
    assert [(drop.reason, drop.stage, drop.detail) for drop in dropped] == [("http-5xx", "fetch", "7 tries; last: HTTP 500")]


@pytest.mark.parametrize(("outcome", "reason"), [("gone", "gone"), ("refused", "robots"), ("refused", "not-html"), ("refused", "address")])
def test_a_refused_page_is_dropped_at_once_and_not_asked_again(frontier, outcome, reason):
    read_feed(frontier, "/1")
    learned = learn(frontier, answer(poll(frontier, NOW + 5), outcome, reason=reason), NOW + 5)
    assert [(drop.url, drop.reason) for drop in learned.dropped] == [("https://post.example/1", reason)]
    learn(frontier, answer(poll(frontier, NOW + 2000), links=links("/1")), NOW + 2000)
    assert due(frontier, NOW + 2060) == ()


def test_a_page_that_goes_away_after_it_was_read_is_no_refusal(frontier):
    read_feed(frontier, "/1")
    learn(frontier, answer(poll(frontier, NOW + 5)), NOW + 5)
    page = next(request for _, request in released_later(frontier, NOW + 3700) if request.kind == "page")
    learned = learn(frontier, answer(page, "gone", reason="gone"), NOW + 3700)
    assert learned.dropped == ()
    assert learned.fates[0].outcome == "gone"


def redirect(frontier: Frontier, request: Request, to: str, now: float):
    return learn(frontier, answer(request, "redirected", redirect_to=to, status=302), now)


def test_a_redirect_is_asked_under_its_own_host_and_ends_the_first_address(frontier):
    read_feed(frontier, "/1")
    redirect(frontier, poll(frontier, NOW + 5), "https://other.example/story", NOW + 5)
    hop = poll(frontier, NOW + 5)
    assert (hop.url, hop.host, hop.redirected_from) == ("https://other.example/story", "other.example", ("https://post.example/1",))
    assert hop.item is not None
    learn(frontier, answer(hop), NOW + 6)
    learn(frontier, answer(poll(frontier, NOW + 2000), links=links("/story", host="other.example")), NOW + 2000)
    assert due(frontier, NOW + 2060) == (), "the address it leads to is known by now"


def test_two_addresses_that_lead_to_one_page_have_it_read_once(frontier):
    read_feed(frontier, "/1", "/2")
    redirect(frontier, poll(frontier, NOW + 5), "https://other.example/story", NOW + 5)
    learn(frontier, answer(poll(frontier, NOW + 5)), NOW + 6)
    redirect(frontier, poll(frontier, NOW + 10), "https://other.example/story", NOW + 10)
    assert due(frontier, NOW + 60) == ()


def test_a_page_that_failed_under_one_address_is_asked_under_the_next(frontier):
    read_feed(frontier, "/1", "/2")
    redirect(frontier, poll(frontier, NOW + 5), "https://other.example/story", NOW + 5)
    learn(frontier, answer(poll(frontier, NOW + 5), "gone", reason="gone"), NOW + 6)
    redirect(frontier, poll(frontier, NOW + 10), "https://other.example/story", NOW + 10)
    assert poll(frontier, NOW + 15).url == "https://other.example/story"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (["https://a.example/1", "https://b.example/1", "https://a.example/1"], "redirect-loop"),
        (["https://post.example/1"], "redirect-loop"),
        ([f"https://h{n}.example/" + "x" for n in range(9)], "too-many-redirects"),
        (["https://post.example/"], "gone"),
        (["ftp://post.example/1"], "bad-redirect"),
    ],
)
def test_redirects_that_lead_nowhere_are_refused(frontier, steps, reason):
    read_feed(frontier, "/1")
    request, learned = poll(frontier, NOW + 5), None
    for count, step in enumerate(steps):
        learned = redirect(frontier, request, step, NOW + 5 + count)
        if learned.dropped:
            break
        request = poll(frontier, NOW + 5 + count)
    assert [(drop.url, drop.reason) for drop in learned.dropped] == [("https://post.example/1", reason)]
    assert count <= Rhythm().max_hops


def test_a_step_from_http_to_https_is_no_loop(frontier):
    submit(frontier, Request(url="http://post.example/1", host="post.example", source_id="post", kind="page"), NOW)
    redirect(frontier, poll(frontier), "https://post.example/1", NOW)
    assert poll(frontier, NOW + 5).url == "https://post.example/1"


def test_a_moved_feed_is_followed_and_still_known_by_its_declared_address(frontier):
    plan(frontier, [POST], NOW)
    redirect(frontier, poll(frontier), "https://feeds.example/rss", NOW)
    hop = poll(frontier, NOW + 5)
    learn(frontier, answer(hop, links=links("/1"), etag='"x"'), NOW + 5)
    again = [request for _, request in released_later(frontier, NOW + 1000) if request.kind == "feed"]
    assert [(request.url, request.etag) for request in again] == [(FEED, '"x"')]


def test_what_was_under_way_when_the_process_ended_is_asked_again(frontier):
    read_feed(frontier, "/1")
    lost = poll(frontier, NOW + 5)
    assert resume(frontier, NOW + 10) == 1
    assert poll(frontier, NOW + 10).url == lost.url


def test_an_answer_delivered_twice_changes_nothing(frontier):
    read_feed(frontier, "/1", "/2")
    page = poll(frontier, NOW + 5)
    for time in (NOW + 6, NOW + 6):
        learn(frontier, answer(page, "failed", reason="http-5xx"), time)
    urls = [request.url for _, request in released_later(frontier, NOW + 200)]
    assert sorted(urls) == ["https://post.example/1", "https://post.example/2"]


def test_a_silent_host_is_left_in_peace_without_losing_its_pages(frontier):
    read_feed(frontier, *(f"/{n}" for n in range(8)))
    for n in range(3):
        learn(frontier, answer(poll(frontier, NOW + 5 * (n + 1)), "failed", reason="timeout"), NOW + 5 * (n + 1))
    assert due(frontier, NOW + 40) == ()
    assert len({request.url for _, request in released_later(frontier, NOW + 300)}) == 8


def test_old_entries_of_a_sitemap_are_history_unless_the_source_is_a_backfill(frontier):
    entries = (
        FeedItem(url="https://post.example/new", published_at=clock.iso_of(NOW - 3600)),
        FeedItem(url="https://post.example/today", updated_at=clock.iso_of(NOW)[:10]),
        FeedItem(url="https://post.example/old", updated_at="2015-01-01T00:00:00Z"),
        FeedItem(url="https://post.example/undated"),
    )
    for backfill, expected in ((False, {"new", "today"}), (True, {"new", "today", "old", "undated"})):
        state = Frontier({}, {}, {})
        plan(state, [Source(id="post", name="P", owner="O", feeds=(Feed(url=FEED),), backfill=backfill)], NOW)
        learned = learn(state, answer(poll(state), listing="sitemap", links=entries), NOW)
        pages = [request for _, request in released_later(state, NOW + 100)]
        assert {request.url.rpartition("/")[2] for request in pages} == expected
        assert all(request.backfill == backfill for request in pages)
        assert any("2 entries" in fate.detail for fate in learned.fates) == (not backfill)


def test_a_sitemap_index_leads_to_its_newest_sitemaps(frontier):
    plan(frontier, [POST], NOW)
    sitemaps = tuple(f"https://post.example/map{n}.xml" for n in range(100))
    learn(frontier, answer(poll(frontier), listing="sitemap-index", sitemaps=sitemaps), NOW)
    asked = [request for _, request in released_later(frontier, NOW + 600)]
    assert [request.url for request in asked] == list(sitemaps[: Rhythm().max_sitemaps])
    assert {request.kind for request in asked} == {"sitemap"}


def test_more_news_than_one_poll_takes_waits_for_the_next(frontier):
    rhythm = Rhythm(max_new=3)
    plan(frontier, [POST], NOW)
    listed = links(*(f"/{n}" for n in range(5)))
    learned = learn(frontier, answer(poll(frontier), links=listed, etag='"e"'), NOW, rhythm)
    assert "2 more wait" in learned.fates[0].detail
    feed = next(request for _, request in released_later(frontier, NOW + 400) if request.kind == "feed")
    assert feed.etag is None, "a 304 would hide what waits"
    learned = learn(frontier, answer(feed, links=listed), NOW + 400, rhythm)
    assert learned.fates[0].detail.startswith("2 new")


def test_a_single_round_is_complete_when_everything_was_answered_once(frontier):
    read_feed(frontier, "/1", "/2")
    rounds = 0
    now = NOW
    while unfinished(frontier):
        now = next_due(frontier)
        for request in due(frontier, now):
            learn(frontier, answer(request, "failed" if request.url.endswith("2") else "fetched", reason="http-5xx"), now)
        rounds += 1
        assert rounds < 10
    plan(frontier, [POST], now + 1, at_once=True)
    assert [request.url for request in due(frontier, now + 20)] == [FEED]


def test_sources_taken_off_the_list_are_not_asked_again(frontier):
    read_feed(frontier, "/1")
    plan(frontier, [], NOW + 10)
    assert released_later(frontier, NOW + 86400 * 3) == []
    assert not frontier.targets


def test_the_frontier_is_bounded(frontier):
    rhythm = Rhythm(max_targets=50)
    now = NOW
    plan(frontier, [POST], now)
    for turn in range(20):
        now = max(now, next_due(frontier))
        for request in due(frontier, now):
            fresh = links(*(f"/{turn}-{n}" for n in range(10)), host=f"h{turn}.example") if request.kind == "feed" else ()
            learn(frontier, answer(request, links=fresh), now)
        forget(frontier, now, rhythm)
        assert len(frontier.targets) <= 51
    forget(frontier, now + 40 * 86400, rhythm)
    assert set(frontier.targets) == {FEED}
    assert frontier.hosts == {}


def test_the_same_answers_at_the_same_times_give_the_same_frontier():
    def run() -> Frontier:
        state = Frontier({}, {}, {})
        plan(state, [POST], NOW)
        now = NOW
        for turn in range(40):
            for request in due(state, now):
                kind = ("fetched", "failed", "slow-down", "not-modified")[(turn + len(request.url)) % 4]
                learn(state, answer(request, kind, reason="timeout" if kind == "failed" else "", links=links(f"/{turn}")), now)
            now += 90
        return state

    assert run() == run()


def test_an_address_given_by_hand_is_asked_even_when_it_was_read_before(frontier):
    request = Request(url="https://post.example/1?utm_source=mail", host="post.example", source_id="post", kind="page")
    assert submit(frontier, request, NOW)
    assert not submit(frontier, replace(request, url="https://post.example/1"), NOW), "it is on its way"
    learn(frontier, answer(poll(frontier)), NOW)
    assert submit(frontier, request, NOW + 60)
    with pytest.raises(Quarantine):
        submit(frontier, replace(request, url="mailto:x@example.org"), NOW)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_servers_answer_every_listed_page_is_read_or_refused_and_refused_only_once(frontier, seed):
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    plan(frontier, [POST], NOW)
    listed = {item.url for n in range(3) for item in links(*(f"/{k}" for k in range(4)), host=f"h{n}.example")}
    ends: Counter[str] = Counter()
    read: set[str] = set()
    now = NOW
    for _ in range(3000):
        moment = next_due(frontier)
        if moment is None or moment > NOW + 30 * 86400:
            break
        now = max(now, moment)
        for request in due(frontier, now):
            start = request.redirected_from[0] if request.redirected_from else request.url
            if request.kind == "feed":
                given = answer(request, links=tuple(FeedItem(url=url) for url in sorted(listed)), at=now)
            else:
                outcome = chance.choice(["fetched", "failed", "failed", "slow-down", "redirected", "gone", "refused", "not-modified"])
                reason = chance.choice(["timeout", "http-5xx", "robots-unknown"]) if outcome == "failed" else outcome
                to = f"https://h{chance.randrange(3)}.example/r{chance.randrange(6)}" if outcome == "redirected" else None
                given = answer(request, outcome, at=now, reason=reason, redirect_to=to)
                if outcome in ("fetched", "not-modified"):
                    read.update((start, request.url))
            if chance.random() < 0.1:
                now += 5
                resume(frontier, now)  # the process was killed and started again: this answer is lost
                continue
            for drop in learn(frontier, given, now).dropped:
                ends[drop.url] += 1
    followed = {name for name, target in frontier.targets.items() if target.alias_of is not None}
    for url in listed:
        assert ends[url] <= 1
        assert url in read or ends[url] == 1 or url in followed, f"{url} was lost"


def test_a_clock_that_was_set_back_leaves_nothing_waiting_for_the_day_it_showed(frontier):
    ahead = NOW + 4 * 365 * 86400
    read_feed(frontier, "/1", now=ahead)
    (page,) = due(frontier, ahead + 60)
    learn(frontier, answer(page, at=ahead + 60), ahead + 60)
    plan(frontier, [POST], NOW)
    assert {request.url for request in due(frontier, NOW)} == {FEED, "https://post.example/1"}
    assert max(host.free for host in frontier.hosts.values()) <= NOW
    forget(frontier, NOW)
    assert len(frontier.targets) == 2


def test_a_right_clock_is_never_taken_for_one_that_was_set_back(frontier):
    read_feed(frontier, *(f"/{n}" for n in range(50)))
    before = dict(frontier.targets)
    assert set_back(frontier, NOW) == 0
    assert set_back(frontier, NOW + 10) == 0
    assert dict(frontier.targets) == before


def test_a_source_that_is_removed_is_not_asked_any_more_and_what_was_never_read_is_told(frontier):
    read_feed(frontier, "/read", "/waiting")
    page = poll(frontier, next_due(frontier))
    learn(frontier, answer(page), NOW + 5)
    other = Source(id="other", name="Other", owner="O", feeds=(Feed(url="https://other.example/rss"),))
    told = plan(frontier, [other], NOW + 6)
    assert [(fate.url, fate.outcome, fate.detail) for fate in told] == [
        ("https://post.example/waiting", "skipped", "source 'post' is no longer declared")
    ]
    assert {request.source_id for _, request in released_later(frontier, NOW + 4 * 86400)} == {"other"}
    back = NOW + 5 * 86400
    assert plan(frontier, [POST, other], back) == ()
    learn(frontier, answer(next(r for r in due(frontier, back) if r.url == FEED), links=links("/read", "/waiting"), listing="feed"), back)
    assert [request.url for _, request in released_later(frontier, back + 60)] == ["https://post.example/waiting"]


def test_requests_that_lie_in_a_queue_are_not_released_again_when_the_scheduler_starts(frontier):
    plan(frontier, [POST], NOW)
    poll(frontier)
    plan(frontier, [POST], NOW + 60, queued=True)
    assert due(frontier, NOW + 60) == ()
    plan(frontier, [POST], NOW + 60)
    assert len(due(frontier, NOW + 60)) == 1


def test_an_address_a_person_asked_for_is_asked_to_the_end_though_no_source_declares_it(frontier):
    plan(frontier, [POST], NOW)
    poll(frontier)
    asked = Request(url="https://other.example/1", host="other.example", source_id="other.example", kind="page", backfill=True)
    learned = learn(frontier, answer(asked, "failed", reason="http-5xx"), NOW)
    assert [fate.outcome for fate in learned.fates] == ["failed"]
    assert plan(frontier, [POST], NOW + 10, queued=True) == ()
    (again,) = due(frontier, NOW + 3600)[:1]
    assert (again.url, again.backfill) == (asked.url, True)
