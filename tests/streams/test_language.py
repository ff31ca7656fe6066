import subprocess
import sys

import pytest

from streams.language import detect
from tests.timing import cpu_seconds


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("The army said on Monday that its troops had entered the town after a week of fighting.", "en"),
        ("AIRSTRIKES KILL 30 IN RAQQA, MONITOR SAYS", "en"),
        ("airstrikes kill 30 in raqqa, monitor says", "en"),
        ("Clashes near Al-Shaddadi and Deir ez-Zor", "en"),
        ("US forces hit IS in Syria", "en"),
        ("قال شهود عيان إن الطائرات قصفت المدينة صباح اليوم", "ar"),
        ("در کابل دوازده نفر کشته شدند", "fa"),
        ("کراچی میں دھماکہ ہوا", "ur"),
        ("В Донецке сообщили о погибших среди мирных жителей", "ru"),
        ("У Харкові загинули люди", "uk"),
        ("Li Rojava şer dest pê kir", "ku"),
        ("لە هەولێر کۆبوونەوەیەک بەڕێوەچوو", "ku"),
        ("Polis Diyarbakır'da operasyon düzenledi", "tr"),
        ("Les combats ont repris dans la nuit autour de la ville", "fr"),
        ("Miles de familias huyeron de la violencia en la frontera", "es"),
        ("Tausende Menschen sind vor den Kämpfen geflohen", "de"),
        ("中国政府发表声明", "zh"),
        ("東京でニュースが発表された", "ja"),
        ("서울에서 시위가 열렸다", "ko"),
        ("צה״ל תקף בעזה", "he"),
        ("ነገር ግን ሰላም ነው", "am"),
    ],
)
def test_the_language_of_a_plain_sentence_is_told(text: str, lang: str) -> None:
    found, likelihood = detect(text)
    assert found == lang
    assert 0 < likelihood <= 1


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Ракета упала у школы", "ru"),
        ("Над Белгородом сбит беспилотник", "ru"),
        ("Боевики напали на блокпост", "ru"),
        ("Удар по складу в Сумах", "ru"),
        ("Президент выступил с заявлением", "ru"),
        ("Армия Судана отбила атаку повстанцев", "ru"),
        ("Трое погибших в Хартуме", "ru"),
        ("Ракета влучила у склад із боєприпасами", "uk"),
        ("Уночі над Одесою збили двадцять дронів", "uk"),
        ("Армія наступає на сході країни", "uk"),
        ("Бунтовници превзеха пристанището", "bg"),
        ("Войници навлязоха в селото тази сутрин", "bg"),
        ("Полицията задържа петима протестиращи", "bg"),
        ("Полиција је ухапсила пет демонстраната", "sr"),
        ("Двајца луѓе загинаа во експлозија во Скопје", "mk"),
        ("Ракета ўпала каля школы", "be"),
        ("Мыңдаған адам үйлерін тастап кетті", "kk"),
    ],
)
def test_a_headline_in_cyrillic_letters_is_told_by_alphabet_words_and_endings(text: str, lang: str) -> None:
    assert detect(text)[0] == lang


@pytest.mark.parametrize("text", ["", "   ", "12", "12:30 – 14:00", "…", "🙂🙂", "ab"])
def test_too_little_text_is_undecided(text: str) -> None:
    assert detect(text)[0] == "und"


@pytest.mark.parametrize(
    ("text", "hint", "lang"),
    [
        ("Manifestantes en La Paz", "es-BO", "es"),
        ("Die Regierung in Kabul sagt, die Kämpfe seien vorbei", "en", "de"),
        ("Ракета падна в близост до училище", "bg-BG", "bg"),
        ("Ракета упала у школы", "uk", "ru"),
        ("قال الوزير إن الحرب انتهت", "en", "ar"),
        ("The government said that the fighting was over after a week", "ar", "en"),
        ("The government said that the fighting was over after a week", "nonsense", "en"),
    ],
)
def test_a_hint_only_breaks_ties(text: str, hint: str, lang: str) -> None:
    assert detect(text, hint)[0] == lang


def test_labels_are_two_letter_codes() -> None:
    assert all(len(detect(text)[0]) == 2 for text in ("Wetin dey happen for Lagos today o", "Manifestazione a Roma contro la guerra"))


def test_only_the_head_of_a_long_text_is_read() -> None:
    text = "The army said on Monday that its troops had entered the town after a week of fighting. " * 20_000
    assert cpu_seconds(lambda: detect(text)) < 0.05


def test_plain_english_does_not_load_the_model() -> None:
    code = (
        "import sys; from streams.language import detect; "
        "detect('The army said on Monday that its troops had entered the town after a week of fighting.'); "
        "print('py3langid' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
