"""Places within so many kilometres, for conditions of alert rules: found once, when rules are loaded."""

from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt

from streams.names import Known, resolver
from streams.rules_conditions import Near

_EARTH = 6371.0  # km, mean radius
_DEGREE = 111.0  # km of latitude


def places_near(known: Known) -> Callable[[Near], tuple[str, ...]]:
    """Return a function from "within N km of" to the ids of places there; empty when the place is unknown or has no position."""
    resolve = resolver(known)
    gazetteer = known.gazetteer

    def near(wanted: Near) -> tuple[str, ...]:
        centres = [(wanted.lat, wanted.lon)] if wanted.lat is not None and wanted.lon is not None else []
        of = [one for one in resolve(wanted.place) if one.startswith("loc:")] if wanted.place else []
        for one in of:
            place = gazetteer.place(gazetteer.by_id[one]) if one in gazetteer.by_id else None
            if place is not None and place.lat is not None and place.lon is not None:
                centres.append((place.lat, place.lon))
        found = dict.fromkeys(of)
        for lat, lon in centres:
            for index in gazetteer.within(lat, lon, wanted.km / _DEGREE):
                place = gazetteer.place(index)
                if place.lat is None or place.lon is None or place.type in ("country", "region", "admin1"):
                    continue
                if kilometres(lat, lon, place.lat, place.lon) <= wanted.km:
                    found[place.id] = None
        return tuple(found)

    return near


def kilometres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Distance on the sphere (haversine); degrees in."""
    a, b = radians(lat), radians(other_lat)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(half))
