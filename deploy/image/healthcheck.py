"""Whether the service of this container is ready: exit code 0 or 1, and the reason in one line. Needs the standard library only.

It asks /ready on the port of TOCSIN_HEALTH_PORT; without a port (0, or none) there is nothing to ask, and that is no failure.
"""

import http.client
import os
import sys


def main() -> int:
    """Ask once."""
    port = int(os.environ.get("TOCSIN_HEALTH_PORT") or 0)
    if not port:
        return 0
    host = os.environ.get("TOCSIN_HEALTH_BIND") or "127.0.0.1"
    asked = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=4)  # noqa: S104 - compared, not bound
    try:
        asked.request("GET", "/ready")
        answer = asked.getresponse()
        print(answer.read(2000).decode("utf-8", "replace").strip())  # noqa: T201 - docker inspect shows it
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer from {host}:{port}: {error}")  # noqa: T201
        return 1
    finally:
        asked.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
