"""`python -m deploy.kibana FILE`: write the saved objects for the import of Kibana's own pages; `-`: standard output."""

import argparse
import sys
from pathlib import Path

from deploy.kibana import ndjson, saved_objects
from deploy.kibana.shipped import faults


def main() -> int:
    """Write the file; 1 when an object of it is faulty, and nothing is written then."""
    asked = argparse.ArgumentParser(prog="python -m deploy.kibana", description=__doc__)
    asked.add_argument("file", help="where the objects go (NDJSON); - for standard output")
    asked.add_argument("--prefix", default="tocsin", help="as the setting prefix: first part of the names of indices")
    given = asked.parse_args()
    found = faults(saved_objects(given.prefix), given.prefix)
    if found:
        sys.stderr.write("".join(f"{fault}\n" for fault in found))
        return 1
    text = ndjson(given.prefix)
    if given.file == "-":
        sys.stdout.write(text)
    else:
        Path(given.file).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
