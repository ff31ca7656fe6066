import gzip
import io
import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from producers.archive import Archive
from producers.read import REASONS, ArticleLine, read_inputs
from producers.sources import Source
from tocsin.errors import UsageError
from tocsin.records import Dropped, FeedItem, Page, Request

HTML = b"<!DOCTYPE html><html><head><link rel=canonical href=https://other.example/9></head><body><p>News.</p></body></html>"
AT = "2018-01-06T10:00:00Z"


def read(*inputs, **more):
    return list(read_inputs([str(name) for name in inputs], at=AT, **more))


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_saved_page_is_a_page_named_by_its_file_not_by_what_it_claims(tmp_path):
    (page,) = read(write(tmp_path, "saved/a.html", HTML))
    assert isinstance(page, Page)
    assert (page.url, page.final_url, page.body, page.fetched_at, page.status) == ("file:saved/a.html", "file:saved/a.html", HTML, AT, 200)
    assert (page.source_id, page.owner) == ("local", "local")


def test_a_page_has_the_same_name_however_it_is_given(tmp_path, monkeypatch):
    path = write(tmp_path, "saved/a.html", HTML)
    (direct,) = read(path)
    (below,) = read(tmp_path / "saved")
    monkeypatch.chdir(tmp_path / "saved")
    (here,) = read("a.html")
    (dot,) = read(".")
    assert {page.url for page in (direct, below, here, dot)} == {"file:saved/a.html"}


def test_a_packed_page_is_unpacked(tmp_path):
    (page,) = read(write(tmp_path, "a.html.gz", gzip.compress(HTML)))
    assert page.body == HTML


