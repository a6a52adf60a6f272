"""The partner's face on pages, mails and letters: its name, where to reach it, and its colour made readable."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from partner_portal.kernel.errors import Invalid

WHITE, BLACK = "#ffffff", "#000000"
PAPER_LIGHT, PAPER_DARK = "#f6f7f8", "#14171b"
"""Of the grounds that text stands on, in each theme, the one on which it reads worst."""
READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3, for text of any size
TINT = 12  # per cent of the colour itself that its paper may be tinted with: rows chosen, hints, steps
_LINEAR_BELOW = 0.04045
_HEX = re.compile(r"#[0-9a-f]{6}")


class NotAColour(Invalid):
    """A brand colour is `#` and six hexadecimal digits."""


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """Whose name a page, mail or letter bears, and whom to call or write about it.

    The logo is a document on file (`logo`, for mails), has an address of ours (`logo_url`, for pages), and stands in a letter itself (`picture`).
    """

    name: str
    code: str = ""
    """Under which its public pages stand; nothing for the provider's own."""
    colour: str = "#1f4e79"
    email: str = ""
    phone: str = ""
    website: str = ""
    address: str = ""
    logo: UUID | None = None
    logo_url: str = ""
    picture: str = ""

    @property
    def accent(self) -> str:
        """The colour as it is used for text and buttons on light paper."""
        return readable(self.colour, on=PAPER_LIGHT)

    @property
    def on_accent(self) -> str:
        """White or black: what reads on `accent`."""
        return ink_on(self.accent)

    @property
    def accent_dark(self) -> str:
        """The colour as it is used on dark paper."""
        return readable(self.colour, on=PAPER_DARK)

    @property
    def on_accent_dark(self) -> str:
        """White or black: what reads on `accent_dark`."""
        return ink_on(self.accent_dark)


def stylesheet(colour: str) -> str:
    """The brand's custom properties, for light and dark; depends on the colour alone, so it may be cached for ever."""
    brand = Brand(name="", colour=colour)
    return (
        f":root{{--brand:{brand.accent};--on-brand:{brand.on_accent}}}\n"
        "@supports (color:light-dark(#000,#fff)){"
        f":root{{--brand:light-dark({brand.accent},{brand.accent_dark});--on-brand:light-dark({brand.on_accent},{brand.on_accent_dark})}}}}\n"
    )


def hexed(text: str) -> str:
    """A colour as people write it (`#ABC`, `1F4E79`) in its full form; anything else stays what it is."""
    digits = text.strip().removeprefix("#").lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)  # noqa: PLR2004  # short, as style sheets allow it


def readable(colour: str, *, on: str) -> str:
    """The colour nearest to `colour` whose contrast on the paper `on`, also tinted with it, is at least READABLE."""
    towards = ink_on(on)
    for step in range(101):
        mixed = _mixed(colour, towards, step)
        if min(contrast(mixed, on), contrast(mixed, _mixed(on, mixed, TINT))) >= READABLE:
            return mixed
    return towards


def ink_on(paper: str) -> str:
    """White where it can be read on `paper`, black elsewhere; one of the two always can."""
    return WHITE if contrast(WHITE, paper) >= READABLE else BLACK


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 (the same) to 21 (black on white)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _mixed(colour: str, towards: str, step: int) -> str:
    pairs = zip(_channels(colour), _channels(towards), strict=True)
    return "#" + "".join(f"{(a * (100 - step) + b * step) // 100:02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    # The transfer function of sRGB, IEC 61966-2-1, with the threshold of the standard itself.
    return share / 12.92 if share <= _LINEAR_BELOW else ((share + 0.055) / 1.055) ** 2.4


def _channels(colour: str) -> tuple[int, int, int]:
    plain = colour.lower()
    if not _HEX.fullmatch(plain):
        raise NotAColour(colour=colour)
    return int(plain[1:3], 16), int(plain[3:5], 16), int(plain[5:7], 16)
