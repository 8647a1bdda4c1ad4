"""Make the frozen word statistics of the search index: how rare each stem is in texts of the field.

Texts are the labels and definitions of PaNET, and the documentation in the NeXus definitions and in
the ICAT definitions of the ESRF. Each paragraph counts as one text. Only numbers leave this script:
in how many texts a stem stands.

Run it with the development requirements installed; it writes beside `search.index.text.statistics`.
The ranks of all catalogues change with the file: change `VERSION` of the index schema too.
"""

import json
import math
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from panosc.search.index.analysis import stems

HERE = Path(__file__).parent.parent
OUT = HERE / "src/panosc/search/index/text/word_statistics.txt"
FEWEST, SHORTEST = 3, 4
"""Texts that a stem has to stand in, and words that make a text."""
ADDRESS = re.compile(r"https?://\S+")
HEAD = """\
# How rare stems are in texts of photon and neutron science: ln(1 + (N - n + 0.5) / (n + 0.5)),
# then the stems with that. Counted by scripts/make_word_statistics.py in: PaNET (its developers,
# CC BY 4.0), and the documentation in the NeXus definitions (NIAC, LGPL 3.0) and in the ICAT
# definitions of the ESRF (MIT). The texts themselves are not here.
"""


def main() -> None:
    """Count and write."""
    texts = {ADDRESS.sub(" ", text) for text in _texts() if len(text.split()) >= SHORTEST}
    counts = Counter(stem for text in texts for stem in set(stems(text)))
    by_rarity: defaultdict[float, list[str]] = defaultdict(list)
    for stem, count in counts.items():
        if count >= FEWEST and stem.isalpha() and stem.isascii() and len(stem) > 1:
            rarity = math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
            by_rarity[round(rarity, 1)].append(stem)
    lines = [f"{rarity} {' '.join(sorted(by_rarity[rarity]))}\n" for rarity in sorted(by_rarity)]
    OUT.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{OUT.name}: {len(texts)} texts, {sum(map(len, by_rarity.values()))} stems")


def _texts() -> Iterator[str]:
    panet = json.loads((HERE / "src/panosc/search/panet.json").read_text("utf-8"))
    for item in panet["classes"]:
        yield " ".join([item["label"], *item["alternatives"], item["definition"]])
    for package, pattern in (
        ("nexusformat", "**/*.nxdl.xml"),
        ("icat_esrf_definitions", "**/*.xml"),
    ):
        folder = Path(str(import_module(package).__file__)).parent
        for path in sorted(folder.glob(pattern)):
            yield from _documentation(path)


def _documentation(path: Path) -> Iterator[str]:
    for node in ET.parse(path).iter():
        if node.tag.endswith("doc") and node.text:
            yield from (" ".join(part.split()) for part in re.split(r"\n\s*\n", node.text))
        elif node.get("NAPIType") or node.get("ESRF_description"):
            yield " ".join((node.get("ESRF_description") or "").split())


if __name__ == "__main__":
    main()