def test_a_folder_is_read_whole_and_in_order_and_nothing_is_passed_over(tmp_path):
    for name in ("b.html", "a.html", "sub/c.htm", "sub/d.html.gz"):
        write(tmp_path, f"in/{name}", gzip.compress(HTML) if name.endswith("gz") else HTML)
    write(tmp_path, "in/picture.png", b"\x89PNG\r\n\x1a\n\0\0")
    write(tmp_path, "in/style.css", "p { color: red }")
    write(tmp_path, "in/.hidden.html", HTML)
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "broken.html").symlink_to(tmp_path / "nowhere")
    found = read(tmp_path / "in")
    pages = [item.url for item in found if isinstance(item, Page)]
    assert pages == ["file:in/a.html", "file:in/b.html", "file:in/sub/c.htm", "file:in/sub/d.html.gz"]
    drops = {item.url: item.reason for item in found if isinstance(item, Dropped)}
    assert drops == {"file:in/picture.png": "binary", "file:in/style.css": "not-html", "file:in/broken.html": "unreadable"}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.html", b"", "empty"),
        ("a.html", b" \n\t ", "empty"),
        ("a.html", b"\0\1\2\3" * 1000, "binary"),
        ("a.html", b"\x89PNG\r\n\x1a\n\0\0<html>", "binary"),
        ("a.html", b"%PDF-1.7\nstream", "not-html"),
        ("a.txt", b"Just some prose.\nAnd more.", "not-html"),
        ("a.html", b"<html>" + b"x" * 60_000_000, "too-large"),
        ("a.html.gz", gzip.compress(b"<html>" + b"\0" * 60_000_000, 1, mtime=0), "binary"),
        ("a.html.gz", gzip.compress(b"<html>" + b" " * 60_000_000, 1, mtime=0), "too-large"),
        ("a.html.gz", gzip.compress(HTML, mtime=0)[:30], "unreadable"),
        ("a.html.gz", b"\x1f\x8bnot gzip", "unreadable"),
        ("feed.xml", b"<?xml version='1.0'?><rss version='2.0'></rss>", "feed"),
        ("a.json", b'[{"html": "<p>"}]', "bad-json"),
        ("a.json", b'{\n  "html": "<p>"\n}', "bad-json"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_cannot_be_read_is_one_refusal_with_its_reason(tmp_path, name, data, reason):
    (drop,) = read(write(tmp_path, name, data))
    assert isinstance(drop, Dropped)
    assert (drop.reason, drop.stage, drop.at) == (reason, "sources", AT)
    assert drop.reason in REASONS
    assert "\n" not in drop.detail


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1256", "koi8-r"])
def test_a_pages_charset_is_the_cleaners_business(tmp_path, encoding):
    text = "<html><body>" + {"windows-1256": "الموصل", "koi8-r": "Мосул"}.get(encoding, "Mosul") + "</body></html>"
    (page,) = read(write(tmp_path, "a.html", text.encode(encoding)))
    assert page.body == text.encode(encoding)


def test_a_fragment_with_the_name_of_a_page_is_a_page(tmp_path):
    (page,) = read(write(tmp_path, "a.html", b"<p>No head, no body.</p>"))
    assert isinstance(page, Page)


def test_an_unreadable_file_is_a_refusal(tmp_path):
    path = write(tmp_path, "a.html", HTML)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    (drop,) = read(path)
    assert drop.reason == "unreadable"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (drop,) = read(tmp_path / "pipe")
    assert drop.reason == "not-a-file"


def test_a_missing_path_stops_everything_before_it_starts(tmp_path):
    good = write(tmp_path, "a.html", HTML)
    with pytest.raises(UsageError, match="no such file or folder") as error:
        read_inputs([str(good), str(tmp_path / "none")])
    assert "\n" not in str(error.value)


def test_addresses_become_requests(tmp_path):
    listed = write(
        tmp_path, "urls.txt", "# list\nhttps://www.post.example/1#x\n\n  http://b.example:8080/2 note\nnot an address\nftp://c.example/\n"
    )
    found = read("https://a.example/0", listed)
    assert [(item.url, item.host, item.source_id) for item in found if isinstance(item, Request)] == [
        ("https://a.example/0", "a.example", "a.example"),
        ("https://www.post.example/1", "www.post.example", "post.example"),
        ("http://b.example:8080/2", "b.example:8080", "b.example:8080"),
    ]
    assert [(item.url.rpartition("#")[2], item.reason) for item in found if isinstance(item, Dropped)] == [
        ("5", "bad-url"),
        ("6", "bad-url"),
    ]


def lines(*records) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_json_lines_carry_pages_articles_and_addresses(tmp_path):
    path = write(
        tmp_path,
        "in.jsonl",
        lines(
            {"url": "https://www.post.example/1", "html": "<p>One</p>", "published_at": "2018-01-05", "other": 1},
            {"id": "x7", "html": "<p>Two</p>"},
            {
                "url": "https://b.example/3",
                "title": "T",
                "text": "Three",
                "published_at": "2018-01-05",
                "source": "Herald",
                "owner": "Group",
            },
            {"id": 4, "text": "Four", "fetched_at": "2017-01-01T00:00:00Z"},
            {"url": "https://c.example/5"},
        ),
    )
    one, two, three, four, five = read(path)
    assert isinstance(one, Page)
    assert (one.url, one.source_id, one.body) == ("https://www.post.example/1", "post.example", b"<p>One</p>")
    assert one.item is not None
    assert one.item.published_at == "2018-01-05"
    assert isinstance(two, Page)
    assert two.url.endswith("in.jsonl#x7")
    assert isinstance(three, ArticleLine)
    assert (three.url, three.text, three.source_name, three.owner) == ("https://b.example/3", "Three", "Herald", "Group")
    assert isinstance(four, ArticleLine)
    assert (four.id, four.fetched_at) == ("4", "2017-01-01T00:00:00Z")
    assert isinstance(five, Request)


def test_a_bad_line_costs_only_itself(tmp_path):
    good = json.dumps({"id": "g", "text": "Good"}).encode()
    bad = [b"{broken", b'{"text": 5}', b'{"id": "e", "text": " "}', b"{}", b'{"text": "\xff"}', b'{"url": "ftp://x"}', b'{"html": ""}']
    bad.append(b'{"text": "' + b"x" * 1_200_000 + b'"}')
    data = b"".join(good + b"\n" + line + b"\n" for line in bad) + b"\n" + good
    found = read(write(tmp_path, "in.jsonl", data), max_body=100_000)
    assert sum(isinstance(item, ArticleLine) for item in found) == len(bad) + 1
    assert [item.reason for item in found if isinstance(item, Dropped)] == [
        "bad-json", "bad-json", "empty", "no-content", "bad-charset", "bad-url", "empty", "too-large",
    ]  # fmt: skip


def test_a_wrong_address_does_not_lose_the_article_that_came_with_it(tmp_path):
    (article,) = read(write(tmp_path, "in.jsonl", lines({"id": "a", "url": "unknown", "text": "News."})))
    assert isinstance(article, ArticleLine)
    assert article.url.endswith("in.jsonl#a")


def test_json_lines_may_name_page_files_beside_them_and_no_others(tmp_path):
    secret = write(tmp_path, "secret.html", HTML)
    write(tmp_path, "set/pages/a.html.gz", gzip.compress(HTML))
    write(tmp_path, "set/pages/b.bin", b"\0\1")
    (tmp_path / "set" / "link.html").symlink_to(secret)
    named = ["pages/a.html.gz", "../secret.html", str(secret), "link.html", "pages/none.html", "pages", "pages/b.bin", "a\0b"]
    found = read(write(tmp_path, "set/in.jsonl", lines(*({"id": n, "html": name} for n, name in enumerate(named)))))
    assert isinstance(found[0], Page)
    assert found[0].body == HTML
    assert [item.reason for item in found[1:]] == ["bad-path"] * 5 + ["binary", "unreadable"]


def test_standard_input_is_told_by_its_beginning():
    for data, kind in (
        (HTML, Page),
        (b"https://a.example/1\n", Request),
        (b'{"text": "x"}\n', ArticleLine),
        (b"", Dropped),
        (b"prose", Dropped),
    ):
        (item,) = read("-", stdin=io.BufferedReader(io.BytesIO(data)))
        assert isinstance(item, kind)
    (drop,) = read("-", stdin=io.BytesIO(b'{"html": "etc/passwd"}'))
    assert drop.reason == "bad-path"


def test_an_archive_of_ours_is_read_back(tmp_path):
    page = Page(
        url="https://post.example/1", final_url="https://post.example/1", source_id="p", source_name="P", owner="O", status=200,
        content_type="text/html; charset=utf-8", body=HTML, fetched_at="2017-05-05T05:05:05Z",
    )  # fmt: skip
    with Archive(tmp_path / "archive") as archive:
        archive.append(page)
    (again,) = read(tmp_path / "archive")
    assert isinstance(again, Page)
    assert (again.url, again.body, again.content_type, again.fetched_at) == (page.url, page.body, page.content_type, page.fetched_at)


def warc(*answers: tuple[str, bytes], kind: str = "response") -> bytes:
    out = b""
    for url, http in answers:
        head = f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:x:{len(out)}>\r\nWARC-Target-URI: {url}\r\n"
        head += "WARC-Date: 2018-01-01T00:00:00Z\r\n"
        head += f"Content-Type: application/http; msgtype={kind}\r\nContent-Length: {len(http)}\r\n\r\n"
        out += head.encode() + http + b"\r\n\r\n"
    return out


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_foreign_warc_gives_its_pages_and_accounts_for_the_rest(tmp_path, pack):
    packed = gzip.compress(HTML)
    data = warc(("https://a.example/req", b"GET / HTTP/1.1\r\n\r\n"), kind="request") + warc(
        ("https://a.example/1", OK + b"\r\n" + HTML),
        (
            "https://a.example/2",
            OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed),
        ),
        ("https://a.example/3", b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n"),
        ("https://a.example/4", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"),
        ("https://a.example/5", OK + b"\r\n"),
        ("dns:a.example", b"HTTP/1.1 200 OK\r\n\r\nx"),
        ("https://a.example/6", OK + b"\r\n<html>" + b"x" * 6_000_000),
    )
    found = read(write(tmp_path, "in.warc", pack(data)))
    assert [(item.url, item.body) for item in found if isinstance(item, Page)] == [
        ("https://a.example/1", HTML),
        ("https://a.example/2", HTML),
    ]
    reasons = [item.reason for item in found if isinstance(item, Dropped)]
    assert reasons == ["http-status", "not-html", "empty", "bad-url", "too-large"]
    assert all(item.source_id == "a.example" for item in found if isinstance(item, Page))


def test_a_damaged_warc_gives_what_comes_before_the_damage(tmp_path):
    first = gzip.compress(warc(("https://a.example/1", OK + b"\r\n" + HTML)))
    second = gzip.compress(warc(("https://a.example/2", OK + b"\r\n<html>" + os.urandom(3000))))
    found = read(write(tmp_path, "in.warc.gz", first + second[:-1500]))
    assert isinstance(found[0], Page)
    assert found[0].body == HTML
    assert [item.reason for item in found[1:] if isinstance(item, Dropped)] == ["unreadable"]


def test_everything_belongs_to_the_source_that_was_named(tmp_path):
    post = Source(id="post", name="The Post", owner="Group", lang="ar", country="SY", backfill=True)
    path = write(tmp_path, "in.jsonl", lines({"url": "https://x.example/1", "html": "<p>"}, {"text": "t"}, {"url": "https://x.example/2"}))
    page, article, request = read(path, source=post)
    assert (page.source_id, page.owner, page.source_lang, page.source_country, page.backfill) == ("post", "Group", "ar", "SY", True)
    assert (article.source_id, article.owner, article.backfill) == ("post", "Group", True)
    assert (request.source_id, request.backfill) == ("post", True)


def test_reading_twice_gives_the_same(tmp_path):
    write(tmp_path, "in/a.html", HTML)
    write(tmp_path, "in/b.jsonl", lines({"id": 1, "text": "x"}, {"id": 2, "html": "<p>"}))
    assert read(tmp_path / "in") == read(tmp_path / "in")


@pytest.mark.parametrize("name", ["extract_aeb.jsonl", "extract_segments.jsonl"])
def test_real_page_sets_are_read_whole(name):
    path = Path(__file__).parents[2] / ".." / "shared" / "eval" / "dev" / name
    if not path.exists():
        pytest.skip(f"../shared/eval/dev/{name} is not here")
    found = read(path)
    assert len(found) == sum(1 for line in path.read_bytes().splitlines() if line.strip())
    assert all(isinstance(item, Page) for item in found)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2017-11-03T10:00:00Z", "2017-11-03T10:00:00Z"),
        ("2017-11-03T10:00:00.5+03:00", "2017-11-03T07:00:00Z"),
        ("2017-11-03", "2017-11-03T00:00:00Z"),
        ("yesterday", AT),
        ("9999-12-31T23:59:59Z", AT),
        ("0001-01-01T00:00:00+14:00", AT),
        ("1971-01-01", AT),
        ("", AT),
    ],
)
def test_a_time_of_fetching_that_cannot_be_is_replaced_by_the_time_of_reading(tmp_path, said, kept):
    lines = [
        {"url": f"https://a.example/{n}", "fetched_at": said, **body} for n, body in enumerate(({"text": "News."}, {"html": "<p>News."}))
    ]
    found = read(write(tmp_path, "in.jsonl", "\n".join(map(json.dumps, lines))))
    assert [one.fetched_at for one in found] == [kept, kept]


