import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.urls import canonical, fetchable, host_of, is_web
from tocsin.errors import Quarantine


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://News.Example.org:80/A/b?b=2&a=1#top", "https://news.example.org/A/b?a=1&b=2"),
        ("https://user:secret@example.org/", "https://example.org/"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org/a/", "https://example.org/a"),
        ("https://example.org//a/./x/../b", "https://example.org/a/b"),
        ("https://example.org/caf%c3%a9/%7Ejoe", "https://example.org/caf%C3%A9/~joe"),
        ("https://example.org/café", "https://example.org/caf%C3%A9"),
        ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
        ("https://пример.рф/новости", "https://xn--e1afmkfd.xn--p1ai/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("http://[2001:DB8::1]/x", "https://[2001:db8::1]/x"),
        ("https://example.org/#!/story/7", "https://example.org/#!/story/7"),
        ("  https://exa\nmple.org/a b ", "https://example.org/ab"),
        ("https://example.org/?a=1&amp;b=2", "https://example.org/?a=1&b=2"),
        ("https://example.org/?q=fall+of+Raqqa&r=a/b", "https://example.org/?q=fall+of+Raqqa&r=a/b"),
    ],
)
def test_an_address_has_one_form(url, expected):
    assert canonical(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/story",
        "http://www.example.org/story/",
        "https://m.example.org/story",
        "https://mobile.example.org/story?utm_source=rss&utm_medium=feed",
        "https://amp.example.org/story",
        "https://example.org/story/amp/",
        "https://example.org/story?amp=1",
        "https://example.org/story?outputType=amp&fbclid=abc",
        "https://www.google.com/amp/s/www.example.org/story/amp",
        "https://example-org.cdn.ampproject.org/c/s/example.org/story",
        "https://example.org/story?at_medium=RSS&at_campaign=KARANGA",
    ],
)
def test_the_ways_to_reach_one_story_are_one_address(url):
    assert canonical(url) == "https://example.org/story"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/news?cid=1", "https://example.org/news?cid=2"),
        ("https://example.org/news?id=1", "https://example.org/news?id=2"),
        ("https://example.org/?123", "https://example.org/?124"),
        ("https://example.org/Story", "https://example.org/story"),
        ("https://example.org:8080/a", "https://example.org/a"),
        ("https://example.org/amplify", "https://example.org/"),
        ("https://example.org/news?amp=voltage", "https://example.org/news"),
        ("https://m.org/a", "https://org/a"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ],
)
def test_two_stories_are_never_one_address(one, other):
    assert canonical(one) != canonical(other)


@given(st.text(alphabet="abm.w/%2Fé?&=#!-_~:@[]0amp \n\\", max_size=40), st.sampled_from(["http://", "https://example.org/", "HTTPS://m."]))
def test_the_canonical_form_is_its_own_canonical_form(tail, start):
    try:
        once = canonical(start + tail)
    except Quarantine:
        return
    assert canonical(once) == once
    assert once.isascii()
    assert is_web(once)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/",
        "javascript:alert(1)",
        "//example.org",
        "http://",
        "http://a b.org:x/",
        "http://exa%mple.org/",
        "http://[::1",
        "https://e.org:99999/",
        "http://" + "a" * 5000 + ".org",
        "mailto:a@b.org",
        "https://..",
        "http://example.org:0/",
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(Quarantine, match=r"address|host"):
        canonical(url)
    assert not is_web(url)


def test_a_local_pages_name_passes_unchanged():
    assert canonical("file:saved/A b.html") == "file:saved/A b.html"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://WWW.Example.org/x", "www.example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("https://Bücher.example./", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_named_with_its_unusual_port(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/a?utm_source=x", "https://example.org/a?utm_source=x"),
        ("b", "https://example.org/news/b"),
        ("//other.org/c#frag", "https://other.org/c"),
        ("http://user:pw@other.org", "http://other.org/"),
        ("/caf\udce9\ud800", "https://example.org/caf%E9"),
    ],
)
def test_an_address_is_asked_for_as_the_site_wrote_it(link, expected):
    assert fetchable(link, "https://example.org/news/index") == expected
