import asyncio

import pytest

from producers.robots import KEPT, KEPT_UNKNOWN, MAX_DELAY, MAX_ROBOTS, Answer, Robots, judge, read_rules

PAGE = "https://post.example/private/1"


@pytest.mark.parametrize(
    ("answer", "allowed", "reason"),
    [
        (Answer(200, b"User-agent: *\nDisallow: /private"), False, "robots"),
        (Answer(200, b"User-agent: tocsin\nAllow: /\n\nUser-agent: *\nDisallow: /"), True, ""),
        (Answer(200, b"\xef\xbb\xbfUser-agent: *\nDisallow: /"), False, "robots"),
        (Answer(200, b"User-agent: *\nDisallow: /*/1$"), False, "robots"),
        (Answer(200, b"<html>not found</html>"), True, ""),
        (Answer(200, b"\xff\xfe\x00" * 50), True, ""),
        (Answer(200, b""), True, ""),
        (Answer(404), True, ""),
        (Answer(403), True, ""),
        (Answer(429), False, "robots-unknown"),
        (Answer(500), False, "robots-unknown"),
        (Answer(503, b"User-agent: *\nAllow: /"), False, "robots-unknown"),
        (Answer(None, reason="dns"), False, "dns"),
    ],
)
def test_what_an_answer_allows(answer, allowed, reason):
    verdict = judge(read_rules(answer, 0.0), PAGE, "Tocsin")
    assert (verdict.allowed, verdict.reason) == (allowed, reason)


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        (b"User-agent: *\nCrawl-delay: 7", 7.0),
        (b"User-agent: *\nCrawl-delay: 86400", MAX_DELAY),
        (b"User-agent: *\nCrawl-delay: -3", 0.0),
        (b"User-agent: *\nRequest-rate: 1/20s", 20.0),
        (b"User-agent: *\nCrawl-delay: soon", None),
        (b"User-agent: other\nCrawl-delay: 7", None),
    ],
)
def test_the_pause_a_host_asks_for_is_kept_within_reason(text, delay):
    found = judge(read_rules(Answer(200, text), 0.0), PAGE, "Tocsin").delay
    assert (found or 0.0) == (delay or 0.0)


def test_a_huge_file_is_read_to_the_last_whole_rule_below_the_cap():
    filler = b"Disallow: /filler\n"
    head = b"User-agent: *\nDisallow: /private\n" + filler * (MAX_ROBOTS // len(filler))
    rules = read_rules(Answer(200, head + b"Disallow: /late\n"), 0.0)
    assert not judge(rules, PAGE, "Tocsin").allowed
    assert judge(rules, "https://post.example/late", "Tocsin").allowed


def test_each_origin_is_asked_once_until_its_rules_are_old():
    asked: list[str] = []
    now = [0.0]

    async def ask(url: str) -> Answer:
        asked.append(url)
        return Answer(500 if "down" in url else 200, b"User-agent: *\nDisallow: /private")

    async def run() -> None:
        robots = Robots(ask, "Tocsin", lambda: now[0])
        for moment in (0.0, 1.0, KEPT_UNKNOWN + 2.0, KEPT + 3.0):
            now[0] = moment
            assert not (await robots.verdict(PAGE)).allowed
            assert (await robots.verdict("https://post.example/open")).allowed
            assert (await robots.verdict("https://down.example/open")).reason == "robots-unknown"

    asyncio.run(run())
    assert asked.count("https://post.example/robots.txt") == 2
    assert asked.count("https://down.example/robots.txt") == 3


def test_http_and_https_and_each_port_have_rules_of_their_own():
    asked: list[str] = []

    async def ask(url: str) -> Answer:
        asked.append(url)
        return Answer(404)

    async def run() -> None:
        robots = Robots(ask, "Tocsin", lambda: 0.0)
        for url in ("http://post.example/a", "https://post.example/a", "https://post.example:8443/a"):
            await robots.verdict(url)

    asyncio.run(run())
    assert asked == ["http://post.example/robots.txt", "https://post.example/robots.txt", "https://post.example:8443/robots.txt"]
