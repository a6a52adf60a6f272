"""Whatever colour a partner chooses, its pages can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.infra import brand

COLOURS = st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)


@given(COLOURS)
def test_every_colour_can_be_read_on_light_and_on_dark_paper(colour: str) -> None:
    face = brand.Brand(name="Noord ICT", colour=colour)
    for ink, paper in ((face.accent, brand.PAPER_LIGHT), (face.accent, brand.WHITE), (face.accent_dark, brand.PAPER_DARK)):
        assert brand.contrast(ink, paper) >= brand.READABLE
        for tint in range(brand.TINT + 1):
            assert brand.contrast(ink, tinted(paper, ink, tint)) >= brand.READABLE
    assert brand.contrast(face.on_accent, face.accent) >= brand.READABLE
    assert brand.contrast(face.on_accent_dark, face.accent_dark) >= brand.READABLE


def tinted(paper: str, ink: str, share: int) -> str:
    """The paper with so many per cent of the ink, as the style sheets mix it."""
    pairs = [(int(paper[place : place + 2], 16), int(ink[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{(light * (100 - share) + dark * share) // 100:02x}" for light, dark in pairs)


@given(COLOURS)
def test_a_colour_that_can_be_read_is_left_alone(colour: str) -> None:
    chosen = brand.readable(colour, on=brand.PAPER_LIGHT)
    can_be_read = brand.contrast(colour, tinted(brand.PAPER_LIGHT, colour, brand.TINT)) >= brand.READABLE
    assert (chosen == colour.lower()) == can_be_read


def test_contrast_is_that_of_the_standard() -> None:
    assert brand.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert brand.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert brand.contrast("#ffffff", "#777777") == brand.contrast("#777777", "#ffffff")


def test_yellow_becomes_dark_enough_and_stays_yellowish() -> None:
    assert brand.readable("#ffd400", on="#ffffff") == "#7f6a00"


@pytest.mark.parametrize("wrong", ["red", "#fff", "#12345g", "1f4e79", "", "#1f4e79;}body{display:none"])
def test_what_is_no_colour_is_refused(wrong: str) -> None:
    with pytest.raises(brand.NotAColour):
        brand.stylesheet(wrong)


def test_the_style_sheet_names_both_properties_for_both_papers() -> None:
    sheet = brand.stylesheet("#e07b00")
    assert sheet.startswith(":root{--brand:#9a5400;--on-brand:#ffffff}\n@supports (color:light-dark(#000,#fff)){")
    assert "--brand:light-dark(#9a5400,#e07b00);--on-brand:light-dark(#ffffff,#000000)" in sheet
