"""A beamline's process: sends with `pyicat-plus` what it reads, as JSON, from standard input.

Its own process, since the library and its STOMP client do not come through with warnings as errors.
"""

import json
import sys


def main() -> None:
    """Call methods of the client: ``[[method, arguments], …]``."""
    from pyicat_plus.client.main import IcatClient  # noqa: PLC0415 - see above

    for method, arguments in json.load(sys.stdin):
        # a connection for each: the mock broker reads 4 kB at a time and breaks off when a frame's
        # headers or end fall between two readings, as they do when a busy machine lets frames pile
        # up; the client asks for no receipts, so what came after would be lost without a word
        client = IcatClient(metadata_urls=[f"127.0.0.1:{sys.argv[1]}"])
        getattr(client, method)(**arguments)
        client.disconnect()


if __name__ == "__main__":
    main()
