"""Units that stand at their value without a space. Nothing is converted: see `domain.units`."""

import re

_UNITS = (
    "K|mK|eV|keV|meV|MeV|GeV|TeV|nm|pm|fm|um|mm|cm|m|km|angstrom|A|mA|uA|T|mT|kOe|Oe|kG|G|Pa|hPa"
    "|kPa|MPa|GPa|bar|mbar|kbar|s|ms|us|ns|ps|fs|min|h|Hz|kHz|MHz|GHz|THz|V|mV|kV|W|mW|kW|mg|ug|g"
    "|kg|ml|ul|l|M|mM|uM|mol|deg|degC|rpm|dpa|at|wt"
)
GLUED = re.compile(rf"(\d+(?:\.\d+)?)({_UNITS})")
"""A value and its unit in one piece: ``100K``, ``5nm``, ``12.4keV``."""
