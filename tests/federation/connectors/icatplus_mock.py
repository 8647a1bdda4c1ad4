"""The mock ICAT+ of ``pyicat-plus``, with two investigations that its own client tells it of.

The client's messages go straight to the mock's subscriber: its broker and the five processes of
the whole mock would add nothing here but time. Its own process, since the library does not come
through with warnings as errors. It says where it listens, and ends with its input.
"""

import sys
import threading
from typing import Any

DATASETS = ("collection_0001", "collection_0002")


def fill(folder: str) -> None:
    """Let the client write its messages, and the mock take them."""
    from pyicat_plus.client._internal import metadata as client  # noqa: PLC0415
    from pyicat_plus_pytest_plugin.servers.stomp_subscriber import MyListener  # noqa: PLC0415
    from stomp.utils import Frame  # noqa: PLC0415

    subscriber = MyListener(None, folder)

    def take(message: bytes) -> None:
        headers = {"destination": "/queue/icatIngest"}
        subscriber.on_message(Frame("MESSAGE", headers, message.decode()))

    for number, proposal in enumerate(("hg123", "ihch7"), 1):
        start = f"2022-0{number}-01T08:00:00+01:00"
        take(
            client.serialize_investigation_message(
                beamline="id02", proposal=proposal, start_datetime=start
            )
        )
    for number, name in enumerate(DATASETS, 1):
        metadata = {
            "Sample_name": "lysozyme",
            "startDate": f"2022-01-01T09:0{number}:00+01:00",
            "endDate": f"2022-01-01T09:0{number}:30+01:00",
            "InstrumentBeam_incident_energy": 12.4,
        }
        take(
            client.serialize_dataset_message(
                beamline="id02",
                proposal="hg123",
                dataset=name,
                path=f"/data/visitor/hg123/id02/20220101/{name}",
                metadata=metadata,
            )
        )


def main() -> None:
    """Run the mock until the input ends."""
    from pyicat_plus_pytest_plugin.servers import icatplus_server as mock  # noqa: PLC0415

    folder = sys.argv[1]
    fill(folder)

    class Handler(mock.MyTCPRequestHandler):  # type: ignore[misc,name-defined]
        def __init__(self, *args: Any, **named: Any) -> None:
            self.icat_data_dir = folder
            super().__init__(*args, icat_data_dir=folder, **named)

    server = mock.ReuseAddrTCPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
