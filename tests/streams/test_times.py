import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.context import plain_context
from streams.times import TimeSpan, as_event_time, find_times
from tests.timing import cpu_seconds

PUBLISHED = "2018-01-17T10:00:00Z"  # a Wednesday


def times(text: str, published: str | None = PUBLISHED) -> list[TimeSpan]:
    return find_times(plain_context(text, published_at=published))


def only(text: str, published: str | None = PUBLISHED) -> TimeSpan:
    found = times(text, published)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "first", "last", "precision", "inferred"),
    [
        ("on July 20, 2017", "2017-07-20", "2017-07-20", "day", False),
        ("on 24 January 2017", "2017-01-24", "2017-01-24", "day", False),
        ("on the 3rd of March 2016", "2016-03-03", "2016-03-03", "day", False),
        ("on Sept. 11, 2001", "2001-09-11", "2001-09-11", "day", False),
        ("on January 6", "2018-01-06", "2018-01-06", "day", True),
        ("on 20 December", "2017-12-20", "2017-12-20", "day", True),
        ("in May", "2017-05", "2017-05", "month", True),
        ("in early December 2017", "2017-12", "2017-12", "month", False),
        ("in 2016", "2016", "2016", "year", False),
        ("the 2010 earthquake", "2010", "2010", "year", False),
        ("2017-02-03", "2017-02-03", "2017-02-03", "day", False),
        ("3.4.2015", "2015-04-03", "2015-04-03", "day", False),
        ("yesterday", "2018-01-16", "2018-01-16", "day", False),
        ("on Monday", "2018-01-15", "2018-01-15", "day", False),
        ("on Wednesday", "2018-01-17", "2018-01-17", "day", False),
        ("last Wednesday", "2018-01-10", "2018-01-10", "day", False),
        ("last week", "2018-01-08", "2018-01-14", "week", False),
        ("last month", "2017-12", "2017-12", "month", False),
        ("last year", "2017", "2017", "year", False),
        ("next year", "2019", "2019", "year", False),
        ("two days ago", "2018-01-15", "2018-01-15", "day", False),
        ("three years ago", "2015", "2015", "year", False),
        ("31 February", "2017-02", "2017-02", "month", True),
        ("As of 18October", "2017-10-18", "2017-10-18", "day", True),
        ("24 января 2017 года", "2017-01-24", "2017-01-24", "day", False),
        ("в прошлом году", "2017", "2017", "year", False),
        ("вчера", "2018-01-16", "2018-01-16", "day", False),
        ("6 يناير/كانون الثاني 2018", "2018-01-06", "2018-01-06", "day", False),
        ("الشهر الماضي", "2017-12", "2017-12", "month", False),
    ],
)
def test_a_date_is_resolved_against_the_day_of_publication(text: str, first: str, last: str, precision: str, inferred: bool) -> None:
    span = only(text)
    assert (span.event_from, span.event_to, span.precision, span.inferred_year) == (first, last, precision, inferred)


@pytest.mark.parametrize(
    ("text", "kind", "first", "last"),
    [
        ("between 19 March and 4 April 2018", "period", "2018-03-19", "2018-04-04"),
        ("between 1 and 8 March", "period", "2017-03-01", "2017-03-08"),
        ("from 3 to 8 May", "period", "2017-05-03", "2017-05-08"),
        ("between January and the end of June 2016", "period", "2016-01", "2016-06"),
        ("from March to June 2017", "period", "2017-03", "2017-06"),
        ("between 20 December and 5 January 2018", "period", "2017-12-20", "2018-01-05"),
        ("the past two weeks", "period", "2018-01-03", "2018-01-17"),
        ("since 1 January 2016", "since", "2016-01-01", None),
        ("Since January", "since", "2018-01", None),
        ("since 2009", "since", "2009", None),
        ("since two years", "since", "2016", None),
        ("с января", "since", "2018-01", None),
        ("منذ عام 2014", "since", "2014", None),
        ("until 5 January", "until", None, "2018-01-05"),
        ("Now, the road is open", "now", "2018-01-17", "2018-01-17"),
        ("recently", "vague", None, None),
    ],
)
def test_periods_keep_their_open_ends(text: str, kind: str, first: str | None, last: str | None) -> None:
    span = only(text)
    assert (span.kind, span.event_from, span.event_to) == (kind, first, last)


@pytest.mark.parametrize(
    ("text", "duration"), [("for two years", "P2Y"), ("three days of talks", "P3D"), ("72 hours", "PT72H"), ("for a decade", "P10Y")]
)
def test_a_duration_has_no_date(text: str, duration: str) -> None:
    span = only(text)
    assert (span.kind, span.duration, span.event_from) == ("duration", duration, None)


@pytest.mark.parametrize(
    "text",
    [
        "it may rain",
        "a long march to the sea",
        "a 45-year-old man",
        "aged 45 years old",
        "2000 people fled",
        "100 people a day",
        "The Mayor said so",
        "a now-defunct group",
        "12,2016 votes",
        "$2016 million",
    ],
)
def test_words_that_only_look_like_times_are_none(text: str) -> None:
    assert times(text) == []


@pytest.mark.parametrize("published", [None, "", "not a date", "2018-13-45"])
def test_without_a_day_of_publication_only_full_dates_are_resolved(published: str | None) -> None:
    found = times("On January 6, yesterday, last week and on 20 July 2017.", published)
    assert [span.event_from for span in found] == [None, None, None, "2017-07-20"]


def test_a_span_becomes_an_event_time_that_quotes_the_text() -> None:
    text = "They fled between 1 and 8 March 2017."
    event = as_event_time(only(text), "2018-01-17")
    assert (event.text, text[event.start : event.end]) == ("between 1 and 8 March 2017",) * 2
    assert (event.event_from, event.event_to, event.said_at) == ("2017-03-01", "2017-03-08", "2018-01-17")


WORDS = ("since", "between", "and", "to", "May", "march", "12", "31", "2016", "1999", "last", "past", "two", "999", "years", "weeks", "ago")
WORDS += ("Monday", "yesterday", "now", "early", "the", "end of", "February", "-", ",", "/", "01", "يناير", "января", "200f\u200f")


@given(st.lists(st.sampled_from(WORDS), max_size=30), st.sampled_from([PUBLISHED, None, "0001-01-02", "9999-12-31"]))
@settings(max_examples=300, deadline=None)
def test_any_mixture_of_time_words_gives_ordered_spans_that_quote_it(words: list[str], published: str | None) -> None:
    text = " ".join(words)
    end = 0
    for span in times(text, published):
        assert span.text == text[span.start : span.end] != ""
        assert span.start >= end
        end = span.end


@given(st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_without_error(text: str) -> None:
    for span in times(text):
        assert span.text == text[span.start : span.end]


@pytest.mark.parametrize("unit", ["1 ", "may ", "since ", "2016 ", "two weeks ", "between 1 and ", "1.1.", "in "])
def test_time_grows_with_length_and_not_faster(unit: str) -> None:
    def spent(size: int) -> float:
        context = plain_context((unit * size)[:size], published_at=PUBLISHED)
        return cpu_seconds(lambda: find_times(context))

    small, large = max(spent(20_000), 0.002), spent(160_000)
    assert large < small * 40
