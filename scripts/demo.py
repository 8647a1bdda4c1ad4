"""The demo: a node on this machine, with real measured files in it.

Sets nothing up outside ``.demo``. A second run finds everything done. Ctrl-C stops all of it.
"""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import example_data

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo"
PORT = 8000
FILTER = (
    '{"include":[{"relation":"techniques","scope":{"where":{"name":"small angle scattering"}}}]}'
)


def panosc(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("panosc")), *words, "--home", str(HOME)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def tell(address: str) -> None:
    print(
        f"""
The node is running at  {address}

Try:
  {address}/                      the front page: search, view, cite
  {address}/search?q=steel        a search; filters are in the URL
  {address}/instruments           what it was measured with
  {address}/techniques            the PaNET tree of techniques
  curl -g '{address}/panosc-api/Datasets?filter={{"limit":2}}'
  curl -g '{address}/panosc-api/Datasets?filter={FILTER}'

The files come from the packages sasdata, nexusformat, punx and pynxtools (docs/demo-data.md).
Ctrl-C stops everything; `make demo` again starts in seconds. `rm -r .demo` forgets it.
""",
        flush=True,
    )


def main() -> int:
    folder = example_data.provide()
    done = subprocess.run(panosc("ingest", str(folder)), check=False)
    # 3: some files could not be read as what they claim to be, which the summary explains
    if done.returncode not in {0, 3}:
        return done.returncode
    server = subprocess.Popen(
        panosc("serve", "--port", str(free_port())), stdout=subprocess.PIPE, text=True
    )
    try:
        for line in server.stdout or ():
            if line.startswith("ready "):
                tell(line.split()[1])
        return server.wait()
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
        try:
            # a terminal has told the server too; only who was told alone passes it on
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGINT)
            server.wait()
        return 0


if __name__ == "__main__":
    sys.exit(main())
