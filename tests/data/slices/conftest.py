"""A node with every kind of HDF5 file."""

import h5_files
import pytest
from h5_node import EMBARGOED, OPEN, OTHER, h5_node

from panosc.catalogue.database import open_database
from panosc.settings import Settings


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The files by dataset and name."""
    folder = tmp_path_factory.mktemp("h5")
    here, more = folder / "files", folder / "other"
    here.mkdir()
    more.mkdir()
    found = {
        "all.h5": h5_files.everything(here / "all.h5"),
        "beside.h5": h5_files.beside(here / "beside.h5"),
        **h5_files.virtual(here),
    }
    h5_files.beside(folder / "outside.h5")
    return {
        OPEN: found,
        OTHER: {"deep/er.h5": h5_files.beside(more / "er.h5")},
        EMBARGOED: {"a.h5": h5_files.beside(more / "a.h5")},
    }


@pytest.fixture(scope="session")
def h5(files, new_database, template, tmp_path_factory):
    """The node."""
    home = tmp_path_factory.mktemp("h5home") / "home"
    home.mkdir()
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database, data_answer_mb=1)
        with open_database(settings) as engine, h5_node(engine, settings, files) as node:
            yield node
