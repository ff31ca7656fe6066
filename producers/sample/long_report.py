"""A very long report, always the same: the battle of Mosul with one entry for each of its 267 days.

What each entry says is true of its day or of its phase of the battle; the sentences of a phase take turns, so the text is long
(more than 150 KB) without inventing events. A reader that stops early misses Badush in the middle and the page's last section.
"""

from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

FIRST, LAST = date(2016, 10, 17), date(2017, 7, 10)


class Phase(NamedTuple):
    """A stretch of the battle, up to and including `until`; `lines` take turns, one a day."""

    until: date
    name: str
    lines: tuple[str, ...]


PHASES = (
    Phase(
        date(2016, 10, 31),
        "the approach",
        (
            "The fighting was still outside the city, in the villages of the Nineveh plain and along the road from Qayyarah.",
            "Two forces moved in parallel: Peshmerga units from the east and north, Iraqi army and federal police from the south.",
            "Smoke from burning oil wells near Qayyarah lay over the southern front and made both driving and breathing hard.",
            "Engineers checked the roads for buried explosives before the columns could follow, and progress was counted in villages.",
        ),
    ),
    Phase(
        date(2016, 12, 28),
        "the first push into the east",
        (
            "The Counter Terrorism Service carried the fight in the eastern districts, street by street and often house by house.",
            "Narrow streets took away the advantage of armour, and the attackers relied on bulldozers to block the roads to car bombs.",
            "Rain and low cloud grounded aircraft on several days of this phase, and the front moved little whenever they were absent.",
            "Families stayed at home in large numbers, as leaflets had asked them to, and the front line passed over them.",
        ),
    ),
    Phase(
        date(2017, 1, 24),
        "the second push into the east",
        (
            "Army, police and special forces now moved at the same time, on several axes, towards the Tigris.",
            "Units had been rested and shuffled, and the eastern districts that had cost weeks in November now took days.",
            "Fighters of Islamic State pulled back towards the river, and the bridges behind them were already broken.",
            "Markets opened behind the front within days, with goods that came in by lorry from Erbil and Dohuk.",
        ),
    ),
    Phase(
        date(2017, 2, 18),
        "the pause between the two banks",
        (
            "The two banks of the river faced each other, and snipers and small drones made the waterfront dangerous.",
            "Commanders prepared the move against the west, while schools in the east opened their doors again.",
            "Water was the main worry in the eastern districts, since pumping stations stood in areas that had been fought over.",
            "Aid agencies used these weeks to bring in supplies and to make room in the camps for those still to come.",
        ),
    ),
    Phase(
        date(2017, 5, 3),
        "the push into the west from the south",
        (
            "Federal police and the interior ministry's Rapid Response Division worked their way north along the river.",
            "The western half of the city is older and more densely built, and vehicles could not enter many of its lanes.",
            "People who walked out of the western districts were taken by bus to Hammam al-Alil and from there to the camps.",
            "Doctors at the stabilisation points close to the front treated soldiers and civilians side by side.",
        ),
    ),
    Phase(
        date(2017, 6, 17),
        "the north-western front",
        (
            "With a second front open in the north-west, the defenders had to divide the men they had left.",
            "The army's 9th Armoured Division approached from the side that had been quiet until then.",
            "The ring around the old city closed slowly, and food and clean water became scarce inside it.",
            "Night-time crossings became the usual way out for families, and many of them arrived without shoes.",
        ),
    ),
    Phase(
        LAST,
        "the old city",
        (
            "What was left of the battle took place in a few hundred metres of lanes between the market and the river.",
            "Soldiers moved on foot, through holes in the walls between houses, because the lanes themselves were covered by snipers.",
            "Those who came out were thin and exhausted, and medical teams reported many cases of dehydration.",
            "Every hour of these days brought people out in small groups, with white cloths tied to sticks.",
        ),
    ),
)

