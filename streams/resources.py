"""What the settings ask the stages to know: lexicons, gazetteer and alert rules, loaded once a process."""

from pathlib import Path

from streams.names import resolver
from streams.rules import Rules, load_rules
from streams.tag import Resources, load_resources
from tocsin.settings import Settings, cache_folder


def resources_for(settings: Settings) -> Resources:
    """Load lexicons and gazetteer. Raises DataError."""
    countries = [code.strip().upper() for code in settings.focus_countries.split(",") if code.strip()]
    return load_resources(countries, Path(settings.lexicon) if settings.lexicon else None, cache_folder(settings))


def rules_for(settings: Settings, resources: Resources | None = None) -> Rules:
    """Load the alert rules, their names resolved. Raises DataError. `resources`: where the caller has them already."""
    return load_rules(Path(settings.rules) if settings.rules else None, resolver(resources or resources_for(settings)))
