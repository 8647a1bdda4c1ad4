"""The kinds of catalogues that this node can speak with: one file each, and plug-ins.

A plug-in is an entry point of the group ``panosc.connectors``: the name is what ``--kind`` says,
the object a subclass of `contract.Connector`.
"""

from functools import cache

from panosc.domain.errors import Invalid
from panosc.federation.contract import Connector
from panosc.plugins import Plugins, load

GROUP = "panosc.connectors"


@cache
def _loaded() -> Plugins:
    return load(GROUP)


def kinds() -> dict[str, type[Connector]]:
    """Return the kinds of catalogues by name."""
    return {
        name: found
        for name, found in _loaded().found.items()
        if isinstance(found, type) and issubclass(found, Connector)
    }


def connector_of(kind: str) -> type[Connector]:
    """Return how a kind of catalogue is spoken with.

    Raises
    ------
    Invalid
    """
    found = kinds()
    if kind in found:
        return found[kind]
    broken = _loaded().broken.get(kind)
    if broken is not None:
        raise Invalid(f"The connector {kind!r} is broken: {broken}.", field="kind")
    raise Invalid(
        f"There is no connector for {kind!r}.",
        field="kind",
        hint=f"There are {', '.join(sorted(found))}.",
    )
