"""Every pair of colours that the style sheet allows can be read: WCAG 2.2, AA."""

import re

import pytest

from panosc.portal import static_files

TOKENS = {
    name: pair
    for name, *pair in re.findall(
        r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)",
        static_files.files()["panosc.css"].decode(),
    )
}
GROUNDS = ("bg", "surface", "raised")
TEXTS = ("text", "muted", "link", "visited", "ok", "warn", "err")
PAIRS = [
    *((text, ground, 4.5) for text in TEXTS for ground in GROUNDS),
    ("on-accent", "accent", 4.5),
    *((name, f"{name}-bg", 4.5) for name in ("ok", "warn", "err")),
    *(
        (name, ground, 4.5)
        for name in ("text", "link", "visited")
        for ground in ("info-bg", "warn-bg", "err-bg")
    ),
    *((name, ground, 3.0) for name in ("control", "focus", "accent") for ground in GROUNDS),
]


def luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_pair_is_readable(front, ground, least, theme):
    assert contrast(TOKENS[front][theme], TOKENS[ground][theme]) >= least
