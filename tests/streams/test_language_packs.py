"""Claims in the language packs: every rule's examples and near misses hold, and cues colour what they should."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.claims import find_claims
from streams.context import plain_context
from streams.grammar import load_packs
from streams.inflect import Form
from streams.inflect_ar import ARABIC
from streams.inflect_ru import RUSSIAN
from streams.numbers import find_numbers
from streams.times import find_times
from tocsin.records import Claim
from tocsin.segment import segment, sentences

PACKS = load_packs()
RULES = [(lang, rule) for lang, pack in PACKS.items() for rule in pack.rules]
EXAMPLES = [pytest.param(lang, rule, text, id=f"{rule.id}-{n}") for lang, rule in RULES for n, text in enumerate(rule.examples)]
NEAR_MISSES = [pytest.param(lang, rule, text, id=f"{rule.id}-{n}") for lang, rule in RULES for n, text in enumerate(rule.near_misses)]


def claims_in(lang: str, text: str) -> list[Claim]:
    """Claims of a bare text, without any mention."""
    parts = segment(text)
    context = msgspec.structs.replace(plain_context(text, lang, "2024-03-05T00:00:00Z"), segments=parts, sentences=sentences(text, parts))
    return find_claims(context, [], [], find_numbers(context), find_times(context), PACKS[lang])


@pytest.mark.parametrize(("lang", "rule", "text"), EXAMPLES)
def test_a_rules_example_yields_its_type_and_subtype(lang, rule, text):
    assert {(rule.type, rule.subtype), (rule.type, rule.unrealised)} & {(c.type, c.subtype) for c in claims_in(lang, text)}


@pytest.mark.parametrize(("lang", "rule", "text"), NEAR_MISSES)
def test_a_rules_near_miss_yields_no_claim_at_all(lang, rule, text):
    assert [(c.rule_id, c.trigger.text) for c in claims_in(lang, text)] == []


@pytest.mark.parametrize("lang", PACKS)
def test_every_rule_shows_what_it_means_and_what_it_does_not(lang):
    assert [rule.id for rule in PACKS[lang].rules if not (rule.examples and rule.near_misses)] == []


MOODS = [
    ("ar", "قد تقصف القوات البلدة.", "remote_strike", "possible", "affirmative"),
    ("ar", "سيقصف الجيش مواقع المسلحين.", "remote_strike", "expected", "affirmative"),
    ("ar", "إذا سقطت قذائف على الحي سيرحل السكان.", "remote_strike", "conditional", "affirmative"),
    ("ar", "هل قصفت الطائرات المستشفى؟", "remote_strike", "question", "affirmative"),
    ("ar", "لم تقصف الطائرات المستشفى.", "remote_strike", "asserted", "negative"),
    ("ar", "نفى مسؤول قصف المستشفى.", "remote_strike", "reported", "negative"),
    ("ar", "زعمت الجماعة أن الجيش قصف المستشفى.", "remote_strike", "claimed", "affirmative"),
    ("ar", "قال شهود إن الطائرات قصفت السوق.", "remote_strike", "reported", "affirmative"),
    ("ru", "Армия обстреляет посёлок.", "remote_strike", "expected", "affirmative"),
    ("ru", "Беспилотники могут атаковать порт.", "remote_strike", "possible", "affirmative"),
    ("ru", "Если ракета попадёт в склад, людей вывезут.", "remote_strike", "conditional", "affirmative"),
    ("ru", "Обстреляли ли военные больницу?", "remote_strike", "question", "affirmative"),
    ("ru", "Военные не обстреливали больницу.", "remote_strike", "asserted", "negative"),
    ("ru", "Мэр опроверг сообщения об обстреле больницы.", "remote_strike", "reported", "negative"),
    ("ru", "Боевики утверждают, что обстреляли базу.", "remote_strike", "claimed", "affirmative"),
    ("ru", "По словам очевидцев, военные обстреляли рынок.", "remote_strike", "reported", "affirmative"),
]


@pytest.mark.parametrize(("lang", "text", "kind", "modality", "polarity"), MOODS)
def test_cues_colour_the_claim_of_their_clause(lang, text, kind, modality, polarity):
    assert (kind, modality, polarity) in {(c.type, c.modality, c.polarity) for c in claims_in(lang, text)}


FIGURES = [
    ("ar", "قُتل اثنا عشر جندياً وأصيب ٣٠ آخرون.", "killed", 12, 12),
    ("ar", "قُتل اثنا عشر جندياً وأصيب ٣٠ آخرون.", "injured", 30, 30),
    ("ar", "أسفر القصف عن قتيلين وجريح.", "killed", 2, 2),
    ("ar", "نزح عشرات الآلاف من المدنيين.", "displaced", 20_000, 99_999),
    ("ru", "Погибли семеро солдат, ещё 40 ранены.", "killed", 7, 7),
    ("ru", "Погибли семеро солдат, ещё 40 ранены.", "injured", 40, 40),
    ("ru", "Число погибших выросло до 52.", "killed", 52, 52),
    ("ru", "Город покинули полторы тысячи жителей.", "displaced", 1500, 1500),
    ("ru", "Тысячи семей бежали из города.", "displaced", 2000, 9999),
]


@pytest.mark.parametrize(("lang", "text", "role", "least", "most"), FIGURES)
def test_a_figure_counts_those_to_whom_the_nearest_trigger_happened(lang, text, role, least, most):
    assert (role, least, most) in {(q.role, q.min, q.max) for c in claims_in(lang, text) for q in c.quantities}


def test_inflection_knows_futures_duals_and_passives():
    assert ARABIC.verb("قصف/يقصف")["سيقصف"] & Form.FUTURE
    assert ARABIC.noun("قتيل/قتلى")["قتيلان"] & Form.DUAL
    assert not ARABIC.noun("مصاب/مصابون/مصابين")["مصابين"] & Form.DUAL
    assert RUSSIAN.verb("захватить/захвачен")["захвачены"] & Form.PARTICIPLE
    assert RUSSIAN.verb("захватить/захвачен")["захватят"] & Form.FUTURE
    assert not RUSSIAN.verb("~удерживать")["удерживают"] & Form.FUTURE


@given(st.text(alphabet=st.sampled_from(" ,،.؟?:«»\n\u064f\u0640\u200f\u200b😀12٣" + "قتلفجرسوبان" + "убитьвзялгород"), max_size=120))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_an_offset(text):
    for lang in ("ar", "ru"):
        for claim in claims_in(lang, "قُتل 3 " + text + " убит حُرّر"):
            whole = "قُتل 3 " + text + " убит حُرّر"
            assert claim.text == whole[claim.start : claim.end]
            assert claim.trigger.text == whole[claim.trigger.start : claim.trigger.end]
            assert all(q.text == whole[q.start : q.end] for q in claim.quantities)
            if claim.attribution is not None and claim.attribution.start is not None:
                assert claim.attribution.text == whole[claim.attribution.start : claim.attribution.end]
