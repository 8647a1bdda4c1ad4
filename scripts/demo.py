"""The demo: a node on this machine, with real measured files and made-up people in it.

Two of the files belong to each of two made-up teams; the policy keeps them from others for
three years. One dataset, which is simulated, has a DOI: of a stand-in of DataCite, so it leads
somewhere on this machine alone. Sets nothing up outside ``.demo``. A second run finds everything
done. Ctrl-C stops all of it.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import example_data
import simulated_sans

from panosc.domain.pid import content_pid
from panosc.identity.devprovider import PEOPLE
from panosc.identity.devprovider.people import BEADS, STEEL, TEAMS

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo"
PORT = 8000
FILTER = (
    '{"include":[{"relation":"techniques","scope":{"where":{"name":"small angle scattering"}}}]}'
)

SIMULATED = HOME / "simulated" / "spheres.h5"
FILES = {
    BEADS: ["punx/1998spheres.h5", "punx/USAXS_flyScan_GC_M4_NewD_15.h5"],
    STEEL: ["punx/33837rear_1D_1.75_16.5_NXcanSAS_v3.h5", "punx/cs_af1410.h5"],
}
"""Proposal → files of the examples that are said to be its data."""


def panosc(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("panosc")), *words, "--home", str(HOME)]


def free_port(wanted: int) -> int:
    """Return the port if it is free, 0 if not; of 0 any that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def proposals(folder: Path) -> int:
    """Make the groups of the two teams and give them their data; return the exit status."""
    offered = HOME / "user-office.ndjson"
    if offered.exists():
        return 0
    HOME.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC)
    groups = [
        {
            "name": name,
            "title": title,
            "accessType": "public",
            "startDate": (today - timedelta(days=40)).date().isoformat(),
            "endDate": (today - timedelta(days=37)).date().isoformat(),
        }
        for name, title in TEAMS.items()
    ]
    draft = offered.with_suffix(".new")
    draft.write_text("".join(json.dumps(group) + "\n" for group in groups), "utf-8")
    steps = [
        ["group", "import", str(draft)],
        *(
            ["ingest", "--proposal", name, *(str(folder / path) for path in paths)]
            for name, paths in FILES.items()
        ),
    ]
    for step in steps:
        status = subprocess.run(panosc(*step), stdout=subprocess.DEVNULL, check=False).returncode
        if status:
            return status
    draft.rename(offered)
    return 0


def simulated() -> str:
    """Write the simulated file, and return the PID that its content has."""
    SIMULATED.parent.mkdir(parents=True, exist_ok=True)
    if not SIMULATED.exists():
        draft = SIMULATED.with_suffix(".new")
        simulated_sans.write(draft)
        draft.rename(SIMULATED)
    return content_pid([hashlib.sha256(SIMULATED.read_bytes()).hexdigest()])


def stand_in() -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start a stand-in of DataCite; return it, and the settings of a node for it."""
    command = [str(Path(sys.executable).with_name("panosc")), "doi", "stand-in"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found = {}
    for line in process.stdout or ():
        name, _, value = line.strip().partition(" = ")
        found[f"PANOSC_{name.upper()}"] = value if value.startswith("[") else value.strip('"')
        if name == "outbound_hosts":
            break
    return process, found


def tell(address: str, doi: str) -> None:
    people = "\n".join(f"  {person.name:<11} {person.what}" for person in PEOPLE)
    print(
        f"""
The node is running at  {address}

Sign in at {address}/login as one of these, who do not exist:
{people}

Try:
  {address}/                      the front page: search, view, cite
  {address}/search?q=steel        a search; filters are in the URL
  {address}/instruments           what it was measured with
  {address}/techniques            the PaNET tree of techniques
  curl -g '{address}/panosc-api/Datasets?filter={{"limit":2}}'
  curl -g '{address}/panosc-api/Datasets?filter={FILTER}'
  {Path(sys.executable).relative_to(ROOT)} scripts/reuse_by_doi.py {doi} --resolver {address}/doi/
                                from a DOI alone to I(q), licence and citation

The files come from the packages sasdata, nexusformat, punx and pynxtools (docs/demo-data.md).
Ctrl-C stops everything; `make demo` again starts in seconds. `rm -r .demo` forgets it.
""",
        flush=True,
    )


def fill(folder: Path) -> int:
    """Take the example files in; return the exit status."""
    if status := proposals(folder):
        return status
    # without the folder's own read-me, which would be a dataset like any other file
    inside = sorted(str(path) for path in folder.iterdir() if path.is_dir())
    inside.append(str(SIMULATED.parent))
    done = subprocess.run(panosc("ingest", *inside), check=False)
    # 3: some files could not be read as what they claim to be, which the summary explains
    return 0 if done.returncode in {0, 3} else done.returncode


def main() -> int:
    folder = example_data.provide()
    # a DOI leads to an address that has to be known before
    port = free_port(PORT) or free_port(0)
    command = panosc("serve", "--dev-login", "--port", str(port))
    # a provider at another address would be another one, and its people others
    environment = {**os.environ, "PANOSC_DEV_LOGIN_PORT": str(free_port(PORT + 1))}
    pid = simulated()
    datacite, settings = stand_in()
    environment |= settings | {"PANOSC_BASE_URL": f"http://127.0.0.1:{port}"}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        # the other commands share the database of a server that runs, which saves them its start
        for line in server.stdout or ():
            if line.startswith("ready "):
                status = fill(folder)
                minting = subprocess.run(
                    panosc("doi", "mint", pid, "--json"),
                    stdout=subprocess.PIPE,
                    text=True,
                    env=environment,
                    check=False,
                )
                if status := status or minting.returncode:
                    server.send_signal(signal.SIGINT)
                    server.wait()
                    return status
                tell(line.split()[1], json.loads(minting.stdout)[0]["doi"])
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
    finally:
        datacite.terminate()
        datacite.wait()


if __name__ == "__main__":
    sys.exit(main())
