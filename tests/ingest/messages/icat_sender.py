"""A beamline's process: sends with `pyicat-plus` what it reads, as JSON, from standard input.

Its own process, since the library and its STOMP client do not come through with warnings as errors.
"""

import json
import sys


def main() -> None:
    """Call methods of the client: ``[[method, arguments], …]``."""
    from pyicat_plus.client.main import IcatClient  # noqa: PLC0415 - see above

    client = IcatClient(metadata_urls=[f"127.0.0.1:{sys.argv[1]}"])
    for method, arguments in json.load(sys.stdin):
        getattr(client, method)(**arguments)
    client.disconnect()


if __name__ == "__main__":
    main()
