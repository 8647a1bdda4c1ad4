"""Photon and Neutron Open Science Cloud: a node for a facility, many nodes for a cloud."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panosc.client import connect

__all__ = ["__version__", "connect"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # what runs a node need not load what talks to others
    if name == "connect":
        from panosc.client import connect  # noqa: PLC0415

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