SAID = FeedItem(url="https://post.example/1", title="Bridge", published_at="2018-01-05T00:00:00Z", summary="Long \u2028 \ud83d" * 9000)
OURS = Page(
    url="https://post.example/short",
    final_url="https://post.example/1",
    source_id="post",
    source_name="Post",
    owner="O",
    status=200,
    content_type="text/html; charset=utf-8",
    body=HTML,
    fetched_at="2018-01-06T10:00:00Z",
    item=SAID,
    source_lang="en",
    source_country="IQ",
    affiliated_with="org:x",
    backfill=True,
)


@pytest.mark.parametrize(
    "page",
    [
        OURS,
        replace(OURS, item=None, url="https://post.example/1", backfill=False),
        replace(OURS, status=403, body=b""),  # refused: its feed's summary stands in
    ],
    ids=["all", "little", "summary"],
)
def test_our_own_archive_gives_the_same_pages_again(tmp_path, page):
    page = replace(page, item=page.item and replace(page.item, summary=page.item.summary.replace("\ud83d", "")))
    with Archive(tmp_path / "archive") as archive:
        archive.append(replace(OURS, final_url="https://post.example/0"))
        archive.append(page)
    assert read(tmp_path / "archive" / "tocsin-000001.warc.gz")[1:] == [page]


