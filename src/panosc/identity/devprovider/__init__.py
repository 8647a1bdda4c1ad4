"""An OpenID Connect provider of the node's own, with made-up people, for trying out and tests.

It is a provider over HTTP like any other: the node signs people in at it in no special way.
It asks for no password, keeps everything in memory, and runs on loopback only.
"""

from panosc.identity.devprovider.people import PEOPLE, DemoPerson
from panosc.identity.devprovider.provider import DevProvider
from panosc.identity.devprovider.state import Lifetimes

__all__ = ["PEOPLE", "DemoPerson", "DevProvider", "Lifetimes"]
