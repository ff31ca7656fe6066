from pathlib import Path

import pytest

from producers.sources import load_sources
from tocsin.errors import DataError, UsageError

GOOD = """\
sources:
  - id: post
    name: The Post
    owner: Post Group
    feeds:
      - https://post.example/rss
      - {url: "https://post.example/map.xml", kind: sitemap}
    lang: en
    country: IQ
    host_delay: 2
  - {id: herald, name: Herald, owner: Post Group, feeds: ["https://herald.example/news-sitemap.xml"], backfill: true}
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "sources.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_list_of_sources_is_read_whole(tmp_path):
    post, herald = load_sources(write(tmp_path, GOOD))
    assert (post.id, post.owner, post.country, post.host_delay, post.backfill) == ("post", "Post Group", "IQ", 2.0, False)
    assert [(feed.url, feed.kind) for feed in post.feeds] == [
        ("https://post.example/rss", "feed"),
        ("https://post.example/map.xml", "sitemap"),
    ]
    assert herald.backfill
    assert herald.feeds[0].kind == "sitemap"


def test_the_shipped_list_is_valid():
    sources = load_sources(Path(__file__).parents[2] / "producers" / "sources.yaml")
    assert len(sources) >= 5
    assert all(source.licence_note for source in sources)


HEAD = "sources:\n  - id: a\n    name: A\n    owner: O\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "empty"),
        ("sources: []", 1, "no sources"),
        ("feeds: []", 1, "one key `sources`"),
        ("sources: [\n}", 2, "not YAML"),
        ("sources:\n\t- id: a", 2, "not YAML"),
        (HEAD, 2, "no feeds"),
        (HEAD + "    feeds: []", 5, "no feeds"),
        (HEAD + "    feeds: [42]", 5, "a feed is an address"),
        (HEAD + "    feeds:\n      - https://a.example/f\n      - ftp://a.example/f", 7, "not a web address"),
        (HEAD + "    feeds: [https://a.example/f]\n    colour: red", 6, "colour: unknown key"),
        (HEAD + "    feeds: [https://a.example/f]\n    country: Iraq", 6, "country"),
        (HEAD + "    feeds: [https://a.example/f]\n    host_delay: fast", 6, "host_delay"),
        (HEAD + "    name: B\n    feeds: [https://a.example/f]", 5, "'name' is given twice"),
        (HEAD + "    feeds: [{url: https://a.example/f, kind: page}]", 5, "kind"),
        ("sources:\n  - id: a\n    name: A\n    feeds: [https://a.example/f]", 2, "owner: missing"),
        (HEAD + "    feeds:\n      - https://a.example/f\n      - http://www.a.example/f/", 7, "line 6 too"),
        (HEAD + "    feeds: [https://a.example/f]\n  - {id: a, name: B, owner: B, feeds: [https://b.example/f]}", 6, "line 2 too"),
        ("sources:\n  - &x {id: a, name: A, owner: O, feeds: [https://a.example/f]}\n  - *x", 2, "anchors"),
        ("sources:\n  - just text", 2, "expected a source"),
        (b"sources:\n  - id: \xff", 2, "not UTF-8"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path, text, line, says):
    with pytest.raises(DataError) as error:
        load_sources(write(tmp_path, text))
    assert f"sources.yaml:{line}: " in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line_of_advice(tmp_path):
    with pytest.raises(UsageError, match="no such file; name your sources file with --sources"):
        load_sources(tmp_path / "none.yaml")


def test_a_folder_is_not_a_list_of_sources(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        load_sources(tmp_path)