EVENTS = {
    date(2016, 10, 17): "Prime Minister Haider al-Abadi announced the start of the operation on state television before dawn.",
    date(2016, 10, 20): "The Counter Terrorism Service entered Bartella, a town east of Mosul whose Christian residents had left in 2014.",
    date(
        2016, 10, 21
    ): "Islamic State fighters attacked Kirkuk, far from the front, and held out in parts of the city for more than a day.",
    date(2016, 11, 1): "The Counter Terrorism Service reached Gogjali, at the eastern edge of the city.",
    date(2016, 11, 13): "The Iraqi army said that it had retaken Nimrud, the site of the ancient Assyrian city.",
    date(2016, 12, 29): "Iraqi forces began the second phase of the operation in the east.",
    date(2017, 1, 8): "The Counter Terrorism Service reached the Tigris for the first time.",
    date(2017, 1, 14): "The Counter Terrorism Service took the campus of the University of Mosul.",
    date(2017, 1, 24): "Haider al-Abadi declared the east of the city fully retaken.",
    date(2017, 2, 19): "Haider al-Abadi announced the start of the operation in the west.",
    date(2017, 2, 24): "Iraqi forces took full control of the airport of Mosul, according to the military.",
    date(2017, 3, 8): "The 9th Armoured Division recaptured the prison of Badush, where hundreds of inmates were murdered in June 2014.",
    date(2017, 3, 17): "A house full of civilians collapsed in the al-Jadida district after an American air strike.",
    date(2017, 5, 4): "The army opened a new front in the north-west of the city.",
    date(2017, 6, 18): "The assault on the old city began.",
    date(2017, 6, 21): "The Great Mosque of al-Nuri was destroyed.",
    date(2017, 6, 29): "Iraqi troops reached the ruins of the Great Mosque of al-Nuri.",
    date(2017, 7, 10): "Haider al-Abadi declared victory in Mosul.",
}

SOURCES = (
    "For this day the desk compared the statement of the military with the notes of agencies in the camps, and kept what both allow.",
    "The entry rests on public statements; where they disagree about the hour, the later hour was taken.",
    "Reports from inside the city were few on this day, and none of those that reached the desk could be checked by telephone.",
    "Maps published on the following morning agree with this entry to within a few streets.",
    "Two readers from the city went through this entry later, and asked for no change to it.",
)

LIFE = (
    "Electricity came from private generators where there was fuel, and the price of fuel was the talk of every street.",
    "Bakeries set the rhythm of the day: when flour came, queues formed early, and when it did not, people shared what they had stored.",
    "Telephone coverage was patchy, and relatives abroad often heard of a move only after the family had reached a camp.",
    "Parents asked about schools before they asked about anything else, and teachers held lessons in living rooms.",
    "Wells dug in gardens replaced the water mains in many streets, and the water had to be boiled before use.",
    "The weather mattered more than in other wars: fog helped those who wanted to leave, and heat made the walk longer.",
    "Shopkeepers kept lists of debts, certain that their customers would come back and pay them.",
)


@cache
def chronology() -> str:
    """HTML of the day entries: a heading and two paragraphs each, in order of time."""
    days = (LAST - FIRST).days + 1
    return "\n".join(_entry(number, FIRST + timedelta(days=number)) for number in range(days))


def _entry(number: int, day: date) -> str:
    phase = next(phase for phase in PHASES if day <= phase.until)
    event = EVENTS.get(day)
    first = [
        f"This was day {number + 1} of the operation, in the phase of {phase.name}.",
        *([event] if event else []),
        phase.lines[number % len(phase.lines)],
        phase.lines[(number + 1 + number // 4) % len(phase.lines)] if number % 4 != (number + 1 + number // 4) % 4 else "",
    ]
    second = [
        LIFE[number % len(LIFE)],
        LIFE[(number * 3 + 1) % len(LIFE)] if number % 7 != (number * 3 + 1) % 7 else "",
        SOURCES[number % len(SOURCES)],
    ]
    heading = f"{day:%A}, {day:%B} {day.day}, {day.year}"
    return f"<h3>{heading}</h3>\n<p>{' '.join(part for part in first if part)}</p>\n<p>{' '.join(part for part in second if part)}</p>"
