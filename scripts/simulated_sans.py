"""Write a small NXcanSAS file: small-angle neutron scattering of spheres, simulated, with noise.

Nothing of it was measured. I(q) is the textbook curve of dilute hard spheres on an absolute
scale; each point is what a detector would have counted, and its uncertainty follows from that.

    python scripts/simulated_sans.py FILE
"""

import sys
from pathlib import Path

import h5py
import numpy as np

RADIUS = 60.0
"""Å"""
FRACTION = 0.01
"""Of the volume that spheres take."""
CONTRAST = 5.8e-6
"""Difference of the scattering length densities, Å⁻²: silica in heavy water, nearly."""
BACKGROUND = 0.05
"""cm⁻¹"""
COUNTS = 4000.0
"""Neutrons that a point of 1 cm⁻¹ is worth."""
SEED = 20261123


def intensity(q: np.ndarray) -> np.ndarray:
    """Return dΣ/dΩ in cm⁻¹ of spheres at q in Å⁻¹ (Guinier and Fournet, 1955, eq. 2.19)."""
    x = q * RADIUS
    amplitude = 3 * (np.sin(x) - x * np.cos(x)) / x**3
    volume = 4 / 3 * np.pi * RADIUS**3
    # Å⁻¹ to cm⁻¹
    return FRACTION * volume * CONTRAST**2 * amplitude**2 * 1e8 + BACKGROUND


def write(path: Path) -> None:
    """Write the file."""
    q = np.geomspace(0.004, 0.3, 80)
    counted = np.random.default_rng(SEED).poisson(intensity(q) * COUNTS)
    # of nothing counted the uncertainty is one
    error = np.sqrt(np.maximum(counted, 1)) / COUNTS
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "sasentry"
        entry = file.create_group("sasentry")
        entry.attrs.update({"NX_class": "NXentry", "canSAS_class": "SASentry", "version": "1.1"})
        entry.attrs["default"] = "sasdata"
        entry["definition"] = "NXcanSAS"
        entry["title"] = "Simulated small-angle scattering of silica spheres in heavy water"
        entry["run"] = "simulated-1"
        entry["start_time"] = "2026-11-23T08:00:00Z"
        data = entry.create_group("sasdata")
        data.attrs.update({"NX_class": "NXdata", "canSAS_class": "SASdata", "signal": "I"})
        data.attrs.update({"I_axes": "Q", "axes": "Q", "Q_indices": 0})
        for name, values, unit in (("Q", q, "1/angstrom"), ("I", counted / COUNTS, "1/cm")):
            data[name] = values
            data[name].attrs["units"] = unit
        data["Idev"] = error
        data["Idev"].attrs["units"] = "1/cm"
        data["I"].attrs["uncertainties"] = "Idev"
        sample = entry.create_group("sassample")
        sample.attrs.update({"NX_class": "NXsample", "canSAS_class": "SASsample"})
        sample["name"] = "Silica spheres, radius 60 angstrom, 1 % by volume"
        made = entry.create_group("sasprocess")
        made.attrs.update({"NX_class": "NXprocess", "canSAS_class": "SASprocess"})
        made["name"] = "simulated_sans.py"
        made["description"] = "Simulated: dilute hard spheres, counting noise. Not measured."


if __name__ == "__main__":
    write(Path(sys.argv[1]))