def test_a_page_of_our_archive_points_to_its_bytes_there_and_any_other_does_not(tmp_path):
    folder = tmp_path / "archive" / "one"
    with Archive(folder, replica=True) as archive:
        refs = [archive.append(replace(OURS, body=body, item=None)) for body in (b"<html>1</html>", b"<html>2</html>")]
    found = list(read_inputs([folder / "tocsin-000001.warc.gz"], archive=tmp_path / "archive"))
    assert [page.raw for page in found] == refs
    assert [page.raw for page in read_inputs([folder / "tocsin-000001.warc.gz"], archive=tmp_path / "elsewhere")] == [None, None]
    theirs = write(tmp_path / "archive", "theirs.warc", warc(("https://a.example/1", OK + b"\r\n" + HTML)))
    assert [page.raw for page in read_inputs([theirs], archive=tmp_path / "archive")] == [None]


def test_what_another_program_says_in_metadata_records_is_its_own_business(tmp_path):
    blocks = [b"{", b'{"url": 5}', b"\xff", b"x" * 100]
    records = [
        f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Concurrent-To: <urn:uuid:{n}>\r\nContent-Type: application/json\r\n".encode()
        + f"Content-Length: {len(block)}\r\n\r\n".encode()
        + block
        + b"\r\n\r\n"
        + f"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:{n}>\r\nWARC-Target-URI: https://a.example/{n}\r\n".encode()
        + f"Content-Type: text/html\r\nContent-Length: {len(HTML)}\r\n\r\n".encode()
        + HTML
        + b"\r\n\r\n"
        for n, block in enumerate(blocks)
    ]
    found = read(write(tmp_path, "theirs.warc", b"".join(records)))
    assert [(page.url, page.source_id) for page in found] == [(f"https://a.example/{n}", "a.example") for n in range(len(blocks))]
