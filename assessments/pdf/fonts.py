"""Which fonts a PDF may use, and so which characters it can print."""

import os
import subprocess
from functools import lru_cache
from pathlib import Path

FONTS_CONF = Path(__file__).with_name("fonts.conf")
"""The fontconfig file that names the system fonts a PDF may use beside our own. The printing
process and `printable` both use it, so what `printable` lists can be printed."""

OUR_FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"

SYSTEM_PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-core fonts-noto-cjk"
"""The Debian packages that printing needs: the libraries, then the fonts for other scripts."""


@lru_cache(maxsize=1)
def printable() -> frozenset[int]:
    """Return the code points that this machine can print: our own fonts' and Noto's.

    Takes about 0.1 s, once. Without fontconfig's tools the machine counts as having no Noto fonts: at worst, a
    character that could be printed is named instead.
    """
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - 0.1 s, which few callers need

    by_weight: list[set[int]] = []
    for weight in ("400", "600", "700"):
        characters: set[int] = set()
        for path in OUR_FONTS.glob(f"*-{weight}-normal.woff2"):
            with TTFont(path, lazy=True) as font:
                characters.update(font.getBestCmap())
        by_weight.append(characters)
    # A character that one weight lacks could not be printed in, say, a heading.
    return frozenset(set.intersection(*by_weight) | _system_characters())


def _system_characters() -> set[int]:
    try:
        listing = subprocess.run(
            ["fc-list", "--format", "%{charset}\n"],  # noqa: S607 - where it is differs by system
            env=os.environ | {"FONTCONFIG_FILE": str(FONTS_CONF)},
            capture_output=True,
            text=True,
            timeout=30,  # the first time on a machine, it reads every font
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return set()
    printable_characters: set[int] = set()
    for charset in set(listing.splitlines()):
        characters: set[int] = set()
        for span in charset.split():
            first, _, last = span.partition("-")
            characters.update(range(int(first, 16), int(last or first, 16) + 1))
        # Pango takes the space between two words from the words' own font: a font without a space
        # (Noto Sans Tamil Supplement) would print a box there.
        if ord(" ") in characters:
            printable_characters |= characters
    return printable_characters
