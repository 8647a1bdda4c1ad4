"""Photon and Neutron Open Science Cloud: a node for a facility, many nodes for a cloud."""

__version__ = "0.1.0"
