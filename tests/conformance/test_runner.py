"""Cases with known answers agree with our rules, and the report tells honestly which do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from partner_portal.conformance import runner
from partner_portal.conformance.reading import Case, agrees
from partner_portal.conformance.runner import Deliberate

CASES = Path(__file__).parent / "cases"
FILES = ("rules.json", "heart.json", "peers.json", "worked_buyouts.json", "billing_edges.json", "billing_edges_peers.json")
NOTHING_DOCUMENTED: tuple[Deliberate, ...] = ()


def _all_cases() -> list[Case]:
    found: list[Case] = []
    for name in FILES:
        found += runner.cases_in(json.loads((CASES / name).read_text(encoding="utf-8")))
    return [case for case in found if case.family.removeprefix("peers.") not in runner.LATER]


def _file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


ADD_A_MONTH = {"id": "1", "fn": "add_months", "args": ["2026-01-31", 1], "expected": "2026-02-28"}


@pytest.mark.parametrize("case", _all_cases(), ids=lambda case: f"{case.family}-{case.id}")
def test_our_rules_give_the_known_answer(case: Case) -> None:
    got = runner.answer_to(case)
    if case.family == "peers.kb-cycles" and "anchor_preserving_value" in case.expected:
        assert got["decimal"] == case.expected["anchor_preserving_value"]
    elif case.family == "peers.numbering":
        assert agrees({"2023-12": ["202312-016", "202312-017", "202312-018"]}, got), "no number is left out"
    else:
        assert agrees(case.expected, got), got


def test_the_kept_cases_leave_no_undocumented_difference() -> None:
    status, lines = runner.portal_conformance([CASES / name for name in FILES])
    assert status == 0
    assert lines[-1] == "513 of 515 agree, 2 deliberate differences, 0 undocumented"
    assert "peers.sla: 4 cases, not part of this version" in lines
    assert "peers.kb-cycles: 24 of 25 agree, 1 deliberately different" in lines


def test_a_wrong_answer_is_shown_with_inputs_expected_and_got(tmp_path: Path) -> None:
    status, lines = runner.portal_conformance([_file(tmp_path, {"date_cases": [{**ADD_A_MONTH, "expected": "2026-03-03"}]})])
    assert status == 1
    assert lines == [
        "rules.add_months: 0 of 1 agree",
        "",
        "rules.add_months 1: DIFFERENT",
        '  inputs    ["2026-01-31", 1]',
        '  expected  "2026-03-03"',
        '  got       "2026-02-28"',
        "",
        "0 of 1 agree, 0 deliberate differences, 1 undocumented",
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"date_cases": [{**ADD_A_MONTH, "fn": "add_centuries"}]},
        {"astrology": [{"id": "1", "inputs": {}, "expected": {}}]},
        {"prices": [{"amount": "1.00"}]},
        [{"family": "weather", "id": "1", "inputs": {}, "expected": {}}],
    ],
)
def test_a_kind_of_case_nobody_answers_is_a_difference(tmp_path: Path, content: object) -> None:
    report = runner.run([_file(tmp_path, content)])
    assert report.exit_status == 1
    assert str(report.undocumented[0].got).startswith("UnknownFamily")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "BadCase: needs 'principal', or knows no 'principal'"),
        ({"principal": "a lot"}, "BadCase: 'a lot' is no amount"),
        ({"principal": "1.005"}, "TooPreciseAmount"),
    ],
)
def test_a_case_that_cannot_be_read_says_what_is_wrong_with_it(tmp_path: Path, inputs: object, said: str) -> None:
    report = runner.run([_file(tmp_path, [{"family": "bik", "id": "1", "inputs": inputs, "expected": {}}])])
    assert str(report.undocumented[0].got).startswith(said)


@pytest.mark.parametrize(
    "content", ["{not json", json.dumps([7, ADD_A_MONTH]), json.dumps({"date_cases": [{"fn": "add_months", "args": []}]})]
)
def test_a_file_that_is_no_case_file_is_a_difference_and_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "cases.json").write_text(content, encoding="utf-8")
    good = tmp_path / "good.json"
    good.write_text(json.dumps({"date_cases": [ADD_A_MONTH]}), encoding="utf-8")
    report = runner.run([tmp_path / "cases.json", good])
    assert report.exit_status == 1
    assert all(str(difference.got).startswith("BadCase") for difference in report.undocumented)
    assert report.families["rules.add_months"].agree == 1, "what can be read is answered all the same"


def test_a_field_that_nobody_asked_for_changes_no_answer() -> None:
    for case in _all_cases():
        if isinstance(case.inputs, dict):
            assert runner.answer_to(case) == runner.answer_to(Case(case.family, case.id, {**case.inputs, "colour": "blue"}, case.expected))


def test_a_documented_difference_does_not_fail_the_run(tmp_path: Path) -> None:
    path = _file(tmp_path, {"date_cases": [{**ADD_A_MONTH, "expected": "2026-03-03"}]})
    report = runner.run([path], [Deliberate("rules.1", "", "we clip")])
    assert report.exit_status == 0
    assert report.differences[0].reason == "we clip"


def test_a_documented_field_excuses_only_the_answer_it_names(tmp_path: Path) -> None:
    inputs = {"start": "2011-02-14", "end": None, "target_date": "2011-03-01", "bill_cycle_day": 31, "period_months": 1}
    entry = {"family": "kb-cycles", "id": "k", "inputs": inputs}
    known = [Deliberate("peers.kb-cycles", "anchor_preserving_value", "anchors stay")]
    excused = {**entry, "expected": {"decimal": "1.451612903", "anchor_preserving_value": "1.500000000"}}
    wrong_too = {**entry, "expected": {"decimal": "1.451612903", "anchor_preserving_value": "1.600000000"}}
    unnamed = {**entry, "expected": {"decimal": "1.451612903"}}
    assert runner.run([_file(tmp_path, [excused])], known).exit_status == 0
    assert runner.run([_file(tmp_path, [wrong_too])], known).exit_status == 1
    assert runner.run([_file(tmp_path, [unnamed])], known).exit_status == 1
    assert runner.run([_file(tmp_path, [excused])], NOTHING_DOCUMENTED).exit_status == 1


def test_the_document_is_read_as_a_table(tmp_path: Path) -> None:
    document = tmp_path / "conformance.md"
    assert runner.deliberate_differences(document) == []
    document.write_text("# Title\n| case | ours | reason |\n|---|---|---|\n| `peers.a-1` | | Because. |\n", encoding="utf-8")
    assert runner.deliberate_differences(document) == [Deliberate("peers.a-1", "", "Because.")]


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (40.0, 40, True),
        (40.0, "40", False),
        (True, 1, False),
        (1, True, False),
        (None, 0, False),
        ([1, 2], (1, 2), True),
        ([1, 2], [1], False),
        ([1], 1, False),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "wrong_value_seen": 9}, {"a": 1}, True),
        ({"a": 1}, "a", False),
        ("1.00", "1.00", True),
    ],
)
def test_answers_are_compared_by_value(expected: object, got: object, same: bool) -> None:  # noqa: FBT001 - a table's column
    assert agrees(expected, got) is same
