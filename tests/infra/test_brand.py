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
    assert brand.contrast(face.accent, brand.PAPER_LIGHT) >= brand.READABLE
    assert brand.contrast(face.accent_dark, brand.PAPER_DARK) >= brand.READABLE
    assert brand.contrast(face.on_accent, face.accent) >= brand.READABLE
    assert brand.contrast(face.on_accent_dark, face.accent_dark) >= brand.READABLE


@given(COLOURS)
def test_a_colour_that_can_be_read_is_left_alone(colour: str) -> None:
    chosen = brand.readable(colour, on=brand.PAPER_LIGHT)
    assert (chosen == colour.lower()) == (brand.contrast(colour, brand.PAPER_LIGHT) >= brand.READABLE)


def test_contrast_is_that_of_the_standard() -> None:
    assert brand.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert brand.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert brand.contrast("#ffffff", "#777777") == brand.contrast("#777777", "#ffffff")


def test_yellow_becomes_dark_enough_and_stays_yellowish() -> None:
    assert brand.readable("#ffd400", on="#ffffff") == "#8c7400"


@pytest.mark.parametrize("wrong", ["red", "#fff", "#12345g", "1f4e79", "", "#1f4e79;}body{display:none"])
def test_what_is_no_colour_is_refused(wrong: str) -> None:
    with pytest.raises(brand.NotAColour):
        brand.stylesheet(wrong)


def test_the_style_sheet_names_both_properties_for_both_papers() -> None:
    sheet = brand.stylesheet("#e07b00")
    assert sheet.startswith(":root{--brand:#b36200;--on-brand:#ffffff}\n@supports (color:light-dark(#000,#fff)){")
    assert "--brand:light-dark(#b36200,#e07b00);--on-brand:light-dark(#ffffff,#000000)" in sheet
