"""Which claims enter the ledger, in which block, and who is behind them."""

import pytest
from msgspec.structs import replace

from streams.ledger_claims import blocks_of, ledger_claims
from streams.ledger_corrections import NONE, find_corrections
from streams.ledger_rules import ledger_rules
from streams.tag import tag
from tests.builders import article, claim, clustered, place, tagged
from tests.streams.ledger_of import AT, resources, sides
from tocsin.incidents import LedgerClaims
from tocsin.records import Quantity, Sentence


def said(text: str, **more: object) -> tuple[LedgerClaims, ...]:
    page = article(text, at=AT, **more)  # type: ignore[arg-type]  # fields of an article
    return ledger_claims(tag(page, resources()), clustered(page), sides())


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("A drone strike killed 9 people in Kidal.", "ML violence"),
        ("The army captured El Fasher on Tuesday.", "SD control"),
        ("Some 20,000 people fled from Goma on Monday.", "CD displacement"),
        ("Police arrested 12 men in Nairobi on Monday.", "KE coercion"),
    ],
)
def test_a_block_is_the_country_and_the_family_of_the_type(text: str, block: str) -> None:
    assert block in {part.block for part in said(text)}


@pytest.mark.parametrize(
    "text",
    [
        "The minister warned that famine is near.",
        "The army could capture El Fasher within days.",
        "Will the army capture El Fasher?",
        "If the army captures El Fasher, the war is over.",
        "Capture El Fasher, the general told his men.",
    ],
)
def test_words_fears_questions_conditions_and_calls_stay_out(text: str) -> None:
    assert not [claim for part in said(text) for claim in part.claims]


def test_a_denial_enters_as_a_denial_with_its_voice() -> None:
    claims = [c for part in said("The army denied that the RSF had captured El Fasher.") for c in part.claims]
    assert [(c.type, c.stance, c.source, c.side) for c in claims] == [("territorial_control", "denies", "org:sudanese-army", "gov:SD")]


def test_nobody_killed_is_a_toll_of_nought_not_a_denial() -> None:
    claims = [c for part in said("No one was killed in Kidal, residents said.") for c in part.claims if c.type == "casualties"]
    assert [(c.stance, [(f.role, f.value) for f in c.figures]) for c in claims] == [("says", [("killed", 0.0)])]


def test_blocks_that_a_former_version_had_and_this_one_has_not_get_an_entry_without_claims() -> None:
    page = article("Nothing happened.", at=AT)
    parts = ledger_claims(tag(page, resources()), clustered(page), sides(), before=("ML violence",))
    assert [(part.block, part.claims) for part in parts] == [("ML violence", ())]


def test_the_blocks_of_a_version_are_those_of_its_entries() -> None:
    page = article("A drone strike killed 9 people in Kidal. The army captured El Fasher on Tuesday.", at=AT)
    version = tag(page, resources())
    assert blocks_of(version, sides()) == tuple(part.block for part in ledger_claims(version, clustered(page), sides()))


def test_an_article_without_claims_of_the_families_costs_nothing_and_says_nothing() -> None:
    page = article("A drone strike killed 9 people in Kidal.", at=AT)
    assert ledger_claims(tagged(page), clustered(page)) == ()


def test_organs_of_a_state_are_one_side_whether_the_lexicon_lists_them_or_not() -> None:
    known = sides()
    assert {known["org:idf"], known["org:israeli-army"]} == {"gov:IL"}
    assert {known["org:malian-army"], known["org:malian-armed-forces"]} == {"gov:ML"}
    assert known["org:amaq"] == "org:islamic-state"


@pytest.mark.parametrize(
    ("text", "words", "nobody"),
    [
        ("Correction: an earlier version said nine were killed. No one died.", ["nine"], ("killed",)),
        ("An earlier version of this article said 12 were killed; the correct number is two.", ["12"], ()),
        ("This article has been corrected to say that 12 people died, not 20.", ["20"], ()),
        ("Corrección: una versión anterior decía que 12 murieron. No hubo muertos.", ["12"], ("killed",)),
        ("Исправление: в предыдущей версии сообщалось о 12 погибших. Никто не погиб.", ["12"], ("killed",)),
        ("تصحيح: ذكرت نسخة سابقة مقتل 12 شخصا. لم يقتل أحد.", ["12"], ("killed",)),
        ("Gunmen killed 12 people. No one claimed the attack.", [], ()),
    ],
)
def test_corrections_take_back_their_figures_and_only_theirs(text: str, words: list[str], nobody: tuple[str, ...]) -> None:
    middle = text.index(". ") + 1 if ". " in text else len(text)
    sentences = tuple(Sentence(start=a, end=b) for a, b in ((0, middle), (middle, len(text))) if a < b)
    found = find_corrections(text, sentences, ledger_rules())
    figures = [word for word in ("nine", "12", "two", "20") if word in text]
    assert [word for word in figures if found.takes_back(text.index(word), text.index(word) + len(word))] == words
    assert found.nobody == nobody
    assert (found is NONE) == (not words)


def test_a_version_with_very_many_claims_tells_a_bounded_number_of_them_and_says_how_many_more() -> None:
    text = "Gunmen killed people in Kaduna."
    where = place(text, "Kaduna", "loc:kaduna", parents=("loc:nigeria",))
    one = claim(text, "killed", "casualties", places=(where,), origin="daily")
    figure = Quantity(text="9", start=0, end=1, unit="person", role="killed", value=9, min=9, max=9)
    claims = [
        replace(one, claim_id=f"c_{number}", places=(replace(one.places[0], country="NG"),), quantities=(figure,) if number % 2 else ())
        for number in range(120)
    ]
    page = article(text, at=AT)
    (part,) = ledger_claims(tagged(page, (where,), tuple(claims)), clustered(page))
    most = ledger_rules().limits.told
    assert (len(part.claims), part.left_out) == (most, 120 - most)
    assert all(one.figures for one in part.claims)


@pytest.mark.parametrize("published", ["20240510T100000Z", "2024-05-10T13:00:00+03:00", None])
def test_times_are_brought_into_one_form(published: str | None) -> None:
    (part,) = said("A drone strike killed 9 people in Kidal.", published_at=published)
    assert part.published_at in ("2024-05-10T10:00:00Z", None)
