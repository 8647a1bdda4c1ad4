"""A node whose files another account reads answers as any other, and opens none itself."""

import io
import os
import zipfile

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5_node import OPEN, h5_node

from apart_accounts import COMMANDS
from panosc.catalogue.database import open_database
from panosc.files.apart import asking
from panosc.settings import Settings

VALUES = np.arange(40_000, dtype="<i4").reshape(40, 1000)


@pytest.fixture(params=COMMANDS, ids=lambda name: name.replace(" ", "-"))
def node(request, tmp_path, open_folder, new_database, template):
    """A node one of whose files only the account that reads may read."""
    folder = open_folder / "apart-node"
    folder.mkdir(exist_ok=True)
    home = tmp_path / "home"
    home.mkdir()
    path = folder / "a.h5"
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        file["plain"] = VALUES
        file.create_dataset("packed", data=VALUES, chunks=(8, 1000), **hdf5plugin.Bitshuffle())
        file["texts"] = ["a", "ö"]
    with new_database(template) as database:
        command = COMMANDS[request.param]
        settings = Settings(home=home, database_url=database, reader_command=command)
        asking.use(command)
        os.chown(path, asking.asker().uid, -1)
        path.chmod(0o400)
        with (
            open_database(settings) as engine,
            h5_node(engine, settings, {OPEN: {"a.h5": path}}) as served,
        ):
            yield served, path
        asking.use(())


def test_every_way_to_the_bytes_goes_through_the_account(node):
    served, path = node
    raw = path.read_bytes()
    told = served.h5("meta", "a.h5", "/plain").json()
    assert told.get("shape") == [40, 1000], told
    for _ in range(2):
        # the second time by what was opened a moment ago
        part = served.h5("data", "a.h5", "/plain", format="bin", selection="3,10:20")
        assert part.content == VALUES[3, 10:20].tobytes()
    packed = served.h5("data", "a.h5", "/packed", format="bin", selection="5:30")
    assert packed.content == VALUES[5:30].tobytes()
    assert served.h5("data", "a.h5", "/texts", format="json").json() == ["a", "ö"]
    assert served.h5("stats", "a.h5", "/packed").json()["max"] == VALUES.max()
    with h5py.File(path) as file:
        _, chunk = file["packed"].id.read_direct_chunk((8, 0))
    assert served.zarr("a.h5", "packed/c/1/0").content == chunk
    one = f"/datasets/{OPEN}/-/download?file=a.h5"
    assert served.client.get(one).content == raw
    part = served.client.get(one, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, raw[100:200])
    packed_up = served.client.get(f"/datasets/{OPEN}/-/download").content
    with zipfile.ZipFile(io.BytesIO(packed_up)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("a.h5")]
        assert archive.read(name) == raw


def test_what_the_account_may_not_read_is_not_sent(node):
    served, path = node
    # its index is there already
    assert served.h5("meta", "a.h5", "/plain").json()["shape"] == [40, 1000]
    path.chmod(0)
    whole = served.client.get(f"/datasets/{OPEN}/-/download?file=a.h5")
    plain = served.h5("data", "a.h5", "/plain", format="bin", selection="3,10:20")
    packed = served.h5("data", "a.h5", "/packed", format="bin", selection="5:30")
    for answer in (whole, plain, packed):
        assert answer.status_code >= 400
        assert answer.json()["detail"]
    path.chmod(0o400)
    assert served.h5("data", "a.h5", "/plain", format="bin").content == VALUES.tobytes()
