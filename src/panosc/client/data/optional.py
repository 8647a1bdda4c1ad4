"""Libraries that are loaded when they are first used: importing the client stays quick."""

from importlib import import_module
from typing import Any

from panosc.domain.errors import Unavailable


def numpy() -> Any:
    """Return numpy."""
    return _load("numpy", "numpy")


def xarray() -> Any:
    """Return xarray.

    Raises
    ------
    Unavailable
        If it is not installed; so of the others.
    """
    return _load("xarray", "xarray")


def dask_array() -> Any:
    """Return ``dask.array``."""
    return _load("dask.array", "dask[array]")


def _load(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"This needs {package}: {error}.", hint=f"Run: pip install '{package}'"
        ) from None
