"""Charts say in words what they draw, draw what they are given, and style nothing inline."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_portal.web.charts import PLOT, Bar, Flag, Line, bars, scale_for, step_line

FIRST = date(2026, 11, 22)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(cents: list[int], *flags: Flag, language: str = "nl", words: str = "Dalend tot niets.") -> ET.Element:
    return parsed(step_line(FIRST, [Line(cents), Line([one + 5000 for one in cents], "soft")], flags, language=language, words=words))


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314  # our own


def plot(chart: ET.Element) -> ET.Element:
    return next(part for part in chart.iter("svg") if part.get("class") == "plot")


def texts(chart: ET.Element, kind: str) -> list[str]:
    return [text.text or "" for text in chart.iter("text") if (text.get("class") or "").split(" ")[0] == kind]


def test_whoever_hears_the_chart_hears_one_sentence() -> None:
    picture = plot(drawn([100, 0], words="Van <b> naar & niets."))

    assert (picture.get("role"), picture.get("aria-label")) == ("img", "Van <b> naar & niets.")


@given(st.lists(st.integers(-500_000, 5_000_000), min_size=1, max_size=900))
def test_every_amount_lies_on_the_scale(cents: list[int]) -> None:
    scale = scale_for(cents, smallest_step=100)

    assert scale.low <= min(0, *cents, 0) <= max(0, *cents, 0) <= scale.high
    assert scale.low % scale.step == scale.high % scale.step == 0
    assert 2 <= len(scale.ticks()) <= 7
    assert all(0 <= scale.y(value) <= PLOT for value in (*cents, 0))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0], [0, 100]),
        ([90], [0, 100]),
        ([-90], [-100, 0]),
        ([70_200, 65_300], [0, 20_000, 40_000, 60_000, 80_000]),
        ([-5_000, 12_000], [-5_000, 0, 5_000, 10_000, 15_000]),
    ],
)
def test_scales_rise_in_round_steps(values: list[int], ticks: list[int]) -> None:
    assert list(scale_for(values, smallest_step=100).ticks()) == ticks


def test_a_line_has_a_corner_only_where_its_amount_changes() -> None:
    line = next(path for path in drawn([40_000] * 10 + [20_000] * 10 + [0] * 5).iter("path") if path.get("class") == "line main")

    assert re.sub(r"V[\d.]+", "V", line.get("d") or "").replace("M0 ", "").split("H")[1:] == ["10V", "20V", "25"]
    assert line.get("vector-effect") == "non-scaling-stroke"


def test_two_years_of_daily_steps_stay_small() -> None:
    cents = [round(900_00 - day * 119.93) for day in range(731)]

    assert len(step_line(FIRST, [Line(cents), Line(cents[::-1], "soft")], [], language="nl", words="x")) < 15_000


def test_a_flag_stands_on_its_day_and_its_amount() -> None:
    chart = drawn([40_000] * 50 + [0] * 50, Flag(date(2026, 12, 22), "gekozen: 22 dec", "chosen"), Flag(date(2027, 2, 20), "vrij", "good"))
    flags = {(part.get("class") or ""): part for part in plot(chart).iter("svg") if (part.get("class") or "").startswith("flag")}

    assert {kind: part.get("x") for kind, part in flags.items()} == {"flag chosen": "30.5%", "flag good turned": "90.5%"}
    # Below the two rows of words: EUR 400 on a scale of 600, and nothing.
    assert [circle.get("cy") for part in flags.values() for circle in part.iter("circle")] == ["109.3", str(48 + PLOT)]
    assert [text.text for part in flags.values() for text in part.iter("text")] == ["gekozen: 22 dec", "vrij"]


def test_a_day_beyond_the_drawing_stands_at_its_edge() -> None:
    chart = drawn([100] * 10, Flag(date(2020, 1, 1), "vroeger", "calm"), Flag(date(2030, 1, 1), "later", "calm"))

    assert sorted(part.get("x") or "" for part in plot(chart).iter("svg") if part.get("overflow")) == ["5%", "95%"]


@pytest.mark.parametrize(
    ("days", "language", "months"),
    [
        (90, "nl", ["dec 2026", "jan 2027", "feb"]),
        (730, "nl", ["jan 2027", "apr", "jul", "okt", "jan 2028", "apr", "jul", "okt"]),
        (730, "en", ["Jan 2027", "Apr", "Jul", "Oct", "Jan 2028", "Apr", "Jul", "Oct"]),
        (20, "nl", ["dec 2026"]),
        (3, "nl", []),
    ],
)
def test_as_many_months_are_named_as_fit(days: int, language: str, months: list[str]) -> None:
    assert texts(drawn([100] * days, language=language), "below") == months


def test_amounts_beside_the_chart_are_written_as_the_reader_writes_them() -> None:
    for language, top in (("nl", "2.000"), ("en", "2,000")):
        axis = next(part for part in drawn([150_000] * 5, language=language).iter("svg") if part.get("class") == "axis")
        assert next(text.text for text in axis.iter("text")) == "EUR"
        assert [text.text for text in axis.iter("text")][-1] == top


def test_columns_bear_their_values_and_words() -> None:
    chart = parsed(bars([Bar("nov", 120_050), Bar("dec", 0), Bar("jan", 60_000)], language="nl", words="x", money=True))
    columns = [float(rect.get("height") or -1) for rect in chart.iter("rect")]

    assert (texts(chart, "value"), texts(chart, "below")) == (["1.200", "", "600"], ["nov", "dec", "jan"])
    assert columns[1] == 0
    assert columns[0] == pytest.approx(2 * columns[2], abs=0.3)


def test_where_room_lacks_a_value_gives_way_only_to_one_beside_it() -> None:
    months = [Bar(str(nth), value) for nth, value in enumerate((4, 0, 5, 6, 7, 0, 0, 8))]

    chart = bars(months, language="nl", words="Acht maanden.", money=False)

    assert re.findall(r'class="value minor"[^>]*>([^<]+)<', chart) == ["6"]


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert texts(parsed(bars([], language="nl", words="Niets", money=False)), "below") == []


def test_nothing_is_styled_inline() -> None:
    pictures = step_line(FIRST, [Line([1, 2])], [], language="nl", words="x") + bars([Bar("a", 1)], language="nl", words="x", money=False)

    assert "style" not in pictures
    assert "<script" not in step_line(FIRST, [Line([1])], [Flag(FIRST, "<script>", "calm")], language="nl", words="<script>")
