"""A catalogue as hard as they come: skewed names of parameters, bad units, datasets full of files.

    python benchmarks/skewed.py FOLDER [DATASETS [SEED]]    # 100 000 datasets

200 names of parameters of skewed frequency, 60-150 of them a dataset; one value in fifty without a
unit or with an unknown one; every hundredth dataset with 10 000 files. All else is as in
`catalogue`. Streamed in constant memory.
"""

import random
import sys
from collections.abc import Iterator

from typing_extensions import override

from catalogue import QUANTITIES, Catalogue, Parameter, skewed
from catalogue import main as generate

NAMES, FEWEST, MOST = 200, 60, 150
BAD_EVERY = 50
LARGE_EVERY, MANY_FILES = 100, 10_000
UNKNOWN = ("", "arb", "steps", "cts/s?", "n.a.")
OTHERS = (("nm", 1.0), ("K", 1.0), ("mm", 1e3), ("bar", 1e-5), ("s", 1.0), ("T", 1.0), ("V", 1.0))


class Skewed(Catalogue):
    """The common names are the physical ones, and then ``motor_000`` … ``motor_191``."""

    @override
    def parameters(self, rng: random.Random, number: int) -> Iterator[Parameter]:
        wanted, seen = rng.randint(FEWEST, MOST), set[int]()
        # tries, not names: the rare ones stay rare
        for _ in range(wanted * 3):
            seen.add(skewed(rng, NAMES))
            if len(seen) == wanted:
                break
        # the few that are missing are the most frequent names
        missing = [name for name in range(NAMES) if name not in seen]
        seen.update(missing[: wanted - len(seen)])
        for which in sorted(seen):
            name, value, unit = self._measured(rng, which)
            is_bad = rng.randrange(BAD_EVERY) == 0
            yield name, value, rng.choice(UNKNOWN) if is_bad else unit

    @override
    def files(self, rng: random.Random, number: int) -> Iterator[tuple[str, int]]:
        if number % LARGE_EVERY:
            yield from super().files(rng, number)
            return
        for part in range(MANY_FILES):
            yield f"frame_{number:07d}_{part:05d}.cbf", 6_000_000 + part

    def _measured(self, rng: random.Random, which: int) -> Parameter:
        if which < len(QUANTITIES):
            name, _, low, high, is_logarithmic, units = QUANTITIES[which]
            part = rng.random()
            base = low * (high / low) ** part if is_logarithmic else low + (high - low) * part
            unit, factor, offset = units[0] if rng.random() < 0.7 else rng.choice(units)
            return name, float(f"{(base - offset) * factor:.6g}"), unit
        unit, factor = OTHERS[which % len(OTHERS)]
        return f"motor_{which - len(QUANTITIES):03d}", round(rng.gauss(100, 30) * factor, 4), unit


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.argv.append("100000")
    generate(Skewed)
