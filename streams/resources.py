"""What the settings ask the stages to know: lexicons, gazetteer and alert rules, loaded once a process."""

from pathlib import Path
from typing import NamedTuple

from streams.gazetteer import Gazetteer, load_gazetteer
from streams.lexicon import ActorLexicon, load_actors
from streams.names import Known, resolver
from streams.rules import Rules, load_rules
from streams.rules_places import places_near
from streams.tag import Resources, load_resources
from tocsin.settings import Settings, cache_folder


class Names(NamedTuple):
    """What names mean, without how to read a text: a third of the time to load."""

    gazetteer: Gazetteer
    lexicon: ActorLexicon


def resources_for(settings: Settings) -> Resources:
    """Load lexicons and gazetteer. Raises DataError."""
    return load_resources(_focus(settings), _extra(settings), cache_folder(settings))


def names_for(settings: Settings) -> Names:
    """Load names only. Raises DataError."""
    return Names(load_gazetteer(_focus(settings), _extra(settings), cache_folder(settings)), load_actors(_extra(settings)))


def rules_for(settings: Settings, resources: Known | None = None) -> Rules:
    """Load the alert rules, their names resolved. Raises DataError. `resources`: where the caller has them already."""
    known = resources or names_for(settings)
    return load_rules(Path(settings.rules) if settings.rules else None, resolver(known), places_near(known))


def _focus(settings: Settings) -> list[str]:
    return [code.strip().upper() for code in settings.focus_countries.split(",") if code.strip()]


def _extra(settings: Settings) -> Path | None:
    return Path(settings.lexicon) if settings.lexicon else None
